"""The journal itself: transactions put together, and what is read outside of them."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType

import structlog
from sqlalchemy import bindparam, select

from gateway.adapters.journal import leases, outbox, tables
from gateway.adapters.journal.answers import OPEN_LETTERS, OPEN_LETTERS_OF, Answers, letter_from
from gateway.adapters.journal.content import Sealer, readable
from gateway.adapters.journal.entries import Entries, incoming_from, outgoing_from
from gateway.adapters.journal.envelopes import Envelopes, delivery_from
from gateway.adapters.journal.key_proofs import add_proof, find_proof, missing_keys
from gateway.adapters.journal.measures import LEDGER, MEASURES, ledger_of, measures_of
from gateway.adapters.journal.outbox import Putting, Shelf, message_from
from gateway.adapters.journal.postponing import Postponing
from gateway.adapters.journal.rows import Row, micros
from gateway.adapters.journal.session import Committed, Database, to_the_end
from gateway.adapters.journal.statements import Call, Statement, constant
from gateway.adapters.journal.threads import OPEN_QUESTIONS, Threads, turn_from
from gateway.adapters.journal.trail import TRAIL, Trail, event_from
from gateway.domain.delivery import Delivery
from gateway.domain.identifiers import mail_id_digest
from gateway.domain.ledger import Incoming, Ledger, Outgoing, State
from gateway.domain.thread import Turn
from gateway.errors import GatewayError, JournalUnavailable, LeaseLost
from gateway.ports import DeadLetter, JournalEvent, Lease, OutboundMessage

log = structlog.get_logger()

Observe = Callable[[Sequence[JournalEvent]], None]
"""Told the events of each committed transaction, in order."""

_LOOK_EVERY = timedelta(seconds=1)  # how often the outbox table is searched for rows of others

_PASSED_OVER_FOR = timedelta(seconds=5)  # rows for a queue that has just refused some come last

_ALL = 2**31 - 1  # rows; what both databases take as a LIMIT
_ENTRY_COLUMNS = len(tables.outgoing.columns)
_UNCONFIRMED = Statement(
    ("limit",),
    select(tables.outgoing, tables.delivery)
    .outerjoin(tables.delivery, tables.delivery.c.message_id == tables.outgoing.c.message_id)
    .where(tables.outgoing.c.state == constant(State.IN_FLIGHT))
    .order_by(tables.outgoing.c.accepted_at)
    .limit(bindparam("limit")),
)

_UNCONFIRMED_BY_EPJ = Statement(
    ("limit",),
    select(tables.incoming)
    .where(
        tables.incoming.c.state == constant(State.IN_FLIGHT),
        tables.incoming.c.handed_at.is_not(None),
        tables.incoming.c.receipt_id.is_(None),
    )
    .order_by(tables.incoming.c.handed_at)
    .limit(bindparam("limit")),
)


class SqlTransaction(
    Putting, Entries, Envelopes, Threads, Answers, Trail, Postponing, leases.Fenced
):
    """All parts of ``Transaction`` together."""

    recorded: tuple[JournalEvent, ...] = ()

    async def record(self, *events: JournalEvent) -> None:
        await super().record(*events)
        self.recorded += events

    async def finish(self, committed: Committed) -> None:
        """Send the writes that were kept back, and commit."""
        if self._failed:
            # The block went on after an error. A half of its work must not be committed.
            await self._session.rollback()
            raise JournalUnavailable("a statement of this transaction failed before its end")
        await self._session.commit(self._pending, committed)

    async def abandon(self) -> None:
        """Roll back."""
        await self._session.rollback()


class _Block:
    """``async with journal.transaction()``."""

    def __init__(self, journal: "SqlJournal") -> None:
        self._journal = journal

    async def __aenter__(self) -> SqlTransaction:
        self._transaction = await self._journal.begin()
        return self._transaction

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            await to_the_end(self._transaction.abandon())
        else:
            await to_the_end(self._journal.commit(self._transaction))


class SqlJournal:
    """Keeps the promises of ``Journal`` on any ``Database``; made by ``open_journal``."""

    def __init__(
        self, database: Database, sealer: Sealer, shelf: Shelf, observe: Observe | None = None
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._shelf = shelf
        self._observe = observe
        self._clock = shelf.clock
        self._waiting = asyncio.Event()
        self._looked_at: datetime | None = None
        self._refusing: dict[str, datetime] = {}  # queues that took nothing, and until when

    # --- transactions ---

    def transaction(self) -> _Block:
        return _Block(self)

    async def begin(self) -> SqlTransaction:
        return SqlTransaction(await self._database.begin(), self._sealer, self._shelf)

    async def commit(self, transaction: SqlTransaction) -> None:
        await transaction.finish(partial(self._committed, transaction))

    def _committed(self, transaction: SqlTransaction) -> None:
        if transaction.claimed:
            self._shelf.add(transaction.claimed)
        if transaction.spilled and self._shelf.capacity:
            self._shelf.spilled += 1
        if transaction.claimed or transaction.spilled:
            self._waiting.set()
        if self._observe is not None and transaction.recorded:
            try:
                self._observe(transaction.recorded)
            except Exception:  # it is committed: who only looks on cannot undo that
                log.exception("observer_failed")

    # --- reads ---

    async def ledger(self) -> Ledger:
        return ledger_of(await self._database.read((LEDGER, ())))

    async def dead_letters(
        self, *, code: str | None = None, limit: int | None = None
    ) -> Sequence[DeadLetter]:
        most = _ALL if limit is None else limit
        if code is None:
            rows = await self._database.read((OPEN_LETTERS, (most,)))
        else:
            rows = await self._database.read((OPEN_LETTERS_OF, (code, most)))
        return [letter_from(row) for row in rows]

    async def unconfirmed(
        self, *, limit: int | None = None
    ) -> Sequence[tuple[Outgoing, Delivery | None]]:
        found: list[tuple[Outgoing, Delivery | None]] = []
        most = _ALL if limit is None else limit
        for row in await self._database.read((_UNCONFIRMED, (most,))):
            envelope = row[_ENTRY_COLUMNS:]
            delivery = None if envelope[0] is None else delivery_from(envelope)
            # Not passed over: who asks must not take a missing key for an empty list.
            found.append((outgoing_from(row, self._sealer), delivery))
        return found

    async def unconfirmed_by_epj(self, *, limit: int | None = None) -> Sequence[Incoming]:
        most = _ALL if limit is None else limit
        rows = await self._database.read((_UNCONFIRMED_BY_EPJ, (most,)))
        return [incoming_from(row, self._sealer) for row in rows]

    async def open_questions(self, *, limit: int = 1_000) -> Sequence[Turn]:
        return [turn_from(row) for row in await self._database.read((OPEN_QUESTIONS, (limit,)))]

    async def trail(self, any_id: str) -> Sequence[JournalEvent]:
        ids = (any_id, mail_id_digest(any_id))
        return [event_from(row) for row in await self._database.read((TRAIL, ids))]

    async def measures(self) -> Mapping[str, float]:
        return measures_of(await self._database.read((MEASURES, ())), self._clock.now())

    # --- outbox ---

    @property
    def outbox_waiting(self) -> asyncio.Event:
        return self._waiting

    async def claim_outbox(self, limit: int) -> Sequence[OutboundMessage]:
        self._waiting.clear()
        now = self._clock.now()
        if self._shelf.is_stale(now):
            await self._release(self._shelf.clear())
        messages = self._shelf.take(limit)
        if len(messages) < limit and self._is_time_to_look(now):
            try:
                messages += await self._claim_from_table(limit - len(messages), now)
            except GatewayError:
                if not messages:
                    raise  # else those in hand go out first
            self._looked_at = now
        if len(messages) == limit or self._shelf.spilled:
            self._waiting.set()  # there may be more
        return messages

    async def outbox_published(self, ids: Collection[str]) -> None:
        await self._write([(outbox.PUBLISHED, (outbox_id,)) for outbox_id in ids])

    async def outbox_released(self, messages: Collection[OutboundMessage]) -> None:
        if messages:
            until = self._clock.now() + _PASSED_OVER_FOR
            self._refusing |= {message.queue: until for message in messages}
            await self._release([*(m.outbox_id for m in messages), *self._shelf.clear()])
            self._waiting.set()

    async def _release(self, ids: Collection[str]) -> None:
        self._shelf.spilled += 1
        await self._write([(outbox.RELEASE, (id_, self._shelf.holder)) for id_ in ids])

    def _is_time_to_look(self, now: datetime) -> bool:
        return (
            self._shelf.spilled > 0
            or self._shelf.capacity == 0
            or self._looked_at is None
            or not now - _LOOK_EVERY < self._looked_at <= now  # also when the clock was set back
        )

    async def _claim_from_table(self, limit: int, now: datetime) -> list[OutboundMessage]:
        spilled = self._shelf.spilled
        until = micros(now + self._shelf.lease)
        self._refusing = {queue: end for queue, end in self._refusing.items() if end > now}
        others = outbox.passed_over(self._refusing)
        async with self.transaction() as tx:
            # A queue that took nothing a moment ago comes last: it must not keep all the others.
            rows = list(await tx.rows(outbox.FREE_ELSEWHERE, micros(now), *others, limit))
            _claim(tx, rows, self._shelf.holder, until)
            if self._refusing and len(rows) < limit:
                refused = await tx.rows(outbox.FREE, micros(now), limit - len(rows))
                _claim(tx, refused, self._shelf.holder, until)
                rows += refused
        if len(rows) < limit and self._shelf.spilled == spilled:
            self._shelf.spilled = 0
        return list(readable(rows, message_from, self._sealer))

    # --- leases ---

    async def acquire_lease(self, name: str, holder: str, seconds: float) -> Lease | None:
        now = self._clock.now()
        until = micros(now + timedelta(seconds=seconds))
        async with self.transaction() as tx:
            rows = await tx.rows(leases.ACQUIRE, name, holder, until, micros(now))
        return Lease(name, rows[0][0]) if rows else None

    async def renew_lease(self, lease: Lease, seconds: float) -> None:
        until = micros(self._clock.now() + timedelta(seconds=seconds))
        async with self.transaction() as tx:
            if await tx.affected(leases.EXTEND, until, lease.name, lease.fence) != 1:
                raise LeaseLost(f"lease {lease.name} with fence {lease.fence} is held by another")

    async def release_lease(self, lease: Lease) -> None:
        await self._write([(leases.EXTEND, (0, lease.name, lease.fence))])

    # --- content keys ---

    async def missing_keys(self) -> Sequence[str]:
        """Ids of keys that a daemon has sealed content with, and that are not ours now."""
        return missing_keys(await self._proofs(), self._sealer)

    async def record_key(self) -> None:
        """Note, for :meth:`missing_keys`, that content is sealed with the current key."""
        proofs = await self._proofs()
        while self._sealer.keys.current not in {key_id for key_id, *_ in proofs}:
            # Another instance may take the same number for another key.
            await self._write([add_proof(len(proofs) + 1, self._sealer)])
            proofs = await self._proofs()

    async def _proofs(self) -> list[Row]:
        proofs: list[Row] = []
        while found := await self._database.read(find_proof(len(proofs) + 1)):
            proofs += found
        return proofs

    # --- life ---

    async def void_claims(self) -> None:
        """Free all rows of the outbox and all leases of earlier runs; for the only instance."""
        await self._write([(outbox.VOID_CLAIMS, ())])

    async def close(self) -> None:
        """Wait for running transactions, free the claims, and close the database.

        Nothing may be called after. When the journal is away the claims end by themselves.
        """
        if self._shelf.capacity:
            with suppress(GatewayError):
                await self._write([(outbox.RELEASE_ALL, (self._shelf.holder,))])
        await self._database.close()

    async def _write(self, calls: Sequence[Call]) -> None:
        if calls:
            async with self.transaction() as tx:
                for statement, values in calls:
                    tx.write(statement, *values)


def _claim(tx: SqlTransaction, rows: Sequence[Row], holder: str, until: int) -> None:
    """Also those that cannot be read: they come again when the claim ends, and not before."""
    for row in rows:
        tx.write(outbox.CLAIM, holder, until, row[1])
