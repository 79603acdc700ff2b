"""What comes back, in whatever order, however often, from whomever."""

import re
from dataclasses import replace

import pytest
from lxml import etree

from gateway.codecs.xml import DS, EB
from gateway.domain.delivery import Delivery, Purpose, Transport
from gateway.domain.envelope import EbParty, Severity
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId, MsgId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import (
    Said,
    a_bounce,
    a_mail,
    a_message_error,
    a_soap_fault,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_offices import LETTER_ID, Desk, Offices, a_letter, sums, two_offices
from tests.builders_received import a_document, remove

REFUSAL = ReceiptError(code="E35", text="Pasienten er ukjent hos oss.")
LATER = MessageId("e0000000-0000-4000-8000-00000000000b")


async def sent() -> tuple[Offices, Desk, Said]:
    """The hospital has sent a letter; the municipality is played by the test."""
    offices = two_offices()
    offices.carry = False
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    (mail,) = all_said(offices.hospital)
    return offices, offices.hospital, mail


async def read(offices: Offices, *mails: bytes) -> None:
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()


def delivery_of(desk: Desk, mail: Said) -> Delivery:
    delivery: Delivery = desk.state.deliveries[mail.envelope.header.message_id]
    return delivery


def ack(mail: Said) -> bytes:
    return an_acknowledgment(mail.envelope, mail.references)


def apprec(answer: Answer = Answer.OK, *, envelope: MessageId = LATER, **more: object) -> bytes:
    errors = () if answer is Answer.OK else (REFUSAL,)
    document = an_apprec_document(LETTER_ID, answer, errors=errors, **more)  # type: ignore[arg-type]
    return an_apprec_mail(document, message_id=envelope)


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


async def test_a_message_error_refuses() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope))

    assert hospital.events[-1] == "refused"
    assert hospital.last["transport"] == "rejected"
    assert hospital.last["reasons"][0]["code"] == "SecurityFailure"
    assert (await sums(hospital))[0].rejected == 1
    await offices.pass_time(hours=100)
    assert kinds_said(hospital) == ["payload"]  # neither sent again nor answered


async def test_a_warning_is_an_acknowledgment_with_a_finding() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, "NotSupported", severity=Severity.WARNING))

    assert hospital.events[-1] == "acknowledged"
    assert hospital.last["reasons"][0]["code"] == "NotSupported"
    assert (await sums(hospital))[0].in_flight == 1


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


async def test_acknowledged_and_then_refused_by_the_message_handler_is_a_contradiction() -> None:
    offices, hospital, mail = await sent()

    await read(offices, ack(mail), a_message_error(mail.envelope))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cpa_id": CpaId("other")}, id="CPAId"),
        pytest.param({"conversation_id": ConversationId("other")}, id="ConversationId"),
        pytest.param({"sender": EbParty(her=HerId("920002"))}, id="another of their services"),
    ],
)
async def test_an_acknowledgment_that_does_not_fit_is_none(change: dict[str, object]) -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references, **change))  # type: ignore[arg-type]

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


async def test_a_message_error_with_a_cpa_id_of_its_own_refuses() -> None:
    """It may be about the CPAId itself, and it names the envelope."""
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, cpa_id=CpaId("unknown")))

    assert hospital.events[-1] == "refused"
    (event,) = (e for e in hospital.state.events if e.name == "refused")
    assert event.detail["cpa_id_differs"] is True


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"conversation_id": ConversationId("other")}, id="ConversationId"),
        pytest.param({"sender": EbParty(her=HerId("920002"))}, id="another of their services"),
    ],
)
async def test_a_message_error_that_does_not_fit_is_none(change: dict[str, object]) -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, **change))  # type: ignore[arg-type]

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


async def test_an_acknowledgment_of_other_digests_is_none() -> None:
    """It acknowledges something else than what we sent."""
    offices, hospital, mail = await sent()
    other = [
        replace(ref, xml=ref.xml.replace(ref.digest.encode(), b"A" * 43 + b"="))
        for ref in mail.references
    ]

    await read(offices, an_acknowledgment(mail.envelope, other))

    assert delivery_of(hospital, mail).transport is Transport.SENT


async def test_an_acknowledgment_that_leaves_references_out_counts() -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references[:1]))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED


async def test_an_acknowledgment_whose_references_have_no_digests_counts() -> None:
    offices, hospital, mail = await sent()

    await read(
        offices, an_acknowledgment(mail.envelope, mail.references, edit=remove("DigestValue", DS))
    )

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
    (event,) = (e for e in hospital.state.events if e.name == "acknowledged")
    assert event.detail["reference-without-digest"] is True


