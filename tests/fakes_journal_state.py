"""What the journal in memory holds, one transaction's work on it, and what is read from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TypeVar

from gateway.domain.delivery import Delivery, Purpose
from gateway.domain.identifiers import (
    ConversationId,
    HerId,
    MessageId,
    MsgId,
    mail_id_digest,
    msg_id_key,
)
from gateway.domain.ledger import Incoming, Outgoing, State
from gateway.domain.thread import Reply, Turn
from gateway.errors import InternalFault, LeaseLost
from gateway.ports import (
    Arrival,
    Attempt,
    Clock,
    DeadLetter,
    DueKind,
    JournalEvent,
    Lease,
    Orphan,
    OutboundMessage,
    Receipt,
    Seen,
)

T = TypeVar("T")

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class OutboxRow:
    """A row that waits for publication; ``free_at`` is when its claim ends."""

    message: OutboundMessage
    put_at: datetime
    free_at: datetime = NEVER


@dataclass(slots=True, kw_only=True)
class JournalState:
    """Everything that was committed, open to a test's eyes."""

    outgoing: dict[str, Outgoing] = field(default_factory=dict)
    incoming: dict[str, Incoming] = field(default_factory=dict)
    seen: dict[tuple[MessageId, HerId, HerId], Seen] = field(default_factory=dict)
    deliveries: dict[MessageId, Delivery] = field(default_factory=dict)
    attempts: dict[tuple[MessageId, int], Attempt] = field(default_factory=dict)
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    receipts: dict[tuple[str, HerId], Receipt] = field(default_factory=dict)
    orphans: dict[str, Orphan] = field(default_factory=dict)
    letters: dict[str, DeadLetter] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    events: list[JournalEvent] = field(default_factory=list)
    outbox: dict[str, OutboxRow] = field(default_factory=dict)
    leases: dict[str, tuple[str, int, datetime]] = field(default_factory=dict)

    def copy(self) -> "JournalState":
        """The same values in new containers."""
        return JournalState(**{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def become(self, other: "JournalState") -> None:
        """Take over the containers of ``other``."""
        for f in fields(self):
            setattr(self, f.name, getattr(other, f.name))


class FakeTransaction:
    """Works on a copy of the state, which replaces it at the commit."""

    def __init__(self, state: JournalState, clock: Clock) -> None:
        self.state = state
        self._clock = clock
        self.failed = False  # nothing of it may be committed

    async def add_outgoing(self, entry: Outgoing) -> bool:
        for known in self.state.outgoing.values():
            if known.key == entry.key or known.digest == entry.digest:
                return False
        self.state.outgoing[entry.entry_id] = entry
        return True

    async def outgoing(self, entry_id: str) -> Outgoing | None:
        return self.state.outgoing.get(entry_id)

    async def outgoing_by_key(self, key: str) -> Outgoing | None:
        return next((e for e in self.state.outgoing.values() if e.key == key), None)

    async def outgoing_by_digest(self, digest: str) -> Outgoing | None:
        return next((e for e in self.state.outgoing.values() if e.digest == digest), None)

    async def hold(self, name: str) -> None:
        """Transactions of this journal take turns anyway."""

    async def outgoing_by_msg_id(
        self, msg_id: MsgId, receiver_her: HerId, sender_her: HerId
    ) -> Outgoing | None:
        found = [
            entry
            for entry in self.state.outgoing.values()
            if _same(entry.msg_id, msg_id)
            and entry.receiver_her == receiver_her
            and entry.message_id
        ]
        return max(found, key=lambda e: (e.sender_her == sender_her, e.accepted_at), default=None)

    async def save_outgoing(self, entry: Outgoing) -> None:
        self.state.outgoing[entry.entry_id] = entry

    async def postpone(self, kind: DueKind, name: str, until: datetime) -> None:
        if kind == "delivery":
            if (delivery := self.state.deliveries[MessageId(name)]).due_at is not None:
                await self.save_delivery(replace(delivery, due_at=until))
        elif kind == "outgoing":
            if (sent := self.state.outgoing[name]).due_at is not None:
                await self.save_outgoing(replace(sent, due_at=until))
        elif kind == "incoming":
            if (received := self.state.incoming[name]).due_at is not None:
                await self.save_incoming(replace(received, due_at=until))
        elif kind == "turn":
            if (turn := self.state.turns[name]).due_at is not None:
                await self.save_turn(replace(turn, due_at=until))
        elif (arrival := self.state.arrivals[name]).kind is None:
            await self.save_arrival(replace(arrival, notified_at=until))

    async def outgoing_due(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        due = [
            (entry.due_at, entry)
            for entry in self.state.outgoing.values()
            if entry.state is State.IN_FLIGHT and entry.due_at is not None and entry.due_at <= now
        ]
        return _earliest(due, limit)

    async def add_incoming(self, entry: Incoming) -> None:
        self.state.incoming[entry.entry_id] = entry

    async def incoming(self, entry_id: str) -> Incoming | None:
        return self.state.incoming.get(entry_id)

    async def incoming_by_msg_id(self, msg_id: MsgId) -> Sequence[Incoming]:
        found = [entry for entry in self.state.incoming.values() if _same(entry.msg_id, msg_id)]
        return sorted(found, key=lambda entry: (entry.arrived_at, entry.entry_id))

    async def save_incoming(self, entry: Incoming) -> None:
        self.state.incoming[entry.entry_id] = entry

    async def incoming_due(self, now: datetime, limit: int) -> Sequence[Incoming]:
        due = [
            (entry.due_at, entry)
            for entry in self.state.incoming.values()
            if entry.state is State.IN_FLIGHT and entry.due_at is not None and entry.due_at <= now
        ]
        return _earliest(due, limit)

    async def add_seen(self, seen: Seen) -> bool:
        key = (seen.message_id, seen.sender_her, seen.receiver_her)
        return self.state.seen.setdefault(key, seen) is seen

    async def seen(
        self, sender_her: HerId, receiver_her: HerId, message_id: MessageId
    ) -> Seen | None:
        return self.state.seen.get((message_id, sender_her, receiver_her))

    async def add_delivery(self, delivery: Delivery, entity: bytes) -> None:
        if delivery.message_id in self.state.deliveries:
            self.failed = True
            raise InternalFault("the envelope is recorded already")
        self.state.deliveries[delivery.message_id] = delivery
        self.state.contents[f"entity:{delivery.message_id}"] = entity

    async def delivery(self, message_id: MessageId) -> Delivery | None:
        return self.state.deliveries.get(message_id)

    async def save_delivery(self, delivery: Delivery) -> None:
        self.state.deliveries[delivery.message_id] = delivery

    async def deliveries_due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        due = [
            (delivery.due_at, delivery)
            for delivery in self.state.deliveries.values()
            if delivery.is_open and delivery.due_at is not None and delivery.due_at <= now
        ]
        return _earliest(due, limit)

    async def deliveries_unanswered(
        self, conversation_id: ConversationId, sender_her: HerId, receiver_her: HerId
    ) -> Sequence[Delivery]:
        about = (conversation_id, sender_her, receiver_her)
        return [
            d
            for d in self.state.deliveries.values()
            if (d.conversation_id, d.sender_her, d.receiver_her) == about
            and d.is_open
            and d.purpose is not Purpose.SIGNAL
            and d.tries > 0
        ]

    async def entity(self, message_id: MessageId) -> bytes:
        return self._content(f"entity:{message_id}")

    async def add_attempt(self, attempt: Attempt) -> None:
        self.state.attempts[attempt.message_id, attempt.number] = attempt

    async def save_attempt(self, attempt: Attempt) -> None:
        self.state.attempts[attempt.message_id, attempt.number] = attempt

    async def attempt_by_mail(self, mail_id: str) -> Attempt | None:
        attempts = self.state.attempts.values()
        found = [a for a in attempts if mail_id in (a.mail_message_id, a.envelope_id)]
        return max(found, key=lambda attempt: attempt.at, default=None)

    async def add_arrival(self, arrival: Arrival, raw: bytes) -> bool:
        key = (arrival.account, arrival.transport_id)
        if any((a.account, a.transport_id) == key for a in self.state.arrivals.values()):
            return False
        self.state.arrivals[arrival.arrival_id] = arrival
        self.state.contents[f"raw:{arrival.arrival_id}"] = raw
        return True

    async def arrival(self, arrival_id: str) -> Arrival | None:
        return self.state.arrivals.get(arrival_id)

    async def raw(self, arrival_id: str) -> bytes:
        return self._content(f"raw:{arrival_id}")

    async def save_arrival(self, arrival: Arrival) -> None:
        self.state.arrivals[arrival.arrival_id] = arrival

    async def unread_since(self) -> datetime | None:
        unread = (a.received_at for a in self.state.arrivals.values() if a.kind is None)
        return min(unread, default=None)

    async def arrivals_unread(self, before: datetime, limit: int) -> Sequence[Arrival]:
        unread = [
            (arrival.received_at, arrival)
            for arrival in self.state.arrivals.values()
            if arrival.kind is None and (arrival.notified_at or arrival.received_at) < before
        ]
        return _earliest(unread, limit)

    async def add_document(self, entry_id: str, document: bytes) -> None:
        self.state.contents[f"document:{entry_id}"] = document

    async def document(self, entry_id: str) -> bytes | None:
        return self.state.contents.get(f"document:{entry_id}")

    async def add_receipt(self, receipt: Receipt) -> None:
        self.state.receipts[receipt.entry_id, receipt.receiver_her] = receipt

    async def receipts(self, entry_id: str) -> Sequence[Receipt]:
        found = [r for r in self.state.receipts.values() if r.entry_id == entry_id]
        return sorted(found, key=lambda receipt: receipt.receiver_her)

    async def add_turn(self, turn: Turn) -> None:
        self.state.turns[turn.entry_id] = turn

    async def turn(self, entry_id: str) -> Turn | None:
        return self.state.turns.get(entry_id)

    async def turns_by_msg_id(self, msg_id: MsgId) -> Sequence[Turn]:
        found = [turn for turn in self.state.turns.values() if _same(turn.msg_id, msg_id)]
        return sorted(found, key=lambda turn: (turn.at, turn.entry_id))

    async def save_turn(self, turn: Turn) -> None:
        if turn.entry_id in self.state.turns:
            self.state.turns[turn.entry_id] = turn

    async def turns_due(self, now: datetime, limit: int) -> Sequence[Turn]:
        due = [
            (turn.due_at, turn)
            for turn in self.state.turns.values()
            if turn.reply is Reply.OPEN and turn.due_at is not None and turn.due_at <= now
        ]
        return _earliest(due, limit)

    async def add_orphan(self, orphan: Orphan) -> None:
        self.state.orphans[orphan.arrival_id] = orphan

    async def orphans_matched(self, limit: int) -> Sequence[Orphan]:
        messages = [e for e in self.state.outgoing.values() if e.message_id]
        matched = [
            (orphan.due_at, orphan)
            for orphan in self.state.orphans.values()
            if any(
                _same(e.msg_id, orphan.original_msg_id) and e.receiver_her == orphan.sender_her
                for e in messages
            )
            or orphan.ref_to_message_id in self.state.deliveries
        ]
        return _earliest(matched, limit)

    async def orphans_due(self, now: datetime, limit: int) -> Sequence[Orphan]:
        due = [(o.due_at, o) for o in self.state.orphans.values() if o.due_at <= now]
        return _earliest(due, limit)

    async def remove_orphan(self, arrival_id: str) -> None:
        self.state.orphans.pop(arrival_id, None)

    async def record(self, *events: JournalEvent) -> None:
        self.state.events.extend(events)

    async def put(self, *messages: OutboundMessage) -> None:
        for message in messages:
            self.state.outbox[message.outbox_id] = OutboxRow(message, self._clock.now())

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        self.state.letters[letter.letter_id] = letter

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        return self.state.letters.get(letter_id)

    async def letters_with_stale_notice(self, limit: int) -> Sequence[DeadLetter]:
        letters = self.state.letters.values()
        return _earliest([(x.since, x) for x in letters if x.state != "open" and x.noticed], limit)

    async def save_dead_letter(self, letter: DeadLetter) -> None:
        self.state.letters[letter.letter_id] = letter

    async def require_lease(self, lease: Lease) -> None:
        if self.state.leases.get(lease.name, ("", 0, NEVER))[1] != lease.fence:
            self.failed = True
            raise LeaseLost(f"lease {lease.name} is held by another")

    def _content(self, content_id: str) -> bytes:
        if content_id not in self.state.contents:
            raise InternalFault(f"no bytes are recorded as {content_id}")
        return self.state.contents[content_id]


def _earliest(dated: list[tuple[datetime, T]], limit: int) -> list[T]:
    return [value for _, value in sorted(dated, key=lambda pair: pair[0])[:limit]]


def _same(one: str | None, other: str | None) -> bool:
    """Whether two MsgIds are one."""
    return one is not None and other is not None and msg_id_key(one) == msg_id_key(other)


def entries_of(state: JournalState, any_id: str) -> set[str]:
    """The entries (and arrivals that became none) that ``any_id`` names."""
    found = {
        e.entry_id
        for e in state.outgoing.values()
        if any_id in (e.entry_id, e.conversation_id, e.amqp_message_id) or _same(e.msg_id, any_id)
    }
    mails = mails_of(state, any_id)
    for entry in state.incoming.values():
        ids = (entry.entry_id, entry.conversation_id, entry.message_id, entry.arrival_id)
        if any_id in ids or _same(entry.msg_id, any_id) or entry.arrival_id in mails:
            found.add(entry.entry_id)
    sent = {
        a.message_id
        for a in state.attempts.values()
        if any_id in (a.mail_message_id, a.envelope_id)
    }
    found |= {
        d.entry_id
        for d in state.deliveries.values()
        if any_id in (d.message_id, d.conversation_id) or d.message_id in sent
    }
    found |= {s.entry_id for s in state.seen.values() if s.entry_id and s.message_id == any_id}
    found |= {e.entry_id for e in state.events if e.entry_id and e.arrival_id in mails}
    return found | mails


def mails_of(state: JournalState, any_id: str) -> set[str]:
    """The arrivals that ``any_id`` names."""
    digest = mail_id_digest(any_id)
    return {
        a.arrival_id
        for a in state.arrivals.values()
        if any_id in (a.arrival_id, a.transport_id, a.message_id) or a.mail_digest == digest
    }


def measures_of(state: JournalState, now: datetime) -> dict[str, float]:
    numbers: dict[str, float] = {}

    def count(name: str, instants: Iterable[datetime], *, aged: bool = True) -> None:
        oldest = sorted(instants)
        numbers[name] = float(len(oldest))
        if aged:
            age = (now - oldest[0]).total_seconds() if oldest else 0.0
            numbers[f"{name}_oldest_seconds"] = max(0.0, age)

    out, inc = state.outgoing.values(), state.incoming.values()
    for s in State:
        count(f"outgoing_{s}", [e.accepted_at for e in out if e.state is s], aged=s.is_open)
        count(f"incoming_{s}", [e.arrived_at for e in inc if e.state is s], aged=s.is_open)
    open_ = [d for d in state.deliveries.values() if d.is_open]
    signals = [d for d in open_ if d.purpose is Purpose.SIGNAL]
    count("unacknowledged", [d.created_at for d in open_ if d not in signals])
    count("signals_waiting", [d.created_at for d in signals])
    flying_out = [e for e in out if e.state is State.IN_FLIGHT]
    flying_in = [e for e in inc if e.state is State.IN_FLIGHT and e.receipt_id is None]
    count("unanswered", [e.waits_from for e in flying_out if e.waits_from])
    count("unconfirmed_by_epj", [e.handed_at for e in flying_in if e.handed_at])
    count("arrivals_unread", [a.received_at for a in state.arrivals.values() if a.kind is None])
    count("outbox", [row.put_at for row in state.outbox.values()])
    count("dead_letters", [x.since for x in state.letters.values() if x.state == "open"])
    count("orphans", [o.due_at for o in state.orphans.values()], aged=False)
    return numbers
