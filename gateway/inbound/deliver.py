"""A dialogue message from a partner: screen it, and queue it for the EPJ or refuse it.

Runs inside the transaction of ``receive``. The AppRec is not made here: a
positive one needs the EPJ's word that the message is stored (``receipts.confirm``);
only a message that cannot or must not be taken in is answered at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.codecs.replying import Origin, origin_of
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.delivery import Transport
from gateway.domain.envelope import MessageHeader
from gateway.domain.findings import Screening
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Incoming, Side
from gateway.domain.message import DEVIATION
from gateway.domain.receivers import own_receivers
from gateway.domain.resend import ConfirmationPolicy
from gateway.domain.rules.receivers import about_admitted
from gateway.domain.screening import ScreeningPolicy, ThreadFacts, is_urgent
from gateway.envelopes import Answered
from gateway.errors import (
    AttachmentsRemoved,
    DeviationReported,
    GatewayError,
    InconsistentEnvelope,
)
from gateway.inbound.entries import facts_of
from gateway.inbound.epj_incoming import for_the_epj
from gateway.inbound.opened import Opened
from gateway.inbound.refuse import Refuse
from gateway.inbound.screened import screened
from gateway.ports import Clock, DeadLetter, GiveUp, JournalEvent, NewId, Transaction
from gateway.sending import send_again
from gateway.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Take a message in for the EPJ, or refuse it with every reason of the deciding stage."""

    clock: Clock
    new_id: NewId
    book: AddressBook
    refuse: Refuse
    give_up: GiveUp
    policy: ScreeningPolicy
    confirmations: ConfirmationPolicy
    threads: Threads

    async def known(
        self, tx: Transaction, header: MessageHeader, letter: Opened, entry_id: str
    ) -> Incoming | None:
        """The entry that carried the same document, for the same receiver, in an earlier envelope.

        One that names several receivers of ours was taken in for all of them.

        Raises:
            InconsistentEnvelope: the MsgId stood for another document before. It gets no
                AppRec, which would speak of that other one (HIS 80415 §3.1).
        """
        earlier = await self._same_id(tx, header.sender.her, letter, entry_id)
        if earlier and (first := earlier[0].document_digest) not in (None, *letter.digests):
            raise InconsistentEnvelope(
                f"MsgId came before with other content: {first}, now {letter.digest}"
            )
        for entry in earlier:
            if entry.document_digest in letter.digests and header.receiver.her in entry.receivers:
                return entry
        return None

    async def repeat(self, tx: Transaction, entry: Incoming) -> None:
        """A known document in a new envelope: not passed on, and no second AppRec (HIS 80415).

        Every AppRec of ours that never got its acknowledgment goes out again as it was.
        """
        now, resend = self.clock.now(), self.refuse.envelopes.resend
        await tx.record(
            JournalEvent.about(entry, "duplicate_document", at=now, detail=facts_of(entry))
        )
        for receipt in await tx.receipts(entry.entry_id):
            if receipt.message_id is None:
                continue
            delivery = await tx.delivery(receipt.message_id)
            if delivery is not None and delivery.transport is not Transport.ACKNOWLEDGED:
                await send_again(tx, delivery, self.new_id(), now=now, resend=resend)

    async def __call__(
        self,
        tx: Transaction,
        entry: Incoming,
        header: MessageHeader,
        to: Answered,
        letter: Opened,
        *,
        extra_parts: tuple[int, ...] = (),
    ) -> Incoming:
        """Screen one message and record what follows; returns the entry as it stands then.

        Args:
            tx: the transaction of ``receive``.
            entry: the ledger entry, with the facts of the envelope.
            header: the verified header.
            to: how to answer the envelope.
            letter: what was in its sealed part.
            extra_parts: sizes of further MIME parts: attachments, whatever they hold.
        """
        message_type = None if letter.peek.type is None else letter.peek.type.value
        earlier = await self._same_id(tx, header.sender.her, letter, entry.entry_id)
        receivers = self._receivers(header.receiver.her, letter, earlier)
        entry = replace(
            entry,
            msg_id=letter.peek.msg_id,
            message_type=message_type,
            document_digest=letter.digest,
            receivers=tuple(receiver.her for receiver in receivers),
        )
        await tx.add_document(entry.entry_id, letter.body)
        thread = await self._thread(tx, letter, header)
        screening, body = screened(
            letter,
            header,
            book=self.book,
            policy=self.policy,
            extra_parts=extra_parts,
            thread=thread,
        )
        origins = [origin_of(header, to.partner, receiver) for receiver in receivers]
        if screening.rejections:
            return await self.refuse.document(
                tx, entry, to, origins, letter.body, screening.rejections
            )
        if message_type == DEVIATION:
            return await self._to_the_operator(tx, entry, to, origins, letter)
        return await self._hand_over(
            tx, entry, header, letter, body, receivers[0], screening, extra_parts
        )

    def _receivers(self, to_her: HerId, letter: Opened, earlier: Sequence[Incoming]) -> list[Entry]:
        """Whom of ours this copy of the document is for, the envelope's receiver first.

        None that an earlier copy was taken in, or refused, for: one AppRec each,
        for the first copy only (HIS 80415 §3.1).
        """
        told = {her for entry in earlier for her in entry.receivers} - {to_her}
        copies = [party.named_by(to_her).her for party in letter.copies]
        named = own_receivers(self.book, to_her, letter.peek.receiver_her, copies)
        found = [self.book.by_her(her) for her in named if her not in told]
        return [entry for entry in found if entry is not None]

    async def _thread(
        self, tx: Transaction, letter: Opened, header: MessageHeader
    ) -> ThreadFacts | None:
        """What is known of the thread that the message names (R-39, R-43)."""
        if letter.document is None or letter.document.message.conversation is None:
            return None
        message, partner_her = letter.document.message, header.sender.her
        parent = await self.threads.parent(tx, message, partner_her)
        return self.threads.facts(
            message, parent, own_her=header.receiver.her, partner_her=partner_her
        )

    async def _hand_over(
        self,
        tx: Transaction,
        entry: Incoming,
        header: MessageHeader,
        letter: Opened,
        body: bytes,
        receiver: Entry,
        screening: Screening,
        extra: tuple[int, ...],
    ) -> Incoming:
        assert letter.document is not None
        message = letter.document.message
        now = self.clock.now()
        removed = (len(message.attachments) + len(extra)) if screening.strips else 0
        await tx.put(
            for_the_epj(
                self.new_id(),
                message,
                body,
                header,
                receiver=receiver,
                others=entry.receivers[1:],
                screening=screening,
                is_urgent=is_urgent(message, self.policy),
                removed=removed,
            )
        )
        await self.threads.join(
            tx,
            message,
            side=Side.INCOMING,
            entry_id=entry.entry_id,
            own_her=header.receiver.her,
            partner_her=header.sender.her,
            message_id=entry.message_id,
            conversation_id=entry.conversation_id,
            reply_expected=not about_admitted(receiver, self.book.by_her(header.sender.her)),
        )
        findings: dict[str, str] = {}
        for one in screening.findings:
            name = f"{one.rule} {one.cls.value}"
            findings[name] = f"{findings[name]},{one.code}" if name in findings else one.code
        detail = {**facts_of(entry), "removed": removed, **findings}
        await tx.record(JournalEvent.about(entry, "handed_to_epj", at=now, detail=detail))
        if removed:
            await self._ask_the_operator(tx, entry, AttachmentsRemoved(), "follow-up")
        due_at = self.confirmations.next_look(now, now)
        return replace(entry, handed_at=now, due_at=due_at)

    async def _to_the_operator(
        self,
        tx: Transaction,
        entry: Incoming,
        to: Answered,
        origins: Sequence[Origin],
        letter: Opened,
    ) -> Incoming:
        """A report of a fault in a message of ours (R-44): kept, answered, and an operator told.

        The operator's desk is the receiving application, so its AppRec needs no
        word of the EPJ. The letter stays until a person has closed it.
        """
        await self._ask_the_operator(tx, entry, DeviationReported(), "deviation")
        return await self.refuse.accept_for_operator(tx, entry, to, origins, letter.body)

    async def _ask_the_operator(
        self, tx: Transaction, entry: Incoming, error: GatewayError, matter: str
    ) -> None:
        """A letter outside the ledger: the message goes its way, and a person has a task."""
        await self.give_up.letter(
            tx,
            DeadLetter.about(
                error, f"{matter}/{entry.entry_id}", since=self.clock.now(), entry_id=entry.entry_id
            ),
        )

    async def _same_id(
        self, tx: Transaction, sender_her: HerId, letter: Opened, entry_id: str
    ) -> list[Incoming]:
        """Earlier entries under this MsgId from this sender, oldest first."""
        msg_id: MsgId | None = letter.peek.msg_id
        if not msg_id:
            return []
        return [
            entry
            for entry in await tx.incoming_by_msg_id(msg_id)
            if entry.sender_her == sender_her and entry.entry_id != entry_id
        ]
