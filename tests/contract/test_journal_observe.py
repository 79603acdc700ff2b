"""The observer of a journal: told after the commit, and unable to harm it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.store import Observe, SqlJournal
from gateway.ports import ContentKeys, JournalEvent
from tests.fakes_journal import HandClock

Opening = Callable[[Observe], AbstractAsyncContextManager[SqlJournal]]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """Opens a journal on SQLite with an observer."""

    @asynccontextmanager
    async def opened(observe: Observe) -> AsyncIterator[SqlJournal]:
        async with open_journal(
            f"sqlite:///{tmp_path / 'journal.sqlite'}",
            keys=ContentKeys("k", {"k": bytes(32)}),
            clock=HandClock(),
            exclusive=True,
            observe=observe,
        ) as journal:
            yield journal

    return opened


def an_event(name: str) -> JournalEvent:
    return JournalEvent(at=datetime(2026, 3, 2, tzinfo=UTC), name=name, entry_id="e-1")


async def test_the_events_of_a_transaction_are_told_together_once_it_is_committed(
    opening: Opening,
) -> None:
    told: list[list[str]] = []
    async with opening(lambda events: told.append([event.name for event in events])) as journal:
        async with journal.transaction() as tx:
            await tx.record(an_event("arrived"), an_event("accepted"))
            await tx.record(an_event("sent"))
            assert told == []

        assert told == [["arrived", "accepted", "sent"]]


async def test_nothing_is_told_of_a_transaction_that_was_rolled_back(opening: Opening) -> None:
    told: list[Sequence[JournalEvent]] = []
    async with opening(told.append) as journal:
        with suppress(KeyError):
            async with journal.transaction() as tx:
                await tx.record(an_event("accepted"))
                raise KeyError

    assert told == []


async def test_nothing_is_told_of_a_transaction_without_events(opening: Opening) -> None:
    told: list[Sequence[JournalEvent]] = []
    async with opening(told.append) as journal, journal.transaction():
        pass

    assert told == []


async def test_an_observer_that_fails_is_logged_and_the_commit_stands(opening: Opening) -> None:
    def fails(_: Sequence[JournalEvent]) -> None:
        raise ValueError

    with capture_logs() as logs:
        async with opening(fails) as journal:
            async with journal.transaction() as tx:
                await tx.record(an_event("accepted"))

            assert [event.name for event in await journal.trail("e-1")] == ["accepted"]

    assert [line["event"] for line in logs] == ["observer_failed"]
