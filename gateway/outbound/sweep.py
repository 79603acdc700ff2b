"""Find what is due, or was forgotten in a crash, and move it on (design §2, §4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway.domain.delivery import Delivery
from gateway.domain.ledger import Incoming, Outgoing, silence_letter_id
from gateway.domain.resend import AnswerPolicy, ConfirmationPolicy, ResendPolicy
from gateway.domain.thread import Turn
from gateway.errors import (
    AnswerOverdue,
    AttemptsUsedUp,
    NotConfirmedByEpj,
    ReceiptWithoutMessage,
)
from gateway.outbound.due import MoveOn, Step
from gateway.ports import (
    Arrival,
    Clock,
    DeadLetter,
    DueKind,
    GiveUp,
    Journal,
    JournalEvent,
    NewId,
    Orphan,
    Transaction,
)
from gateway.queues import arrival_notice, send_order
from gateway.threads import Threads

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

        One that cannot be moved on is passed over for an hour and laid before a person;
        it keeps nothing else from its due time.

        Raises:
            JournalUnavailable: what was moved before stays moved; the rest waits.
        """
        move_on = MoveOn(journal=self.journal, clock=self.clock, give_up=self.give_up)
        return (
            await move_on(self._deliveries)
            + await move_on(self._answers)
            + await move_on(self._incoming)
            + await move_on(self._replies)
            + await move_on(self._matched_orphans)
            + await move_on(self._orphans)
            + await move_on(self._unread)
        )

    # --- envelopes ---

    @property
    def _deliveries(self) -> Step[Delivery]:
        return Step(
            kind="delivery",
            due=lambda tx, now, limit: tx.deliveries_due(now, limit),
            move=self._move_deliveries,
            name_of=lambda delivery: delivery.message_id,
            entry_of=lambda delivery: delivery.entry_id,
            postpone=partial(_postpone, "delivery"),
        )

    async def _move_deliveries(
        self, tx: Transaction, due: Sequence[Delivery], now: datetime
    ) -> None:
        backlog = await self._is_behind(tx, now)
        for delivery in due:
            if not delivery.is_open:
                await tx.save_delivery(replace(delivery, due_at=None))
            elif backlog and delivery.attempts:
                await tx.save_delivery(replace(delivery, due_at=now + self.resend.attempt_guard))
            elif self.resend.is_used_up(delivery, now):
                await self.give_up.delivery(tx, delivery, AttemptsUsedUp())
            else:
                guarded = replace(delivery, due_at=now + self.resend.attempt_guard)
                await tx.save_delivery(guarded)
                order = send_order(self.new_id(), delivery.message_id, delivery.tries + 1)
                await tx.put(order)

    async def _is_behind(self, tx: Transaction, now: datetime) -> bool:
        """Whether mail lies unread: the receipt that is waited for may be among it.

        What has been sent once is neither sent again nor given up before it is read
        (HITS 1171 §8.1). What has never been sent does not wait.
        """
        since = await tx.unread_since()
        return since is not None and since < now - self.resend.attempt_guard

    # --- answers to what we sent ---

    @property
    def _answers(self) -> Step[Outgoing]:
        return Step(
            kind="answer",
            due=lambda tx, now, limit: tx.outgoing_due(now, limit),
            move=self._move_answers,
            name_of=lambda entry: entry.entry_id,
            entry_of=lambda entry: entry.entry_id,
            postpone=partial(_postpone, "outgoing"),
        )

    async def _move_answers(self, tx: Transaction, due: Sequence[Outgoing], now: datetime) -> None:
        backlog = await self._is_behind(tx, now)
        for entry in due:
            assert entry.waits_from is not None
            if now < entry.waits_from + self.answers.limit:
                await self._mark_answer(tx, entry, entry.waits_from, now)
            elif backlog:
                await tx.save_outgoing(replace(entry, due_at=now + self.resend.attempt_guard))
            else:
                await self.give_up.answer(tx, entry, AnswerOverdue())

    async def _mark_answer(
        self, tx: Transaction, entry: Outgoing, waits_from: datetime, now: datetime
    ) -> None:
        level = self.answers.level(now - waits_from)
        if level is not None and level != entry.overdue:
            late = JournalEvent.about(entry, "answer_late", at=now, detail={"level": level})
            await tx.record(late)
        due_at = self.answers.next_look(waits_from, now)
        await tx.save_outgoing(replace(entry, overdue=level, due_at=due_at))

    # --- the EPJ's word about what came in ---

    @property
    def _incoming(self) -> Step[Incoming]:
        return Step(
            kind="confirmation",
            due=lambda tx, now, limit: tx.incoming_due(now, limit),
            move=self._move_incoming,
            name_of=lambda entry: entry.entry_id,
            entry_of=lambda entry: entry.entry_id,
            postpone=partial(_postpone, "incoming"),
        )

    async def _move_incoming(self, tx: Transaction, due: Sequence[Incoming], now: datetime) -> None:
        for entry in due:
            if entry.handed_at is None:
                await tx.save_incoming(replace(entry, due_at=None))
                continue
            waited = now - entry.handed_at
            level = self.confirmations.level(waited)
            if level is not None and level != entry.overdue:
                detail = {"level": level}
                late = JournalEvent.about(entry, "confirmation_late", at=now, detail=detail)
                await tx.record(late)
            if waited >= self.answers.limit:
                await self._ask_a_person(tx, entry, now)
            due_at = self.confirmations.next_look(entry.handed_at, now)
            await tx.save_incoming(replace(entry, overdue=level, due_at=due_at))

    async def _ask_a_person(self, tx: Transaction, entry: Incoming, now: datetime) -> None:
        """By now the sender counts the message as refused (HIS 80415): somebody must know.

        The EPJ may still say that it stored it; then the letter goes by itself.
        """
        letter_id = silence_letter_id(entry.entry_id)
        if await tx.dead_letter(letter_id) is not None:
            return
        error = NotConfirmedByEpj()
        await self.give_up.letter(
            tx, DeadLetter.about(error, letter_id, since=now, entry_id=entry.entry_id)
        )

    # --- questions ---

    @property
    def _replies(self) -> Step[Turn]:
        async def move(tx: Transaction, due: Sequence[Turn], now: datetime) -> None:
            for turn in due:
                await self.threads.remind(tx, turn, now)

        return Step(
            kind="reply",
            due=lambda tx, now, limit: tx.turns_due(now, limit),
            move=move,
            name_of=lambda turn: turn.entry_id,
            entry_of=lambda turn: turn.entry_id,
            postpone=partial(_postpone, "turn"),
        )

    # --- receipts without a message ---

    @property
    def _matched_orphans(self) -> Step[Orphan]:
        async def move(tx: Transaction, due: Sequence[Orphan], now: datetime) -> None:
            for orphan in due:
                await tx.remove_orphan(orphan.arrival_id)
                arrival = await tx.arrival(orphan.arrival_id)
                if arrival is not None:
                    await tx.save_arrival(replace(arrival, kind=None, notified_at=now))
                    await tx.put(arrival_notice(self.new_id(), arrival.arrival_id))

        return Step(
            kind="orphan",
            due=lambda tx, _, limit: tx.orphans_matched(limit),
            move=move,
            name_of=lambda orphan: orphan.arrival_id,
            entry_of=lambda orphan: orphan.arrival_id,
            postpone=_forget_orphan,
        )

    @property
    def _orphans(self) -> Step[Orphan]:
        async def move(tx: Transaction, due: Sequence[Orphan], now: datetime) -> None:
            for orphan in due:
                await tx.remove_orphan(orphan.arrival_id)
                arrival_id = orphan.arrival_id
                error = ReceiptWithoutMessage()
                await self.give_up.letter(
                    tx, DeadLetter.about(error, arrival_id, since=now, arrival_id=arrival_id)
                )

        return Step(
            kind="orphan",
            due=lambda tx, now, limit: tx.orphans_due(now, limit),
            move=move,
            name_of=lambda orphan: orphan.arrival_id,
            entry_of=lambda orphan: orphan.arrival_id,
            postpone=_forget_orphan,
        )

    # --- mail that nobody has read ---

    @property
    def _unread(self) -> Step[Arrival]:
        """Arrivals whose notice was lost, or waits in a long queue: the notice is given again.

        Ever more rarely, so that a backlog of hours does not grow by its own notices.
        """
        guard = self.resend.attempt_guard

        async def move(tx: Transaction, due: Sequence[Arrival], now: datetime) -> None:
            for arrival in due:
                longer = guard * (1 << min(arrival.notices, MOST_DOUBLINGS)) - guard
                again = replace(arrival, notified_at=now + longer, notices=arrival.notices + 1)
                await tx.save_arrival(again)
                await tx.put(arrival_notice(self.new_id(), arrival.arrival_id))

        return Step(
            kind="arrival",
            due=lambda tx, now, limit: tx.arrivals_unread(now - guard, limit),
            move=move,
            name_of=lambda arrival: arrival.arrival_id,
            entry_of=lambda arrival: arrival.arrival_id,
            postpone=partial(_postpone, "arrival"),
        )


async def _postpone(kind: DueKind, tx: Transaction, name: str, until: datetime) -> None:
    await tx.postpone(kind, name, until)


async def _forget_orphan(tx: Transaction, arrival_id: str, _: datetime) -> None:
    """It has no due time of its own to move; the letter stands in its place."""
    await tx.remove_orphan(arrival_id)
