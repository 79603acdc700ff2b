"""The one parser for bytes that somebody else wrote, and the namespaces we know.

Nothing in the gateway parses foreign XML in any other way. No DTD, no entities,
no network, bounded size, depth and number of nodes (design §10); whatever is
outside is refused before anything of it is read.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree

from gateway.codecs.encodings import UTF_8, in_utf_8
from gateway.errors import DoctypeForbidden, Fault, NotWellFormed, TooLarge

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
EB: Final = "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
XLINK: Final = "http://www.w3.org/1999/xlink"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
MSGHEAD: Final = "http://www.kith.no/xmlstds/msghead/2006-05-24"
DIALOG_1_0: Final = "http://www.kith.no/xmlstds/dialog/2006-10-11"
DIALOG_1_1: Final = "http://www.kith.no/xmlstds/dialog/2013-01-23"
FK1: Final = "http://www.kith.no/xmlstds/felleskomponent1"
BASE64: Final = "http://www.kith.no/xmlstds/base64container"
APPREC_1_0: Final = "http://www.kith.no/xmlstds/apprec/2004-11-21"
APPREC_1_1: Final = "http://www.kith.no/xmlstds/apprec/2012-02-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlLimits:
    """What one document may cost. Configurable downwards only."""

    max_bytes: int = 35_000_000
    max_depth: int = 100
    max_nodes: int = 200_000


DEFAULT_LIMITS: Final = XmlLimits()

# The parser's own limits stay on (no huge_tree) for small documents: they bound
# text nodes to 10 MB. A base64 attachment may be larger, so documents above that
# size get a parser without them; our own limits hold for both.
_HUGE_FROM_BYTES: Final = 9_000_000
_DOCTYPE: Final = re.compile(rb"<\s*!\s*DOCTYPE", re.IGNORECASE)
# What may come before the root element beside a DOCTYPE, which stands nowhere else (XML 1.0 §2.8).
_PROLOG: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ELEMENT: Final = re.compile(rb"<[^!?/\s]")
# A tenth of the time that walking through the tree in Python takes.
_ELEMENTS: Final = etree.XPath("count(//*)")
# XML 1.0 §2.2: none below the blank but tab and line ends, as bytes or as references.
_CONTROL_CHARACTER: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]"
    rb"|&#0*(?:[0-8]|1[124-9]|2\d|3[01]);|&#x0*(?:[0-8b-cB-Ce-fE-F]|1[0-9a-fA-F]);"
)


def parse_untrusted(body: bytes, *, limits: XmlLimits = DEFAULT_LIMITS) -> etree._Element:
    """Parse one foreign XML document and return its root.

    Args:
        body: the document as received; its encoding is one of ``encodings``.
        limits: bounds on size, depth and number of elements.

    Raises:
        TooLarge: a limit is exceeded; that of bytes counts in UTF-8 too.
        DoctypeForbidden: there is a DOCTYPE, whatever is in it.
        NotWellFormed: not XML 1.0, or in an encoding that is not accepted; the
            fault names line and column, never content.
    """
    _require_size(body, limits)
    body = in_utf_8(body)  # in UTF-16 a DOCTYPE would be hidden from the search below
    _require_size(body, limits)
    if not body.strip():
        raise NotWellFormed("empty document")
    if _DOCTYPE.search(body) and not _begins_with_element(body):
        raise DoctypeForbidden("the document has a DOCTYPE")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=len(body) > _HUGE_FROM_BYTES,
        remove_blank_text=False,
        strip_cdata=True,
        encoding=UTF_8,  # whatever the declaration says, which no longer holds
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (0, 0))
        where = f"line {line}, column {column}"
        raise NotWellFormed(
            f"not well-formed at {where}", faults=(_syntax_fault(body, where),)
        ) from None
    if len(parser.error_log.filter_from_errors()):
        # lxml looks at the last complaint only: a warning after it (a relative namespace
        # name) lets unbound prefixes and doubled attributes pass.
        raise NotWellFormed("an error in the use of namespaces")
    _require_shape(root, limits)
    return root


def _require_size(body: bytes, limits: XmlLimits) -> None:
    if len(body) > limits.max_bytes:
        raise TooLarge(f"document of {len(body)} bytes; the limit is {limits.max_bytes}")


def _begins_with_element(body: bytes) -> bool:
    """Whether the root element comes before any DOCTYPE: then the word is text, or an error.

    People paste web pages into a text, and a comment may speak of one.
    """
    prolog = _PROLOG.match(body)
    return prolog is not None and _ELEMENT.match(body, prolog.end()) is not None


def _syntax_fault(body: bytes, where: str) -> Fault:
    """The place; and the cause, where it is one that people meet when they paste a text."""
    if not _CONTROL_CHARACTER.search(body):
        return Fault(where, "")
    return Fault(
        where,
        "It has a control character that XML does not allow.",
        "Den har et kontrolltegn som XML ikke tillater.",
    )


def _require_shape(root: etree._Element, limits: XmlLimits) -> None:
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None:
        raise DoctypeForbidden("the document has a DOCTYPE")
    try:
        nodes = _ELEMENTS(root)
        if nodes > limits.max_nodes:
            raise TooLarge(f"more than {limits.max_nodes} elements")
        if nodes > limits.max_depth and _deeper_than(limits.max_depth)(root):
            raise TooLarge(f"elements nested deeper than {limits.max_depth}")
    except etree.XPathError:  # libxml2's own bound on a set of nodes, far above ours
        raise TooLarge(f"more than {limits.max_nodes} elements") from None


@lru_cache(maxsize=16)
def _deeper_than(depth: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")


def local_name(element: etree._Element) -> str:
    """Local name of an element; "" for comments and processing instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """Namespace URI of an element; "" when it has none."""
    return (etree.QName(element).namespace or "") if isinstance(element.tag, str) else ""


def path_of(element: etree._Element) -> str:
    """Where ``element`` stands, as ``/MsgHead/MsgInfo/Patient/Ident[2]``: names and positions."""
    steps = []
    node: etree._Element | None = element
    while node is not None:
        name = local_name(node)
        parent = node.getparent()
        if parent is not None and isinstance(node.tag, str):
            before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
            if before or next(node.itersiblings(node.tag), None) is not None:
                name += f"[{before + 1}]"
        steps.append(name)
        node = parent
    return "/" + "/".join(reversed(steps))
