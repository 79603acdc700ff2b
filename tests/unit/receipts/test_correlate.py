"""Application receipts that come back, in whatever order, however often, from whomever."""

import re
from dataclasses import replace

import pytest

from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId, MessageId, MsgId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import (
    a_message_error,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_offices import LETTER_ID, a_letter, sums, two_offices
from tests.builders_receipts import LATER, REFUSAL, ack, apprec, delivery_of, read, sent


async def test_acknowledgment_then_receipt_confirms() -> None:
    offices, hospital, mail = await sent()

    await read(offices, ack(mail), apprec())

    assert hospital.events == ["accepted", "sent", "acknowledged", "confirmed"]
    assert (hospital.last["transport"], hospital.last["answer"]) == ("acknowledged", "ok")
    assert (await sums(hospital))[0].confirmed == 1
    assert kinds_said(hospital) == ["payload", "acknowledgment"]  # the AppRec is acknowledged


async def test_receipt_before_acknowledgment_confirms() -> None:
    offices, hospital, mail = await sent()

    await read(offices, apprec(), ack(mail))

    assert hospital.events == ["accepted", "sent", "confirmed"]
    assert (await hospital.trail(LETTER_ID))[-1] == "acknowledged_again"
    assert delivery_of(hospital, mail).due_at is None


async def test_the_time_from_hand_over_to_receipt_is_in_the_events() -> None:
    offices, hospital, mail = await sent()
    offices.clock.move(milliseconds=1500)
    await read(offices, ack(mail))
    offices.clock.move(seconds=60)
    await read(offices, apprec())

    details = {e.name: e.detail for e in hospital.state.events}
    assert details["acknowledged"]["milliseconds"] == 1500
    assert details["answered"]["milliseconds"] == 61500
    assert details["answered"]["partner"] == "920001"
    assert details["answered"]["type"] == "DIALOG_FORESPORSEL"


async def test_a_negative_receipt_refuses_in_the_partner_s_words() -> None:
    offices, hospital, _ = await sent()

    await read(offices, apprec(Answer.REJECTED))

    assert hospital.events[-1] == "refused"
    (reason,) = hospital.last["reasons"]
    told = f"{REFUSAL.text} (Pasienten finnes ikke i mottakersystemet)"
    assert (reason["code"], reason["text_nb"]) == ("E35", told)
    assert (await sums(hospital))[0].rejected == 1


async def test_a_negative_receipt_without_a_reason_is_the_application_s_refusal() -> None:
    offices, hospital, _ = await sent()
    document = an_apprec_document(LETTER_ID, Answer.REJECTED, errors=(REFUSAL,))
    document, removed = re.subn(rb"<Error [^>]*/>", b"", document)
    assert removed == 1

    await read(offices, an_apprec_mail(document))

    assert hospital.events[-1] == "refused"
    assert hospital.last["transport"] == "acknowledged"
    (reason,) = hospital.last["reasons"]
    assert (reason["code"], reason["who_acts"]) == ("GW-119", "sender")
    assert await hospital.letters() == []


async def test_status_3_is_confirmed_and_visibly_so_with_errors() -> None:
    offices, hospital, _ = await sent()

    await read(offices, apprec(Answer.OK_WITH_ERRORS))

    assert hospital.events[-1] == "confirmed"
    assert hospital.last["answer"] == "ok_with_errors"
    assert hospital.last["reasons"][0]["code"] == "E35"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Pasient 01815000036 er ukjent", None, id="national number"),
        pytest.param("x" * 3000, "x" * 500, id="very long"),
    ],
)
async def test_a_partner_s_words_are_masked_and_cut(text: str, shown: str | None) -> None:
    offices, hospital, _ = await sent()
    errors = (ReceiptError(code="X99", text=text),)
    document = an_apprec_document(LETTER_ID, Answer.REJECTED, errors=errors)

    await read(offices, an_apprec_mail(document))

    told = hospital.last["reasons"][0]["text_nb"]
    assert "01815000036" not in told
    assert len(told) <= 500
    assert shown is None or told == shown
    assert "01815000036" not in repr(hospital.state.events)


