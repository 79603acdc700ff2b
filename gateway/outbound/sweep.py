"""Find what is due, or was forgotten in a crash, and move it on (design §2, §4)."""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.ledger import Incoming, Outgoing, Side
from gateway.domain.resend import AnswerPolicy, ConfirmationPolicy, ResendPolicy
from gateway.errors import (
    AnswerOverdue,
    AttemptsUsedUp,
    ReceiptWithoutMessage,
)
from gateway.ports import (
    Clock,
    DeadLetter,
    GiveUp,
    Journal,
    JournalEvent,
    NewId,
    Transaction,
)
from gateway.queues import arrival_notice, send_order
from gateway.threads import Threads

BATCH = 100
MOST_DOUBLINGS = 6  # of the wait for another notice: at most every 10 hours or so


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One pass over everything that has a due time. Safe to run anywhere, any number of times."""

    journal: Journal
    clock: Clock
    new_id: NewId
    resend: ResendPolicy
    answers: AnswerPolicy
    confirmations: ConfirmationPolicy
    give_up: GiveUp
    threads: Threads

    async def __call__(self) -> int:
        """Sweep once; returns how many things were moved on.

        Raises:
            JournalUnavailable: what was moved before stays moved; the rest waits.
        """
        moved = 0
        steps = (
            self._deliveries,
            self._answers,
            self._incoming,
            self._replies,
            self._orphans,
            self._unread,
        )
        for step in steps:
            while True:
                async with self.journal.transaction() as tx:
                    count = await step(tx, self.clock.now())
                moved += count
                if count < BATCH:
                    break
        return moved

    async def _deliveries(self, tx: Transaction, now: datetime) -> int:
        due = await tx.deliveries_due(now, BATCH)
        for delivery in due:
            if not delivery.is_open:
                await tx.save_delivery(replace(delivery, due_at=None))
            elif self.resend.is_used_up(delivery, now):
                await self.give_up.delivery(tx, delivery, AttemptsUsedUp())
            else:
                guarded = replace(delivery, due_at=now + self.resend.attempt_guard)
                await tx.save_delivery(guarded)
                order = send_order(self.new_id(), delivery.message_id, delivery.tries + 1)
                await tx.put(order)
        return len(due)

    async def _answers(self, tx: Transaction, now: datetime) -> int:
        due = await tx.outgoing_due(now, BATCH)
        for entry in due:
            assert entry.waits_from is not None
            if now >= entry.waits_from + self.answers.limit:
                await self.give_up.answer(tx, entry, AnswerOverdue())
            else:
                await self._mark_answer(tx, entry, entry.waits_from, now)
        return len(due)

    async def _mark_answer(
        self, tx: Transaction, entry: Outgoing, waits_from: datetime, now: datetime
    ) -> None:
        level = self.answers.level(now - waits_from)
        if level is not None and level != entry.overdue:
            await tx.record(_late("answer_late", Side.OUTGOING, entry, now, level))
        due_at = self.answers.next_look(waits_from, now)
        await tx.save_outgoing(replace(entry, overdue=level, due_at=due_at))

    async def _incoming(self, tx: Transaction, now: datetime) -> int:
        due = await tx.incoming_due(now, BATCH)
        for entry in due:
            if entry.handed_at is None:
                await tx.save_incoming(replace(entry, due_at=None))
                continue
            level = self.confirmations.level(now - entry.handed_at)
            if level is not None and level != entry.overdue:
                await tx.record(_late("confirmation_late", Side.INCOMING, entry, now, level))
            due_at = self.confirmations.next_look(entry.handed_at, now)
            await tx.save_incoming(replace(entry, overdue=level, due_at=due_at))
        return len(due)

    async def _replies(self, tx: Transaction, now: datetime) -> int:
        return await self.threads.sweep(tx, now, BATCH)

    async def _orphans(self, tx: Transaction, now: datetime) -> int:
        matched = await tx.orphans_matched(BATCH)
        for orphan in matched:
            await tx.remove_orphan(orphan.arrival_id)
            arrival = await tx.arrival(orphan.arrival_id)
            if arrival is not None:
                await tx.save_arrival(replace(arrival, kind=None, notified_at=now))
                await tx.put(arrival_notice(self.new_id(), arrival.arrival_id))
        due = await tx.orphans_due(now, BATCH)
        for orphan in due:
            await tx.remove_orphan(orphan.arrival_id)
            letter = DeadLetter(
                letter_id=orphan.arrival_id,
                side=None,
                code=ReceiptWithoutMessage.code,
                since=now,
                arrival_id=orphan.arrival_id,
                detail=ReceiptWithoutMessage.text_en,
            )
            await self.give_up.letter(tx, letter)
        return max(len(due), len(matched))

    async def _unread(self, tx: Transaction, now: datetime) -> int:
        """Arrivals whose notice was lost, or waits in a long queue: the notice is given again.

        Ever more rarely, so that a backlog of hours does not grow by its own notices.
        """
        guard = self.resend.attempt_guard
        forgotten = await tx.arrivals_unread(now - guard, BATCH)
        for arrival in forgotten:
            longer = guard * (1 << min(arrival.notices, MOST_DOUBLINGS)) - guard
            again = replace(arrival, notified_at=now + longer, notices=arrival.notices + 1)
            await tx.save_arrival(again)
            await tx.put(arrival_notice(self.new_id(), arrival.arrival_id))
        return len(forgotten)


def _late(
    name: str, side: Side, entry: Outgoing | Incoming, now: datetime, level: str
) -> JournalEvent:
    return JournalEvent(
        at=now,
        name=name,
        side=side,
        entry_id=entry.entry_id,
        message_id=entry.message_id,
        detail={"level": level},
    )
