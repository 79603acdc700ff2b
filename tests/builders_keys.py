"""Keys and certificates for tests, invented. RSA keys are made once per test session."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from gateway.ports import KeyPair

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # the instant most tests happen at

SIGNING = ("content_commitment",)
SEALING = ("key_encipherment", "data_encipherment")
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@cache
def a_private_key(name: str = "hospital", bits: int = 2048) -> rsa.RSAPrivateKey:
    """The private key of an invented party; the same one each time for the same name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def a_subject(name: str, **attributes: str) -> x509.Name:
    """C=NO, O and CN by ``name``, and further attributes by their names in NameOID."""
    pairs = [
        (NameOID.COUNTRY_NAME, "NO"),
        (NameOID.ORGANIZATION_NAME, f"{name} (oppdiktet)"),
        (NameOID.COMMON_NAME, name),
        *((getattr(NameOID, key.upper()), value) for key, value in attributes.items()),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def a_certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    name: str = "hospital",
    usage: Iterable[str] | None = SIGNING,
    subject: x509.Name | None = None,
    not_before: datetime = NOON - timedelta(days=30),
    not_after: datetime = NOON + timedelta(days=700),
    serial: int | None = None,
) -> x509.Certificate:
    """A self-signed certificate; without KeyUsage when ``usage`` is None."""
    subject = subject or a_subject(name, organization_identifier="NTRNO-310000015")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage is not None:
        flags = dict.fromkeys(_USAGES, False) | dict.fromkeys(usage, True)
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    return builder.sign(key, hashes.SHA256())


@cache
def a_signing_pair(name: str = "hospital") -> KeyPair:
    """Key and certificate that ``name`` signs with."""
    key = a_private_key(name)
    return KeyPair(key, a_certificate(key, name=name, usage=SIGNING))


@cache
def a_sealing_pair(name: str = "hospital") -> KeyPair:
    """Key and certificate that messages to ``name`` are sealed for."""
    key = a_private_key(f"{name}, sealing")
    return KeyPair(key, a_certificate(key, name=name, usage=SEALING))
