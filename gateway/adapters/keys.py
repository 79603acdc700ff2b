"""Private keys and content keys from files; no key ever travels another way.

Keys are PEM without a passphrase: a passphrase would have to lie in a file
beside them. File permissions guard them, and are checked.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.errors import ConfigurationError, Fault
from gateway.ports import KeyPair
from gateway.secret_files import read_secret

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CONTENT_KEY_BYTES: Final = 32  # AES-256-GCM


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A key that content at rest is sealed with, and the id stored beside what it sealed."""

    key_id: str
    key: bytes = field(repr=False)


def load_key_pair(key_file: Path, certificate_file: Path) -> KeyPair:
    """Read a private key and its certificate.

    Args:
        key_file: one unencrypted RSA key, PEM, not readable by others.
        certificate_file: the certificate, PEM; of several the first counts.

    Raises:
        ConfigurationError: ``faults`` lists everything that is wrong, by file.
    """
    faults: list[Fault] = []
    private_key: rsa.RSAPrivateKey | None = None
    certificate: x509.Certificate | None = None
    with _collecting(faults, key_file):
        private_key = _private_key(read_secret(key_file))
    with _collecting(faults, certificate_file):
        certificate = _certificate(certificate_file.read_bytes())
    if private_key is not None and certificate is not None:
        public_key = certificate.public_key()
        if public_key != private_key.public_key():
            faults.append(Fault(str(key_file), f"does not belong to {certificate_file.name}"))
    if faults or private_key is None or certificate is None:
        raise _configuration_error("keys cannot be used", faults)
    return KeyPair(private_key, certificate)


def load_content_keys(file: Path) -> tuple[ContentKey, ...]:
    """Read the keys that content at rest is sealed with; the first is the current one.

    Args:
        file: one key a line, ``<key-id> <32 bytes in base64>``; empty lines and
            lines that begin with ``#`` do not count. Not readable by others.

    Raises:
        ConfigurationError: ``faults`` names each wrong line by its number.
    """
    faults: list[Fault] = []
    keys: list[ContentKey] = []
    lines: list[str] = []
    with _collecting(faults, file):
        lines = read_secret(file).decode("utf-8").splitlines()
        if not any(_counts(line) for line in lines):
            faults.append(Fault(str(file), "holds no key"))
    for number, line in enumerate(lines, start=1):
        if not _counts(line):
            continue
        key = _content_key(line)
        if key is None:
            faults.append(Fault(f"{file}:{number}", "not <key-id> <32 bytes in base64>"))
        elif any(key.key_id == other.key_id for other in keys):
            faults.append(Fault(f"{file}:{number}", "this key-id stands twice"))
        else:
            keys.append(key)
    if faults:
        raise _configuration_error("content keys cannot be used", faults)
    return tuple(keys)


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError("the key has a passphrase; keys are read without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ValueError("not a certificate in PEM") from None


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _content_key(line: str) -> ContentKey | None:
    key_id, _, encoded = line.strip().partition(" ")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(key) != _CONTENT_KEY_BYTES or not _KEY_ID.fullmatch(key_id):
        return None
    return ContentKey(key_id, key)


@contextmanager
def _collecting(faults: list[Fault], file: Path) -> Iterator[None]:
    """Turn what goes wrong with one file into a fault, so that all are named at once."""
    try:
        yield
    except FileNotFoundError:
        faults.append(Fault(str(file), "no such file"))
    except OSError as error:
        faults.append(Fault(str(file), f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        faults.append(Fault(str(file), "not UTF-8 text"))
    except ValueError as error:
        faults.append(Fault(str(file), str(error)))  # our own texts above


def _configuration_error(summary: str, faults: list[Fault]) -> ConfigurationError:
    listed = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
    return ConfigurationError(f"{summary}: {listed}", faults=tuple(faults))
