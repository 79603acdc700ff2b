"""A business document from bytes to values: one entrance for both directions."""

from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from gateway.codecs.msghead import (
    as_plain_text,
    parse_msghead,
    without_attachments,
    without_signature,
)
from gateway.codecs.schema import check_document
from gateway.codecs.xml import (
    DEFAULT_LIMITS,
    DIALOG_1_0,
    DIALOG_1_1,
    MSGHEAD,
    XmlLimits,
    local_name,
    namespace_of,
    parse_untrusted,
)
from gateway.domain.findings import Screening
from gateway.domain.message import DialogMessage, Markup
from gateway.errors import UnsupportedFormat

_FIRST_CONTENT: Final = f"{{{MSGHEAD}}}Document/{{{MSGHEAD}}}RefDoc/{{{MSGHEAD}}}Content/{{*}}*"


@dataclass(frozen=True, slots=True)
class Document:
    """A dialogue message as values, and the tree they were read from."""

    root: etree._Element
    message: DialogMessage


def read_document(body: bytes, *, limits: XmlLimits = DEFAULT_LIMITS) -> Document:
    """Read one MsgHead document.

    Raises:
        NotWellFormed, DoctypeForbidden, TooLarge: see ``parse_untrusted``.
        UnsupportedFormat: another document than MsgHead, or a Dialogmelding of an
            unknown version in its first Document.
        MalformedMessage: it does not follow the schema; ``faults`` says where.
    """
    return read_tree(parse_untrusted(body, limits=limits))


def read_tree(root: etree._Element) -> Document:
    """The same for a document that is parsed already."""
    if local_name(root) != "MsgHead" or namespace_of(root) != MSGHEAD:
        raise UnsupportedFormat("the root element is not MsgHead 1.2")
    content = root.find(_FIRST_CONTENT)
    if (
        content is not None
        and local_name(content) == "Dialogmelding"
        and namespace_of(content) not in (DIALOG_1_0, DIALOG_1_1)
    ):
        # The schema would only call it invalid; the sender shall know that it is the version.
        raise UnsupportedFormat("a Dialogmelding of a version that is not used")
    tolerated = check_document(root)
    message = parse_msghead(root)
    return Document(root, replace(message, findings=(*message.findings, *tolerated)))


def text_only(body: bytes, document: Document, screening: Screening) -> bytes:
    """The document as the text-only receiver shall have it.

    The bytes come back untouched unless screening said that something is taken
    out: a message that passes, passes unchanged. A personal signature, which was
    verified before, goes with what it no longer fits; the bytes as they came stay
    in the journal.

    Raises:
        MalformedMessage: what is left does not follow the schema.
    """
    if not screening.strips:
        return body
    root = document.root
    if document.message.signed:
        root = without_signature(root)
    if document.message.attachments:
        body = without_attachments(root)
        root = parse_untrusted(body)
    if document.message.markup is not Markup.NONE:
        body = as_plain_text(root)
        root = parse_untrusted(body)
    check_document(root)
    return body
