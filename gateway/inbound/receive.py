"""One mail: verified, classified, and handed to who reads its kind.

All of it in one journal transaction with what ``deliver`` or ``correlate`` make
of it: after a crash the mail is either not read yet or read to the end.
"""

import asyncio
import traceback
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from gateway.codecs.mime import Bounce, MailLimits, mail_id_of
from gateway.codecs.xml import XmlLimits
from gateway.domain.addressbook import AddressBook
from gateway.domain.envelope import APPREC_ACTION, EnvelopeKind
from gateway.domain.identifiers import ConversationId, CpaId, mail_id_digest
from gateway.envelopes import Answered
from gateway.errors import (
    Disposition,
    GatewayError,
    InternalFault,
    NotAddressedToUs,
)
from gateway.inbound.correlation import Correlation
from gateway.inbound.entries import (
    bury,
    close_if_no_message,
    entry_for,
    set_apart,
    still_unusable,
)
from gateway.inbound.first_answers import CopyKey, FirstAnswers
from gateway.inbound.received import (
    LARGE_BYTES,
    Received,
    Refusable,
    SoapFault,
    Unvouched,
    Verified,
    envelope_id,
    read_received,
)
from gateway.inbound.refuse import Refuse
from gateway.inbound.unwrap import Unwrap
from gateway.ports import (
    Arrival,
    Clock,
    GiveUp,
    Journal,
    QueueMessage,
    Transaction,
)
from gateway.queues import read_arrival_notice

log = structlog.get_logger(__name__)

MOST_CRASHES = 3  # reading one mail may end so many readers before it is set aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """Read what ``intake`` stored."""

    journal: Journal
    clock: Clock
    book: AddressBook
    first_answers: FirstAnswers
    refuse: Refuse
    unwrap: Unwrap
    correlate: Correlation
    give_up: GiveUp
    mail_limits: MailLimits
    xml_limits: XmlLimits

    async def __call__(self, notice: QueueMessage) -> None:
        """Read one arrival to its end; a second notice for it is no news.

        Raises:
            JournalUnavailable, CannotSign: nothing was recorded; the notice must come again.
            MalformedMessage: the notice names nothing.
        """
        arrival_id = read_arrival_notice(notice)
        counted = notice.redelivered and not notice.retried
        if counted and not await self._may_try_again(arrival_id):
            return
        try:
            async with self.journal.transaction() as tx:
                arrival = await tx.arrival(arrival_id)
                if arrival is None or arrival.kind is not None:
                    return
                read = await self._read(tx, arrival, await tx.raw(arrival_id))
                if read.kind != "message":
                    await close_if_no_message(tx, read, self.clock.now())
                await tx.save_arrival(read)
        except GatewayError as error:
            if error.disposition is Disposition.RETRY:
                if counted:
                    await self._uncount(arrival_id)
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
        await self._end_unread(arrival_id, InternalFault("reading it ended its reader"))
        return False

    async def _uncount(self, arrival_id: str) -> None:
        """The surroundings kept it from being read, and its reader lives."""
        async with self.journal.transaction() as tx:
            arrival = await tx.arrival(arrival_id)
            if arrival is not None and arrival.crashes:
                await tx.save_arrival(replace(arrival, crashes=arrival.crashes - 1))

    async def _crashed(self, arrival_id: str, error: Exception, reason: str) -> None:
        # Where it happened, but not the text of the error: it may quote the message.
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        log.error("arrival_crashed", arrival_id=arrival_id, reason=reason, where=where)
        await self._end_unread(arrival_id, InternalFault(reason))

    async def _read(self, tx: Transaction, arrival: Arrival, raw: bytes) -> Arrival:
        """The arrival as it is by now: what it was found to be, and by which ids to find it."""
        mail_id = mail_id_of(raw, limits=self.mail_limits)
        arrival = replace(arrival, mail_digest=mail_id and mail_id_digest(mail_id))
        try:
            received = await self._received(raw, arrival.received_at)
        except GatewayError as error:
            await self._bury(tx, arrival, error)
            return replace(arrival, kind="not-ebxml")
        kind = await self._handled(tx, arrival, received)
        return replace(arrival, kind=kind, message_id=envelope_id(received))

    async def _handled(self, tx: Transaction, arrival: Arrival, received: Received) -> str:
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
                return await self.unwrap(tx, arrival, received)

    async def _received(self, raw: bytes, at: datetime) -> Received:
        """Judged as of when it came: how long it then lay with us is not the sender's matter."""

        def read() -> Received:
            return read_received(
                raw,
                book=self.book,
                at=at,
                mail_limits=self.mail_limits,
                xml_limits=self.xml_limits,
            )

        return await asyncio.to_thread(read) if len(raw) > LARGE_BYTES else read()

    async def _signal(self, tx: Transaction, arrival: Arrival, verified: Verified) -> str:
        header = verified.envelope.header
        if not self.book.is_own(header.receiver.her):
            await self._set_apart(tx, arrival, NotAddressedToUs(f"signal to {header.receiver.her}"))
            return "signal"
        return await self.correlate.signal(tx, arrival, verified.envelope)

    async def _unvouched(self, tx: Transaction, arrival: Arrival, mail: Unvouched) -> str:
        if mail.peek.is_signal or mail.peek.action == APPREC_ACTION:
            await self._set_apart(tx, arrival, mail.error)
            return "unknown-partner"
        await self._bury(tx, arrival, mail.error)
        return "unknown-partner"

    async def _refused(self, tx: Transaction, arrival: Arrival, refused: Refusable) -> str:
        """An envelope that did not hold: told to the party that the address book vouches for."""
        peek, error = refused.peek, refused.error
        if peek.is_signal:
            # Never answer a signal (HITS 1171 §8.1); but a person may want to see it.
            await self._set_apart(tx, arrival, error)
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
        key = CopyKey(peek.sender, peek.receiver, peek.message_id)
        by_bytes = key.by_bytes(refused.fingerprint)
        seen = await self.first_answers.to(tx, by_bytes)
        if seen is not None and seen.arrival_id != arrival.arrival_id:
            await self.first_answers.repeat(tx, seen, arrival.arrival_id, peek.message_id)
            return "duplicate"
        answered = seen or await self.first_answers.to(tx, key)
        if answered is not None and answered.arrival_id == arrival.arrival_id:
            # A person had it read once more: it has had its one answer.
            await still_unusable(tx, self.give_up, arrival, entry, error, self.clock.now())
            return "refused"
        if answered is not None and not refused.is_signed:
            # Nobody vouches for it, and an error would speak of the true message.
            await self._set_apart(tx, arrival, error)
            return "forged-copy"
        await self.refuse.envelope(
            tx, entry, to, error, key=by_bytes, fingerprint=refused.fingerprint
        )
        return "refused"

    async def _bury(self, tx: Transaction, arrival: Arrival, error: GatewayError) -> None:
        """A mail that nobody can be answered for: in the ledger, and before a person."""
        await bury(tx, self.give_up, arrival, entry_for(arrival), error, self.clock.now())

    async def _set_apart(self, tx: Transaction, arrival: Arrival, error: GatewayError) -> None:
        await set_apart(tx, self.give_up, arrival, error, self.clock.now())

    async def _end_unread(self, arrival_id: str, error: InternalFault) -> None:
        """A mail that cannot be read to its end: it must not come again and again."""
        async with self.journal.transaction() as tx:
            arrival = await tx.arrival(arrival_id)
            if arrival is not None and arrival.kind is None:
                await self._bury(tx, arrival, error)
                await tx.save_arrival(replace(arrival, kind="fault"))
