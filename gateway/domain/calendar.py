"""Working days and the expected reply time (guideline: 3-5 virkedager; rules R-20, R-21).

Pure functions over an injected set of holidays. A working day is Monday to
Friday and no public holiday; Norwegian usage may count Saturdays, so that, and
the days before Christmas, New Year and Easter, can be decided locally.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

OSLO: Final = ZoneInfo("Europe/Oslo")
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTimePolicy:
    """How the reply time is counted; the days are working days."""

    remind_after: int = 3
    overdue_after: int = 5
    count_from: Literal["receipt", "gen_date"] = "receipt"  # our positive AppRec, or the message
    saturdays_count: bool = False
    eves_count: bool = True  # 24 and 31 December and the Wednesday before Easter


class ReplyDeadlines(NamedTuple):
    """The last days of two waits: due when the day, in Oslo, is over."""

    reminder: date
    overdue: date


def local_day(instant: datetime) -> date:
    """The calendar day in Norway of an aware instant; at the ends of time its own."""
    try:
        return instant.astimezone(OSLO).date()
    except OverflowError:
        return instant.date()


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, rest = divmod(century, 4)
    lunar = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - lunar + 15) % 30
    leaps, of_four = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * leaps - epact - of_four) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def norwegian_holidays(year: int, *, eves: bool = False) -> frozenset[date]:
    """The twelve public holidays of a year; with ``eves`` the three days before feasts too.

    A holiday on a Sunday moves nothing: Norway has no compensation days. In
    some years two of them fall on one day, and the set has eleven.
    """
    easter = easter_sunday(year)
    fixed = {date(year, m, d) for m, d in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))}
    moving = {easter + timedelta(days=days) for days in (-3, -2, 0, 1, 39, 49, 50)}
    before = {date(year, 12, 24), date(year, 12, 31), easter - timedelta(days=4)} if eves else set()
    return frozenset(fixed | moving | before)


def holidays_for(day0: date, policy: ReplyTimePolicy = ReplyTimePolicy()) -> frozenset[date]:
    """The holidays that a reply time starting on ``day0`` may meet."""
    eves = not policy.eves_count
    this_year = norwegian_holidays(day0.year, eves=eves)
    return this_year | norwegian_holidays(day0.year + 1, eves=eves)


def is_working_day(day: date, holidays: Collection[date], *, saturdays_count: bool = False) -> bool:
    """Whether ``day`` counts: Monday to Friday (Saturday by choice) and no holiday."""
    last = _SATURDAY if saturdays_count else _SATURDAY - 1
    return day.weekday() <= last and day not in holidays


def working_days_after(
    day0: date, holidays: Collection[date], *, saturdays_count: bool = False
) -> Iterator[date]:
    """The working days after ``day0``, without end; ``day0`` itself never counts."""
    day = day0 + _DAY
    while True:
        if is_working_day(day, holidays, saturdays_count=saturdays_count):
            yield day
        day += _DAY


def reply_deadlines(
    day0: date,
    holidays: Collection[date],
    policy: ReplyTimePolicy = ReplyTimePolicy(),
) -> ReplyDeadlines:
    """When an open request is to be remembered, and when it is overdue.

    Args:
        day0: the local day on which the receiver's positive AppRec was sent or
            received; of GenDate where there is none.
        holidays: days that do not count, of this year and the next.
        policy: how many working days, and whether Saturdays are among them.

    Returns:
        The working days with which the two waits end. The marks are set when
        those days are over, not in their morning.
    """
    wanted = max(policy.remind_after, policy.overdue_after)
    days = working_days_after(day0, holidays, saturdays_count=policy.saturdays_count)
    counted = [day0, *(next(days) for _ in range(wanted))]
    return ReplyDeadlines(counted[policy.remind_after], counted[policy.overdue_after])
