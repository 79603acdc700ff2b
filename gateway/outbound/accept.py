"""One dialogue message from the EPJ: read, screen, route, seal, sign, record.

From the commit on the message is ours. What is refused is recorded too, with
all its reasons, and the EPJ is told; nothing that came to the queue disappears.
"""

from dataclasses import dataclass, replace

from gateway.domain.identifiers import ConversationId
from gateway.domain.ledger import Outgoing, Side, State
from gateway.domain.message import kind_word
from gateway.domain.reasons import Reason, reason_for
from gateway.domain.resend import AnswerPolicy
from gateway.domain.rules.receivers import about_admitted
from gateway.envelopes import Envelopes
from gateway.errors import CannotSeal, LeaseLost, Who
from gateway.outbound.reading import HandedIn, Reading
from gateway.ports import Clock, Journal, JournalEvent, NewId, QueueMessage, Report, Transaction
from gateway.sending import send
from gateway.threads import Threads

_DUPLICATE = Reason(
    code="EPJ_DUPLICATE",
    text_nb="En annen melding med samme MsgId er allerede levert til meldingstjenesten.",
    text_en="Another message with the same MsgId was handed to the gateway before.",
    who_acts=Who.SENDER.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Take over messages from ``epj.outgoing``."""

    journal: Journal
    clock: Clock
    new_id: NewId
    reading: Reading
    envelopes: Envelopes
    report: Report
    answers: AnswerPolicy
    threads: Threads

    async def __call__(self, message: QueueMessage) -> None:
        """Take over, or refuse, one message; returning means it is committed.

        Raises:
            JournalUnavailable, LeaseLost, CannotSign: nothing was recorded; the same message
                again.
        """
        read = await self.reading(message)
        async with self.journal.transaction() as tx:
            # By its bytes first: what JSON is read as hangs on the address book of the moment.
            known = await tx.outgoing_by_digest(read.digest)
            if known is not None:
                await self.report.repeat(tx, known)
                return
            duplicate = await tx.outgoing_by_key(read.key) is not None
            entry = self._entry(read, message, duplicate=duplicate)
            if read.reasons or duplicate:
                await self._refuse(tx, entry)
            else:
                await self._take_over(tx, entry, read)

    def _entry(self, read: HandedIn, message: QueueMessage, *, duplicate: bool) -> Outgoing:
        reasons = (_DUPLICATE,) if duplicate else read.reasons
        receiver = read.receiver
        return Outgoing(
            entry_id=self.new_id(),
            key=read.key_of_copy if duplicate else read.key,
            digest=read.digest,
            accepted_at=self.clock.now(),
            msg_id=read.msg_id,
            sender_her=read.sender_her,
            receiver_her=read.receiver_her,
            service_code=None if receiver is None else receiver.service_code,
            message_type=read.message_type,
            amqp_message_id=message.message_id,
            removed=() if reasons else read.removed,
            reasons=reasons,
        )

    async def _refuse(self, tx: Transaction, entry: Outgoing) -> None:
        entry = replace(entry, state=State.REJECTED)
        entry = await self.report.tell(tx, "rejected", entry, reasons=entry.reasons)
        await self._add(tx, entry)
        await tx.record(
            self._arrived(entry),
            self._event("rejected", entry, code=entry.reasons[0].code),
        )

    async def _add(self, tx: Transaction, entry: Outgoing) -> None:
        if not await tx.add_outgoing(entry):
            # Undo all of it; the next try finds the other instance's entry.
            raise LeaseLost("another instance took the same message a moment ago")

    async def _take_over(self, tx: Transaction, entry: Outgoing, read: HandedIn) -> None:
        assert read.message is not None
        assert read.sender is not None
        assert read.receiver is not None
        parent = await self.threads.parent(tx, read.message, read.receiver.her)
        conversation_id = None if parent is None else parent.conversation_id
        try:
            made = self.envelopes.message(
                read.document,
                message_type=read.message.type.value,
                namespace=read.message.content_namespace or "",
                version=read.message.dialog_version or "",
                sender=read.sender,
                receiver=read.receiver,
                conversation_id=conversation_id or ConversationId(self.new_id()),
                ref_to_message_id=None if parent is None else parent.message_id,
                entry_id=entry.entry_id,
            )
        except CannotSeal as error:
            await self._refuse(tx, replace(entry, removed=(), reasons=(reason_for(error),)))
            return
        waits_from = self.answers.starts_at(read.message.gen_date, entry.accepted_at)
        entry = replace(
            entry,
            message_id=made.delivery.message_id,
            conversation_id=made.delivery.conversation_id,
            waits_from=waits_from,
            due_at=max(waits_from + self.answers.warn_after, entry.accepted_at),
        )
        entry = await self.report.tell(
            tx, "accepted", entry, delivery=made.delivery, reasons=read.remarks
        )
        await self._add(tx, entry)
        await send(tx, made, self.new_id())
        await tx.add_document(entry.entry_id, read.document)
        await self.threads.join(
            tx,
            read.message,
            side=Side.OUTGOING,
            entry_id=entry.entry_id,
            own_her=read.sender.her,
            partner_her=read.receiver.her,
            message_id=entry.message_id,
            conversation_id=entry.conversation_id,
            reply_expected=not about_admitted(read.sender, read.receiver),
        )
        remarks: dict[str, str | None] = {r.code: r.rule for r in read.remarks}
        if waits_from != read.message.gen_date:
            remarks["GENDATE_IMPLAUSIBLE"] = None
        await tx.record(
            self._arrived(entry),
            self._event("accepted", entry, detail={"removed": len(entry.removed), **remarks}),
        )

    def _arrived(self, entry: Outgoing) -> JournalEvent:
        return replace(self._event("arrived", entry), arrived=True)

    def _event(
        self,
        name: str,
        entry: Outgoing,
        *,
        code: str | None = None,
        detail: dict[str, str | int | bool | None] | None = None,
    ) -> JournalEvent:
        return JournalEvent.about(
            entry,
            name,
            at=entry.accepted_at,
            code=code,
            detail={
                "partner": entry.receiver_her,
                "type": kind_word(entry.message_type),
                **(detail or {}),
            },
        )
