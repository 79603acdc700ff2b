"""An envelope that does not hold, and mail that is none: who is told, and who is not."""

import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree

from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE
from gateway.codecs.xml import EB, XLINK
from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId
from tests.builders_mails import a_header, a_mail, only_said
from tests.builders_offices import MORNING, NURSES, sums
from tests.builders_received import (
    MSG_ID,
    a_document,
    read_at_the_hospital,
    received,
    remove,
    swapped,
)


def with_a_lost_attachment(root: etree._Element) -> None:
    (manifest,) = root.iter(f"{{{EB}}}Manifest")
    second = copy.deepcopy(manifest[0])
    second.set(f"{{{XLINK}}}href", "cid:lost")
    manifest.append(second)


def unsealed(*, start: bool) -> bytes:
    """A mail whose document is text/xml beside the envelope; ``start`` tells the two apart."""
    mail = a_mail(a_document(), sealed_for=None)
    mail = swapped(PAYLOAD_CONTENT_TYPE.encode(), b"text/xml")(mail)
    parameter = f'\r\n start="<soap-{a_header().message_id}>";'.encode()
    return mail if start else swapped(parameter, b"")(mail)


MESSAGE_ERRORS = [
    pytest.param(
        lambda: a_mail(a_document(), tamper=swapped(b"DIALOG_FORESPORSELs", b"DIALOG_NOTATs")),
        "SecurityFailure",
        id="tampered envelope",
    ),
    pytest.param(
        lambda: a_mail(a_document(), signer="foreign"), "SecurityFailure", id="foreign certificate"
    ),
    pytest.param(
        lambda: a_mail(a_document(), signer="hospital"), "SecurityFailure", id="another's signature"
    ),
    pytest.param(
        lambda: a_mail(a_document(), sealed_for="municipality"),
        "SecurityFailure",
        id="sealed for another",
    ),
    pytest.param(
        lambda: a_mail(a_document(), sealed_for=None), "SecurityFailure", id="not sealed at all"
    ),
    pytest.param(
        lambda: unsealed(start=True),
        "SecurityFailure",
        id="not sealed, and text/xml as the envelope",
    ),
    pytest.param(
        lambda: unsealed(start=False), "SecurityFailure", id="not sealed, text/xml, and no start"
    ),
    pytest.param(
        lambda: a_mail(a_document(), named="nowhere"), "MimeProblem", id="Manifest names no part"
    ),
    pytest.param(
        lambda: a_mail(a_document(), edit=remove("Manifest")), "MimeProblem", id="no Manifest"
    ),
    pytest.param(
        lambda: a_mail(a_document(), edit=with_a_lost_attachment),
        "MimeProblem",
        id="Manifest names a second part that is not there",
    ),
    pytest.param(
        lambda: a_mail(a_document(), a_header(timestamp=MORNING - timedelta(days=3650))),
        "SecurityFailure",
        id="made before its certificate was",
    ),
    pytest.param(
        lambda: a_mail(a_document(), without_parts=True),
        "SecurityFailure",
        id="the signed part is missing",
    ),
    pytest.param(
        lambda: a_mail(a_document(), a_header(receiver=EbParty(her=HerId("920002"), role="r"))),
        "ValueNotRecognized",
        id="not addressed to us",
    ),
    pytest.param(
        lambda: a_mail(a_document(), a_header(receiver=EbParty(her=HerId("999999"), role="r"))),
        "ValueNotRecognized",
        id="addressed to nobody",
    ),
    pytest.param(
        lambda: a_mail(a_document(), a_header(time_to_live=MORNING - timedelta(minutes=6))),
        "TimeToLiveExpired",
        id="too late",
    ),
]


