"""Leases with a fencing number: work that only one instance may do at a time."""

from sqlalchemy import BindParameter, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.expression import literal_column

from gateway.adapters.journal import tables
from gateway.adapters.journal.statements import Statement
from gateway.adapters.journal.work import Work
from gateway.errors import LeaseLost
from gateway.ports import Lease

_t = tables.lease.c


def _acquire() -> Statement:
    values: dict[str, BindParameter[str | int]] = {
        name: bindparam(name) for name in ("name", "holder", "until")
    }
    on_sqlite = sqlite_insert(tables.lease).values(**values, fence=literal_column("1"))
    on_postgresql = postgresql_insert(tables.lease).values(**values, fence=literal_column("1"))
    free = or_(_t.until <= bindparam("now"), _t.holder == bindparam("holder"))
    # One statement, so two instances cannot both find the lease free.
    return Statement(
        ("name", "holder", "until", "now"),
        on_sqlite.on_conflict_do_update(
            ["name"],
            set_={
                "holder": on_sqlite.excluded.holder,
                "until": on_sqlite.excluded.until,
                "fence": _t.fence + literal_column("1"),
            },
            where=free,
        ).returning(_t.fence),
        on_postgresql.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "holder": on_postgresql.excluded.holder,
                "until": on_postgresql.excluded.until,
                "fence": _t.fence + literal_column("1"),
            },
            where=free,
        ).returning(_t.fence),
    )


ACQUIRE = _acquire()
# Also after the time ran out: as long as nobody took it, the fence still holds.
EXTEND = Statement(
    ("new_until", "key_name", "key_fence"),
    update(tables.lease)
    .values(until=bindparam("new_until"))
    .where(_t.name == bindparam("key_name"), _t.fence == bindparam("key_fence")),
)
_HELD = Statement(
    ("name", "fence"),
    select(_t.fence)
    .where(_t.name == bindparam("name"), _t.fence == bindparam("fence"))
    .with_for_update(),
)


class Fenced(Work):
    """The part of ``Transaction`` about leases."""

    async def require_lease(self, lease: Lease) -> None:
        if await self.row(_HELD, lease.name, lease.fence) is None:
            self.void()
            raise LeaseLost(f"lease {lease.name} with fence {lease.fence} is held by another")
