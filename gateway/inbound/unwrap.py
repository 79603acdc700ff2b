"""A verified envelope with a sealed part: told from its copies, opened, answered, handed on.

Runs inside the transaction of ``receive``, with what ``deliver`` or
``correlate`` make of the document.
"""

import asyncio
from dataclasses import dataclass, replace

from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec
from gateway.codecs.sealing import unseal
from gateway.codecs.xml import XmlLimits, parse_untrusted
from gateway.domain.addressbook import AddressBook
from gateway.domain.envelope import APPREC_ACTION, CLOCK_TOLERANCE, MessageHeader
from gateway.domain.identifiers import MessageId, msg_id_key
from gateway.domain.receipt import ApplicationReceipt
from gateway.envelopes import Answered, Envelopes
from gateway.errors import (
    BadReceipt,
    CannotUnseal,
    GatewayError,
    InconsistentEnvelope,
    NotAddressedToUs,
    TimeToLivePassed,
)
from gateway.inbound.correlation import Correlation
from gateway.inbound.deliver import Deliver
from gateway.inbound.entries import arrive, entry_of, save, set_apart, still_unusable
from gateway.inbound.first_answers import CopyKey, FirstAnswers
from gateway.inbound.opened import opened
from gateway.inbound.received import LARGE_BYTES, Verified, business_part, warnings_of
from gateway.inbound.refuse import Refuse
from gateway.ports import Arrival, Clock, GiveUp, Keys, NewId, Transaction
from gateway.sending import send

_MAY_BE_OURS = (CannotUnseal, NotAddressedToUs)  # a key, or a service in the address book, is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrap:
    """Take one envelope to its end: a message, an AppRec, a copy of either, or a refusal."""

    clock: Clock
    new_id: NewId
    book: AddressBook
    keys: Keys
    envelopes: Envelopes
    first_answers: FirstAnswers
    refuse: Refuse
    deliver: Deliver
    correlate: Correlation
    give_up: GiveUp
    xml_limits: XmlLimits

    async def __call__(self, tx: Transaction, arrival: Arrival, verified: Verified) -> str:
        """Read what ``verified`` carries; returns what kind of mail it turned out to be.

        An envelope that was answered before gets that answer again; each other one gets
        one answer, in this transaction.

        Raises:
            LeaseLost: a copy of this envelope was read a moment ago; undo, and read again.
        """
        header = verified.envelope.header
        to = Answered.of(header, verified.partner)
        key = key_of(header)
        seen = await self.first_answers.to(tx, key)
        again = seen is not None and seen.arrival_id == arrival.arrival_id
        if seen is not None and not again:
            if seen.fingerprint == verified.fingerprint:
                await self.first_answers.repeat(tx, seen, arrival.arrival_id, header.message_id)
                return "duplicate"
            return await self._inconsistent(tx, arrival, verified, to)
        try:
            document = await self._document(verified, arrival)
        except GatewayError as fault:
            if again:  # it has had its one answer
                await self._still_unusable(tx, arrival, header, fault)
            else:
                await self._refuse(tx, arrival, verified, to, key, fault)
                if header.action == APPREC_ACTION and isinstance(fault, _MAY_BE_OURS):
                    # Its sender gives no other one: put right here, it can be heard yet.
                    await set_apart(tx, self.give_up, arrival, fault, self.clock.now())
            return "refused"
        first = seen.reply_id if seen is not None else None
        return await self._handed_on(tx, arrival, verified, to, document, first_reply=first)

    async def _inconsistent(
        self, tx: Transaction, arrival: Arrival, verified: Verified, to: Answered
    ) -> str:
        """Another envelope under an eb:MessageId that was answered before; told once."""
        header = verified.envelope.header
        key = key_of(header).by_bytes(verified.fingerprint)
        seen = await self.first_answers.to(tx, key)
        error = InconsistentEnvelope("eb:MessageId came before with other content")
        if seen is None:
            await self._refuse(tx, arrival, verified, to, key, error)
        elif seen.arrival_id == arrival.arrival_id:
            await self._still_unusable(tx, arrival, header, error)
        else:
            await self.first_answers.repeat(tx, seen, arrival.arrival_id, header.message_id)
            return "duplicate"
        return "refused"

    async def _refuse(
        self,
        tx: Transaction,
        arrival: Arrival,
        verified: Verified,
        to: Answered,
        key: CopyKey,
        error: GatewayError,
    ) -> None:
        entry = entry_of(arrival, verified.envelope.header)
        await self.refuse.envelope(tx, entry, to, error, key=key, fingerprint=verified.fingerprint)

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
                await set_apart(tx, self.give_up, arrival, error, self.clock.now())
                return "apprec"
            return await self.correlate.receipt(tx, arrival, receipt, header)
        letter = opened(document, root, fault, self.deliver.policy)
        entry = entry_of(arrival, header)
        if letter.peek.msg_id:
            # Two envelopes with one document may be read at once; one of them is the first.
            await tx.hold(f"incoming/{header.sender.her}/{msg_id_key(letter.peek.msg_id)}")
        try:
            known = await self.deliver.known(tx, header, letter, entry.entry_id)
        except InconsistentEnvelope as error:
            if first_reply is None:
                await self._refuse(tx, arrival, verified, to, key_of(header), error)
            else:
                await self._still_unusable(tx, arrival, header, error)
            return "refused"
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
        if not self.book.is_own(header.receiver.her):
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

        Where the standard wants the sender told of something that it tolerates, the one
        answer is a Warning, which counts as an acknowledgment (HITS 1172 §4.2.2).
        """
        warnings = warnings_of(verified)
        if warnings:
            reply_id = await self.refuse.warning(tx, to, warnings, entry_id=owner)
        else:
            made = self.envelopes.acknowledgment(to, verified.references, entry_id=owner)
            await send(tx, made, self.new_id())
            reply_id = made.delivery.message_id
        await self.first_answers.remember(
            tx,
            key_of(verified.envelope.header),
            fingerprint=verified.fingerprint,
            reply_id=reply_id,
            arrival_id=arrival.arrival_id,
            entry_id=entry_id,
        )
        return reply_id

    async def _still_unusable(
        self, tx: Transaction, arrival: Arrival, header: MessageHeader, error: GatewayError
    ) -> None:
        entry = entry_of(arrival, header)
        await still_unusable(tx, self.give_up, arrival, entry, error, self.clock.now())


def key_of(header: MessageHeader) -> CopyKey:
    """By what copies of a verified envelope are known."""
    return CopyKey(header.sender.her, header.receiver.her, header.message_id)


def read_receipt(root: etree._Element | None, fault: GatewayError | None) -> ApplicationReceipt:
    """Read what should be an AppRec.

    Raises:
        BadReceipt: it cannot be read, is something else, or says neither yes nor no.
    """
    if root is None:
        raise BadReceipt("not readable XML" if fault is None else fault.detail)
    return parse_apprec(root)
