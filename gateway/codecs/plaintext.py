"""The plain text of a professional text that may hold XHTML (rule R-35).

TekstNotatInnhold (both versions) and Sporsmal (1.1) are anyType and may hold
XHTML; the receivers show plain text only. Text without elements is never touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.codecs.flattening import PICTURES, UNSEEN, Flattener
from gateway.codecs.xml import XSI, local_name
from gateway.domain.message import Markup

_BINARY_TYPES: Final = ("base64Binary", "hexBinary")
_WORDLESS: Final = PICTURES | UNSEEN


@dataclass(frozen=True, slots=True)
class PlainText:
    """The text of one field and how it came."""

    text: str
    markup: Markup


def plain_text_of(field: etree._Element) -> PlainText:
    """Return the plain text of an anyType field.

    Text without elements comes back exactly, whatever xsi:type says of it, and
    so do line breaks, tabs and blanks in it. With elements: paragraphs and br
    give line breaks, lists "- " or the number, flat tables a line a row with
    tabs between the cells. ``Markup.LOSSY`` when that loses something; the text
    then says what is not there ("[bilde]", the address after a link).
    """
    if not any(isinstance(child.tag, str) for child in field):
        text = _own_text(field)
        return PlainText(text, Markup.LOSSY if has_binary_type(field) else Markup.NONE)
    flattener = Flattener()
    flattener.field(field)
    return PlainText("".join(flattener.out), Markup.LOSSY if flattener.lossy else Markup.FLATTENED)


def has_binary_type(field: etree._Element) -> bool:
    """Whether the sender declares the field's text to be encoded bytes."""
    declared = field.get(f"{{{XSI}}}type")
    return declared is not None and declared.strip().rpartition(":")[2] in _BINARY_TYPES


def pictures_in(field: etree._Element) -> Iterator[etree._Element]:
    """Yield pictures and other embedded objects of a field, the outermost only."""
    waiting = [iter(field)]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
        elif local_name(child).lower() in PICTURES:
            yield child
        elif isinstance(child.tag, str):
            waiting.append(iter(child))


def words_beside_objects(field: etree._Element) -> str:
    """The words of a field without its embedded objects; none when the text itself is bytes."""
    if has_binary_type(field):
        return ""
    words: list[str] = []
    walk = etree.iterwalk(field, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start":
            if local_name(element).lower() in _WORDLESS:
                walk.skip_subtree()
            else:
                words.append(element.text or "")
        elif element is not field:
            words.append(element.tail or "")
    return "".join(words)


def replace_by_text(field: etree._Element) -> None:
    """Put the plain text of a field in the place of its markup; plain text stays untouched."""
    plain = plain_text_of(field)
    if plain.markup is Markup.NONE or not any(isinstance(child.tag, str) for child in field):
        return
    del field[:]  # remove() costs the square of the size of what it takes out
    field.text = plain.text
    field.attrib.pop(f"{{{XSI}}}type", None)  # it named the type of the markup


def _own_text(field: etree._Element) -> str:
    # Comments and processing instructions must not cut the text short.
    if not len(field):
        return field.text or ""
    return (field.text or "") + "".join(child.tail or "" for child in field)
