"""Which message a receipt is about, where its ids alone do not tell."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.envelope import EbParty, MessageHeader, Severity
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import (
    a_mail,
    a_message_error,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_message import a_party
from tests.builders_offices import (
    LETTER_ID,
    MORNING,
    WARD,
    a_letter,
    two_offices,
)
from tests.builders_receipts import read, sent
from tests.builders_received import a_document, remove

SECOND = HerId("910005")
REFUSAL = ReceiptError(code="T01", text="uleselig")


async def test_of_two_services_with_one_msg_id_the_one_addressed_is_answered() -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    other = a_party(enterprise="910000", service=SECOND, name="Medisin")
    await hospital.hand_in(a_letter(sender=other))
    await offices.settle()
    offices.clock.move(minutes=1)
    await hospital.hand_in(a_letter(), name="amqp-2")
    await offices.settle()

    receipt = an_apprec_document(LETTER_ID, Answer.REJECTED, errors=(REFUSAL,))
    to = EbParty(her=SECOND, role="x")
    await hospital.take_in(an_apprec_mail(receipt, receiver=to, cpa_id="910005_920001"))
    await offices.settle()

    states = {entry.sender_her: entry.state for entry in hospital.state.outgoing.values()}
    assert states == {SECOND: State.REJECTED, WARD: State.IN_FLIGHT}


async def test_a_receipt_for_what_could_not_be_read_names_the_envelope() -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()
    (mail,) = all_said(hospital)

    envelope = MsgId(mail.envelope.header.message_id)
    receipt = an_apprec_document(envelope, Answer.REJECTED, errors=(REFUSAL,))
    await hospital.take_in(an_apprec_mail(receipt))
    await offices.settle()

    assert hospital.events[-1] == "refused"
    assert (await hospital.outgoing(LETTER_ID)).state is State.REJECTED


async def test_an_early_receipt_that_has_expired_meanwhile_is_matched_all_the_same() -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    until = MORNING + timedelta(minutes=30)
    await hospital.take_in(an_apprec_mail(an_apprec_document(LETTER_ID), time_to_live=until))
    await offices.settle()
    assert kinds_said(hospital) == ["acknowledgment"]

    await hospital.hand_in(a_letter())
    await offices.settle()
    await offices.pass_time(hours=1)

    assert "confirmed" in hospital.events


class TestMessageErrorsThatNameNoMessage:
    """Seen from real systems; the conversation tells what they are about, if anything does."""

    async def test_one_about_the_only_open_message_of_the_conversation_refuses_it(self) -> None:
        offices, hospital, mail = await sent()

        await read(offices, nameless(mail.envelope.header))

        assert hospital.events[-1] == "refused"
        assert hospital.last["reasons"][0]["code"] == "SecurityFailure"
        await offices.pass_time(hours=100)
        assert kinds_said(hospital) == ["payload"]

    async def test_a_warning_acknowledges_it(self) -> None:
        offices, hospital, mail = await sent()

        await read(offices, nameless(mail.envelope.header, severity=Severity.WARNING))

        assert hospital.events[-1] == "acknowledged"

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"conversation_id": ConversationId("other")}, id="another conversation"),
            pytest.param({"sender": EbParty(her=HerId("920002"))}, id="another of their services"),
            pytest.param({"receiver": EbParty(her=SECOND)}, id="another of our services"),
            pytest.param({"timestamp": MORNING - timedelta(minutes=6)}, id="older than it"),
        ],
    )
    async def test_one_that_cannot_be_about_it_lies_before_a_person(
        self, change: dict[str, object]
    ) -> None:
        offices, hospital, mail = await sent()

        await read(offices, nameless(mail.envelope.header, **change))

        assert hospital.events == ["accepted", "sent"]
        assert [code for _, code in await hospital.letters()] == ["GW-114"]

    @pytest.mark.parametrize("signer", ["foreign", "hospital"])
    async def test_a_forged_one_refuses_nothing(self, signer: str) -> None:
        offices, hospital, mail = await sent()

        await read(offices, nameless(mail.envelope.header, signer=signer))

        assert hospital.events == ["accepted", "sent"]
        assert [code for _, code in await hospital.letters()] == ["GW-302"]

    async def test_one_that_may_be_about_two_messages_lies_before_a_person(self) -> None:
        offices, hospital, mail = await sent()
        (delivery,) = hospital.state.deliveries.values()
        other = replace(delivery, message_id=MessageId("another"))
        hospital.state.deliveries[other.message_id] = other

        await read(offices, nameless(mail.envelope.header))

        assert hospital.events == ["accepted", "sent"]
        assert [code for _, code in await hospital.letters()] == ["GW-114"]

    async def test_one_about_what_was_acknowledged_lies_before_a_person(self) -> None:
        offices, hospital, mail = await sent()
        await read(offices, an_acknowledgment(mail.envelope, mail.references))

        await read(offices, nameless(mail.envelope.header))

        assert hospital.events[-1] == "acknowledged"
        assert [code for _, code in await hospital.letters()] == ["GW-114"]

    async def test_one_in_a_conversation_of_our_signals_alone_lies_before_a_person(self) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await read(offices, a_mail(a_document()))
        (ours,) = all_said(hospital)

        await read(offices, nameless(ours.envelope.header))

        assert [code for _, code in await hospital.letters()] == ["GW-114"]
        assert kinds_said(hospital) == ["acknowledgment"]


def nameless(about: MessageHeader, **changes: Any) -> bytes:
    return a_message_error(about, edit=remove("RefToMessageId"), **changes)
