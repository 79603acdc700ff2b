"""One mail: verify, unseal, classify, drop duplicates, acknowledge, hand on.

All of it in one journal transaction with what ``deliver`` or ``correlate`` make
of it: after a crash the mail is either not read yet or read to the end.
"""

import asyncio
import traceback
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import structlog
from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec
from gateway.codecs.mime import Bounce, MailLimits
from gateway.codecs.sealing import unseal
from gateway.codecs.xml import XmlLimits, parse_untrusted
from gateway.domain.addressbook import AddressBook
from gateway.domain.delivery import Transport
from gateway.domain.envelope import (
    APPREC_ACTION,
    Envelope,
    EnvelopeKind,
    MessageHeader,
    Severity,
)
from gateway.domain.identifiers import ConversationId, CpaId, MessageId
from gateway.domain.ledger import Incoming, Side, State
from gateway.domain.message import kind_word
from gateway.domain.reasons import reason_for
from gateway.domain.receipt import ApplicationReceipt
from gateway.envelopes import Answered, Envelopes, send, send_again
from gateway.errors import (
    BadReceipt,
    Disposition,
    GatewayError,
    InconsistentEnvelope,
    InternalFault,
    LeaseLost,
    NotAddressedToUs,
    TimeToLivePassed,
    UnsupportedFeature,
)
from gateway.inbound.deliver import Deliver
from gateway.inbound.entries import (
    arrive,
    bury,
    close_if_no_message,
    entry_for,
    entry_of,
    letter_about,
    save,
)
from gateway.inbound.opened import opened
from gateway.inbound.received import (
    Received,
    Refusable,
    SoapFault,
    Unvouched,
    Verified,
    business_part,
    read_received,
)
from gateway.inbound.refuse import Refuse
from gateway.ports import (
    Arrival,
    Clock,
    GiveUp,
    Journal,
    JournalEvent,
    Keys,
    NewId,
    QueueMessage,
    Seen,
    Transaction,
)
from gateway.queues import read_arrival_notice, send_order

log = structlog.get_logger(__name__)

LARGE_BYTES = 500_000  # from here on reading a mail would hold up everything else
CLOCK_TOLERANCE = timedelta(minutes=5)
MOST_CRASHES = 3  # reading one mail may end so many readers before it is set aside


