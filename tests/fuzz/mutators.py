"""Damages that keep the shape of an input, so that most of them get past its parser.

``damaged`` is repeatable from its seed. Beside flips of bytes it changes XML by its
tree, JSON by its values and mails by their lines, and now and then blows an input up,
since what costs the square of its size shows only then.
"""

import json
import random
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Final

from lxml import etree

from gateway.codecs.xml import parse_untrusted
from gateway.errors import GatewayError
from tests.mutations import mutate

_TEXTS: Final = (
    *("", " ", "\x00", "\x0b", "\ud800", "\ufffe", "￾", "\U0001f691", "æøå", "²", "٣", "\r\n"),
    *("-1", "1e400", "NaN", "0" * 400, "9" * 5000, "2026-02-30", "9999-12-31T23:59:59.9-14:00"),
    *("0001-01-01T00:00:00+14:00", "2026-03-04T24:00:00Z", "cid:%ff%00", "a" * 3000, "<x>", "&#0;"),
    *(
        "=?utf-8?b?4pyT?=",
        "(((((",
        '"' * 200,
        "<" * 200,
        "boundary=",
        "\\",
        "a/b/c",
        "8668:S0304 x",
    ),
)
_ODD_VALUES: Final[tuple[object, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    10**400,
    1.5,
    [],
    {},
    [[]],
    {"": ""},
    [None],
)
# What no tree would write: names and values that parsers disagree on. Namespace names are
# absolute, since a relative one hides errors from the parser (corpus, found-unbound-prefix).
_TAG: Final = re.compile(rb"<(/?)([A-Za-z_][^\s<>/=\"']*)([^<>]*)>")
_MARKUP: Final = (
    *(b"<!-- x -->", b"<?x y?>", b"<![CDATA[<]]>", b"]]>", b"&#x10FFFF;", b"&amp;#0;", b"&b;"),
    *(b"&#xD;", b"<!DOCTYPE a>", b"<a xmlns=''/>", b"<R: xmlns='u'/>", b"<:R xmlns='u'/>"),
)
_ATTRIBUTES: Final = (
    *(b' xmlns=""', b' xmlns="urn:x"', b' xmlns:a="urn:a" a:a="1"', b' xml:lang="" xml:id="1"'),
    *(
        b' xml:base="x" xml:space="preserve"',
        b' xmlns:q="" ',
        b' xmlns="x y"',
        b" Id='#\xc3\xa6'",
    ),
    *(b' xsi:type="x:y"', b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="1"'),
)

Damage = Callable[[bytes, random.Random, int], bytes]


def damaged(body: bytes, shape: str, *, seed: int, longest: int) -> bytes:
    """Damage ``body`` once; of at most ``longest`` bytes.

    Args:
        body: an input, valid or not.
        shape: ``xml``, ``json``, ``lines`` or ``bytes``.
        seed: the same gives the same damage.
        longest: bound on the result.
    """
    chance = random.Random(seed)
    roll = chance.random()
    if roll < 0.02:
        made = _blown_up(body, chance, longest)
    elif roll < 0.25:
        made = _flipped(body, chance, longest)
    else:
        made = _BY_SHAPE[shape](body, chance, longest)
    return made[:longest]


def _flipped(body: bytes, chance: random.Random, longest: int) -> bytes:
    changed = bytearray(body or b"x")
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at] = chance.choice(b"\x00\xff<>&\"'=:;\r\n -0{}[]%")
            case 2:
                del changed[at : at + chance.choice((1, 4, 64))]
            case 3:
                changed[at:at] = chance.choice(_TEXTS).encode("utf-8", "surrogatepass")
            case _:
                other = chance.randrange(len(changed))
                changed[at:at] = changed[other : other + chance.choice((2, 16, 256))]
        if not changed:
            return b""
    return bytes(changed)


def _blown_up(body: bytes, chance: random.Random, longest: int) -> bytes:
    """Repeat a piece of the input until it is long."""
    if not body:
        return b""
    start = chance.randrange(len(body))
    piece = body[start : start + chance.choice((1, 2, 8, 40, 300))]
    if body[start : start + 1] != b"<" and chance.random() < 0.5:  # whole tags multiply better
        start = max(body.rfind(b"<", 0, start), 0)
        end = body.find(b">", start)
        piece = body[start : end + 1] or piece
    room = max(longest - len(body), 0)
    times = min(chance.choice((20, 300, 3_000, 100_000)), room // max(len(piece), 1))
    return body[:start] + piece * times + body[start:]


def _retagged(body: bytes, chance: random.Random) -> bytes:
    """Change one tag, and its name at the other end, as text."""
    tags = list(_TAG.finditer(body))
    if not tags:
        return body
    tag = chance.choice(tags)
    match chance.randrange(4):
        case 0:
            new = chance.choice((b":" + tag[2], tag[2] + b":", tag[2] + b"\xc2\xb7", b"_"))
            start, end = body[: tag.start()], body[tag.start() :]
            for old in (b"<" + tag[2], b"</" + tag[2]):
                end = end.replace(old, old[: -len(tag[2])] + new, 1)
            return start + end
        case 1:
            return body[: tag.end(2)] + chance.choice(_ATTRIBUTES) + body[tag.end(2) :]
        case _:
            return body[: tag.end()] + chance.choice(_MARKUP) + body[tag.end() :]


def _xml(body: bytes, chance: random.Random, longest: int) -> bytes:
    if chance.random() < 0.25:
        return _retagged(body, chance)
    try:
        root = parse_untrusted(body)
    except GatewayError:
        return _flipped(body, chance, longest)
    try:
        if chance.random() < 0.2:
            _odd_text(root, chance)
        else:
            root = mutate("fuzz", body, seed=chance.getrandbits(32), index=0).root
    except (ValueError, etree.LxmlError):  # names and characters that lxml does not write
        return _flipped(body, chance, longest)
    return etree.tostring(root)


def _odd_text(root: etree._Element, chance: random.Random) -> None:
    element = chance.choice(list(root.iter(etree.Element)))
    text = chance.choice(_TEXTS)
    if element.attrib and chance.random() < 0.5:
        element.set(str(chance.choice(sorted(map(str, element.attrib)))), text)
    elif chance.random() < 0.1:
        element.text = "x" * chance.choice((1_000, 30_000))
    else:
        element.text = text


def _json(body: bytes, chance: random.Random, longest: int) -> bytes:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return _flipped(body, chance, longest)
    places: list[tuple[object, object]] = []
    waiting = [data]
    while waiting:
        node = waiting.pop()
        pairs = (
            list(node.items())
            if isinstance(node, dict)
            else list(enumerate(node))
            if isinstance(node, list)
            else []
        )
        places += [(node, key) for key, _ in pairs]
        waiting += [value for _, value in pairs]
    if not places:
        return _flipped(body, chance, longest)
    node, key = chance.choice(places)
    value: object = (
        chance.choice(_TEXTS) if chance.random() < 0.6 else deepcopy(chance.choice(_ODD_VALUES))
    )
    if isinstance(node, dict):
        match chance.randrange(5):
            case 0:
                del node[key]
            case 1:
                node[chance.choice(_TEXTS)] = value
            case 2:
                other, other_key = chance.choice(places)
                node[key] = other[other_key] if isinstance(other, dict) else other
            case _:
                node[key] = value
    elif isinstance(node, list) and isinstance(key, int):
        if chance.random() < 0.3:
            node += [node[key]] * chance.choice((1, 30))
        else:
            node[key] = value
    try:
        return json.dumps(data, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # a value that now contains itself
        return body


def _lines(body: bytes, chance: random.Random, longest: int) -> bytes:
    """Change whole lines, and values after a colon or an equals sign."""
    lines = body.split(b"\n")
    head = lines.index(b"\r") if b"\r" in lines else len(lines)
    # The header twice as often as its share, since bodies are long.
    at = chance.randrange(head + 1 if chance.random() < 0.5 else len(lines)) % len(lines)
    other = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at:at] = [lines[at]] * chance.choice((1, 40, 400))
        case 4:
            lines.insert(at, b" " + chance.choice(_TEXTS).encode("utf-8", "surrogatepass"))
        case _:
            mark = b"=" if b"=" in lines[at] and chance.random() < 0.5 else b":"
            name, found, _ = lines[at].partition(mark)
            value = chance.choice(_TEXTS).encode("utf-8", "surrogatepass")
            lines[at] = name + found + b' "'[: chance.randrange(3)] + value + b"\r"
    return b"\n".join(lines)


_BY_SHAPE: Final[dict[str, Damage]] = {
    "xml": _xml,
    "json": _json,
    "lines": _lines,
    "bytes": _flipped,
}
