"""The append-only trail: writing it, and finding what belongs to any id."""

from sqlalchemy import BindParameter, Text, bindparam, or_, select, union

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import Row, flat, flat_json, instant, micros
from gateway.adapters.journal.statements import Statement, insert_row, same_msg_id
from gateway.adapters.journal.work import Work
from gateway.domain.ledger import Side
from gateway.ports import JournalEvent

_RECORD = insert_row(tables.event)


def _trail() -> Statement:
    out, inc, env = tables.outgoing.c, tables.incoming.c, tables.delivery.c
    att, arr, eve = tables.attempt.c, tables.arrival.c, tables.event.c
    any_id: BindParameter[str] = bindparam("any_id", type_=Text)
    mails = union(
        select(arr.arrival_id).where(or_(arr.arrival_id == any_id, arr.transport_id == any_id)),
        select(arr.arrival_id).where(arr.message_id == any_id),
        select(arr.arrival_id).where(arr.mail_digest == bindparam("mail_digest", type_=Text)),
    ).cte("mails")
    # Each branch of these unions is one look into an index.
    entries = union(
        select(out.entry_id.label("entry_id")).where(
            or_(
                out.entry_id == any_id,
                same_msg_id(out.msg_id, any_id),
                out.conversation_id == any_id,
                out.amqp_message_id == any_id,
            )
        ),
        select(inc.entry_id).where(
            or_(
                inc.entry_id == any_id,
                same_msg_id(inc.msg_id, any_id),
                inc.conversation_id == any_id,
                inc.message_id == any_id,
            )
        ),
        select(inc.entry_id).where(inc.arrival_id.in_(select(mails.c.arrival_id))),
        select(env.entry_id).where(or_(env.message_id == any_id, env.conversation_id == any_id)),
        select(env.entry_id)
        .join(tables.attempt, att.message_id == env.message_id)
        .where(or_(att.mail_message_id == any_id, att.envelope_id == any_id)),
        select(tables.seen.c.entry_id).where(tables.seen.c.message_id == any_id),
        # What never became an entry has its events under the arrival.
        select(mails.c.arrival_id),
        # A receipt became none: it tells of what it is about.
        select(eve.entry_id).where(eve.arrival_id.in_(select(mails.c.arrival_id))),
    ).cte("entries")
    envelopes = select(env.message_id).where(env.entry_id.in_(select(entries.c.entry_id)))
    # A union and not an OR: PostgreSQL would read the whole trail for that.
    found = union(
        select(eve.seq).where(eve.entry_id == any_id),
        select(eve.seq).where(eve.message_id == any_id),
        select(eve.seq).where(eve.arrival_id.in_(select(mails.c.arrival_id))),
        select(eve.seq).where(eve.entry_id.in_(select(entries.c.entry_id))),
        select(eve.seq).where(eve.message_id.in_(envelopes)),
    ).subquery("found")
    return Statement(
        ("any_id", "mail_digest"),
        select(tables.event).join(found, eve.seq == found.c.seq).order_by(eve.seq),
    )


TRAIL = _trail()


class Trail(Work):
    """The part of ``Transaction`` about events."""

    async def record(self, *events: JournalEvent) -> None:
        for event in events:
            self.write(
                _RECORD,
                micros(event.at),
                event.name,
                event.entry_id,
                event.message_id,
                None if event.side is None else event.side.value,
                event.code,
                flat_json(event.detail),
                event.actor,
                int(event.arrived),
                event.arrival_id,
            )


def event_from(row: Row) -> JournalEvent:
    """Read a row of ``event``."""
    return JournalEvent(
        at=instant(row[1]),
        name=row[2],
        entry_id=row[3],
        message_id=row[4],
        side=None if row[5] is None else Side(row[5]),
        code=row[6],
        detail=flat(row[7]),
        actor=row[8],
        arrived=bool(row[9]),
        arrival_id=row[10],
    )
