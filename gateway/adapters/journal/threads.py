"""Questions and answers: the turns of each thread, and which question is due."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Text, bindparam, select

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import (
    Row,
    instant,
    instant_or_none,
    micros,
    micros_or_none,
    of_msg_id,
)
from gateway.adapters.journal.statements import (
    Statement,
    Values,
    claim_due,
    constant,
    find,
    insert_or_replace,
    same_msg_id,
    update_tail,
)
from gateway.adapters.journal.work import Work
from gateway.domain.identifiers import MsgId
from gateway.domain.ledger import Side
from gateway.domain.patients import Mark, Trait
from gateway.domain.thread import Lateness, Reply, Turn

_t = tables.turn.c

# A mail that is read once more makes the same turn again.
_ADD_TURN = insert_or_replace(tables.turn)
_SAVE_TURN = update_tail(tables.turn, "reply")
_TURN = find(tables.turn, "entry_id", lock=True)
_TURNS = Statement(
    ("msg_id",),
    select(tables.turn)
    .where(same_msg_id(_t.msg_id, bindparam("msg_id", type_=Text)))
    .order_by(_t.at, _t.entry_id),
)
_TURNS_DUE = claim_due(
    select(tables.turn)
    .where(_t.reply == constant(Reply.OPEN), _t.due_at <= bindparam("now"))
    .order_by(_t.due_at),
    "now",
)
OPEN_QUESTIONS = Statement(
    ("limit",),
    select(tables.turn)
    .where(_t.reply == constant(Reply.OPEN))
    .order_by(_t.at, _t.entry_id)
    .limit(bindparam("limit")),
)


class Threads(Work):
    """The part of ``Transaction`` about threads."""

    async def add_turn(self, turn: Turn) -> None:
        self.write(
            _ADD_TURN,
            turn.entry_id,
            turn.msg_id,
            turn.root,
            turn.parent,
            turn.side.value,
            turn.own_her,
            turn.partner_her,
            " ".join(sorted(f"{trait.value}:{hash_}" for trait, hash_ in turn.patient_marks)),
            turn.message_type,
            turn.message_id,
            turn.conversation_id,
            micros(turn.at),
            *_tail(turn),
        )

    async def turn(self, entry_id: str) -> Turn | None:
        row = await self.row(_TURN, entry_id)
        return None if row is None else turn_from(row)

    async def turns_by_msg_id(self, msg_id: MsgId) -> Sequence[Turn]:
        rows = await self.rows(_TURNS, msg_id)
        return [turn_from(row) for row in of_msg_id(rows, 1, msg_id)]

    async def save_turn(self, turn: Turn) -> None:
        self.write(_SAVE_TURN, *_tail(turn), turn.entry_id)

    async def turns_due(self, now: datetime, limit: int) -> Sequence[Turn]:
        return [turn_from(row) for row in await self.rows(_TURNS_DUE, micros(now), limit)]


def _tail(turn: Turn) -> Values:
    return (
        None if turn.reply is None else turn.reply.value,
        micros_or_none(turn.due_at),
        None if turn.lateness is None else turn.lateness.value,
        micros_or_none(turn.counted_from),
    )


def turn_from(row: Row) -> Turn:
    """Read a row of ``turn``."""
    return Turn(
        entry_id=row[0],
        msg_id=row[1],
        root=row[2],
        parent=row[3],
        side=Side(row[4]),
        own_her=row[5],
        partner_her=row[6],
        patient_marks=frozenset(_mark_from(word) for word in row[7].split()),
        message_type=row[8],
        message_id=row[9],
        conversation_id=row[10],
        at=instant(row[11]),
        reply=None if row[12] is None else Reply(row[12]),
        due_at=instant_or_none(row[13]),
        lateness=None if row[14] is None else Lateness(row[14]),
        counted_from=instant_or_none(row[15]),
    )


def _mark_from(word: str) -> Mark:
    trait, _, hash_ = word.partition(":")
    return Trait(trait), hash_
