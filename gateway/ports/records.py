"""What the journal keeps beside ledger entries, deliveries and turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from gateway.domain.identifiers import HerId, MessageId, MsgId
from gateway.domain.ledger import Incoming, Outgoing, Side
from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One mail (or bus message, or notification) as it came, unique on (account, transport_id)."""

    arrival_id: str
    account: str
    transport_id: str
    received_at: datetime
    bytes: int
    kind: str | None = None  # what receive found it to be; None: not yet read
    notified_at: datetime | None = None  # last notice on ``transport.received``
    notices: int = 1  # how often a notice was given
    crashes: int = 0  # how often reading it may have ended its reader
    message_id: MessageId | None = None  # of the envelope in it, verified or not
    mail_digest: str | None = None  # ``mail_id_digest`` of the mail's Message-ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A payload envelope that was received, for telling duplicates (HITS 1172 §5.8.2).

    Recorded only after its signature held. ``fingerprint`` is a SHA-256 over the
    digests of the signature; ``reply_id`` our Acknowledgment or MessageError,
    which a duplicate gets again; ``entry_id`` the ledger entry, None for an AppRec.
    ``arrival_id`` is the first copy: the same bytes read once more are no duplicate.
    """

    sender_her: HerId
    receiver_her: HerId
    message_id: MessageId
    fingerprint: str
    reply_id: MessageId
    at: datetime
    arrival_id: str
    entry_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEvent:
    """One line of the append-only trail. ``detail`` holds ids, codes and numbers, never content.

    ``entry_id`` is the ledger entry, ``message_id`` the envelope, ``arrival_id`` the mail that
    brought it about; any may be absent.
    ``arrived`` marks the event that the ledger counts.
    """

    at: datetime
    name: str
    entry_id: str | None = None
    message_id: MessageId | None = None
    side: Side | None = None
    code: str | None = None
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    actor: str | None = None  # the person, for what a person did
    arrived: bool = False
    arrival_id: str | None = None

    @classmethod
    def about(
        cls,
        entry: Outgoing | Incoming,
        name: str,
        *,
        at: datetime,
        code: str | None = None,
        detail: Mapping[str, str | int | bool | None] | None = None,
        arrived: bool = False,
    ) -> Self:
        """A line about one entry of the ledger and its present envelope."""
        return cls(
            at=at,
            name=name,
            side=Side.OUTGOING if isinstance(entry, Outgoing) else Side.INCOMING,
            entry_id=entry.entry_id,
            message_id=entry.message_id,
            code=code,
            detail=detail or {},
            arrived=arrived,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to hand over an envelope; ``mail_message_id`` is always new (HITS 1172 §4.2.3)."""

    message_id: MessageId
    number: int
    mail_message_id: str
    envelope_id: str  # SMTP ENVID
    at: datetime
    outcome: str | None = None  # None: begun and not known to be finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the EPJ said about one incoming message for one of our receivers (one AppRec each)."""

    entry_id: str
    receiver_her: HerId
    outcome: str  # "stored" or "refused"
    digest: str  # SHA-256 over outcome and errors, to tell a repetition from a contradiction
    message_id: MessageId | None  # the envelope that carries our AppRec


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A receipt that matches nothing we sent; tried again until ``due_at``, then a dead letter."""

    arrival_id: str
    original_msg_id: MsgId | None  # an AppRec's OriginalMsgId
    ref_to_message_id: MessageId | None  # a signal's RefToMessageId
    sender_her: HerId
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What a person must look at. ``letter_id`` is the entry, envelope or arrival it is about."""

    letter_id: str
    side: Side | None  # None: outside the ledger
    code: str  # our error code
    since: datetime
    entry_id: str | None = None
    message_id: MessageId | None = None
    arrival_id: str | None = None
    detail: str = ""
    state: str = "open"  # open, replayed, discarded, resolved (a late receipt cleared it)
    noticed: bool = True  # whether its notice may be on ``dead.letters``

    @classmethod
    def about(
        cls,
        error: GatewayError,
        letter_id: str,
        *,
        since: datetime,
        side: Side | None = None,
        entry_id: str | None = None,
        message_id: MessageId | None = None,
        arrival_id: str | None = None,
    ) -> Self:
        """The letter that an error makes of a matter."""
        return cls(
            letter_id=letter_id,
            side=side,
            code=error.code,
            since=since,
            entry_id=entry_id,
            message_id=message_id,
            arrival_id=arrival_id,
            detail=error.detail,
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """A piece of work held by one instance. ``fence`` grows with every new holder."""

    name: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An entry that is due and cannot be opened: its content key is gone, or it is damaged."""

    entry_id: str
