"""What we took responsibility for, and where it ended (design §4).

Every message taken over is one entry and is in exactly one state. ``accepted``
is counted from the append-only events, the other sums from the states, so that
a lost row shows as an unbalanced ledger instead of disappearing in a remainder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId, MsgId
from gateway.domain.reasons import Reason


class Side(StrEnum):
    OUTGOING = "outgoing"  # taken over from the EPJ
    INCOMING = "incoming"  # taken over from a transport


class State(StrEnum):
    IN_FLIGHT = "in_flight"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DEAD = "dead"
    DISCARDED = "discarded"

    @property
    def is_open(self) -> bool:
        """Whether a late receipt may still change it: a person's discard is final."""
        return self in (State.IN_FLIGHT, State.DEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """One attachment that was taken out of a message."""

    mime: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message taken over from ``epj.outgoing``.

    ``digest`` is unique, since the same bytes are the same message, and so is
    ``key``: ``<sender HER>/<MsgId>`` where both could be read, else the digest.
    ``message_id`` names the current envelope, None when it was rejected before
    there was one.
    """

    entry_id: str
    key: str
    digest: str  # SHA-256 of the queue message, hex
    accepted_at: datetime
    state: State = State.IN_FLIGHT
    msg_id: MsgId | None = None
    sender_her: HerId | None = None
    receiver_her: HerId | None = None
    service_code: str | None = None
    message_type: str | None = None
    amqp_message_id: str | None = None
    conversation_id: ConversationId | None = None
    message_id: MessageId | None = None
    waits_from: datetime | None = None  # the AppRec limit counts from here
    due_at: datetime | None = None  # next look: warning levels, then the limit
    overdue: str | None = None  # warning, alarm, critical
    removed: tuple[Removed, ...] = ()
    reasons: tuple[Reason, ...] = ()
    last_event: str | None = None  # the last status event, to repeat for a duplicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message taken over from a transport.

    What could not be read far enough has no ids and ends as a dead letter.
    ``reply_id`` is the Acknowledgment or MessageError that answered it,
    ``receivers`` are those of ours that the document names, the envelope's first;
    each has an AppRec of its own. ``receipt_id`` is the envelope of the last of
    them, None until all have spoken.
    """

    entry_id: str
    arrival_id: str  # the raw bytes
    arrived_at: datetime
    state: State = State.IN_FLIGHT
    sender_her: HerId | None = None
    receiver_her: HerId | None = None
    message_id: MessageId | None = None
    conversation_id: ConversationId | None = None
    cpa_id: CpaId | None = None
    service: str | None = None
    action: str | None = None
    msg_id: MsgId | None = None
    message_type: str | None = None
    document_digest: str | None = None  # SHA-256 of the opened document
    reply_id: MessageId | None = None
    receipt_id: MessageId | None = None
    handed_at: datetime | None = None  # put on epj.incoming
    due_at: datetime | None = None  # next look: EPJ confirmation
    overdue: str | None = None
    receivers: tuple[HerId, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """One side of the ledger."""

    accepted: int = 0
    confirmed: int = 0
    rejected: int = 0
    dead: int = 0
    discarded: int = 0
    in_flight: int = 0

    @property
    def balanced(self) -> bool:
        """Whether everything accepted is found in one of the five places."""
        found = self.confirmed + self.rejected + self.dead + self.discarded + self.in_flight
        return self.accepted == found

    def as_json(self) -> dict[str, int]:
        """The sums under the names of design §4."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Ledger:
    outgoing: Sums
    incoming: Sums

    @property
    def balanced(self) -> bool:
        """Whether both sides balance."""
        return self.outgoing.balanced and self.incoming.balanced

    def as_json(self) -> dict[str, object]:
        """The JSON of ``ledger --json``."""
        return {
            "outgoing": self.outgoing.as_json(),
            "incoming": self.incoming.as_json(),
            "balanced": self.balanced,
        }


def ledger_from(accepted: Mapping[Side, int], states: Mapping[tuple[Side, State], int]) -> Ledger:
    """Build the ledger from two independent counts: arrivals, and entries by state."""

    def sums(side: Side) -> Sums:
        return Sums(
            accepted=accepted.get(side, 0),
            **{state.value: states.get((side, state), 0) for state in State},
        )

    return Ledger(sums(Side.OUTGOING), sums(Side.INCOMING))


def silence_letter_id(entry_id: str) -> str:
    """Of the letter about an incoming message that the EPJ says nothing about."""
    return f"silence/{entry_id}"
