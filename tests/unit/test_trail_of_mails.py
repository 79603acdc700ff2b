"""A partner asks about a mail of its own: what became of it, by any id that the partner knows."""

import uuid
from collections.abc import Callable
from email import message_from_bytes

import pytest

from gateway.codecs.ebxml import peek_header
from gateway.codecs.mime import parse_mail
from gateway.codecs.xml import parse_untrusted
from gateway.domain.identifiers import MsgId
from gateway.domain.receipt import Answer
from tests.builders_mails import (
    a_bounce,
    a_mail,
    an_apprec_document,
    an_apprec_mail,
)
from tests.builders_offices import LETTER_ID, Desk
from tests.builders_receipts import ack, read, sent
from tests.builders_received import a_document, read_at_the_hospital, received


def mail_id(mail: bytes) -> str:
    return str(message_from_bytes(mail)["Message-ID"])


def envelope_id(mail: bytes) -> str:
    return peek_header(parse_untrusted(parse_mail(mail).soap)).message_id


def a_stray_apprec() -> bytes:
    return an_apprec_mail(an_apprec_document(MsgId(str(uuid.UUID(int=7))), Answer.OK))


async def names(desk: Desk, any_id: str) -> list[str]:
    return [event.name for event in await desk.journal.trail(any_id)]


@pytest.mark.parametrize("id_of", [mail_id, envelope_id])
async def test_a_receipt_tells_of_the_message_it_is_about(id_of: Callable[[bytes], str]) -> None:
    offices, hospital, mail = await sent()
    acknowledgment = ack(mail)
    apprec = an_apprec_mail(an_apprec_document(LETTER_ID, Answer.OK))
    await read(offices, acknowledgment, apprec)
    everything = await names(hospital, LETTER_ID)
    assert {"accepted", "acknowledged", "answered"} <= set(everything)

    assert await names(hospital, id_of(acknowledgment)) == everything
    # That we acknowledged the receipt is told of it, and not of the message.
    told = await names(hospital, id_of(apprec))
    assert [name for name in told if name not in everything] == []
    assert len(told) == len(everything) + 1


@pytest.mark.parametrize("id_of", [mail_id, envelope_id])
async def test_a_message_is_found_by_its_mail(id_of: Callable[[bytes], str]) -> None:
    mail = a_mail(a_document())

    hospital = await read_at_the_hospital(mail)

    assert "arrived" in await names(hospital, id_of(mail))
    assert await hospital.journal.trail("<nobody@demo.invalid>") == []


async def test_a_copy_is_found_by_a_mail_of_its_own() -> None:
    mail = a_mail(a_document())
    offices = await received(mail)
    await read(offices, mail.replace(mail_id(mail).encode(), b"<copy-1@demo.invalid>"))

    told = await names(offices.hospital, "copy-1@demo.invalid")

    assert told == await names(offices.hospital, mail_id(mail))
    assert "duplicate" in told


@pytest.mark.parametrize(
    ("mail", "told"),
    [
        pytest.param(a_stray_apprec(), ["orphan", "sent"], id="orphan"),
        pytest.param(a_bounce("unknown"), ["dead_lettered"], id="bounce"),
        pytest.param(
            b"Message-ID: junk@demo.invalid\r\n\r\nx", ["arrived", "dead_lettered"], id="no ebXML"
        ),
    ],
)
async def test_what_became_no_message_is_found_too(mail: bytes, told: list[str]) -> None:
    hospital = await read_at_the_hospital(mail)

    assert await names(hospital, mail_id(mail)) == told


async def test_the_id_of_a_mail_is_nowhere_kept_as_it_was() -> None:
    mail = a_mail(a_document()).replace(b"Message-ID: <", b"Message-ID: <kari.prove.")

    hospital = await read_at_the_hospital(mail)

    assert b"kari.prove" not in repr(hospital.state.arrivals).encode()
    assert "arrived" in await names(hospital, mail_id(mail))
