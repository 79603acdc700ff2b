"""The journal in one SQLite file: one connection writes, another reads.

SQLite has one writer at a time in any case, so transactions take turns. What
makes them slow is the wait for the disk in COMMIT. Those that wait for their
turn when another ends therefore join it: they run one after the other inside
one transaction of SQLite, and one COMMIT records them all.
"""

import asyncio
import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from gateway.adapters.journal.rows import Row
from gateway.adapters.journal.session import Committed, fault, unavailable
from gateway.adapters.journal.sqlite_connection import Connection
from gateway.adapters.journal.statements import Call
from gateway.errors import GatewayError, JournalUnavailable

T = TypeVar("T")

# When a group is committed although others would join it: the first has waited long enough.
_MOST_MEMBERS = 16
_LONGEST_WAIT_SECONDS = 0.005

_LARGE_BYTES = 256 * 1024  # from here on a value is written in the thread


class DaemonLock:
    """Keeps a second daemon off the same file; the system lifts it when the process dies."""

    def __init__(self, database: Path) -> None:
        # A file of its own: closing any handle of the database file would drop SQLite's own locks.
        try:
            self._handle = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            unavailable(errno.errorcode.get(error.errno or 0, "OSError"))
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise JournalUnavailable("another daemon holds this journal") from None

    def release(self) -> None:
        os.close(self._handle)


class _Group:
    """Transactions that are recorded by one COMMIT, or not at all."""

    def __init__(self) -> None:
        self.changes_before = 0  # of the connection, when the group began
        self.members: list[Committed] = []  # those that have ended, in their order
        self.waiting_since = 0.0  # when the first of them ended, by the loop's clock
        self.over = asyncio.Event()
        self.failure: str | None = None  # why none of it is recorded

    def add(self, member: Committed) -> None:
        if not self.members:
            self.waiting_since = asyncio.get_running_loop().time()
        self.members.append(member)

    def is_full(self) -> bool:
        waited = asyncio.get_running_loop().time() - self.waiting_since
        return len(self.members) >= _MOST_MEMBERS or waited >= _LONGEST_WAIT_SECONDS

    def fail(self, reason: str) -> None:
        self.failure = reason
        self.over.set()


class _Writer:
    """The writing connection and its open group, for who has the ``turn``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.turn = asyncio.Lock()
        self.group: _Group | None = None

    async def enter(self) -> _Group:
        """Begin a transaction: in the open group, or in a new one."""
        if self.group is not None:
            await self.connection.run(_set_savepoint, quick=True)
            return self.group
        self.group = group = _Group()  # first of all, so that ``undo`` ends what may have begun
        group.changes_before = await self.connection.begin()
        return group

    async def undo(self) -> None:
        """Undo the transaction that is running; the others of the group stay, if that can be."""
        group = self.group
        if group is None:
            return
        alive = False
        try:
            alive = await self.connection.run(_undo_one if group.members else _undo_all, quick=True)
        finally:
            if not alive:
                self.group = None
                group.fail("undone with another transaction")

    async def commit(self, *, quick: bool = False) -> None:
        """Record the open group; its members learn from it how that went.

        ``quick``: nothing was changed, so there is nothing to wait for.
        """
        group, self.group = self.group, None
        assert group is not None
        try:
            await self.connection.run(_commit, quick=quick)
        except GatewayError as error:
            group.fail(error.detail)
        else:
            for committed in group.members:
                committed()
            group.over.set()


class SqliteSession:
    """One writing transaction; it begins in the database with its first statement."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._group: _Group | None = None
        self._touched = False  # whether it has asked the database for anything
        self._failed = False

    async def rows(self, calls: Sequence[Call]) -> Sequence[Row]:
        return await self._run(calls, sqlite3.Cursor.fetchall)

    async def affected(self, calls: Sequence[Call]) -> int:
        return await self._run(calls, _rowcount)

    async def commit(self, calls: Sequence[Call], committed: Committed) -> None:
        writer = self._writer
        try:
            if not self._touched and not calls:
                writer.turn.release()
                return committed()
            group = await self._entered()
            # The first of a group has no savepoint: to undo it is to undo everything.
            changes = await self._run(calls, _release_savepoint if group.members else _changes)
        except BaseException:
            await self.rollback()
            raise
        group.add(committed)
        only_read = changes == group.changes_before
        if only_read or group.is_full():
            try:
                await writer.commit(quick=only_read)
            finally:
                writer.turn.release()
        else:
            is_first = len(group.members) == 1
            writer.turn.release()
            if is_first:
                async with writer.turn:  # behind those that wait for it by now: they join
                    if not group.over.is_set():
                        await writer.commit()
            else:
                await group.over.wait()
        if group.failure is not None:
            raise JournalUnavailable(group.failure)

    async def rollback(self) -> None:
        try:
            if self._touched:
                await self._writer.undo()
        finally:
            self._writer.turn.release()

    async def _entered(self) -> _Group:
        if self._group is None:
            self._touched = True
            self._group = await self._writer.enter()
        return self._group

    async def _run(self, calls: Sequence[Call], outcome: Callable[[sqlite3.Cursor], T]) -> T:
        if self._failed:
            fault("called after an error")  # which may have ended the transaction

        def job(connection: sqlite3.Connection) -> T:
            cursor = connection.cursor()
            for statement, values in calls:
                cursor.execute(statement.sqlite, statement.for_sqlite(values))
            return outcome(cursor)

        try:
            await self._entered()
            return await self._writer.connection.run(job, quick=_are_quick(calls))
        except BaseException:
            self._failed = True
            raise


def _are_quick(calls: Sequence[Call]) -> bool:
    # The large value of a row, if it has one, is its last.
    return not any(
        statement.slow
        or (values and isinstance(values[-1], bytes) and len(values[-1]) >= _LARGE_BYTES)
        for statement, values in calls
    )


def _rowcount(cursor: sqlite3.Cursor) -> int:
    return cursor.rowcount


def _changes(cursor: sqlite3.Cursor) -> int:
    return cursor.connection.total_changes


def _release_savepoint(cursor: sqlite3.Cursor) -> int:
    cursor.execute("RELEASE member")
    return cursor.connection.total_changes


def _set_savepoint(connection: sqlite3.Connection) -> None:
    connection.execute("SAVEPOINT member")


def _undo_one(connection: sqlite3.Connection) -> bool:
    """Whether the members before it are still there: a full disk, for one, undoes all at once."""
    try:
        connection.execute("ROLLBACK TO member")
        connection.execute("RELEASE member")
    except sqlite3.Error:
        return _undo_all(connection)
    return connection.in_transaction


def _undo_all(connection: sqlite3.Connection) -> bool:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    return False


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except BaseException:
        _undo_all(connection)
        raise


class SqliteDatabase:
    """Keeps the promises of ``Database`` on one file."""

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self._writer = _Writer(Connection(path, busy_seconds=busy_seconds, read_only=False))
        self._reader = Connection(path, busy_seconds=busy_seconds, read_only=True)

    async def begin(self) -> SqliteSession:
        await self._writer.turn.acquire()
        return SqliteSession(self._writer)

    async def read(self, call: Call) -> Sequence[Row]:
        def job(connection: sqlite3.Connection) -> list[Row]:
            statement, values = call
            return connection.execute(statement.sqlite, statement.for_sqlite(values)).fetchall()

        return await self._reader.run(job)

    async def close(self) -> None:
        """Wait for the running transaction, then close both connections."""
        async with self._writer.turn:
            await self._reader.close()
            await self._writer.connection.close()
