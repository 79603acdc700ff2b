"""What the processes need from the world, as promises; adapters and fakes keep them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.domain.delivery import Delivery
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Incoming, Ledger, Outgoing, Side
from gateway.domain.reasons import Reason
from gateway.domain.thread import Turn
from gateway.errors import GatewayError


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class NewId(Protocol):
    def __call__(self) -> str:
        """A new UUID as text, never given before."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate that belongs to it."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class Keys(Protocol):
    """Our own keys. Several for unsealing, since certificates change while mail is under way."""

    @property
    def signing(self) -> KeyPair: ...

    @property
    def unsealing(self) -> Sequence[KeyPair]: ...


@dataclass(frozen=True, slots=True)
class ContentKeys:
    """Keys for content at rest: 32 bytes each, by key id. ``current`` seals, all of them open."""

    current: str
    by_id: Mapping[str, bytes] = field(repr=False)


# --- queues ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """One delivery from a queue, as the consumer hands it to a process."""

    body: bytes
    content_type: str | None = None
    message_id: str | None = None  # the AMQP property, not an eb:MessageId
    correlation_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    redelivered: bool = False
    retried: bool = False  # the same delivery once more, after a temporary fault in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One row of the outbox: what the relay publishes, persistent and with confirm.

    ``queue`` is the base name without prefix. The body may hold patient content
    (``epj.incoming``); nothing else here ever does.
    """

    outbox_id: str
    queue: str
    body: bytes
    content_type: str
    message_id: str | None = None
    correlation_id: str | None = None
    type: str | None = None
    headers: Mapping[str, str | int | bool] = field(default_factory=dict)


class Outbox(Protocol):
    """The relay's view of the journal. Rows leave it only after the broker's confirm."""

    @property
    def outbox_waiting(self) -> asyncio.Event:
        """Set when rows were committed that nobody has published; ``claim_outbox`` clears it.

        Rows of other instances and of the command line do not set it: look again
        after a second even if it stays clear.
        """

    async def claim_outbox(self, limit: int) -> Sequence[OutboundMessage]:
        """Claim up to ``limit`` rows, oldest first, for the length of the lease.

        Rows that this instance put come at once, rows of others within a second.
        A claim that is neither published nor released falls back when its lease ends,
        so a killed instance loses nothing.
        """

    async def outbox_published(self, ids: Collection[str]) -> None:
        """Delete rows whose publication the broker has confirmed."""

    async def outbox_released(self, messages: Collection[OutboundMessage]) -> None:
        """Give claimed rows back, since their queues did not take them.

        All rows for those queues are left alone for a moment, so that the others get their turn.
        """


# --- journal -----------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Lease:
    """A piece of work held by one instance. ``fence`` grows with every new holder."""

    name: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An entry that is due and cannot be opened: its content key is gone, or it is damaged."""

    entry_id: str


DueKind = Literal["delivery", "outgoing", "incoming", "turn", "arrival"]


