"""A message sent to the municipality, and what may come back about it."""

from gateway.domain.delivery import Delivery
from gateway.domain.identifiers import MessageId
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import (
    Said,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
)
from tests.builders_offices import LETTER_ID, Desk, Offices, a_letter, two_offices

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
