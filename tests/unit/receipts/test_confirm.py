"""The EPJ's word becomes the one AppRec; nothing else does (HIS 80415 §3.1)."""

import json

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.identifiers import HerId
from gateway.domain.receipt import Answer
from gateway.errors import BadConfirmation
from gateway.ports import QueueMessage
from gateway.receipts.confirm import Confirm, read_confirmation
from tests.builders_mails import a_mail, all_said, kinds_said
from tests.builders_message import a_party
from tests.builders_offices import NURSES, WARD, Desk, Offices, sums, two_offices
from tests.unit.inbound.test_refusals import MSG_ID, a_document


async def delivered() -> tuple[Offices, Desk]:
    """The hospital's EPJ has a message and has not said what became of it."""
    offices = two_offices()
    offices.carry = False
    await offices.hospital.take_in(a_mail(a_document()))
    await offices.settle()
    return offices, offices.hospital


async def confirmed(outcome: str = "stored", **more: object) -> tuple[Offices, Desk]:
    offices, hospital = await delivered()
    await hospital.confirm(MSG_ID, outcome, **more)
    await offices.settle()
    return offices, hospital


async def test_without_the_epj_s_word_there_is_no_receipt() -> None:
    _, hospital = await delivered()

    assert kinds_said(hospital) == ["acknowledgment"]


async def test_stored_becomes_a_positive_receipt() -> None:
    _, hospital = await confirmed()

    receipt = all_said(hospital)[1].receipt()
    assert receipt.answer is Answer.OK
    assert receipt.original.msg_id == MSG_ID
    assert receipt.original.issue_date_text == "2026-03-04T10:15:30+01:00"
    assert (receipt.sender.her, receipt.receiver.her) == (WARD, NURSES)
    assert (await sums(hospital))[1].in_flight == 1  # until the receipt is acknowledged


async def test_the_receipt_travels_in_the_conversation_with_roles_swapped() -> None:
    _, hospital = await confirmed()

    header = all_said(hospital)[1].envelope.header
    assert (header.service, header.action) == ("S-DIALOG_FORESPORSEL", "APPREC")
    assert header.sender.role == "DIALOG_FORESPORSELreceiver"
    assert header.receiver.role == "DIALOG_FORESPORSELsender"
    assert header.ref_to_message_id is not None


async def test_refused_becomes_a_negative_receipt_with_its_reasons() -> None:
    errors = [{"code": "E35", "text": "Ukjent pasient"}, {"code": "HUSET", "text": "Egen grunn"}]

    _, hospital = await confirmed("refused", errors=errors)

    receipt = all_said(hospital)[1].receipt()
    assert receipt.answer is Answer.REJECTED
    assert [(e.code, e.text) for e in receipt.errors] == [
        ("E35", "Ukjent pasient"),
        ("X99", "Egen grunn"),
    ]
    assert (await sums(hospital))[1].rejected == 1


async def test_refused_without_a_reason_says_so() -> None:
    _, hospital = await confirmed("refused")

    (error,) = all_said(hospital)[1].receipt().errors
    assert error.code == "X99"
    assert error.text


async def test_the_same_again_is_no_news() -> None:
    offices, hospital = await confirmed()

    await hospital.confirm(MSG_ID)
    await hospital.confirm(MSG_ID, receiver_her=WARD)
    await offices.settle()

    assert kinds_said(hospital).count("apprec") == 1
    assert await hospital.letters() == []


@pytest.mark.parametrize("first", ["stored", "refused"])
async def test_a_contradiction_is_an_alarm_and_the_first_word_stands(first: str) -> None:
    offices, hospital = await confirmed(first)

    await hospital.confirm(MSG_ID, "refused" if first == "stored" else "stored")
    await offices.settle()

    assert kinds_said(hospital).count("apprec") == 1
    assert [code for _, code in await hospital.letters()] == ["GW-115"]
    assert "contradicted" in await hospital.trail(MSG_ID)
    await sums(hospital)


async def test_one_for_an_unknown_message_is_a_letter_that_can_be_replayed() -> None:
    """The EPJ may be faster than a journal that was away."""
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.confirm(MSG_ID)
    ((letter_id, code),) = await hospital.letters()
    assert code == "GW-116"
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()

    assert await hospital.replay(letter_id)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment", "apprec"]
    assert await hospital.letters() == []


async def test_one_for_another_receiver_is_not_ours_to_answer() -> None:
    offices, hospital = await delivered()

    await hospital.confirm(MSG_ID, receiver_her="910005")
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment"]
    assert [code for _, code in await hospital.letters()] == ["GW-116"]


