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
    BASE64,
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

_PATIENT_REPORT: Final = f"{{{MSGHEAD}}}PatientReport"
_FIRST_CONTENT: Final = f"{{{MSGHEAD}}}Document[1]/{{{MSGHEAD}}}RefDoc/{{{MSGHEAD}}}Content/{{*}}*"
# What MsgHead may carry as far as our schemas go; an attachment alone is for rule R-36 to name.
_CONTENT_NAMESPACES: Final = frozenset({DIALOG_1_0, DIALOG_1_1, BASE64})


@dataclass(frozen=True, slots=True)
class Document:
    """A dialogue message as values, and the tree they were read from."""

    root: etree._Element
    message: DialogMessage


def read_document(body: bytes, *, limits: XmlLimits = DEFAULT_LIMITS) -> Document:
    """Read one MsgHead document.

    Raises:
        NotWellFormed, DoctypeForbidden, TooLarge: see ``parse_untrusted``.
        UnsupportedFormat: another document than MsgHead; or one that carries something
            else than a Dialogmelding of a known version, such as a referral.
        MalformedMessage: it does not follow the schema; ``faults`` says where.
    """
    return read_tree(parse_untrusted(body, limits=limits))


def read_tree(root: etree._Element) -> Document:
    """The same for a document that is parsed already."""
    if local_name(root) != "MsgHead" or namespace_of(root) != MSGHEAD:
        raise UnsupportedFormat("the root element is not MsgHead 1.2")
    # The schema would only call these invalid, and the sender look for a fault that is none.
    if root.find(_PATIENT_REPORT) is not None:
        raise UnsupportedFormat("a PatientReport, not a dialogue message")
    carried = {namespace_of(element) for element in root.iterfind(_FIRST_CONTENT)}
    if carried and carried.isdisjoint(_CONTENT_NAMESPACES):
        raise UnsupportedFormat("the content is no Dialogmelding of a version that is used")
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
