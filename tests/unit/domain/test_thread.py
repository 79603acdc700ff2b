"""Threads: who belongs to which, and when a reply is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.calendar import ReplyTimePolicy
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.message import ConversationRef, DialogMessage
from gateway.domain.patients import Mark, Trait
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
SOMEBODY = frozenset({(Trait.NATIONAL, "hash-1")})
SOMEBODY_ELSE = frozenset({(Trait.NATIONAL, "hash-2")})
UNDER_AN_OLD_KEY = frozenset({(Trait.NATIONAL, "hash-3")})
WEDNESDAY_BEFORE_EASTER = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)


def a_turn(
    message: DialogMessage | None = None,
    *,
    side: Side = Side.INCOMING,
    marks: frozenset[Mark] = SOMEBODY,
    reply_expected: bool = True,
) -> Turn:
    asked = message or a_request(gen_date=WEDNESDAY_BEFORE_EASTER)
    return opened_turn(
        asked,
        side=side,
        entry_id="entry",
        own_her=HOSPITAL,
        partner_her=MUNICIPALITY,
        patient_marks=marks,
        message_id=None,
        conversation_id=None,
        reply_expected=reply_expected,
        at=asked.gen_date,
        policy=POLICY,
    )


def test_question_opens_a_thread_of_its_own() -> None:
    turn = a_turn()

    assert (turn.root, turn.parent, turn.reply) == (REQUEST_ID, None, Reply.OPEN)


def test_answer_joins_the_thread_of_its_question_and_waits_for_nothing() -> None:
    turn = a_turn(an_answer(), side=Side.OUTGOING)

    assert (turn.root, turn.parent, turn.reply, turn.due_at) == (
        REQUEST_ID,
        REQUEST_ID,
        None,
        None,
    )


def test_follow_up_keeps_the_root_of_its_thread() -> None:
    third = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a03")
    ref = ConversationRef(parent=ANSWER_ID, conversation=REQUEST_ID)

    turn = a_turn(a_request(msg_id=third, conversation=ref))

    assert (turn.root, turn.parent) == (REQUEST_ID, ANSWER_ID)


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


def test_question_about_an_admitted_patient_is_open_and_never_late() -> None:
    turn = a_turn(reply_expected=False)
    a_year_later = WEDNESDAY_BEFORE_EASTER + timedelta(days=365)

    assert (turn.reply, turn.due_at) == (Reply.OPEN, None)
    assert counted(turn, WEDNESDAY_BEFORE_EASTER, POLICY) is turn
    assert looked_at(turn, a_year_later, POLICY) == turn
    assert answered(turn).reply is Reply.ANSWERED


@pytest.mark.parametrize("told", list(Lateness))
def test_a_reminder_stays_given_when_the_reply_time_counts_anew(told: Lateness) -> None:
    later = WEDNESDAY_BEFORE_EASTER + timedelta(days=6)
    turn = counted(replace(a_turn(), lateness=told), later, POLICY)
    assert turn.due_at is not None

    assert turn.lateness is told
    assert looked_at(turn, turn.due_at, POLICY).lateness is told


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
        a_request(), None, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=SOMEBODY
    )

    assert facts.parent_known is None


@pytest.mark.parametrize(
    ("marks", "own", "same_patient", "same_services"),
    [
        pytest.param(SOMEBODY | UNDER_AN_OLD_KEY, HOSPITAL, True, True, id="all as it was"),
        pytest.param(SOMEBODY_ELSE, HOSPITAL, False, True, id="another patient"),
        pytest.param(frozenset(), HOSPITAL, None, True, id="a patient that cannot be compared"),
        pytest.param(SOMEBODY, HerId("910006"), True, False, id="another service answers"),
    ],
)
def test_answer_is_compared_with_its_question(
    marks: frozenset[Mark], own: HerId, same_patient: bool | None, same_services: bool
) -> None:
    facts = thread_facts(
        an_answer(), a_turn(), own_her=own, partner_her=MUNICIPALITY, patient_marks=marks
    )

    assert facts.parent_known
    assert (facts.same_patient, facts.same_services) == (same_patient, same_services)
    assert facts.asked_service == HOSPITAL


@pytest.mark.parametrize(
    ("named", "same"),
    [
        pytest.param(REQUEST_ID, True, id="the question"),
        pytest.param(REQUEST_ID.upper(), True, id="the same UUID in capitals"),
        pytest.param(ANSWER_ID, False, id="another message"),
    ],
)
def test_conversation_is_that_of_the_message_answered(named: str, same: bool) -> None:
    ref = ConversationRef(parent=REQUEST_ID, conversation=MsgId(named))

    facts = thread_facts(
        an_answer(conversation=ref),
        a_turn(),
        own_her=HOSPITAL,
        partner_her=MUNICIPALITY,
        patient_marks=SOMEBODY,
    )

    assert facts.same_conversation is same


def test_answer_may_name_the_conversation_that_its_question_named() -> None:
    """Also where a partner named another one than the thread had."""
    referral = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1aff")
    asked = a_turn(a_request(conversation=ConversationRef(parent=ANSWER_ID, conversation=referral)))

    facts = thread_facts(
        an_answer(conversation=ConversationRef(parent=REQUEST_ID, conversation=referral)),
        asked,
        own_her=HOSPITAL,
        partner_her=MUNICIPALITY,
        patient_marks=SOMEBODY,
    )

    assert facts.same_conversation


def test_unknown_parent_is_said() -> None:
    facts = thread_facts(
        an_answer(), None, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=SOMEBODY
    )

    assert facts.parent_known is False


def test_answer_to_our_own_question_may_come_from_anywhere_in_the_pair() -> None:
    ours = replace(a_turn(), side=Side.OUTGOING)

    facts = thread_facts(
        an_answer(), ours, own_her=HOSPITAL, partner_her=MUNICIPALITY, patient_marks=SOMEBODY
    )

    assert facts.asked_service is None
