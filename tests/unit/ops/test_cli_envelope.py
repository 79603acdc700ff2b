"""``wrap`` and ``open``: one mail and back, and every kind of tampering seen."""

import base64
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.adapters.keys import load_key_pair
from gateway.codecs.document import read_document
from gateway.codecs.mime import Part, parse_mail
from gateway.codecs.xml import MSGHEAD
from gateway.office import OwnKeys
from gateway.ops.opening import open_mail
from tests.builders_cli import (
    AT,
    a_hospital_document,
    changed,
    demo_config,
    demo_folder,
    demo_office,
    json_of,
    repacked,
    run_cli,
    wrapped,
)
from tests.builders_message import a_party, an_attachment

FAULT = (
    b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>'
    b"<faultcode>S:Client</faultcode><faultstring>x</faultstring></S:Fault></S:Body></S:Envelope>"
)
SHA1 = b"http://www.w3.org/2000/09/xmldsig#sha1"
SHA256 = b"http://www.w3.org/2001/04/xmlenc#sha256"
SIGNATURE = re.compile(rb"<(\w+:)?Signature .*</(\w+:)?Signature>", re.DOTALL)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration unless a test names one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)


@cache
def a_mail() -> bytes:
    """From the demo hospital to the demo municipality."""
    return wrapped(a_hospital_document(), demo_office("hospital"))


def a_file(tmp_path: Path, content: bytes, name: str = "m.eml") -> Path:
    file = tmp_path / name
    file.write_bytes(content)
    return file


# --- there and back ------------------------------------------------------------------------------


def test_wrapped_message_opens_to_the_same_bytes(tmp_path: Path) -> None:
    document = a_hospital_document()
    mail, back = tmp_path / "m.eml", tmp_path / "back.xml"

    wrap = run_cli(
        "wrap",
        a_file(tmp_path, document, "d.xml"),
        "-o",
        mail,
        "--config",
        demo_config("hospital"),
    )
    opened = run_cli("open", mail, "--json", "-o", back, "--config", demo_config("municipality"))

    assert (wrap.exit_code, opened.exit_code) == (0, 0)
    assert back.read_bytes() == document
    report = json_of(opened)
    assert report["trust"] == {"checked": True, "valid": True, "reason": None}
    assert report["message_id"] in wrap.stdout


def test_document_is_written_for_its_owner_only(tmp_path: Path) -> None:
    back = tmp_path / "back.xml"

    run_cli("open", a_file(tmp_path, a_mail()), "-o", back, "--config", demo_config("municipality"))

    assert stat.S_IMODE(back.stat().st_mode) == 0o600


def test_report_has_the_agreed_names(tmp_path: Path) -> None:
    report = json_of(run_cli("open", a_file(tmp_path, a_mail()), "--json"))

    assert list(report) == [
        "kind",
        "message_id",
        "conversation_id",
        "cpa_id",
        "ref_to_message_id",
        "timestamp",
        "service",
        "action",
        "from",
        "to",
        "signature",
        "references",
        "trust",
        "parts",
        "findings",
    ]
    assert (report["kind"], report["action"]) == ("payload", "DIALOG_FORESPORSEL")
    assert report["cpa_id"] == "910001_920001"
    assert report["from"] == {"her": "910001", "role": "DIALOG_FORESPORSELsender"}
    assert list(report["signature"]) == ["valid", "algorithm", "reason", "signer"]
    assert list(report["signature"]["signer"]) == ["subject", "serial", "orgnr", "not_after"]
    assert report["signature"]["signer"]["orgnr"] == "310000108"
    assert [reference["valid"] for reference in report["references"]] == [True, True]
    assert report["parts"][0]["cipher"] == "AES-256-CBC"
    assert report["parts"][0]["key_transport"] == "RSA-PKCS1-v1_5"


def test_without_configuration_nothing_is_unsealed_and_that_is_no_fault(tmp_path: Path) -> None:
    result = run_cli("open", a_file(tmp_path, a_mail()), "--json")

    assert result.exit_code == 0
    assert json_of(result)["trust"] == {"checked": False, "valid": None, "reason": None}


def test_asking_for_a_document_without_keys_is_told(tmp_path: Path) -> None:
    result = run_cli("open", a_file(tmp_path, a_mail()), "-o", tmp_path / "back.xml")

    assert result.exit_code == 1
    assert not (tmp_path / "back.xml").exists()


def test_mail_sealed_for_another_fails(tmp_path: Path) -> None:
    result = run_cli(
        "open", a_file(tmp_path, a_mail()), "--json", "--config", demo_config("hospital")
    )

    assert result.exit_code == 1
    assert "cannot-unseal" in json_of(result)["findings"]


def test_text_says_first_whether_the_mail_is_good(tmp_path: Path) -> None:
    result = run_cli("open", a_file(tmp_path, a_mail()))

    assert result.stdout.startswith("I ORDEN / good: payload\n")


def test_text_of_a_forged_id_stays_on_its_line(tmp_path: Path) -> None:
    mail = changed(a_mail(), b">910001_920001<", b">a\nI ORDEN / good<")

    result = run_cli("open", a_file(tmp_path, mail))

    assert "\nI ORDEN" not in result.stdout


