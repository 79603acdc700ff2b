"""Our reading of national numbers against python-stdnum's; the known differences are claims too.

A failing example prints the drawn numbers and how to repeat it.
"""

import calendar
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
from stdnum.no import fodselsnummer, orgnr

from gateway.domain.organisations import orgnr_valid
from gateway.domain.persons import NumberKind, check, classify

DAYS = st.dates(date(1900, 1, 1), date(1999, 12, 31))
INDIVIDUAL = st.integers(0, 999)


def issued(born: date, individual: int, *, day: int = 0, month: int = 0) -> str:
    """A number with right control digits by the old rule; example discarded when there is none."""
    nine = f"{born.day + day:02}{born.month + month:02}{born.year % 100:02}{individual:03}"
    return with_controls(nine)


def with_controls(nine: str) -> str:
    ten = nine + str(fodselsnummer.calc_check_digit1(nine))
    assume(len(ten) == 10)
    number = ten + str(fodselsnummer.calc_check_digit2(ten))
    assume(len(number) == 11)
    return number


def its_century_is_agreed(born: date, individual: int) -> bool:
    """Neither side of the boundaries where the two rules part."""
    year = born.year % 100
    return individual < 500 or year < 40 or individual >= 900 or (individual < 750 and year > 54)


@given(DAYS, INDIVIDUAL, st.sampled_from([0, 40]))
def test_birth_date_of_issued_number_is_the_same(born: date, individual: int, day: int) -> None:
    assume(its_century_is_agreed(born, individual))
    number = issued(born, individual, day=day)
    try:
        expected = fodselsnummer.get_birth_date(number)
    except InvalidComponent:
        # A leap day outside a leap year of its century, or a birth date still to come.
        ours = check(number).birth_date
        assert ours is None or ours > date(2026, 1, 1)
    else:
        assert check(number).birth_date == expected
    assert check(number).valid


@given(DAYS, INDIVIDUAL, st.sampled_from([0, 40]), st.sampled_from([0, 40]))
def test_what_the_other_finds_valid_is_valid(
    born: date, individual: int, day: int, month: int
) -> None:
    number = issued(born, individual, day=day, month=month)

    assert check(number).valid or not fodselsnummer.is_valid(number)


@given(DAYS, INDIVIDUAL, st.integers(0, 99))
def test_plain_number_it_refuses_for_its_controls_fails_the_old_rule(
    born: date, individual: int, controls: int
) -> None:
    """Valid for us and not for the other: then it tells no birth date, being of the 2032 rule."""
    number = f"{born:%d%m%y}{individual:03}{controls:02}"
    ours = check(number)
    try:
        fodselsnummer.validate(number)
    except InvalidChecksum:
        assert ours.birth_date is None
    except ValidationError:
        pass
    else:
        assert ours.valid


@given(DAYS, INDIVIDUAL)
def test_local_help_number_is_told_where_the_other_finds_an_ordinary_one(
    born: date, individual: int
) -> None:
    assume(individual < 500)
    assume(born.month != 2 or born.day != 29 or calendar.isleap(born.year))
    number = issued(born, individual, month=40)

    assert fodselsnummer.is_valid(number)
    assert classify(number) is NumberKind.HNR
    assert check(number).birth_date is None


@given(DAYS, INDIVIDUAL)
def test_d_number_with_month_40_is_told_as_synthetic(born: date, individual: int) -> None:
    assume(individual < 500)
    number = issued(born, individual, day=40, month=40)

    assert fodselsnummer.is_valid(number)
    assert classify(number) is NumberKind.SYNTHETIC_DNR_40


@given(DAYS, INDIVIDUAL, st.sampled_from([0, 40]), st.sampled_from([65, 80]))
def test_test_numbers_are_known_where_the_other_refuses_them(
    born: date, individual: int, day: int, month: int
) -> None:
    assume(individual < 500)
    number = issued(born, individual, day=day, month=month)

    with pytest.raises(InvalidComponent):
        fodselsnummer.validate(number)
    assert check(number).valid
    assert check(number).synthetic
    assert check(number).birth_date == born


@given(st.integers(800_000_000, 999_999_999))
def test_shared_help_numbers_are_known_where_the_other_refuses_them(nine: int) -> None:
    number = with_controls(str(nine))

    with pytest.raises(InvalidComponent):
        fodselsnummer.validate(number)
    assert classify(number) is NumberKind.FHN
    assert check(number).valid


@pytest.mark.parametrize("number", ["02013299903", "30108299939"])
def test_published_numbers_of_2032_are_valid_where_the_other_refuses_them(number: str) -> None:
    with pytest.raises(InvalidChecksum):
        fodselsnummer.validate(number)
    assert check(number).valid


@given(st.integers(500, 749))
def test_year_54_is_not_read_as_1854(individual: int) -> None:
    """HIS 1001 begins at 55; the other gives 1854."""
    number = issued(date(1954, 5, 17), individual)

    assert fodselsnummer.get_birth_date(number) == date(1854, 5, 17)
    assert check(number).birth_date is None


@given(st.integers(40, 99), st.integers(750, 899))
def test_individual_number_outside_the_table_waits_for_2032(year: int, individual: int) -> None:
    number = issued(date(1900 + year, 5, 17), individual)

    with pytest.raises(InvalidComponent):
        fodselsnummer.validate(number)
    assert check(number).valid
    assert check(number).birth_date is None


@given(st.from_regex(r"[0-9]{8,10}", fullmatch=True))
def test_organisation_numbers_are_judged_alike(number: str) -> None:
    assert orgnr_valid(number) == orgnr.is_valid(number)


@given(st.from_regex(r"[0-9]{8}", fullmatch=True), st.integers(0, 9))
def test_organisation_numbers_of_right_length_are_judged_alike(eight: str, control: int) -> None:
    number = f"{eight}{control}"

    assert orgnr_valid(number) == orgnr.is_valid(number)
