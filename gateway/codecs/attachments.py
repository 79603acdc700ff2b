"""What came along beside the text, in every way a MsgHead can carry it, and the message without it.

The receivers never see anything but the text (design: attachments). Carriers are
a second or further Document, RefDoc/MsgType A or REF, Base64Container,
FileReference, Compression, also in the first Document, and objects embedded in
the text. One entry a Document, by its most telling carrier.
"""

import copy
import re
from typing import Final

from lxml import etree

from gateway.codecs.plaintext import has_binary_type, pictures_in
from gateway.codecs.reading import BLANKS, Children, children_of
from gateway.codecs.xml import BASE64, MSGHEAD, XSI, local_name
from gateway.domain.message import Attachment, Carrier

UNSAID: Final = "application/octet-stream"
MAX_PICTURES: Final = 100
"""Embedded objects listed of one text; more than this says nothing more."""

_CONTAINER: Final = f"{{{BASE64}}}Base64Container"
_ATTACHMENT_TYPES: Final = ("A", "REF")
_DATA_URI: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL | re.IGNORECASE)
_MIME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")
_NO_BLANKS: Final = str.maketrans("", "", BLANKS)


def attachment_of(
    document: etree._Element, content: etree._Element | None, *, number: int
) -> Attachment | None:
    """Return what ``document`` carries beside the text; None when that is nothing.

    Args:
        document: a MsgHead Document.
        content: the Dialogmelding in it, if that is what it is there for.
        number: its position; every Document after the first is a carrier.
    """
    where = f"/MsgHead/Document[{number}]"
    refdoc = _first(children_of(document, MSGHEAD), "RefDoc")
    if refdoc is None:
        return _attachment(Carrier.DOCUMENT, None, 0, where) if number > 1 else None
    fields = children_of(refdoc, MSGHEAD)
    mime = _text(_first(fields, "MimeType"))
    beside = [
        element
        for holder in fields.get("Content", ())
        for element in holder
        if isinstance(element.tag, str) and element is not content
    ]
    size = sum(_decoded_size(element) for element in beside)
    carrier = _carrier_of(fields, beside)
    if carrier is None:
        if number == 1 and not beside:
            return None
        if number == 1 and content is None:
            return None  # the content itself, only of a format that is no Dialogmelding
        carrier = Carrier.DOCUMENT
    if content is not None and carrier in (Carrier.BASE64, Carrier.DOCUMENT):
        mime = ""  # MimeType speaks of the Dialogmelding
    return _attachment(carrier, mime, size, f"{where}/RefDoc")


def attachments_in_text(field: etree._Element, *, where: str) -> list[Attachment]:
    """Return the objects embedded in one text, at most MAX_PICTURES; ``where`` is its path."""
    if has_binary_type(field):
        return [_attachment(Carrier.BASE64, None, _base64_size("".join(field.itertext())), where)]
    found: list[Attachment] = []
    for number, element in enumerate(pictures_in(field), 1):
        if number > MAX_PICTURES:
            break
        name = local_name(element)
        place = f"{where}/{name}[{number}]"
        if element.tag == _CONTAINER:
            found.append(_attachment(Carrier.BASE64, None, _decoded_size(element), place))
            continue
        source = element.get("src") or element.get("data") or ""
        embedded = _DATA_URI.match(source)
        mime = embedded[1] if embedded is not None else element.get("type")
        found.append(_attachment(Carrier.PICTURE, mime, _embedded_size(embedded), place))
    return found


def _carrier_of(fields: Children, beside: list[etree._Element]) -> Carrier | None:
    if fields.get("FileReference"):
        return Carrier.FILE_REFERENCE
    if any(element.tag == _CONTAINER for element in beside):
        return Carrier.BASE64
    if any(_value(element) for element in fields.get("Compression", ())):
        return Carrier.COMPRESSION  # an empty one, as generated writers leave, packs nothing
    return Carrier.MESSAGE_TYPE if _says_attachment(fields) else None


def remove_attachments(
    root: etree._Element, content: etree._Element | None, fields: list[etree._Element]
) -> None:
    """Take every carrier out of ``root``, in place.

    Args:
        root: the MsgHead.
        content: the Dialogmelding of the first Document; None when it has none.
        fields: the texts in it that may hold embedded objects.
    """
    documents = list(root.iterchildren(f"{{{MSGHEAD}}}Document"))
    doomed = documents[1:]
    if documents and goes_whole(documents[0], content):
        doomed.append(documents[0])
    elif documents and content is not None:
        doomed.extend(_beside(documents[0], content))
    for field in fields:
        if has_binary_type(field):
            field.text = None
            del field[:]
            del field.attrib[f"{{{XSI}}}type"]
        doomed.extend(pictures_in(field))
    remove(doomed)


