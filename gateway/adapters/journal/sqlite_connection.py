"""One SQLite connection: what takes long is done in its thread, the rest where it is asked for.

A change of threads costs more than most statements, so those that neither wait
nor move many bytes are run by the event loop itself.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import NoReturn, TypeVar

from gateway.adapters.journal.session import fault, unavailable
from gateway.adapters.journal.sqlite_mode import is_busy, keep_on_disk

T = TypeVar("T")
V = TypeVar("V")

# Away, locked, full or damaged: primary result codes that are no fault of a statement.
_SURROUNDINGS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOTADB,
}


class Connection:
    """Jobs run one at a time, in the order they were asked for.

    The thread is a plain one: a thread pool takes half as much processor time again.
    """

    def __init__(self, path: Path, *, busy_seconds: float, read_only: bool) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._in_thread = 0  # jobs that the thread has not finished
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection], T], *, quick: bool = False) -> T:
        """Its result. A job whose caller is cancelled is still done, before any that follows.

        ``quick``: it never waits for a lock or for the disk, and so needs no thread.
        """
        if self._closed:
            fault("closed")
        try:
            if quick and not self._in_thread and self._connection is not None:
                return job(self._connection)
            return await self._run_in_thread(job)
        except sqlite3.Error as error:
            _raise_for(error)
        except (UnicodeError, OverflowError) as error:
            fault(type(error).__name__)  # a value that no column takes

    async def begin(self) -> int:
        """Begin to write; returns the number of changes this connection has ever made.

        Raises:
            JournalUnavailable: another process has been writing for ``busy_seconds``.
        """
        changes = await self.run(_begin, quick=True)
        return await self.run(self._wait_and_begin) if changes is None else changes

    async def close(self) -> None:
        """Close the connection once the jobs asked for are done."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def _run_in_thread(self, job: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def in_thread() -> None:
            try:
                result = job(self._opened())
            except Exception as error:
                self._tell(loop, future.set_exception, future, error)
            else:
                self._tell(loop, future.set_result, future, result)

        self._in_thread += 1
        self._jobs.put(in_thread)
        return await future

    def _tell(
        self,
        loop: asyncio.AbstractEventLoop,
        how: Callable[[V], None],
        future: "asyncio.Future[T]",
        what: V,
    ) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._told, how, future, what)

    def _told(self, how: Callable[[V], None], future: "asyncio.Future[T]", what: V) -> None:
        self._in_thread -= 1
        if not future.done():
            how(what)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_seconds,
            isolation_level=None,
            cached_statements=256,
            check_same_thread=False,  # never two threads at once: see ``_in_thread``
        )
        try:
            keep_on_disk(connection, busy_seconds=self._busy_seconds)
            if self._read_only:
                connection.execute("PRAGMA query_only = ON")
            else:
                # What a savepoint may have to bring back is kept off the disk.
                connection.execute("PRAGMA temp_store = MEMORY")
                connection.execute("PRAGMA busy_timeout = 0")  # but in ``_wait_and_begin``
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _wait_and_begin(self, connection: sqlite3.Connection) -> int:
        connection.execute(f"PRAGMA busy_timeout = {int(self._busy_seconds * 1000)}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute("PRAGMA busy_timeout = 0")
        return connection.total_changes


def _begin(connection: sqlite3.Connection) -> int | None:
    """None: another process is writing, and it has to be waited for."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return None
    return connection.total_changes


def _raise_for(error: sqlite3.Error) -> NoReturn:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    name: str = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if code is not None and code & 0xFF in _SURROUNDINGS:
        unavailable(name)
    fault(name)
