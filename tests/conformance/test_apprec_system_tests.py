"""The official system tests of the application receipt, through two offices (HIS 80415).

Each is named by its number: ``apprec-16`` is number 16 of ``official.SYSTEM_TESTS``.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.envelope import EbParty, MessageHeader
from gateway.domain.identifiers import HerId, MessageId, MsgId
from gateway.domain.ledger import State
from gateway.domain.message import Code, HealthcareProfessional, OtherReceiver, Party
from gateway.domain.receipt import Answer, ReceiptError
from tests.builders_keys import SEALING
from tests.builders_mails import (
    a_header,
    a_mail,
    all_said,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_message import a_her, a_party, a_patient
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MUNICIPALITY,
    NURSES,
    WARD,
    Offices,
    a_letter,
    sums,
    two_offices,
    written,
)
from tests.builders_personal import a_doctor, personally_signed
from tests.builders_received import MSG_ID, a_document, broken, with_attachment
from tests.builders_signatures import RSA_SHA1
from tests.conformance.scenes import (
    a_question_of,
    an_answer_to,
    desks,
    handed_over,
    offices_with_rules,
    party_without,
    receipts_of,
)

proves = pytest.mark.proves
OTHER = {HOSPITAL: MUNICIPALITY, MUNICIPALITY: HOSPITAL}
SECOND_WARD = HerId("910005")
SECOND_ENVELOPE = a_header(message_id=MessageId("e0000000-0000-4000-8000-000000000002"))


async def at_the_hospital(*mails: bytes, offices: Offices | None = None) -> Offices:
    """The offices after the hospital has read mails of the municipality; no answer is carried."""
    offices = offices or two_offices()
    offices.carry = False
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()
    return offices


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


# --- 16-34: refused --------------------------------------------------------------------------

PERSON = HealthcareProfessional(family_name="Lege", given_name="Ola", idents=(a_her("910998"),))
FACELESS = replace(a_patient(), date_of_birth=None, sex=None, idents=())


def to_a_person() -> bytes:
    hospital = a_party(enterprise="910000", service=WARD).organisation
    return a_document(
        receiver=Party(organisation=replace(hospital, part=None, professional=PERSON))
    )


def against_the_schema() -> bytes:
    document = a_document()
    wrong = document.replace(b"GenDate>", b"Fremmed>")
    assert wrong != document
    return wrong


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(
            lambda: b"\x00\xffMsgHead", "T01", id="apprec-16", marks=proves("apprec-16", "R-67")
        ),
        pytest.param(
            lambda: a_document(receiver=party_without(1)),
            "E21",
            id="apprec-17",
            marks=proves("apprec-17", "R-70", "E21"),
        ),
        pytest.param(
            lambda: a_document(receiver=party_without(2)),
            "E21",
            id="apprec-18",
            marks=proves("apprec-18", "R-70", "E21"),
        ),
        pytest.param(
            lambda: a_document(receiver=a_party(enterprise="910000", service="910999")),
            "E21",
            id="apprec-19",
            marks=proves("apprec-19", "R-70", "E21"),
        ),
        pytest.param(to_a_person, "E21", id="apprec-20", marks=proves("apprec-20", "E21")),
        pytest.param(
            lambda: a_document(receiver=a_party(enterprise="910000", service=SECOND_WARD)),
            "E21",
            id="apprec-22",
            marks=proves("apprec-22", "R-66", "E21"),
        ),
        pytest.param(
            lambda: a_document(sender=a_party(enterprise="920000", service="920002")),
            "E21",
            id="apprec-22b",
            marks=proves("apprec-22", "R-66", "E21"),
        ),
        pytest.param(
            lambda: a_document(patient=FACELESS),
            "E36",
            id="apprec-24",
            marks=proves("apprec-24", "R-01", "E36"),
        ),
        pytest.param(
            lambda: a_document(msg_id=MsgId("2026-17")),
            "E10",
            id="apprec-28",
            marks=proves("apprec-28", "R-67", "E10"),
        ),
        pytest.param(
            against_the_schema, "T02", id="apprec-32", marks=proves("apprec-32", "R-67", "T02")
        ),
        pytest.param(
            lambda: a_document().replace(b"dialog/2006-10-11", b"dialog/1999-01-01"),
            "T10",
            id="apprec-33",
            marks=proves("apprec-33", "R-41", "T10"),
        ),
        pytest.param(
            lambda: broken(a_document()),
            "T01",
            id="apprec-34",
            marks=proves("apprec-34", "R-67", "T01"),
        ),
        pytest.param(
            lambda: with_attachment(a_document()),
            "T99",
            id="attachment",
            marks=proves("R-36", "T99"),
        ),
    ],
)
async def test_what_cannot_be_taken_in_is_refused_once_with_its_code(
    document: Callable[[], bytes], code: str
) -> None:
    offices = await at_the_hospital(a_mail(document()))

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert receipt.answer is Answer.REJECTED
    assert {error.code for error in receipt.errors} == {code}
    assert all(error.text for error in receipt.errors)
    assert offices.hospital.delivered == []
    assert (await sums(offices.hospital))[1].rejected == 1


@proves("apprec-21")
async def test_what_is_for_nobody_here_gets_no_receipt() -> None:
    """apprec-21: the envelope names nobody of ours either, and is refused as an envelope."""
    stranger = a_party(enterprise="940000", service="940001")
    header = a_header(receiver=EbParty(her=HerId("940001"), role="DIALOG_FORESPORSELreceiver"))

    offices = await at_the_hospital(a_mail(a_document(receiver=stranger), header))

    assert kinds_said(offices.hospital) == ["error"]
    assert offices.hospital.delivered == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param("E35", "Ukjent hos oss.", id="apprec-23", marks=proves("apprec-23", "E35")),
        pytest.param("E36", "For få opplysninger.", id="apprec-24", marks=proves("apprec-24")),
    ],
)
async def test_the_epj_refuses_a_patient_and_the_author_is_told(code: str, text: str) -> None:
    offices = two_offices()
    await handed_over(offices, HOSPITAL, a_letter())

    await offices.municipality.confirm(LETTER_ID, "refused", errors=[{"code": code, "text": text}])
    await offices.settle()

    (receipt,) = receipts_of(offices.municipality, HOSPITAL)
    assert [(error.code, error.text) for error in receipt.errors] == [(code, text)]
    assert offices.hospital.events[-1] == "refused"
    (reason,) = offices.hospital.last["reasons"]
    assert reason["code"] == code
    assert text in reason["text_nb"]


@proves("apprec-26")
async def test_each_fault_of_the_deciding_stage_is_an_error_of_its_own() -> None:
    """apprec-26, by the gateway."""
    wrong = a_document(
        sender=a_party(enterprise="920000", service="920002"),
        receiver=a_party(enterprise="910000", service="910999"),
    )

    offices = await at_the_hospital(a_mail(wrong))

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert [error.code for error in receipt.errors] == ["E21", "E21"]
    assert len({error.text for error in receipt.errors}) == 2


@proves("apprec-26")
async def test_each_fault_that_the_epj_names_is_an_error_of_its_own() -> None:
    """apprec-26, by the receiving application."""
    named = [("E31", "Feil siffer."), ("E33", "Etternavn mangler."), ("X99", "Annet.")]
    offices = two_offices()
    await handed_over(offices, HOSPITAL, a_letter())

    errors = [{"code": code, "text": text} for code, text in named]
    await offices.municipality.confirm(LETTER_ID, "refused", errors=errors)
    await offices.settle()

    (receipt,) = receipts_of(offices.municipality, HOSPITAL)
    assert [(error.code, error.text) for error in receipt.errors] == named
    assert [reason["code"] for reason in offices.hospital.last["reasons"]] == ["E31", "E33", "X99"]


def changed_after_signing() -> bytes:
    return personally_signed(a_document()).replace(b"pasienten", b"ingen", 1)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(
            changed_after_signing, "S01", id="apprec-29", marks=proves("apprec-29", "R-67", "S01")
        ),
        pytest.param(
            lambda: personally_signed(a_document(), signer=a_doctor(usage=SEALING)),
            "S02",
            id="apprec-30",
            marks=proves("apprec-30", "R-67", "S02"),
        ),
        pytest.param(
            lambda: personally_signed(a_document(), method=RSA_SHA1),
            "S99",
            id="SHA-1",
            marks=proves("R-67", "S99"),
        ),
    ],
)
async def test_a_personal_signature_that_does_not_hold_is_refused_with_its_code(
    document: Callable[[], bytes], code: str
) -> None:
    """apprec-29 and apprec-30."""
    offices = await at_the_hospital(a_mail(document()))

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert receipt.answer is Answer.REJECTED
    assert [error.code for error in receipt.errors] == [code]
    assert offices.hospital.delivered == []


@proves("apprec-31", "S03")
async def test_a_personal_certificate_that_was_revoked_is_refused_by_the_epj() -> None:
    """apprec-31. What is signed goes through untouched, so the EPJ can ask the issuer."""
    signed = personally_signed(a_letter())
    offices = two_offices()

    delivered = await handed_over(offices, HOSPITAL, signed)
    assert delivered.body == signed
    await offices.municipality.confirm(LETTER_ID, "refused", errors=[{"code": "S03"}])
    await offices.settle()

    (receipt,) = receipts_of(offices.municipality, HOSPITAL)
    assert [error.code for error in receipt.errors] == ["S03"]
    assert offices.hospital.last["reasons"][0]["code"] == "S03"


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
