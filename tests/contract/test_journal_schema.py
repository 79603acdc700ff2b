"""Both databases get the same schema, whole or not at all, and an unfit one is refused."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import (
    HEAD,
    alembic_config,
    current_revision,
    journal_url,
    require_current,
    upgrade,
)
from gateway.adapters.journal.tables import metadata
from gateway.domain.identifiers import MsgId
from gateway.errors import ConfigurationError, JournalSchemaMismatch, JournalUnavailable
from tests.contract.journals import KEYS
from tests.fakes_journal import HandClock


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind without any schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


async def on(url: str, work: Callable[[Connection], object]) -> object:
    parsed = journal_url(url)
    if parsed.get_backend_name() == "sqlite":
        with create_engine(parsed, poolclass=NullPool).begin() as connection:
            return work(connection)
    engine = create_async_engine(parsed, poolclass=NullPool)
    async with engine.begin() as connection:
        return await connection.run_sync(work)


@asynccontextmanager
async def a_server_without_tls() -> AsyncIterator[int]:
    """Says no to the request for TLS, as PostgreSQL does when it has no certificate."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


# SQLite does not tell what an expression index is of; that these are right shows in the plans.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
async def test_upgraded_schema_is_the_one_the_statements_are_made_from(empty_url: str) -> None:
    assert await upgrade(empty_url) == ""
    assert await upgrade(empty_url) == HEAD, "again is no harm"

    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    assert await on(empty_url, difference) == []
    await require_current(empty_url)


UPPER = "6F2F4C0E-7A51-4B0E-9C39-0D9A5B0F1C01"


