"""The floor: the bare RSA, AES, SHA-256 and C14N work of one confirmed outgoing message.

Nothing below it is possible with these algorithms: two signatures (the message,
the Acknowledgment of its AppRec), two verifications (its Acknowledgment, the
AppRec), one key sealed and one opened, and the bytes that go through each.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from gateway.ops.bench.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU milliseconds of one operation, and how often a confirmed message needs it."""

    name: str
    milliseconds: float
    times: int

    @property
    def total(self) -> float:
        return self.milliseconds * self.times


def cpu_milliseconds(work: Callable[[], object], *, rounds: int = 60, best_of: int = 5) -> float:
    """CPU time of one call: the best of several series, since machines are noisy."""
    best = float("inf")
    for _ in range(best_of):
        began = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - began) / rounds)
    return best * 1000


def measure_floor(sample: Sample) -> tuple[Cost, ...]:
    """Measure each bare operation on the sample's real sizes."""
    key = sample.private_key
    public = key.public_key()
    signed_info = secrets.token_bytes(2_000)
    signature = key.sign(signed_info, rsa_padding.PKCS1v15(), hashes.SHA256())
    content_key = secrets.token_bytes(32)
    wrapped = public.encrypt(content_key, rsa_padding.PKCS1v15())
    soap = etree.fromstring(sample.soap)
    return (
        Cost(
            name="RSA sign",
            milliseconds=cpu_milliseconds(
                lambda: key.sign(signed_info, rsa_padding.PKCS1v15(), hashes.SHA256())
            ),
            times=2,
        ),
        Cost(
            name="RSA verify",
            milliseconds=cpu_milliseconds(
                lambda: public.verify(
                    signature, signed_info, rsa_padding.PKCS1v15(), hashes.SHA256()
                )
            ),
            times=2,
        ),
        Cost(
            name="RSA encrypt",
            milliseconds=cpu_milliseconds(
                lambda: public.encrypt(content_key, rsa_padding.PKCS1v15())
            ),
            times=1,
        ),
        Cost(
            name="RSA decrypt",
            milliseconds=cpu_milliseconds(lambda: _decrypt(key, wrapped)),
            times=1,
        ),
        Cost(
            name="AES-256-CBC",
            milliseconds=cpu_milliseconds(lambda: _aes(content_key, sample.document)),
            times=2,
        ),
        Cost(
            name="SHA-256",
            milliseconds=cpu_milliseconds(lambda: hashlib.sha256(sample.sealed).digest()),
            times=4,
        ),
        Cost(
            name="C14N",
            milliseconds=cpu_milliseconds(lambda: etree.tostring(soap, method="c14n")),
            times=8,
        ),
    )


def _decrypt(key: rsa.RSAPrivateKey, wrapped: bytes) -> bytes:
    return key.decrypt(wrapped, rsa_padding.PKCS1v15())


def _aes(key: bytes, document: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    padded = padder.update(document) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(secrets.token_bytes(16))).encryptor()
    return encryptor.update(padded) + encryptor.finalize()
