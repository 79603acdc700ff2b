"""The journal's tables, for SQLite and PostgreSQL alike.

Instants are whole microseconds since 1970 in UTC, JSON is text, and what may
quote a message is sealed (``notes``, ``sealed``). In the tables of saved
values the columns that never change come first, so that a save writes a tail
of the row. There are no foreign keys: an entry, its envelopes and its events
are written in one transaction, and rows are never deleted but from the outbox
and the list of orphans.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.sql.elements import TextClause

metadata = MetaData()


def _text(name: str, *, required: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=not (required or key))


def _number(name: str, *, required: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=not required)


def _bytes(name: str, *, required: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=not required)


def _sequence() -> Column[int]:
    return Column(
        "seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )


def _index(
    name: str, *columns: ColumnElement[str] | ColumnElement[int], where: str | None = None
) -> None:
    condition: TextClause | None = None if where is None else text(where)
    Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


outgoing = Table(
    "outgoing",
    metadata,
    _text("entry_id", key=True),
    _text("key", required=True),
    _text("digest", required=True),
    _number("accepted_at", required=True),
    _text("state", required=True),
    _text("msg_id"),
    _text("sender_her"),
    _text("receiver_her"),
    _text("service_code"),
    _text("message_type"),
    _text("amqp_message_id"),
    _text("conversation_id"),
    _text("message_id"),
    _number("waits_from"),
    _number("due_at"),
    _text("overdue"),
    _text("removed"),
    _bytes("notes"),
)
Index("outgoing_key", outgoing.c.key, unique=True)
Index("outgoing_digest", outgoing.c.digest, unique=True)
_index("outgoing_state", outgoing.c.state, outgoing.c.accepted_at)
_index("outgoing_due", outgoing.c.due_at, where="state = 'in_flight'")
_index("outgoing_msg_id", func.lower(outgoing.c.msg_id))
_index("outgoing_conversation", outgoing.c.conversation_id)
_index("outgoing_amqp", outgoing.c.amqp_message_id)

incoming = Table(
    "incoming",
    metadata,
    _text("entry_id", key=True),
    _text("arrival_id", required=True),
    _number("arrived_at", required=True),
    _text("state", required=True),
    _text("sender_her"),
    _text("receiver_her"),
    _text("message_id"),
    _text("conversation_id"),
    _text("cpa_id"),
    _text("service"),
    _text("action"),
    _text("msg_id"),
    _text("message_type"),
    _text("document_digest"),
    _text("reply_id"),
    _text("receipt_id"),
    _number("handed_at"),
    _number("due_at"),
    _text("overdue"),
    _text("receivers"),  # HER-ids with a comma between them
    _bytes("notes"),
)
_index("incoming_state", incoming.c.state, incoming.c.arrived_at)
_index("incoming_due", incoming.c.due_at, where="state = 'in_flight'")
_index("incoming_waiting", incoming.c.handed_at, where="state = 'in_flight'")
_index("incoming_msg_id", func.lower(incoming.c.msg_id))
_index("incoming_message", incoming.c.message_id)
_index("incoming_conversation", incoming.c.conversation_id)
_index("incoming_arrival", incoming.c.arrival_id)

seen = Table(
    "seen",
    metadata,
    _text("message_id", key=True),
    _text("sender_her", key=True),
    _text("receiver_her", key=True),
    _text("fingerprint", required=True),
    _text("reply_id", required=True),
    _number("at", required=True),
    _text("arrival_id", required=True),
    _text("entry_id"),
)

delivery = Table(
    "delivery",
    metadata,
    _text("message_id", key=True),
    _text("purpose", required=True),
    _text("entry_id", required=True),
    _text("conversation_id", required=True),
    _text("cpa_id", required=True),
    _text("sender_her", required=True),
    _text("receiver_her", required=True),
    _text("service", required=True),
    _text("action", required=True),
    _number("created_at", required=True),
    _number("time_to_live", required=True),
    _text("refs"),
    _text("mail_from", required=True),
    _text("mail_to", required=True),
    _text("transport", required=True),
    _text("answer"),
    _number("attempts", required=True),
    _number("tries", required=True),
    _number("failures", required=True),
    _number("due_at"),
    _number("sent_at"),
    _text("parent"),
)
_index("delivery_due", delivery.c.due_at, where="transport IN ('waiting', 'sent')")
_index("delivery_open", delivery.c.created_at, where="transport IN ('waiting', 'sent')")
_index("delivery_entry", delivery.c.entry_id)
_index("delivery_conversation", delivery.c.conversation_id)

attempt = Table(
    "attempt",
    metadata,
    _text("message_id", key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("mail_message_id", required=True),
    _text("envelope_id", required=True),
    _number("at", required=True),
    _text("outcome"),
)
_index("attempt_mail", attempt.c.mail_message_id)
_index("attempt_envelope", attempt.c.envelope_id)

arrival = Table(
    "arrival",
    metadata,
    _text("arrival_id", key=True),
    _text("account", required=True),
    _text("transport_id", required=True),
    _number("received_at", required=True),
    _number("bytes", required=True),
    _text("kind"),
    _number("notified_at"),
    _number("notices", required=True),
    _number("crashes", required=True),
    _text("message_id"),
    _text("mail_digest"),
)
# transport_id first: a mail is also looked up by its Message-ID alone.
Index("arrival_transport", arrival.c.transport_id, arrival.c.account, unique=True)
_index("arrival_unread", arrival.c.received_at, where="kind IS NULL")
_index("arrival_message", arrival.c.message_id, where="message_id IS NOT NULL")
_index("arrival_mail", arrival.c.mail_digest, where="mail_digest IS NOT NULL")

content = Table(
    "content",
    metadata,
    _text("content_id", key=True),
    _text("key_id", required=True),
    _bytes("nonce", required=True),
    _bytes("sealed", required=True),
)

receipt = Table(
    "receipt",
    metadata,
    _text("entry_id", key=True),
    _text("receiver_her", key=True),
    _text("outcome", required=True),
    _text("digest", required=True),
    _text("message_id"),
)

orphan = Table(
    "orphan",
    metadata,
    _text("arrival_id", key=True),
    _text("original_msg_id"),
    _text("ref_to_message_id"),
    _text("sender_her", required=True),
    _number("due_at", required=True),
)
_index("orphan_msg_id", func.lower(orphan.c.original_msg_id))
_index("orphan_message", orphan.c.ref_to_message_id)
_index("orphan_due", orphan.c.due_at)

turn = Table(
    "turn",
    metadata,
    _text("entry_id", key=True),
    _text("msg_id", required=True),
    _text("root", required=True),
    _text("parent"),
    _text("side", required=True),
    _text("own_her", required=True),
    _text("partner_her", required=True),
    _text("patient_mark", required=True),
    _text("message_type", required=True),
    _text("message_id"),
    _text("conversation_id"),
    _number("at", required=True),
    _text("reply"),
    _number("due_at"),
    _text("lateness"),
    _number("counted_from"),
)
_index("turn_msg_id", func.lower(turn.c.msg_id))
_index("turn_due", turn.c.due_at, where="reply = 'open'")
_index("turn_open", turn.c.at, where="reply = 'open'")

dead_letter = Table(
    "dead_letter",
    metadata,
    _text("letter_id", key=True),
    _text("side"),
    _text("code", required=True),
    _number("since", required=True),
    _text("entry_id"),
    _text("message_id"),
    _text("arrival_id"),
    _text("detail", required=True),
    _text("state", required=True),
    Column("noticed", SmallInteger, nullable=False),
)
_index("dead_letter_open", dead_letter.c.since, where="state = 'open'")
_index("dead_letter_notice", dead_letter.c.since, where="state <> 'open' AND noticed = 1")

event = Table(
    "event",
    metadata,
    _sequence(),
    _number("at", required=True),
    _text("name", required=True),
    _text("entry_id"),
    _text("message_id"),
    _text("side"),
    _text("code"),
    _text("detail"),
    _text("actor"),
    Column("arrived", SmallInteger, nullable=False),
    _text("arrival_id"),
)
_index("event_entry", event.c.entry_id, where="entry_id IS NOT NULL")
_index("event_message", event.c.message_id, where="message_id IS NOT NULL")
_index("event_arrival", event.c.arrival_id, where="arrival_id IS NOT NULL")
# With ``arrived``, although it is always 1 in here: else SQLite reads the rows too.
_index("event_arrived", event.c.side, event.c.arrived, where="arrived = 1")

outbox = Table(
    "outbox",
    metadata,
    _sequence(),
    _text("outbox_id", required=True),
    _text("queue", required=True),
    _text("content_type", required=True),
    _text("message_id"),
    _text("correlation_id"),
    _text("type"),
    _text("headers"),
    _number("put_at", required=True),
    _text("holder"),
    _number("claim_until", required=True),  # 0: nobody's
    # The large column last, so that a look at the claims need not read past it.
    _text("key_id", required=True),
    _bytes("nonce", required=True),
    _bytes("sealed", required=True),
)
Index("outbox_id", outbox.c.outbox_id, unique=True)

lease = Table(
    "lease",
    metadata,
    _text("name", key=True),
    _text("holder", required=True),
    _number("fence", required=True),
    _number("until", required=True),
)
