"""Due times moved, and nothing else: whoever postpones may have read the rest too early."""

from datetime import datetime

from sqlalchemy import Table, bindparam, update

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import micros
from gateway.adapters.journal.statements import Statement
from gateway.adapters.journal.work import Work
from gateway.ports import DueKind


def _later(table: Table, key: str, due: str = "due_at", *, unless: str | None = None) -> Statement:
    """Move the due time of a row that still has one; ``unless`` names a column that ends it."""
    columns = table.c
    construct = (
        update(table)
        .values({due: bindparam("new_due")})
        .where(columns[key] == bindparam("key_name"))
    )
    still = columns[due].is_not(None) if unless is None else columns[unless].is_(None)
    return Statement(("new_due", "key_name"), construct.where(still))


_LATER: dict[DueKind, Statement] = {
    "delivery": _later(tables.delivery, "message_id"),
    "outgoing": _later(tables.outgoing, "entry_id"),
    "incoming": _later(tables.incoming, "entry_id"),
    "turn": _later(tables.turn, "entry_id"),
    "arrival": _later(tables.arrival, "arrival_id", "notified_at", unless="kind"),
}


class Postponing(Work):
    """The part of ``Transaction`` about what is looked at again later."""

    async def postpone(self, kind: DueKind, name: str, until: datetime) -> None:
        self.write(_LATER[kind], micros(until), name)