async def test_an_acknowledgment_with_its_reference_in_message_data_counts() -> None:
    offices, hospital, mail = await sent()

    def edit(root: etree._Element) -> None:
        (ref,) = root.iter(f"{{{EB}}}RefToMessageId")
        (data,) = root.iter(f"{{{EB}}}MessageData")
        data.append(ref)

    await read(offices, an_acknowledgment(mail.envelope, mail.references, edit=edit))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED


@pytest.mark.parametrize("signer", ["foreign", "hospital"])
async def test_a_forged_acknowledgment_changes_nothing_and_gets_no_answer(signer: str) -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references, signer=signer))

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert kinds_said(hospital) == ["payload"]
    assert [code for _, code in await hospital.letters()] == ["GW-302"]
    assert (await sums(hospital))[1].accepted == 0


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


class TestBounces:
    async def test_a_final_bounce_gives_up(self) -> None:
        offices, hospital, mail = await sent()
        envelope_id = hospital.post.mails[0].envelope_id

        await read(offices, a_bounce(envelope_id))

        assert delivery_of(hospital, mail).transport is Transport.GIVEN_UP
        assert (await sums(hospital))[0].dead == 1

    @pytest.mark.parametrize(("status", "action"), [("4.2.2", "delayed"), ("4.4.1", "failed")])
    async def test_a_temporary_one_does_not(self, status: str, action: str) -> None:
        offices, hospital, mail = await sent()

        await read(offices, a_bounce(hospital.post.mails[0].envelope_id, status, action))

        assert delivery_of(hospital, mail).transport is Transport.SENT
        assert "bounced" in await hospital.trail(LETTER_ID)

    async def test_a_receipt_after_the_bounce_confirms(self) -> None:
        """It is not signed: it stops attempts, it proves nothing."""
        offices, hospital, mail = await sent()
        await read(offices, a_bounce(hospital.post.mails[0].envelope_id))

        await read(offices, ack(mail))
        assert (await sums(hospital))[0].in_flight == 1
        assert await hospital.letters() == []
        await read(offices, apprec())

        assert (await sums(hospital))[0].confirmed == 1

    async def test_one_for_an_unknown_mail_lies_before_a_person(self) -> None:
        offices, hospital, _ = await sent()

        await read(offices, a_bounce("nobody"))

        assert [code for _, code in await hospital.letters()] == ["GW-111"]
        assert (await sums(hospital))[1].accepted == 0

    async def test_a_bounce_after_the_receipt_is_no_news(self) -> None:
        offices, hospital, mail = await sent()
        await read(offices, ack(mail), a_bounce(hospital.post.mails[0].envelope_id))

        assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
        assert await hospital.letters() == []


async def test_a_soap_fault_about_a_mail_of_ours_gives_up() -> None:
    offices, hospital, mail = await sent()
    (attempt,) = hospital.state.attempts.values()

    await read(offices, a_soap_fault(attempt.mail_message_id))

    assert delivery_of(hospital, mail).transport is Transport.GIVEN_UP
    assert [code for _, code in await hospital.letters()] == ["GW-117"]
    assert kinds_said(hospital) == ["payload"]


async def test_a_soap_fault_about_nothing_lies_before_a_person() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_soap_fault("nobody@nowhere"))

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-117"]


class TestSignalsAboutSignals:
    """They are never answered, and change nothing (HITS 1171 §8.1)."""

    @pytest.mark.parametrize("kind", ["acknowledgment", "error", "warning"])
    async def test_one_about_our_acknowledgment_changes_nothing(self, kind: str) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        mail = a_mail(a_document())
        await read(offices, mail)
        (ours,) = all_said(hospital)
        severity = Severity.WARNING if kind == "warning" else Severity.ERROR
        about = (
            an_acknowledgment(ours.envelope, ours.references)
            if kind == "acknowledgment"
            else a_message_error(ours.envelope, severity=severity)
        )

        await read(offices, about, mail)

        (reply,) = (d for d in hospital.state.deliveries.values() if d.purpose is Purpose.SIGNAL)
        assert reply.transport is Transport.SENT
        assert kinds_said(hospital) == ["acknowledgment", "acknowledgment"]
        assert await hospital.letters() == []

    async def test_one_stands_in_the_trail_of_what_it_is_about(self) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await read(offices, a_mail(a_document()))
        (ours,) = all_said(hospital)

        await read(offices, a_message_error(ours.envelope))

        last = (await hospital.journal.trail(ours.envelope.header.message_id))[-1]
        assert (last.name, last.code) == ("signal_answered", "SecurityFailure")

    async def test_a_signal_for_nobody_here_lies_before_a_person(self) -> None:
        offices, hospital, mail = await sent()
        elsewhere = EbParty(her=HerId("999999"))

        await read(offices, an_acknowledgment(mail.envelope, mail.references, receiver=elsewhere))

        assert [code for _, code in await hospital.letters()] == ["GW-214"]


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
