"""Opening a journal."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.outbox import Shelf
from gateway.adapters.journal.schema import (
    current_revision,
    journal_url,
    refuse_unless_current,
    upgrade,
)
from gateway.adapters.journal.session import Database
from gateway.adapters.journal.sqlite import DaemonLock, SqliteDatabase
from gateway.adapters.journal.store import Observe, SqlJournal
from gateway.errors import JournalUnavailable
from gateway.ports import Clock, ContentKeys

_SHELF_ROWS = 2_000  # committed rows kept in memory for the relay; more stay in the table


@asynccontextmanager
async def open_journal(
    url: str,
    *,
    keys: ContentKeys,
    clock: Clock,
    exclusive: bool,
    outbox_lease: timedelta = timedelta(seconds=60),
    busy_seconds: float = 5.0,
    connections: int = 10,
    observe: Observe | None = None,
) -> AsyncIterator[SqlJournal]:
    """Open the journal for the length of the block; the daemon gives an empty database its schema.

    Args:
        url: ``sqlite:///file`` or ``postgresql://user@host/name``; see ``journal_url``.
        keys: what seals and opens content at rest.
        clock: for claims, leases and ages; instances that share a journal must agree on the
            time to well within ``outbox_lease``.
        exclusive: True for the daemon: no second one may open the same SQLite file, the claims
            of earlier runs are void, its content key is noted, and rows put by its own
            transactions are kept for its own relay. False for commands, which may run beside it,
            and never make a journal: an empty one would say that all is well.
        outbox_lease: how long a claimed outbox row stays claimed.
        busy_seconds: how long to wait for another process that writes to SQLite.
        connections: at most so many at once to PostgreSQL.
        observe: told of the events of each transaction once it is committed; what it raises is
            logged and changes nothing. It runs in the event loop and must be quick.

    Raises:
        ConfigurationError: the URL is no journal.
        JournalUnavailable: away, locked, held by another daemon, or not made yet.
        JournalSchemaMismatch: of another version; ``journal upgrade`` is needed.
    """
    parsed = journal_url(url)
    holder = uuid.uuid4().hex
    shelf = Shelf(
        holder=holder,
        capacity=_SHELF_ROWS if exclusive else 0,
        lease=outbox_lease,
        clock=clock,
    )
    lock: DaemonLock | None = None
    on_sqlite = parsed.get_backend_name() == "sqlite"
    if on_sqlite and exclusive:
        lock = DaemonLock(Path(str(parsed.database)))
    elif on_sqlite:
        _require_file(Path(str(parsed.database)))
    try:
        revision = await current_revision(url)
        if not revision and not exclusive:
            raise JournalUnavailable("the database is empty: the daemon has not made the journal")
        if not revision:
            await upgrade(url)
        else:
            refuse_unless_current(revision)
        database: Database
        if on_sqlite:
            database = SqliteDatabase(Path(str(parsed.database)), busy_seconds=busy_seconds)
        else:
            database = await _postgres(url, connections)
        journal = SqlJournal(database, Sealer(keys), shelf, observe)
        try:
            if on_sqlite and exclusive:
                await journal.void_claims()
            if exclusive:
                await journal.record_key()
            yield journal
        finally:
            await journal.close()
    finally:
        if lock is not None:
            lock.release()


def _require_file(database: Path) -> None:
    try:
        database.stat()
    except OSError as error:  # not there, or in a folder that may not be entered
        raise JournalUnavailable(f"{database}: {error.strerror}") from None


async def _postgres(url: str, connections: int) -> Database:
    from gateway.adapters.journal.postgres import open_postgres  # its driver is an extra

    return await open_postgres(journal_url(url), connections=connections)
