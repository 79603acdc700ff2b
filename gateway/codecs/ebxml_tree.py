"""Small steps that every reader of an ebXML envelope takes: children, text, attributes, instants.

Names are compared by namespace, never by prefix. Text is read whole: a comment
inside a value is not signed (C14N leaves it out), so it must not cut the value
either.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from gateway.codecs.reading import has_zone, instant_of
from gateway.codecs.xml import EB, SOAP, path_of
from gateway.domain.identifiers import LONGEST_ID, fits
from gateway.errors import MalformedMessage

TO_PARTY_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """Child elements, without comments and processing instructions."""
    return (child for child in parent if isinstance(child.tag, str))


def children(parent: etree._Element, namespace: str, name: str) -> list[etree._Element]:
    """Child elements of one name, in document order."""
    return list(parent.iterchildren(f"{{{namespace}}}{name}"))  # a third of findall's time


def at_most_one(parent: etree._Element, name: str) -> etree._Element | None:
    """The ebMS child ``name``; None when absent.

    Raises:
        MalformedMessage: there are several.
    """
    found = children(parent, EB, name)
    if len(found) > 1:
        raise MalformedMessage(f"more than one eb:{name}", where=path_of(found[1]))
    return found[0] if found else None


def text_of(element: etree._Element | None) -> str:
    """The text of a simple element, trimmed; "" when it is absent or holds elements."""
    if element is None:
        return ""
    if len(element) == 0:
        return (element.text or "").strip()
    if any(isinstance(child.tag, str) for child in element):
        return ""
    return ((element.text or "") + "".join(child.tail or "" for child in element)).strip()


def required_text(parent: etree._Element, name: str) -> str:
    """Text of the one ebMS child ``name``.

    Raises:
        MalformedMessage: absent, repeated, empty, too long, or not simple text.
    """
    text = optional_text(parent, name)
    if text is None:
        raise MalformedMessage(f"eb:{name} is absent or empty", where=f"{path_of(parent)}/{name}")
    return text


def optional_text(parent: etree._Element, name: str) -> str | None:
    """Text of the ebMS child ``name``; None when absent or empty.

    Raises:
        MalformedMessage: repeated, or longer than an identifier may be.
    """
    element = at_most_one(parent, name)
    if element is None:
        return None
    text = text_of(element)
    if not fits(text):
        raise MalformedMessage(
            f"eb:{name} has more than {LONGEST_ID} bytes", where=path_of(element)
        )
    return text or None


def attribute(element: etree._Element, name: str, *, namespace: str = EB) -> str | None:
    """A qualified attribute, else the unqualified one that some senders write; trimmed."""
    value = element.get(f"{{{namespace}}}{name}")
    value = element.get(name) if value is None else value
    return value.strip() if value is not None else None


def must_understand(element: etree._Element) -> str | None:
    """SOAP:mustUnderstand as written."""
    return attribute(element, "mustUnderstand", namespace=SOAP)


def parse_instant(text: str) -> tuple[datetime, bool]:
    """An xs:dateTime as UTC, and whether it had a zone; without one it is UTC (HIS 1037 §6.2.1).

    Fractions beyond microseconds are cut off.

    Raises:
        ValueError: not a dateTime of the years 1 to 9999.
    """
    at = instant_of(text, without_zone=UTC)
    if at is None:
        raise ValueError("not a dateTime of the years 1 to 9999")
    return at, has_zone(text)


def format_instant(at: datetime) -> str:
    """``CCYY-MM-DDThh:mm:ssZ``, as the profile wants it (HITS 1171 §5.2.1.10).

    Raises:
        ValueError: the instant has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