@pytest.mark.parametrize(("mail", "code"), MESSAGE_ERRORS)
async def test_an_envelope_that_does_not_hold_gets_one_message_error(
    mail: Callable[[], bytes], code: str
) -> None:
    hospital = await read_at_the_hospital(mail())

    answer = only_said(hospital)
    assert (answer.kind, answer.code) == ("error", f"{code} Error")
    assert answer.envelope.header.ref_to_message_id == a_header().message_id
    assert answer.envelope.header.receiver.her == NURSES
    assert hospital.delivered == []
    assert (await sums(hospital))[1].rejected == 1


@pytest.mark.parametrize(("mail", "code"), MESSAGE_ERRORS)
async def test_a_message_error_is_told_in_the_trail_with_partner_and_code(
    mail: Callable[[], bytes], code: str
) -> None:
    hospital = await read_at_the_hospital(mail())

    (event,) = (e for e in hospital.state.events if e.name == "message_error")
    assert event.detail["ebms_error"] == code
    assert event.detail["partner"] == NURSES
    assert event.detail["type"] == "DIALOG_FORESPORSEL"


async def test_a_lifetime_that_ended_minutes_ago_is_a_matter_of_clocks() -> None:
    header = a_header(time_to_live=MORNING - timedelta(minutes=4))

    hospital = await read_at_the_hospital(a_mail(a_document(), header))

    assert len(hospital.delivered) == 1


async def test_without_ack_requested_the_message_is_taken_and_answered_by_a_warning() -> None:
    hospital = await read_at_the_hospital(a_mail(a_document(), edit=remove("AckRequested")))

    assert only_said(hospital).code == "NotSupported Warning"
    assert [message.message_id for message in hospital.delivered] == [MSG_ID]


async def test_an_unknown_sender_is_not_answered_and_lies_before_a_person() -> None:
    header = a_header(sender=EbParty(her=HerId("940001"), role="s"))

    hospital = await read_at_the_hospital(a_mail(a_document(), header))

    assert hospital.post.mails == []
    assert [code for _, code in await hospital.letters()] == ["GW-304"]
    assert (await sums(hospital))[1].dead == 1


async def test_an_unknown_sender_s_receipt_is_no_message_of_the_ledger() -> None:
    header = a_header("APPREC", sender=EbParty(her=HerId("940001"), role="s"))

    hospital = await read_at_the_hospital(a_mail(b"<AppRec/>", header))

    assert [code for _, code in await hospital.letters()] == ["GW-304"]
    assert (await sums(hospital))[1].accepted == 0


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"From: x\r\n\r\nhello", id="ordinary mail"),
        pytest.param(b"\x00\xff" * 50, id="octets"),
        pytest.param(
            b"MIME-Version: 1.0\r\nSOAPAction: ebXML\r\nContent-Type: text/xml\r\n\r\n<a/>",
            id="other XML",
        ),
        pytest.param(
            b"MIME-Version: 1.0\r\nSOAPAction: ebXML\r\nContent-Type: text/xml\r\n\r\n"
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            id="DOCTYPE",
        ),
    ],
)
async def test_what_is_no_ebxml_lies_before_a_person_and_the_next_mail_is_read(raw: bytes) -> None:
    offices = await received(raw)
    hospital = offices.hospital

    await hospital.take_in(a_mail(a_document()))
    await offices.settle()

    assert [code for _, code in await hospital.letters()] == ["GW-206"]
    assert len(hospital.delivered) == 1
    assert (await sums(hospital))[1].dead == 1


@pytest.mark.parametrize(
    ("header", "told"),
    [
        pytest.param("Auto-Submitted: auto-replied", True, id="away"),
        pytest.param(
            "Content-Type: multipart/report; report-type=x; boundary=b", True, id="report"
        ),
        pytest.param("Auto-Submitted: no", False, id="a person"),
    ],
)
async def test_an_automatic_reply_is_told_as_one_and_gets_no_answer(
    header: str, told: bool
) -> None:
    hospital = await read_at_the_hospital(f"{header}\r\n\r\nI am away\r\n".encode())

    (letter,) = await hospital.journal.dead_letters()
    assert letter.code == "GW-206"
    assert ("automatic reply" in letter.detail) is told
    assert hospital.post.mails == []
