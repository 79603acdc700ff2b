"""What the store needs from a database: whole transactions, and reads of one snapshot."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import NoReturn, Protocol

from gateway.adapters.causes import explained
from gateway.adapters.journal.rows import Row
from gateway.adapters.journal.statements import Call
from gateway.errors import InternalFault, JournalUnavailable

Committed = Callable[[], None]
"""Told once a transaction is recorded, before its caller goes on; it does not raise."""


class Session(Protocol):
    """One transaction. Several calls go to the database together; the last one's result counts.

    After an error only ``rollback`` may follow. ``commit`` and ``rollback`` end
    the session and give its connection back, whatever happens, so they must not
    be cancelled: see :func:`to_the_end`.
    """

    async def rows(self, calls: Sequence[Call]) -> Sequence[Row]: ...

    async def affected(self, calls: Sequence[Call]) -> int: ...

    async def commit(self, calls: Sequence[Call], committed: Committed) -> None:
        """Returns once it is recorded. Transactions that saw each other are told in their order."""

    async def rollback(self) -> None: ...


class Database(Protocol):
    """One SQLite file or one PostgreSQL database.

    Every method raises JournalUnavailable when the database is away, locked
    or full, and InternalFault for what is a fault of ours.
    """

    async def begin(self) -> Session: ...

    async def read(self, call: Call) -> Sequence[Row]:
        """One statement, hence one snapshot, outside any transaction."""

    async def close(self) -> None: ...


async def to_the_end(ending: Coroutine[object, object, None]) -> None:
    """Await ``ending`` even when the caller is cancelled meanwhile; then be cancelled.

    A commit that was begun cannot be called back: who waits for it must not go on before it
    is known, and its connection must not be used by the next one.
    """
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # looked at, so that the loop does not report it as forgotten
        raise


def unavailable(reason: str) -> NoReturn:
    """``reason`` is the database's code for it: its text may quote statements and values."""
    raise JournalUnavailable(f"the journal is not available: {explained(reason)}") from None


def fault(reason: str) -> NoReturn:
    raise InternalFault(f"the journal refused a statement: {reason}") from None
