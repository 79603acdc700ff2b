"""What a receipt changes once it is known whom it is about.

The delivery, the ledger entry, what the EPJ is told, and the trail: all inside
the caller's transaction, recorded together or not at all.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.delivery import (
    Acknowledged,
    Answered,
    Delivery,
    Event,
    Purpose,
    Rejected,
    Transport,
    advance,
)
from gateway.domain.ledger import State
from gateway.domain.reasons import Reason
from gateway.domain.receipt import Answer
from gateway.errors import ContradictingReceipt, GatewayError
from gateway.ports import (
    Arrival,
    Clock,
    DeadLetter,
    GiveUp,
    JournalEvent,
    Report,
    Transaction,
)
from gateway.receipts.settling import settled
from gateway.sending import was_handed_over
from gateway.threads import Threads

Detail = dict[str, str | int | bool | None]

_NAMES: dict[type, str] = {Acknowledged: "acknowledged", Rejected: "refused", Answered: "answered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """Take in what a partner said about something we sent."""

    clock: Clock
    report: Report
    give_up: GiveUp
    threads: Threads

    async def __call__(
        self,
        tx: Transaction,
        arrival: Arrival,
        delivery: Delivery,
        event: Event,
        reasons: tuple[Reason, ...],
        findings: Detail,
    ) -> str:
        """Take ``event``, which a receipt brought, into ``delivery``; returns what became of it.

        ``reasons`` are the partner's own, ``findings`` what was odd about the receipt and
        tolerated.
        """
        name = _NAMES[type(event)]
        try:
            after = advance(delivery, event)
        except ContradictingReceipt as error:
            await self.contradicted(tx, arrival, delivery, error)
            return "contradicted"
        if after is delivery:
            await tx.record(event_about(delivery, arrival, f"{name}_again", self.clock.now()))
            return "no-news"
        now = self.clock.now()
        after = replace(after, due_at=None, sent_at=after.sent_at or now)
        await tx.save_delivery(after)
        assert after.sent_at is not None
        milliseconds = (now - after.sent_at) // timedelta(milliseconds=1)
        code = reasons[0].code if reasons else None
        detail: Detail = {"milliseconds": milliseconds, **findings}
        await tx.record(event_about(after, arrival, name, now, code=code, detail=detail))
        match after.purpose:
            case Purpose.MESSAGE:
                await self._tell(tx, delivery, after, reasons)
            case Purpose.RECEIPT:
                await self._settle_incoming(tx, after)
            case Purpose.SIGNAL:
                pass  # taken care of before
        return name

    async def _tell(
        self,
        tx: Transaction,
        before: Delivery,
        after: Delivery,
        reasons: tuple[Reason, ...],
    ) -> None:
        entry = await tx.outgoing(after.entry_id)
        if entry is None or entry.message_id != after.message_id:
            return  # about an envelope that a replay has replaced: it stays in the trail
        if not await was_handed_over(tx, before):
            # The receipt overtook our own note of the hand-over it proves.
            entry = await self.report.tell(tx, "sent", entry, delivery=after)
        state, told = _outcome(after)
        if state is not None and entry.state.is_open:
            if entry.state is State.DEAD:
                await self.give_up.resolve(tx, entry.entry_id)
            entry = replace(entry, state=state, due_at=None, reasons=reasons)
            if state is State.CONFIRMED:
                await self.threads.taken_in(tx, entry.entry_id, self.clock.now())
            else:
                await self.threads.dropped(tx, entry.entry_id)
        elif entry.state is State.DEAD and before.transport is Transport.GIVEN_UP:
            # It arrived after all: the alarm is off, and the wait for the AppRec goes on.
            await self.give_up.resolve(tx, entry.entry_id)
            now = self.clock.now()
            entry = replace(entry, state=State.IN_FLIGHT, due_at=now, reasons=())
        entry = await self.report.tell(tx, told, entry, delivery=after, reasons=reasons)
        await tx.save_outgoing(entry)

    async def _settle_incoming(self, tx: Transaction, delivery: Delivery) -> None:
        """Our AppRec arrived, or was refused: the incoming message may have its end."""
        entry = await tx.incoming(delivery.entry_id)
        if entry is None:
            return
        receipts = await tx.receipts(entry.entry_id)
        now = self.clock.now()
        await tx.save_incoming(await settled(tx, self.give_up, entry, receipts, delivery, now))

    async def contradicted(
        self, tx: Transaction, arrival: Arrival, delivery: Delivery, error: ContradictingReceipt
    ) -> None:
        """What the receipt says cannot be: the first word stands, and a person is told."""
        now = self.clock.now()
        await tx.record(event_about(delivery, arrival, "contradicted", now, code=error.code))
        await self.give_up.letter(tx, letter_about(arrival, error, now, delivery))


def event_about(
    delivery: Delivery,
    arrival: Arrival,
    name: str,
    at: datetime,
    *,
    code: str | None = None,
    detail: Detail | None = None,
) -> JournalEvent:
    """The line of the trail that says what a receipt did."""
    return JournalEvent(
        at=at,
        name=name,
        entry_id=delivery.entry_id,
        message_id=delivery.message_id,
        code=code,
        arrival_id=arrival.arrival_id,
        detail={"partner": delivery.receiver_her, "type": delivery.action, **(detail or {})},
    )


def letter_about(
    arrival: Arrival, error: GatewayError, at: datetime, delivery: Delivery | None = None
) -> DeadLetter:
    """The letter that keeps a receipt for a person, with its raw bytes; outside the ledger."""
    return DeadLetter.about(
        error,
        arrival.arrival_id,
        since=at,
        arrival_id=arrival.arrival_id,
        entry_id=None if delivery is None else delivery.entry_id,
    )


def _outcome(delivery: Delivery) -> tuple[State | None, str]:
    """Where the ledger entry goes, and the status event that says so."""
    if delivery.transport is Transport.REJECTED or delivery.answer is Answer.REJECTED:
        return State.REJECTED, "refused"
    if delivery.answer is not None:
        return State.CONFIRMED, "confirmed"
    return None, "acknowledged"
