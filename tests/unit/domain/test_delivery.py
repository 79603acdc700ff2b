"""What follows from each event in each state: the whole table (design §4)."""

from functools import reduce
from itertools import permutations

import pytest

from gateway.domain.delivery import (
    Acknowledged,
    Answered,
    Event,
    GivenUp,
    HandedOver,
    Purpose,
    Rejected,
    Reopened,
    Transport,
    advance,
)
from gateway.domain.receipt import Answer
from gateway.errors import ContradictingReceipt
from tests.builders_delivery import a_delivery

WAITING, SENT, ACKNOWLEDGED, REJECTED, GIVEN_UP = Transport
OK, NO = Answered(Answer.OK), Answered(Answer.REJECTED)


SAME = "no news"
ALARM = "contradiction"
TABLE: dict[Transport, dict[Event, Transport | str]] = {
    WAITING: {
        HandedOver(): SENT,
        Acknowledged(): ACKNOWLEDGED,
        Rejected(): REJECTED,
        OK: ACKNOWLEDGED,
        GivenUp(): GIVEN_UP,
        Reopened(): WAITING,
    },
    SENT: {
        HandedOver(): SENT,
        Acknowledged(): ACKNOWLEDGED,
        Rejected(): REJECTED,
        OK: ACKNOWLEDGED,
        GivenUp(): GIVEN_UP,
        Reopened(): WAITING,
    },
    ACKNOWLEDGED: {
        HandedOver(): ACKNOWLEDGED,
        Acknowledged(): SAME,
        Rejected(): ALARM,
        OK: ACKNOWLEDGED,
        GivenUp(): SAME,
        Reopened(): WAITING,
    },
    REJECTED: {
        HandedOver(): REJECTED,
        Acknowledged(): ALARM,
        Rejected(): SAME,
        OK: ALARM,
        GivenUp(): SAME,
        Reopened(): WAITING,
    },
    GIVEN_UP: {
        HandedOver(): GIVEN_UP,
        Acknowledged(): ACKNOWLEDGED,
        Rejected(): REJECTED,
        OK: ACKNOWLEDGED,
        GivenUp(): SAME,
        Reopened(): WAITING,
    },
}


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        pytest.param(state, event, expected, id=f"{state}-{type(event).__name__}")
        for state, row in TABLE.items()
        for event, expected in row.items()
    ],
)
def test_what_follows_from_an_event(
    state: Transport, event: Event, expected: Transport | str
) -> None:
    before = a_delivery(transport=state)

    if expected == ALARM:
        with pytest.raises(ContradictingReceipt):
            advance(before, event)
    elif expected == SAME:
        assert advance(before, event) is before
    else:
        assert advance(before, event).transport is expected


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Transport)
    assert all(len(row) == 6 for row in TABLE.values())


@pytest.mark.parametrize("event", [Acknowledged(), GivenUp(), Reopened(), OK])
def test_an_answer_is_final(event: Event) -> None:
    answered = a_delivery(transport=ACKNOWLEDGED, answer=Answer.OK)

    assert advance(answered, event) is answered


@pytest.mark.parametrize("event", [NO, Answered(Answer.OK_WITH_ERRORS), Rejected()])
def test_another_answer_is_a_contradiction(event: Event) -> None:
    with pytest.raises(ContradictingReceipt):
        advance(a_delivery(transport=ACKNOWLEDGED, answer=Answer.OK), event)


def test_a_contradiction_names_the_envelope_and_no_content() -> None:
    with pytest.raises(ContradictingReceipt, match="m-1"):
        advance(a_delivery(transport=REJECTED), Acknowledged())


@pytest.mark.parametrize("order", list(permutations([HandedOver(), Acknowledged(), OK])))
def test_receipts_end_the_same_in_any_order(order: tuple[Event, ...]) -> None:
    delivery = reduce(advance, order, a_delivery())

    assert (delivery.transport, delivery.answer) == (ACKNOWLEDGED, Answer.OK)
    assert delivery.attempts == 1


@pytest.mark.parametrize("order", list(permutations([HandedOver(), GivenUp(), OK])))
def test_an_answer_after_giving_up_counts(order: tuple[Event, ...]) -> None:
    delivery = reduce(advance, order, a_delivery())

    assert delivery.answer is Answer.OK
    assert delivery.transport is ACKNOWLEDGED


def test_hand_overs_are_counted_and_clear_the_failures() -> None:
    delivery = reduce(advance, [HandedOver(), HandedOver()], a_delivery(failures=3))

    assert (delivery.attempts, delivery.failures) == (2, 0)


def test_reopening_gives_all_attempts_again_but_keeps_the_count_of_tries() -> None:
    delivery = advance(a_delivery(transport=GIVEN_UP, attempts=6, failures=2, tries=8), Reopened())

    assert (delivery.attempts, delivery.failures, delivery.tries) == (0, 0, 8)


@pytest.mark.parametrize(
    ("purpose", "state", "is_open"),
    [
        (Purpose.MESSAGE, WAITING, True),
        (Purpose.MESSAGE, SENT, True),
        (Purpose.RECEIPT, SENT, True),
        (Purpose.SIGNAL, WAITING, True),
        (Purpose.SIGNAL, SENT, False),
        (Purpose.MESSAGE, ACKNOWLEDGED, False),
        (Purpose.MESSAGE, REJECTED, False),
        (Purpose.RECEIPT, GIVEN_UP, False),
    ],
)
def test_a_signal_ends_when_it_is_sent(purpose: Purpose, state: Transport, is_open: bool) -> None:
    assert a_delivery(purpose=purpose, transport=state).is_open is is_open


def test_the_values_are_those_of_the_interface() -> None:
    assert [state.value for state in Transport] == [
        "waiting",
        "sent",
        "acknowledged",
        "rejected",
        "given_up",
    ]
