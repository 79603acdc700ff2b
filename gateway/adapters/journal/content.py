"""Content at rest: AES-256-GCM under a named key, bound to the place it is stored in."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.journal.rows import Row
from gateway.errors import ContentKeyMissing
from gateway.ports import ContentKeys

T = TypeVar("T")

log = structlog.get_logger()

_NONCE_BYTES = 12


class Sealed(NamedTuple):
    """What is stored instead of the plain bytes."""

    key_id: str
    nonce: bytes
    sealed: bytes  # ciphertext and tag


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals with the current key, opens with any that is configured.

    ``about`` names the place of the content and is authenticated with it, so
    sealed bytes that were moved to another row do not open there. Nonces are
    random: one key is good for four thousand million seals.
    """

    keys: ContentKeys
    _ciphers: dict[str, AESGCM] = field(default_factory=dict, init=False)

    def seal(self, plain: bytes, about: str) -> Sealed:
        """Seal ``plain`` under the current key."""
        key_id = self.keys.current
        nonce = os.urandom(_NONCE_BYTES)
        return Sealed(key_id, nonce, self._cipher(key_id).encrypt(nonce, plain, about.encode()))

    def open(self, key_id: str, nonce: bytes, sealed: bytes, about: str) -> bytes:
        """The plain bytes.

        Raises:
            ContentKeyMissing: the key is not configured, or does not open them.
        """
        try:
            return self._cipher(key_id).decrypt(nonce, sealed, about.encode())
        except InvalidTag:
            raise ContentKeyMissing(f"key {key_id} does not open {about}") from None

    def pack(self, plain: bytes, about: str) -> bytes:
        """Seal into one value: length and text of the key id, nonce, ciphertext."""
        key_id, nonce, sealed = self.seal(plain, about)
        name = key_id.encode()
        return bytes((len(name),)) + name + nonce + sealed

    def unpack(self, packed: bytes, about: str) -> bytes:
        """Open what :meth:`pack` made; raises as :meth:`open` does."""
        start = 1 + packed[0]
        end = start + _NONCE_BYTES
        return self.open(packed[1:start].decode(), packed[start:end], packed[end:], about)

    def _cipher(self, key_id: str) -> AESGCM:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            key = self.keys.by_id.get(key_id)
            if key is None:
                raise ContentKeyMissing(f"key {key_id} is not configured")
            cipher = self._ciphers[key_id] = AESGCM(key)
        return cipher


def readable(rows: Iterable[Row], read: Callable[[Row, Sealer], T], sealer: Sealer) -> Iterator[T]:
    """What can be read of ``rows``: one under a key that is gone must not keep back the others."""
    for row in rows:
        try:
            yield read(row, sealer)
        except ContentKeyMissing as error:
            log.error("journal_row_unreadable", code=error.code, reason=error.detail)
