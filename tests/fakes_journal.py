"""A journal in memory that keeps the promises of ``ports.Journal``; see tests/contract."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from gateway.domain.delivery import Delivery
from gateway.domain.ledger import Incoming, Ledger, Outgoing, Side, State, ledger_from
from gateway.domain.thread import Reply, Turn
from gateway.errors import JournalUnavailable, LeaseLost
from gateway.ports import (
    Clock,
    DeadLetter,
    JournalEvent,
    Lease,
    OutboundMessage,
)
from tests.fakes_journal_state import (
    NEVER,
    FakeTransaction,
    JournalState,
    entries_of,
    mails_of,
    measures_of,
)

T = TypeVar("T")


@dataclass(slots=True)
class HandClock:
    """A clock that stands still until it is moved."""

    instant: datetime = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def move(self, **by: float) -> datetime:
        """Go on by a timedelta's arguments, such as ``hours=12``."""
        self.instant += timedelta(**by)
        return self.instant


class FakeJournal:
    """One instance's journal; ``state`` is what was committed.

    ``away`` makes every method raise JournalUnavailable, ``refuse_commits`` only the end of a
    transaction, as a full disk does.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        state: JournalState | None = None,
        outbox_lease: timedelta = timedelta(seconds=60),
    ) -> None:
        self.state = JournalState() if state is None else state
        self.clock = clock
        self.away = False
        self.refuse_commits = False
        self._outbox_lease = outbox_lease
        self._turn = asyncio.Lock()
        self._waiting = asyncio.Event()
        self._refusing: set[str | None] = set()  # queues that took nothing lately: they come last

    def beside(self) -> "FakeJournal":
        """Another instance's journal on the same database."""
        other = FakeJournal(self.clock, state=self.state, outbox_lease=self._outbox_lease)
        other._turn = self._turn
        return other

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        async with self._turn:
            self._require_present()
            transaction = FakeTransaction(self.state.copy(), self.clock)
            yield transaction
            self._require_present()
            if self.refuse_commits or transaction.failed:
                raise JournalUnavailable("the transaction is not committed")
            more = transaction.state.outbox.keys() - self.state.outbox.keys()
            self.state.become(transaction.state)
        if more:
            self._waiting.set()

    async def ledger(self) -> Ledger:
        self._require_present()
        accepted = Counter(e.side for e in self.state.events if e.arrived and e.side is not None)
        states = Counter((Side.OUTGOING, entry.state) for entry in self.state.outgoing.values())
        states.update((Side.INCOMING, entry.state) for entry in self.state.incoming.values())
        return ledger_from(accepted, states)

    async def dead_letters(
        self, *, code: str | None = None, limit: int | None = None
    ) -> Sequence[DeadLetter]:
        self._require_present()
        letters = [
            letter
            for letter in self.state.letters.values()
            if letter.state == "open" and code in (None, letter.code)
        ]
        return sorted(letters, key=lambda letter: (letter.since, letter.letter_id))[:limit]

    async def unconfirmed(
        self, *, limit: int | None = None
    ) -> Sequence[tuple[Outgoing, Delivery | None]]:
        self._require_present()
        flying = [e for e in self.state.outgoing.values() if e.state is State.IN_FLIGHT]
        return [
            (entry, self.state.deliveries.get(entry.message_id) if entry.message_id else None)
            for entry in sorted(flying, key=lambda entry: entry.accepted_at)[:limit]
        ]

    async def unconfirmed_by_epj(self, *, limit: int | None = None) -> Sequence[Incoming]:
        self._require_present()
        waiting = [
            (entry.handed_at, entry.entry_id, entry)
            for entry in self.state.incoming.values()
            if entry.state is State.IN_FLIGHT and entry.handed_at and entry.receipt_id is None
        ]
        return [entry for _, _, entry in sorted(waiting, key=lambda one: one[:2])[:limit]]

    async def open_questions(self, *, limit: int = 1_000) -> Sequence[Turn]:
        self._require_present()
        still_open = [turn for turn in self.state.turns.values() if turn.reply is Reply.OPEN]
        return sorted(still_open, key=lambda turn: (turn.at, turn.entry_id))[:limit]

    async def trail(self, any_id: str) -> Sequence[JournalEvent]:
        self._require_present()
        entries, mails = entries_of(self.state, any_id), mails_of(self.state, any_id)
        envelopes = {d.message_id for d in self.state.deliveries.values() if d.entry_id in entries}
        return [
            event
            for event in self.state.events
            if event.entry_id in {any_id, *entries}
            or event.message_id in {any_id, *envelopes}
            or event.arrival_id in mails
        ]

    async def measures(self) -> Mapping[str, float]:
        self._require_present()
        return measures_of(self.state, self.clock.now())

    @property
    def outbox_waiting(self) -> asyncio.Event:
        return self._waiting

    async def claim_outbox(self, limit: int) -> Sequence[OutboundMessage]:
        async with self._turn:
            self._waiting.clear()
            self._require_present()
            now = self.clock.now()
            free = [row for row in self.state.outbox.values() if row.free_at <= now]
            free.sort(key=lambda row: row.message.queue in self._refusing)
            del free[limit:]
            for row in free:
                self.state.outbox[row.message.outbox_id] = replace(
                    row, free_at=now + self._outbox_lease
                )
            if len(free) == limit:
                self._waiting.set()
            return [row.message for row in free]

    async def outbox_published(self, ids: Collection[str]) -> None:
        async with self._turn:
            self._require_present()
            for outbox_id in ids:
                row = self.state.outbox.pop(outbox_id, None)
                self._refusing -= {None if row is None else row.message.queue}

    async def outbox_released(self, messages: Collection[OutboundMessage]) -> None:
        async with self._turn:
            self._require_present()
            self._refusing |= {message.queue for message in messages}
            for message in messages:
                row = self.state.outbox.get(message.outbox_id)
                if row is not None:
                    self.state.outbox[message.outbox_id] = replace(row, free_at=NEVER)
            if messages:
                self._waiting.set()

    async def acquire_lease(self, name: str, holder: str, seconds: float) -> Lease | None:
        async with self._turn:
            self._require_present()
            now = self.clock.now()
            held_by, fence, until = self.state.leases.get(name, ("", 0, NEVER))
            if until > now and held_by != holder:
                return None
            self.state.leases[name] = (holder, fence + 1, now + timedelta(seconds=seconds))
            return Lease(name, fence + 1)

    async def renew_lease(self, lease: Lease, seconds: float) -> None:
        async with self._turn:
            self._require_present()
            holder, fence, _ = self.state.leases.get(lease.name, ("", 0, NEVER))
            if fence != lease.fence:
                raise LeaseLost(f"lease {lease.name} is held by another")
            until = self.clock.now() + timedelta(seconds=seconds)
            self.state.leases[lease.name] = (holder, fence, until)

    async def release_lease(self, lease: Lease) -> None:
        async with self._turn:
            self._require_present()
            holder, fence, _ = self.state.leases.get(lease.name, ("", 0, NEVER))
            if fence == lease.fence:
                self.state.leases[lease.name] = (holder, fence, NEVER)

    def _require_present(self) -> None:
        if self.away:
            raise JournalUnavailable("the journal is away")
