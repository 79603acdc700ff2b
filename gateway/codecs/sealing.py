"""Seal a business document for a receiver, and open what was sealed for us.

CMS EnvelopedData (RFC 5652), key transport by RSA (HIS 1037 §3.3, §5.5). We
send AES-256-CBC with PKCS#1 v1.5; partners also send AES-128, AES-192 and
3DES, with OAEP, key-id recipients, several recipients and BER lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asn1crypto import algos
from asn1crypto import x509 as names
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
)

from gateway.codecs.ber import with_definite_lengths
from gateway.codecs.cms import (
    Algorithm,
    EnvelopedData,
    Recipient,
    read_enveloped_data,
    string_in,
)
from gateway.codecs.sealed_content import document_in
from gateway.errors import CannotSeal, CannotUnseal

_AES = algorithms.AES
_CIPHERS: Final[dict[str, tuple[str, type[CipherAlgorithm], int, int]]] = {
    # object identifier: name, algorithm, octets of the key, octets of a block
    "2.16.840.1.101.3.4.1.2": ("AES-128-CBC", _AES, 16, 16),
    "2.16.840.1.101.3.4.1.22": ("AES-192-CBC", _AES, 24, 16),
    "2.16.840.1.101.3.4.1.42": ("AES-256-CBC", _AES, 32, 16),
    "1.2.840.113549.3.7": ("3DES-CBC", TripleDES, 24, 8),
}
_KEY_TRANSPORTS: Final = {
    "1.2.840.113549.1.1.1": "RSA-PKCS1-v1_5",
    "1.2.840.113549.1.1.7": "RSA-OAEP",
}
_NULL: Final = b"\x05\x00"
_OAEP_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,  # OAEP's default; its strength does not rest on collisions
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """A business document and how it was sealed; ``key_index`` says which of our keys opened it."""

    document: bytes
    cipher: str
    key_transport: str
    key_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFacts:
    """What a sealed part says without any key.

    ``cipher`` and ``key_transport`` are names, or the object identifier of what
    we cannot read. ``recipients`` are ``serial:<hex>`` or ``key-id:<hex>``.
    """

    cipher: str
    key_transport: str | None
    recipients: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """True if cipher and key transport are ones that :func:`unseal` knows."""
        known = {name for name, *_ in _CIPHERS.values()}
        return self.cipher in known and self.key_transport in _KEY_TRANSPORTS.values()


def seal(document: bytes, *, certificate: x509.Certificate) -> bytes:
    """Encrypt a document for the holder of ``certificate``: CMS, DER, AES-256-CBC.

    Check the certificate with ``certificates.require_usable_for_sealing`` first.

    Raises:
        CannotSeal: the certificate has no RSA key.
    """
    try:
        return (
            PKCS7EnvelopeBuilder()
            .set_data(document)
            .add_recipient(certificate)
            .set_content_encryption_algorithm(algorithms.AES256)  # the default is AES-128
            .encrypt(Encoding.DER, [PKCS7Options.Binary])  # else LF becomes CRLF
        )
    except (ValueError, TypeError):
        raise CannotSeal("the certificate has no RSA key to seal for") from None


def unseal(
    sealed: bytes,
    *,
    keys: Sequence[tuple[rsa.RSAPrivateKey, x509.Certificate]],
    max_bytes: int,
) -> Unsealed:
    """Open a sealed part with the key it was sealed for.

    Args:
        sealed: CMS EnvelopedData, DER or BER.
        keys: our keys with their certificates, the current one first; the
            recipient entry decides which is used (HISD 1177 §5.3).
        max_bytes: bound on the document, also after inflating.

    Returns:
        The document as the sender put it in: unpacked from gzip or a MIME
        entity where it came so. It is not parsed and may be anything.

    Raises:
        CannotUnseal: not sealed, not for us, damaged, or too large. One error
            for all causes: to tell them apart would help only an attacker.
    """
    try:
        enveloped = read_enveloped_data(sealed)
        cipher_name = _CIPHERS[enveloped.algorithm.oid][0]
        index, recipient = _recipient_for(enveloped, [certificate for _, certificate in keys])
        transport = _KEY_TRANSPORTS[recipient.algorithm.oid]
        rsa_padding = _rsa_padding(recipient.algorithm)
        content_key = keys[index][0].decrypt(recipient.encrypted_key, rsa_padding)
        content = _decrypted(enveloped, content_key, max_bytes)
        return Unsealed(
            document=document_in(content, max_bytes=max_bytes),
            cipher=cipher_name,
            key_transport=transport,
            key_index=index,
        )
    except Exception:
        # asn1crypto and the ciphers fail with whatever the octets lead to.
        raise CannotUnseal() from None


def seal_facts(sealed: bytes) -> SealFacts | None:
    """Describe a sealed part without opening it; None if it is no CMS EnvelopedData."""
    try:
        enveloped = read_enveloped_data(sealed)
    except ValueError:
        return None
    cipher = enveloped.algorithm.oid
    transports = [recipient.algorithm.oid for recipient in enveloped.recipients]
    return SealFacts(
        cipher=_CIPHERS[cipher][0] if cipher in _CIPHERS else cipher,
        key_transport=_KEY_TRANSPORTS.get(transports[0], transports[0]) if transports else None,
        recipients=tuple(_recipient_text(recipient) for recipient in enveloped.recipients),
    )


def _recipient_for(
    enveloped: EnvelopedData, certificates: Sequence[x509.Certificate]
) -> tuple[int, Recipient]:
    for index, certificate in enumerate(certificates):
        for recipient in enveloped.recipients:
            if _is_for(recipient, certificate):
                return index, recipient
    raise ValueError("not for us")


def _is_for(recipient: Recipient, certificate: x509.Certificate) -> bool:
    if recipient.key_id is None:
        if recipient.serial_number != certificate.serial_number:
            return False
        issuer = certificate.issuer.public_bytes()
        if recipient.issuer == issuer:
            return True
        # Some senders write the same name in other string types.
        written = names.Name.load(with_definite_lengths(recipient.issuer))
        return bool(written.hashable == names.Name.load(issuer).hashable)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return False
    return recipient.key_id == extension.value.digest


def _recipient_text(recipient: Recipient) -> str:
    if recipient.key_id is None:
        return f"serial:{recipient.serial_number:x}"
    return f"key-id:{recipient.key_id.hex()}"


def _rsa_padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    if _KEY_TRANSPORTS[algorithm.oid] == "RSA-PKCS1-v1_5":
        return padding.PKCS1v15()
    if algorithm.parameters in (b"", _NULL):
        return padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 RFC 4055
    parameters = algos.RSAESOAEPParams.load(with_definite_lengths(algorithm.parameters))
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1":
        raise ValueError("unknown mask generation")
    label = parameters["p_source_algorithm"]["parameters"].native
    return padding.OAEP(
        mgf=padding.MGF1(_OAEP_HASHES[mask["parameters"]["algorithm"].native]()),
        algorithm=_OAEP_HASHES[parameters["hash_algorithm"]["algorithm"].native](),
        label=label or None,
    )


def _decrypted(enveloped: EnvelopedData, content_key: bytes, max_bytes: int) -> bytes:
    _, algorithm, key_octets, block_octets = _CIPHERS[enveloped.algorithm.oid]
    initial = string_in(enveloped.algorithm.parameters)
    encrypted = enveloped.encrypted
    if len(content_key) != key_octets or len(encrypted) > max_bytes + block_octets:
        raise ValueError("wrong key, or too large")
    opener = Cipher(algorithm(content_key), modes.CBC(initial)).decryptor()  # type: ignore[call-arg]
    unpadder = PKCS7(block_octets * 8).unpadder()
    padded = opener.update(encrypted) + opener.finalize()
    return unpadder.update(padded) + unpadder.finalize()
