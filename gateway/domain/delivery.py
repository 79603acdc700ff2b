"""One outgoing envelope and what has been confirmed about it.

Two questions are kept apart: ``transport`` (did it arrive?) and ``answer``
(could they use it?). Receipts come twice, late, early and in any order;
:func:`advance` is the only place that says what follows from one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from gateway.domain.envelope import SignedReference
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId
from gateway.domain.receipt import Answer
from gateway.errors import ContradictingReceipt


class Transport(StrEnum):
    WAITING = "waiting"  # recorded, not yet handed over
    SENT = "sent"  # handed over at least once
    ACKNOWLEDGED = "acknowledged"  # the receiving MSH has it
    REJECTED = "rejected"  # the receiving MSH refused it (MessageError)
    GIVEN_UP = "given_up"  # attempts or lifetime used up, or refused by the mail server


class Purpose(StrEnum):
    """What an envelope carries; decides what it waits for."""

    MESSAGE = "message"  # a dialogue message: acknowledgment, then AppRec
    RECEIPT = "receipt"  # our AppRec: acknowledgment
    SIGNAL = "signal"  # our Acknowledgment or MessageError: nothing, ends at ``sent``


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One envelope of ours. Its wire bytes are stored once and never made again.

    ``entry_id`` names the ledger entry it belongs to: outgoing for a MESSAGE,
    incoming for a RECEIPT or SIGNAL. ``references`` are the ds:References of its
    signature, to compare with those an Acknowledgment returns.
    """

    message_id: MessageId
    purpose: Purpose
    entry_id: str
    conversation_id: ConversationId
    cpa_id: CpaId
    sender_her: HerId
    receiver_her: HerId
    service: str
    action: str
    mail_from: str
    mail_to: str
    created_at: datetime
    time_to_live: datetime  # UTC instant after which we no longer send
    transport: Transport = Transport.WAITING
    answer: Answer | None = None
    attempts: int = 0  # times handed to the transport
    tries: int = 0  # attempts begun, those that failed included
    failures: int = 0  # failed attempts since the last hand-over
    due_at: datetime | None = None  # when the sweep looks at it again; None: never
    sent_at: datetime | None = None  # first hand-over
    references: tuple[SignedReference, ...] = ()
    parent: MessageId | None = None  # the envelope that this one replaces (replay)

    @property
    def is_open(self) -> bool:
        """Whether it may still be handed to the transport."""
        return self.transport is Transport.WAITING or (
            self.transport is Transport.SENT and self.purpose is not Purpose.SIGNAL
        )


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The transport took one attempt."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An eb:Acknowledgment, or a MessageError of severity Warning."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A MessageError of severity Error."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An application receipt."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Attempts or lifetime used up, a final SMTP refusal, or a bounce."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """The same bytes are to be sent again: a person's replay, or a known document came again."""


Event = HandedOver | Acknowledged | Rejected | Answered | GivenUp | Reopened


def advance(delivery: Delivery, event: Event) -> Delivery:
    """Return the delivery after ``event``; the same object if it is no news.

    Receipts come twice, late, before the Acknowledgment, or after we gave up:
    all ordinary, and forward only. What the partner said first stands.

    Raises:
        ContradictingReceipt: an answer that differs from the first, or a
            MessageError for what was acknowledged or answered, or the reverse.
    """
    state = delivery.transport
    waiting = state in (Transport.WAITING, Transport.SENT)
    match event:
        case HandedOver() if waiting:
            return replace(
                delivery, transport=Transport.SENT, attempts=delivery.attempts + 1, failures=0
            )
        case HandedOver():
            # The attempt was on its way when a receipt came, or when we gave up: it still counts.
            return replace(delivery, attempts=delivery.attempts + 1, failures=0)
        case Acknowledged() if state is Transport.REJECTED:
            raise ContradictingReceipt(f"{delivery.message_id}: rejected, then acknowledged")
        case Acknowledged() if state is not Transport.ACKNOWLEDGED:
            return replace(delivery, transport=Transport.ACKNOWLEDGED)
        case Rejected() if state is Transport.ACKNOWLEDGED:
            raise ContradictingReceipt(f"{delivery.message_id}: acknowledged, then rejected")
        case Rejected() if state is not Transport.REJECTED:
            return replace(delivery, transport=Transport.REJECTED)
        case Answered() if state is Transport.REJECTED:
            raise ContradictingReceipt(f"{delivery.message_id}: rejected, then answered")
        case Answered(answer) if delivery.answer is None:
            return replace(delivery, transport=Transport.ACKNOWLEDGED, answer=answer)
        case Answered(answer) if answer is not delivery.answer:
            raise ContradictingReceipt(
                f"{delivery.message_id}: answer {delivery.answer}, then {answer}"
            )
        case GivenUp() if waiting:
            return replace(delivery, transport=Transport.GIVEN_UP)
        case Reopened() if delivery.answer is None:
            return replace(
                delivery, transport=Transport.WAITING, attempts=0, failures=0, due_at=None
            )
        case Acknowledged() | Rejected() | Answered() | GivenUp() | Reopened():
            return delivery
    assert_never(event)