async def test_a_code_that_is_none_is_not_passed_on() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, "Pasient 01815000036"))

    assert hospital.last["reasons"][0]["code"] == "unknown"
    assert "01815000036" not in repr(hospital.state.events)


async def test_everything_twice_is_no_news() -> None:
    offices, hospital, mail = await sent()
    mails = (ack(mail), apprec())

    await read(offices, *mails, *mails, ack(mail), apprec(envelope=MessageId(f"{LATER[:-1]}c")))

    assert hospital.events == ["accepted", "sent", "acknowledged", "confirmed"]
    assert await hospital.letters() == []


@pytest.mark.parametrize("first", [Answer.OK, Answer.REJECTED])
async def test_the_first_answer_stands_and_a_second_other_one_is_an_alarm(first: Answer) -> None:
    offices, hospital, _ = await sent()
    second = Answer.REJECTED if first is Answer.OK else Answer.OK

    await read(offices, apprec(first), apprec(second, envelope=MessageId(f"{LATER[:-1]}c")))

    state = State.CONFIRMED if first is Answer.OK else State.REJECTED
    assert (await hospital.outgoing(LETTER_ID)).state is state
    assert "contradicted" in await hospital.trail(LETTER_ID)
    assert [code for _, code in await hospital.letters()] == ["GW-115"]
    assert kinds_said(hospital)[1:] == ["acknowledgment", "acknowledgment"]


async def test_a_forged_receipt_is_refused_and_is_no_message_of_the_ledger() -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_apprec_mail(an_apprec_document(LETTER_ID), signer="foreign"))

    assert delivery_of(hospital, mail).answer is None
    assert all_said(hospital)[1].code == "SecurityFailure Error"
    assert (await sums(hospital))[1].accepted == 0


async def test_nobody_answers_for_another() -> None:
    """A signed AppRec from another party than the receiver is kept, and matches nothing."""
    offices, hospital, mail = await sent()
    document = an_apprec_document(LETTER_ID)  # which says it comes from the receiver

    await read(offices, an_apprec_mail(document, sender=EbParty(her=HerId("920002"), role="r")))

    assert delivery_of(hospital, mail).answer is None
    assert len(hospital.state.orphans) == 1
    await offices.pass_time(hours=24)
    assert [code for _, code in await hospital.letters()] == ["GW-114"]


async def test_a_receipt_that_names_the_enterprise_alone_counts() -> None:
    offices, hospital, _ = await sent()

    await read(offices, apprec(level_1_only=True))

    assert hospital.events[-1] == "confirmed"


async def test_a_receipt_that_names_another_sender_counts_by_its_envelope() -> None:
    offices, hospital, _ = await sent()

    await read(offices, apprec(sender=HerId("920002")))

    (event,) = (e for e in hospital.state.events if e.name == "answered")
    assert event.detail["sender_differs"] is True


UNREADABLE = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\xff\xfe\x00", id="octets"),
    pytest.param(b"<AppRec/>", id="no namespace"),
    pytest.param(b"<!DOCTYPE a><a/>", id="DOCTYPE"),
    pytest.param(a_letter(), id="a message instead"),
    pytest.param(an_apprec_document(LETTER_ID).replace(b'V="1"', b'V="7"', 1), id="status 7"),
    pytest.param(an_apprec_document(LETTER_ID).replace(b'V="1"', b'V="OK"', 1), id="status OK"),
    pytest.param(an_apprec_document(LETTER_ID)[:-30], id="cut off"),
]


@pytest.mark.parametrize("document", UNREADABLE)
async def test_an_unreadable_receipt_is_acknowledged_kept_and_shown(document: bytes) -> None:
    offices, hospital, mail = await sent()
    raw = an_apprec_mail(document)

    await read(offices, raw)

    assert delivery_of(hospital, mail).answer is None
    assert kinds_said(hospital) == ["payload", "acknowledgment"]
    ((letter_id, code),) = await hospital.letters()
    assert code == "GW-209"
    async with hospital.journal.transaction() as tx:
        assert await tx.raw(letter_id) == raw
    assert (await sums(hospital))[0].in_flight == 1
    assert (await sums(hospital))[1].accepted == 0


