"""Messages that cross from one office to the other, and what comes back; all in memory."""

from dataclasses import replace
from functools import cache

from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.message import (
    ANSWER,
    HER_SYSTEM,
    Code,
    ConversationRef,
    DialogMessage,
    Ident,
    Note,
    Party,
    Question,
)
from gateway.domain.receipt import ApplicationReceipt
from gateway.office import Office
from gateway.ports import OutboundMessage
from gateway.wiring import wire
from tests.builders_mails import all_said
from tests.builders_message import a_party, an_author
from tests.builders_offices import (
    HOSPITAL,
    NURSES,
    WARD,
    Desk,
    Offices,
    Post,
    a_letter_message,
    an_office,
    two_offices,
)
from tests.fakes_journal import FakeJournal

SECOND_WARD = HerId("910005")
WARD_PARTY = a_party(enterprise="910000", service=WARD, name="Blodsykdommer")
NURSES_PARTY = a_party(enterprise="920000", service=NURSES, name="Saksbehandling")


def a_question_of(asking: str, **changes: object) -> DialogMessage:
    """A request of one office to the other."""
    message = a_letter_message()
    if asking != HOSPITAL:
        message = replace(message, sender=message.receiver, receiver=message.sender)
    return replace(message, **changes)  # type: ignore[arg-type]  # checked by replace


def an_answer_to(question: DialogMessage, text: str = "Ja, kl. 10.") -> DialogMessage:
    """What the other office answers."""
    theme = Code(value="5", name="Svar på forespørsel", system="2.16.578.1.12.4.1.1.9069")
    note = Note(theme=theme, text=text, question=question.questions[0], roles=(an_author(),))
    return replace(
        question,
        type=Code(value=ANSWER, name="Svar på forespørsel"),
        msg_id=MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1d02"),
        sender=question.receiver,
        receiver=question.sender,
        conversation=ConversationRef(parent=question.msg_id, conversation=question.msg_id),
        questions=(),
        notes=(note,),
    )


def with_text(message: DialogMessage, text: str) -> DialogMessage:
    """The same message with another text."""
    if message.notes:
        return replace(message, notes=(replace(message.notes[0], text=text),))
    asked: Question = replace(message.questions[0], text=text)
    return replace(message, questions=(asked,))


def party_without(level: int) -> Party:
    """The ward with another id in the place of its HER-id on level 1 or 2."""
    local = (Ident(id="17", type=Code(value="RSH", name="RESH-id", system=HER_SYSTEM)),)
    whole = WARD_PARTY.organisation
    assert whole.part is not None
    if level == 1:
        return Party(organisation=replace(whole, idents=local))
    return Party(organisation=replace(whole, part=replace(whole.part, idents=local)))


def desks(offices: Offices, asking: str) -> tuple[Desk, Desk]:
    """The desk that asks and the desk that is asked."""
    if asking == HOSPITAL:
        return offices.hospital, offices.municipality
    return offices.municipality, offices.hospital


async def handed_over(offices: Offices, asking: str, document: bytes) -> OutboundMessage:
    """One document, from one EPJ to the other; what the other EPJ was given."""
    sender, receiver = desks(offices, asking)
    before = len(receiver.delivered)
    await sender.hand_in(document, name=f"amqp-{len(sender.status)}")
    await offices.settle()
    (delivered,) = receiver.delivered[before:]
    return delivered


def receipts_of(desk: Desk, reader: str) -> list[ApplicationReceipt]:
    """All AppRecs that an office has sent, as their reader opens them."""
    return [one.receipt(reader) for one in all_said(desk) if one.kind == "apprec"]


def offices_with_rules(**rules: object) -> Offices:
    """Two offices, the hospital with other decisions of the guideline's."""
    offices = two_offices()
    office = _with_rules(tuple(sorted(rules.items())))
    journal, post = FakeJournal(offices.clock), Post()
    processes = wire(office, journal, post, clock=offices.clock, new_id=offices.new_id)
    offices.hospital = Desk(HOSPITAL, office, journal, post, processes)
    return offices


@cache
def _with_rules(rules: tuple[tuple[str, object], ...]) -> Office:
    office = an_office(HOSPITAL)
    changed = office.settings.rules.model_copy(update=dict(rules))
    return replace(office, settings=office.settings.model_copy(update={"rules": changed}))


async def at_the_hospital(*mails: bytes, offices: Offices | None = None) -> Offices:
    """The offices after the hospital has read mails of the municipality; no answer is carried."""
    offices = offices or two_offices()
    offices.carry = False
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()
    return offices
