"""From what an EPJ handed in as JSON to a whole DialogMessage.

Names and both levels of the parties come from the address book (R-82), the
question that an answer repeats from the thread (R-43). What a message may say is
not decided here: the MsgHead goes the way of every other message.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.codecs.epj_codes import (
    ANSWER_THEME,
    PERSON_IDENT,
    PRIORITY,
    PROFESSION,
    ROLE_TO_PATIENT,
    SEX,
    coded,
    request_list,
    simple,
    values_of,
)
from gateway.codecs.epj_models import Author, Dialogue, DialogueAnswer, DialogueRequest, Patient
from gateway.codecs.repeating import repeated_question
from gateway.codecs.replying import party_of
from gateway.codecs.xml import DIALOG_1_0
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    ANSWER,
    HER_SYSTEM,
    REQUEST,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    HealthcareProfessional,
    Ident,
    Note,
    Organisation,
    Party,
    Person,
    Question,
    Role,
    TeleCom,
)
from gateway.domain.routing import route
from gateway.domain.services import ServiceType
from gateway.errors import Fault, MalformedMessage, NoRoute, NotOurSender

_OSLO: Final = ZoneInfo("Europe/Oslo")
_FROM: Final = "$.from"
_TO: Final = "$.to"


def compose_request(
    model: DialogueRequest,
    book: AddressBook,
    services: Sequence[ServiceType],
    *,
    now: datetime,
) -> DialogMessage:
    """Make the request that ``model`` asks for.

    Args:
        model: what the EPJ handed in.
        book: where parties and their names come from.
        services: for addresses that name a service.
        now: GenDate unless the EPJ gave one; aware.

    Raises:
        NotOurSender: ``from`` is none, or not one, of our services.
        NoRoute: ``to`` is unknown or ambiguous; the fault lists the candidates.
        MalformedMessage: the type is not in the list that the sender uses.
    """
    sender = _own(model.sender, book, services)
    receiver = _anybody(model.receiver, book, services)
    code_list = request_list(sender)
    if model.type not in values_of(code_list):
        allowed = ", ".join(values_of(code_list))
        raise _malformed("$.type", f"not a value of code list {code_list}: {allowed}")
    text = model.text
    if model.reference is not None and text.strip():
        # DokIdForesp is for machines; only the text reaches who reads the message.
        text = f"{text}\n\nReferanse: {model.reference}"
    question = Question(
        type=coded(code_list, model.type), text=text, roles=(_author(model.author),)
    )
    head = _head(model, now)
    return replace(
        head,
        type=Code(value=REQUEST, name="Forespørsel"),
        sender=_party(sender),
        receiver=_party(receiver),
        patient=_patient(model.patient),
        questions=(question,),
    )


def compose_answer(
    model: DialogueAnswer,
    questions: Sequence[DialogMessage],
    book: AddressBook,
    services: Sequence[ServiceType],
    *,
    now: datetime,
) -> DialogMessage:
    """Make the answer that ``model`` asks for.

    Args:
        model: what the EPJ handed in.
        questions: the messages that came in under the MsgId answered. None: the
            answer goes without a question, which rule R-43 remarks. Several, from
            partners that used the same id: ``to`` says which one is meant.
        book: as for a request.
        services: as for a request.
        now: as for a request.

    Raises:
        NotOurSender, NoRoute: as for a request, and when a party of the question
            has left the address book.
        MalformedMessage: the theme is not of list 9069; ``from``, ``to`` or
            ``patient`` is left out and there is no question to take it from; or
            several questions may be meant.
    """
    question = _meant(model, questions, book, services)
    if model.theme not in values_of(ANSWER_THEME):
        allowed = ", ".join(values_of(ANSWER_THEME))
        raise _malformed("$.theme", f"not a value of code list {ANSWER_THEME}: {allowed}")
    sender, receiver, patient = _completed(model, question)
    head = _head(model, now)
    note = Note(
        theme=coded(ANSWER_THEME, model.theme),
        text=model.text,
        written_on=head.gen_date.astimezone(_OSLO).date(),
        question=None if question is None else repeated_question(question),
        roles=(_author(model.author),),
    )
    return replace(
        head,
        type=Code(value=ANSWER, name="Svar på forespørsel"),
        conversation=_conversation(model, question),
        sender=_party(_own(sender, book, services)),
        receiver=_party(_anybody(receiver, book, services)),
        patient=patient,
        notes=(note,),
    )


def _meant(
    model: DialogueAnswer,
    questions: Sequence[DialogMessage],
    book: AddressBook,
    services: Sequence[ServiceType],
) -> DialogMessage | None:
    if len(questions) > 1 and model.receiver is not None:
        her = _anybody(model.receiver, book, services).her
        questions = [question for question in questions if question.sender.her == her]
    if len(questions) > 1:
        # Never a guess: the wrong one would send a patient's matter to another partner.
        raise _malformed("$.reply_to", "several messages here have this MsgId; give to")
    return next(iter(questions), None)


def _completed(model: DialogueAnswer, question: DialogMessage | None) -> tuple[str, str, Person]:
    """Sender, receiver and patient, each from the question where the EPJ left it out."""
    sender, receiver = model.sender, model.receiver
    patient = None if model.patient is None else _patient(model.patient)
    if question is not None:
        sender = sender or question.receiver.her
        receiver = receiver or question.sender.her
        if patient is None and question.patient is not None:
            # Where the patient lives and is called has nothing to do with the answer.
            patient = replace(question.patient, address=None, telecoms=())
    missing = [
        Fault(where, f"{where}: must be given, since the question has none or is not known here")
        for where, value in ((_FROM, sender), (_TO, receiver), ("$.patient", patient))
        if value is None
    ]
    if sender is None or receiver is None or patient is None:
        raise MalformedMessage(missing[0].detail, where=missing[0].where, faults=tuple(missing))
    return sender, receiver, patient


def _conversation(model: DialogueAnswer, question: DialogMessage | None) -> ConversationRef:
    # As the asker wrote it, where it is known: some compare it letter by letter.
    parent = first = MsgId(model.reply_to) if question is None else question.msg_id
    if model.conversation is not None:
        first = MsgId(model.conversation)
    elif question is not None and question.conversation is not None:
        first = question.conversation.conversation
    return ConversationRef(parent=parent, conversation=first)


def _head(model: Dialogue, now: datetime) -> DialogMessage:
    """What both kinds have alike; type, parties and patient are still to come."""
    instant = (model.sent_at or now).astimezone(UTC).replace(microsecond=0)
    text = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    nobody = Party(organisation=Organisation())
    return DialogMessage(
        type=Code(value=""),
        msg_id=MsgId(model.msg_id),
        gen_date=instant,
        gen_date_text=text,
        sender=nobody,
        receiver=nobody,
        priority=None if model.priority is None else simple(PRIORITY, model.priority),
        content_namespace=DIALOG_1_0,
        dialog_version="1.0",
        document=DocumentInfo(issue_date=text),
    )


def _own(address: str, book: AddressBook, services: Sequence[ServiceType]) -> Entry:
    """Our service at ``address``; one that only ever sends is fine here."""
    entry = book.by_her(address)
    if entry is not None and entry.own:
        return entry
    try:
        return route(address, AddressBook(tuple(e for e in book.enterprises if e.own)), services)
    except NoRoute as error:
        fault = Fault(_FROM, f"{_FROM}: {error.detail}")
        raise NotOurSender(error.detail, where=_FROM, faults=(fault,)) from None


def _anybody(address: str, book: AddressBook, services: Sequence[ServiceType]) -> Entry:
    try:
        return route(address, book, services)
    except NoRoute as error:
        fault = Fault(_TO, f"{_TO}: {error.detail}")
        raise NoRoute(error.detail, where=_TO, faults=(fault,)) from None


def _party(entry: Entry) -> Party:
    organisation = party_of(entry).organisation
    part, person = organisation.part, organisation.professional
    return Party(
        organisation=replace(
            organisation,
            idents=_with_system(organisation.idents),
            part=None if part is None else replace(part, idents=_with_system(part.idents)),
            professional=None
            if person is None
            else replace(person, idents=_with_system(person.idents)),
        )
    )


def _with_system(idents: tuple[Ident, ...]) -> tuple[Ident, ...]:
    """An Ident of MsgHead names its code system; in an AppRec there is no place for it."""
    return tuple(replace(i, type=replace(i.type, system=HER_SYSTEM)) for i in idents)


def _patient(patient: Patient) -> Person:
    return Person(
        family_name=patient.family_name,
        middle_name=patient.middle_name,
        given_name=patient.given_name,
        date_of_birth=patient.date_of_birth,
        sex=None if patient.sex is None else simple(SEX, patient.sex),
        idents=tuple(Ident(id=i.id, type=coded(PERSON_IDENT, i.type)) for i in patient.idents),
    )


def _author(author: Author) -> Role:
    hpr = () if author.hpr is None else (Ident(id=author.hpr, type=coded(PERSON_IDENT, "HPR")),)
    return Role(
        role_to_patient=coded(ROLE_TO_PATIENT, author.role),
        person=HealthcareProfessional(
            profession=None if author.profession is None else simple(PROFESSION, author.profession),
            family_name=author.family_name,
            middle_name=author.middle_name,
            given_name=author.given_name,
            idents=hpr,
            telecoms=(TeleCom(address="tel:" + author.phone.replace(" ", "")),),
        ),
    )


def _malformed(where: str, detail: str) -> MalformedMessage:
    fault = Fault(where, f"{where}: {detail}")
    return MalformedMessage(fault.detail, where=where, faults=(fault,))
