"""When the next attempt is due, and when to give up (HIS 1037 §5.2, HIS 80415 §3.5)."""

from datetime import datetime, timedelta

import pytest

from gateway.domain.resend import AnswerPolicy, ConfirmationPolicy, ResendPolicy
from tests.builders_delivery import MADE_AT as NOON
from tests.builders_delivery import a_delivery

HOUR = timedelta(hours=1)
RESEND, ANSWER, CONFIRM = ResendPolicy(), AnswerPolicy(), ConfirmationPolicy()


def test_six_attempts_twelve_hours_apart_fit_into_the_lifetime() -> None:
    at, attempts = NOON, 0
    while not RESEND.is_used_up(a_delivery(attempts=attempts), at):
        attempts += 1
        at = RESEND.due_after_hand_over(at)

    assert attempts == 6
    assert at == NOON + 72 * HOUR


@pytest.mark.parametrize(
    ("attempts", "hours", "used_up"),
    [(0, 0, False), (5, 60, False), (6, 60, True), (0, 71.99, False), (0, 72, True), (0, 99, True)],
)
def test_attempts_and_lifetime_both_end_it(attempts: int, hours: float, used_up: bool) -> None:
    assert RESEND.is_used_up(a_delivery(attempts=attempts), NOON + hours * HOUR) is used_up


def test_failed_attempts_do_not_count_as_attempts() -> None:
    assert not RESEND.is_used_up(a_delivery(tries=500, failures=500), NOON)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 30), (2, 60), (7, 1920), (8, 3600), (60, 3600), (10_000, 3600)]
)
def test_back_off_doubles_up_to_an_hour(failures: int, seconds: float) -> None:
    assert RESEND.due_after_failure(failures, NOON) == NOON + timedelta(seconds=seconds)


def test_back_off_is_never_longer_than_the_interval() -> None:
    quick = ResendPolicy(interval=timedelta(seconds=2))

    assert quick.due_after_failure(9, NOON) == NOON + timedelta(seconds=2)
    assert quick.attempt_guard == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("gen_date", "plausible"),
    [
        (NOON, True),
        (NOON - 24 * HOUR, True),
        (NOON - 24 * HOUR - timedelta(seconds=1), False),
        (NOON + HOUR, True),
        (NOON + HOUR + timedelta(seconds=1), False),
    ],
)
def test_the_wait_counts_from_gen_date_while_that_is_plausible(
    gen_date: datetime, plausible: bool
) -> None:
    assert ANSWER.starts_at(gen_date, NOON) == (gen_date if plausible else NOON)


@pytest.mark.parametrize(
    ("hours", "level", "next_hours"),
    [
        (0, None, 0.5),
        (0.49, None, 0.5),
        (0.5, "warning", 4),
        (4, "alarm", 24),
        (24, "critical", 96),
        (95, "critical", 96),
        (200, "critical", 96),
    ],
)
def test_the_levels_of_a_missing_receipt(
    hours: float, level: str | None, next_hours: float
) -> None:
    assert ANSWER.level(hours * HOUR) == level
    assert ANSWER.next_look(NOON, NOON + hours * HOUR) == NOON + next_hours * HOUR


@pytest.mark.parametrize(
    ("hours", "level", "next_hours"),
    [(0, None, 4), (4, "warning", 24), (24, "alarm", 48), (99, "alarm", 120)],
)
def test_the_levels_of_a_missing_confirmation(
    hours: float, level: str | None, next_hours: float
) -> None:
    assert CONFIRM.level(hours * HOUR) == level
    assert CONFIRM.next_look(NOON, NOON + hours * HOUR) == NOON + next_hours * HOUR