class Transaction(Protocol):
    """One journal transaction: all of it is there after a crash, or none of it.

    Whatever is read through ``outgoing``, ``incoming`` and ``delivery`` stays
    locked until the end, so read, compute and save cannot lose an update.
    """

    # ledger entries
    async def add_outgoing(self, entry: Outgoing) -> bool:
        """Insert; False (and nothing written) when its key or its digest is taken."""

    async def outgoing(self, entry_id: str) -> Outgoing | None: ...
    async def outgoing_by_key(self, key: str) -> Outgoing | None: ...
    async def outgoing_by_digest(self, digest: str) -> Outgoing | None: ...
    async def outgoing_by_msg_id(
        self, msg_id: MsgId, receiver_her: HerId, sender_her: HerId
    ) -> Outgoing | None:
        """The message that an AppRec from ``receiver_her`` answers; MsgIds as by ``msg_id_key``.

        Only one that was sent: a refused copy under the same MsgId is never meant. Of several,
        that of ``sender_her``, the service of ours to which the AppRec is addressed; else the last.
        """

    async def save_outgoing(self, entry: Outgoing) -> None: ...
    async def postpone(self, kind: DueKind, name: str, until: datetime) -> None:
        """Move the due time alone of what is still due; nothing else of it is touched."""

    async def outgoing_due(self, now: datetime, limit: int) -> Sequence[Outgoing | Unreadable]:
        """In flight with ``due_at`` passed; rows another instance holds are skipped."""

    async def add_incoming(self, entry: Incoming) -> None: ...
    async def incoming(self, entry_id: str) -> Incoming | None: ...
    async def hold(self, name: str) -> None:
        """No other transaction that holds ``name`` goes on until this one has ended."""

    async def incoming_by_msg_id(self, msg_id: MsgId) -> Sequence[Incoming]:
        """Entries that carried this document, oldest first; MsgIds as by ``msg_id_key``."""

    async def save_incoming(self, entry: Incoming) -> None: ...
    async def incoming_due(self, now: datetime, limit: int) -> Sequence[Incoming | Unreadable]: ...

    # threads
    async def add_turn(self, turn: Turn) -> None: ...
    async def turn(self, entry_id: str) -> Turn | None: ...
    async def turns_by_msg_id(self, msg_id: MsgId) -> Sequence[Turn]:
        """Of whichever partner, oldest first; MsgIds as by ``msg_id_key``."""

    async def save_turn(self, turn: Turn) -> None:
        """Write what may change: reply, due time, lateness, day 0."""

    async def turns_due(self, now: datetime, limit: int) -> Sequence[Turn]: ...

    # envelopes of others
    async def add_seen(self, seen: Seen) -> bool:
        """Insert; False when (sender, receiver, eb:MessageId) is known already.

        Of any number of copies at once exactly one gets True; the others see its row.
        """

    async def seen(
        self, sender_her: HerId, receiver_her: HerId, message_id: MessageId
    ) -> Seen | None: ...

    # envelopes of ours
    async def add_delivery(self, delivery: Delivery, entity: bytes) -> None:
        """Record an envelope with its wire bytes (MIME entity), sealed at rest."""

    async def delivery(self, message_id: MessageId) -> Delivery | None: ...
    async def save_delivery(self, delivery: Delivery) -> None: ...
    async def deliveries_due(self, now: datetime, limit: int) -> Sequence[Delivery]: ...
    async def deliveries_unanswered(
        self, conversation_id: ConversationId, sender_her: HerId, receiver_her: HerId
    ) -> Sequence[Delivery]:
        """Those of a conversation from one party to another that still wait for an answer.

        An attempt to send them was begun. Signals are none: nobody answers them.
        """

    async def entity(self, message_id: MessageId) -> bytes:
        """The wire bytes recorded with the delivery."""

    async def add_attempt(self, attempt: Attempt) -> None: ...
    async def save_attempt(self, attempt: Attempt) -> None: ...
    async def attempt_by_mail(self, mail_id: str) -> Attempt | None:
        """By mail Message-ID or ENVID, for bounces."""

    # what came in
    async def add_arrival(self, arrival: Arrival, raw: bytes) -> bool:
        """Store raw bytes; False when (account, transport_id) is known already."""

    async def arrival(self, arrival_id: str) -> Arrival | None: ...
    async def raw(self, arrival_id: str) -> bytes: ...
    async def save_arrival(self, arrival: Arrival) -> None: ...
    async def unread_since(self) -> datetime | None:
        """When the oldest mail came in that nobody has read to its end; None when all are."""

    async def arrivals_unread(self, before: datetime, limit: int) -> Sequence[Arrival]:
        """Not yet read and last notified before ``before``, oldest first."""

    async def add_document(self, entry_id: str, document: bytes) -> None:
        """Keep the business document of a ledger entry, sealed at rest."""

    async def document(self, entry_id: str) -> bytes | None: ...

    # receipts
    async def add_receipt(self, receipt: Receipt) -> None: ...
    async def receipts(self, entry_id: str) -> Sequence[Receipt]: ...
    async def add_orphan(self, orphan: Orphan) -> None: ...
    async def orphans_matched(self, limit: int) -> Sequence[Orphan]:
        """Orphans whose message or envelope is known by now."""

    async def orphans_due(self, now: datetime, limit: int) -> Sequence[Orphan]: ...
    async def remove_orphan(self, arrival_id: str) -> None: ...

    # trail, outbox, people
    async def record(self, *events: JournalEvent) -> None: ...
    async def put(self, *messages: OutboundMessage) -> None:
        """Add to the outbox; published after the commit, at least once."""

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        """Insert, or reopen the letter of the same ``letter_id``."""

    async def dead_letter(self, letter_id: str) -> DeadLetter | None: ...
    async def letters_with_stale_notice(self, limit: int) -> Sequence[DeadLetter]:
        """Letters no longer open whose notice is still on ``dead.letters``."""

    async def save_dead_letter(self, letter: DeadLetter) -> None: ...

    async def require_lease(self, lease: Lease) -> None:
        """Make this transaction void unless ``lease`` is still held until its end.

        Raises:
            LeaseLost: another instance has taken over.
        """


