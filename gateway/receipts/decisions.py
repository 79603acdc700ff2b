"""What a person decides about a dead letter: replay it, or discard it (design §4).

Only a named person with a reason takes a letter off the list; nothing is deleted.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from gateway.domain.delivery import Delivery, Purpose
from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import Incoming, Side, State
from gateway.domain.resend import ResendPolicy
from gateway.envelopes import Made
from gateway.errors import Disposition, GatewayError
from gateway.ports import (
    Clock,
    DeadLetter,
    JournalEvent,
    NewId,
    OutboundMessage,
    Report,
    Transaction,
)
from gateway.queues import Queue, arrival_notice
from gateway.receipts.confirmation import confirmation_key
from gateway.receipts.settling import has_open_letter
from gateway.sending import send, send_again
from gateway.threads import Threads


class Rewrap(Protocol):
    """``outbound.rewrap``, as replay needs it."""

    async def __call__(self, tx: Transaction, delivery: Delivery, document: bytes) -> Made:
        """A new envelope around ``document`` in place of ``delivery``.

        Raises:
            NoRoute, CannotSeal: it cannot be made now.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Replay and discard; always inside the caller's transaction."""

    clock: Clock
    new_id: NewId
    report: Report
    resend: ResendPolicy
    rewrap: Rewrap
    threads: Threads

    async def replay(self, tx: Transaction, letter_id: str, *, actor: str, reason: str) -> bool:
        """Send, or read, again what a letter is about; False when nothing was done.

        A message keeps its eb:MessageId and bytes while its lifetime lasts and
        gets a new envelope after that; an AppRec always goes again as it was;
        bytes that came in are read once more; what the EPJ said is handed to us
        again. When no new envelope can be made, the letter stays, with the new cause.
        """
        letter = await tx.dead_letter(letter_id)
        if letter is None or letter.state != "open":
            return False
        try:
            replayed = await self._replayed(tx, letter)
        except GatewayError as error:
            if error.disposition is Disposition.RETRY:
                raise
            await self._still_dead(tx, letter, error, actor, reason)
            return False
        if replayed:
            await tx.save_dead_letter(replace(letter, state="replayed"))
            await tx.record(self._by_hand("replayed", letter, actor, reason))
        return replayed

    async def discard(self, tx: Transaction, letter_id: str, *, actor: str, reason: str) -> bool:
        """Close a letter by a person's decision; False when it is not open. Nothing is deleted."""
        letter = await tx.dead_letter(letter_id)
        if letter is None or letter.state != "open":
            return False
        await tx.save_dead_letter(replace(letter, state="discarded"))
        await tx.record(self._by_hand("discarded", letter, actor, reason))
        if letter.side is Side.OUTGOING and letter.entry_id is not None:
            entry = await tx.outgoing(letter.entry_id)
            if entry is not None and entry.state is State.DEAD:
                entry = replace(entry, state=State.DISCARDED, due_at=None)
                current = None if entry.message_id is None else await tx.delivery(entry.message_id)
                entry = await self.report.tell(tx, "discarded", entry, delivery=current)
                await tx.save_outgoing(entry)
                await self.threads.dropped(tx, entry.entry_id)
        if letter.side is Side.INCOMING and letter.entry_id is not None:
            incoming = await self._without(tx, letter, letter.entry_id)
            if incoming is not None:
                await tx.save_incoming(replace(incoming, state=State.DISCARDED, due_at=None))
        return True

    async def _replayed(self, tx: Transaction, letter: DeadLetter) -> bool:
        if letter.message_id is not None:
            delivery = await tx.delivery(letter.message_id)
            if delivery is None:
                return False
            if delivery.purpose is Purpose.MESSAGE:
                return await self._message_again(tx, delivery)
            return await self._receipt_again(tx, letter, delivery)
        if letter.arrival_id is not None:
            return await self._read_again(tx, letter, letter.arrival_id)
        said = await tx.document(confirmation_key(letter.letter_id))
        if said is None:
            return False  # there is nothing to do again: a person answers, and discards it
        await self._fly_again(tx, letter)
        await tx.put(
            OutboundMessage(
                outbox_id=self.new_id(),
                queue=Queue.EPJ_CONFIRMATIONS,
                body=said,
                content_type="application/json",
            )
        )
        return True

    async def _message_again(self, tx: Transaction, delivery: Delivery) -> bool:
        entry = await tx.outgoing(delivery.entry_id)
        if entry is None or entry.state is not State.DEAD:
            return False  # it has come to its end, or is under way
        now = self.clock.now()
        if now < delivery.time_to_live:
            current = await self._order(tx, delivery)
            if current is None:
                return False
        else:
            document = await tx.document(delivery.entry_id)
            if document is None:
                return False
            made = await self.rewrap(tx, delivery, document)
            await send(tx, made, self.new_id())
            await tx.record(*_replaced(delivery, made.delivery))
            current = made.delivery
        entry = replace(
            entry,
            state=State.IN_FLIGHT,
            message_id=current.message_id,
            waits_from=now,
            due_at=now,
            overdue=None,
            reasons=(),
        )
        entry = await self.report.tell(tx, "replayed", entry, delivery=current)
        await tx.save_outgoing(entry)
        return True

    async def _receipt_again(self, tx: Transaction, letter: DeadLetter, delivery: Delivery) -> bool:
        if await self._order(tx, delivery) is None:
            return False
        await self._fly_again(tx, letter)  # the envelope of a signal is outside the ledger
        return True

    async def _read_again(self, tx: Transaction, letter: DeadLetter, arrival_id: str) -> bool:
        arrival = await tx.arrival(arrival_id)
        if arrival is None:
            return False
        entry = await tx.incoming(arrival_id)
        if entry is not None and entry.state is not State.DEAD:
            return False  # it was read meanwhile, and has gone its way
        now = self.clock.now()
        await tx.save_arrival(replace(arrival, kind=None, notified_at=now, notices=1, crashes=0))
        await self._fly_again(tx, letter)
        await tx.put(arrival_notice(self.new_id(), arrival_id))
        return True

    async def _fly_again(self, tx: Transaction, letter: DeadLetter) -> None:
        if letter.side is not Side.INCOMING or letter.entry_id is None:
            return
        entry = await self._without(tx, letter, letter.entry_id)
        if entry is not None:
            await tx.save_incoming(replace(entry, state=State.IN_FLIGHT, reasons=()))

    async def _without(self, tx: Transaction, letter: DeadLetter, entry_id: str) -> Incoming | None:
        """The dead message when ``letter`` is the last open one about it; else it stays dead."""
        entry = await tx.incoming(entry_id)
        if entry is None or entry.state is not State.DEAD:
            return None
        return None if await has_open_letter(tx, entry, but=letter.letter_id) else entry

    async def _order(self, tx: Transaction, delivery: Delivery) -> Delivery | None:
        now = self.clock.now()
        return await send_again(tx, delivery, self.new_id(), now=now, resend=self.resend)

    async def _still_dead(
        self, tx: Transaction, letter: DeadLetter, error: GatewayError, actor: str, reason: str
    ) -> None:
        letter = replace(letter, code=error.code, detail=error.detail)
        await tx.save_dead_letter(letter)
        await tx.record(self._by_hand("replay_failed", letter, actor, reason))

    def _by_hand(self, name: str, letter: DeadLetter, actor: str, reason: str) -> JournalEvent:
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            entry_id=letter.entry_id,
            message_id=letter.message_id,
            side=letter.side,
            code=letter.code,
            actor=actor,
            arrival_id=letter.arrival_id,
            detail={"reason": reason, "letter_id": letter.letter_id},
        )


def _replaced(old: Delivery, new: Delivery) -> tuple[JournalEvent, JournalEvent]:
    """The link between an envelope and the one in its place, told of both."""

    def event(name: str, message_id: MessageId, other: MessageId) -> JournalEvent:
        return JournalEvent(
            at=new.created_at,
            name=name,
            side=Side.OUTGOING,
            entry_id=new.entry_id,
            message_id=message_id,
            detail={"message_id": other},
        )

    return (
        event("replaced_by", old.message_id, new.message_id),
        event("replaces", new.message_id, old.message_id),
    )
