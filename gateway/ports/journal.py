"""The journal: one transaction, work for one instance at a time, and the whole."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

from gateway.domain.delivery import Delivery
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Incoming, Ledger, Outgoing
from gateway.domain.thread import Turn
from gateway.ports.queues import OutboundMessage, Outbox
from gateway.ports.records import (
    Arrival,
    Attempt,
    DeadLetter,
    JournalEvent,
    Lease,
    Orphan,
    Receipt,
    Seen,
    Unreadable,
)

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
