"""MsgHead 1.2 with a Dialogmelding 1.0 or 1.1 -> DialogMessage."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from lxml import etree

from gateway.codecs.attachments import attachment_of, goes_whole
from gateway.codecs.dialog import ROOTS, VERSIONS, Dialog, read_dialog
from gateway.codecs.parties import read_organisation, read_party, read_person, read_person_choice
from gateway.codecs.reading import (
    Children,
    Reading,
    children_of,
    has_zone,
    instant_of,
)
from gateway.codecs.xml import DS, MSGHEAD, namespace_of
from gateway.domain.identifiers import LONGEST_ID, MsgId, fits
from gateway.domain.message import (
    Attachment,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    Markup,
    Organisation,
    OtherReceiver,
    Party,
    Person,
)
from gateway.errors import UnsupportedFormat

_CONTENT_PATH: Final = "/MsgHead/Document[1]/RefDoc/Content/Dialogmelding"
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)  # stands in for a GenDate that is a fault
_MANY: Final = 100  # attachments listed of one message


_T = TypeVar("_T")


def parse_msghead(root: etree._Element) -> DialogMessage:
    """Read one business document whose root is ``root``.

    The caller has checked it against the schema; what breaks the schema but
    leaves no doubt is read all the same and named in ``findings``:
    ``gen_date_without_zone`` (read as Europe/Oslo), ``conversation_ref_swapped``,
    ``date_not_padded``, ``date_beyond_calendar`` (read as if absent), ``ack_present``
    (not in use since 2018; ignored).

    Only the first Document is content. Without a Dialogmelding in it, or without
    any Document, there are no questions and notes and ``dialog_version`` is None.

    Returns:
        The message. Ids and codes have no blanks around them; texts are exact.
        ``gen_date`` is in UTC. At most 100 attachments are listed.

    Raises:
        UnsupportedFormat: not MsgHead 1.2, or it carries a PatientReport.
        MalformedMessage: a needed element is absent, repeated or unreadable;
            ``faults`` names up to 20 places.

    Source: HIS 80601 (MsgHead 1.2), HIS 80603:2006 and :2017 (Dialogmelding).
    """
    if root.tag != f"{{{MSGHEAD}}}MsgHead":
        raise UnsupportedFormat("the root element is not MsgHead 1.2")
    parts = children_of(root, MSGHEAD)
    if "PatientReport" in parts:
        raise UnsupportedFormat("a PatientReport, not a dialogue message")
    reading = Reading()
    info = reading.only(parts, "MsgInfo")
    if info is None:
        reading.fault(root, "MsgInfo is absent")
        fields: Children = {}
        info = root
    else:
        fields = children_of(info, MSGHEAD)
    if "Ack" in fields:
        reading.find("ack_present")
    gen_date, gen_date_text = _gen_date(info, fields, reading)
    patient = reading.only(fields, "Patient")
    documents = parts.get("Document", [])
    content = dialog_in(documents[0], reading) if documents else None
    dialog = None if content is None else read_dialog(content, reading, where=_CONTENT_PATH)
    attachments = _attachments(documents, content)
    if dialog is not None:
        attachments = (*attachments, *dialog.attachments)[:_MANY]
    namespace = _content_namespace(documents, content)
    message = DialogMessage(
        type=_required(reading.code(fields, "Type"), info, "Type", reading) or Code(value=""),
        msg_id=_msg_id(info, fields, "MsgId", reading) or MsgId(""),
        gen_date=gen_date,
        gen_date_text=gen_date_text,
        sender=_required_party(info, fields, "Sender", reading),
        receiver=_required_party(info, fields, "Receiver", reading),
        patient=None
        if patient is None
        else read_person(patient, reading, namespace=MSGHEAD, inner=MSGHEAD),
        conversation=_conversation(fields, reading),
        other_receivers=tuple(
            _other_receiver(element, reading) for element in fields.get("OtherReceiver", ())
        ),
        processing_status=reading.code(fields, "ProcessingStatus"),
        priority=reading.code(fields, "RequestedPriority"),
        content_namespace=namespace,
        dialog_version=None if namespace is None else VERSIONS.get(namespace),
        document=_document_info(documents[0], reading) if documents else DocumentInfo(),
        case_type=None if dialog is None else dialog.case_type,
        case=None if dialog is None else dialog.case,
        questions=() if dialog is None else dialog.questions,
        notes=() if dialog is None else dialog.notes,
        attachments=attachments,
        text_left=_text_left(documents, content, dialog),
        markup=Markup.NONE if dialog is None else dialog.markup,
        signed=root.find(f"{{{DS}}}Signature") is not None,
        findings=tuple(reading.findings),
    )
    reading.raise_faults()
    return message


def dialog_in(document: etree._Element, reading: Reading) -> etree._Element | None:
    """Return the Dialogmelding a Document carries, of either version; None when it has none."""
    found: etree._Element | None = None
    for refdoc in document.iterchildren(f"{{{MSGHEAD}}}RefDoc"):
        for holder in refdoc.iterchildren(f"{{{MSGHEAD}}}Content"):
            for element in holder:
                if element.tag not in ROOTS:
                    continue
                if found is not None:
                    reading.fault(element, "a second Dialogmelding in one Document")
                    return found
                found = element
    return found


def _required(value: _T | None, parent: etree._Element, name: str, reading: Reading) -> _T | None:
    if value is None:
        reading.fault(parent, f"{name} is absent")
    return value


def _gen_date(info: etree._Element, fields: Children, reading: Reading) -> tuple[datetime, str]:
    text = _required(reading.token(fields, "GenDate"), info, "GenDate", reading)
    if text is None:
        return _NEVER, ""
    instant = instant_of(text)
    if instant is None:
        reading.fault(fields["GenDate"][0], "not a date and time")
        return _NEVER, ""
    if not has_zone(text):
        reading.find("gen_date_without_zone")
    return instant, text


def _required_party(info: etree._Element, fields: Children, name: str, reading: Reading) -> Party:
    element = reading.only(fields, name)
    party = read_party(element, reading, namespace=MSGHEAD)
    if party is None:
        where = info if element is None else element
        reading.fault(where, f"{name} is absent" if element is None else "Organisation is absent")
        return Party(organisation=Organisation())
    return party


def _conversation(fields: Children, reading: Reading) -> ConversationRef | None:
    element = reading.only(fields, "ConversationRef")
    if element is None:
        return None
    children = children_of(element, MSGHEAD)
    parent = _msg_id(element, children, "RefToParent", reading)
    conversation = _msg_id(element, children, "RefToConversation", reading)
    if parent is None or conversation is None:
        return None
    if next(iter(children)) == "RefToConversation":
        reading.find("conversation_ref_swapped")
    return ConversationRef(parent=parent, conversation=conversation)


def _msg_id(
    element: etree._Element, children: Children, name: str, reading: Reading
) -> MsgId | None:
    """A required identifier of a document; a fault when it is absent, or too long to be used."""
    text = _required(reading.token(children, name), element, name, reading)
    if text is not None and not fits(text):
        reading.fault(element, f"{name} has more than {LONGEST_ID} bytes")
        return None
    return None if text is None else MsgId(text)


def _other_receiver(element: etree._Element, reading: Reading) -> OtherReceiver:
    children = children_of(element, MSGHEAD)
    person: Person | None = read_person_choice(children, reading, namespace=MSGHEAD, inner=MSGHEAD)
    patient = reading.only(children, "Patient")
    if person is None and patient is not None:
        person = read_person(patient, reading, namespace=MSGHEAD, inner=MSGHEAD)
    organisation = reading.only(children, "Organisation")
    role = _required(reading.code(children, "RoleReceiver"), element, "RoleReceiver", reading)
    return OtherReceiver(
        role=role or Code(value=""),
        party=None
        if organisation is None
        else Party(
            organisation=read_organisation(organisation, reading, namespace=MSGHEAD, inner=MSGHEAD)
        ),
        person=person,
        com_method=reading.code(children, "ComMethod"),
    )


def _document_info(document: etree._Element, reading: Reading) -> DocumentInfo:
    fields = children_of(document, MSGHEAD)
    refdoc = reading.only(fields, "RefDoc")
    parts = {} if refdoc is None else children_of(refdoc, MSGHEAD)
    return DocumentInfo(
        connection=reading.code(fields, "DocumentConnection"),
        content_type=reading.code(fields, "ContentType"),
        content_description=reading.text(fields, "ContentDescription"),
        content_category=reading.code(fields, "ContentCategory"),
        consent=reading.code(fields, "Consent"),
        annotation=reading.text(fields, "Annotation"),
        from_date=reading.time_text(fields, "FromDate"),
        to_date=reading.time_text(fields, "ToDate"),
        oid_ref=reading.token(fields, "OidRef"),
        enquiry_ref_id=reading.token(fields, "EnquiryRefId"),
        issue_date=reading.time_text(parts, "IssueDate"),
        document_id=reading.token(parts, "Id"),
        mime=reading.token(parts, "MimeType"),
        description=reading.text(parts, "Description"),
    )


def _content_namespace(
    documents: Sequence[etree._Element], content: etree._Element | None
) -> str | None:
    if content is not None:
        return namespace_of(content)
    if not documents:
        return None
    refdoc = f"{{{MSGHEAD}}}RefDoc/{{{MSGHEAD}}}Content/*"
    first = documents[0].find(refdoc)
    return None if first is None else namespace_of(first)


def _text_left(
    documents: Sequence[etree._Element], content: etree._Element | None, dialog: Dialog | None
) -> str | None:
    if content is None or dialog is None:
        return None
    return "" if goes_whole(documents[0], content) else dialog.text_left


def _attachments(
    documents: Sequence[etree._Element], content: etree._Element | None
) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    for number, document in enumerate(documents, 1):
        attachment = attachment_of(document, content if number == 1 else None, number=number)
        if attachment is not None:
            found.append(attachment)
        if len(found) == _MANY:
            break
    return tuple(found)
