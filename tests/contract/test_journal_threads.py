"""Threads in the journal: every implementation keeps turns and finds the questions that are due."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.message import DialogMessage
from gateway.domain.patients import Trait
from gateway.domain.thread import Lateness, Reply, Turn
from gateway.ports import Journal
from tests.broker_fixture import eventually
from tests.builders_offices import NURSES, WARD, a_letter_message, two_offices
from tests.contract.journals import KEYS, Store, somebody_waits
from tests.fakes_journal import HandClock
from tests.unit.test_threads import answer_to

NOON = HandClock().now()
UUID = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01"


def a_turn(number: int = 1, **changes: object) -> Turn:
    turn = Turn(
        entry_id=f"e-{number}",
        msg_id=MsgId("m-1"),
        root=MsgId("m-0"),
        parent=MsgId("m-0"),
        side=Side.INCOMING,
        own_her=HerId("910001"),
        partner_her=HerId(f"92000{number}"),
        patient_marks=frozenset({(Trait.NATIONAL, "hash-1"), (Trait.DESCRIBED, "hash-2")}),
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


async def test_turn_of_a_patient_without_any_mark_comes_back_as_it_was(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn(patient_marks=frozenset()))

    async with journal.transaction() as tx:
        assert await tx.turn("e-1") == a_turn(patient_marks=frozenset())


async def test_same_msg_id_of_two_partners_is_two_turns(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn(2))
        await tx.add_turn(a_turn(1))

    async with journal.transaction() as tx:
        assert [t.entry_id for t in await tx.turns_by_msg_id(MsgId("m-1"))] == ["e-1", "e-2"]


async def test_turn_is_found_in_whatever_letter_case_its_msg_id_is_written(
    journal: Journal,
) -> None:
    turn = a_turn(msg_id=MsgId(UUID.upper()))
    async with journal.transaction() as tx:
        await tx.add_turn(turn)
        await tx.add_turn(a_turn(2))

    async with journal.transaction() as tx:
        assert await tx.turns_by_msg_id(MsgId(UUID)) == [turn]
        assert await tx.turns_by_msg_id(MsgId("M-1")) == [], "it is no UUID"


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


async def test_postponing_moves_the_due_time_of_an_open_question_only(journal: Journal) -> None:
    later = NOON + timedelta(days=1)
    ended = a_turn(2, reply=Reply.ANSWERED, due_at=None)
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn(1))
        await tx.add_turn(ended)
        for entry_id in ("e-1", "e-2"):
            await tx.postpone("turn", entry_id, later)
    async with journal.transaction() as tx:
        assert await tx.turn("e-1") == a_turn(1, due_at=later)
        assert await tx.turn("e-2") == ended


async def test_saving_keeps_what_became_of_a_question(journal: Journal) -> None:
    late = a_turn(reply=Reply.CLOSED, due_at=None, lateness=Lateness.OVERDUE)
    async with journal.transaction() as tx:
        await tx.add_turn(a_turn())
    async with journal.transaction() as tx:
        await tx.save_turn(late)

    async with journal.transaction() as tx:
        assert await tx.turn("e-1") == late


async def test_question_that_two_close_at_once_is_closed_by_one_of_them(store: Store) -> None:
    """Both have seen it open; a turn that is read to be changed is read by one at a time."""
    journals = [await store.open() for _ in range(2)]
    async with journals[0].transaction() as tx:
        await tx.add_turn(a_turn())

    async def close(journal: Journal) -> bool:
        async with journal.transaction() as tx:
            turn = await tx.turn("e-1")
            assert turn is not None
            if turn.reply is not Reply.OPEN:
                return False
            await asyncio.sleep(0)  # the other one's turn, if anything lets it in
            await tx.save_turn(replace(turn, reply=Reply.CLOSED))
            return True

    for _ in range(10):
        assert sorted(await asyncio.gather(*map(close, journals))) == [False, True]
        async with journals[0].transaction() as tx:
            await tx.save_turn(a_turn())


@pytest.mark.postgres
async def test_two_answers_at_once_end_the_wait_once(postgres_url: str) -> None:
    threads = two_offices().hospital.processes.threads
    first_has_joined, go_on = asyncio.Event(), asyncio.Event()

    async def join(journal: Journal, message: DialogMessage, side: Side, entry_id: str) -> None:
        async with journal.transaction() as tx:
            await threads.join(
                tx,
                message,
                side=side,
                entry_id=entry_id,
                own_her=WARD,
                partner_her=NURSES,
                message_id=None,
                conversation_id=None,
                reply_expected=True,
            )
            await tx.outgoing(entry_id)  # whatever was written is in the database
            if entry_id == "answer-1":
                first_has_joined.set()
                await go_on.wait()

    async with (
        open_journal(postgres_url, keys=KEYS, clock=HandClock(), exclusive=False) as one,
        open_journal(postgres_url, keys=KEYS, clock=HandClock(), exclusive=False) as other,
    ):
        question = a_letter_message()
        await join(one, question, Side.OUTGOING, "question")
        first = asyncio.create_task(join(one, answer_to(question), Side.INCOMING, "answer-1"))
        await first_has_joined.wait()
        second = asyncio.create_task(join(other, answer_to(question), Side.INCOMING, "answer-2"))
        await eventually(lambda: somebody_waits(postgres_url))
        go_on.set()
        await first
        await second

        told = [event.name for event in await one.trail("question")]
        assert told == ["replied"]
