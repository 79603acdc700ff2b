"""Small damages to a valid XML document, each repeatable from its key.

A mutation is named by (document name, seed, index): the same three always give
the same damage, whatever was generated before. Used where two judges of
documents have to agree.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

# Values near the borders of the types that schemas use.
# fmt: off
_VALUES = (
    "", " ", "x", "a b", " x ", "\n\tx", "æøå", "a:b:c", "a\u00a0b",
    "0", "1", "-1", "+1", "3.14", "1e3", "true", "false", "TRUE", "12345678901234567890123456",
    "1.2.3", "1..2", ".1", "1.", "2.16.578.1.12.4.1.1.9051", "\u0663.\u0664", "1 .2",
    "2026", "2026-02", "2026-02-03", "2026-02-30", "1991-12-4", "2026-02-03Z", "-2026-02-03",
    "2026-02-03T04:05:06", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06.1234567+01:00",
    " 2026-02-03\n", "\n  2026-02-03T04:05:06Z", "2026-02-03T04:05:06 ", "\u00a02026-02-03",
    "2026-02-03T24:00:00", "2026-02-03T25:00:00", "2026-02-03 04:05:06", "04:05:06", "04:05",
    "aGVp", "aGVp=", "aGU=", "aG Vp", "a===", "%%%",
    "urn:x:y", "http://example.org/a b", "http://example.org/%zz", "cid:a@b", "#x", "::", "[",
    "no", "nb-NO", "nb_NO", "toolonglanguage", "Error", "Warning", "error", "simple", "extended",
    "v1.2 2006-05-24", "v1.2  2006-05-24", "Continue", "Received", "preserve",
)
# fmt: on
_ATTRIBUTES = ("V", "S", "DN", "OT", "Id", "URI", "Algorithm", "x", "location", "version", "type")
_BUILT_IN = (
    *("string", "token", "int", "integer", "dateTime", "date", "anyType", "anyURI"),
    *("base64Binary", "boolean", "NMTOKEN", "nothing"),
)
_FOREIGN = "urn:example:foreign"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One damaged document."""

    key: tuple[str, int, int]
    damage: str
    root: etree._Element


def mutate(
    name: str, document: bytes, *, seed: int, index: int, names: Sequence[str] = ()
) -> Mutation:
    """Damage ``document`` once or, in one case of five, twice.

    Args:
        name: name of the document; part of the key.
        document: well-formed XML.
        seed: which series.
        index: which mutation of the series.
        names: ``{namespace}local`` names to rename to and to insert, beside the document's own.
    """
    chance = random.Random(f"{name}/{seed}/{index}")
    root = etree.fromstring(document)
    damages = []
    for _ in range(2 if chance.random() < 0.2 else 1):
        damage = chance.choice(_DAMAGES)
        made_again = damage(root, chance, names)
        root = root if made_again is None else made_again
        damages.append(damage.__name__.strip("_"))
    return Mutation((name, seed, index), "+".join(damages), root)


def mutations(
    name: str, document: bytes, *, seed: int, count: int, names: Sequence[str] = ()
) -> Iterator[Mutation]:
    """The first ``count`` mutations of one series."""
    for index in range(count):
        yield mutate(name, document, seed=seed, index=index, names=names)


def _elements(root: etree._Element) -> list[etree._Element]:
    return [element for element in root.iter() if isinstance(element.tag, str)]


def _any(root: etree._Element, chance: random.Random) -> etree._Element:
    return chance.choice(_elements(root))


def _child(root: etree._Element, chance: random.Random) -> etree._Element | None:
    inner = _elements(root)[1:]
    return chance.choice(inner) if inner else None


