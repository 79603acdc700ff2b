"""Threads through two offices: question, answer, reminder, and what must stay together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.codecs.document import read_document
from gateway.codecs.msghead import render_answer
from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId, MsgId, cpa_id_without_agreement
from gateway.domain.message import (
    PERSON_ID_SYSTEM,
    Code,
    ConversationRef,
    DialogMessage,
    Ident,
    Note,
    Person,
)
from gateway.domain.thread import Reply
from gateway.ports import ContentKeys
from gateway.threads import PatientMarks
from tests.builders_epj import answer_json, encoded, request_json
from tests.builders_mails import a_header, a_mail
from tests.builders_message import a_party, a_patient, a_question, an_answer
from tests.builders_offices import (
    HOSPITAL,
    NURSES,
    WARD,
    Desk,
    Offices,
    a_letter_message,
    an_office,
    two_offices,
    written,
)
from tests.fakes_journal import HandClock

ANSWER = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1b02")
QUESTION = a_letter_message().msg_id
NUMBER, OTHER_NUMBER = "01815000036", "01815000044"  # valid, synthetic
PLO = next(
    HerId(entry.her)
    for entry in an_office(HOSPITAL).book.entries
    if entry.own and entry.service_code == "8668:1"
)
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
STRANGER = HerId("920002")
PATIENT = a_patient(number=NUMBER)
HYPHENATED = a_patient(number=f"{NUMBER[:6]}-{NUMBER[6:]}").idents
LOCAL_HELP = Ident(id="01415012345", type=Code(value="HNR", system=PERSON_ID_SYSTEM))  # invented


def answer_to(
    question: DialogMessage, *, repeated: bool = True, **changes: object
) -> DialogMessage:
    note: Note = an_answer().notes[0]
    asked = question.questions[0] if repeated else None
    message = replace(
        an_answer(),
        msg_id=ANSWER,
        sender=question.receiver,
        receiver=question.sender,
        patient=question.patient,
        conversation=ConversationRef(parent=question.msg_id, conversation=question.msg_id),
        notes=(replace(note, question=asked),),
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # names are checked by replace


async def asked(
    question: DialogMessage | None = None, *, body: bytes | None = None
) -> tuple[Offices, DialogMessage]:
    """The hospital's question stands in the municipality's EPJ and is confirmed."""
    offices = two_offices()
    usual = replace(a_letter_message(), patient=PATIENT)
    question = replace(question or usual, gen_date=offices.clock.now())
    question = replace(question, gen_date_text=offices.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    await offices.hospital.hand_in(body or written(question))
    await offices.settle()
    await offices.municipality.confirm(QUESTION)
    await offices.settle()
    return offices, question


def with_declared_type(document: bytes) -> bytes:
    """The question's text says that it is a string, by a prefix that only the root declares."""
    declared = (
        b'<MsgHead xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    )
    typed = b'<Sporsmal xsi:type="xs:string">'
    return document.replace(b"<MsgHead", declared, 1).replace(b"<Sporsmal>", typed, 1)


def of_monday() -> DialogMessage:
    """A question that counts from ``MONDAY``."""
    text = MONDAY.strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(a_letter_message(), gen_date=MONDAY, gen_date_text=text)


async def reply_of(desk: Desk) -> Reply | None:
    async with desk.journal.transaction() as tx:
        (turn,) = await tx.turns_by_msg_id(QUESTION)
    return turn.reply


async def test_answer_ends_the_wait_on_both_sides_and_the_epj_is_told() -> None:
    offices, question = await asked()
    assert await reply_of(offices.hospital) is Reply.OPEN

    await offices.municipality.hand_in(render_answer(answer_to(question)), name="a-1")
    await offices.settle()

    assert await reply_of(offices.hospital) is Reply.ANSWERED
    assert await reply_of(offices.municipality) is Reply.ANSWERED
    assert offices.hospital.events[-1] == "replied"
    assert offices.hospital.last["msg_id"] == QUESTION


async def test_answer_travels_in_the_conversation_of_its_question() -> None:
    offices, question = await asked()
    sent = await offices.hospital.outgoing(QUESTION)

    await offices.municipality.hand_in(render_answer(answer_to(question)), name="a-1")
    await offices.settle()

    (received,) = await offices.hospital.incoming(ANSWER)
    assert received.conversation_id == sent.conversation_id


async def test_question_is_put_into_an_answer_that_does_not_repeat_it() -> None:
    offices, question = await asked()

    document = render_answer(answer_to(question, repeated=False))
    await offices.municipality.hand_in(document, name="a-1")
    await offices.settle()

    (delivered,) = offices.hospital.delivered
    answer = read_document(delivered.body).message
    assert answer.notes[0].question == question.questions[0]
    assert answer.notes[0].text == answer_to(question).notes[0].text


async def test_a_reminder_has_the_fields_of_every_event_on_both_sides() -> None:
    """Design §3: an EPJ reads ``data`` without looking at which event it is."""
    offices, _ = await asked()
    await offices.pass_time(days=6)

    fields = {frozenset(event["data"]) for desk in offices.both for event in desk.status}
    assert "reply-due" in offices.municipality.events
    assert len(fields) == 1


@pytest.mark.parametrize("repeats", ["xml", "json"])
async def test_every_question_of_several_is_repeated(repeats: str) -> None:
    question = a_letter_message(questions=(a_question("Første?"), a_question("Andre?")))
    offices, _ = await asked(question)

    if repeats == "xml":
        document = render_answer(answer_to(question, repeated=False))
        await offices.municipality.hand_in(document, name="a-1")
    else:
        body = encoded(answer_json(msg_id=ANSWER, reply_to=QUESTION))
        await offices.municipality.hand_in(body, name="a-1", content_type="application/json")
    await offices.settle()

    (delivered,) = offices.hospital.delivered
    (note,) = read_document(delivered.body).message.notes
    assert note.question is not None
    assert note.question.text == "Første?\n\nAndre?"


async def test_question_whose_text_declares_its_type_is_repeated_as_text() -> None:
    question = a_letter_message()
    offices, _ = await asked(question, body=with_declared_type(written(question)))

    document = render_answer(answer_to(question, repeated=False))
    await offices.municipality.hand_in(document, name="a-1")
    await offices.settle()

    (delivered,) = offices.hospital.delivered
    answer = read_document(delivered.body).message
    assert answer.notes[0].question == question.questions[0]


async def test_answer_goes_without_a_question_that_would_make_it_too_large() -> None:
    offices, question = await asked()
    municipality = offices.municipality
    document = render_answer(answer_to(question, repeated=False))
    reading = municipality.processes.accept.reading
    narrow = replace(reading.limits, max_bytes=len(document))
    municipality.processes = replace(
        municipality.processes,
        accept=replace(municipality.processes.accept, reading=replace(reading, limits=narrow)),
    )

    await municipality.hand_in(document, name="a-1")
    await offices.settle()

    accepted = next(e for e in municipality.status if e["type"].endswith("accepted.v1"))
    assert "R-43" in [reason["rule"] for reason in accepted["data"]["reasons"]]
    assert [one.body for one in offices.hospital.delivered] == [document]


async def test_unanswered_question_is_reminded_of_and_then_overdue_for_both() -> None:
    offices, _ = await asked()
    offices.hospital.status.clear()
    offices.municipality.status.clear()

    for _ in range(16):
        await offices.pass_time(hours=12)

    for desk in offices.both:
        named = [e for e in desk.events if e.startswith("reply")]
        assert named == ["reply-due", "reply-overdue"]
        assert desk.last["msg_id"] == QUESTION


async def test_nobody_is_reminded_of_a_question_about_an_admitted_patient() -> None:
    inpatient = a_party(enterprise="910000", service=PLO, name="PLO Innleggelse Somatikk")
    nurses = a_party(enterprise="920000", service=NURSES)
    offices = two_offices()
    question = a_letter_message(sender=nurses, receiver=inpatient)
    await offices.municipality.hand_in(written(question))
    await offices.settle()
    await offices.hospital.confirm(QUESTION)
    await offices.settle()

    for _ in range(16):
        await offices.pass_time(hours=12)
    assert not [e for d in offices.both for e in d.events if e.startswith("reply")]

    await offices.hospital.hand_in(render_answer(answer_to(question)), name="a-1")
    await offices.settle()
    assert offices.municipality.events[-1] == "replied"


@pytest.mark.parametrize(("sender", "remarked"), [(PLO, False), (WARD, True)])
async def test_the_window_is_for_ordinary_services_only(sender: HerId, remarked: bool) -> None:
    offices = two_offices()
    facts = {"last_contact": "2020-01-01"}
    body = encoded(request_json(**{"from": sender, "to": NURSES, "facts": facts}))

    await offices.hospital.hand_in(body, content_type="application/json")

    await offices.settle()
    accepted = offices.hospital.status[0]["data"]
    assert ("EPJ_WINDOW" in {reason["code"] for reason in accepted["reasons"]}) is remarked


async def test_question_that_was_refused_is_never_reminded_of() -> None:
    offices = two_offices()
    await offices.hospital.hand_in(written(a_letter_message()))
    await offices.settle()
    await offices.municipality.confirm(QUESTION, "refused", errors=[{"code": "E35"}])
    await offices.settle()

    for _ in range(16):
        await offices.pass_time(hours=12)

    assert not [e for d in offices.both for e in d.events if e.startswith("reply")]


async def test_each_reminder_is_told_once_when_the_receipt_comes_after_it() -> None:
    """The reply time counts anew from the receipt, and the EPJ knows already that it is late."""
    offices = two_offices(clock=HandClock(MONDAY))
    await offices.hospital.hand_in(written(of_monday()))
    await offices.settle()
    for _ in range(15):
        await offices.pass_time(hours=6)
    assert offices.hospital.events[-1] == "reply-due"

    await offices.municipality.confirm(QUESTION)
    await offices.settle()
    for _ in range(30):
        await offices.pass_time(hours=12)

    named = [e for e in offices.hospital.events if e.startswith("reply")]
    assert named == ["reply-due", "reply-overdue"]


async def test_question_that_was_discarded_is_not_reminded_of() -> None:
    offices = two_offices(clock=HandClock(MONDAY))
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(written(of_monday()))
    await offices.settle()
    for _ in range(7):
        await offices.pass_time(hours=12)
    ((letter_id, _),) = await hospital.letters()

    assert await hospital.discard(letter_id)
    for _ in range(30):
        await offices.pass_time(hours=12)

    assert hospital.events[-1] == "discarded"
    assert not [e for e in hospital.events if e.startswith("reply")]
    assert await hospital.journal.open_questions() == []


async def test_question_closed_by_a_person_is_not_reminded_of() -> None:
    offices, _ = await asked()
    desk = offices.hospital
    entry = await desk.outgoing(QUESTION)

    async with desk.journal.transaction() as tx:
        threads = desk.processes.threads
        assert await threads.close(tx, entry.entry_id, actor="kari", reason="ringte")
        assert not await threads.close(tx, entry.entry_id, actor="kari", reason="ringte")
    for _ in range(16):
        await offices.pass_time(hours=12)

    assert not [event for event in desk.events if event.startswith("reply")]
    closing = [event for event in await desk.journal.trail(QUESTION) if event.actor]
    assert [(e.name, e.actor, e.detail["reason"]) for e in closing] == [
        ("thread_closed", "kari", "ringte")
    ]


async def test_answer_about_another_patient_is_not_sent() -> None:
    offices, question = await asked()
    patient = a_patient(number=OTHER_NUMBER)

    document = render_answer(answer_to(question, patient=patient))
    await offices.municipality.hand_in(document, name="a-1")
    await offices.settle()

    assert offices.municipality.events[-1] == "rejected"
    assert [r["code"] for r in offices.municipality.last["reasons"]] == ["EPJ_THREAD"]
    assert await reply_of(offices.municipality) is Reply.OPEN


@pytest.mark.parametrize(
    ("asked_about", "remarks"),
    [
        pytest.param(replace(PATIENT, idents=HYPHENATED), [], id="number with a hyphen"),
        pytest.param(
            replace(PATIENT, idents=(*PATIENT.idents, LOCAL_HELP)), [], id="a local number too"
        ),
        pytest.param(replace(PATIENT, idents=()), [], id="name, birth date and sex"),
        pytest.param(
            replace(PATIENT, idents=(), given_name="Annen"), ["EPJ_THREAD"], id="another name"
        ),
    ],
)
async def test_answer_may_identify_the_patient_in_another_way_than_the_question(
    asked_about: Person, remarks: list[str]
) -> None:
    offices, question = await asked(replace(a_letter_message(), patient=asked_about))

    document = render_answer(answer_to(question, patient=PATIENT))
    await offices.municipality.hand_in(document, name="a-1")
    await offices.settle()

    municipality = offices.municipality
    accepted = municipality.status[municipality.events.index("accepted")]["data"]
    assert [r["code"] for r in accepted["reasons"] if r["code"] == "EPJ_THREAD"] == remarks
    assert [await reply_of(desk) for desk in offices.both] == [Reply.ANSWERED] * 2
    (handed,) = [
        e for e in await offices.hospital.journal.trail(ANSWER) if e.name == "handed_to_epj"
    ]
    assert [code for code in handed.detail.values() if code == "EPJ_THREAD"] == remarks
    assert offices.hospital.events[-1] == "replied"


async def test_answer_that_names_another_conversation_is_not_sent() -> None:
    offices, question = await asked()
    elsewhere = ConversationRef(parent=QUESTION, conversation=MsgId("another-thread"))

    await offices.municipality.hand_in(
        render_answer(answer_to(question, conversation=elsewhere)), name="a-1"
    )
    await offices.settle()

    assert offices.municipality.events[-1] == "rejected"
    assert [r["rule"] for r in offices.municipality.last["reasons"]] == ["R-39"]


async def test_answer_that_a_partner_puts_in_another_conversation_is_taken_in_and_flagged() -> None:
    offices, question = await asked()
    offices.carry = False
    elsewhere = ConversationRef(parent=QUESTION, conversation=MsgId("another-thread"))

    reply = render_answer(answer_to(question, conversation=elsewhere))
    await offices.hospital.take_in(a_mail(reply, a_header("DIALOG_SVAR")))
    await offices.settle()

    (delivered,) = offices.hospital.delivered
    assert delivered.message_id == ANSWER
    trail = {e.name: e.detail for e in await offices.hospital.journal.trail(ANSWER)}
    assert trail["handed_to_epj"]["R-39 follow-up"] == "EPJ_THREAD"


@pytest.mark.parametrize(
    "parent",
    [
        pytest.param(ANSWER, id="the answer itself"),
        pytest.param(MsgId(""), id="nothing"),
        pytest.param(MsgId("7f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1b07"), id="a message unknown here"),
    ],
)
@pytest.mark.parametrize("number", [NUMBER, OTHER_NUMBER], ids=["same patient", "another patient"])
async def test_an_answer_in_the_conversation_of_a_question_ends_its_wait(
    parent: MsgId, number: str
) -> None:
    offices, question = await asked()
    offices.carry = False
    within = ConversationRef(parent=parent, conversation=QUESTION)
    reply = answer_to(question, conversation=within, patient=a_patient(number=number))

    await offices.hospital.take_in(a_mail(render_answer(reply), a_header("DIALOG_SVAR")))
    await offices.settle()

    expected = Reply.ANSWERED if number == NUMBER else Reply.OPEN
    assert await reply_of(offices.hospital) is expected
    trail = {e.name: e.detail for e in await offices.hospital.journal.trail(ANSWER)}
    assert trail["handed_to_epj"]["R-39 follow-up"] == "EPJ_THREAD"


async def test_answer_from_a_service_that_was_not_asked_is_not_sent() -> None:
    offices, question = await asked()
    book = offices.municipality.office.book
    other = next(e for e in book.entries if e.own and e.her != question.receiver.her)
    level_1 = question.receiver.organisation
    assert level_1.part is not None
    ident: Ident = replace(level_1.part.idents[0], id=other.her)
    sender = replace(
        question.receiver,
        organisation=replace(level_1, part=replace(level_1.part, idents=(ident,))),
    )

    document = render_answer(answer_to(question, sender=sender))
    await offices.municipality.hand_in(document, name="a-1")
    await offices.settle()

    assert offices.municipality.events[-1] == "rejected"
    assert {r["code"] for r in offices.municipality.last["reasons"]} == {"EPJ_THREAD"}


@pytest.mark.parametrize(
    ("sender", "patient"),
    [
        pytest.param(STRANGER, PATIENT, id="another service"),
        pytest.param(NURSES, a_patient(number=OTHER_NUMBER), id="another patient"),
    ],
)
async def test_only_the_asked_service_about_the_same_patient_ends_the_wait(
    sender: HerId, patient: Person
) -> None:
    offices, question = await asked()
    offices.carry = False
    party = a_party(enterprise="920000", service=sender)
    reply = render_answer(answer_to(question, sender=party, patient=patient))
    header = a_header(
        "DIALOG_SVAR",
        sender=EbParty(her=sender, role="DIALOG_SVARsender"),
        cpa_id=cpa_id_without_agreement(WARD, sender),
    )
    await offices.hospital.take_in(a_mail(reply, header))
    await offices.settle()

    assert await reply_of(offices.hospital) is Reply.OPEN


async def test_reply_time_counts_from_the_receipt_not_from_the_question() -> None:
    offices = two_offices()
    await offices.hospital.hand_in(written(a_letter_message()))
    await offices.settle()
    async with offices.hospital.journal.transaction() as tx:
        (before,) = await tx.turns_by_msg_id(QUESTION)

    offices.clock.move(hours=50)
    await offices.municipality.confirm(QUESTION)
    await offices.settle()

    async with offices.hospital.journal.transaction() as tx:
        (after,) = await tx.turns_by_msg_id(QUESTION)
    assert before.counted_from is not None
    assert after.counted_from is not None
    assert after.counted_from - before.counted_from > timedelta(hours=24)


class TestPatientMarks:
    KEYS = ContentKeys(current="b", by_id={"a": b"1" * 32, "b": b"2" * 32})
    MARKS = PatientMarks(keys=KEYS)

    def test_marks_say_nothing_and_differ_between_keys(self) -> None:
        kept, compared = self.MARKS.to_keep(PATIENT), self.MARKS.to_compare(PATIENT)

        assert (len(kept), len(compared)) == (2, 4)
        assert kept < compared
        assert not any("0181500" in mark or "snes" in mark for _, mark in compared)

    def test_marks_of_the_old_key_are_still_known_after_a_change_of_keys(self) -> None:
        before = PatientMarks(keys=ContentKeys(current="a", by_id={"a": b"1" * 32}))

        assert before.to_keep(PATIENT) < self.MARKS.to_compare(PATIENT)
