"""The EPJ's word becomes the one AppRec; nothing else does (HIS 80415 §3.1)."""

import json

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.identifiers import HerId
from gateway.domain.message import Code, Ident, Organisation
from gateway.domain.receipt import Answer
from gateway.errors import BadConfirmation
from gateway.ports import QueueMessage
from gateway.receipts.confirm import Confirm
from gateway.receipts.confirmation import read_confirmation
from tests.builders_mails import a_mail, all_said, kinds_said
from tests.builders_message import a_her, a_party, a_personal_party
from tests.builders_offices import NURSES, WARD, Desk, Offices, sums, two_offices
from tests.builders_received import MSG_ID, a_document

LAB = Organisation(name="Lab", idents=(Ident(id="974", type=Code(value="LOK", name="Lokal")),))


async def delivered(document: bytes | None = None) -> tuple[Offices, Desk]:
    """The hospital's EPJ has a message and has not said what became of it."""
    offices = two_offices()
    offices.carry = False
    await offices.hospital.take_in(a_mail(document or a_document()))
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


@pytest.mark.parametrize(
    ("beside", "department"),
    [
        pytest.param(None, None, id="nothing beside"),
        pytest.param(Organisation(), None, id="an empty department beside"),
        pytest.param(LAB, LAB, id="no HER-id beside"),
    ],
)
@pytest.mark.parametrize("outcome", ["stored", "refused"])
async def test_the_receipt_names_the_persons_who_are_its_parties(
    beside: Organisation | None, department: Organisation | None, outcome: str
) -> None:
    document = a_document(
        sender=a_personal_party(enterprise="920000", person=NURSES, beside=beside),
        receiver=a_personal_party(enterprise="910000", person=WARD, beside=beside),
    )
    offices, hospital = await delivered(document)

    await hospital.confirm(MSG_ID, outcome)
    await offices.settle()

    receipt = all_said(hospital)[1].receipt()
    assert (receipt.sender.her, receipt.receiver.her) == (WARD, NURSES)
    for party in (receipt.sender.organisation, receipt.receiver.organisation):
        assert party.part == department
        assert party.professional is not None
        assert party.professional.family_name == "Nora Prøve"


async def test_of_department_and_person_the_receipt_is_for_the_one_the_envelope_names() -> None:
    beside = Organisation(name="Lab", idents=(a_her("999999"),))
    document = a_document(
        sender=a_personal_party(enterprise="920000", person=NURSES, beside=beside),
        receiver=a_personal_party(enterprise="910000", person=WARD, beside=beside),
    )
    offices, hospital = await delivered(document)
    assert len(hospital.delivered) == 1

    await hospital.confirm(MSG_ID)
    await offices.settle()

    receipt = all_said(hospital)[1].receipt()
    assert receipt.sender.hers == ("999999", WARD)
    assert receipt.receiver.hers == ("999999", NURSES)


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


async def test_a_refusal_for_another_reason_is_a_contradiction_too() -> None:
    unknown = [{"code": "E35", "text": "Ukjent pasient"}]
    offices, hospital = await confirmed("refused", errors=unknown)
    await hospital.confirm(MSG_ID, "refused", errors=unknown)
    assert await hospital.letters() == []

    await hospital.confirm(MSG_ID, "refused", errors=[{"code": "E35", "text": "Feil avdeling"}])
    await offices.settle()

    assert [code for _, code in await hospital.letters()] == ["GW-115"]
    assert kinds_said(hospital).count("apprec") == 1


@pytest.mark.parametrize(
    ("outcome", "errors", "told"),
    [
        ("stored", [], ("epj_stored", None)),
        ("refused", [{"code": "E35"}], ("epj_refused", "E35")),
    ],
)
async def test_the_trail_tells_what_the_epj_said(
    outcome: str, errors: list[dict[str, str]], told: tuple[str, str | None]
) -> None:
    _, hospital = await confirmed(outcome, errors=errors)

    events = [(event.name, event.code) for event in await hospital.journal.trail(MSG_ID)]
    assert [event for event in events if event[0].startswith("epj_")] == [told]


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


async def test_what_a_person_has_closed_is_not_opened_when_the_epj_says_it_again() -> None:
    offices, hospital = await delivered()
    offices.clock.move(days=1200)  # no certificate to seal for is valid any more
    await hospital.confirm(MSG_ID)
    ((letter_id, _),) = await hospital.letters()
    assert await hospital.discard(letter_id)

    await hospital.confirm(MSG_ID)
    await offices.settle()

    assert (await sums(hospital))[1].discarded == 1
    assert await hospital.letters() == []
    assert (await hospital.trail(MSG_ID))[-1] == "not_answered"


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
