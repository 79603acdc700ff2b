"""DialogMessage -> MsgHead 1.2 with a Dialogmelding 1.0, for requests and answers.

Ack is never written: it has not been in use since 2018 (HIS 80601, correction of 30.05.2018).
"""

from typing import Final

from lxml import etree

from gateway.codecs.reading import instant_of
from gateway.codecs.writing import Writing, person_choice
from gateway.codecs.xml import DIALOG_1_0, FK1, MSGHEAD
from gateway.domain.message import (
    Code,
    DialogMessage,
    DocumentInfo,
    Note,
    Question,
    Role,
)
from gateway.errors import MalformedMessage, UnsupportedFormat

MIG_VERSION: Final = "v1.2 2006-05-24"

_XML_INSTANCE: Final = Code(value="XML", name="XML-instans")


def render_request(message: DialogMessage) -> bytes:
    """Write a message whose content is one or more questions, and nothing else.

    Values are written as they are; what is None is left out. ``attachments`` and
    ``signed`` speak of a document received and cannot be written; ``markup`` and
    ``findings`` are passed over.

    Returns:
        The document in UTF-8; ``parse_msghead`` of it gives ``message`` again.

    Raises:
        MalformedMessage: there is no question or there is a note; a value that
            the schema requires is absent, or stands only in version 1.1; or a
            text holds characters that XML 1.0 forbids. ``faults`` says where.
        UnsupportedFormat: the message is of version 1.1.

    Source: HIS 1152 (profile Forespørsel), HIS 80601, HIS 80603:2006.
    """
    if not message.questions or message.notes:
        raise MalformedMessage("a request holds questions and nothing else")
    return _render(message)


def render_answer(message: DialogMessage) -> bytes:
    """Write a message whose content is one or more notes; else as :func:`render_request`.

    The question answered is written where ``Note.question`` has it (version 1.0
    demands it, HIS 1152); whether it is there is not checked here.
    """
    if not message.notes or message.questions:
        raise MalformedMessage("an answer holds notes and nothing else")
    return _render(message)


def _render(message: DialogMessage) -> bytes:
    if message.dialog_version not in (None, "1.0"):
        raise UnsupportedFormat("only Dialogmelding 1.0 is written")
    if message.attachments or message.signed:
        raise MalformedMessage("attachments and signatures are not written")
    writing = _MessageWriting()
    root = writing.message(message)
    writing.raise_faults()
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def question_element(question: Question) -> etree._Element:
    """The Foresporsel that repeats ``question``, in version 1.0.

    Raises:
        MalformedMessage: as :func:`render_request`.
    """
    writing = _MessageWriting()
    parent = etree.Element(f"{{{DIALOG_1_0}}}Notat", nsmap={None: DIALOG_1_0, "fk1": FK1})
    writing.question(parent, question)
    writing.raise_faults()
    return parent[0]


