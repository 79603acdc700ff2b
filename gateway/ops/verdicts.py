"""What the rules say about one document, without sending it: for ``screen`` and ``wrap``."""

from dataclasses import dataclass

from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec
from gateway.codecs.document import Document, read_tree
from gateway.codecs.document_signature import signature_findings
from gateway.codecs.msghead import peek_message
from gateway.codecs.xml import DEFAULT_LIMITS, XmlLimits, parse_untrusted
from gateway.domain.addressbook import AddressBook
from gateway.domain.addressing import Addressing, address_incoming, address_outgoing
from gateway.domain.envelope import APPREC_ACTION
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
from gateway.domain.message import DialogMessage
from gateway.domain.screening import ScreeningPolicy, screen
from gateway.errors import BadReceipt, GatewayError, MalformedMessage

OFFLINE_POLICY = ScreeningPolicy(synthetic_allowed=True)
"""Without a configuration: the defaults, and the test series of person numbers pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict, and what it was passed on.

    ``document`` is None for what could not be read and for an AppRec;
    ``addressing`` is None where there was no address book to ask.
    """

    screening: Screening
    document: Document | None = None
    addressing: Addressing | None = None


def judge(
    body: bytes,
    *,
    direction: Direction,
    policy: ScreeningPolicy = OFFLINE_POLICY,
    book: AddressBook | None = None,
    limits: XmlLimits = DEFAULT_LIMITS,
) -> Judged:
    """Screen one document as the gateway would; raises nothing.

    Args:
        body: the document as it would stand on a queue or come out of a seal.
        direction: which way it would go.
        policy: the configured decisions.
        book: decides about addresses; None leaves them out. The envelope of an incoming
            message is not known here, so only its own HER-ids are looked at.
        limits: bounds on the document.
    """
    try:
        root = parse_untrusted(body, limits=limits)
    except GatewayError as error:
        return Judged(screening=_unreadable(error))
    if is_apprec(root):
        return Judged(screening=_receipt(root))
    try:
        document = read_tree(root)
    except GatewayError as error:
        return Judged(screening=_unreadable(error, root))
    addressing = None if book is None else _addressing(document.message, direction, book, policy)
    screening = screen(
        document.message,
        direction=direction,
        policy=policy,
        more=(
            *(() if addressing is None else addressing.findings),
            *signature_findings(document, direction),
        ),
        admitted=addressing is not None and addressing.admitted,
    )
    return Judged(screening=screening, document=document, addressing=addressing)


def _addressing(
    message: DialogMessage, direction: Direction, book: AddressBook, policy: ScreeningPolicy
) -> Addressing:
    if direction is Direction.OUTGOING:
        return address_outgoing(message, book, policy=policy)
    # Compared with itself: what the envelope says is not known.
    sender, receiver = message.sender.her or HerId(""), message.receiver.her or HerId("")
    return address_incoming(message, book, from_her=sender, to_her=receiver, policy=policy)


def _unreadable(error: GatewayError, root: etree._Element | None = None) -> Screening:
    """A document that is refused before any rule is asked.

    The AppRec code (T01, T02, …) is given both ways: it is the standard's name for the fault.
    """
    kind: str | None = None
    msg_id: MsgId | None = None
    if root is not None:
        peek = peek_message(root)
        kind, msg_id = (peek.type.value if peek.type is not None else None), peek.msg_id
    return Screening(
        verdict=Verdict.REJECT,
        findings=rejection_from(error, Direction.INCOMING),
        kind=kind or None,
        msg_id=msg_id,
    )


def _receipt(root: etree._Element) -> Screening:
    """An AppRec passes when its answer can be read; no rule on dialogue messages applies."""
    try:
        receipt = parse_apprec(root)
    except BadReceipt as error:
        unreadable = Finding(
            rule="R-67",
            cls=FindingClass.REJECT,
            stage=Stage.FORMAT,
            code=MalformedMessage.epj_code or error.code,
            apprec=MalformedMessage.apprec_error,
            text_nb=error.text_nb,
            text_en=f"{error.text_en} {error.detail}",
            who_acts=error.who_acts,
            where=error.where,
        )
        return Screening(verdict=Verdict.REJECT, findings=(unreadable,), kind=APPREC_ACTION)
    msg_id = MsgId(receipt.receipt_id) if receipt.receipt_id else None
    return Screening(verdict=Verdict.PASS, kind=APPREC_ACTION, msg_id=msg_id)
