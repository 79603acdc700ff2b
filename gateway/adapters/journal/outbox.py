"""The outbox: rows that a transaction leaves for the broker, and who publishes them.

Rows of this instance's own transactions are claimed for it as they are
written and, once committed, handed to its relay from memory. The table is read
only for what others left there: rows of the command line, of an instance that
died, and those for which memory had no room.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, null, select, update
from sqlalchemy.sql.expression import literal_column

from gateway.adapters.journal import tables
from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.rows import Row, flat, flat_json, micros
from gateway.adapters.journal.session import Session
from gateway.adapters.journal.statements import Statement, claim_due, insert_row
from gateway.adapters.journal.work import Work
from gateway.adapters.tracing import trace_headers
from gateway.ports import Clock, OutboundMessage
from gateway.queues import Queue

_o = tables.outbox.c

_PUT = insert_row(tables.outbox)
# In the order of the primary key: claimed rows in front are few, and sorting a backlog is not.
FREE = claim_due(
    select(tables.outbox).where(_o.claim_until <= bindparam("now")).order_by(_o.seq),
    "now",
    slow=True,
)
_PASSED_OVER = tuple(f"not_{number}" for number in range(len(Queue)))
FREE_ELSEWHERE = claim_due(
    select(tables.outbox)
    .where(
        _o.claim_until <= bindparam("now"),
        _o.queue.not_in([bindparam(name) for name in _PASSED_OVER]),
    )
    .order_by(_o.seq),
    "now",
    *_PASSED_OVER,
    slow=True,
)
CLAIM = Statement(
    ("new_holder", "new_until", "key_id_"),
    update(tables.outbox)
    .values(holder=bindparam("new_holder"), claim_until=bindparam("new_until"))
    .where(_o.outbox_id == bindparam("key_id_")),
)
RELEASE = Statement(
    ("key_id_", "key_holder"),
    update(tables.outbox)
    .values(holder=null(), claim_until=literal_column("0"))
    .where(_o.outbox_id == bindparam("key_id_"), _o.holder == bindparam("key_holder")),
)
PUBLISHED = Statement(
    ("key_id_",), delete(tables.outbox).where(_o.outbox_id == bindparam("key_id_"))
)
RELEASE_ALL = Statement(
    ("key_holder",),
    update(tables.outbox)
    .values(holder=null(), claim_until=literal_column("0"))
    .where(_o.holder == bindparam("key_holder")),
    slow=True,
)
VOID_CLAIMS = Statement(
    (),
    update(tables.outbox)
    .values(holder=null(), claim_until=literal_column("0"))
    .where(_o.claim_until > literal_column("0")),
    slow=True,
)


@dataclass(slots=True, kw_only=True)
class Shelf:
    """Committed rows that are claimed for this instance and not yet handed to its relay.

    ``capacity`` 0 means this process has no relay and claims nothing. Once rows
    had to be left in the table, later ones go there too until the table has
    been emptied, since they must not overtake.
    """

    holder: str
    capacity: int
    lease: timedelta
    clock: Clock
    spilled: int = 0  # commits that left rows in the table; 0: none is left there
    _rows: deque[tuple[OutboundMessage, datetime]] = field(default_factory=deque)

    def has_room(self, waiting: int) -> bool:
        """Whether one more row may be claimed, ``waiting`` being those not yet committed."""
        return not self.spilled and len(self._rows) + waiting < self.capacity

    def add(self, rows: Sequence[tuple[OutboundMessage, datetime]]) -> None:
        """Take over rows that have just been committed, with the ends of their claims."""
        self._rows.extend(rows)

    def take(self, limit: int) -> list[OutboundMessage]:
        """Up to ``limit`` rows, oldest first."""
        return [self._rows.popleft()[0] for _ in range(min(limit, len(self._rows)))]

    def is_stale(self, now: datetime) -> bool:
        """Whether the oldest claim has less than half of its time left to publish in."""
        return bool(self._rows) and self._rows[0][1] - now < self.lease / 2

    def clear(self) -> list[str]:
        """Drop everything; returns the ids, to release them.

        When one row goes back to the table all must: the younger ones would overtake it.
        """
        ids = [message.outbox_id for message, _ in self._rows]
        self._rows.clear()
        return ids


class Putting(Work):
    """The part of ``Transaction`` about the outbox."""

    def __init__(self, session: Session, sealer: Sealer, shelf: Shelf) -> None:
        super().__init__(session, sealer)
        self._shelf = shelf
        self.claimed: list[tuple[OutboundMessage, datetime]] = []
        self.spilled = False

    async def put(self, *messages: OutboundMessage) -> None:
        now = self._shelf.clock.now()
        trace = trace_headers()
        for given in messages:
            message = replace(given, headers={**given.headers, **trace}) if trace else given
            holder: str | None = None
            until = 0
            if not self.spilled and self._shelf.has_room(len(self.claimed)):
                end = now + self._shelf.lease
                self.claimed.append((message, end))
                holder, until = self._shelf.holder, micros(end)
            else:
                self.spilled = True
            self.write(
                _PUT,
                message.outbox_id,
                message.queue,
                message.content_type,
                message.message_id,
                message.correlation_id,
                message.type,
                flat_json(message.headers),
                micros(now),
                holder,
                until,
                *self._sealer.seal(message.body, f"outbox:{message.outbox_id}"),
            )


def passed_over(queues: Collection[str]) -> tuple[str, ...]:
    """The queues as :data:`FREE_ELSEWHERE` takes them."""
    return (*queues, *[""] * (len(_PASSED_OVER) - len(queues)))


def message_from(row: Row, sealer: Sealer) -> OutboundMessage:
    """Read a row of ``outbox``; raises ContentKeyMissing when its body cannot be opened."""
    return OutboundMessage(
        outbox_id=row[1],
        queue=row[2],
        content_type=row[3],
        message_id=row[4],
        correlation_id=row[5],
        type=row[6],
        headers=flat(row[7]),
        body=sealer.open(row[11], row[12], row[13], f"outbox:{row[1]}"),
    )