class _MessageWriting(Writing):
    def message(self, message: DialogMessage) -> etree._Element:
        root = etree.Element(f"{{{MSGHEAD}}}MsgHead", nsmap={None: MSGHEAD})
        info = etree.SubElement(root, f"{{{MSGHEAD}}}MsgInfo")
        self.code(info, MSGHEAD, "Type", message.type)
        self.text(info, MSGHEAD, "MIGversion", MIG_VERSION)
        self.text(info, MSGHEAD, "GenDate", message.gen_date_text)
        if instant_of(message.gen_date_text) != message.gen_date:
            self.fault(info[-1], "gen_date_text is not the xs:dateTime of gen_date")
        self.text(info, MSGHEAD, "MsgId", message.msg_id)
        self.code(info, MSGHEAD, "ProcessingStatus", message.processing_status)
        self.code(info, MSGHEAD, "RequestedPriority", message.priority)
        if message.conversation is not None:
            reference = etree.SubElement(info, f"{{{MSGHEAD}}}ConversationRef")
            self.text(reference, MSGHEAD, "RefToParent", message.conversation.parent)
            self.text(reference, MSGHEAD, "RefToConversation", message.conversation.conversation)
        self.party(info, "Sender", message.sender)
        self.party(info, "Receiver", message.receiver)
        for receiver in message.other_receivers:
            self.other_receiver(info, receiver)
        if message.patient is not None:
            self.person(info, "Patient", message.patient)
        dialog = self.document(root, message.document)
        self.code(dialog, DIALOG_1_0, "SakstypeKodet", message.case_type)
        self.text(dialog, DIALOG_1_0, "Sakstype", message.case)
        for question in message.questions:
            self.question(dialog, question)
        for note in message.notes:
            self.note(dialog, note)
        return root

    def document(self, root: etree._Element, document: DocumentInfo) -> etree._Element:
        element = etree.SubElement(root, f"{{{MSGHEAD}}}Document")
        self.code(element, MSGHEAD, "DocumentConnection", document.connection)
        self.code(element, MSGHEAD, "ContentType", document.content_type)
        self.text(element, MSGHEAD, "ContentDescription", document.content_description)
        self.code(element, MSGHEAD, "ContentCategory", document.content_category)
        self.code(element, MSGHEAD, "Consent", document.consent)
        self.text(element, MSGHEAD, "Annotation", document.annotation)
        self.time(element, "FromDate", document.from_date)
        self.time(element, "ToDate", document.to_date)
        self.text(element, MSGHEAD, "OidRef", document.oid_ref)
        self.text(element, MSGHEAD, "EnquiryRefId", document.enquiry_ref_id)
        refdoc = etree.SubElement(element, f"{{{MSGHEAD}}}RefDoc")
        self.time(refdoc, "IssueDate", document.issue_date)
        self.code(refdoc, MSGHEAD, "MsgType", _XML_INSTANCE)
        self.text(refdoc, MSGHEAD, "Id", document.document_id)
        self.text(refdoc, MSGHEAD, "MimeType", document.mime)
        self.text(refdoc, MSGHEAD, "Description", document.description)
        content = etree.SubElement(refdoc, f"{{{MSGHEAD}}}Content")
        return etree.SubElement(
            content, f"{{{DIALOG_1_0}}}Dialogmelding", nsmap={None: DIALOG_1_0, "fk1": FK1}
        )

    def question(self, parent: etree._Element, question: Question) -> None:
        element = etree.SubElement(parent, f"{{{DIALOG_1_0}}}Foresporsel")
        if (
            question.subject is not None
            or question.coded_information is not None
            or len(question.journal_info) > 1
        ):
            self.fault(element, "holds what only version 1.1 has")
        self.code(element, DIALOG_1_0, "TypeForesp", question.type)
        self.text(element, DIALOG_1_0, "Sporsmal", question.text)
        self.code(element, DIALOG_1_0, "Formål", question.purpose)
        self.text(element, DIALOG_1_0, "Begrunnelse", question.reason)
        self.code(element, DIALOG_1_0, "Hastegrad", question.urgency)
        self.day(element, DIALOG_1_0, "FraDato", question.from_date)
        self.day(element, DIALOG_1_0, "TilDato", question.to_date)
        for code in question.journal_info:
            self.code(element, DIALOG_1_0, "TypeJournalinfo", code)
        self.text(element, DIALOG_1_0, "DokIdForesp", question.document_id)
        self.roles(element, question.roles)

    def note(self, parent: etree._Element, note: Note) -> None:
        element = etree.SubElement(parent, f"{{{DIALOG_1_0}}}Notat")
        self.code(element, DIALOG_1_0, "TemaKodet", note.theme)
        self.text(element, DIALOG_1_0, "Tema", note.theme_text)
        self.text(element, DIALOG_1_0, "TekstNotatInnhold", note.text)
        self.text(element, DIALOG_1_0, "Merknad", note.remark)
        self.text(element, DIALOG_1_0, "DokIdNotat", note.document_id)
        self.day(element, DIALOG_1_0, "DatoNotat", note.written_on)
        if note.question is not None:
            self.question(element, note.question)
        self.roles(element, note.roles)

    def roles(self, parent: etree._Element, roles: tuple[Role, ...]) -> None:
        for role in roles:
            element = etree.SubElement(parent, f"{{{DIALOG_1_0}}}RollerRelatertNotat")
            if role.unit is not None:
                self.fault(element, "TilknyttetEnhet stands only in version 1.1")
            self.code(element, DIALOG_1_0, "RolleNotat", role.role_in_note)
            self.code(element, DIALOG_1_0, "RoleToPatient", role.role_to_patient)
            if role.person is None:
                self.fault(element, "a person is required in version 1.0")
            else:
                name = person_choice(role.person)
                self.person(element, name, role.person, namespace=DIALOG_1_0, inner=FK1)
