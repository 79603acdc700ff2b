"""Transactions that share one COMMIT on SQLite: together recorded or not at all, alone undone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.domain.identifiers import MessageId
from gateway.errors import InternalFault
from gateway.ports import Journal, JournalEvent
from tests.contract.journals import KEYS, NOON, a_delivery, a_message, an_outgoing
from tests.contract.test_journal_faults import start_victim, whole_messages
from tests.fakes_journal import HandClock


@pytest.fixture
async def observed() -> list[str]:
    """Names of the events of committed transactions, in the order they were told."""
    return []


@pytest.fixture
async def journal(sqlite_url: str, observed: list[str]) -> AsyncIterator[Journal]:
    def observe(events: Sequence[JournalEvent]) -> None:
        observed.extend(event.name for event in events)

    async with open_journal(
        sqlite_url, keys=KEYS, clock=HandClock(), exclusive=True, observe=observe
    ) as opened:
        yield opened


def recorded(sqlite_url: str) -> set[str]:
    """What another process finds in the journal."""
    outside = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    try:
        return {row[0] for row in outside.execute("SELECT entry_id FROM outgoing")}
    finally:
        outside.close()


async def add(journal: Journal, name: str) -> None:
    async with journal.transaction() as tx:
        assert await tx.add_outgoing(an_outgoing(name))
        await tx.record(JournalEvent(at=NOON, name=name))
        await tx.put(a_message(name))


async def test_nobody_is_told_before_the_last_of_the_group_is_recorded(
    journal: Journal, sqlite_url: str, observed: list[str]
) -> None:
    async def look() -> None:
        async with journal.transaction() as tx:
            assert await tx.outgoing("out-1")
            assert await tx.outgoing("out-2")
            assert recorded(sqlite_url) == set()
            assert not first.done()
            assert observed == []
            await tx.add_outgoing(an_outgoing("out-3"))

    first = asyncio.create_task(add(journal, "out-1"))
    await asyncio.gather(first, add(journal, "out-2"), look())

    assert recorded(sqlite_url) == {"out-1", "out-2", "out-3"}
    assert observed == ["out-1", "out-2"]


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_one_that_raises_is_undone_alone(
    journal: Journal, sqlite_url: str, observed: list[str], failing: int
) -> None:
    async def fail() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing("undone"))
            await tx.record(JournalEvent(at=NOON, name="undone"))
            await tx.put(a_message("undone"))
            assert await tx.outgoing("undone")
            raise ZeroDivisionError

    work = [add(journal, "out-1"), add(journal, "out-2")]
    work.insert(failing, fail())
    outcomes = await asyncio.gather(*work, return_exceptions=True)

    assert isinstance(outcomes.pop(failing), ZeroDivisionError)
    assert outcomes == [None, None]
    assert recorded(sqlite_url) == {"out-1", "out-2"}
    assert observed == ["out-1", "out-2"]
    assert [row.outbox_id for row in await journal.claim_outbox(9)] == ["out-1", "out-2"]


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_one_whose_statement_is_refused_is_undone_alone(
    journal: Journal, sqlite_url: str, failing: int
) -> None:
    async with journal.transaction() as tx:
        await tx.add_delivery(a_delivery("m-1"), b"first")

    async def fail() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing("undone"))
            await tx.add_delivery(a_delivery("m-1"), b"second")

    work = [add(journal, "out-1"), add(journal, "out-2")]
    work.insert(failing, fail())
    outcomes = await asyncio.gather(*work, return_exceptions=True)

    assert isinstance(outcomes.pop(failing), InternalFault)
    assert outcomes == [None, None]
    assert recorded(sqlite_url) == {"out-1", "out-2"}
    async with journal.transaction() as tx:
        assert await tx.entity(MessageId("m-1")) == b"first"


async def test_more_than_fit_into_a_group_are_told_and_published_in_their_order(
    journal: Journal, observed: list[str]
) -> None:
    names = [f"out-{number:02}" for number in range(50)]

    await asyncio.gather(*(add(journal, name) for name in names))

    assert observed == names
    assert [row.outbox_id for row in await journal.claim_outbox(99)] == names


@pytest.mark.parametrize("body_bytes", [3, 300_000])
@pytest.mark.parametrize("turns", range(0, 12))
async def test_member_cancelled_at_any_moment_is_there_whole_or_not_at_all(
    journal: Journal, sqlite_url: str, turns: int, body_bytes: int
) -> None:
    """Also while its statements are in the thread: they are done before they are undone."""

    async def work() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing("out-2"))
            await tx.add_delivery(a_delivery("out-2"), bytes(body_bytes))
            assert await tx.delivery(MessageId("out-2"))
            await tx.put(a_message("out-2"))

    cancelled = asyncio.create_task(work())
    others = [asyncio.create_task(add(journal, name)) for name in ("out-1", "out-3")]
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([cancelled])
        await asyncio.gather(*others)

    found = recorded(sqlite_url)
    rows = {row.outbox_id for row in await journal.claim_outbox(9)}
    assert found == rows
    assert found - {"out-2"} == {"out-1", "out-3"}
    async with journal.transaction() as tx:
        assert (await tx.delivery(MessageId("out-2")) is not None) == ("out-2" in found)


async def test_other_work_goes_on_while_another_process_writes(
    journal: Journal, sqlite_url: str
) -> None:
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(add(journal, "out-1"))
    for _ in range(5):
        await asyncio.sleep(0)  # would take the busy time, were the lock waited for in the loop

    assert not adding.done()
    other.execute("ROLLBACK")
    other.close()
    await adding


async def test_process_killed_before_the_common_commit_leaves_nothing_of_the_group(
    sqlite_url: str,
) -> None:
    victim = await start_victim(sqlite_url, "group")
    assert victim.stdout is not None
    first_line = await victim.stdout.readline()
    victim.kill()
    rest = await victim.stdout.read()
    await victim.wait()

    assert first_line + rest == b"inside\n"  # nobody was told
    assert await whole_messages(sqlite_url) == set()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param("full-at-commit", id="in the common commit"),
        pytest.param("full-in-last", id="in a statement of the last, which undoes all at once"),
    ],
)
async def test_disk_that_is_full_fails_the_whole_group(sqlite_url: str, act: str) -> None:
    victim = await start_victim(sqlite_url, act)
    output, _ = await victim.communicate()

    assert victim.returncode == 0
    assert output.decode().split() == ["JournalUnavailable"] * 4
    assert await whole_messages(sqlite_url) == {"before", "after"}
