"""Values that the standards allow, or do not forbid, and that no clock, log or index expects."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from gateway.codecs.document import read_document
from gateway.codecs.xml import EB
from gateway.domain.identifiers import LONGEST_ID, ConversationId, MsgId
from gateway.domain.message import ConversationRef, TeleCom
from gateway.ports import QueueMessage
from tests.builders_mails import a_header, a_mail, all_said, kinds_said
from tests.builders_message import a_patient
from tests.builders_offices import MORNING, a_letter, two_offices
from tests.builders_received import MSG_ID, a_document, received

LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
TOO_LONG = "å" * (LONGEST_ID // 2 + 1)  # letters enough, bytes too many


async def test_a_message_that_lives_for_ever_is_delivered() -> None:
    offices = await received(a_mail(a_document(), a_header(time_to_live=LAST_SECOND)))

    assert [message.message_id for message in offices.hospital.delivered] == [MSG_ID]


async def test_time_to_live_counts_at_the_arrival_and_not_when_it_is_read() -> None:
    offices = two_offices()
    offices.carry = False
    header = a_header(time_to_live=MORNING + timedelta(minutes=30))
    await offices.hospital.take_in(a_mail(a_document(), header))
    offices.clock.move(hours=1)  # the journal or a backlog kept it
    await offices.settle()

    assert [message.message_id for message in offices.hospital.delivered] == [MSG_ID]


GEN_DATES = pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59Z", "9999-12-31T12:00:00+01:00", "0001-01-01T00:00:00Z"]
)


@GEN_DATES
async def test_a_date_at_the_end_of_time_is_read_from_a_partner(text: str) -> None:
    at = datetime.fromisoformat(text)
    offices = await received(a_mail(a_document(gen_date=at, gen_date_text=text)))

    assert "acknowledgment" in kinds_said(offices.hospital)
    assert await offices.hospital.letters() == []


@GEN_DATES
async def test_a_date_at_the_end_of_time_is_read_from_the_epj(text: str) -> None:
    offices = two_offices()
    at = datetime.fromisoformat(text)
    await offices.hospital.hand_in(a_letter(gen_date=at, gen_date_text=text))
    await offices.settle()

    assert offices.hospital.events[0] in ("accepted", "rejected")


async def test_a_date_on_a_line_of_its_own_goes_on_as_it_came_and_is_answered_without_blanks() -> (
    None
):
    document = a_document(gen_date_text="2026-03-04T10:15:30+01:00").replace(
        b"2026-03-04T10:15:30+01:00", b"\n      2026-03-04T10:15:30+01:00\n    "
    )
    offices = await received(a_mail(document))
    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    assert [message.body for message in offices.hospital.delivered] == [document]
    receipt = all_said(offices.hospital)[-1].receipt()
    assert receipt.original.issue_date_text == "2026-03-04T10:15:30+01:00"


@pytest.mark.parametrize("written", [b"10000-01-01", b"-0050-01-01"])
async def test_a_birth_date_that_is_a_slip_of_the_finger_does_not_lose_a_message(
    written: bytes,
) -> None:
    document = a_document(patient=a_patient(number="01815000036"))
    document = document.replace(b"<DateOfBirth>1950-01-01<", b"<DateOfBirth>" + written + b"<")
    assert written in document
    offices = await received(a_mail(document))

    assert [message.body for message in offices.hospital.delivered] == [document]


async def test_a_telephone_number_that_is_no_uri_does_not_lose_a_message() -> None:
    telephone = TeleCom(address="73521234 (08:00-15:00)")
    document = a_document(patient=replace(a_patient(), telecoms=(telephone,)))
    offices = await received(a_mail(document))

    assert [message.body for message in offices.hospital.delivered] == [document]
    assert read_document(document).message.findings == ("tele_address_not_uri",)


async def test_a_conversation_id_that_no_queue_can_carry_is_refused() -> None:
    header = a_header(conversation_id=ConversationId(TOO_LONG))
    offices = await received(a_mail(a_document(), header))

    assert kinds_said(offices.hospital) == ["error"]
    assert offices.hospital.delivered == []


async def test_an_envelope_whose_id_is_too_long_to_be_answered_is_a_dead_letter() -> None:
    def edit(envelope: etree._Element) -> None:
        next(envelope.iter(f"{{{EB}}}MessageId")).text = TOO_LONG

    offices = await received(a_mail(a_document(), edit=edit))

    assert kinds_said(offices.hospital) == []
    assert [code for _, code in await offices.hospital.letters()] == ["GW-206"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"msg_id": MsgId(TOO_LONG)}, id="MsgId"),
        pytest.param(
            {"conversation": ConversationRef(parent=MsgId("x" * 200_000), conversation=MsgId("y"))},
            id="RefToParent",
        ),
    ],
)
async def test_a_document_whose_identifier_is_too_long_is_refused(
    changes: dict[str, object],
) -> None:
    offices = await received(a_mail(a_document(**changes)))

    assert kinds_said(offices.hospital) == ["acknowledgment", "apprec"]
    receipt = all_said(offices.hospital)[1].receipt()
    assert [error.code for error in receipt.errors] == ["T02"]
    assert offices.hospital.delivered == []


async def test_half_a_character_of_the_epj_does_not_keep_the_receipt_back() -> None:
    offices = await received(a_mail(a_document()))
    body = (
        f'{{"msg_id": "{MSG_ID}", "outcome": "refused",'
        ' "errors": [{"code": "X99", "text": "Ikke funnet \\ud83d"}]}'
    )
    await offices.hospital.processes.confirm(QueueMessage(body=body.encode()))
    await offices.settle()

    (error,) = all_said(offices.hospital)[-1].receipt().errors
    assert error.text == "Ikke funnet \N{REPLACEMENT CHARACTER}"


async def test_what_stands_in_the_place_of_the_kind_is_not_repeated() -> None:
    document = a_document().replace(b'V="DIALOG_FORESPORSEL"', b'V="OLA NORDMANN 01010112345"', 1)
    offices = await received(a_mail(document))

    assert kinds_said(offices.hospital) == ["acknowledgment", "apprec"]
    told = [str(event.detail) for event in offices.hospital.state.events]
    assert not any("NORDMANN" in detail for detail in told)