def goes_whole(document: etree._Element, content: etree._Element | None) -> bool:
    """Whether the first Document is itself an attachment, so that its text goes with it.

    Args:
        document: the first Document.
        content: the Dialogmelding in it; None when it has none.
    """
    if content is None:
        return attachment_of(document, None, number=1) is not None
    refdoc = _first(children_of(document, MSGHEAD), "RefDoc")
    return refdoc is not None and _says_attachment(children_of(refdoc, MSGHEAD))


def _says_attachment(refdoc: Children) -> bool:
    kind = _first(refdoc, "MsgType")
    return kind is not None and _value(kind).upper() in _ATTACHMENT_TYPES


def _beside(document: etree._Element, content: etree._Element | None) -> list[etree._Element]:
    """What a Document with a Dialogmelding holds beside it."""
    found: list[etree._Element] = []
    for refdoc in children_of(document, MSGHEAD).get("RefDoc", ()):
        parts = children_of(refdoc, MSGHEAD)
        found.extend((*parts.get("FileReference", ()), *parts.get("Compression", ())))
        for holder in parts.get("Content", ()):
            found.extend(e for e in holder if isinstance(e.tag, str) and e is not content)
    return found


def remove(elements: list[etree._Element]) -> None:
    """Remove elements but not the text after them, which lxml counts as part of them.

    In one pass over their siblings, since a hostile document has very many.
    """
    doomed = set(elements)
    parents = {element.getparent() for element in elements}
    for parent in parents:
        if parent is None or parent in doomed:
            continue
        stays: etree._Element | None = None  # the nearest sibling before that stays
        tails: list[str] = []
        for child in list(parent):
            if child not in doomed:
                _append_text(parent, stays, tails)
                stays, tails = child, []
                continue
            if child.tail:
                tails.append(child.tail)
            child.clear()  # taking out a large subtree as it stands costs the square of its size
            parent.remove(child)
        _append_text(parent, stays, tails)


def _append_text(parent: etree._Element, before: etree._Element | None, tails: list[str]) -> None:
    if not tails:
        return
    if before is not None:
        before.tail = (before.tail or "") + "".join(tails)
    else:
        parent.text = (parent.text or "") + "".join(tails)


def copy_of(root: etree._Element) -> etree._Element:
    """Return a copy to work on; with the comments around the root when it is a document's."""
    tree = root.getroottree()
    if tree.getroot() is root:
        return copy.deepcopy(tree).getroot()
    return copy.deepcopy(root)


def _attachment(carrier: Carrier, mime: str | None, size: int, where: str) -> Attachment:
    # What is no media type is content of unknown nature, and not for logs and events.
    said = (mime or "").partition(";")[0].strip(BLANKS)
    return Attachment(
        carrier=carrier,
        mime=said.lower() if len(said) <= 127 and _MIME.fullmatch(said) else UNSAID,
        bytes=size,
        where=where,
    )


def _first(children: Children, name: str) -> etree._Element | None:
    found = children.get(name)
    return found[0] if found else None


def _value(code: etree._Element) -> str:
    return (code.get("V") or "").strip(BLANKS)


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "")


def _decoded_size(element: etree._Element) -> int:
    if element.tag == _CONTAINER:
        if not len(element):
            return _base64_size(element.text or "")
        return _base64_size((element.text or "") + "".join(e.tail or "" for e in element))
    return len(etree.tostring(element, encoding="UTF-8", with_tail=False))


def _base64_size(text: str) -> int:
    # Counted, not decoded: a refusal must not cost the memory of the attachment.
    digits = len(text) - sum(text.count(blank) for blank in BLANKS)
    padding = 0 if not digits else text[-64:].translate(_NO_BLANKS)[-2:].count("=")
    return digits * 3 // 4 - padding


def _embedded_size(embedded: re.Match[str] | None) -> int:
    if embedded is None:
        return 0
    if "base64" in embedded[2].lower():
        return _base64_size(embedded[3])
    return len(embedded[3].encode())
