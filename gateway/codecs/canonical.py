"""The octets that an envelope's signature is made over, and that its reference ``""`` covers.

Canonical XML 1.0 (REC-xml-c14n-20010315), without comments, around the traps of
lxml. A signature fails here when it is right but written in an unforeseen way,
so ``tests/interop`` compares with another program in both directions.
"""

import copy
from collections.abc import Sequence
from typing import Final, NamedTuple

from lxml import etree

from gateway.codecs.xml import DS, SOAP, parse_untrusted
from gateway.codecs.xml import XML as XML_NS
from gateway.errors import UntrustedSignature

EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_FORMS: Final = frozenset({EXCLUSIVE_C14N, f"{EXCLUSIVE_C14N}WithComments"})

_ACTOR: Final = f"{{{SOAP}}}actor"
_NEXT_ACTORS: Final = frozenset(
    {
        "urn:oasis:names:tc:ebxml-msg:actor:nextMSH",
        "http://schemas.xmlsoap.org/soap/actor/next",
    }
)
# Canonical XML has one way to write an attribute, and nothing in these values to escape:
# where the octets do not hold one of them, no element is addressed to the next hop.
_WRITTEN_ACTORS: Final = tuple(f':actor="{actor}"'.encode() for actor in sorted(_NEXT_ACTORS))
_SIGNATURE: Final = f"{{{SOAP}}}Header/{{{DS}}}Signature"


class CanonicalSignedInfo(NamedTuple):
    """The octets that a signature value is made over, and the tree that they say the same as.

    Without comments and DTD nothing in such a tree is left out of its octets,
    so what is read from ``tree`` is covered when the value fits ``octets``.
    """

    octets: bytes
    tree: etree._Element


def canonical_signed_info(signed_info: etree._Element) -> CanonicalSignedInfo:
    """Bring a SignedInfo into its canonical form.

    The element is serialised and parsed alone before it is canonicalised: lxml
    adds false ``xmlns=""`` to the C14N of an inner element in the default
    namespace, the form most partners write. What C14N 1.0 takes over from
    omitted ancestors, the attributes of the ``xml`` namespace, is copied by hand.

    Args:
        signed_info: in the document it came in, not in a copy of its own;
            without comments and processing instructions.

    Raises:
        UntrustedSignature: ``canonical-form``, or ``signature-structure``.
    """
    method = signed_info.find(f"{{{DS}}}CanonicalizationMethod")
    if method is None:
        raise UntrustedSignature("signature-structure")
    alone = standing_alone(signed_info)
    if method.get("Algorithm") not in EXCLUSIVE_FORMS:
        for ancestor in signed_info.iterancestors():
            for name, value in ancestor.attrib.items():
                if str(name).startswith(f"{{{XML_NS}}}") and name not in alone.attrib:
                    alone.set(name, value)
        return CanonicalSignedInfo(canonical_form(alone), alone)
    prefixes = method.find(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
    listed = prefixes.get("PrefixList", "").split() if prefixes is not None else None
    return CanonicalSignedInfo(canonical_form(alone, exclusive=True, prefixes=listed), alone)


def canonical_envelope(root: etree._Element, *, xpath: bool) -> bytes:
    """Return the octets that the reference ``""`` of an envelope covers.

    That is the envelope without its signature and, when ``xpath`` is listed,
    without elements addressed to the next hop; white space included, comments not.

    Raises:
        UntrustedSignature: ``reference``, when nothing is left to sign; ``canonical-form``.
    """
    signatures = list(root.iterfind(_SIGNATURE))
    left = root
    if signatures or root.getprevious() is not None or root.getnext() is not None:
        left = copy.deepcopy(root)  # without what stands beside the root
        for signature in list(left.iterfind(_SIGNATURE)):
            take_out(signature)
    octets = canonical_form(left)
    if not xpath or not any(written in octets for written in _WRITTEN_ACTORS):
        return octets
    if left is root:
        left = copy.deepcopy(root)
    for element in list(left.iter("{*}*")):
        if element.get(_ACTOR) in _NEXT_ACTORS:
            if element is left:
                raise UntrustedSignature("reference")
            take_out(element)
    return canonical_form(left)


def standing_alone(element: etree._Element) -> etree._Element:
    """Parse one element again as a document of its own, with the namespaces in its scope."""
    return parse_untrusted(etree.tostring(element, with_tail=False))


def canonical_form(
    root: etree._Element | etree._ElementTree,
    *,
    exclusive: bool = False,
    prefixes: Sequence[str] | None = None,
) -> bytes:
    """Return the octets of a document without comments.

    Of a tree all of it, with the processing instructions beside its root; of a
    root what it holds.

    Raises:
        UntrustedSignature: ``canonical-form``.
    """
    try:
        return etree.tostring(
            root,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=prefixes,
        )
    except (etree.LxmlError, ValueError):
        # C14N has no form for a relative namespace URI, though the parser takes it.
        raise UntrustedSignature("canonical-form") from None


def take_out(element: etree._Element) -> None:
    """Remove an element but keep the text after it, which lxml would take along."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    element.tail = None
    parent.remove(element)
