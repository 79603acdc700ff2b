"""The official system tests of the application receipt, through two offices (HIS 80415).

Each is named by its number: ``apprec-16`` is number 16 of ``official.SYSTEM_TESTS``.
"""

from dataclasses import replace

import pytest

from gateway.domain.envelope import EbParty, MessageHeader
from gateway.domain.identifiers import HerId, MessageId
from gateway.domain.ledger import State
from gateway.domain.message import Code, HealthcareProfessional, OtherReceiver, Party
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_mails import (
    a_header,
    a_mail,
    all_said,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_message import a_her, a_party
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MUNICIPALITY,
    NURSES,
    WARD,
    a_letter,
    sums,
    two_offices,
    written,
)
from tests.builders_received import MSG_ID, a_document
from tests.conformance.scenes import (
    SECOND_WARD,
    a_question_of,
    an_answer_to,
    at_the_hospital,
    desks,
    handed_over,
    offices_with_rules,
    receipts_of,
)

proves = pytest.mark.proves
OTHER = {HOSPITAL: MUNICIPALITY, MUNICIPALITY: HOSPITAL}
SECOND_ENVELOPE = a_header(message_id=MessageId("e0000000-0000-4000-8000-000000000002"))


# --- 1-6: good messages ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asking", "answered"),
    [
        pytest.param(HOSPITAL, False, id="apprec-1", marks=proves("apprec-1", "R-02")),
        pytest.param(MUNICIPALITY, False, id="apprec-2", marks=proves("apprec-2", "R-02")),
        pytest.param(HOSPITAL, True, id="apprec-3", marks=proves("apprec-3")),
        pytest.param(MUNICIPALITY, True, id="apprec-4", marks=proves("apprec-4")),
    ],
)
async def test_a_good_message_is_confirmed_by_its_own_id_kind_and_date(
    asking: str, answered: bool
) -> None:
    offices = two_offices()
    asker, asked = desks(offices, asking)
    message = a_question_of(asking)
    await handed_over(offices, asking, written(message))
    await asked.confirm(message.msg_id)
    await offices.settle()
    if answered:
        asker, asked, message = asked, asker, an_answer_to(message)
        await handed_over(offices, OTHER[asking], written(message))
        await asked.confirm(message.msg_id)
        await offices.settle()

    receipt = receipts_of(asked, asker.name)[-1]
    assert (receipt.answer, receipt.errors) == (Answer.OK, ())
    assert receipt.original.msg_id == message.msg_id
    assert receipt.original.type == message.type.value
    assert receipt.original.issue_date_text == message.gen_date_text
    assert (await asker.outgoing(message.msg_id, asked_her(asked.name))).state is State.CONFIRMED
    assert asker.events[-1] == "confirmed"
    await sums(asker)
    await sums(asked)


def asked_her(name: str) -> HerId:
    return WARD if name == HOSPITAL else NURSES


@proves("apprec-5")
async def test_all_addresses_come_back_swapped() -> None:
    """apprec-5."""
    own = Code(value="SYS", name="Id fra system")
    sender = a_party(enterprise="920000", service=NURSES, name="Hjemmetjenesten nord")
    whole = sender.organisation
    assert whole.part is not None
    part = replace(whole.part, idents=(replace(a_her("N-7"), type=own), *whole.part.idents))
    sender = Party(organisation=replace(whole, part=part))

    offices = await at_the_hospital(a_mail(a_document(sender=sender)))
    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    back = receipt.receiver.organisation
    assert receipt.answer is Answer.OK
    assert (receipt.sender.enterprise_her, receipt.sender.her) == ("910000", WARD)
    assert (back.name, back.her) == ("Granvik kommune", "920000")
    assert back.part is not None
    assert back.part.name == "Hjemmetjenesten nord"
    assert [(i.type.value, i.id) for i in back.part.idents] == [("HER", NURSES), ("SYS", "N-7")]


@proves("apprec-6")
async def test_a_person_who_only_signs_does_not_come_back() -> None:
    """apprec-6."""
    sender = a_party(enterprise="920000", service=NURSES)
    assert sender.organisation.part is not None
    signing = HealthcareProfessional(family_name="Bøe", given_name="Kari", idents=(a_her("77"),))
    part = replace(sender.organisation.part, professional=signing)
    sender = Party(organisation=replace(sender.organisation, part=part))

    offices = await at_the_hospital(a_mail(a_document(sender=sender)))
    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    (mail,) = (one for one in all_said(offices.hospital) if one.kind == "apprec")
    assert receipt.answer is Answer.OK
    assert "Bøe".encode() in a_document(sender=sender)
    assert "Bøe".encode() not in mail.document()


