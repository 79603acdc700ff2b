"""Acknowledgment, MessageError, AppRec, bounce -> what it says about something we sent.

Called inside the transaction of ``inbound.receive``: the receipt and what
follows from it are recorded together or not at all. Nothing is acknowledged
away: a receipt that fits nothing is kept, tried again, and shown to a person.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.codecs.mime import Bounce
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
from gateway.domain.envelope import (
    CLOCK_TOLERANCE,
    Envelope,
    EnvelopeKind,
    MessageHeader,
    SignedReference,
)
from gateway.domain.identifiers import HerId, MessageId
from gateway.domain.ledger import State
from gateway.domain.reasons import Reason, partner_reason, reason_for
from gateway.domain.receipt import Answer, ApplicationReceipt
from gateway.envelopes import was_handed_over
from gateway.errors import (
    ContradictingReceipt,
    GatewayError,
    PartnerRefused,
    ReceiptWithoutMessage,
    ReceiverRefused,
    TransportRefused,
)
from gateway.ports import (
    Arrival,
    Clock,
    DeadLetter,
    GiveUp,
    JournalEvent,
    NewId,
    Orphan,
    Report,
    Transaction,
)
from gateway.receipts.settling import settled
from gateway.threads import Threads

Detail = dict[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlate:
    """Match what came back with what we sent."""

    clock: Clock
    new_id: NewId
    report: Report
    give_up: GiveUp
    threads: Threads
    orphan_wait: timedelta

    async def signal(self, tx: Transaction, arrival: Arrival, envelope: Envelope) -> str:
        """Take in a verified Acknowledgment or MessageError; returns what became of it.

        Its header must fit the envelope it is about: parties swapped and the same
        ConversationId; that of an Acknowledgment also the same CPAId (HIS 1037
        §7.2.1), and digests, where it repeats them, equal to ours (HITS 1171
        §5.2.3.3). A MessageError that names no envelope is about the only one that
        it can be about; where there are none or several, a person has to look.
        """
        header = envelope.header
        ref = _about(envelope)
        if ref is None:
            delivery = await self._only_open(tx, header)
            if delivery is None:
                error = ReceiptWithoutMessage("a MessageError that names no message")
                await self._park(tx, arrival, error)
                return "orphan"
        else:
            delivery = await tx.delivery(ref)
            if delivery is None:
                await self._orphan(tx, arrival, header.sender.her, message_id=ref)
                return "orphan"
        if mismatch := _mismatch(envelope, delivery):
            await self._contradicted(tx, arrival, delivery, ContradictingReceipt(mismatch))
            return "contradicted"
        reasons = tuple(partner_reason(error.code, error.text) for error in envelope.errors)
        if delivery.purpose is Purpose.SIGNAL:
            # Nobody may answer a signal (HITS 1171 §8.1); it ended when it was sent.
            code = reasons[0].code if reasons else None
            await tx.record(self._event("signal_answered", delivery, arrival, code=code))
            return "signal"
        findings: Detail = dict.fromkeys(envelope.findings, True)
        if header.cpa_id != delivery.cpa_id:
            findings["cpa_id_differs"] = True
        if envelope.kind is EnvelopeKind.ACKNOWLEDGMENT or envelope.is_warning:
            findings |= {reason.code: "warning" for reason in reasons}
            return await self._apply(tx, arrival, delivery, Acknowledged(), reasons, findings)
        return await self._apply(tx, arrival, delivery, Rejected(), reasons, findings)

    async def _only_open(self, tx: Transaction, header: MessageHeader) -> Delivery | None:
        """The one open envelope of the conversation that went from its receiver to its sender."""
        found = [
            delivery
            for delivery in await tx.deliveries_unanswered(
                header.conversation_id, header.receiver.her, header.sender.her
            )
            # An old error, come once more, is not about what was made since.
            if header.timestamp >= delivery.created_at - CLOCK_TOLERANCE
        ]
        return found[0] if len(found) == 1 else None

    async def receipt(
        self,
        tx: Transaction,
        arrival: Arrival,
        receipt: ApplicationReceipt,
        header: MessageHeader,
    ) -> str:
        """Take in an AppRec from a verified and unsealed envelope; returns what became of it.

        Matched by OriginalMsgId and the party that sent the envelope, never by
        the envelope's own references (HIS 80415 §3.4). Only the receiver of a
        message may answer it; whom the AppRec itself names as its sender, often
        the enterprise alone, decides nothing.
        """
        sender, original = header.sender.her, receipt.original.msg_id
        entry = await tx.outgoing_by_msg_id(original, sender, header.receiver.her)
        # A receiver that could not read our MsgId names the envelope in its place (design §6).
        named = MessageId(original) if entry is None else entry.message_id
        delivery = None if named is None else await tx.delivery(named)
        if (
            delivery is None
            or delivery.purpose is not Purpose.MESSAGE
            or delivery.receiver_her != sender
        ):
            await self._orphan(tx, arrival, sender, receipt=receipt)
            return "orphan"
        findings: Detail = dict.fromkeys(receipt.findings, True)
        if sender not in (*receipt.sender.hers, receipt.sender.enterprise_her):
            findings["sender_differs"] = True
        reasons = tuple(partner_reason(e.code, e.words) for e in receipt.errors)
        if receipt.answer is Answer.REJECTED and not reasons:
            reasons = (reason_for(ReceiverRefused()),)
        return await self._apply(tx, arrival, delivery, Answered(receipt.answer), reasons, findings)

    async def bounce(self, tx: Transaction, arrival: Arrival, bounce: Bounce) -> str:
        """Take in a delivery report. It is not signed: it stops attempts, it proves nothing."""
        attempt = None
        for mail_id in (bounce.original_envelope_id, bounce.original_message_id):
            attempt = attempt or (await tx.attempt_by_mail(mail_id) if mail_id else None)
        delivery = None if attempt is None else await tx.delivery(attempt.message_id)
        if delivery is None:
            await self._park(tx, arrival, TransportRefused("a bounce for a mail not known here"))
            return "bounce"
        await tx.record(self._event("bounced", delivery, arrival, detail={"status": bounce.status}))
        if bounce.is_permanent:
            await self.give_up.delivery(
                tx, delivery, TransportRefused(f"bounced with status {bounce.status}")
            )
        return "bounce"

    async def fault(self, tx: Transaction, arrival: Arrival, mail_ids: tuple[str, ...]) -> str:
        """Take in a SOAP Fault: the partner could not read a mail of ours (HITS 1172 §4.2.2)."""
        for mail_id in mail_ids:
            attempt = await tx.attempt_by_mail(mail_id)
            delivery = None if attempt is None else await tx.delivery(attempt.message_id)
            if delivery is not None:
                await tx.record(self._event("soap_fault", delivery, arrival))
                await self.give_up.delivery(
                    tx, delivery, PartnerRefused("answered by a SOAP Fault")
                )
                return "fault"
        await self._park(tx, arrival, PartnerRefused("a SOAP Fault for a mail not known here"))
        return "fault"

    async def _apply(
        self,
        tx: Transaction,
        arrival: Arrival,
        delivery: Delivery,
        event: Event,
        reasons: tuple[Reason, ...],
        findings: Detail,
    ) -> str:
        name = _NAMES[type(event)]
        try:
            after = advance(delivery, event)
        except ContradictingReceipt as error:
            await self._contradicted(tx, arrival, delivery, error)
            return "contradicted"
        if after is delivery:
            await tx.record(self._event(f"{name}_again", delivery, arrival))
            return "no-news"
        now = self.clock.now()
        after = replace(after, due_at=None, sent_at=after.sent_at or now)
        await tx.save_delivery(after)
        assert after.sent_at is not None
        milliseconds = (now - after.sent_at) // timedelta(milliseconds=1)
        code = reasons[0].code if reasons else None
        detail: Detail = {"milliseconds": milliseconds, **findings}
        await tx.record(self._event(name, after, arrival, code=code, detail=detail))
        match after.purpose:
            case Purpose.MESSAGE:
                await self._tell(tx, delivery, after, event, reasons)
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
        event: Event,
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

    async def _contradicted(
        self, tx: Transaction, arrival: Arrival, delivery: Delivery, error: ContradictingReceipt
    ) -> None:
        await tx.record(self._event("contradicted", delivery, arrival, code=error.code))
        await self._park(tx, arrival, error, delivery)

    async def _park(
        self,
        tx: Transaction,
        arrival: Arrival,
        error: GatewayError,
        delivery: Delivery | None = None,
    ) -> None:
        """Keep a receipt for a person, with its raw bytes; outside the ledger."""
        await self.give_up.letter(
            tx,
            DeadLetter(
                letter_id=arrival.arrival_id,
                side=None,
                code=error.code,
                since=self.clock.now(),
                arrival_id=arrival.arrival_id,
                entry_id=None if delivery is None else delivery.entry_id,
                detail=error.detail,
            ),
        )

    async def _orphan(
        self,
        tx: Transaction,
        arrival: Arrival,
        sender: HerId,
        *,
        message_id: MessageId | None = None,
        receipt: ApplicationReceipt | None = None,
    ) -> None:
        await tx.add_orphan(
            Orphan(
                arrival_id=arrival.arrival_id,
                original_msg_id=None if receipt is None else receipt.original.msg_id,
                ref_to_message_id=message_id,
                sender_her=sender,
                due_at=self.clock.now() + self.orphan_wait,
            )
        )
        await tx.record(
            JournalEvent(
                at=self.clock.now(),
                name="orphan",
                message_id=message_id,
                arrival_id=arrival.arrival_id,
            )
        )

    def _event(
        self,
        name: str,
        delivery: Delivery,
        arrival: Arrival,
        *,
        code: str | None = None,
        detail: Detail | None = None,
    ) -> JournalEvent:
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            entry_id=delivery.entry_id,
            message_id=delivery.message_id,
            code=code,
            arrival_id=arrival.arrival_id,
            detail={
                "partner": delivery.receiver_her,
                "type": delivery.action,
                **(detail or {}),
            },
        )


_NAMES: dict[type, str] = {Acknowledged: "acknowledged", Rejected: "refused", Answered: "answered"}


def _outcome(delivery: Delivery) -> tuple[State | None, str]:
    """Where the ledger entry goes, and the status event that says so."""
    if delivery.transport is Transport.REJECTED or delivery.answer is Answer.REJECTED:
        return State.REJECTED, "refused"
    if delivery.answer is not None:
        return State.CONFIRMED, "confirmed"
    return None, "acknowledged"


def _about(envelope: Envelope) -> MessageId | None:
    if envelope.acknowledgment is not None:
        return envelope.acknowledgment.ref_to_message_id
    return envelope.header.ref_to_message_id


def _mismatch(envelope: Envelope, delivery: Delivery) -> str | None:
    """Why a signal cannot be about ``delivery``; None when it fits."""
    header, acknowledgment = envelope.header, envelope.acknowledgment
    if header.sender.her != delivery.receiver_her or header.receiver.her != delivery.sender_her:
        return "the parties of the receipt are not those of the message"
    if header.conversation_id != delivery.conversation_id:
        return "ConversationId of the receipt differs from the message"
    if acknowledgment is None:
        return None  # a MessageError may be about the CPAId itself, and repeats nothing
    if header.cpa_id != delivery.cpa_id:
        return "CPAId of the receipt differs from the message"
    ours = {r.uri: r.digest for r in delivery.references}
    if ours and any(not _same_digest(ours, r) for r in acknowledgment.references):
        return "the digests in the receipt are not those of what was sent"
    return None


def _same_digest(ours: dict[str, str], theirs: SignedReference) -> bool:
    # Real acknowledgments leave references or digests out; what is there must fit.
    return not theirs.digest or ours.get(theirs.uri) == theirs.digest
