"""The EPJ's word on an incoming message -> our AppRec (HIS 80415 §3.1).

A positive AppRec says that the receiving application has taken over. So it is
made from the EPJ's confirmation that it stored the message, and from nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.codecs.replying import Origin, reply_to
from gateway.domain.addressbook import AddressBook
from gateway.domain.identifiers import HerId
from gateway.domain.ledger import Incoming, Side, State, silence_letter_id
from gateway.domain.reasons import reason_for
from gateway.domain.receipt import receipt_digest
from gateway.envelopes import Answered, Envelopes, Made
from gateway.errors import (
    CannotSeal,
    ConfirmationWithoutMessage,
    ContradictingReceipt,
    GatewayError,
    UnknownPartner,
)
from gateway.ports import (
    Clock,
    DeadLetter,
    GiveUp,
    Journal,
    JournalEvent,
    NewId,
    QueueMessage,
    Receipt,
    Transaction,
)
from gateway.receipts.confirmation import Confirmation, confirmation_key, read_confirmation
from gateway.receipts.settling import settled, word_letter_id
from gateway.sending import send
from gateway.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Turn the EPJ's confirmations into AppRecs: one for each receiver of ours, never a second."""

    journal: Journal
    clock: Clock
    new_id: NewId
    book: AddressBook
    envelopes: Envelopes
    give_up: GiveUp
    threads: Threads

    async def __call__(self, message: QueueMessage) -> None:
        """Take in one confirmation; returning means it is committed.

        One for an unknown message, for a party that the message does not name, or
        that may mean several messages, is a dead letter; the same again is no news;
        a contradiction is an alarm, and what was said first stands.

        Raises:
            BadConfirmation: not the JSON agreed; the consumer parks it.
            JournalUnavailable, CannotSign: nothing was recorded; the same again.
        """
        confirmation = read_confirmation(message.body)
        async with self.journal.transaction() as tx:
            meant = await self._meant(tx, confirmation)
            if len(meant) != 1:
                await self._unmatched(tx, confirmation, message.body, several=bool(meant))
                return
            entry = meant[0]
            receiver = confirmation.receiver_her or entry.receiver_her
            assert receiver is not None, "what was handed to the EPJ had a receiver"
            digest = receipt_digest(confirmation.outcome, confirmation.errors)
            told = await tx.receipts(entry.entry_id)
            for known in told:
                if known.receiver_her == receiver:
                    if known.digest != digest:
                        await self._contradicted(tx, entry)
                    return
            await self._answer(tx, entry, receiver, confirmation, told, message.body)

    async def _meant(self, tx: Transaction, confirmation: Confirmation) -> list[Incoming]:
        """What was handed to the EPJ and fits; not what we refused under the same MsgId."""
        her, sender_her = confirmation.receiver_her, confirmation.sender_her
        return [
            entry
            for entry in await tx.incoming_by_msg_id(confirmation.msg_id)
            if entry.handed_at is not None
            and (her is None or her in entry.receivers)
            and sender_her in (None, entry.sender_her)
        ]

    async def _answer(
        self,
        tx: Transaction,
        entry: Incoming,
        receiver: HerId,
        confirmation: Confirmation,
        told: Sequence[Receipt],
        body: bytes,
    ) -> None:
        now = self.clock.now()
        try:
            made = await self._made(tx, entry, receiver, confirmation)
        except (CannotSeal, UnknownPartner) as error:
            await self._cannot_answer(tx, entry, receiver, error, body)
            return
        await send(tx, made, self.new_id())
        receipt = Receipt(
            entry_id=entry.entry_id,
            receiver_her=receiver,
            outcome=confirmation.outcome,
            digest=receipt_digest(confirmation.outcome, confirmation.errors),
            message_id=made.delivery.message_id,
        )
        await tx.add_receipt(receipt)
        receipts = [*told, receipt]
        is_last = {one.receiver_her for one in receipts} >= set(entry.receivers)
        await self._tell_thread(tx, entry, receipts, now, is_last=is_last)
        if is_last:
            await self.give_up.resolve(tx, silence_letter_id(entry.entry_id))
            entry = replace(entry, receipt_id=made.delivery.message_id)
        await tx.save_incoming(await settled(tx, self.give_up, entry, receipts, made.delivery, now))
        refused = confirmation.outcome == "refused"
        await tx.record(
            JournalEvent.about(
                entry,
                "epj_refused" if refused else "epj_stored",
                at=now,
                code=confirmation.errors[0].code if confirmation.errors else None,
                detail={"receiver": receiver} if len(entry.receivers) > 1 else {},
            )
        )

    async def _tell_thread(
        self,
        tx: Transaction,
        entry: Incoming,
        receipts: Sequence[Receipt],
        now: datetime,
        *,
        is_last: bool,
    ) -> None:
        """The first to take a question in starts its reply time; refused by all, it has none."""
        stored = [receipt for receipt in receipts if receipt.outcome == "stored"]
        if stored == [receipts[-1]]:
            await self.threads.taken_in(tx, entry.entry_id, now)
        elif not stored and is_last:
            await self.threads.dropped(tx, entry.entry_id)

    async def _made(
        self, tx: Transaction, entry: Incoming, receiver: HerId, confirmation: Confirmation
    ) -> Made:
        partner = self.book.by_her(entry.sender_her or "")
        own = self.book.by_her(receiver)
        if partner is None or own is None:
            raise UnknownPartner(f"{entry.sender_her} or {receiver} has left the address book")
        assert entry.message_id is not None
        assert entry.conversation_id is not None
        assert entry.cpa_id is not None
        assert entry.receiver_her is not None
        reply = reply_to(
            await tx.document(entry.entry_id) or b"",
            Origin(
                message_id=entry.message_id,
                action=entry.action or "",
                timestamp=entry.arrived_at,
                sender=partner,
                receiver=own,
            ),
            answer=confirmation.answer,
            errors=confirmation.errors,
            receipt_id=self.new_id(),
            at=self.clock.now(),
        )
        to = Answered(
            partner=partner,
            own_her=entry.receiver_her,
            message_id=entry.message_id,
            conversation_id=entry.conversation_id,
            cpa_id=entry.cpa_id,
            service=entry.service,
            action=entry.action,
        )
        return self.envelopes.receipt(reply, to=to.by(receiver), entry_id=entry.entry_id)

    async def _unmatched(
        self, tx: Transaction, confirmation: Confirmation, body: bytes, *, several: bool
    ) -> None:
        letter_id, outcome = confirmation.letter_id, confirmation.outcome
        detail = f"outcome {outcome} for an unknown msg_id"
        if several:
            detail = (
                f"outcome {outcome} for a msg_id that several messages have: the EPJ must say "
                "sender_her and receiver_her"
            )
        elif confirmation.receiver_her is not None:
            detail = f"outcome {outcome} for no message of this msg_id and receiver_her"
        error = ConfirmationWithoutMessage(detail)
        await tx.add_document(confirmation_key(letter_id), body)
        await self.give_up.letter(tx, DeadLetter.about(error, letter_id, since=self.clock.now()))

    async def _contradicted(self, tx: Transaction, entry: Incoming) -> None:
        error = ContradictingReceipt("the EPJ confirmed a second time with another outcome")
        now = self.clock.now()
        await tx.record(JournalEvent.about(entry, "contradicted", at=now, code=error.code))
        await self.give_up.letter(
            tx,
            DeadLetter.about(
                error, f"confirmation/{entry.entry_id}", since=now, entry_id=entry.entry_id
            ),
        )

    async def _cannot_answer(
        self, tx: Transaction, entry: Incoming, receiver: HerId, error: GatewayError, body: bytes
    ) -> None:
        """An operator's matter; what the EPJ said is kept, and replay hands it to us again.

        Said again after a person closed the matter, it is noted and opens nothing.
        """
        reasons = (reason_for(error),)
        letter_id = word_letter_id(entry, receiver)
        known = await tx.dead_letter(letter_id)
        if entry.state is State.DISCARDED or (known is not None and known.state == "discarded"):
            await tx.record(
                JournalEvent.about(
                    entry,
                    "not_answered",
                    at=self.clock.now(),
                    code=error.code,
                    detail={"receiver": receiver},
                )
            )
            return
        await tx.add_document(confirmation_key(letter_id), body)
        await tx.save_incoming(replace(entry, state=State.DEAD, due_at=None, reasons=reasons))
        await self.give_up.letter(
            tx,
            DeadLetter.about(
                error,
                letter_id,
                since=self.clock.now(),
                side=Side.INCOMING,
                entry_id=entry.entry_id,
            ),
        )
