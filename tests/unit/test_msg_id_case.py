"""A MsgId is a UUID: whoever writes it in other letters means the same message (RFC 4122 §3)."""

from dataclasses import replace

import pytest

from gateway.domain.identifiers import MessageId, MsgId, msg_id_key
from gateway.domain.message import ConversationRef
from tests.builders_mails import (
    a_header,
    a_mail,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_message import a_party, an_answer
from tests.builders_offices import NURSES, WARD, Offices, a_letter, two_offices, written
from tests.builders_received import a_document

UPPER = MsgId("6F2F4C0E-7A51-4B0E-9C39-0D9A5B0F1C01")
LOWER = MsgId(UPPER.lower())
ANSWER_ID = MsgId("7f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1c02")


def one_office() -> Offices:
    offices = two_offices()
    offices.carry = False
    return offices


async def test_receipt_in_other_letters_confirms_what_was_sent() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.hand_in(a_letter(msg_id=UPPER))
    await offices.settle()

    await hospital.take_in(an_apprec_mail(an_apprec_document(LOWER)))
    await offices.settle()

    assert hospital.events[-1] == "confirmed"
    assert hospital.last["msg_id"] == UPPER, "as the EPJ wrote it"


async def test_answer_in_other_letters_joins_the_thread_of_its_question() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.hand_in(a_letter(msg_id=UPPER))
    await offices.settle()

    answer = replace(
        an_answer(),
        msg_id=ANSWER_ID,
        sender=a_party(enterprise="920000", service=NURSES),
        receiver=a_party(enterprise="910000", service=WARD),
        conversation=ConversationRef(parent=LOWER, conversation=LOWER),
    )
    await hospital.take_in(a_mail(written(answer), a_header("DIALOG_SVAR")))
    await offices.settle()

    assert hospital.events[-1] == "replied"
    assert hospital.last["msg_id"] == UPPER


async def test_epj_may_confirm_in_other_letters() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.take_in(a_mail(a_document(msg_id=UPPER)))
    await offices.settle()

    await hospital.confirm(LOWER)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment", "apprec"]


async def test_other_document_under_the_same_msg_id_in_other_letters_is_refused() -> None:
    offices = one_office()
    hospital = offices.hospital
    again = a_header(message_id=MessageId("e0000000-0000-4000-8000-0000000000ff"))

    await hospital.take_in(a_mail(a_document(msg_id=UPPER)))
    await hospital.take_in(a_mail(a_document(msg_id=LOWER), again))
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment", "error"]
    assert len(hospital.delivered) == 1


async def test_message_handed_in_again_in_other_letters_is_no_second_message() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.hand_in(a_letter(msg_id=UPPER))
    await offices.settle()

    await hospital.hand_in(a_letter(msg_id=LOWER), name="amqp-2")
    await offices.settle()

    assert hospital.events[-1] == "rejected"
    assert [r["code"] for r in hospital.last["reasons"]] == ["EPJ_DUPLICATE"]


@pytest.mark.parametrize("opaque", ["Msg-1", "{" + UPPER + "}", UPPER[:-1]])
def test_only_a_uuid_is_compared_without_letter_case(opaque: str) -> None:
    assert msg_id_key(opaque) == opaque
    assert msg_id_key(UPPER) == msg_id_key(LOWER) == LOWER
