"""Which certificate may sign or be sealed for, when, and whose it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.certificates import (
    load_certificate,
    organisation_number,
    require_usable_for_sealing,
    require_usable_for_signing,
    serial_text,
    subject_text,
)
from gateway.errors import CannotSeal, UnusableCertificate
from tests.builders_keys import (
    NOON,
    SEALING,
    SIGNING,
    a_certificate,
    a_private_key,
    a_sealing_pair,
    a_signing_pair,
    a_subject,
)

DAY = timedelta(days=1)


def an_elliptic_certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return (
        x509.CertificateBuilder()
        .subject_name(a_subject("hospital"))
        .issuer_name(a_subject("hospital"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - DAY)
        .not_valid_after(NOON + DAY)
        .sign(key, hashes.SHA256())
    )


def dated(usage: Iterable[str]) -> x509.Certificate:
    """Valid from noon for one day."""
    key = a_private_key()
    return a_certificate(key, usage=usage, not_before=NOON, not_after=NOON + DAY)


@pytest.mark.parametrize("usage", ["content_commitment", "digital_signature"])
def test_certificate_for_signatures_may_sign(usage: str) -> None:
    require_usable_for_signing(a_certificate(a_private_key(), usage=[usage]), NOON)


@pytest.mark.parametrize("usage", ["key_encipherment", "data_encipherment"])
def test_certificate_for_encryption_may_be_sealed_for(usage: str) -> None:
    require_usable_for_sealing(a_certificate(a_private_key(), usage=[usage]), NOON)


@pytest.mark.parametrize("usage", [SEALING, ["key_agreement"], ["key_cert_sign"], None])
def test_certificate_for_something_else_may_not_sign(usage: list[str] | None) -> None:
    with pytest.raises(UnusableCertificate, match="key usage"):
        require_usable_for_signing(a_certificate(a_private_key(), usage=usage), NOON)


@pytest.mark.parametrize("usage", [SIGNING, ["key_agreement"], ["key_cert_sign"], None])
def test_certificate_for_something_else_is_not_sealed_for(usage: list[str] | None) -> None:
    with pytest.raises(CannotSeal, match="key usage"):
        require_usable_for_sealing(a_certificate(a_private_key(), usage=usage), NOON)


def test_both_ends_of_the_validity_belong_to_it() -> None:
    for at in (NOON, NOON + DAY):
        require_usable_for_signing(dated(SIGNING), at)
        require_usable_for_sealing(dated(SEALING), at)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON - timedelta(seconds=1), "not valid before 2026-03-02 12:00Z"),
        (NOON + DAY + timedelta(seconds=1), "expired 2026-03-03 12:00Z"),
    ],
)
def test_certificate_outside_its_dates_is_unusable(at: datetime, text: str) -> None:
    with pytest.raises(UnusableCertificate, match=text):
        require_usable_for_signing(dated(SIGNING), at)
    with pytest.raises(CannotSeal, match=text):
        require_usable_for_sealing(dated(SEALING), at)


def test_short_key_is_unusable() -> None:
    key = a_private_key("short", 1024)
    with pytest.raises(UnusableCertificate, match="2048"):
        require_usable_for_signing(a_certificate(key), NOON)
    with pytest.raises(CannotSeal, match="2048"):
        require_usable_for_sealing(a_certificate(key, usage=SEALING), NOON)


def test_key_that_is_not_rsa_is_unusable() -> None:
    certificate = an_elliptic_certificate()
    with pytest.raises(UnusableCertificate, match="RSA"):
        require_usable_for_signing(certificate, NOON)
    with pytest.raises(CannotSeal, match="RSA"):
        require_usable_for_sealing(certificate, NOON)


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        pytest.param({"organization_identifier": "NTRNO-310000108"}, "310000108", id="SEID 2"),
        pytest.param({"serial_number": "310000205"}, "310000205", id="SEID 1"),
        pytest.param({"organizational_unit_name": "WARD-310000302"}, "310000302", id="unit"),
        pytest.param({"organizational_unit_name": "310000302"}, "310000302", id="unit alone"),
        pytest.param(
            {
                "organizational_unit_name": "A-B-310000302",
                "organization_identifier": "NTRNO-310000108",
            },
            "310000108",
            id="the legal entity before the unit",
        ),
        pytest.param({"serial_number": "3100002050"}, None, id="ten digits"),
        pytest.param({"serial_number": "UN:NO-310000205"}, None, id="other serial number"),
        pytest.param({"organization_identifier": "VATSE-310000108"}, None, id="other country"),
        pytest.param({"organizational_unit_name": "IT"}, None, id="unit without number"),
        pytest.param({}, None, id="none"),
    ],
)
def test_organisation_number_is_found_in_the_subject(
    attributes: dict[str, str], number: str | None
) -> None:
    subject = a_subject("hospital", **attributes)

    assert organisation_number(a_certificate(a_private_key(), subject=subject)) == number


def test_certificate_is_read_from_der_once() -> None:
    der = a_signing_pair().certificate.public_bytes(Encoding.DER)

    assert load_certificate(der) == a_signing_pair().certificate
    assert load_certificate(der) is load_certificate(der)


def test_subject_and_serial_number_are_readable() -> None:
    certificate = a_certificate(a_private_key(), serial=0xABC)

    assert subject_text(certificate).startswith("2.5.4.97=NTRNO-310000015,CN=hospital")
    assert serial_text(certificate) == "0abc"


@pytest.mark.parametrize("der", [b"", b"0\x00", b"<a/>", b"0" * 70_000])
def test_what_is_no_certificate_is_unusable(der: bytes) -> None:
    with pytest.raises(UnusableCertificate):
        load_certificate(der)


DER = a_sealing_pair().certificate.public_bytes(Encoding.DER)


def test_certificate_of_an_unknown_version_is_unusable() -> None:
    """cryptography has an error of its own for it, which is no ValueError."""
    version_3, version_2 = bytes.fromhex("a003020102"), bytes.fromhex("a003020101")
    assert version_3 in DER[:20]

    with pytest.raises(UnusableCertificate):
        load_certificate(DER.replace(version_3, version_2, 1))


@settings(max_examples=200, deadline=None, print_blob=True)
@given(
    st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=3)
)
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_damaged_certificate_is_read_through_or_unusable(edits: list[tuple[int, int]]) -> None:
    damaged = bytearray(DER)
    for at, octet in edits:
        damaged[at] = octet
    try:
        certificate = load_certificate(bytes(damaged))
    except UnusableCertificate:
        return
    organisation_number(certificate)
    subject_text(certificate)
    for check in (require_usable_for_signing, require_usable_for_sealing):
        try:
            check(certificate, NOON)
        except (UnusableCertificate, CannotSeal):
            continue
