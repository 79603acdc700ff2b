"""Killed, locked out, full, cut off: whole transactions only, and it works again afterwards."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.domain.identifiers import MessageId
from gateway.errors import InternalFault, JournalUnavailable
from gateway.ports import Journal
from tests.contract.journals import KEYS, a_delivery, an_outgoing
from tests.fakes_journal import HandClock

ROOT = Path(__file__).parents[2]


async def start_victim(url: str, act: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.journal_victim", url, act, stdout=PIPE, cwd=ROOT
    )


async def whole_messages(url: str) -> set[str]:
    """Names of the messages in the journal; fails when one is there in part."""
    async with open_journal(url, keys=KEYS, clock=HandClock(), exclusive=True) as journal:
        entries = {entry.entry_id for entry, _ in await journal.unconfirmed()}
        rows = {row.outbox_id for row in await journal.claim_outbox(100_000)}
        for name in entries:
            async with journal.transaction() as tx:
                assert await tx.delivery(MessageId(name))
                assert len(await tx.entity(MessageId(name))) == 50_000
            assert [event.entry_id for event in await journal.trail(name)] == [name]
    assert rows == entries
    return entries


async def test_process_killed_inside_a_transaction_leaves_nothing(sqlite_url: str) -> None:
    victim = await start_victim(sqlite_url, "inside")
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"inside\n"
    victim.kill()
    await victim.wait()

    assert await whole_messages(sqlite_url) == set()


@pytest.mark.parametrize("commits", [1, 7, 23])
async def test_process_killed_anywhere_leaves_whole_messages_and_all_that_were_confirmed(
    sqlite_url: str, commits: int
) -> None:
    victim = await start_victim(sqlite_url, "endless")
    assert victim.stdout is not None
    confirmed = {(await victim.stdout.readline()).decode().strip() for _ in range(commits)}
    victim.kill()
    confirmed |= set((await victim.stdout.read()).decode().split("\n")[:-1])
    await victim.wait()

    assert confirmed <= await whole_messages(sqlite_url)


async def test_full_disk_records_nothing_and_is_survived(sqlite_url: str) -> None:
    victim = await start_victim(sqlite_url, "full")
    output, _ = await victim.communicate()

    assert victim.returncode == 0
    assert output.startswith(b"unavailable after "), output
    assert b"not available: SQLITE_" in output
    written = int(output.split()[2].rstrip(b":"))
    expected = {"before", "after", *(f"n-{number}" for number in range(written))}
    assert await whole_messages(sqlite_url) == expected


async def test_journal_locked_by_another_process_is_unavailable_for_writing_only(
    sqlite_url: str,
) -> None:
    async with open_journal(
        sqlite_url, keys=KEYS, clock=HandClock(), exclusive=True, busy_seconds=0.05
    ) as journal:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(JournalUnavailable, match="SQLITE_BUSY"):
            await add(journal, "out-1")
        assert (await journal.ledger()).balanced

        other.execute("ROLLBACK")
        other.close()
        await add(journal, "out-1")


@pytest.mark.postgres
async def test_lost_connection_is_unavailable_once_and_then_replaced(postgres_url: str) -> None:
    async def cut() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()

    async with open_journal(
        postgres_url, keys=KEYS, clock=HandClock(), exclusive=True, connections=1
    ) as journal:

        async def write_while_cut() -> None:
            async with journal.transaction() as tx:
                await tx.add_outgoing(an_outgoing("out-1"))
                await cut()
                await tx.add_outgoing(an_outgoing("out-2"))

        with pytest.raises(JournalUnavailable):
            await write_while_cut()

        await add(journal, "out-1")
        await cut()
        with suppress(JournalUnavailable):  # unless the pool has noticed first
            await journal.ledger()
        assert (await journal.ledger()).outgoing.in_flight == 1


@pytest.mark.postgres
async def test_two_that_wait_for_each_other_end_as_unavailable(postgres_url: str) -> None:
    async with open_journal(postgres_url, keys=KEYS, clock=HandClock(), exclusive=True) as journal:
        for name in ("m-1", "m-2"):
            async with journal.transaction() as tx:
                await tx.add_delivery(a_delivery(name), b"")
        first_lock = asyncio.Barrier(2)

        async def take(*names: str) -> bool:
            try:
                async with journal.transaction() as tx:
                    assert await tx.delivery(MessageId(names[0]))
                    await first_lock.wait()
                    assert await tx.delivery(MessageId(names[1]))
            except JournalUnavailable:
                return False
            return True

        outcomes = await asyncio.gather(take("m-1", "m-2"), take("m-2", "m-1"))

    assert sorted(outcomes) == [False, True]


async def test_value_that_no_column_takes_is_a_fault_that_does_not_quote_it(real_url: str) -> None:
    async with open_journal(real_url, keys=KEYS, clock=HandClock(), exclusive=False) as journal:
        with pytest.raises(InternalFault) as caught:
            await add(journal, "secret \ud800")
        await add(journal, "out-1")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_closed_journal_is_a_fault_and_no_hang(real_url: str) -> None:
    async with open_journal(real_url, keys=KEYS, clock=HandClock(), exclusive=False) as journal:
        pass
    async with asyncio.timeout(5):
        with pytest.raises((InternalFault, JournalUnavailable)):
            await journal.ledger()
        with pytest.raises((InternalFault, JournalUnavailable)):
            await add(journal, "out-1")


async def add(journal: Journal, entry_id: str) -> None:
    async with journal.transaction() as tx:
        assert await tx.add_outgoing(an_outgoing(entry_id))
