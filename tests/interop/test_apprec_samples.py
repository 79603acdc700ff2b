"""Receipts of others are read, and the official schemas accept ours."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec, render_apprec
from gateway.codecs.xml import parse_untrusted
from gateway.domain.receipt import (
    APPREC_ERRORS,
    Answer,
    ApplicationReceipt,
    ReceiptVersion,
    receipt_error,
)
from tests.builders_apprec import RECEIPT, TEXT, a_receipt

SCHEMAS = {
    ReceiptVersion.V1_0: "AppRec-v1-2004-11-21.xsd",
    ReceiptVersion.V1_1: "AppRec-v1.1.xsd",
}


@cache
def official_schema(reference_dir: Path, version: ReceiptVersion) -> etree.XMLSchema:
    """The schema as published, its imports pointed at local files: the network is never asked."""
    file = reference_dir / "xsd" / "applikasjonskvittering" / SCHEMAS[version]
    schema = etree.parse(file, etree.XMLParser(no_network=True))
    for imported in schema.iter("{http://www.w3.org/2001/XMLSchema}import"):
        name = imported.get("schemaLocation", "").rpartition("/")[2]
        local = reference_dir / "xsd" / "felleskomponenter" / name
        imported.set("schemaLocation", local.as_uri())
    return etree.XMLSchema(schema)


def faults_of(body: bytes, reference_dir: Path, version: ReceiptVersion) -> list[str]:
    schema = official_schema(reference_dir, version)
    schema.validate(etree.fromstring(body))
    return [entry.message for entry in schema.error_log]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one captured receipt says."""

    file: str
    version: ReceiptVersion
    answer: Answer
    codes: tuple[str, ...]
    sender_her: tuple[str | None, str | None]  # level 1, level 2
    receiver_her: tuple[str | None, str | None]
    role: str | None
    type: str


SAMPLES = [
    Sample(
        "helsenorge/MetadataTests_Apprec11.xml",
        ReceiptVersion.V1_1,
        Answer.OK,
        (),
        ("56704", "258521"),
        ("59", "90998"),
        "PRIM",
        "DIALOG_HELSEFAGLIG",
    ),
    Sample(
        "nav/apprecOK.xml",
        ReceiptVersion.V1_0,
        Answer.OK,
        (),
        ("79768", None),
        ("0123", "1234"),
        None,
        "DIALOG_SVAR",
    ),
    Sample(
        "nav/apprecError.xml",
        ReceiptVersion.V1_0,
        Answer.REJECTED,
        ("X99",),
        ("79768", None),
        ("0123", "1234"),
        None,
        "DIALOG_SVAR",
    ),
    Sample(
        "sarepta-apprec/apprec-eksempel.xml",
        ReceiptVersion.V1_0,
        Answer.OK_WITH_ERRORS,
        ("53", "1239", "531", "53", "531"),
        (None, None),
        (None, None),
        None,
        "PROM",
    ),
]


def captured(reference_dir: Path, file: str) -> ApplicationReceipt:
    """Read a sample; NAV's stand inside an envelope of its own."""
    root = parse_untrusted((reference_dir / "samples" / file).read_bytes().lstrip())
    return parse_apprec(next(element for element in root.iter() if is_apprec(element)))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_captured_receipt_is_read(reference_dir: Path, sample: Sample) -> None:
    receipt = captured(reference_dir, sample.file)

    assert (receipt.version, receipt.answer) == (sample.version, sample.answer)
    assert tuple(error.code for error in receipt.errors) == sample.codes
    assert (receipt.sender.enterprise_her, receipt.sender.her) == sample.sender_her
    assert (receipt.receiver.enterprise_her, receipt.receiver.her) == sample.receiver_her
    assert receipt.sender.role == sample.role
    assert receipt.original.type == sample.type
    assert receipt.original.msg_id
    assert receipt.original.issue_date_text
    assert receipt.receipt_id
    assert receipt.generated_at is not None
    assert receipt.findings == ()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_captured_receipt_written_by_us_says_the_same_and_is_valid(
    reference_dir: Path, sample: Sample
) -> None:
    receipt = captured(reference_dir, sample.file)
    body = render_apprec(receipt)

    again = parse_apprec(parse_untrusted(body))
    assert replace(again, errors=()) == replace(receipt, errors=())
    assert [(e.code, e.text) for e in again.errors] == [(e.code, e.text) for e in receipt.errors]
    assert faults_of(body, reference_dir, receipt.version) == []


@pytest.mark.parametrize("version", ReceiptVersion)
@pytest.mark.parametrize("code", APPREC_ERRORS)
def test_rejection_with_every_code_is_valid(
    reference_dir: Path, version: ReceiptVersion, code: str
) -> None:
    errors = (receipt_error(code, "årsaken står her"), receipt_error(None))
    body = render_apprec(a_receipt(version=version, answer=Answer.REJECTED, errors=errors))

    assert faults_of(body, reference_dir, version) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(RECEIPT, TEXT)
def test_whatever_is_written_is_valid(
    reference_dir: Path, receipt: ApplicationReceipt, text: str
) -> None:
    rejected = replace(receipt, answer=Answer.REJECTED, errors=(receipt_error("E36", text),))

    for written in (receipt, rejected):
        assert faults_of(render_apprec(written), reference_dir, receipt.version) == []


def test_the_schema_does_refuse(reference_dir: Path) -> None:
    """Guards the tests above: an order fault is seen."""
    root = etree.fromstring(render_apprec(a_receipt()))
    root.append(root[0])

    assert faults_of(etree.tostring(root), reference_dir, ReceiptVersion.V1_1) != []


def test_gen_date_with_seven_decimals_is_read(reference_dir: Path) -> None:
    receipt = captured(reference_dir, "helsenorge/MetadataTests_Apprec11.xml")

    assert receipt.generated_at == datetime(2020, 9, 14, 14, 1, 45, 467, tzinfo=UTC)
