"""SQL text for both databases, compiled once from one SQLAlchemy construct.

SQLAlchemy's execution layer costs more processor time for one message than
everything else the gateway does with it, so it compiles the statements when
the modules are loaded, and the drivers run the text.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy import update as update_
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

Value = str | int | bytes | None
Values = tuple[Value, ...]

_SQLITE = pysqlite.dialect()
_POSTGRESQL = asyncpg.dialect()  # type: ignore[no-untyped-call]  # not annotated


class Statement:
    """One statement in both dialects. Values are given in the order of ``names``.

    ``slow``: it reads bodies or whole tables, too much for the event loop to do itself.
    """

    __slots__ = ("_for_postgresql", "_for_sqlite", "postgresql", "slow", "sqlite")

    def __init__(
        self,
        names: Sequence[str],
        sqlite: ClauseElement,
        postgresql: ClauseElement | None = None,
        *,
        slow: bool = False,
    ) -> None:
        self.slow = slow
        self.sqlite, self._for_sqlite = _compiled(sqlite, _SQLITE, names)
        self.postgresql, self._for_postgresql = _compiled(
            sqlite if postgresql is None else postgresql, _POSTGRESQL, names
        )

    def for_sqlite(self, values: Values) -> Values:
        """``values`` in the order of the placeholders of :attr:`sqlite`."""
        order = self._for_sqlite
        return values if order is None else order.applied(values)

    def for_postgresql(self, values: Values) -> Values:
        """``values`` in the order of the placeholders of :attr:`postgresql`."""
        order = self._for_postgresql
        return values if order is None else order.applied(values)


Call = tuple[Statement, Values]


class _Order:
    """Which value each placeholder takes; ``constants`` (a LIMIT) come after those given."""

    __slots__ = ("constants", "places")

    def __init__(self, places: Sequence[int], constants: Values) -> None:
        self.places = places
        self.constants = constants

    def applied(self, values: Values) -> Values:
        everything = values + self.constants
        return tuple([everything[place] for place in self.places])


def _compiled(
    construct: ClauseElement, dialect: Dialect, names: Sequence[str]
) -> tuple[str, _Order | None]:
    compiled = construct.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    positions = compiled.positiontup or []
    extra = [position for position in positions if position not in names]
    constants = tuple(compiled.params[position] for position in extra)
    assert None not in constants, f"a placeholder nobody gives a value for: {extra}"
    places = [[*names, *extra].index(position) for position in positions]
    return str(compiled), None if places == [*range(len(names))] else _Order(places, constants)


def constant(value: str) -> ColumnElement[str]:
    """A literal in the SQL text, as partial indexes need it; for our own code words only."""
    assert value.replace("_", "").isalnum(), value
    return literal_column(f"'{value}'")


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "seq"]


def insert_row(table: Table) -> Statement:
    """INSERT of all columns in table order, the sequence number left out."""
    names = _columns(table)
    return Statement(names, insert(table).values({name: bindparam(name) for name in names}))


def insert_new(table: Table) -> Statement:
    """As :func:`insert_row`, but no row is affected when a unique key is taken."""
    names = _columns(table)
    values: dict[str, BindParameter[Value]] = {name: bindparam(name) for name in names}
    return Statement(
        names,
        sqlite_insert(table).values(values).on_conflict_do_nothing(),
        postgresql_insert(table).values(values).on_conflict_do_nothing(),
    )


def insert_or_replace(table: Table) -> Statement:
    """As :func:`insert_row`; a row of the same primary key takes the new values."""
    names = _columns(table)
    keys = [column.name for column in table.primary_key]
    values: dict[str, BindParameter[Value]] = {name: bindparam(name) for name in names}
    rest = [name for name in names if name not in keys]
    on_sqlite = sqlite_insert(table).values(values)
    on_postgresql = postgresql_insert(table).values(values)
    return Statement(
        names,
        on_sqlite.on_conflict_do_update(keys, set_={n: on_sqlite.excluded[n] for n in rest}),
        on_postgresql.on_conflict_do_update(
            index_elements=keys, set_={n: on_postgresql.excluded[n] for n in rest}
        ),
    )


def update_tail(table: Table, first: str) -> Statement:
    """UPDATE of column ``first`` and all after it; values: those columns, then the primary key."""
    names = _columns(table)
    tail = names[names.index(first) :]
    construct = update_(table).values({name: bindparam(f"new_{name}") for name in tail})
    keys = [column for column in table.primary_key]
    for column in keys:
        construct = construct.where(column == bindparam(f"key_{column.name}"))
    return Statement(
        [*(f"new_{name}" for name in tail), *(f"key_{column.name}" for column in keys)], construct
    )


def find(table: Table, *names: str, lock: bool = False) -> Statement:
    """SELECT of whole rows where the named columns have the given values; ``lock``: FOR UPDATE."""
    construct = select(table).where(*(table.c[name] == bindparam(name) for name in names))
    return Statement(names, construct.with_for_update() if lock else construct)


def same_msg_id(column: ColumnElement[str], other: ColumnElement[str]) -> ColumnElement[bool]:
    """Compare MsgIds by an index, without letter case; ``rows.of_msg_id`` does the rest."""
    return func.lower(column) == func.lower(other)


def claim_due(construct: Select[tuple[object, ...]], *names: str, slow: bool = False) -> Statement:
    """``construct`` limited to ``:limit`` rows, skipping what another instance holds."""
    limited = construct.limit(bindparam("limit")).with_for_update(skip_locked=True)
    return Statement((*names, "limit"), limited, slow=slow)