# --- 7-11: roles, and several receivers ------------------------------------------------------


def in_version_1_1(document: bytes) -> bytes:
    return document.replace(b"dialog/2006-10-11", b"dialog/2013-01-23")


@pytest.mark.parametrize(
    ("version", "roles"),
    [
        pytest.param("1.1", ("PRIM", "AVS"), id="apprec-7", marks=proves("apprec-7", "R-41")),
        pytest.param("1.0", ("SPR", "RECEIVER"), id="apprec-9", marks=proves("apprec-9")),
    ],
)
async def test_the_role_follows_the_version_of_the_message(
    version: str, roles: tuple[str, str]
) -> None:
    document = a_document() if version == "1.0" else in_version_1_1(a_document())
    offices = await at_the_hospital(
        a_mail(document), offices=offices_with_rules(dialog_1_1_allowed=True)
    )
    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert (receipt.version.value, receipt.answer) == (version, Answer.OK)
    assert (receipt.sender.role, receipt.receiver.role) == roles


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("REQ", id="apprec-8", marks=proves("apprec-8")),
        pytest.param("PRIM", id="of the other version"),
        pytest.param("XYZ", id="unknown"),
        pytest.param(None, id="none"),
    ],
)
async def test_a_receipt_is_taken_in_whatever_role_its_sender_names(role: str | None) -> None:
    offices = two_offices()
    offices.carry = False
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    document = an_apprec_document(LETTER_ID)
    assert b'V="SPR"' in document
    if role is not None:
        document = document.replace(b'V="SPR"', f'V="{role}"'.encode())
    else:
        start = document.index(b"<Role")
        document = document[:start] + document[document.index(b"/>", start) + 2 :]

    await offices.hospital.take_in(an_apprec_mail(document))
    await offices.settle()

    assert offices.hospital.events[-1] == "confirmed"


def to_both_wards() -> bytes:
    """From the nurses to the ward, and a copy to another ward of the same hospital."""
    copy = OtherReceiver(
        role=Code(value="COP", name="Kopimottaker"),
        party=a_party(enterprise="910000", service=SECOND_WARD, name="Bryst og endokrin kirurgi"),
    )
    return a_document(other_receivers=(copy,))


def for_second_ward() -> bytes:
    receiver = EbParty(her=SECOND_WARD, role="DIALOG_FORESPORSELreceiver")
    return a_mail(to_both_wards(), replace(SECOND_ENVELOPE, receiver=receiver))


@proves("apprec-9", "R-38")
async def test_the_primary_receiver_of_several_answers_once() -> None:
    offices = await at_the_hospital(a_mail(to_both_wards()))
    await offices.hospital.confirm(MSG_ID, receiver_her=WARD)
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert (receipt.sender.her, receipt.sender.role) == (WARD, "SPR")


@proves("apprec-10")
async def test_a_copy_receiver_answers_as_one() -> None:
    """apprec-10."""
    offices = await at_the_hospital(for_second_ward())
    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert receipt.answer is Answer.OK
    assert receipt.sender.her == SECOND_WARD
    assert receipt.sender.organisation.part is not None
    assert receipt.sender.organisation.part.name == "Bryst og endokrin kirurgi"
    assert receipt.sender.role == "COP"


@proves("apprec-11", "R-64")
async def test_two_receivers_of_one_envelope_answer_once_each() -> None:
    """apprec-11, the message comes once for both."""
    offices = await at_the_hospital(a_mail(to_both_wards()))
    await offices.hospital.confirm(MSG_ID, receiver_her=WARD)
    await offices.settle()
    await offices.hospital.confirm(MSG_ID, receiver_her=SECOND_WARD)
    await offices.settle()

    answering = [receipt.sender.her for receipt in receipts_of(offices.hospital, MUNICIPALITY)]
    assert sorted(map(str, answering)) == [WARD, SECOND_WARD]


@proves("apprec-11", "R-64")
async def test_two_receivers_with_an_envelope_each_answer_once_each() -> None:
    """apprec-11, each receiver gets an envelope of its own: both are in the first copy."""
    offices = await at_the_hospital(a_mail(to_both_wards()), for_second_ward())
    (delivered,) = offices.hospital.delivered
    assert delivered.headers["x-receiver-her"] == WARD
    assert delivered.headers["x-other-receivers"] == SECOND_WARD
    for her in (WARD, SECOND_WARD):
        await offices.hospital.confirm(MSG_ID, receiver_her=her)
        await offices.settle()

    answering = [receipt.sender.her for receipt in receipts_of(offices.hospital, MUNICIPALITY)]
    assert answering == [WARD, SECOND_WARD]
    assert kinds_said(offices.hospital).count("acknowledgment") == 2
    assert (await sums(offices.hospital))[1].accepted == 1


