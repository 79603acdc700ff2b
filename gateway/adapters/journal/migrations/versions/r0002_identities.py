"""What is the same: MsgIds in any letter case, messages by bytes, mails by ids, a patient."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MSG_IDS = {
    "incoming": "msg_id",
    "orphan": "original_msg_id",
    "outgoing": "msg_id",
    "turn": "msg_id",
}


_UUID = "________-____-____-____-____________"  # for LIKE


def upgrade() -> None:
    for table, column in _MSG_IDS.items():
        op.drop_index(f"{table}_msg_id", table)
        op.create_index(f"{table}_msg_id", table, [sa.text(f"lower({column})")])
    _give_digests_to_one_entry_each()
    op.create_index("outgoing_digest", "outgoing", ["digest"], unique=True)
    _write_keys_in_lower_case()
    _find_mails_by_their_ids()
    # One hash of everything cannot be compared any more; without a mark a patient is unknown.
    op.execute("UPDATE turn SET patient_mark = '' WHERE patient_mark NOT LIKE '%:%'")


def _find_mails_by_their_ids() -> None:
    """And events by their mail; those of before stay as they are, as events must."""
    for table, column, index in (
        ("arrival", "message_id", "arrival_message"),
        ("arrival", "mail_digest", "arrival_mail"),
        ("event", "arrival_id", "event_arrival"),
    ):
        op.add_column(table, sa.Column(column, sa.Text(), nullable=True))
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(index, table, [column], sqlite_where=where, postgresql_where=where)


def _give_digests_to_one_entry_each() -> None:
    """The same bytes could become two entries; what was sent keeps them, then what came first."""
    connection = op.get_bind()
    twins = connection.execute(
        sa.text(
            "SELECT entry_id, digest FROM outgoing WHERE digest IN"
            " (SELECT digest FROM outgoing GROUP BY digest HAVING count(*) > 1)"
            " ORDER BY CASE state WHEN 'rejected' THEN 1 ELSE 0 END, accepted_at, entry_id"
        )
    ).all()
    kept: set[str] = set()
    for entry_id, digest in twins:
        if digest in kept:
            connection.execute(
                sa.text("UPDATE outgoing SET digest = :digest WHERE entry_id = :entry_id"),
                {"digest": f"{digest}#{entry_id}", "entry_id": entry_id},
            )
        kept.add(digest)


def _write_keys_in_lower_case() -> None:
    """A key that ends in a UUID is compared in lower case from now on."""
    connection = op.get_bind()
    written = connection.execute(
        sa.text(
            'SELECT entry_id, "key", digest FROM outgoing WHERE msg_id LIKE :uuid'
            " AND msg_id <> lower(msg_id) AND \"key\" = sender_her || '/' || msg_id"
            " ORDER BY accepted_at, entry_id"
        ),
        {"uuid": _UUID},
    ).all()
    for entry_id, key, digest in written:
        taken = connection.execute(
            sa.text('SELECT 1 FROM outgoing WHERE "key" = :key'), {"key": key.lower()}
        ).first()
        new = f"{key.lower()}#{digest}" if taken else key.lower()
        connection.execute(
            sa.text('UPDATE outgoing SET "key" = :key WHERE entry_id = :entry_id'),
            {"key": new, "entry_id": entry_id},
        )
