"""Is a document what its schema says? The verdict, and where it goes wrong.

The schemas come from one folder, and nothing outside that folder is read while
they are compiled (design §9, §10).
"""

import re
import threading
from copy import deepcopy
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from gateway.codecs.reading import BLANKS
from gateway.codecs.schema_faults import explain
from gateway.codecs.xml import APPREC_1_0, APPREC_1_1, MSGHEAD, SOAP
from gateway.errors import ConfigurationError, Fault, MalformedMessage, TooLarge

if TYPE_CHECKING:
    from lxml.etree._docloader import _InputDocument  # a name of the stubs only

MAX_FAULTS: Final = 20

_DOCUMENT: Final = "document.xsd"
_ENVELOPE: Final = "envelope.xsd"
_APPREC: Final = {
    f"{{{APPREC_1_0}}}AppRec": "apprec-1.0.xsd",
    f"{{{APPREC_1_1}}}AppRec": "apprec-1.1.xsd",
}
ENTRY_POINTS: Final = (_DOCUMENT, *_APPREC.values(), _ENVELOPE)

# lxml works out the path of every fault at once, by counting siblings: a document made for it costs
# the square of its size. Small documents are harmless whatever they hold; for larger ones the work
# is added up before it is done.
_HARMLESS_NODES: Final = 2_000
_MAX_NODES: Final = 50_000
_MAX_STEPS: Final = 1_000_000_000  # half a second
_count_nodes: Final = etree.XPath("count(descendant::node()) + count(descendant-or-self::*/@*)")