async def test_what_we_refused_cannot_be_confirmed() -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    other = a_document(receiver=a_party(enterprise="910000", service="910999"))
    await hospital.take_in(a_mail(other))
    await offices.settle()

    await hospital.confirm(MSG_ID)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment", "apprec"]
    assert all_said(hospital)[1].receipt().answer is Answer.REJECTED
    assert [code for _, code in await hospital.letters()] == ["GW-116"]


async def test_no_certificate_to_seal_for_is_an_operator_s_matter_and_can_be_replayed() -> None:
    offices, hospital = await delivered()
    now = offices.clock.instant
    offices.clock.move(days=1200)
    await hospital.confirm(MSG_ID, "refused", errors=[{"code": "E35"}])
    (entry,) = await hospital.incoming(MSG_ID)
    assert await hospital.letters() == [(f"{entry.entry_id}/{WARD}", "GW-305")]
    assert (await sums(hospital))[1].dead == 1

    offices.clock.instant = now  # a new certificate is there
    assert await hospital.replay(f"{entry.entry_id}/{WARD}")
    await offices.settle()

    assert all_said(hospital)[1].receipt().errors[0].code == "E35"
    assert (await sums(hospital))[1].rejected == 1
    assert await hospital.letters() == []


async def test_a_partner_that_left_the_address_book_is_an_operator_s_matter() -> None:
    offices, hospital = await delivered()
    confirm = hospital.processes.confirm
    without = AddressBook(enterprises=tuple(e for e in confirm.book.enterprises if e.own))
    smaller = Confirm(
        journal=confirm.journal,
        clock=confirm.clock,
        new_id=confirm.new_id,
        book=without,
        envelopes=confirm.envelopes,
        give_up=confirm.give_up,
        threads=confirm.threads,
    )

    body = json.dumps({"msg_id": MSG_ID, "outcome": "stored"}).encode()
    await smaller(QueueMessage(body=body))

    assert [code for _, code in await hospital.letters()] == ["GW-304"]
    assert (await sums(hospital))[1].dead == 1
    assert offices.hospital.post.mails[1:] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"msg_id": "a"}',
        b'{"msg_id": "", "outcome": "stored"}',
        b'{"msg_id": 7, "outcome": "stored"}',
        b'{"msg_id": "a\\u0000", "outcome": "stored"}',
        b'{"msg_id": "\\ud800", "outcome": "stored"}',
        b'{"msg_id": "a", "outcome": "maybe"}',
        b'{"msg_id": "a", "outcome": ["stored"]}',
        b'{"msg_id": "a", "outcome": {"stored": 1}}',
        b'{"msg_id": "a", "outcome": "stored", "receiver_her": 7}',
        b'{"msg_id": "a", "outcome": "stored", "receiver_her": "x"}',
        b'{"msg_id": "a", "outcome": "stored", "sender_her": 920001}',
        b'{"msg_id": "a", "outcome": "stored", "sender_her": ""}',
        b'{"msg_id": "a", "outcome": "stored", "errors": [{"code": "E35"}]}',
        b'{"msg_id": "a", "outcome": "stored", "more": 1}',
        b'{"msg_id": "a", "outcome": "refused", "errors": {"code": "E35"}}',
        b'{"msg_id": "a", "outcome": "refused", "errors": ["E35"]}',
        b'{"msg_id": "a", "outcome": "refused", "errors": [{"code": 35}]}',
        b'{"msg_id": "a", "outcome": "refused", "errors": [{"kode": "E35"}]}',
        b'{"msg_id": "' + b"a" * 256 + b'", "outcome": "stored"}',
        b'{"msg_id": "a", "outcome": "refused", "errors": [' + b"{}," * 20 + b"{}]}",
        b"[" * 100_000,
    ],
)
def test_what_is_not_the_json_agreed_is_refused(body: bytes) -> None:
    with pytest.raises(BadConfirmation) as caught:
        read_confirmation(body)

    assert len(caught.value.detail) < 100


def test_a_reason_is_cut_to_what_an_apprec_holds() -> None:
    body = {"msg_id": "a", "outcome": "refused", "errors": [{"code": "X99", "text": "x" * 9000}]}

    (error,) = read_confirmation(json.dumps(body).encode()).errors

    assert len(error.text or "") == 2000


def test_receiver_her_is_read_exactly() -> None:
    body = b'{"msg_id": "a", "outcome": "stored", "receiver_her": "910004"}'

    assert read_confirmation(body).receiver_her == HerId("910004")
