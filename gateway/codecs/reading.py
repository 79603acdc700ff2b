"""Primitive values of the message schemas: text, codes, dates, and the faults met on the way.

Readers never stop at the first fault: they note it and go on with a stand-in, so
that a refusal can name all of them, and so that a document which fails can still
be peeked at for the addresses of its answer. Whoever hands values on must raise
when ``faults`` is not empty.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from gateway.codecs.xml import path_of
from gateway.domain.message import Code
from gateway.errors import Fault, MalformedMessage

BLANKS: Final = " \t\r\n"
"""White space of XML. Others, such as the no-break space, are content."""

Children = Mapping[str, Sequence[etree._Element]]
"""Child elements of one namespace by local name, each name in document order."""

MAX_FAULTS: Final = 20
"""Faults kept of one document: enough to act on, and a bound on what a hostile one costs."""

_NORWAY: Final = ZoneInfo("Europe/Oslo")
_DATE_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)
_DATE: Final = re.compile(r"(-?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_YEAR: Final = 4  # characters of YYYY, the longest year that Python's calendar has
_PADDED: Final = 10  # characters of YYYY-MM-DD


class Reading:
    """What has been noticed while reading one document."""

    __slots__ = ("faults", "findings")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.findings: list[str] = []  # tolerated oddities, as codes

    def fault(self, element: etree._Element, detail: str) -> None:
        """Note that ``element`` cannot be read; ``detail`` never quotes it."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(path_of(element), detail))

    def find(self, finding: str) -> None:
        """Note a tolerated oddity, once."""
        if finding not in self.findings:
            self.findings.append(finding)

    def raise_faults(self) -> None:
        """Raise MalformedMessage when something could not be read."""
        if self.faults:
            first = self.faults[0]
            detail = f"{first.where}: {first.detail}"
            raise MalformedMessage(detail, where=first.where, faults=tuple(self.faults))

    def only(self, children: Children, name: str) -> etree._Element | None:
        """Return the one child called ``name``; None when absent, a fault when repeated."""
        found = children.get(name)
        if not found:
            return None
        if len(found) > 1:
            self.fault(found[1], "repeated where one is allowed")
        return found[0]

    def text(self, children: Children, name: str) -> str | None:
        """Return the exact text of a child; None when absent, "" when empty."""
        element = self.only(children, name)
        return None if element is None else self.text_of(element)

    def token(self, children: Children, name: str) -> str | None:
        """Return the text of a child without the blanks around it; None when absent."""
        text = self.text(children, name)
        return None if text is None else text.strip(BLANKS)

    def text_of(self, element: etree._Element) -> str:
        """Return all text of an element, across comments, which must not cut an id short."""
        if not len(element):
            return element.text or ""
        foreign = next(element.iterchildren(etree.Element), None)
        if foreign is not None:  # one tells enough, and saying where costs as much as a look at all
            self.fault(foreign, "element where only text is allowed")
        return (element.text or "") + "".join(child.tail or "" for child in element)

    def code(self, children: Children, name: str) -> Code | None:
        """Return a CS or CV child; None when absent, ``value`` "" when it has no V."""
        element = self.only(children, name)
        return None if element is None else code_of(element)

    def codes(self, children: Children, name: str) -> tuple[Code, ...]:
        """Return every CV child called ``name``."""
        return tuple(code_of(element) for element in children.get(name, ()))

    def time_text(self, children: Children, name: str) -> str | None:
        """Return V of a TS child as written; None when the child or its V is absent."""
        element = self.only(children, name)
        value = None if element is None else element.get("V")
        return None if value is None else value.strip(BLANKS)

    def day(self, children: Children, name: str) -> date | None:
        """Return an xs:date child; one-digit days and months are read and noted.

        None, with a note, also when its year is none of 1 to 9999: the schema allows it, and
        a slip of a finger in a date is no reason to lose a message.
        """
        element = self.only(children, name)
        if element is None:
            return None
        text = self.text_of(element).strip(BLANKS)
        match = _DATE.fullmatch(text)
        if match is not None and len(match[1]) > _YEAR:
            self.find("date_beyond_calendar")
            return None
        if match is not None:
            try:
                day = date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                match = None
        if match is None:
            self.fault(element, "not a date")
            return None
        if match.end(3) != _PADDED:
            self.find("date_not_padded")
        return day


def children_of(element: etree._Element, namespace: str) -> Children:
    """Group the child elements of ``namespace`` by local name; others and comments are left out."""
    found: dict[str, list[etree._Element]] = {}
    prefix = f"{{{namespace}}}" if namespace else ""
    skip = len(prefix)
    for child in element:
        tag = child.tag
        if isinstance(tag, str) and tag.startswith(prefix):
            name = tag[skip:]
            if name in found:
                found[name].append(child)
            else:
                found[name] = [child]
    return found


def code_of(element: etree._Element) -> Code:
    """Read a CS or CV: V and S without the blanks around them, DN and OT as written."""
    get = element.get
    system = get("S")
    return Code(
        value=(get("V") or "").strip(BLANKS),
        name=get("DN"),
        system=None if system is None else system.strip(BLANKS),
        original_text=get("OT"),
    )


def instant_of(text: str, *, without_zone: tzinfo = _NORWAY) -> datetime | None:
    """Read an xs:dateTime; None when it is none, or outside the years 1 to 9999.

    Fractions beyond microseconds are cut off. Without a zone the clock of
    ``without_zone`` is meant; in the repeated hour of autumn the first of the two.

    Returns:
        The instant in UTC.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    micro = int((match[7] or "")[:6].ljust(6, "0"))
    midnight_after = (hour, minute, second, micro) == (24, 0, 0, 0)  # XML Schema part 2 §3.2.7
    try:
        zone = _zone(match[8], without_zone)
        local = datetime(
            year, month, day, 0 if midnight_after else hour, minute, second, micro, zone
        )
        if midnight_after:
            local += timedelta(days=1)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None, without_zone: tzinfo) -> tzinfo:
    if text is None:
        return without_zone
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def has_zone(text: str) -> bool:
    """Whether an xs:dateTime says its zone."""
    match = _DATE_TIME.fullmatch(text)
    return match is not None and match[8] is not None