class Correlation(Protocol):
    """``receipts.correlate``, as ``receive`` needs it."""

    async def signal(self, tx: Transaction, arrival: Arrival, envelope: Envelope) -> str: ...
    async def receipt(
        self, tx: Transaction, arrival: Arrival, receipt: ApplicationReceipt, header: MessageHeader
    ) -> str: ...
    async def bounce(self, tx: Transaction, arrival: Arrival, bounce: Bounce) -> str: ...
    async def fault(self, tx: Transaction, arrival: Arrival, mail_ids: tuple[str, ...]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """Read what ``intake`` stored."""

    journal: Journal
    clock: Clock
    new_id: NewId
    book: AddressBook
    keys: Keys
    envelopes: Envelopes
    refuse: Refuse
    deliver: Deliver
    correlate: Correlation
    give_up: GiveUp
    mail_limits: MailLimits
    xml_limits: XmlLimits

    async def __call__(self, notice: QueueMessage) -> None:
        """Read one arrival to its end; a second notice for it is no news.

        Raises:
            JournalUnavailable: nothing was recorded; the notice must come again.
            MalformedMessage: the notice names nothing.
        """
        arrival_id = read_arrival_notice(notice)
        if notice.redelivered and not notice.retried and not await self._may_try_again(arrival_id):
            return
        try:
            async with self.journal.transaction() as tx:
                arrival = await tx.arrival(arrival_id)
                if arrival is None or arrival.kind is not None:
                    return
                kind = await self._read(tx, arrival, await tx.raw(arrival_id))
                if kind != "message":
                    await close_if_no_message(tx, arrival, kind, self.clock.now())
                await tx.save_arrival(replace(arrival, kind=kind))
        except GatewayError as error:
            if error.disposition is Disposition.RETRY:
                raise
            await self._crashed(arrival_id, error, error.code)
        except Exception as error:  # a bug ends one mail, not the daemon
            await self._crashed(arrival_id, error, type(error).__name__)

    async def _may_try_again(self, arrival_id: str) -> bool:
        """Count what may have ended its reader; after a few times a person has to look."""
        async with self.journal.transaction() as tx:
            arrival = await tx.arrival(arrival_id)
            if arrival is None or arrival.kind is not None:
                return False
            if arrival.crashes < MOST_CRASHES:
                await tx.save_arrival(replace(arrival, crashes=arrival.crashes + 1))
                return True
        await self._set_aside(arrival_id, InternalFault("reading it ended its reader"))
        return False

    async def _crashed(self, arrival_id: str, error: Exception, reason: str) -> None:
        # Where it happened, but not the text of the error: it may quote the message.
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        log.error("arrival_crashed", arrival_id=arrival_id, reason=reason, where=where)
        await self._set_aside(arrival_id, InternalFault(reason))

    async def _read(self, tx: Transaction, arrival: Arrival, raw: bytes) -> str:
        try:
            received = await self._received(raw)
        except GatewayError as error:
            await self._bury(tx, arrival, error)
            return "not-ebxml"
        match received:
            case Bounce():
                return await self.correlate.bounce(tx, arrival, received)
            case SoapFault():
                return await self.correlate.fault(tx, arrival, received.mail_ids)
            case Unvouched():
                return await self._unvouched(tx, arrival, received)
            case Refusable():
                return await self._refused(tx, arrival, received)
            case Verified() if received.envelope.kind is not EnvelopeKind.PAYLOAD:
                return await self._signal(tx, arrival, received)
            case Verified():
                return await self._payload(tx, arrival, received)

    async def _received(self, raw: bytes) -> Received:
        def read() -> Received:
            return read_received(
                raw,
                book=self.book,
                at=self.clock.now(),
                mail_limits=self.mail_limits,
                xml_limits=self.xml_limits,
            )

        return await asyncio.to_thread(read) if len(raw) > LARGE_BYTES else read()

    async def _signal(self, tx: Transaction, arrival: Arrival, verified: Verified) -> str:
        header = verified.envelope.header
        if not self._is_own(header.receiver.her):
            await self._park(tx, arrival, NotAddressedToUs(f"signal to {header.receiver.her}"))
            return "signal"
        return await self.correlate.signal(tx, arrival, verified.envelope)

    async def _unvouched(self, tx: Transaction, arrival: Arrival, mail: Unvouched) -> str:
        if mail.peek.is_signal or mail.peek.action == APPREC_ACTION:
            await self._park(tx, arrival, mail.error)
            return "unknown-partner"
        await self._bury(tx, arrival, mail.error)
        return "unknown-partner"

    async def _refused(self, tx: Transaction, arrival: Arrival, refused: Refusable) -> str:
        """An envelope that did not hold: told to the party that the address book vouches for."""
        peek, error = refused.peek, refused.error
        if peek.is_signal:
            # Never answer a signal (HITS 1171 §8.1); but a person may want to see it.
            await self._park(tx, arrival, error)
            return "signal"
        entry = entry_for(
            arrival,
            message_id=peek.message_id,
            sender_her=peek.sender,
            receiver_her=peek.receiver,
            service=peek.service,
            action=peek.action,
        )
        to = Answered(
            partner=refused.partner,
            own_her=peek.receiver,
            message_id=peek.message_id,
            conversation_id=peek.conversation_id or ConversationId(peek.message_id),
            cpa_id=peek.cpa_id or CpaId("unknown"),
            action=peek.action,
        )
        await self._refuse_envelope(tx, entry, to, error)
        return "refused"

    async def _payload(self, tx: Transaction, arrival: Arrival, verified: Verified) -> str:
        header = verified.envelope.header
        to = Answered(
            partner=verified.partner,
            own_her=header.receiver.her,
            message_id=header.message_id,
            conversation_id=header.conversation_id,
            cpa_id=header.cpa_id,
            service=header.service,
            action=header.action,
        )
        seen = await tx.seen(header.sender.her, header.receiver.her, header.message_id)
        again = seen is not None and seen.arrival_id == arrival.arrival_id
        if seen is not None and not again:
            if seen.fingerprint == verified.fingerprint:
                await self._repeat(tx, seen)
                return "duplicate"
            error = InconsistentEnvelope("eb:MessageId came before with other content")
            await self._refuse_envelope(tx, entry_of(arrival, header), to, error)
            return "refused"
        try:
            document = await self._document(verified, arrival)
        except GatewayError as fault:
            if again:  # it has had its one answer
                await self._still_unusable(tx, arrival, header, fault)
                return "refused"
            entry = entry_of(arrival, header)
            reply_id = await self._refuse_envelope(tx, entry, to, fault)
            await self._remember(tx, verified, reply_id, arrival, entry.entry_id)
            return "refused"
        first = seen.reply_id if seen is not None else None
        return await self._handed_on(tx, arrival, verified, to, document, first_reply=first)

    async def _handed_on(
        self,
        tx: Transaction,
        arrival: Arrival,
        verified: Verified,
        to: Answered,
        document: bytes,
        *,
        first_reply: MessageId | None,
    ) -> str:
        """What the sealed part holds: an AppRec, or a message for the EPJ.

        ``first_reply`` is how these bytes were answered when they were first read, if they were.
        """
        header = verified.envelope.header
        root, fault = self._tree(document)
        if header.action == APPREC_ACTION or (root is not None and is_apprec(root)):
            if first_reply is None:
                await self._acknowledge(tx, arrival, verified, to, arrival.arrival_id, None)
            try:
                receipt = read_receipt(root, fault)
            except BadReceipt as error:
                await self._park(tx, arrival, error)
                return "apprec"
            return await self.correlate.receipt(tx, arrival, receipt, header)
        letter = opened(document, root, fault)
        entry = entry_of(arrival, header)
        if letter.peek.msg_id:
            # Two envelopes with one document may be read at once; one of them is the first.
            await tx.hold(f"incoming/{header.sender.her}/{letter.peek.msg_id}")
        known = await self.deliver.known(tx, header, letter, entry.entry_id)
        owner = entry.entry_id if known is None else known.entry_id
        if first_reply is None:
            first_reply = await self._acknowledge(tx, arrival, verified, to, owner, owner)
        if known is not None:
            await self.deliver.repeat(tx, known)
            return "duplicate"
        is_new = await arrive(
            tx, entry, self.clock.now(), peek=letter.peek, findings=verified.findings
        )
        business = business_part(verified)
        sizes = tuple(len(part.data) for part in verified.parts if part is not business)
        entry = replace(entry, reply_id=first_reply)
        entry = await self.deliver(tx, entry, header, to, letter, extra_parts=sizes)
        await save(tx, entry, is_new=is_new)
        return "message"

    def _tree(self, document: bytes) -> tuple[etree._Element | None, GatewayError | None]:
        try:
            return parse_untrusted(document, limits=self.xml_limits), None
        except GatewayError as error:
            return None, error

    async def _document(self, verified: Verified, arrival: Arrival) -> bytes:
        """Check what only a payload message must have, and open its sealed part."""
        header = verified.envelope.header
        if not self._is_own(header.receiver.her):
            raise NotAddressedToUs(
                "eb:To is not a service of ours", where="//eb:MessageHeader/eb:To"
            )
        if not header.cpa_id:
            raise NotAddressedToUs("eb:CPAId is empty", where="//eb:MessageHeader/eb:CPAId")
        ttl = header.time_to_live
        # As it arrived: how long it then lay with us is not the sender's matter.
        if ttl is not None and ttl < arrival.received_at - CLOCK_TOLERANCE:
            raise TimeToLivePassed("arrived after eb:TimeToLive", where="//eb:TimeToLive")
        part = business_part(verified)
        keys = [(pair.private_key, pair.certificate) for pair in self.keys.unsealing]
        limit = self.xml_limits.max_bytes
        if len(part.data) <= LARGE_BYTES:
            return unseal(part.data, keys=keys, max_bytes=limit).document
        opened = await asyncio.to_thread(unseal, part.data, keys=keys, max_bytes=limit)
        return opened.document

    async def _acknowledge(
        self,
        tx: Transaction,
        arrival: Arrival,
        verified: Verified,
        to: Answered,
        owner: str,
        entry_id: str | None,
    ) -> MessageId:
        """Acknowledge, and remember the envelope so that a duplicate gets the same answer.

        Where no signed Acknowledgment was asked for, a plain one would break
        ebMS: the answer is a Warning (HITS 1172 §4.2.2).
        """
        if verified.envelope.ack_requested:
            made = self.envelopes.acknowledgment(to, verified.references, entry_id=owner)
            await send(tx, made, self.new_id())
            reply_id = made.delivery.message_id
        else:
            missing = UnsupportedFeature("eb:AckRequested is absent", where="//SOAP:Header")
            reply_id = await self.refuse.envelope(
                tx, to, missing, entry_id=owner, severity=Severity.WARNING
            )
        await self._remember(tx, verified, reply_id, arrival, entry_id)
        return reply_id

    async def _remember(
        self,
        tx: Transaction,
        verified: Verified,
        reply_id: MessageId,
        arrival: Arrival,
        entry_id: str | None,
    ) -> None:
        header = verified.envelope.header
        seen = Seen(
            sender_her=header.sender.her,
            receiver_her=header.receiver.her,
            message_id=header.message_id,
            fingerprint=verified.fingerprint,
            reply_id=reply_id,
            at=self.clock.now(),
            arrival_id=arrival.arrival_id,
            entry_id=entry_id,
        )
        if not await tx.add_seen(seen):
            # Undo all of it; the next try finds the copy that was a moment faster.
            raise LeaseLost("another copy of this envelope was read a moment ago")

    async def _repeat(self, tx: Transaction, seen: Seen) -> None:
        """A duplicate gets the first answer again, byte for byte (HITS 1172 §5.8.2)."""
        reply = await tx.delivery(seen.reply_id)
        if reply is not None and reply.transport is Transport.GIVEN_UP:
            resend = self.envelopes.resend
            await send_again(tx, reply, self.new_id(), now=self.clock.now(), resend=resend)
        elif reply is not None:
            await tx.put(send_order(self.new_id(), seen.reply_id, None))
        await tx.record(
            JournalEvent(
                at=self.clock.now(),
                name="duplicate",
                entry_id=seen.entry_id,
                message_id=seen.message_id,
            )
        )

    async def _refuse_envelope(
        self, tx: Transaction, entry: Incoming, to: Answered, error: GatewayError
    ) -> MessageId:
        reply_id = await self.refuse.envelope(tx, to, error, entry_id=entry.entry_id)
        if to.action != APPREC_ACTION:  # an AppRec is no message of the ledger
            reasons = (reason_for(error),)
            is_new = await arrive(tx, entry, self.clock.now())
            entry = replace(entry, state=State.REJECTED, reply_id=reply_id, reasons=reasons)
            await save(tx, entry, is_new=is_new)
        await tx.record(
            JournalEvent(
                at=self.clock.now(),
                name="message_error",
                side=Side.INCOMING,
                entry_id=entry.entry_id,
                message_id=entry.message_id,
                code=error.code,
                detail={
                    "ebms_error": error.ebms_error,
                    "reason": error.detail,
                    "partner": entry.sender_her,
                    "type": kind_word(entry.action),
                },
            )
        )
        return reply_id

    async def _bury(
        self, tx: Transaction, arrival: Arrival, error: GatewayError, entry: Incoming | None = None
    ) -> None:
        """A mail that nobody can be answered for: in the ledger, and before a person."""
        entry = entry or entry_for(arrival)
        await bury(tx, self.give_up, arrival, entry, error, self.clock.now())

    async def _still_unusable(
        self, tx: Transaction, arrival: Arrival, header: MessageHeader, error: GatewayError
    ) -> None:
        """Bytes that a person had read once more, and that cannot be opened even now."""
        if header.action == APPREC_ACTION:
            await self._park(tx, arrival, error)
        else:
            await self._bury(tx, arrival, error, entry_of(arrival, header))

    async def _park(self, tx: Transaction, arrival: Arrival, error: GatewayError) -> None:
        """A signal or receipt that cannot be used: before a person, outside the ledger."""
        await self.give_up.letter(tx, letter_about(arrival, error, self.clock.now()))

    async def _set_aside(self, arrival_id: str, error: InternalFault) -> None:
        async with self.journal.transaction() as tx:
            arrival = await tx.arrival(arrival_id)
            if arrival is not None and arrival.kind is None:
                await self._bury(tx, arrival, error)
                await tx.save_arrival(replace(arrival, kind="fault"))

    def _is_own(self, her: str) -> bool:
        entry = self.book.by_her(her)
        return entry is not None and entry.own


def read_receipt(root: etree._Element | None, fault: GatewayError | None) -> ApplicationReceipt:
    """Read what should be an AppRec.

    Raises:
        BadReceipt: it cannot be read, is something else, or says neither yes nor no.
    """
    if root is None:
        raise BadReceipt("not readable XML" if fault is None else fault.detail)
    return parse_apprec(root)
