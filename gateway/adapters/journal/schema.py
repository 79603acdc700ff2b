"""The schema's version: bring a database up to it, or refuse one that is not."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.adapters.causes import explained, explained_error
from gateway.adapters.journal.sqlite_mode import keep_on_disk
from gateway.errors import (
    ConfigurationError,
    InternalFault,
    JournalSchemaMismatch,
    JournalUnavailable,
)

T = TypeVar("T")

HEAD = "0002"
"""The revision that this version of the code works with."""

_SSL_FILES = {"sslrootcert", "sslcert", "sslkey"}
_OPTIONS = {"host", "sslmode", *_SSL_FILES}  # in libpq's meaning
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_BUSY_SECONDS = 30.0  # SQLite: how long one waits that brings it up while another does
_LOCK = 0x6469616C6F67  # of the PostgreSQL advisory lock round an upgrade; any number will do


def journal_url(url: str) -> URL:
    """``sqlite:///file`` or ``postgresql://…``, with or without a driver's name.

    Raises:
        ConfigurationError: another database, SQLite without a file, or an option that is not
            for here. The text never quotes the address, which may hold a password.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):  # a port that is no number, for one
        raise ConfigurationError("journal.url_file cannot be read") from None
    match backend:
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return parsed.set(drivername="sqlite")
        case "postgresql":
            _check_postgres(parsed)
            return parsed.set(drivername="postgresql+asyncpg")
    raise ConfigurationError("journal.url_file must name a PostgreSQL database")


def _check_postgres(url: URL) -> None:
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise ConfigurationError("journal.url_file: the port must be 1 to 65535")
    if not set(url.query) <= _OPTIONS or not all(isinstance(v, str) for v in url.query.values()):
        known = ", ".join(sorted(_OPTIONS))
        raise ConfigurationError(f"journal.url_file: after the question mark only {known}, once")
    if url.query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ConfigurationError(f"journal.url_file: sslmode is one of {', '.join(_SSL_MODES)}")
    for name in _SSL_FILES & set(url.query):
        if not Path(str(url.query[name])).is_file():
            raise ConfigurationError(f"journal.url_file: {name}: no such file")


async def upgrade(url: str) -> str:
    """Bring the journal to the revision of this version; returns the revision it had before.

    ``""`` stands for an empty database. Two at once are no harm: one of them waits.

    Raises:
        JournalUnavailable: the database is away or locked.
        JournalSchemaMismatch: it is newer than this version.
    """
    return await _with_connection(journal_url(url), _upgrade)


async def require_current(url: str) -> None:
    """Pass only if the journal has the revision of this version.

    Raises:
        JournalUnavailable: the database is away or locked.
        JournalSchemaMismatch: it has another one; the text says which.
    """
    refuse_unless_current(await current_revision(url))


async def current_revision(url: str) -> str:
    """The revision of the journal, ``""`` when there is no schema yet."""
    return await _with_connection(journal_url(url), _revision)


def refuse_unless_current(revision: str) -> None:
    """Raise JournalSchemaMismatch unless ``revision`` is :data:`HEAD`."""
    if revision and revision not in _known_revisions():
        raise _newer(revision)
    if revision != HEAD:
        raise JournalSchemaMismatch(
            f"the journal has schema {revision or '(none)'}, this version needs {HEAD}: "
            "stop the gateway and run `dialog-gateway journal upgrade`"
        )


def alembic_config() -> Config:
    """Alembic's settings without a file."""
    config = Config()
    config.set_main_option("script_location", "gateway.adapters.journal:migrations")
    return config


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _known_revisions() -> set[str]:
    scripts = ScriptDirectory.from_config(alembic_config())
    return {script.revision for script in scripts.walk_revisions()}


def _newer(revision: str) -> JournalSchemaMismatch:
    return JournalSchemaMismatch(
        f"journalen har skjema {revision} og er laget av en nyere versjon: installer den igjen, "
        "eller legg tilbake sikkerhetskopien / "
        f"the journal has schema {revision} and was made by a newer version: install that one "
        "again, or restore the backup"
    )


def _upgrade(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _revision(connection)
    if before and before not in _known_revisions():
        raise _newer(before)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    return before


async def _with_connection(url: URL, work: Callable[[Connection], T]) -> T:
    """Run ``work`` in one transaction, away from the event loop where the driver blocks."""
    try:
        if url.get_backend_name() == "sqlite":
            return await asyncio.to_thread(_on_sqlite, url, work)
        try:
            from gateway.adapters.journal.postgres import connect  # its driver is an extra

            engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=lambda: connect(url),  # SQLAlchemy knows no sslmode
                poolclass=NullPool,
                hide_parameters=True,
            )
        except ModuleNotFoundError:
            raise ConfigurationError(
                "a journal on PostgreSQL needs the extra `postgres` (asyncpg)"
            ) from None
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()
    except (OSError, DBAPIError) as error:
        raise JournalUnavailable(f"the journal is not available: {_name(error)}") from None
    except SQLAlchemyError as error:
        raise InternalFault(f"the journal's schema: {type(error).__name__}") from None


def _on_sqlite(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def no_implicit_transactions(connection: sqlite3.Connection, _: object) -> None:
        # Otherwise the driver commits before each CREATE, and half a schema could remain.
        connection.isolation_level = None
        keep_on_disk(connection, busy_seconds=_BUSY_SECONDS)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        return work(connection)


def _name(error: OSError | DBAPIError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if code is None and cause is not None:
        return explained_error(cause)
    return explained(str(code))
