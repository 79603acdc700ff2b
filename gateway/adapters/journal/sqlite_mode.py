"""How a SQLite journal keeps what was committed: a write-ahead log, on the disk at each commit."""

import sqlite3
from typing import Final

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

_AGAIN_SECONDS: Final = (0.002, 0.05)


def keep_on_disk(connection: sqlite3.Connection, *, busy_seconds: float) -> None:
    """Have the connection write ahead, and hold each commit until the disk has it.

    A commit that has returned outlives a power cut (https://www.sqlite.org/pragma.html#pragma_synchronous).

    Raises:
        sqlite3.OperationalError: the database was locked for ``busy_seconds``, or is none.
    """
    # Of several that make one new database write-ahead, SQLite tells all but one that it is
    # busy, without waiting as it does elsewhere: each would wait for the others' read locks.
    again = Retrying(
        retry=retry_if_exception(is_busy),
        wait=wait_random(*_AGAIN_SECONDS),
        stop=stop_after_delay(busy_seconds),
        reraise=True,
    )
    again(connection.execute, "PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def is_busy(error: BaseException) -> bool:
    """Whether another connection has the lock that was wanted."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    )