# --- wrap ----------------------------------------------------------------------------------------


def test_attachment_is_stripped_before_sealing() -> None:
    plain = a_hospital_document()
    closing = plain[plain.rindex(b"</") :]
    attachment = an_attachment().replace("<Document>", f'<Document xmlns="{MSGHEAD}">', 1)
    document = plain.replace(closing, attachment.encode() + closing)
    mail = wrapped(document, demo_office("hospital"))

    opened = open_mail(mail, office=demo_office("municipality"), at=AT)

    assert opened.document is not None
    assert read_document(document).message.attachments
    assert not read_document(opened.document).message.attachments


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(b"nope", "EPJ_SCHEMA", id="not XML"),
        pytest.param(
            a_hospital_document(receiver=a_party(enterprise="9", service="99")),
            "EPJ_RECEIVER",
            id="unknown receiver",
        ),
        pytest.param(
            a_hospital_document(sender=a_party(enterprise="920000", service="920002")),
            "EPJ_SENDER",
            id="not our sender",
        ),
        pytest.param(
            b'<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2004-11-21"/>',
            "T02",
            id="no dialogue message",
        ),
    ],
)
def test_refused_message_is_not_wrapped(tmp_path: Path, document: bytes, code: str) -> None:
    mail = tmp_path / "m.eml"

    result = run_cli(
        "wrap",
        a_file(tmp_path, document, "d.xml"),
        "-o",
        mail,
        "--config",
        demo_config("hospital"),
    )

    assert result.exit_code == 1
    assert code in result.stderr
    assert not mail.exists()


@pytest.mark.parametrize("command", ["wrap", "open"])
def test_missing_file_is_exit_2(tmp_path: Path, command: str) -> None:
    result = run_cli(
        command, tmp_path / "absent", "-o", tmp_path / "o", "--config", demo_config("hospital")
    )

    assert result.exit_code == 2


def test_wrap_needs_a_configuration(tmp_path: Path) -> None:
    result = run_cli(
        "wrap", a_file(tmp_path, a_hospital_document(), "d.xml"), "-o", tmp_path / "m.eml"
    )

    assert result.exit_code == 1
    assert "GW-901" in result.stderr


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = run_cli(
        "wrap",
        a_file(tmp_path, a_hospital_document(), "d.xml"),
        "-o",
        tmp_path / "absent" / "m.eml",
        "--config",
        demo_config("hospital"),
    )

    assert result.exit_code == 1


# --- tampering -----------------------------------------------------------------------------------


def in_body(mail: bytes) -> bytes:
    return changed(mail, b"Manifest ", b"Manifest eb:id='x' ")


def in_header(mail: bytes) -> bytes:
    return changed(mail, b">910001<", b">910002<")


def in_manifest(mail: bytes) -> bytes:
    return changed(mail, b"/xmlstds/dialog/", b"/xmlstds/other/")


def in_attachment(mail: bytes) -> bytes:
    return with_parts(mail, lambda part: replace(part, data=part.data[:-1] + b"\0"))


def swapped_attachment(mail: bytes) -> bytes:
    other = parse_mail(wrapped(a_hospital_document(), demo_office("hospital"))).parts[0]
    return with_parts(mail, lambda part: replace(part, data=other.data))


def second_attachment(mail: bytes) -> bytes:
    parsed = parse_mail(mail)
    parts = (*parsed.parts, replace(parsed.parts[0], content_id="more"))
    return repacked(parsed.soap, soap_content_id=parsed.soap_content_id, parts=parts)


def without_attachment(mail: bytes) -> bytes:
    return repacked(parse_mail(mail).soap)


def second_signature(mail: bytes) -> bytes:
    signature = signature_in(mail)
    return changed(mail, signature, signature + signature)


def signature_moved(mail: bytes) -> bytes:
    signature = signature_in(mail)
    parsed = parse_mail(mail)
    soap = parsed.soap.replace(signature, b"")
    body = re.search(rb"<[\w-]+:Body[^>]*>", soap)
    assert body is not None
    soap = soap.replace(body[0], body[0] + signature)
    return repacked(soap, soap_content_id=parsed.soap_content_id, parts=parsed.parts)


def unsigned(mail: bytes) -> bytes:
    return changed(mail, signature_in(mail), b"")


def transform_added(mail: bytes) -> bytes:
    first = re.search(rb"<(\w+:)?Transform ", parse_mail(mail).soap)
    assert first is not None
    added = first[0] + b'Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>'
    return changed(mail, first[0], added + first[0])


def digest_weakened(mail: bytes) -> bytes:
    return changed(mail, SHA256, SHA1)


def signature_value(mail: bytes) -> bytes:
    found = re.search(rb"SignatureValue>\s*(.)", parse_mail(mail).soap)
    assert found is not None
    other = b"A" if found[1] != b"A" else b"B"
    return changed(mail, found[0], found[0][:-1] + other)


