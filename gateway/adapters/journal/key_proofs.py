"""Which keys have sealed content here, so that a lost one is told before a message needs it.

Each key leaves one small sealed row of ``content`` under a number: 1, 2 and so on.
To ask for them costs as many looks by primary key, however large the tables are.
"""

from collections.abc import Sequence

from gateway.adapters.journal import tables
from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.rows import Row
from gateway.adapters.journal.statements import Call, insert_new
from gateway.adapters.journal.stored import FIND_CONTENT
from gateway.errors import ContentKeyMissing

_ADD = insert_new(tables.content)


def find_proof(number: int) -> Call:
    """The row of the key with this number, if there is one."""
    return FIND_CONTENT, (_content_id(number),)


def add_proof(number: int, sealer: Sealer) -> Call:
    """Record the current key; no row is affected when the number is taken."""
    about = _content_id(number)
    return _ADD, (about, *sealer.seal(b"", about))


def missing_keys(proofs: Sequence[Row], sealer: Sealer) -> list[str]:
    """Ids of the keys that are not configured, or are not what they were.

    Args:
        proofs: the rows of :func:`find_proof`, from number 1 on.
        sealer: with the keys that are configured.
    """
    missing = []
    for number, (key_id, nonce, sealed) in enumerate(proofs, start=1):
        try:
            sealer.open(key_id, nonce, sealed, _content_id(number))
        except ContentKeyMissing:
            missing.append(str(key_id))
    return missing


def _content_id(number: int) -> str:
    return f"key:{number}"
