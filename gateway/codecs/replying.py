"""The AppRec that answers one message, made from the message itself (HIS 80415, "speiling")."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway import PRODUCT, VERSION
from gateway.codecs.apprec import render_apprec
from gateway.codecs.copy_receivers import copy_receivers
from gateway.codecs.ebxml import format_instant
from gateway.codecs.msghead import MessagePeek, peek_message
from gateway.codecs.reading import instant_of
from gateway.codecs.xml import APPREC_1_0, APPREC_1_1, DIALOG_1_1, parse_untrusted
from gateway.domain.addressbook import Entry
from gateway.domain.envelope import MessageHeader
from gateway.domain.identifiers import MessageId, MsgId
from gateway.domain.message import Code, HealthcareProfessional, Ident, Organisation, Party
from gateway.domain.mirror import mirror
from gateway.domain.receipt import (
    Answer,
    ApplicationReceipt,
    OriginalMessage,
    ReceiptError,
    ReceiptVersion,
    receipt_version_for,
)
from gateway.errors import GatewayError

NAMESPACES = {ReceiptVersion.V1_0: APPREC_1_0, ReceiptVersion.V1_1: APPREC_1_1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the envelope and the address book know of a message, for when it cannot be read."""

    message_id: MessageId
    action: str
    timestamp: datetime
    sender: Entry
    receiver: Entry


@dataclass(frozen=True, slots=True)
class Reply:
    """An AppRec document and its version."""

    document: bytes
    version: ReceiptVersion

    @property
    def namespace(self) -> str:
        return NAMESPACES[self.version]


def reply_to(
    document: bytes,
    origin: Origin,
    *,
    answer: Answer,
    errors: Sequence[ReceiptError] = (),
    receipt_id: str,
    at: datetime,
) -> Reply:
    """Make the AppRec that answers ``document``.

    Parties, id, kind and date are those of the document, swapped and in full. What
    cannot be read of it comes from the envelope: OriginalMsgId/Id is then the
    eb:MessageId, MsgType the eb:Action, IssueDate the eb:Timestamp, and the parties
    come from the address book; the version of an unreadable one is 1.0 (design §6).
    ``origin.receiver`` answers: as the document names it, in the role COP where
    that is in OtherReceiver. A party that is not meant is not repeated: nobody
    answers for another.
    """
    peek, copies, version = _peek(document)
    sender = _named(peek.sender, origin.sender) or party_of(origin.sender)
    receiver, is_copy = _answering(peek, copies, origin.receiver)
    ours, theirs = mirror(sender, receiver, version, copy_receiver=is_copy)
    receipt = ApplicationReceipt(
        version=version,
        receipt_id=receipt_id,
        generated_at=at,
        answer=answer,
        original=_original(peek, origin),
        sender=ours,
        receiver=theirs,
        errors=tuple(errors),
        software_name=PRODUCT,
        software_version=VERSION,
    )
    return Reply(render_apprec(receipt), version)


def party_of(entry: Entry) -> Party:
    """A party as the address book has it: both levels with name and HER-id."""
    enterprise = entry.enterprise
    part = professional = None
    if entry.person is not None:
        professional = HealthcareProfessional(
            family_name=entry.person.family,
            given_name=entry.person.given,
            idents=(_her(entry.her),),
        )
    else:
        part = Organisation(name=entry.name, idents=(_her(entry.her),))
    return Party(
        organisation=Organisation(
            name=enterprise.name,
            idents=(_her(enterprise.her),),
            part=part,
            professional=professional,
        )
    )


def _her(her: str) -> Ident:
    return Ident(id=her, type=Code(value="HER", name="HER-id"))


def _answering(peek: MessagePeek, copies: tuple[Party, ...], entry: Entry) -> tuple[Party, bool]:
    """The party of the document that answers, and whether it is a copy receiver."""
    if receiver := _named(peek.receiver, entry):
        return receiver, False
    for party in copies:
        if copy := _named(party, entry):
            return copy, True
    return party_of(entry), False


def _named(party: Party | None, entry: Entry) -> Party | None:
    """``party`` of the document as ``entry``; None when that is not among those it names."""
    return None if party is None or entry.her not in party.hers else party.named_by(entry.her)


def _peek(document: bytes) -> tuple[MessagePeek, tuple[Party, ...], ReceiptVersion]:
    try:
        root = parse_untrusted(document)
    except GatewayError:
        return MessagePeek(), (), ReceiptVersion.V1_0
    is_1_1 = next(root.iter(f"{{{DIALOG_1_1}}}Dialogmelding"), None) is not None
    version = receipt_version_for("1.1" if is_1_1 else "1.0")
    return peek_message(root), copy_receivers(root), version


def _original(peek: MessagePeek, origin: Origin) -> OriginalMessage:
    # Each by itself: a fault in one must not keep the sender from finding its message.
    kind = peek.type if peek.type is not None and peek.type.value else Code(value=origin.action)
    # As written, to the letter: systems compare it. But IssueDate must be a dateTime.
    written = peek.gen_date_text or ""
    readable = instant_of(written) is not None
    return OriginalMessage(
        msg_id=peek.msg_id or MsgId(origin.message_id),
        type=kind.value,
        type_name=kind.name,
        issue_date_text=written if readable else format_instant(origin.timestamp),
    )


def origin_of(header: MessageHeader, sender: Entry, receiver: Entry) -> Origin:
    """The origin of a message whose envelope was verified."""
    return Origin(
        message_id=header.message_id,
        action=header.action,
        timestamp=header.timestamp,
        sender=sender,
        receiver=receiver,
    )
