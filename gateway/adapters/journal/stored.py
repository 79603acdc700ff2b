"""What came in and what was sent, byte for byte, sealed; and the mails it came in."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import Row, instant, instant_or_none, micros, micros_or_none
from gateway.adapters.journal.statements import (
    Statement,
    Values,
    claim_due,
    find,
    insert_new,
    insert_or_replace,
    update_tail,
)
from gateway.adapters.journal.work import Work
from gateway.errors import InternalFault
from gateway.ports import Arrival

_LARGE_BYTES = 1 << 20  # from here on sealing takes long enough to be felt by the event loop

_STORE = insert_or_replace(tables.content)
# Not marked slow: nearly all are small and were written a moment ago, and a change of threads
# costs more than reading them. The largest mail there can be holds the loop for some 50 ms.
FIND_CONTENT = Statement(
    ("content_id",),
    select(tables.content.c.key_id, tables.content.c.nonce, tables.content.c.sealed).where(
        tables.content.c.content_id == bindparam("content_id")
    ),
)
_ADD_ARRIVAL = insert_new(tables.arrival)
_SAVE_ARRIVAL = update_tail(tables.arrival, "account")
_ARRIVAL = find(tables.arrival, "arrival_id", lock=True)
_ARRIVALS_UNREAD = claim_due(
    select(tables.arrival)
    .where(
        tables.arrival.c.kind.is_(None),
        func.coalesce(tables.arrival.c.notified_at, tables.arrival.c.received_at)
        < bindparam("before"),
    )
    .order_by(tables.arrival.c.received_at),
    "before",
)

_UNREAD_SINCE = Statement(
    (), select(func.min(tables.arrival.c.received_at)).where(tables.arrival.c.kind.is_(None))
)


class StoredContent(Work):
    """The part of ``Transaction`` about stored bytes and arrivals."""

    async def add_arrival(self, arrival: Arrival, raw: bytes) -> bool:
        if await self.affected(_ADD_ARRIVAL, arrival.arrival_id, *_arrival_tail(arrival)) != 1:
            return False
        await self._store(f"raw:{arrival.arrival_id}", raw)
        return True

    async def arrival(self, arrival_id: str) -> Arrival | None:
        row = await self.row(_ARRIVAL, arrival_id)
        return None if row is None else _arrival_from(row)

    async def raw(self, arrival_id: str) -> bytes:
        raw = await self._stored(f"raw:{arrival_id}")
        if raw is None:
            raise InternalFault(f"no raw bytes are recorded for arrival {arrival_id}")
        return raw

    async def save_arrival(self, arrival: Arrival) -> None:
        self.write(_SAVE_ARRIVAL, *_arrival_tail(arrival), arrival.arrival_id)

    async def unread_since(self) -> datetime | None:
        row = await self.row(_UNREAD_SINCE)
        return None if row is None else instant_or_none(row[0])

    async def arrivals_unread(self, before: datetime, limit: int) -> Sequence[Arrival]:
        rows = await self.rows(_ARRIVALS_UNREAD, micros(before), limit)
        return [_arrival_from(row) for row in rows]

    async def add_document(self, entry_id: str, document: bytes) -> None:
        await self._store(f"document:{entry_id}", document)

    async def document(self, entry_id: str) -> bytes | None:
        return await self._stored(f"document:{entry_id}")

    async def _store(self, content_id: str, plain: bytes) -> None:
        if len(plain) >= _LARGE_BYTES:
            sealed = await asyncio.to_thread(self._sealer.seal, plain, content_id)
        else:
            sealed = self._sealer.seal(plain, content_id)
        self.write(_STORE, content_id, *sealed)

    async def _stored(self, content_id: str) -> bytes | None:
        row = await self.row(FIND_CONTENT, content_id)
        if row is None:
            return None
        if len(row[2]) >= _LARGE_BYTES:
            return await asyncio.to_thread(self._sealer.open, row[0], row[1], row[2], content_id)
        return self._sealer.open(row[0], row[1], row[2], content_id)


def _arrival_tail(arrival: Arrival) -> Values:
    return (
        arrival.account,
        arrival.transport_id,
        micros(arrival.received_at),
        arrival.bytes,
        arrival.kind,
        micros_or_none(arrival.notified_at),
        arrival.notices,
        arrival.crashes,
        arrival.message_id,
        arrival.mail_digest,
    )


def _arrival_from(row: Row) -> Arrival:
    return Arrival(
        arrival_id=row[0],
        account=row[1],
        transport_id=row[2],
        received_at=instant(row[3]),
        bytes=row[4],
        kind=row[5],
        notified_at=instant_or_none(row[6]),
        notices=row[7],
        crashes=row[8],
        message_id=row[9],
        mail_digest=row[10],
    )