async def test_journal_of_the_first_schema_keeps_its_entries(empty_url: str) -> None:
    """Entries of the same bytes, MsgIds in capitals, a turn whose patient was marked as of old."""
    entries = [
        ("refused", f"910001/{UPPER}#5", "5" * 64, "rejected", 1),
        ("sent", f"910001/{UPPER}", "5" * 64, "confirmed", 2),
        ("same-again", "910001/M-2", "5" * 64, "dead", 3),
        ("lower-too", f"910002/{UPPER.lower()}", "6" * 64, "dead", 4),
        ("upper-too", f"910002/{UPPER}", "7" * 64, "dead", 5),
    ]

    def first_schema(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for entry_id, key, digest, state, at in entries:
            her, _, msg_id = key.partition("/")
            connection.execute(
                text(
                    'INSERT INTO outgoing (entry_id, "key", digest, accepted_at, state,'
                    " sender_her, msg_id) VALUES (:id, :key, :digest, :at, :state, :her, :msg_id)"
                ),
                {"id": entry_id, "key": key, "digest": digest, "state": state, "at": at}
                | {"her": her, "msg_id": msg_id.partition("#")[0]},
            )
        connection.execute(
            text(
                "INSERT INTO turn (entry_id, msg_id, root, side, own_her, partner_her,"
                " patient_mark, message_type, at) VALUES ('e-1', 'M-1', 'M-1', 'incoming', '1',"
                " '2', 'abcdef', 'DIALOG_FORESPORSEL', 0)"
            )
        )

    await on(empty_url, first_schema)
    assert await upgrade(empty_url) == "0001"

    async with (
        open_journal(empty_url, keys=KEYS, clock=HandClock(), exclusive=True) as journal,
        journal.transaction() as tx,
    ):
        for found, entry_id in (
            (await tx.outgoing_by_digest("5" * 64), "sent"),
            (await tx.outgoing_by_key(f"910001/{UPPER.lower()}"), "sent"),
            (await tx.outgoing_by_key(f"910002/{UPPER.lower()}"), "lower-too"),
        ):
            assert found is not None
            assert found.entry_id == entry_id
        assert all([await tx.outgoing(entry_id) for entry_id, *_ in entries])
        (turn,) = await tx.turns_by_msg_id(MsgId("M-1"))
        assert turn.patient_marks == frozenset()


async def test_code_needs_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


async def test_two_upgrades_at_once_are_no_harm(empty_url: str) -> None:
    before = await asyncio.gather(*(upgrade(empty_url) for _ in range(3)))

    assert sorted(before) == ["", HEAD, HEAD]


async def test_empty_database_is_refused_where_a_schema_is_required(empty_url: str) -> None:
    with pytest.raises(JournalSchemaMismatch, match="journal upgrade"):
        await require_current(empty_url)


async def test_opening_gives_an_empty_database_its_schema(empty_url: str) -> None:
    async with open_journal(empty_url, keys=KEYS, clock=HandClock(), exclusive=True) as journal:
        assert (await journal.ledger()).balanced
    assert await current_revision(empty_url) == HEAD


async def test_database_of_another_version_is_neither_opened_nor_upgraded(real_url: str) -> None:
    await on(real_url, lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9'")))

    with pytest.raises(JournalSchemaMismatch, match="newer version") as refused:
        async with open_journal(real_url, keys=KEYS, clock=HandClock(), exclusive=False):
            pass
    assert "journal upgrade" not in refused.value.detail, "it would not help"
    with pytest.raises(JournalSchemaMismatch, match="newer version"):
        await upgrade(real_url)


@pytest.mark.parametrize("change", ["UPDATE event SET name = 'y'", "DELETE FROM event"])
async def test_recorded_event_cannot_be_changed_by_anybody(real_url: str, change: str) -> None:
    insert = "INSERT INTO event (at, name, arrived) VALUES (0, 'x', 0)"
    await on(real_url, lambda c: c.execute(text(insert)))

    with pytest.raises(Exception, match="append-only"):  # each driver has its own
        await on(real_url, lambda c: c.execute(text(change)))

    assert await on(real_url, lambda c: c.execute(text("SELECT name FROM event")).scalar()) == "x"


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "no url", ""]
)
async def test_url_that_is_no_journal_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"journal\.url"):
        await current_revision(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:s3cret@127.0.0.1:abc/x", "cannot be read"),
        ("postgresql+nope:/u:s3cret@127.0.0.1/x", "cannot be read"),
        ("postgresql://u:s3cret@127.0.0.1:99999/x", "port"),
        ("postgresql://u:s3cret@127.0.0.1/x?foo=bar", "sslmode"),
        ("postgresql://u:s3cret@127.0.0.1/x?sslmode=require&sslmode=disable", "once"),
        ("postgresql://u:s3cret@127.0.0.1/x?sslmode=maybe", "verify-full"),
        ("postgresql://u:s3cret@127.0.0.1:1/x?sslrootcert=/nowhere", "sslrootcert: no such file"),
        ("postgresql://u:s3cret@127.0.0.1:1/x?sslmode=verify-full", "TLS cannot be set up"),
    ],
)
async def test_address_that_cannot_be_used_is_refused_without_being_quoted(
    url: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where the authorities of the user would lie

    with pytest.raises(ConfigurationError, match=told) as refusal:
        await current_revision(url)

    assert "s3cret" not in refusal.value.detail


@pytest.mark.postgres
@pytest.mark.parametrize("sslmode", ["disable", "prefer"])
async def test_sslmode_is_that_of_libpq(empty_postgres_url: str, sslmode: str) -> None:
    url = f"{empty_postgres_url}&sslmode={sslmode}"

    async with open_journal(url, keys=KEYS, clock=HandClock(), exclusive=True) as journal:
        assert (await journal.ledger()).balanced


async def test_server_without_tls_is_unavailable_where_tls_is_demanded() -> None:
    async with a_server_without_tls() as port:
        with pytest.raises(JournalUnavailable):
            await current_revision(f"postgresql://u:s3cret@127.0.0.1:{port}/x?sslmode=require")


@pytest.mark.postgres
async def test_database_that_the_server_does_not_have_is_unavailable(
    empty_postgres_url: str,
) -> None:
    url = empty_postgres_url.replace("?", "_missing?")

    with pytest.raises(JournalUnavailable, match="3D000"):
        await current_revision(url)


@pytest.mark.parametrize("daemon", [True, False])
@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", "postgresql://gateway@/x?host=/nowhere"]
)
async def test_database_that_is_away_is_unavailable(url: str, daemon: bool) -> None:
    with pytest.raises(JournalUnavailable):
        await upgrade(url)
    with pytest.raises(JournalUnavailable):
        async with open_journal(url, keys=KEYS, clock=HandClock(), exclusive=daemon):
            pass


async def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(ConfigurationError, match="extra `postgres`"):
        await upgrade("postgresql://gateway@/x?host=/nowhere")


async def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"something else entirely" * 1000)

    with pytest.raises(JournalUnavailable, match="NOTADB"):
        await upgrade(f"sqlite:///{path}")


async def test_second_daemon_on_one_file_is_refused_and_commands_are_not(sqlite_url: str) -> None:
    clock = HandClock()
    async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=True):
        with pytest.raises(JournalUnavailable, match="another daemon"):
            async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=True):
                pass
        async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=False) as command:
            assert (await command.ledger()).balanced
    async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=True):
        pass


async def test_interrupted_upgrade_leaves_no_half_schema(tmp_path: Path) -> None:
    """A table of the same name stands in the way of the last one."""
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE seen (x)")
    with pytest.raises(JournalUnavailable):
        await upgrade(f"sqlite:///{path}")

    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert [name for (name,) in tables] == ["seen"]
