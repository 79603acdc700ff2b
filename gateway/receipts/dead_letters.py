"""What a person must look at: give it up, park it, tell of it (design §4).

Parking never deletes: bytes, history and cause stay in the journal, until a
named person decides (``receipts.decisions``) or the matter settles itself.
"""

import json
from dataclasses import dataclass, replace

from gateway.domain.delivery import Delivery, GivenUp, Purpose, advance
from gateway.domain.ledger import Incoming, Outgoing, Side, State
from gateway.domain.reasons import reason_for
from gateway.errors import AnswerOverdue, AttemptsUsedUp, GatewayError
from gateway.ports import (
    Clock,
    DeadLetter,
    JournalEvent,
    NewId,
    OutboundMessage,
    Report,
    Transaction,
)
from gateway.queues import Queue

_A_WAIT_RAN_OUT = (AttemptsUsedUp, AnswerOverdue)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Give up and park; always inside the caller's transaction."""

    clock: Clock
    new_id: NewId
    report: Report

    async def delivery(self, tx: Transaction, delivery: Delivery, error: GatewayError) -> None:
        """End ``delivery`` as given up; no news when it was confirmed or given up before."""
        ended = advance(delivery, GivenUp())
        if ended is delivery:
            return
        ended = replace(ended, due_at=None)
        await tx.save_delivery(ended)
        await tx.record(self._event("given_up", error, delivery=ended))
        match ended.purpose:
            case Purpose.MESSAGE:
                entry = await tx.outgoing(ended.entry_id)
                if entry is not None and entry.message_id == ended.message_id:
                    await self._bury_outgoing(tx, entry, ended, error)
            case Purpose.RECEIPT:
                incoming = await tx.incoming(ended.entry_id)
                if incoming is not None:
                    await self._bury_incoming(tx, incoming, ended, error)
            case Purpose.SIGNAL:
                await self.letter(
                    tx,
                    DeadLetter.about(
                        error,
                        ended.message_id,
                        since=self.clock.now(),
                        entry_id=ended.entry_id,
                        message_id=ended.message_id,
                    ),
                )

    async def answer(self, tx: Transaction, entry: Outgoing, error: GatewayError) -> None:
        """End the wait for an AppRec. What is told to be not received is not sent any more."""
        delivery = None if entry.message_id is None else await tx.delivery(entry.message_id)
        if delivery is not None and delivery.is_open:
            delivery = replace(advance(delivery, GivenUp()), due_at=None)
            await tx.save_delivery(delivery)
            await tx.record(self._event("given_up", error, delivery=delivery))
        await self._bury_outgoing(tx, entry, delivery, error)

    async def letter(self, tx: Transaction, letter: DeadLetter) -> None:
        """Park ``letter`` and put its notice, which never holds content, on ``dead.letters``."""
        await tx.add_dead_letter(letter)
        await tx.record(
            JournalEvent(
                at=letter.since,
                name="dead_lettered",
                entry_id=letter.entry_id,
                message_id=letter.message_id,
                side=letter.side,
                code=letter.code,
                arrival_id=letter.arrival_id,
                detail={"letter_id": letter.letter_id},
            )
        )
        await tx.put(_notice(self.new_id(), letter))

    async def resolve(self, tx: Transaction, letter_id: str) -> None:
        """Take a letter off the list because the matter settled itself."""
        letter = await tx.dead_letter(letter_id)
        if letter is not None and letter.state == "open":
            await tx.save_dead_letter(replace(letter, state="resolved"))

    async def _bury_outgoing(
        self, tx: Transaction, entry: Outgoing, delivery: Delivery | None, error: GatewayError
    ) -> None:
        if entry.state is not State.IN_FLIGHT:
            return
        reasons = (reason_for(error),)
        entry = replace(entry, state=State.DEAD, due_at=None, reasons=reasons)
        if isinstance(error, _A_WAIT_RAN_OUT):
            entry = await self.report.tell(
                tx, "unconfirmed", entry, delivery=delivery, reasons=reasons
            )
        entry = await self.report.tell(
            tx, "dead-lettered", entry, delivery=delivery, reasons=reasons
        )
        await tx.save_outgoing(entry)
        await self.letter(
            tx,
            DeadLetter.about(
                error,
                entry.entry_id,
                since=self.clock.now(),
                side=Side.OUTGOING,
                entry_id=entry.entry_id,
                message_id=entry.message_id,
            ),
        )

    async def _bury_incoming(
        self, tx: Transaction, entry: Incoming, delivery: Delivery, error: GatewayError
    ) -> None:
        if entry.state is State.DEAD:
            known = await tx.dead_letter(entry.entry_id)
            if known is not None and known.state == "open":
                return  # about another AppRec; when that is heard, this one follows
        elif entry.state not in (State.IN_FLIGHT, State.REJECTED):
            return
        reasons = (reason_for(error),)
        await tx.save_incoming(replace(entry, state=State.DEAD, due_at=None, reasons=reasons))
        await self.letter(
            tx,
            DeadLetter.about(
                error,
                entry.entry_id,
                since=self.clock.now(),
                side=Side.INCOMING,
                entry_id=entry.entry_id,
                message_id=delivery.message_id,
            ),
        )

    def _event(self, name: str, error: GatewayError, *, delivery: Delivery) -> JournalEvent:
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            entry_id=delivery.entry_id,
            message_id=delivery.message_id,
            code=error.code,
            detail={"partner": delivery.receiver_her, "type": delivery.action},
        )


def _notice(outbox_id: str, letter: DeadLetter) -> OutboundMessage:
    since = letter.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    known_as = letter.message_id or letter.letter_id
    body = {"letter_id": letter.letter_id, "reason": letter.code, "since": since}
    return OutboundMessage(
        outbox_id=outbox_id,
        queue=Queue.DEAD_LETTERS,
        body=json.dumps(body).encode(),
        content_type="application/json",
        message_id=letter.letter_id,
        headers={"x-reason": letter.code, "x-message-id": known_as, "x-since": since},
    )