async def test_a_replayed_receipt_is_read_again_and_answered_no_second_time() -> None:
    offices, hospital, _ = await sent()
    await read(offices, an_apprec_mail(b"broken"))
    ((letter_id, _),) = await hospital.letters()

    assert await hospital.replay(letter_id)
    await offices.settle()

    assert kinds_said(hospital) == ["payload", "acknowledgment"]
    assert [code for _, code in await hospital.letters()] == ["GW-209"]


class TestOrphans:
    async def test_a_receipt_that_comes_first_is_matched_within_one_sweep(self) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await read(offices, apprec())
        assert len(hospital.state.orphans) == 1

        await hospital.hand_in(a_letter())
        await offices.sweep()

        assert hospital.events[-1] == "confirmed"
        assert hospital.state.orphans == {}
        assert kinds_said(hospital).count("acknowledgment") == 1

    async def test_one_for_nothing_we_know_is_a_letter_after_a_day(self) -> None:
        offices = two_offices()
        offices.carry = False
        await read(offices, apprec())
        await offices.pass_time(hours=23)
        assert await offices.hospital.letters() == []

        await offices.pass_time(hours=1)

        assert [code for _, code in await offices.hospital.letters()] == ["GW-114"]
        assert offices.hospital.state.orphans == {}
        assert (await sums(offices.hospital))[1].accepted == 0

    async def test_one_for_a_message_that_was_refused_does_not_go_round(self) -> None:
        offices = two_offices()
        offices.carry = False
        refused = a_letter().replace(b"DIALOG_FORESPORSEL", b"DIALOG_NOTAT")
        await offices.hospital.hand_in(refused)
        await read(offices, apprec())

        for _ in range(30):
            await offices.pass_time(hours=1)

        assert [code for _, code in await offices.hospital.letters()] == ["GW-114"]

    async def test_an_unknown_acknowledgment_is_kept_too(self) -> None:
        offices, hospital, mail = await sent()
        about = replace(mail.envelope.header, message_id=MessageId("unknown"))

        await read(offices, an_acknowledgment(about, mail.references))
        await offices.pass_time(hours=24)

        assert "GW-114" in [code for _, code in await hospital.letters()]
        assert "acknowledgment" not in kinds_said(hospital)


class TestLate:
    async def test_an_acknowledgment_after_giving_up_reopens_the_wait(self) -> None:
        offices, hospital, mail = await sent()
        await offices.pass_time(hours=73)
        assert (await sums(hospital))[0].dead == 1

        await read(offices, ack(mail))
        await offices.sweep()

        assert (await sums(hospital))[0].in_flight == 1
        assert hospital.events[-1] == "acknowledged"
        assert await hospital.letters() == []
        await offices.pass_time(hours=24)
        assert [code for _, code in await hospital.letters()] == ["GW-113"]

    async def test_a_receipt_after_a_person_s_discard_does_not_change_it(self) -> None:
        offices, hospital, _ = await sent()
        await offices.pass_time(hours=100)
        ((letter_id, _),) = await hospital.letters()
        await hospital.discard(letter_id)

        await read(offices, apprec())

        assert (await sums(hospital))[0].discarded == 1
        assert hospital.events[-1] == "confirmed"

    async def test_a_message_error_after_giving_up_is_the_end(self) -> None:
        offices, hospital, mail = await sent()
        await offices.pass_time(hours=100)

        await read(offices, a_message_error(mail.envelope))

        assert (await sums(hospital))[0].rejected == 1
        assert await hospital.letters() == []


async def test_original_id_of_another_message_answers_nothing() -> None:
    offices, hospital, mail = await sent()
    document = an_apprec_document(MsgId(LETTER_ID[:-1] + "0"))

    await read(offices, an_apprec_mail(document))

    assert delivery_of(hospital, mail).answer is None
