"""Threads through two offices: question, answer, reminder, and what must stay together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.codecs.document import read_document
from gateway.codecs.msghead import render_answer
from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId, MsgId, cpa_id_without_agreement
from gateway.domain.message import ConversationRef, DialogMessage, Ident, Note, Person
from gateway.domain.thread import Reply
from gateway.ports import ContentKeys
from gateway.threads import PatientMarks
from tests.builders_mails import a_header, a_mail
from tests.builders_message import a_party, a_patient, an_answer
from tests.builders_offices import (
    NURSES,
    WARD,
    Desk,
    Offices,
    a_letter_message,
    two_offices,
    written,
)

ANSWER = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1b02")
QUESTION = a_letter_message().msg_id
OTHER_NUMBER = "01815012507"
STRANGER = HerId("920002")


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


async def asked() -> tuple[Offices, DialogMessage]:
    """The hospital's question stands in the municipality's EPJ and is confirmed."""
    offices = two_offices()
    question = replace(a_letter_message(), gen_date=offices.clock.now(), gen_date_text="")
    question = replace(question, gen_date_text=offices.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    await offices.hospital.hand_in(written(question))
    await offices.settle()
    await offices.municipality.confirm(QUESTION)
    await offices.settle()
    return offices, question


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


async def test_question_that_was_refused_is_never_reminded_of() -> None:
    offices = two_offices()
    await offices.hospital.hand_in(written(a_letter_message()))
    await offices.settle()
    await offices.municipality.confirm(QUESTION, "refused", errors=[{"code": "E35"}])
    await offices.settle()

    for _ in range(16):
        await offices.pass_time(hours=12)

    assert not [e for d in offices.both for e in d.events if e.startswith("reply")]


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
        pytest.param(STRANGER, a_patient(), id="another service"),
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

    def test_mark_says_nothing_and_differs_between_keys(self) -> None:
        marks = PatientMarks(keys=self.KEYS).of(a_patient())

        assert len(set(marks)) == 2
        assert not any("0181501" in mark or "snes" in mark for mark in marks)

    def test_mark_of_the_old_key_is_still_known_after_a_change_of_keys(self) -> None:
        before = PatientMarks(keys=ContentKeys(current="a", by_id={"a": b"1" * 32}))

        assert before.of(a_patient())[0] in PatientMarks(keys=self.KEYS).of(a_patient())

    def test_same_number_is_the_same_patient_however_the_name_is_written(self) -> None:
        marks = PatientMarks(keys=self.KEYS)
        patient = a_patient()

        assert marks.of(replace(patient, given_name="PRØVE")) == marks.of(patient)
        assert marks.of(a_patient(number=OTHER_NUMBER)) != marks.of(patient)

    def test_without_a_number_name_birth_date_and_sex_tell_patients_apart(self) -> None:
        marks = PatientMarks(keys=self.KEYS)
        nameless = replace(a_patient(), idents=())

        assert marks.of(replace(nameless, family_name="ÅSNES")) == marks.of(nameless)
        assert marks.of(replace(nameless, given_name="Andre")) != marks.of(nameless)
