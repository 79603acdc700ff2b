"""The making of our envelopes: header, wire bytes and the delivery that follows them.

Shared by the three processes: whatever leaves the gateway is made here, signed
with the same key, described by the same monitoring text and given the same
lifetime. Pure but for the clock and the ids, which come in from outside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from cryptography import x509

from gateway.codecs.certificates import (
    load_certificate,
    require_usable_for_sealing,
    require_usable_for_signing,
)
from gateway.codecs.replying import Reply
from gateway.codecs.wrapping import (
    Signer,
    Wrapped,
    wrap_acknowledgment,
    wrap_error,
    wrap_payload,
)
from gateway.domain.addressbook import Entry
from gateway.domain.delivery import Delivery, Purpose
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    APPREC_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    ErrorEntry,
    MessageHeader,
    SignedReference,
    receiver_role_of,
    sender_role_of,
    service_of,
)
from gateway.domain.identifiers import (
    ConversationId,
    CpaId,
    HerId,
    MessageId,
    cpa_id_without_agreement,
)
from gateway.domain.resend import ResendPolicy
from gateway.errors import CannotSeal, CannotSign, GatewayError, UnusableCertificate
from gateway.ports import Clock, Keys, NewId

SERVICE_TYPE = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An envelope of ours: what the journal records, and its wire bytes."""

    delivery: Delivery
    entity: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an answer must know of the envelope it answers.

    ``partner`` sent it to ``own``; the ids are its ids. Its service and action
    are None when they could not be read.
    """

    partner: Entry
    own_her: HerId
    message_id: MessageId
    conversation_id: ConversationId
    cpa_id: CpaId
    service: str | None = None
    action: str | None = None

    @classmethod
    def of(cls, header: MessageHeader, partner: Entry) -> Self:
        """The envelope with ``header`` that ``partner`` sent."""
        return cls(
            partner=partner,
            own_her=header.receiver.her,
            message_id=header.message_id,
            conversation_id=header.conversation_id,
            cpa_id=header.cpa_id,
            service=header.service,
            action=header.action,
        )

    def by(self, own_her: HerId) -> Self:
        """How ``own_her`` answers an envelope that may be for another receiver of ours.

        The CPAId of the envelope is about its own two parties, so another one answers
        as without an agreement.
        """
        if own_her == self.own_her:
            return self
        cpa_id = cpa_id_without_agreement(own_her, self.partner.her)
        return replace(self, own_her=own_her, cpa_id=cpa_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelopes:
    """Make envelopes. Nothing is recorded or sent here.

    Each method raises CannotSign when our own certificate may not sign now.
    """

    keys: Keys
    clock: Clock
    new_id: NewId
    resend: ResendPolicy
    description: str  # monitoring JSON (HITS 1210)
    address_of: Callable[[HerId], str]  # our EDI address of a sender; bounces come back to it

    def message(
        self,
        document: bytes,
        *,
        message_type: str,
        namespace: str,
        version: str,
        sender: Entry,
        receiver: Entry,
        conversation_id: ConversationId,
        ref_to_message_id: MessageId | None,
        entry_id: str,
        parent: MessageId | None = None,
    ) -> Made:
        """A dialogue message in an envelope of its own (HISD 1209 §3 for service and roles).

        Raises:
            CannotSeal: no certificate of the receiver may be used now.
        """
        header = MessageHeader(
            sender=EbParty(her=sender.her, role=sender_role_of(message_type)),
            receiver=EbParty(her=receiver.her, role=receiver_role_of(message_type)),
            cpa_id=cpa_id_without_agreement(sender.her, receiver.her),
            conversation_id=conversation_id,
            service=service_of(message_type),
            service_type=SERVICE_TYPE,
            action=message_type,
            message_id=MessageId(self.new_id()),
            timestamp=self.clock.now(),
            ref_to_message_id=ref_to_message_id,
            duplicate_elimination=True,
            description=self.description,
        )
        wrapped = self._payload(header, document, namespace, version, receiver)
        return self._made(header, wrapped, Purpose.MESSAGE, receiver, entry_id, parent)

    def receipt(self, reply: Reply, *, to: Answered, entry_id: str) -> Made:
        """An AppRec: the service of the message it answers, roles swapped (HISD 1209 §3).

        Raises:
            CannotSeal: no certificate of the receiver may be used now.
        """
        message_type = to.action or ""
        header = MessageHeader(
            sender=EbParty(her=to.own_her, role=receiver_role_of(message_type)),
            receiver=EbParty(her=to.partner.her, role=sender_role_of(message_type)),
            cpa_id=to.cpa_id,
            conversation_id=to.conversation_id,
            service=to.service or service_of(message_type),
            service_type=SERVICE_TYPE,
            action=APPREC_ACTION,
            message_id=MessageId(self.new_id()),
            timestamp=self.clock.now(),
            ref_to_message_id=to.message_id,
            duplicate_elimination=True,
            description=self.description,
        )
        wrapped = self._payload(
            header, reply.document, reply.namespace, reply.version.value, to.partner
        )
        return self._made(header, wrapped, Purpose.RECEIPT, to.partner, entry_id)

    def acknowledgment(
        self, to: Answered, references: Sequence[SignedReference], *, entry_id: str
    ) -> Made:
        """The Acknowledgment of an envelope, repeating its references (HITS 1171 §5.2.3.3)."""
        header = self._signal(to, ACKNOWLEDGMENT_ACTION, None)
        acknowledgment = Acknowledgment(
            ref_to_message_id=to.message_id,
            timestamp=header.timestamp,
            references=tuple(references),
            sender_her=to.own_her,
        )
        wrapped = wrap_acknowledgment(header, acknowledgment, signer=self._signer(header))
        return self._made(header, wrapped, Purpose.SIGNAL, to.partner, entry_id)

    def error(self, to: Answered, errors: tuple[ErrorEntry, ...], *, entry_id: str) -> Made:
        """The MessageError about an envelope (HIS 1037 §7.2)."""
        header = self._signal(to, ERROR_ACTION, to.message_id)
        wrapped = wrap_error(header, errors, signer=self._signer(header))
        return self._made(header, wrapped, Purpose.SIGNAL, to.partner, entry_id)

    def _signal(self, to: Answered, action: str, ref: MessageId | None) -> MessageHeader:
        return MessageHeader(
            sender=EbParty(her=to.own_her),
            receiver=EbParty(her=to.partner.her),
            cpa_id=to.cpa_id,
            conversation_id=to.conversation_id,
            service=SIGNAL_SERVICE,
            action=action,
            message_id=MessageId(self.new_id()),
            timestamp=self.clock.now(),
            ref_to_message_id=ref,
            description=self.description,
        )

    def _payload(
        self, header: MessageHeader, document: bytes, namespace: str, version: str, to: Entry
    ) -> Wrapped:
        return wrap_payload(
            header,
            document,
            namespace=namespace,
            version=version,
            receiver=sealing_certificate(to, header.timestamp),
            signer=self._signer(header),
            part_id=self.new_id(),
        )

    def _signer(self, header: MessageHeader) -> Signer:
        require_able_to_sign(self.keys, header.timestamp)
        pair = self.keys.signing
        return Signer(private_key=pair.private_key, certificate=pair.certificate)

    def _made(
        self,
        header: MessageHeader,
        wrapped: Wrapped,
        purpose: Purpose,
        to: Entry,
        entry_id: str,
        parent: MessageId | None = None,
    ) -> Made:
        delivery = Delivery(
            message_id=header.message_id,
            purpose=purpose,
            entry_id=entry_id,
            conversation_id=header.conversation_id,
            cpa_id=header.cpa_id,
            sender_her=header.sender.her,
            receiver_her=header.receiver.her,
            service=header.service,
            action=header.action,
            mail_from=self.address_of(header.sender.her),
            mail_to=to.edi,
            created_at=header.timestamp,
            time_to_live=self.resend.lives_until(header.timestamp),
            due_at=header.timestamp + self.resend.attempt_guard,
            references=wrapped.references,
            parent=parent,
        )
        return Made(delivery=delivery, entity=wrapped.entity)


def require_able_to_sign(keys: Keys, at: datetime) -> None:
    """Raise unless we may sign at ``at`` (aware): partners refuse what we sign all the same.

    Raises:
        CannotSign: our signing certificate is outside its dates, or not for signing.
    """
    try:
        require_usable_for_signing(keys.signing.certificate, at)
    except UnusableCertificate as error:
        raise CannotSign(error.detail) from None


def sealing_certificate(entry: Entry, at: datetime) -> x509.Certificate:
    """The receiver's certificate to seal for: the one issued last of those usable at ``at``.

    Raises:
        CannotSeal: none is registered, or none may be used now.
    """
    usable = []
    reason = CannotSeal(f"{entry.her} has no sealing certificate")
    for der in entry.sealing:
        try:
            certificate = load_certificate(der)
            require_usable_for_sealing(certificate, at)
        except GatewayError as error:
            reason = CannotSeal(error.detail)
        else:
            usable.append(certificate)
    if not usable:
        raise reason
    return max(usable, key=lambda certificate: certificate.not_valid_before_utc)