class Leases(Protocol):
    """Work that only one instance may do at a time, such as emptying one mailbox."""

    async def acquire_lease(self, name: str, holder: str, seconds: float) -> Lease | None:
        """Take ``name``, or None while another holder's lease lasts.

        ``holder`` names one run of one instance. The same holder gets a new fence,
        and its older one ends.
        """

    async def renew_lease(self, lease: Lease, seconds: float) -> None:
        """Hold on for ``seconds`` from now.

        Raises:
            LeaseLost: another has it by now.
        """

    async def release_lease(self, lease: Lease) -> None:
        """Give it back; no fault when it is lost already."""


class Journal(Outbox, Leases, Protocol):
    """The truth for state and time.

    Every method raises JournalUnavailable when the database is away or full;
    then nothing of the transaction was recorded.
    """

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin; commit when the block ends, roll back when it raises."""

    async def ledger(self) -> Ledger:
        """The sums of design §4, both counts from one snapshot."""

    async def dead_letters(
        self, *, code: str | None = None, limit: int | None = None
    ) -> Sequence[DeadLetter]:
        """Open letters, oldest first; ``limit`` None: all of them."""

    async def unconfirmed(
        self, *, limit: int | None = None
    ) -> Sequence[tuple[Outgoing, Delivery | None]]:
        """Outgoing messages in flight, longest wait first; ``limit`` None: all of them."""

    async def unconfirmed_by_epj(self, *, limit: int | None = None) -> Sequence[Incoming]:
        """Messages handed to the EPJ that it has said nothing about, longest wait first."""

    async def open_questions(self, *, limit: int = 1_000) -> Sequence[Turn]:
        """Questions without an answer, the oldest first."""

    async def trail(self, any_id: str) -> Sequence[JournalEvent]:
        """All events of the message that ``any_id`` names (MsgId, eb:MessageId,
        eb:ConversationId, AMQP message_id, our own, or the Message-ID of a mail sent), oldest
        first."""

    async def measures(self) -> Mapping[str, float]:
        """Numbers for the metrics: counts and oldest ages, by fixed names."""


# --- what the processes share ------------------------------------------------------------------


class Report(Protocol):
    """Tell the EPJ by a status event; see ``receipts.report``."""

    async def tell(
        self,
        tx: Transaction,
        event: str,
        entry: Outgoing,
        *,
        delivery: Delivery | None = None,
        reasons: Sequence[Reason] = (),
    ) -> Outgoing:
        """Put the event into the outbox; returns the entry that remembers it, for saving."""

    async def tell_received(self, tx: Transaction, event: str, entry: Incoming) -> None:
        """Put an event about the conversation of a received message into the outbox."""

    async def repeat(self, tx: Transaction, entry: Outgoing) -> None:
        """Put the entry's last event into the outbox again, as it was."""


class GiveUp(Protocol):
    """End a delivery, or a wait, as an operator's matter; see ``receipts.dead_letters``."""

    async def delivery(self, tx: Transaction, delivery: Delivery, error: GatewayError) -> None:
        """No more attempts: the ledger entry is dead, the EPJ and an operator are told."""

    async def answer(self, tx: Transaction, entry: Outgoing, error: GatewayError) -> None:
        """The wait for an AppRec ran out."""

    async def letter(self, tx: Transaction, letter: DeadLetter) -> None:
        """Park something as a dead letter and put its notice on ``dead.letters``."""

    async def resolve(self, tx: Transaction, letter_id: str) -> None:
        """Take a letter off the list because the matter settled itself."""


# --- transport ---------------------------------------------------------------------------------


class OutgoingTransport(Protocol):
    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        """Hand over one mail; returning means the far side is responsible.

        A repeat must be harmless. Raises:
            TransportUnavailable: not known to be handed over; try again later.
            TransportRefused: refused for good.
        """