def _tag(root: etree._Element, chance: random.Random, names: Sequence[str]) -> str:
    own = [str(element.tag) for element in _elements(root)]
    return chance.choice(names) if names and chance.random() < 0.5 else chance.choice(own)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        element.tail = None  # a tail would go too, but only after it was moved
        parent.remove(element)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _drop(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    if (element := _child(root, chance)) is not None:
        _remove(element)


def _double(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    if (element := _child(root, chance)) is not None:
        for _ in range(chance.choice((1, 1, 3))):
            element.addnext(deepcopy(element))


def _move(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _child(root, chance)
    target = _any(root, chance)
    if element is not None and element not in (target, *target.iterancestors()):
        _remove(element)
        target.insert(chance.randint(0, len(target)), element)


def _copy_elsewhere(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element, target = _any(root, chance), _any(root, chance)
    clone = deepcopy(element)
    clone.tail = None
    target.insert(chance.randint(0, len(target)), clone)


def _copy_beside(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _child(root, chance)
    if element is not None:
        parent = _parent(element)
        parent.insert(chance.randint(0, len(parent)), deepcopy(element))


def _rename(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _any(root, chance) if chance.random() < 0.05 else _child(root, chance)
    if element is not None:
        element.tag = _tag(root, chance, names)


def _misspell(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _any(root, chance)
    element.tag = str(element.tag) + chance.choice(("x", "-", "1"))


def _other_namespace(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _any(root, chance)
    namespaces = sorted({etree.QName(tag).namespace or "" for tag in names} | {"", _FOREIGN})
    namespace, local = chance.choice(namespaces), etree.QName(element).localname
    element.tag = f"{{{namespace}}}{local}" if namespace else local


def _insert(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    target = _any(root, chance)
    element = etree.Element(_tag(root, chance, names))
    if chance.random() < 0.3:
        element.text = chance.choice(_VALUES)
    if chance.random() < 0.2:
        element.set("V", chance.choice(_VALUES))
    target.insert(chance.randint(0, len(target)), element)


def _insert_like_sibling(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    # The namespace of the neighbours is the likeliest to be admitted.
    target = _any(root, chance)
    neighbour = next((child for child in target if isinstance(child.tag, str)), target)
    namespace = etree.QName(neighbour).namespace
    fitting = [tag for tag in names if etree.QName(tag).namespace == namespace]
    if fitting:
        target.insert(chance.randint(0, len(target)), etree.Element(chance.choice(fitting)))


def _swap(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    parents = [element for element in _elements(root) if len(element) > 1]
    if parents:
        parent = chance.choice(parents)
        place = chance.randrange(len(parent) - 1)
        element = parent[place]
        element.tail = None
        parent.insert(place + 1, element)


def _shuffle(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    parent = _any(root, chance)
    children = list(parent)
    chance.shuffle(children)
    for child in children:
        child.tail = None
        parent.append(child)


def _empty(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _any(root, chance)
    for child in list(element):
        _remove(child)
    element.text = None


def _wrap(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _child(root, chance)
    if element is not None:
        wrapper = etree.Element(_tag(root, chance, names))
        element.addprevious(wrapper)
        element.tail = None
        wrapper.append(element)


def _unwrap(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _child(root, chance)
    if element is not None and len(element):
        for child in list(element):
            child.tail = None
            element.addprevious(child)
        _remove(element)


def _text(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    leaves = [element for element in _elements(root) if not len(element)]
    element = chance.choice(leaves) if leaves and chance.random() < 0.8 else _any(root, chance)
    element.text = chance.choice(_VALUES)


def _tail(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    if (element := _child(root, chance)) is not None:
        element.tail = chance.choice(_VALUES)


def _comment(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    target = _any(root, chance)
    added = chance.choice((etree.Comment("note"), etree.ProcessingInstruction("app", "x")))
    added.tail = target.text
    target.text = None
    target.insert(0, added)


def _drop_attribute(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    with_attributes = [element for element in _elements(root) if element.attrib]
    if with_attributes:
        element = chance.choice(with_attributes)
        del element.attrib[chance.choice(sorted(map(str, element.attrib)))]


def _set_attribute(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    with_attributes = [element for element in _elements(root) if element.attrib]
    if with_attributes:
        element = chance.choice(with_attributes)
        element.set(chance.choice(sorted(map(str, element.attrib))), chance.choice(_VALUES))


def _add_attribute(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    element = _any(root, chance)
    own = sorted({str(name) for other in _elements(root) for name in other.attrib})
    name = chance.choice(own) if own and chance.random() < 0.5 else chance.choice(_ATTRIBUTES)
    if chance.random() < 0.2:
        namespaces = sorted(filter(None, {etree.QName(tag).namespace for tag in names}))
        namespace = chance.choice([*namespaces, _FOREIGN, XSI])
        name = f"{{{namespace}}}{etree.QName(name).localname}"
    if name.startswith(f"{{{XSI}}}") and name != f"{{{XSI}}}nil":
        name = f"{{{XSI}}}nil"  # xsi:type needs a bound prefix, see below
    element.set(name, chance.choice(_VALUES))


def _attribute_namespace(root: etree._Element, chance: random.Random, names: Sequence[str]) -> None:
    with_attributes = [element for element in _elements(root) if element.attrib]
    if with_attributes:
        element = chance.choice(with_attributes)
        old = chance.choice(sorted(map(str, element.attrib)))
        value = element.attrib.pop(old)
        qualified = etree.QName(old)
        namespace = "" if qualified.namespace else etree.QName(element).namespace
        local = qualified.localname
        element.set(f"{{{namespace}}}{local}" if namespace else local, str(value))


def _type(
    root: etree._Element, chance: random.Random, names: Sequence[str]
) -> etree._Element | None:
    # A prefix can be bound only when an element is made, so the element is made again.
    element = _any(root, chance)
    namespaces = {etree.QName(tag).namespace for tag in names}
    namespaces.add("http://www.kith.no/xmlstds")
    namespace = chance.choice([XS, XS, *sorted(filter(None, namespaces))])
    if namespace == XS:
        local = chance.choice(_BUILT_IN)
    else:
        local = chance.choice(("CS", "CV", "TS", "URL", "oid", "Ident", "Address", "TeleCom"))
    new = etree.Element(element.tag, nsmap={"made": namespace, "xsi": XSI})
    new.attrib.update(element.attrib)
    new.text, new.tail = element.text, element.tail
    new.extend(list(element))
    prefix = "unbound" if chance.random() < 0.1 else "made"
    new.set(f"{{{XSI}}}type", f"{prefix}:{local}")
    parent = element.getparent()
    if parent is None:
        return new
    parent.replace(element, new)
    return None


Damage = Callable[[etree._Element, random.Random, Sequence[str]], etree._Element | None]
_DAMAGES: tuple[Damage, ...] = (
    _drop,
    _drop,
    _double,
    _double,
    _move,
    _copy_elsewhere,
    _copy_beside,
    _rename,
    _misspell,
    _other_namespace,
    _insert,
    _insert_like_sibling,
    _insert_like_sibling,
    _swap,
    _swap,
    _shuffle,
    _empty,
    _wrap,
    _unwrap,
    _text,
    _text,
    _text,
    _tail,
    _comment,
    _drop_attribute,
    _drop_attribute,
    _set_attribute,
    _set_attribute,
    _set_attribute,
    _add_attribute,
    _attribute_namespace,
    _type,
)
