"""A dialogue message from a partner: screen it, and queue it for the EPJ or refuse it.

Runs inside the transaction of ``receive``. The AppRec is not made here: a
positive one needs the EPJ's word that the message is stored (``receipts.confirm``);
only a message that cannot or must not be taken in is answered at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.codecs.document import text_only
from gateway.codecs.document_signature import signature_findings
from gateway.codecs.replying import Origin, origin_of
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.addressing import address_incoming
from gateway.domain.delivery import Transport
from gateway.domain.envelope import MessageHeader
from gateway.domain.findings import (
    Direction,
    Finding,
    FindingClass,
    Screening,
    Stage,
    Verdict,
    rejection_from,
)
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Incoming, Side
from gateway.domain.message import DEVIATION, Attachment, Carrier, kind_word
from gateway.domain.receivers import own_receivers
from gateway.domain.resend import ConfirmationPolicy
from gateway.domain.screening import ScreeningPolicy, ThreadFacts, is_urgent, screen
from gateway.envelopes import Answered, send_again
from gateway.errors import DeviationReported
from gateway.inbound.opened import Opened
from gateway.inbound.refuse import Refuse
from gateway.ports import (
    Clock,
    DeadLetter,
    GiveUp,
    JournalEvent,
    NewId,
    OutboundMessage,
    Transaction,
)
from gateway.queues import Queue
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
        """
        for entry in await self._same_id(tx, header.sender.her, letter, entry_id):
            if entry.document_digest == letter.digest and header.receiver.her in entry.receivers:
                return entry
        return None

    async def repeat(self, tx: Transaction, entry: Incoming) -> None:
        """A known document in a new envelope: not passed on, and no second AppRec (HIS 80415).

        Every AppRec of ours that never got its acknowledgment goes out again as it was.
        """
        await tx.record(self._event("duplicate_document", entry))
        now, resend = self.clock.now(), self.refuse.envelopes.resend
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
        # The first content under a MsgId is the one that it names.
        reused = bool(earlier) and earlier[0].document_digest != letter.digest
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
        screening = self._screened(letter, header, extra_parts, thread, reused=reused)
        origins = [origin_of(header, to.partner, receiver) for receiver in receivers]
        if screening.rejections:
            return await self.refuse.document(
                tx, entry, to, origins, letter.body, screening.rejections
            )
        if message_type == DEVIATION:
            return await self._to_the_operator(tx, entry, to, origins, letter)
        return await self._hand_over(
            tx, entry, header, letter, receivers[0], screening, extra_parts
        )

    def _receivers(self, to_her: HerId, letter: Opened, earlier: Sequence[Incoming]) -> list[Entry]:
        """Whom of ours this copy of the document is for, the envelope's receiver first.

        None that an earlier copy was taken in, or refused, for: one AppRec each,
        for the first copy only (HIS 80415 §3.1).
        """
        same = [entry for entry in earlier if entry.document_digest == letter.digest]
        told = {her for entry in same for her in entry.receivers} - {to_her}
        copies = [party.her for party in letter.copies]
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

    def _screened(
        self,
        letter: Opened,
        header: MessageHeader,
        extra: tuple[int, ...],
        thread: ThreadFacts | None,
        *,
        reused: bool,
    ) -> Screening:
        if letter.document is None:
            assert letter.error is not None
            rejections = rejection_from(letter.error, Direction.INCOMING)
            return Screening(verdict=Verdict.REJECT, findings=rejections)
        message = letter.document.message
        if extra:
            parts = tuple(_attached_part(number, size) for number, size in enumerate(extra, 2))
            message = replace(message, attachments=(*message.attachments, *parts))
        addressing = address_incoming(
            message,
            self.book,
            from_her=header.sender.her,
            to_her=header.receiver.her,
            policy=self.policy,
        )
        more = list(addressing.findings)
        if header.action != message.type.value:
            more.append(_action_differs())
        if reused:
            more.append(_identifier_reused())
        more += signature_findings(letter.document, Direction.INCOMING)
        return screen(
            message,
            direction=Direction.INCOMING,
            policy=self.policy,
            more=more,
            thread=thread,
        )

    async def _hand_over(
        self,
        tx: Transaction,
        entry: Incoming,
        header: MessageHeader,
        letter: Opened,
        receiver: Entry,
        screening: Screening,
        extra: tuple[int, ...],
    ) -> Incoming:
        assert letter.document is not None
        message = letter.document.message
        now = self.clock.now()
        removed = (len(message.attachments) + len(extra)) if screening.strips else 0
        headers: dict[str, str | int | bool] = {
            "x-sender-her": header.sender.her,
            "x-receiver-her": header.receiver.her,
            "x-urgent": is_urgent(message, self.policy),
            "x-removed-attachments": removed,
        }
        if len(entry.receivers) > 1:
            headers["x-other-receivers"] = ",".join(entry.receivers[1:])
        if receiver.service_code is not None:
            headers["x-service-code"] = receiver.service_code
        if message.conversation is not None:
            headers["x-ref-to-parent"] = message.conversation.parent
        await tx.put(
            OutboundMessage(
                outbox_id=self.new_id(),
                queue=Queue.EPJ_INCOMING,
                body=text_only(letter.body, letter.document, screening),
                content_type="application/xml",
                message_id=message.msg_id,
                correlation_id=header.conversation_id,
                type=message.type.value,
                headers=headers,
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
        )
        findings = {f"{f.rule} {f.cls.value}": f.code for f in screening.findings}
        await tx.record(
            self._event("handed_to_epj", entry, detail={"removed": removed, **findings})
        )
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
        error = DeviationReported()
        await self.give_up.letter(
            tx,
            DeadLetter(
                letter_id=f"deviation/{entry.entry_id}",
                side=None,
                code=error.code,
                since=self.clock.now(),
                entry_id=entry.entry_id,
                detail=error.detail,
            ),
        )
        return await self.refuse.accept_for_operator(tx, entry, to, origins, letter.body)

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

    def _event(
        self,
        name: str,
        entry: Incoming,
        *,
        detail: dict[str, str | int | bool | None] | None = None,
    ) -> JournalEvent:
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            side=Side.INCOMING,
            entry_id=entry.entry_id,
            message_id=entry.message_id,
            detail={
                "partner": entry.sender_her,
                "type": kind_word(entry.message_type or entry.action),
                **(detail or {}),
            },
        )


def _attached_part(number: int, size: int) -> Attachment:
    return Attachment(
        carrier=Carrier.PART,
        mime="application/octet-stream",
        bytes=size,
        where=f"MIME part {number + 1}",
    )


def _action_differs() -> Finding:
    return Finding(
        rule="R-42",
        cls=FindingClass.REJECT,
        stage=Stage.FORMAT,
        code="EPJ_SCHEMA",
        apprec="T99",
        text_nb="Meldingstypen i konvolutten (eb:Action) er en annen enn i meldingen.",
        text_en="The message kind of the envelope (eb:Action) differs from that of the message.",
        where="/MsgHead/MsgInfo/Type",
    )


def _identifier_reused() -> Finding:
    return Finding(
        rule="R-64",
        cls=FindingClass.REJECT,
        stage=Stage.IDENTIFIER,
        code="EPJ_DUPLICATE",
        apprec="E10",
        text_nb="MsgId er brukt før, med et annet innhold. Send på nytt med ny MsgId.",
        text_en="The MsgId was used before with other content. Send again with a new MsgId.",
        where="/MsgHead/MsgInfo/MsgId",
    )
