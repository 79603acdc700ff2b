"""Threads: who belongs to which, and when a reply is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.calendar import ReplyTimePolicy
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.message import ConversationRef, DialogMessage
from gateway.domain.thread import (
    Lateness,
    Reply,
    Turn,
    answered,
    closed,
    counted,
    looked_at,
    opened_turn,
    thread_facts,
)
from tests.builders_message import ANSWER_ID, REQUEST_ID, a_request, an_answer

POLICY = ReplyTimePolicy()
HOSPITAL, MUNICIPALITY = HerId("910001"), HerId("920001")
WEDNESDAY_BEFORE_EASTER = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)


def a_turn(
    message: DialogMessage | None = None,
    *,
    side: Side = Side.INCOMING,
    mark: str = "mark",
    parent: Turn | None = None,
) -> Turn:
    asked = message or a_request(gen_date=WEDNESDAY_BEFORE_EASTER)
    return opened_turn(
        asked,
        side=side,
        entry_id="entry",
        own_her=HOSPITAL,
        partner_her=MUNICIPALITY,
        patient_mark=mark,
        message_id=None,
        conversation_id=None,
        parent=parent,
        at=asked.gen_date,
        policy=POLICY,
    )


def test_question_opens_a_thread_of_its_own() -> None:
    turn = a_turn()

    assert (turn.root, turn.parent, turn.reply) == (REQUEST_ID, None, Reply.OPEN)


def test_answer_joins_the_thread_of_its_question_and_waits_for_nothing() -> None:
    turn = a_turn(an_answer(), side=Side.OUTGOING, parent=a_turn())

    assert (turn.root, turn.parent, turn.reply, turn.due_at) == (
        REQUEST_ID,
        REQUEST_ID,
        None,
        None,
    )


def test_follow_up_keeps_the_root_of_its_thread() -> None:
    third = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a03")
    ref = ConversationRef(parent=ANSWER_ID, conversation=REQUEST_ID)
    answer = a_turn(an_answer(), parent=a_turn())

    turn = a_turn(a_request(msg_id=third, conversation=ref), parent=answer)

    assert (turn.root, turn.parent) == (REQUEST_ID, ANSWER_ID)


def test_unknown_parent_begins_a_thread_under_the_root_it_names() -> None:
    assert a_turn(an_answer(), parent=None).root == REQUEST_ID


def test_reminder_and_overdue_count_working_days_over_easter() -> None:
    """Asked on Wednesday 1 April 2026: working days 7, 8, 9, 10 and 13 April."""
    turn = a_turn()
    reminder = datetime(2026, 4, 9, 22, 0, tzinfo=UTC)  # midnight in Oslo after 9 April
    overdue = datetime(2026, 4, 13, 22, 0, tzinfo=UTC)

    assert turn.due_at == reminder
    before = looked_at(turn, reminder - timedelta(seconds=1), POLICY)
    due = looked_at(turn, reminder, POLICY)
    late = looked_at(due, overdue, POLICY)

    assert (before.lateness, before.due_at) == (None, reminder)
    assert (due.lateness, due.due_at) == (Lateness.DUE, overdue)
    assert (late.lateness, late.due_at) == (Lateness.OVERDUE, None)


def test_reply_time_counts_from_the_receipt_once_there_is_one() -> None:
    later = WEDNESDAY_BEFORE_EASTER + timedelta(days=6)  # Tuesday 7 April

    assert counted(a_turn(), later, POLICY).due_at == datetime(2026, 4, 10, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize("end", [answered, closed])
def test_question_with_an_end_is_never_late(end: object) -> None:
    assert callable(end)
    ended = end(a_turn())

    assert looked_at(ended, WEDNESDAY_BEFORE_EASTER + timedelta(days=90), POLICY).lateness is None
    assert counted(ended, WEDNESDAY_BEFORE_EASTER, POLICY) is ended


def test_first_end_of_a_question_stands() -> None:
    by_answer = answered(a_turn())

    assert closed(by_answer) is by_answer
    assert answered(by_answer) is by_answer


def test_message_without_a_thread_gives_no_facts() -> None:
    facts = thread_facts(
        a_request(), None, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=["mark"]
    )

    assert facts.parent_known is None


@pytest.mark.parametrize(
    ("mark", "own", "same_patient", "same_services"),
    [
        pytest.param("mark", HOSPITAL, True, True, id="all as it was"),
        pytest.param("other", HOSPITAL, False, True, id="another patient"),
        pytest.param("mark", HerId("910006"), True, False, id="another service answers"),
    ],
)
def test_answer_is_compared_with_its_question(
    mark: str, own: HerId, same_patient: bool, same_services: bool
) -> None:
    facts = thread_facts(
        an_answer(), a_turn(), own_her=own, partner_her=MUNICIPALITY, patient_marks=["old", mark]
    )

    assert facts.parent_known
    assert (facts.same_patient, facts.same_services) == (same_patient, same_services)
    assert facts.asked_service == HOSPITAL


def test_unknown_parent_is_said() -> None:
    facts = thread_facts(
        an_answer(), None, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=["mark"]
    )

    assert facts.parent_known is False


def test_answer_to_our_own_question_may_come_from_anywhere_in_the_pair() -> None:
    ours = replace(a_turn(), side=Side.OUTGOING)

    facts = thread_facts(
        an_answer(), ours, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=["mark"]
    )

    assert facts.asked_service is None
