"""Counts and ages, each set in one statement, hence from one snapshot."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    FromClause,
    Select,
    func,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import literal_column

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import Row, micros
from gateway.adapters.journal.statements import Statement, constant
from gateway.domain.delivery import Purpose, Transport
from gateway.domain.ledger import Ledger, Side, State, ledger_from

_out, _in, _d = tables.outgoing.c, tables.incoming.c, tables.delivery.c

_ONE: ColumnElement[int] = literal_column("1")


def _ledger() -> Statement:
    """Rows (what, key, count): arrivals by side, entries of each side by state."""
    event = tables.event.c
    return Statement(
        (),
        union_all(
            select(constant("accepted"), event.side, func.count())
            .where(event.arrived == _ONE)
            .group_by(event.side),
            select(constant(Side.OUTGOING), _out.state, func.count()).group_by(_out.state),
            select(constant(Side.INCOMING), _in.state, func.count()).group_by(_in.state),
        ),
    )


LEDGER = _ledger()


def ledger_of(rows: Sequence[Row]) -> Ledger:
    """The ledger from the rows of :data:`LEDGER`."""
    return ledger_from(
        {Side(key): count for what, key, count in rows if what == "accepted"},
        {(Side(what), State(key)): count for what, key, count in rows if what != "accepted"},
    )


def _waiting(
    name: str,
    table: FromClause,
    since: ColumnElement[int],
    *conditions: ColumnElement[bool],
) -> Select[str, int, int]:
    """Rows (name, count, oldest instant)."""
    return (
        select(constant(name), func.count(), func.min(since)).select_from(table).where(*conditions)
    )


def _measures() -> Statement:
    outgoing, incoming, delivery = tables.outgoing, tables.incoming, tables.delivery
    open_delivery = _d.transport.in_([constant(Transport.WAITING), constant(Transport.SENT)])
    letter, arrival = tables.dead_letter.c, tables.arrival.c
    return Statement(
        (),
        union_all(
            *(
                _waiting(f"outgoing_{s}", outgoing, _out.accepted_at, _out.state == constant(s))
                for s in State
            ),
            *(
                _waiting(f"incoming_{s}", incoming, _in.arrived_at, _in.state == constant(s))
                for s in State
            ),
            _waiting(
                "unacknowledged",
                delivery,
                _d.created_at,
                open_delivery,
                _d.purpose != constant(Purpose.SIGNAL),
            ),
            _waiting(
                "signals_waiting",
                delivery,
                _d.created_at,
                open_delivery,
                _d.transport == constant(Transport.WAITING),
                _d.purpose == constant(Purpose.SIGNAL),
            ),
            _waiting(
                "unanswered",
                outgoing,
                _out.waits_from,
                _out.state == constant(State.IN_FLIGHT),
                _out.waits_from.is_not(None),
            ),
            _waiting(
                "unconfirmed_by_epj",
                incoming,
                _in.handed_at,
                _in.state == constant(State.IN_FLIGHT),
                _in.handed_at.is_not(None),
                _in.receipt_id.is_(None),
            ),
            _waiting(
                "arrivals_unread", tables.arrival, arrival.received_at, arrival.kind.is_(None)
            ),
            _waiting("outbox", tables.outbox, tables.outbox.c.put_at),
            _waiting(
                "dead_letters",
                tables.dead_letter,
                letter.since,
                letter.state == constant("open"),
            ),
            _waiting("orphans", tables.orphan, tables.orphan.c.due_at),
        ),
    )


MEASURES = _measures()

# What has ended has no age, and an orphan is known by when it falls due.
_WITHOUT_AGE = {f"{side}_{state}" for side in Side for state in State if not state.is_open}
_WITHOUT_AGE.add("orphans")


def measures_of(rows: Sequence[Row], now: datetime) -> dict[str, float]:
    """Flat numbers from the rows of :data:`MEASURES`.

    ``<name>`` is a count, ``<name>_oldest_seconds`` the age of the oldest of
    them, 0 when there is none. Names: ``outgoing_<state>``, ``incoming_<state>``
    (the five states of the ledger; ages of in_flight and dead only),
    ``unacknowledged`` (envelopes that wait for an Acknowledgment),
    ``signals_waiting`` (our signals not yet handed over), ``unanswered``
    (outgoing messages that wait for an AppRec), ``unconfirmed_by_epj``,
    ``arrivals_unread``, ``outbox``, ``dead_letters`` (open), ``orphans`` (no age).
    """
    present = micros(now)
    numbers: dict[str, float] = {}
    for name, count, oldest in rows:
        numbers[name] = float(count)
        if name not in _WITHOUT_AGE:
            age = 0.0 if oldest is None else max(0.0, (present - oldest) / 1_000_000)
            numbers[f"{name}_oldest_seconds"] = age
    return numbers
