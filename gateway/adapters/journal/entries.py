"""Ledger entries: outgoing and incoming messages."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Text, bindparam, func, literal_column, select

from gateway.adapters.journal import tables
from gateway.adapters.journal.content import Sealer, readable
from gateway.adapters.journal.rows import (
    Row,
    instant,
    instant_or_none,
    micros,
    micros_or_none,
    notes_from,
    notes_json,
    of_msg_id,
    removed_from,
    removed_json,
)
from gateway.adapters.journal.statements import (
    Statement,
    Values,
    claim_due,
    constant,
    find,
    insert_new,
    insert_row,
    same_msg_id,
    update_tail,
)
from gateway.adapters.journal.work import Work
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Incoming, Outgoing, State
from gateway.ports import Unreadable

T = TypeVar("T")

_out, _in = tables.outgoing.c, tables.incoming.c

_ADD_OUTGOING = insert_new(tables.outgoing)
_SAVE_OUTGOING = update_tail(tables.outgoing, "state")
_OUTGOING = find(tables.outgoing, "entry_id", lock=True)
_OUTGOING_BY_KEY = find(tables.outgoing, "key", lock=True)
_OUTGOING_BY_DIGEST = find(tables.outgoing, "digest", lock=True)
_OUTGOING_BY_MSG_ID = Statement(
    ("msg_id", "receiver_her", "sender_her"),
    select(tables.outgoing)
    .where(
        same_msg_id(_out.msg_id, bindparam("msg_id", type_=Text)),
        _out.receiver_her == bindparam("receiver_her"),
        _out.message_id.is_not(None),
    )
    .order_by((_out.sender_her == bindparam("sender_her")).desc(), _out.accepted_at.desc())
    .with_for_update(),
)
_OUTGOING_DUE = claim_due(
    select(tables.outgoing)
    .where(_out.state == constant(State.IN_FLIGHT), _out.due_at <= bindparam("now"))
    .order_by(_out.due_at),
    "now",
)
_HOLD = Statement(
    ("name",),
    select(bindparam("name", type_=Text)),  # SQLite has one writer at a time
    select(
        func.pg_advisory_xact_lock(
            func.hashtextextended(bindparam("name", type_=Text), literal_column("0"))
        )
    ),
)
_ADD_INCOMING = insert_row(tables.incoming)
_SAVE_INCOMING = update_tail(tables.incoming, "state")
_INCOMING = find(tables.incoming, "entry_id", lock=True)
_INCOMING_BY_MSG_ID = Statement(
    ("msg_id",),
    select(tables.incoming)
    .where(same_msg_id(_in.msg_id, bindparam("msg_id", type_=Text)))
    .order_by(_in.arrived_at, _in.entry_id)
    .with_for_update(),
)
_INCOMING_DUE = claim_due(
    select(tables.incoming)
    .where(_in.state == constant(State.IN_FLIGHT), _in.due_at <= bindparam("now"))
    .order_by(_in.due_at),
    "now",
)


def outgoing_from(row: Row, sealer: Sealer) -> Outgoing:
    """Read a row of ``outgoing``; raises ContentKeyMissing when its notes cannot be opened."""
    notes = row[17]
    reasons, last_event = (
        ((), None) if notes is None else notes_from(sealer.unpack(notes, f"outgoing:{row[0]}"))
    )
    return Outgoing(
        entry_id=row[0],
        key=row[1],
        digest=row[2],
        accepted_at=instant(row[3]),
        state=State(row[4]),
        msg_id=row[5],
        sender_her=row[6],
        receiver_her=row[7],
        service_code=row[8],
        message_type=row[9],
        amqp_message_id=row[10],
        conversation_id=row[11],
        message_id=row[12],
        waits_from=instant_or_none(row[13]),
        due_at=instant_or_none(row[14]),
        overdue=row[15],
        removed=removed_from(row[16]),
        reasons=reasons,
        last_event=last_event,
    )


def _outgoing_tail(entry: Outgoing, sealer: Sealer) -> Values:
    notes = notes_json(entry.reasons, entry.last_event)
    return (
        entry.state.value,
        entry.msg_id,
        entry.sender_her,
        entry.receiver_her,
        entry.service_code,
        entry.message_type,
        entry.amqp_message_id,
        entry.conversation_id,
        entry.message_id,
        micros_or_none(entry.waits_from),
        micros_or_none(entry.due_at),
        entry.overdue,
        removed_json(entry.removed),
        None if notes is None else sealer.pack(notes, f"outgoing:{entry.entry_id}"),
    )


def incoming_from(row: Row, sealer: Sealer) -> Incoming:
    """Read a row of ``incoming``; raises ContentKeyMissing when its notes cannot be opened."""
    notes = row[20]
    reasons = () if notes is None else notes_from(sealer.unpack(notes, f"incoming:{row[0]}"))[0]
    return Incoming(
        entry_id=row[0],
        arrival_id=row[1],
        arrived_at=instant(row[2]),
        state=State(row[3]),
        sender_her=row[4],
        receiver_her=row[5],
        message_id=row[6],
        conversation_id=row[7],
        cpa_id=row[8],
        service=row[9],
        action=row[10],
        msg_id=row[11],
        message_type=row[12],
        document_digest=row[13],
        reply_id=row[14],
        receipt_id=row[15],
        handed_at=instant_or_none(row[16]),
        due_at=instant_or_none(row[17]),
        overdue=row[18],
        receivers=() if row[19] is None else tuple(row[19].split(",")),
        reasons=reasons,
    )


def _incoming_tail(entry: Incoming, sealer: Sealer) -> Values:
    notes = notes_json(entry.reasons)
    return (
        entry.state.value,
        entry.sender_her,
        entry.receiver_her,
        entry.message_id,
        entry.conversation_id,
        entry.cpa_id,
        entry.service,
        entry.action,
        entry.msg_id,
        entry.message_type,
        entry.document_digest,
        entry.reply_id,
        entry.receipt_id,
        micros_or_none(entry.handed_at),
        micros_or_none(entry.due_at),
        entry.overdue,
        ",".join(entry.receivers) or None,
        None if notes is None else sealer.pack(notes, f"incoming:{entry.entry_id}"),
    )


class Entries(Work):
    """The part of ``Transaction`` about ledger entries."""

    async def add_outgoing(self, entry: Outgoing) -> bool:
        head = (entry.entry_id, entry.key, entry.digest, micros(entry.accepted_at))
        return await self.affected(_ADD_OUTGOING, *head, *_outgoing_tail(entry, self._sealer)) == 1

    async def outgoing(self, entry_id: str) -> Outgoing | None:
        return self._outgoing_or_none(await self.row(_OUTGOING, entry_id))

    async def outgoing_by_key(self, key: str) -> Outgoing | None:
        return self._outgoing_or_none(await self.row(_OUTGOING_BY_KEY, key))

    async def outgoing_by_digest(self, digest: str) -> Outgoing | None:
        return self._outgoing_or_none(await self.row(_OUTGOING_BY_DIGEST, digest))

    async def outgoing_by_msg_id(
        self, msg_id: MsgId, receiver_her: HerId, sender_her: HerId
    ) -> Outgoing | None:
        rows = await self.rows(_OUTGOING_BY_MSG_ID, msg_id, receiver_her, sender_her)
        return self._outgoing_or_none(next(iter(of_msg_id(rows, 5, msg_id)), None))

    async def save_outgoing(self, entry: Outgoing) -> None:
        self.write(_SAVE_OUTGOING, *_outgoing_tail(entry, self._sealer), entry.entry_id)

    async def outgoing_due(self, now: datetime, limit: int) -> Sequence[Outgoing | Unreadable]:
        rows = await self.rows(_OUTGOING_DUE, micros(now), limit)
        return self._due(rows, outgoing_from)

    async def add_incoming(self, entry: Incoming) -> None:
        head = (entry.entry_id, entry.arrival_id, micros(entry.arrived_at))
        self.write(_ADD_INCOMING, *head, *_incoming_tail(entry, self._sealer))

    async def incoming(self, entry_id: str) -> Incoming | None:
        row = await self.row(_INCOMING, entry_id)
        return None if row is None else incoming_from(row, self._sealer)

    async def hold(self, name: str) -> None:
        self.write(_HOLD, name)  # goes with the next read, before it

    async def incoming_by_msg_id(self, msg_id: MsgId) -> Sequence[Incoming]:
        rows = await self.rows(_INCOMING_BY_MSG_ID, msg_id)
        return [incoming_from(row, self._sealer) for row in of_msg_id(rows, 11, msg_id)]

    async def save_incoming(self, entry: Incoming) -> None:
        self.write(_SAVE_INCOMING, *_incoming_tail(entry, self._sealer), entry.entry_id)

    async def incoming_due(self, now: datetime, limit: int) -> Sequence[Incoming | Unreadable]:
        rows = await self.rows(_INCOMING_DUE, micros(now), limit)
        return self._due(rows, incoming_from)

    def _due(self, rows: Sequence[Row], read: Callable[[Row, Sealer], T]) -> list[T | Unreadable]:
        due: list[T | Unreadable] = []
        for row in rows:
            due += list(readable([row], read, self._sealer)) or [Unreadable(entry_id=row[0])]
        return due

    def _outgoing_or_none(self, row: Row | None) -> Outgoing | None:
        return None if row is None else outgoing_from(row, self._sealer)
