"""The official system tests of a negative application receipt, 16-34 (HIS 80415)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.envelope import EbParty
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.message import HealthcareProfessional, Party
from gateway.domain.receipt import Answer
from tests.builders_keys import SEALING
from tests.builders_mails import a_header, a_mail, kinds_said
from tests.builders_message import a_her, a_party, a_patient
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MUNICIPALITY,
    WARD,
    a_letter,
    sums,
    two_offices,
)
from tests.builders_personal import a_doctor, personally_signed
from tests.builders_received import a_document, broken, with_attachment
from tests.builders_signatures import RSA_SHA1
from tests.conformance.scenes import (
    SECOND_WARD,
    at_the_hospital,
    handed_over,
    party_without,
    receipts_of,
)

proves = pytest.mark.proves
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
