"""Keys: our own pairs, and those for content at rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate that belongs to it."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class Keys(Protocol):
    """Our own keys. Several for unsealing, since certificates change while mail is under way."""

    @property
    def signing(self) -> KeyPair: ...

    @property
    def unsealing(self) -> Sequence[KeyPair]: ...


@dataclass(frozen=True, slots=True)
class ContentKeys:
    """Keys for content at rest: 32 bytes each, by key id. ``current`` seals, all of them open."""

    current: str
    by_id: Mapping[str, bytes] = field(repr=False)