def other_certificate(mail: bytes) -> bytes:
    found = re.search(rb"X509Certificate>([^<]+)<", parse_mail(mail).soap)
    assert found is not None
    foreign = foreign_keys().signing.certificate.public_bytes(Encoding.DER)
    return changed(mail, found[1], base64.b64encode(foreign))


def with_parts(mail: bytes, change: Callable[[Part], Part]) -> bytes:
    parsed = parse_mail(mail)
    parts = tuple(change(part) for part in parsed.parts)
    return repacked(parsed.soap, soap_content_id=parsed.soap_content_id, parts=parts)


def signature_in(mail: bytes) -> bytes:
    found = SIGNATURE.search(parse_mail(mail).soap)
    assert found is not None
    return found[0]


@cache
def foreign_keys() -> OwnKeys:
    folder = demo_folder()
    pair = load_key_pair(folder / "foreign-signing.key.pem", folder / "foreign-signing.cert.pem")
    return OwnKeys(pair, ())


@pytest.mark.parametrize("party", [None, "municipality"])
@pytest.mark.parametrize(
    ("tamper", "reason", "references"),
    [
        (in_body, None, [False, True]),
        (in_header, None, [False, True]),
        (in_manifest, None, [False, True]),
        (in_attachment, None, [True, False]),
        (swapped_attachment, None, [True, False]),
        (without_attachment, None, [True, False]),
        (second_attachment, "attachment-uncovered", [True, True]),
        (second_signature, "several-signatures", []),
        (signature_moved, "signature-misplaced", []),
        (unsigned, "no-signature", []),
        (transform_added, "transform", []),
        (digest_weakened, "algorithm", []),
        (signature_value, "signature-value", [True, True]),
        (other_certificate, "signature-value", [True, True]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_tampering_is_seen_and_nothing_is_given_out(
    tmp_path: Path,
    tamper: Callable[[bytes], bytes],
    reason: str | None,
    references: list[bool],
    party: str | None,
) -> None:
    mail = a_file(tmp_path, tamper(a_mail()))
    config = () if party is None else ("--config", demo_config(party))

    result = run_cli("open", mail, "--json", "-o", tmp_path / "back.xml", *config)

    assert result.exit_code == 1
    report = json_of(result)
    assert report["signature"]["valid"] is (reason is None)
    assert report["signature"]["reason"] == reason
    assert [reference["valid"] for reference in report["references"]] == references
    assert not (tmp_path / "back.xml").exists()


# --- trust ---------------------------------------------------------------------------------------


def test_good_signature_by_somebody_else_is_not_trusted() -> None:
    hospital = demo_office("hospital")
    office = replace(hospital, keys=foreign_keys())

    opened = open_mail(
        wrapped(a_hospital_document(), office), office=demo_office("municipality"), at=AT
    )

    assert opened.signature.valid
    assert (opened.trust.valid, opened.trust.reason) == (False, "certificate-not-registered")
    assert (opened.exit_code, opened.document) == (1, None)


def test_sender_outside_the_address_book_is_not_trusted() -> None:
    municipality = demo_office("municipality")
    stranger = replace(municipality, book=replace(municipality.book, enterprises=()))

    opened = open_mail(a_mail(), office=stranger, at=AT)

    assert (opened.trust.valid, opened.trust.reason) == (False, "unknown-party")


def test_expired_certificate_is_not_trusted() -> None:
    opened = open_mail(
        a_mail(), office=demo_office("municipality"), at=AT + timedelta(days=365 * 4)
    )

    assert opened.signature.valid
    assert opened.trust.valid is False
    assert opened.trust.reason is not None
    assert "expired" in opened.trust.reason


# --- other mail ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Subject: hei\r\n\r\nHei\r\n", id="ordinary mail"),
        pytest.param(repacked(b"<a/>"), id="no envelope"),
        pytest.param(repacked(b"nope"), id="no XML"),
        pytest.param(repacked(FAULT.replace(b"S:Fault", b"S:Other")), id="envelope without header"),
    ],
)
def test_other_mail_is_not_ebxml(tmp_path: Path, raw: bytes) -> None:
    result = run_cli("open", a_file(tmp_path, raw), "--json")

    assert result.exit_code == 2
    assert json_of(result)["kind"] == "not-ebxml"


def test_soap_fault_is_told_apart_and_proves_nothing(tmp_path: Path) -> None:
    result = run_cli("open", a_file(tmp_path, repacked(FAULT)), "--json")

    assert result.exit_code == 1
    report = json_of(result)
    assert report["kind"] == "fault"
    assert report["signature"]["reason"] == "no-signature"


def test_payload_that_is_not_sealed_is_a_fault() -> None:
    clear = with_parts(a_mail(), lambda part: replace(part, data=b"<MsgHead/>"))

    opened = open_mail(clear, office=None, at=AT)

    assert "payload-not-sealed" in opened.faults
    assert opened.as_json()["parts"] == [
        {
            "content_id": opened.parts[0].content_id,
            "bytes": 10,
            "encrypted": False,
            "cipher": None,
            "key_transport": None,
        }
    ]
