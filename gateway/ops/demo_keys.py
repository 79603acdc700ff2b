"""Keys and certificates for the demonstration: an invented CA and invented parties.

Subjects follow SEID 2, as Norwegian organisation certificates do. The CA's
private key is never written: nobody can issue more in its name. Organisation
numbers pass mod 11 and begin with 3, where the register of real ones has none.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from gateway.errors import ConfigurationError, Fault

CA_FILE: Final = "ca.cert.pem"
_VALID_FOR: Final = timedelta(days=1095)
_MOD_11_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_SIGNING: Final = frozenset({"content_commitment"})  # nonRepudiation
_SEALING: Final = frozenset({"key_encipherment", "data_encipherment"})
_CA: Final = frozenset({"key_cert_sign", "crl_sign"})


def demo_organisation_number(stem: str) -> str:
    """Append the mod 11 check digit to eight digits.

    Raises:
        ValueError: the eight digits have no valid check digit.
    """
    total = sum(int(digit) * weight for digit, weight in zip(stem, _MOD_11_WEIGHTS, strict=True))
    check = (11 - total % 11) % 11
    if check == 10:
        raise ValueError(f"{stem} has no check digit")
    return f"{stem}{check}"


@dataclass(frozen=True, slots=True)
class DemoParty:
    """An invented organisation; ``name`` is the first part of its file names."""

    name: str
    organisation: str
    organisation_number: str


HOSPITAL: Final = DemoParty(
    "hospital", "Demo sykehus HF (oppdiktet)", demo_organisation_number("31000010")
)
MUNICIPALITY: Final = DemoParty(
    "municipality", "Demo kommune (oppdiktet)", demo_organisation_number("31000020")
)
NEIGHBOUR: Final = DemoParty(
    "neighbour", "Demo nabokommune (oppdiktet)", demo_organisation_number("31000030")
)
FOREIGN: Final = DemoParty(
    "foreign", "Demo fremmed AS (oppdiktet)", demo_organisation_number("31000050")
)
PARTIES: Final = (HOSPITAL, MUNICIPALITY, NEIGHBOUR)


def demo_file_names() -> tuple[str, ...]:
    """Names of all files that :func:`make_demo_keys` writes."""
    names = [CA_FILE, *_pair_files(FOREIGN, "signing")]
    for party in PARTIES:
        names += [*_pair_files(party, "signing"), *_pair_files(party, "sealing")]
        names.append(f"{party.name}-content.key")
    return tuple(names)


def make_demo_keys(directory: Path, *, at: datetime | None = None) -> None:
    """Write the keys and certificates of all demo parties below ``directory``.

    A complete set that is there already is kept as it is. Private keys get mode
    0600. ``foreign`` has a valid certificate of the same CA that no address book
    names: for mail that is signed well, but not by whom it says.

    Args:
        directory: made when absent.
        at: the certificates are valid from a day before this instant; now if None.

    Raises:
        ConfigurationError: some of the files are there and some are not, so that
            a new set would overwrite keys; or the folder cannot be written.
    """
    names = demo_file_names()
    present = [name for name in names if (directory / name).exists()]
    if len(present) == len(names):
        return
    if present:
        raise ConfigurationError(
            f"{directory} holds a part of a key set; nothing is overwritten",
            faults=tuple(Fault(str(directory / name), "is there already") for name in present),
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in _make_files(at or datetime.now(UTC)).items():
            _write(directory / name, content)
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be written: {error.strerror}") from None


def _make_files(at: datetime) -> Mapping[str, bytes]:
    issuer = _Issuer.new(at)
    files = {CA_FILE: issuer.certificate.public_bytes(Encoding.PEM)}
    files |= issuer.pair(FOREIGN, "signing", _SIGNING)
    for party in PARTIES:
        files |= issuer.pair(party, "signing", _SIGNING)
        files |= issuer.pair(party, "sealing", _SEALING)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        files[f"{party.name}-content.key"] = f"demo-1 {key}\n".encode()
    return files


@dataclass(frozen=True, slots=True)
class _Issuer:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    at: datetime

    @classmethod
    def new(cls, at: datetime) -> "_Issuer":
        key = _new_key()
        subject = _subject("Demo CA (oppdiktet)", "Demo CA", demo_organisation_number("31000000"))
        builder = _builder(subject, subject, key.public_key(), key.public_key(), at, _CA)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()), at)

    def pair(self, party: DemoParty, use: str, usage: frozenset[str]) -> dict[str, bytes]:
        key = _new_key()
        subject = _subject(party.organisation, party.organisation, party.organisation_number)
        builder = _builder(
            subject,
            self.certificate.subject,
            key.public_key(),
            self.key.public_key(),
            self.at,
            usage,
        )
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        certificate = builder.sign(self.key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key_file, certificate_file = _pair_files(party, use)
        return {key_file: private, certificate_file: certificate.public_bytes(Encoding.PEM)}


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pair_files(party: DemoParty, use: str) -> tuple[str, str]:
    return f"{party.name}-{use}.key.pem", f"{party.name}-{use}.cert.pem"


def _subject(organisation: str, common_name: str, number: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNO-{number}"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: rsa.RSAPublicKey,
    issuer_key: rsa.RSAPublicKey,
    at: datetime,
    usage: frozenset[str],
) -> x509.CertificateBuilder:
    flags = x509.KeyUsage(
        digital_signature=False,
        content_commitment="content_commitment" in usage,
        key_encipherment="key_encipherment" in usage,
        data_encipherment="data_encipherment" in usage,
        key_agreement=False,
        key_cert_sign="key_cert_sign" in usage,
        crl_sign="crl_sign" in usage,
        encipher_only=False,
        decipher_only=False,
    )
    start = at.astimezone(UTC).replace(microsecond=0) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
        .add_extension(flags, critical=True)
    )


def _write(file: Path, content: bytes) -> None:
    """Write a new file; the mode is set when it is made, so a key is never readable by others."""
    mode = 0o644 if file.name.endswith(".cert.pem") else 0o600
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
        handle.write(content)
