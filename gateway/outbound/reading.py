"""A message of the EPJ from its bytes to a verdict: XML or JSON, in its thread or alone."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.codecs.document import Document, read_document, text_only
from gateway.codecs.document_signature import signature_findings
from gateway.codecs.epj_json import (
    JSON_TYPE,
    document_of,
    facts_of,
    parse_epj_json,
    peek_msg_id,
    reply_to_of,
)
from gateway.codecs.msghead import peek_message
from gateway.codecs.repeating import with_question
from gateway.codecs.xml import XmlLimits, parse_untrusted
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.addressing import address_outgoing
from gateway.domain.findings import Direction, Finding, FindingClass, Screening, rejection_from
from gateway.domain.identifiers import HerId, MsgId, msg_id_key
from gateway.domain.ledger import Removed
from gateway.domain.message import ANSWER, DialogMessage
from gateway.domain.reasons import Reason
from gateway.domain.screening import EpjFacts, ScreeningPolicy, ThreadFacts, screen
from gateway.domain.services import ServiceType
from gateway.domain.thread import Turn
from gateway.errors import Disposition, GatewayError, UnsupportedContentType
from gateway.ports import Clock, Journal, QueueMessage, Transaction
from gateway.threads import Threads

LARGE_BYTES = 500_000  # from here on reading a document would hold up everything else
XML_TYPES = frozenset({"application/xml", "text/xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A queue message as far as it could be read; ``reasons`` are set when it is refused."""

    digest: str  # SHA-256 of the queue message, hex
    msg_id: MsgId | None = None
    sender_her: HerId | None = None
    receiver_her: HerId | None = None
    message_type: str | None = None
    reasons: tuple[Reason, ...] = ()
    message: DialogMessage | None = None
    document: bytes = b""  # as the receiver shall have it
    sender: Entry | None = None
    receiver: Entry | None = None
    removed: tuple[Removed, ...] = ()
    remarks: tuple[Reason, ...] = ()  # findings that do not refuse

    @property
    def key(self) -> str:
        """What no two messages with different bytes may share."""
        if self.msg_id and self.sender_her:
            return f"{self.sender_her}/{msg_id_key(self.msg_id)}"
        return f"#{self.digest}"

    @property
    def key_of_copy(self) -> str:
        """The same for other bytes under a key that is taken; they are refused."""
        return f"{self.key}#{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A document that could be read and is not screened yet."""

    digest: str
    body: bytes
    document: Document
    facts: EpjFacts | None = None
    signature: tuple[Finding, ...] = ()  # what is wrong with the personal one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Read and screen what the EPJ hands in; nothing is recorded here."""

    journal: Journal
    clock: Clock
    book: AddressBook
    services: Sequence[ServiceType]
    policy: ScreeningPolicy
    limits: XmlLimits
    threads: Threads

    async def __call__(self, message: QueueMessage) -> HandedIn:
        """The message as far as it can be read, with every reason to refuse it.

        Raises:
            JournalUnavailable: its thread, or the question it answers, cannot be looked up.
        """
        try:
            return await self._judged(message)
        except GatewayError as error:
            if error.disposition is Disposition.RETRY:
                raise
            if len(message.body) > LARGE_BYTES:
                return await asyncio.to_thread(self._refused, message, error)
            return self._refused(message, error)

    async def _judged(self, message: QueueMessage) -> HandedIn:
        if _media_type(message) == JSON_TYPE:
            draft = await self._composed(message.body)
        elif len(message.body) > LARGE_BYTES:
            draft = await asyncio.to_thread(self._read, message)
        else:
            draft = self._read(message)
        if draft.document.message.conversation is not None:
            return await self._in_its_thread(draft)
        return self._screened(draft)

    def _read(self, message: QueueMessage) -> _Draft:
        if _media_type(message) not in XML_TYPES:
            raise UnsupportedContentType(f"content type {_media_type(message)[:60]!r}")
        document = read_document(message.body, limits=self.limits)
        return _Draft(
            digest=_digest(message.body),
            body=message.body,
            document=document,
            signature=signature_findings(document, Direction.OUTGOING),
        )

    async def _composed(self, body: bytes) -> _Draft:
        """Make the MsgHead that the JSON asks for; the digest is that of the JSON."""
        model = parse_epj_json(body)
        made = document_of(
            model,
            book=self.book,
            services=self.services,
            now=self.clock.now(),
            questions=await self._questions(reply_to_of(model)),
        )
        document = read_document(made, limits=self.limits)
        return _Draft(digest=_digest(body), body=made, document=document, facts=facts_of(model))

    async def _questions(self, reply_to: MsgId | None) -> list[DialogMessage]:
        """What was handed to the EPJ under this MsgId, of whichever partner."""
        if reply_to is None:
            return []
        async with self.journal.transaction() as tx:
            entries = await tx.incoming_by_msg_id(reply_to)
            bodies = [await tx.document(e.entry_id) for e in entries if e.handed_at is not None]
        return [read_document(body, limits=self.limits).message for body in bodies if body]

    async def _in_its_thread(self, draft: _Draft) -> HandedIn:
        """Screen with what is known of the thread that the message names (R-39, R-43, R-83).

        An answer that does not repeat its question gets it from the thread, unless
        a signature would break.
        """
        message = draft.document.message
        async with self.journal.transaction() as tx:
            parent = await self.threads.parent(tx, message, message.receiver.her)
            repeated = None
            if parent is not None and _lacks_question(message):
                repeated = await self._with_question(tx, draft, parent)
        thread = self.threads.facts(
            message,
            parent,
            own_her=message.sender.her,
            partner_her=message.receiver.her,
            question_added=True if repeated is not None else None,
        )
        return self._screened(repeated or draft, thread)

    async def _with_question(self, tx: Transaction, draft: _Draft, parent: Turn) -> _Draft | None:
        """The answer with its question; None where it cannot be had, which R-43 remarks."""
        try:
            asked = await tx.document(parent.entry_id)
            if asked is None:
                return None
            question = read_document(asked, limits=self.limits).message
            body = with_question(draft.document.root, question)
            if body is None:
                return None
            document = read_document(body, limits=self.limits)
        except GatewayError as error:
            if error.disposition is Disposition.RETRY:
                raise
            return None  # no fault of the answer, which must not be kept back for it
        return replace(draft, body=body, document=document)

    def _refused(self, message: QueueMessage, error: GatewayError) -> HandedIn:
        """A message of which no document could be made, with as much of it as can be seen."""
        digest = _digest(message.body)
        reasons = tuple(f.as_reason() for f in rejection_from(error, Direction.OUTGOING))
        if _media_type(message) == JSON_TYPE:
            return HandedIn(digest=digest, msg_id=peek_msg_id(message.body), reasons=reasons)
        try:
            peek = peek_message(parse_untrusted(message.body, limits=self.limits))
        except GatewayError:
            return HandedIn(digest=digest, reasons=reasons)
        return HandedIn(
            digest=digest,
            reasons=reasons,
            msg_id=peek.msg_id,
            sender_her=peek.sender_her,
            receiver_her=peek.receiver_her,
            message_type=None if peek.type is None else peek.type.value,
        )

    def _screened(self, draft: _Draft, thread: ThreadFacts | None = None) -> HandedIn:
        message = draft.document.message
        addressing = address_outgoing(message, self.book, policy=self.policy, epj=draft.facts)
        screening = screen(
            message,
            direction=Direction.OUTGOING,
            policy=self.policy,
            more=(*addressing.findings, *draft.signature),
            epj=draft.facts,
            thread=thread,
            admitted=addressing.admitted,
        )
        refused = tuple(f.as_reason() for f in screening.rejections)
        return HandedIn(
            digest=draft.digest,
            msg_id=message.msg_id,
            sender_her=message.sender.her,
            receiver_her=message.receiver.her,
            message_type=message.type.value,
            reasons=refused,
            message=message,
            document=b"" if refused else text_only(draft.body, draft.document, screening),
            sender=addressing.sender,
            receiver=addressing.receiver,
            removed=_removed(message, screening),
            remarks=tuple(
                f.as_reason() for f in screening.findings if f.cls is not FindingClass.REJECT
            ),
        )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _media_type(message: QueueMessage) -> str:
    return (message.content_type or "application/xml").partition(";")[0].strip().lower()


def _lacks_question(message: DialogMessage) -> bool:
    return (
        message.type.value == ANSWER
        and not message.signed
        and all(note.question is None for note in message.notes)
    )


def _removed(message: DialogMessage, screening: Screening) -> tuple[Removed, ...]:
    if not screening.strips:
        return ()
    return tuple(Removed(mime=a.mime, bytes=a.bytes) for a in message.attachments)
