"""Which message an AppRec answers, where its ids alone do not tell."""

from datetime import timedelta

from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import all_said, an_apprec_document, an_apprec_mail, kinds_said
from tests.builders_message import a_party
from tests.builders_offices import LETTER_ID, MORNING, WARD, a_letter, two_offices

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