# xs:date and xs:dateTime, the types that libxml2 takes with the blanks around them, though white
# space in them collapses before it counts (XML Schema part 2 §4.3.6). It does trim attributes of
# type TS, which are a union; others of these types our standards do not have.
_DATE: Final = re.compile(
    r"-?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_leaves: Final = etree.XPath("descendant-or-self::*[not(*)]")
_text: Final = etree.XPath("string()")

# What people write for a telephone number or an address is no reason to lose a message: no rule
# asks for it, XML Schema 1.1 takes any text for an anyURI, and other validators do so by 1.0 too.
_TELE_ADDRESS: Final = re.compile(r"Element '(?:\{[^}']*\})?TeleAddress', attribute 'V': ")

_DECLARATIONS: Final = tuple(
    f"{{http://www.w3.org/2001/XMLSchema}}{kind}" for kind in ("element", "attribute")
)


class SchemaSet:
    """The schemas of one folder, compiled when first needed.

    May be used from several threads: lxml keeps the faults of a check on the
    compiled schema, so each thread compiles its own (three milliseconds in all).

    The folder holds the files ``ENTRY_POINTS``; what they import lies beside or
    below them. An import by web address is served from the folder by its file
    name, so that the official schemas can be used unchanged.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._of_this_thread = threading.local()

    @staticmethod
    @cache
    def default() -> "SchemaSet":
        """The project's own schemas, as installed or as in the source tree."""
        package = Path(__file__).parents[1]
        installed = package / "data" / "schemas"
        return SchemaSet(installed if installed.is_dir() else package.parent / "schemas")

    def load(self) -> None:
        """Compile everything now, so that a wrong folder shows at start.

        Raises:
            ConfigurationError: a schema is absent, unreadable or contradicts another.
        """
        for entry in ENTRY_POINTS:
            self._schema(entry)

    def check_document(self, root: etree._Element) -> tuple[str, ...]:
        """Check a MsgHead and what is embedded in it (HIS 80601, HIS 80603).

        Returns:
            Findings, as codes: ``tele_address_not_uri``, a telephone number or
            such in a form that libxml2 takes for no xs:anyURI.

        Raises:
            MalformedMessage: not valid; at most ``MAX_FAULTS`` faults, as they were found.
            TooLarge: so many nodes that checking them is refused.
        """
        return self._check(root, {f"{{{MSGHEAD}}}MsgHead": _DOCUMENT}, "MsgHead 1.2")

    def check_apprec(self, root: etree._Element) -> tuple[str, ...]:
        """Check an application receipt, 1.0 or 1.1 by its namespace (HIS 80415).

        Returns and raises as ``check_document``.
        """
        return self._check(root, _APPREC, "AppRec 1.0 or 1.1")

    def check_envelope(self, root: etree._Element) -> None:
        """Check a SOAP envelope and its ebXML blocks (ebMS 2.0, HIS 1037).

        Blocks of namespaces that are not loaded pass unread: SOAP allows them.

        Raises:
            MalformedMessage, TooLarge: as ``check_document``.
        """
        self._check(root, {f"{{{SOAP}}}Envelope": _ENVELOPE}, "SOAP 1.1 with ebXML")

    def _check(self, root: etree._Element, entries: dict[str, str], kind: str) -> tuple[str, ...]:
        entry = entries.get(root.tag) if isinstance(root.tag, str) else None
        if entry is None:
            detail = f"the root element is not that of {kind}"
            raise MalformedMessage(detail, faults=(Fault("/", detail),))
        _require_affordable(root)
        schema = self._schema(entry)
        if schema.validate(root):
            return ()
        trimmed = _with_dates_trimmed(root)
        if trimmed is not None and schema.validate(trimmed):
            return ()
        faults = [error for error in schema.error_log if not _is_of_tele_address(error)]
        if not faults:
            return ("tele_address_not_uri",)
        raise MalformedMessage(
            f"not valid by the schema of {kind}",
            faults=tuple(explain(root, error, self._names) for error in faults[:MAX_FAULTS]),
        )

    def _schema(self, entry: str) -> etree.XMLSchema:
        schema: etree.XMLSchema | None = getattr(self._of_this_thread, entry, None)
        if schema is None:
            schema = self._compile(entry)
            setattr(self._of_this_thread, entry, schema)
        return schema

    def _compile(self, entry: str) -> etree.XMLSchema:
        parser = etree.XMLParser(no_network=True, load_dtd=False)
        parser.resolvers.add(_OnlyFrom(self._directory))
        try:
            return etree.XMLSchema(etree.parse(self._directory / entry, parser))
        except (etree.LxmlError, OSError, LookupError) as error:
            fault = Fault(entry, str(error))  # a schema is no message; its text may be shown
            raise ConfigurationError(f"cannot use schema {entry}", faults=(fault,)) from None

    @cached_property
    def _names(self) -> frozenset[str]:
        parser = etree.XMLParser(no_network=True, load_dtd=False)
        return frozenset(
            name
            for file in self._directory.rglob("*.xsd")
            for declaration in etree.parse(file, parser).iter(*_DECLARATIONS)
            if (name := declaration.get("name"))
        )


class _OnlyFrom(etree.Resolver):
    """Serves imports from one folder; any other location is an error, not a fallback."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def resolve(
        self, system_url: str | None, public_id: str | None, context: object, /
    ) -> "_InputDocument":
        address = urlsplit(system_url or "")
        if address.scheme in ("", "file"):
            file = Path(unquote(address.path)).resolve()
            # libxml2 would pass over an import that is not there and then accept less.
            if not (file.is_relative_to(self._directory) and file.is_file()):
                raise LookupError(f"{system_url} is not in the schema folder")
        else:
            name = address.path.rpartition("/")[2]
            # Entry points lie at the top; one may have the name of what it imports.
            deepest_first = sorted(
                self._directory.rglob(name) if name else (), key=lambda path: -len(path.parts)
            )
            if not deepest_first:
                raise LookupError(f"{system_url} has no copy in the schema folder")
            file = deepest_first[0]
        return self.resolve_filename(str(file), context)


def _with_dates_trimmed(root: etree._Element) -> etree._Element | None:
    """A copy in which no date has blanks around it; None when there are none to take away."""
    copy = deepcopy(root)
    found = False
    for element in _leaves(copy):
        text = _text(element)
        value = text.strip(BLANKS)
        if value != text and _DATE.fullmatch(value):
            element[:] = []  # comments; the value goes on across them
            element.text = value
            found = True
    return copy if found else None


def _is_of_tele_address(error: etree._LogEntry) -> bool:
    is_of_type = error.type_name == "SCHEMAV_CVC_DATATYPE_VALID_1_2_1"
    return is_of_type and _TELE_ADDRESS.match(error.message or "") is not None


def _require_affordable(root: etree._Element) -> None:
    try:
        nodes = _count_nodes(root)
    except etree.XPathError:  # libxml2's own limit
        nodes = float("inf")
    if not isinstance(nodes, float) or nodes > _MAX_NODES:
        raise TooLarge(f"more than {_MAX_NODES} elements, attributes and texts")
    if nodes > _HARMLESS_NODES and _most_steps(root) > _MAX_STEPS:
        raise TooLarge("too many elements beside each other")


def _most_steps(root: etree._Element) -> int:
    """Siblings passed over if every element and attribute were at fault."""
    total = 0
    open_: list[tuple[etree._Element, int]] = [(root, 1)]
    while open_:
        element, path_cost = open_.pop()
        total += path_cost * (1 + len(element.attrib))
        children = list(element)  # lxml counts anew for each len()
        below = path_cost + 2 * len(children)  # a text after each
        open_.extend((child, below) for child in children)
    return total


def check_document(root: etree._Element) -> tuple[str, ...]:
    """``SchemaSet.check_document`` with the project's own schemas."""
    return SchemaSet.default().check_document(root)


def check_apprec(root: etree._Element) -> tuple[str, ...]:
    """``SchemaSet.check_apprec`` with the project's own schemas."""
    return SchemaSet.default().check_apprec(root)


def check_envelope(root: etree._Element) -> None:
    """``SchemaSet.check_envelope`` with the project's own schemas."""
    SchemaSet.default().check_envelope(root)
