"""AMQP properties as other clients write them: an odd one costs itself, not the connection.

The decoder of our client raises for a timestamp beyond the calendar, a short
string that is not UTF-8, or a header it does not know. That ends the connection
in the middle of a delivery; the broker hands the same message out again, until
it and all its neighbours are parked unhandled. None of these values is needed to
handle a message, so they are read as far as they can be.
"""

import struct
from datetime import UTC, datetime
from typing import Final

from pamqp import decode
from pamqp.common import FieldTable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_strict_timestamp, _strict_table = decode.timestamp, decode.field_table


def tolerate_odd_properties() -> None:
    """Make the client's decoders tolerant; for the whole process, and once is enough."""
    decode.METHODS["timestamp"] = decode.TABLE_MAPPING[b"T"] = _timestamp
    decode.METHODS["shortstr"] = _short_string
    decode.METHODS["table"] = decode.TABLE_MAPPING[b"F"] = _table


def _timestamp(value: bytes) -> tuple[int, datetime]:
    try:
        return _strict_timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, _EPOCH


def _short_string(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, value[1 : length + 1].decode("utf-8", "replace")


def _table(value: bytes) -> tuple[int, FieldTable]:
    """All headers, or none when one of them cannot be read."""
    try:
        consumed, table = _strict_table(value)
    except (ValueError, OverflowError):
        (length,) = struct.unpack_from(">I", value)
        return 4 + length, {}
    return consumed, table
