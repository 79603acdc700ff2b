"""The first schema: ledger entries, envelopes, arrivals, content, trail, outbox, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("arrival_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("transport_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("notified_at", sa.BigInteger(), nullable=True),
        sa.Column("notices", sa.BigInteger(), nullable=False),
        sa.Column("crashes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("arrival_id"),
    )
    op.create_index("arrival_transport", "arrival", ["transport_id", "account"], unique=True)
    _partial_index("arrival_unread", "arrival", ["received_at"], where="kind IS NULL")

    op.create_table(
        "attempt",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mail_message_id", sa.Text(), nullable=False),
        sa.Column("envelope_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "number"),
    )
    op.create_index("attempt_envelope", "attempt", ["envelope_id"])
    op.create_index("attempt_mail", "attempt", ["mail_message_id"])

    op.create_table(
        "content",
        sa.Column("content_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content_id"),
    )

    op.create_table(
        "dead_letter",
        sa.Column("letter_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("arrival_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("noticed", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id"),
    )
    _partial_index(
        "dead_letter_notice", "dead_letter", ["since"], where="state <> 'open' AND noticed = 1"
    )
    _partial_index("dead_letter_open", "dead_letter", ["since"], where="state = 'open'")

    op.create_table(
        "delivery",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("cpa_id", sa.Text(), nullable=False),
        sa.Column("sender_her", sa.Text(), nullable=False),
        sa.Column("receiver_her", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("time_to_live", sa.BigInteger(), nullable=False),
        sa.Column("refs", sa.Text(), nullable=True),
        sa.Column("mail_from", sa.Text(), nullable=False),
        sa.Column("mail_to", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("delivery_conversation", "delivery", ["conversation_id"])
    _partial_index("delivery_due", "delivery", ["due_at"], where="transport IN ('waiting', 'sent')")
    op.create_index("delivery_entry", "delivery", ["entry_id"])
    _partial_index(
        "delivery_open", "delivery", ["created_at"], where="transport IN ('waiting', 'sent')"
    )

    op.create_table(
        "event",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("arrived", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    _partial_index("event_arrived", "event", ["side", "arrived"], where="arrived = 1")
    _partial_index("event_entry", "event", ["entry_id"], where="entry_id IS NOT NULL")
    _partial_index("event_message", "event", ["message_id"], where="message_id IS NOT NULL")

    op.create_table(
        "incoming",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("arrival_id", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sender_her", sa.Text(), nullable=True),
        sa.Column("receiver_her", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("cpa_id", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("msg_id", sa.Text(), nullable=True),
        sa.Column("message_type", sa.Text(), nullable=True),
        sa.Column("document_digest", sa.Text(), nullable=True),
        sa.Column("reply_id", sa.Text(), nullable=True),
        sa.Column("receipt_id", sa.Text(), nullable=True),
        sa.Column("handed_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("overdue", sa.Text(), nullable=True),
        sa.Column("receivers", sa.Text(), nullable=True),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("incoming_arrival", "incoming", ["arrival_id"])
    op.create_index("incoming_conversation", "incoming", ["conversation_id"])
    _partial_index("incoming_due", "incoming", ["due_at"], where="state = 'in_flight'")
    op.create_index("incoming_message", "incoming", ["message_id"])
    op.create_index("incoming_msg_id", "incoming", ["msg_id"])
    op.create_index("incoming_state", "incoming", ["state", "arrived_at"])
    _partial_index("incoming_waiting", "incoming", ["handed_at"], where="state = 'in_flight'")

    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )

    op.create_table(
        "orphan",
        sa.Column("arrival_id", sa.Text(), nullable=False),
        sa.Column("original_msg_id", sa.Text(), nullable=True),
        sa.Column("ref_to_message_id", sa.Text(), nullable=True),
        sa.Column("sender_her", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("arrival_id"),
    )
    op.create_index("orphan_due", "orphan", ["due_at"])
    op.create_index("orphan_message", "orphan", ["ref_to_message_id"])
    op.create_index("orphan_msg_id", "orphan", ["original_msg_id"])

    op.create_table(
        "outbox",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("outbox_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("claim_until", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("outbox_id", "outbox", ["outbox_id"], unique=True)

    op.create_table(
        "outgoing",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("msg_id", sa.Text(), nullable=True),
        sa.Column("sender_her", sa.Text(), nullable=True),
        sa.Column("receiver_her", sa.Text(), nullable=True),
        sa.Column("service_code", sa.Text(), nullable=True),
        sa.Column("message_type", sa.Text(), nullable=True),
        sa.Column("amqp_message_id", sa.Text(), nullable=True),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("waits_from", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("overdue", sa.Text(), nullable=True),
        sa.Column("removed", sa.Text(), nullable=True),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("outgoing_amqp", "outgoing", ["amqp_message_id"])
    op.create_index("outgoing_conversation", "outgoing", ["conversation_id"])
    _partial_index("outgoing_due", "outgoing", ["due_at"], where="state = 'in_flight'")
    op.create_index("outgoing_key", "outgoing", ["key"], unique=True)
    op.create_index("outgoing_msg_id", "outgoing", ["msg_id"])
    op.create_index("outgoing_state", "outgoing", ["state", "accepted_at"])

    op.create_table(
        "receipt",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("receiver_her", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", "receiver_her"),
    )

    op.create_table(
        "seen",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sender_her", sa.Text(), nullable=False),
        sa.Column("receiver_her", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("reply_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("arrival_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "sender_her", "receiver_her"),
    )

    op.create_table(
        "turn",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("msg_id", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("own_her", sa.Text(), nullable=False),
        sa.Column("partner_her", sa.Text(), nullable=False),
        sa.Column("patient_mark", sa.Text(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lateness", sa.Text(), nullable=True),
        sa.Column("counted_from", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("turn_msg_id", "turn", ["msg_id"])
    _partial_index("turn_due", "turn", ["due_at"], where="reply = 'open'")
    _partial_index("turn_open", "turn", ["at"], where="reply = 'open'")

    _make_event_append_only()


def _partial_index(name: str, table: str, columns: list[str], *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _make_event_append_only() -> None:
    """No program, this one included, changes or removes what was recorded."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER event_no_{act.lower()} BEFORE {act} ON event "
                "BEGIN SELECT RAISE(ABORT, 'event is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'event is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()"
    )
