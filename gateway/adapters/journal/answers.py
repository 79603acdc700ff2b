"""What came back and could not be settled at once: receipts, orphans, dead letters."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, or_, select
from sqlalchemy.sql.expression import literal_column

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import Row, instant, micros
from gateway.adapters.journal.statements import (
    Statement,
    Values,
    claim_due,
    constant,
    find,
    insert_or_replace,
    insert_row,
    same_msg_id,
    update_tail,
)
from gateway.adapters.journal.work import Work
from gateway.domain.ledger import Side
from gateway.ports import DeadLetter, Orphan, Receipt

_r, _o, _l = tables.receipt.c, tables.orphan.c, tables.dead_letter.c

_ADD_RECEIPT = insert_row(tables.receipt)
_RECEIPTS = Statement(
    ("entry_id",),
    select(tables.receipt).where(_r.entry_id == bindparam("entry_id")).order_by(_r.receiver_her),
)
_ADD_ORPHAN = insert_or_replace(tables.orphan)
_REMOVE_ORPHAN = Statement(
    ("arrival_id",), delete(tables.orphan).where(_o.arrival_id == bindparam("arrival_id"))
)
_ORPHANS_MATCHED = claim_due(
    select(tables.orphan)
    .where(
        or_(
            # As ``outgoing_by_msg_id`` will look for it.
            exists().where(
                same_msg_id(tables.outgoing.c.msg_id, _o.original_msg_id),
                tables.outgoing.c.receiver_her == _o.sender_her,
                tables.outgoing.c.message_id.is_not(None),
            ),
            exists().where(tables.delivery.c.message_id == _o.ref_to_message_id),
        )
    )
    .order_by(_o.due_at)
)
_ORPHANS_DUE = claim_due(
    select(tables.orphan).where(_o.due_at <= bindparam("now")).order_by(_o.due_at), "now"
)
_ADD_LETTER = insert_or_replace(tables.dead_letter)
_SAVE_LETTER = update_tail(tables.dead_letter, "side")
_LETTER = find(tables.dead_letter, "letter_id", lock=True)
_STALE_NOTICES = claim_due(
    select(tables.dead_letter)
    .where(_l.state != constant("open"), _l.noticed == literal_column("1"))
    .order_by(_l.since)
)
_OPEN = (
    select(tables.dead_letter)
    .where(_l.state == constant("open"))
    .order_by(_l.since, _l.letter_id)
    .limit(bindparam("limit"))
)
OPEN_LETTERS = Statement(("limit",), _OPEN)
OPEN_LETTERS_OF = Statement(("code", "limit"), _OPEN.where(_l.code == bindparam("code")))


class Answers(Work):
    """The part of ``Transaction`` about receipts and what people must look at."""

    async def add_receipt(self, receipt: Receipt) -> None:
        self.write(
            _ADD_RECEIPT,
            receipt.entry_id,
            receipt.receiver_her,
            receipt.outcome,
            receipt.digest,
            receipt.message_id,
        )

    async def receipts(self, entry_id: str) -> Sequence[Receipt]:
        return [
            Receipt(
                entry_id=row[0],
                receiver_her=row[1],
                outcome=row[2],
                digest=row[3],
                message_id=row[4],
            )
            for row in await self.rows(_RECEIPTS, entry_id)
        ]

    async def add_orphan(self, orphan: Orphan) -> None:
        self.write(
            _ADD_ORPHAN,
            orphan.arrival_id,
            orphan.original_msg_id,
            orphan.ref_to_message_id,
            orphan.sender_her,
            micros(orphan.due_at),
        )

    async def orphans_matched(self, limit: int) -> Sequence[Orphan]:
        return [_orphan_from(row) for row in await self.rows(_ORPHANS_MATCHED, limit)]

    async def orphans_due(self, now: datetime, limit: int) -> Sequence[Orphan]:
        return [_orphan_from(row) for row in await self.rows(_ORPHANS_DUE, micros(now), limit)]

    async def remove_orphan(self, arrival_id: str) -> None:
        self.write(_REMOVE_ORPHAN, arrival_id)

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        self.write(_ADD_LETTER, letter.letter_id, *_letter_tail(letter))

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        row = await self.row(_LETTER, letter_id)
        return None if row is None else letter_from(row)

    async def letters_with_stale_notice(self, limit: int) -> Sequence[DeadLetter]:
        return [letter_from(row) for row in await self.rows(_STALE_NOTICES, limit)]

    async def save_dead_letter(self, letter: DeadLetter) -> None:
        self.write(_SAVE_LETTER, *_letter_tail(letter), letter.letter_id)


def _orphan_from(row: Row) -> Orphan:
    return Orphan(
        arrival_id=row[0],
        original_msg_id=row[1],
        ref_to_message_id=row[2],
        sender_her=row[3],
        due_at=instant(row[4]),
    )


def letter_from(row: Row) -> DeadLetter:
    """Read a row of ``dead_letter``."""
    return DeadLetter(
        letter_id=row[0],
        side=None if row[1] is None else Side(row[1]),
        code=row[2],
        since=instant(row[3]),
        entry_id=row[4],
        message_id=row[5],
        arrival_id=row[6],
        detail=row[7],
        state=row[8],
        noticed=bool(row[9]),
    )


def _letter_tail(letter: DeadLetter) -> Values:
    return (
        None if letter.side is None else letter.side.value,
        letter.code,
        micros(letter.since),
        letter.entry_id,
        letter.message_id,
        letter.arrival_id,
        letter.detail,
        letter.state,
        int(letter.noticed),
    )