# --- 12, 13, 41: twice -----------------------------------------------------------------------


@pytest.mark.parametrize("confirmed_first", [False, True], ids=["before", "after confirmation"])
@pytest.mark.parametrize(
    "again",
    [
        pytest.param(None, id="apprec-12", marks=proves("apprec-12", "R-64")),
        pytest.param(SECOND_ENVELOPE, id="apprec-41", marks=proves("apprec-41", "R-64")),
    ],
)
async def test_only_the_first_copy_is_receipted(
    again: MessageHeader | None, confirmed_first: bool
) -> None:
    offices = two_offices()
    hospital = offices.hospital
    first = a_mail(a_document())
    await hospital.take_in(first)
    await offices.settle()
    if confirmed_first:
        await hospital.confirm(MSG_ID)
        await offices.settle()
    await hospital.take_in(first if again is None else a_mail(a_document(), again))
    await offices.settle()
    await hospital.confirm(MSG_ID)
    await offices.settle()

    assert kinds_said(hospital).count("apprec") == 1
    assert kinds_said(hospital).count("acknowledgment") == 2
    assert len(hospital.delivered) == 1
    assert (await sums(hospital))[1].accepted == 1


@pytest.mark.parametrize("second", [Answer.OK, Answer.REJECTED], ids=["equal", "other"])
@proves("apprec-13", "R-63")
async def test_of_two_receipts_the_first_counts(second: Answer) -> None:
    """apprec-13."""
    offices = two_offices()
    hospital = offices.hospital
    await handed_over(offices, HOSPITAL, a_letter())
    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()
    told = list(hospital.events)

    errors = () if second is Answer.OK else (ReceiptError(code="E35"),)
    document = an_apprec_document(LETTER_ID, second, errors=errors)
    await hospital.take_in(an_apprec_mail(document))
    await offices.settle()

    assert (await hospital.outgoing(LETTER_ID)).state is State.CONFIRMED
    assert [name for name in hospital.events[len(told) :] if name == "refused"] == []
    assert (await sums(hospital))[0].confirmed == 1


# --- 14, 15, 27: matched by a person ---------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "outcome"),
    [
        pytest.param(1, "stored", id="apprec-14", marks=proves("apprec-14", "R-04")),
        pytest.param(1, "refused", id="apprec-15", marks=proves("apprec-15", "R-04")),
        pytest.param(70, "stored", id="apprec-27", marks=proves("apprec-27", "R-04")),
        pytest.param(70, "refused", id="apprec-27b", marks=proves("apprec-27", "R-04")),
    ],
)
async def test_nothing_is_receipted_before_a_person_has_decided(hours: int, outcome: str) -> None:
    offices = two_offices()
    hospital, municipality = offices.hospital, offices.municipality
    await handed_over(offices, HOSPITAL, a_letter())
    await offices.pass_time(hours=hours)
    assert receipts_of(municipality, HOSPITAL) == []
    assert hospital.events == ["accepted", "sent", "acknowledged"]

    errors = [] if outcome == "stored" else [{"code": "E35", "text": "Ukjent pasient."}]
    await municipality.confirm(LETTER_ID, outcome, errors=errors)
    await offices.settle()

    assert len(receipts_of(municipality, HOSPITAL)) == 1
    assert hospital.events[-1] == ("confirmed" if outcome == "stored" else "refused")


# --- 42: nothing comes -----------------------------------------------------------------------


@proves("apprec-42", "R-63")
async def test_without_a_receipt_in_96_hours_the_sender_is_told_and_a_late_one_still_counts() -> (
    None
):
    """apprec-42."""
    offices = two_offices()
    hospital = offices.hospital
    await handed_over(offices, HOSPITAL, a_letter())
    await offices.pass_time(hours=95, minutes=50)
    assert "unconfirmed" not in hospital.events

    await offices.pass_time(minutes=10)
    assert hospital.events[-2:] == ["unconfirmed", "dead-lettered"]
    assert (await sums(hospital))[0].dead == 1

    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()
    assert hospital.events[-1] == "confirmed"
    assert await hospital.letters() == []
    assert (await sums(hospital))[0].confirmed == 1
