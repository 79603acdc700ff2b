"""Working days, holidays and the reply time of 3-5 working days (R-20, R-21)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.calendar import (
    ReplyDeadlines,
    ReplyTimePolicy,
    easter_sunday,
    holidays_for,
    is_working_day,
    local_day,
    norwegian_holidays,
    reply_deadlines,
)

YEARS = st.integers(min_value=1900, max_value=2299)
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))


def deadlines(day0: date, policy: ReplyTimePolicy = ReplyTimePolicy()) -> ReplyDeadlines:  # noqa: B008 - frozen
    return reply_deadlines(day0, holidays_for(day0, policy), policy)


def test_holidays_of_2026() -> None:
    assert norwegian_holidays(2026) == {
        date(2026, month, day)
        for month, day in (
            *((1, 1), (4, 2), (4, 3), (4, 5), (4, 6), (5, 1)),
            *((5, 14), (5, 17), (5, 24), (5, 25), (12, 25), (12, 26)),
        )
    }


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(1961, 4, 2), (2008, 3, 23), (2019, 4, 21), (2024, 3, 31), (2027, 3, 28), (2038, 4, 25)],
)
def test_easter_sunday_is_where_almanacs_have_it(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


@given(YEARS)
def test_easter_is_a_sunday_between_22_march_and_25_april(year: int) -> None:
    easter = easter_sunday(year)

    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


@given(YEARS)
def test_a_year_has_twelve_holidays_unless_two_fall_together(year: int) -> None:
    holidays = norwegian_holidays(year)
    moving = {easter_sunday(year) + timedelta(days=n) for n in (-3, -2, 0, 1, 39, 49, 50)}
    fixed = {date(year, m, d) for m, d in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))}

    assert len(holidays) == 12 - len(moving & fixed)


def test_the_day_after_17_may_on_a_sunday_is_a_working_day() -> None:
    assert date(2026, 5, 17).weekday() == 6
    assert is_working_day(date(2026, 5, 18), norwegian_holidays(2026))


@pytest.mark.parametrize(
    "eve", [date(2026, 4, 1), date(2026, 12, 24), date(2026, 12, 31)], ids=lambda day: str(day)
)
def test_days_before_feasts_are_working_days_unless_decided_otherwise(eve: date) -> None:
    assert is_working_day(eve, norwegian_holidays(2026))
    assert not is_working_day(eve, norwegian_holidays(2026, eves=True))


def test_saturday_counts_only_by_choice_and_sunday_never() -> None:
    saturday, none = date(2026, 4, 11), frozenset[date]()

    assert not is_working_day(saturday, none)
    assert is_working_day(saturday, none, saturdays_count=True)
    assert not is_working_day(date(2026, 4, 12), none, saturdays_count=True)


@pytest.mark.parametrize(
    ("day0", "reminder", "overdue"),
    [
        pytest.param(date(2026, 4, 1), date(2026, 4, 9), date(2026, 4, 13), id="over Easter"),
        pytest.param(date(2026, 12, 23), date(2026, 12, 29), date(2026, 12, 31), id="Christmas"),
        pytest.param(date(2026, 12, 30), date(2027, 1, 5), date(2027, 1, 7), id="new year"),
        pytest.param(date(2026, 3, 6), date(2026, 3, 11), date(2026, 3, 13), id="from a Friday"),
        pytest.param(date(2026, 3, 7), date(2026, 3, 11), date(2026, 3, 13), id="from a Saturday"),
        pytest.param(date(2026, 5, 13), date(2026, 5, 19), date(2026, 5, 21), id="Ascension"),
    ],
)
def test_reply_time_counts_from_the_next_working_day(
    day0: date, reminder: date, overdue: date
) -> None:
    assert deadlines(day0) == (reminder, overdue)


def test_saturdays_and_eves_change_the_reply_time_when_configured() -> None:
    saturdays = ReplyTimePolicy(saturdays_count=True)
    no_eves = ReplyTimePolicy(eves_count=False)

    assert deadlines(date(2026, 3, 6), saturdays) == (date(2026, 3, 10), date(2026, 3, 12))
    assert deadlines(date(2026, 12, 23), no_eves) == (date(2026, 12, 30), date(2027, 1, 5))


def test_other_numbers_of_days_can_be_configured() -> None:
    policy = ReplyTimePolicy(remind_after=1, overdue_after=2)

    assert deadlines(date(2026, 3, 2), policy) == (date(2026, 3, 3), date(2026, 3, 4))


@given(DAYS)
def test_deadlines_are_working_days_in_order(day0: date) -> None:
    reminder, overdue = deadlines(day0)

    assert day0 < reminder < overdue
    holidays = holidays_for(day0)
    assert is_working_day(reminder, holidays)
    assert is_working_day(overdue, holidays)
    counted = [
        day
        for n in range(1, (overdue - day0).days + 1)
        if is_working_day(day := day0 + timedelta(days=n), holidays)
    ]
    assert (counted[2], counted[4], len(counted)) == (reminder, overdue, 5)


def test_the_day_is_that_of_oslo() -> None:
    assert local_day(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == date(2026, 7, 2)
    assert local_day(datetime(2026, 1, 1, 22, 30, tzinfo=UTC)) == date(2026, 1, 1)
