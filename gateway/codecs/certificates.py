"""X.509 certificates of organisations: what they are for, until when, and whose they are.

Norwegian organisation certificates (virksomhetssertifikat, SEID 1 and 2) come
in pairs: one that signs (nonRepudiation) and one that is sealed for
(keyEncipherment, dataEncipherment). Chain and revocation are not looked at here.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gateway.errors import CannotSeal, UnusableCertificate

SMALLEST_RSA_BITS: Final = 2048
_MAX_CERTIFICATE_BYTES: Final = 64_000

_NTRNO: Final = re.compile(r"NTRNO-(\d{9})")
_NINE_DIGITS: Final = re.compile(r"\d{9}")
_UNIT: Final = re.compile(r"(?:.*-)?\s*(\d{9})")


@lru_cache(maxsize=512)
def load_certificate(der: bytes) -> x509.Certificate:
    """Read one DER certificate, so far that nothing of it can fail later.

    Raises:
        UnusableCertificate: not a certificate, or one that cannot be read through.
    """
    if len(der) > _MAX_CERTIFICATE_BYTES:
        raise UnusableCertificate("not a certificate")
    try:
        certificate = x509.load_der_x509_certificate(der)
        # cryptography reads these only when asked, and then may raise.
        _ = certificate.subject, certificate.issuer, certificate.extensions
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        certificate.public_key()
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ):
        raise UnusableCertificate("not a certificate") from None
    return certificate


def require_usable_for_signing(certificate: x509.Certificate, at: datetime) -> None:
    """Raise unless ``certificate`` may have signed at ``at`` (aware).

    Raises:
        UnusableCertificate: outside its dates, no key usage for signatures
            (digitalSignature or nonRepudiation), or not RSA of at least 2048 bits.
    """
    usage = _key_usage(certificate)
    allowed = usage is not None and (usage.digital_signature or usage.content_commitment)
    fault = _date_or_key_fault(certificate, at)
    if fault is None and not allowed:
        fault = "key usage does not allow signatures"
    if fault is not None:
        raise UnusableCertificate(f"signing certificate {_number(certificate)}: {fault}")


def require_usable_for_sealing(certificate: x509.Certificate, at: datetime) -> None:
    """Raise unless a message may be sealed for ``certificate`` at ``at`` (aware).

    Raises:
        CannotSeal: outside its dates, no key usage for it (keyEncipherment or
            dataEncipherment), or not RSA of at least 2048 bits.
    """
    usage = _key_usage(certificate)
    allowed = usage is not None and (usage.key_encipherment or usage.data_encipherment)
    fault = _date_or_key_fault(certificate, at)
    if fault is None and not allowed:
        fault = "key usage does not allow encryption"
    if fault is not None:
        raise CannotSeal(f"sealing certificate {_number(certificate)}: {fault}")


def organisation_number(certificate: x509.Certificate) -> str | None:
    """Nine digits of the organisation in the subject; None when there are none.

    organizationIdentifier (SEID 2, ``NTRNO-999999999``) before serialNumber
    (SEID 1) before an OU such as ``UNIT-999999999``: the legal entity first.
    """
    for oid, pattern in (
        (NameOID.ORGANIZATION_IDENTIFIER, _NTRNO),
        (NameOID.SERIAL_NUMBER, _NINE_DIGITS),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, _UNIT),
    ):
        for attribute in certificate.subject.get_attributes_for_oid(oid):
            match = pattern.fullmatch(str(attribute.value).strip())
            if match is not None:
                return match[match.lastindex or 0]
    return None


def subject_text(certificate: x509.Certificate) -> str:
    """The subject for people to read, as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string()


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number in lower-case hexadecimal, as CAs and ``openssl`` print it."""
    return _number(certificate)


def _number(certificate: x509.Certificate) -> str:
    digits = f"{certificate.serial_number:x}"
    return digits.zfill(len(digits) + len(digits) % 2)


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _date_or_key_fault(certificate: x509.Certificate, at: datetime) -> str | None:
    if at < certificate.not_valid_before_utc:
        return f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M}Z"
    if at > certificate.not_valid_after_utc:
        return f"expired {certificate.not_valid_after_utc:%Y-%m-%d %H:%M}Z"
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SMALLEST_RSA_BITS:
        return f"no RSA key of at least {SMALLEST_RSA_BITS} bits"
    return None
