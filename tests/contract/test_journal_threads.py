"""Threads in the journal: every implementation keeps turns and finds the questions that are due."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.thread import Lateness, Reply, Turn
from gateway.ports import Journal
from tests.fakes_journal import HandClock

NOON = HandClock().now()


def a_turn(number: int = 1, **changes: object) -> Turn:
    turn = Turn(
        entry_id=f"e-{number}",
        msg_id=MsgId("m-1"),
        root=MsgId("m-0"),
        parent=MsgId("m-0"),
        side=Side.INCOMING,
        own_her=HerId("910001"),
        partner_her=HerId(f"92000{number}"),
        patient_mark="mark",
        message_type="DIALOG_FORESPORSEL",
        message_id=None,
        conversation_id=None,
        at=NOON + timedelta(seconds=number),
        reply=Reply.OPEN,
        due_at=NOON + timedelta(hours=number),
        counted_from=NOON,
    )
    return replace(turn, **changes)  # type: ignore[arg-type]  # names are checked by replace


async def test_turn_comes_back_as_it_was(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn())

    async with journal.transaction() as tx:
        assert await tx.turn("e-1") == a_turn()
        assert await tx.turn("e-2") is None


async def test_same_msg_id_of_two_partners_is_two_turns(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn(2))
        await tx.add_turn(a_turn(1))

    async with journal.transaction() as tx:
        assert [t.entry_id for t in await tx.turns_by_msg_id(MsgId("m-1"))] == ["e-1", "e-2"]


async def test_mail_that_is_read_again_makes_the_same_turn(journal: Journal) -> None:
    for _ in range(2):
        async with journal.transaction() as tx:
            await tx.add_turn(a_turn())

    assert len(await journal.open_questions()) == 1


async def test_only_open_questions_fall_due(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn(1))
        await tx.add_turn(a_turn(2, reply=Reply.ANSWERED))
        await tx.add_turn(a_turn(3, reply=None, due_at=None))
        await tx.add_turn(a_turn(4))

    async with journal.transaction() as tx:
        due = await tx.turns_due(NOON + timedelta(hours=2), 10)

    assert [turn.entry_id for turn in due] == ["e-1"]
    assert [turn.entry_id for turn in await journal.open_questions()] == ["e-1", "e-4"]


async def test_saving_keeps_what_became_of_a_question(journal: Journal) -> None:
    late = a_turn(reply=Reply.CLOSED, due_at=None, lateness=Lateness.OVERDUE)
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn())
    async with journal.transaction() as tx:
        await tx.save_turn(late)

    async with journal.transaction() as tx:
        assert await tx.turn("e-1") == late
