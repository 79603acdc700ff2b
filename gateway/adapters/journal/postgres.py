"""The journal in PostgreSQL, for several instances at once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import NoReturn

import asyncpg
from asyncpg.exceptions import ClientConfigurationError
from sqlalchemy import URL

from gateway.adapters.journal.rows import Row
from gateway.adapters.journal.session import Committed, fault, unavailable
from gateway.adapters.journal.statements import Call
from gateway.errors import ConfigurationError, GatewayError

_ANSWER_SECONDS = 30.0  # for one statement, and for a free connection

# An instance that hangs inside a transaction must not hold its rows for ever.
_SETTINGS = {
    "application_name": "dialog-gateway",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
}

# Classes of SQLSTATE: connection, deadlock, resources, lock not available, operator, system.
_SURROUNDINGS = {"08", "40", "53", "55", "57", "58"}
_READ_ONLY = "25006"  # a standby, or a server that was made read-only for want of room
_IDLE_TOO_LONG = "25P03"


async def open_postgres(url: URL, *, connections: int) -> "PostgresDatabase":
    """Connect a pool.

    Raises:
        JournalUnavailable: no answer, or no entrance.
        ConfigurationError: what the address says of TLS cannot be used.
    """
    try:
        pool = await asyncpg.create_pool(
            _dsn(url),
            min_size=1,
            max_size=connections,
            command_timeout=_ANSWER_SECONDS,
            timeout=_ANSWER_SECONDS,
            server_settings=_SETTINGS,
        )
    except Exception as error:  # each layer has its own: sockets, TLS, the server's refusal
        _not_connected(error)
    return PostgresDatabase(pool)


async def connect(url: URL) -> "asyncpg.Connection":
    """One connection outside the pool; raises as :func:`open_postgres`."""
    try:
        return await asyncpg.connect(_dsn(url), timeout=_ANSWER_SECONDS)
    except Exception as error:
        _not_connected(error)


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _not_connected(error: Exception) -> NoReturn:
    match error:
        case ClientConfigurationError():
            raise ConfigurationError("journal.url_file: TLS cannot be set up as it says") from None
        case asyncpg.PostgresError():  # a wrong password, no such database, too many connections
            unavailable(error.sqlstate or type(error).__name__)
    raise_for(error)


def raise_for(error: BaseException) -> NoReturn:
    """Raise what ``error`` of asyncpg means; what is none of its errors is raised as it is."""
    match error:
        case GatewayError() | asyncio.CancelledError():
            raise error
        case asyncpg.PostgresError():
            state = error.sqlstate or ""
            if state[:2] in _SURROUNDINGS or state in (_READ_ONLY, _IDLE_TOO_LONG):
                unavailable(state)
            fault(state)
        case asyncpg.DataError() | UnicodeError():
            fault(type(error).__name__)  # a value that no column takes
        case asyncpg.InterfaceError() | OSError() | asyncpg.InternalClientError():
            unavailable(type(error).__name__)  # TimeoutError is an OSError
        case _:
            raise error


class PostgresSession:
    """One transaction on one connection of the pool."""

    def __init__(self, pool: "asyncpg.Pool", connection: "asyncpg.Connection") -> None:
        self._pool = pool
        self._connection = connection

    async def rows(self, calls: Sequence[Call]) -> Sequence[Row]:
        try:
            await self._send(calls[:-1])
            statement, values = calls[-1]
            found: Sequence[Row] = await self._connection.fetch(
                statement.postgresql, *statement.for_postgresql(values)
            )
        except Exception as error:
            raise_for(error)
        return found

    async def affected(self, calls: Sequence[Call]) -> int:
        try:
            await self._send(calls[:-1])
            statement, values = calls[-1]
            # Such as "INSERT 0 1": the last word is the number of rows.
            status: str = await self._connection.execute(
                statement.postgresql, *statement.for_postgresql(values)
            )
        except Exception as error:
            raise_for(error)
        return int(status.rpartition(" ")[2])

    async def _send(self, calls: Sequence[Call]) -> None:
        for statement, group in groupby(calls, key=lambda call: call[0]):
            rows = [statement.for_postgresql(values) for _, values in group]
            if len(rows) == 1:
                await self._connection.execute(statement.postgresql, *rows[0])
            else:
                await self._connection.executemany(statement.postgresql, rows)

    async def commit(self, calls: Sequence[Call], committed: Committed) -> None:
        try:
            await self._send(calls)
            await self._connection.execute("COMMIT")
        except Exception as error:
            with suppress(Exception):  # the first error is the one to tell
                await self._connection.execute("ROLLBACK")
            raise_for(error)
        else:
            committed()
        finally:
            await self._pool.release(self._connection)

    async def rollback(self) -> None:
        try:
            if not self._connection.is_closed():
                await self._connection.execute("ROLLBACK")
        except Exception as error:
            raise_for(error)
        finally:
            await self._pool.release(self._connection)


class PostgresDatabase:
    """Keeps the promises of ``Database`` on a pool of connections."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def begin(self) -> PostgresSession:
        connection = None
        try:
            connection = await self._pool.acquire(timeout=_ANSWER_SECONDS)
            await connection.execute("BEGIN")
        except BaseException as error:
            if connection is not None:
                await asyncio.shield(self._pool.release(connection))
            raise_for(error)
        return PostgresSession(self._pool, connection)

    async def read(self, call: Call) -> Sequence[Row]:
        statement, values = call
        try:
            async with self._pool.acquire(timeout=_ANSWER_SECONDS) as connection:
                found: Sequence[Row] = await connection.fetch(
                    statement.postgresql, *statement.for_postgresql(values)
                )
        except Exception as error:
            raise_for(error)
        return found

    async def close(self) -> None:
        """Wait for the connections in use, then close them all."""
        await self._pool.close()
