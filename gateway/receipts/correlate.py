"""Acknowledgment, MessageError, AppRec, bounce -> what it says about something we sent.

Called inside the transaction of ``inbound.receive``: the receipt and what
follows from it are recorded together or not at all. Nothing is acknowledged
away: a receipt that fits nothing is kept, tried again, and shown to a person.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.codecs.mime import Bounce
from gateway.domain.delivery import Acknowledged, Answered, Delivery, Purpose, Rejected
from gateway.domain.envelope import CLOCK_TOLERANCE, Envelope, EnvelopeKind, MessageHeader
from gateway.domain.identifiers import HerId, MessageId
from gateway.domain.reasons import partner_reason, reason_for
from gateway.domain.receipt import Answer, ApplicationReceipt
from gateway.domain.signal_fit import mismatch
from gateway.errors import (
    ContradictingReceipt,
    GatewayError,
    PartnerRefused,
    ReceiptWithoutMessage,
    ReceiverRefused,
    TransportRefused,
)
from gateway.ports import Arrival, Clock, GiveUp, JournalEvent, Orphan, Transaction
from gateway.receipts.conclude import Conclude, Detail, event_about, letter_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlate:
    """Match what came back with what we sent."""

    clock: Clock
    conclude: Conclude
    give_up: GiveUp
    orphan_wait: timedelta

    async def signal(self, tx: Transaction, arrival: Arrival, envelope: Envelope) -> str:
        """Take in a verified Acknowledgment or MessageError; returns what became of it.

        Its header must fit the envelope it is about (``domain.signal_fit``). A
        MessageError that names no envelope is about the only one that it can be
        about; where there are none or several, a person has to look.
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
        if why := mismatch(envelope, delivery):
            await self.conclude.contradicted(tx, arrival, delivery, ContradictingReceipt(why))
            return "contradicted"
        reasons = tuple(partner_reason(error.code, error.text) for error in envelope.errors)
        if delivery.purpose is Purpose.SIGNAL:
            # Nobody may answer a signal (HITS 1171 §8.1); it ended when it was sent.
            code = reasons[0].code if reasons else None
            now = self.clock.now()
            await tx.record(event_about(delivery, arrival, "signal_answered", now, code=code))
            return "signal"
        findings: Detail = dict.fromkeys(envelope.findings, True)
        if header.cpa_id != delivery.cpa_id:
            findings["cpa_id_differs"] = True
        if envelope.kind is EnvelopeKind.ACKNOWLEDGMENT or envelope.is_warning:
            findings |= {reason.code: "warning" for reason in reasons}
            return await self.conclude(tx, arrival, delivery, Acknowledged(), reasons, findings)
        return await self.conclude(tx, arrival, delivery, Rejected(), reasons, findings)

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
        return await self.conclude(
            tx, arrival, delivery, Answered(receipt.answer), reasons, findings
        )

    async def bounce(self, tx: Transaction, arrival: Arrival, bounce: Bounce) -> str:
        """Take in a delivery report. It is not signed: it stops attempts, it proves nothing."""
        attempt = None
        for mail_id in (bounce.original_envelope_id, bounce.original_message_id):
            attempt = attempt or (await tx.attempt_by_mail(mail_id) if mail_id else None)
        delivery = None if attempt is None else await tx.delivery(attempt.message_id)
        if delivery is None:
            await self._park(tx, arrival, TransportRefused("a bounce for a mail not known here"))
            return "bounce"
        now, status = self.clock.now(), bounce.status
        await tx.record(event_about(delivery, arrival, "bounced", now, detail={"status": status}))
        if bounce.is_permanent:
            await self.give_up.delivery(
                tx, delivery, TransportRefused(f"bounced with status {status}")
            )
        return "bounce"

    async def fault(self, tx: Transaction, arrival: Arrival, mail_ids: tuple[str, ...]) -> str:
        """Take in a SOAP Fault: the partner could not read a mail of ours (HITS 1172 §4.2.2)."""
        for mail_id in mail_ids:
            attempt = await tx.attempt_by_mail(mail_id)
            delivery = None if attempt is None else await tx.delivery(attempt.message_id)
            if delivery is not None:
                now = self.clock.now()
                await tx.record(event_about(delivery, arrival, "soap_fault", now))
                await self.give_up.delivery(
                    tx, delivery, PartnerRefused("answered by a SOAP Fault")
                )
                return "fault"
        await self._park(tx, arrival, PartnerRefused("a SOAP Fault for a mail not known here"))
        return "fault"

    async def _park(self, tx: Transaction, arrival: Arrival, error: GatewayError) -> None:
        await self.give_up.letter(tx, letter_about(arrival, error, self.clock.now()))

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


def _about(envelope: Envelope) -> MessageId | None:
    if envelope.acknowledgment is not None:
        return envelope.acknowledgment.ref_to_message_id
    return envelope.header.ref_to_message_id
