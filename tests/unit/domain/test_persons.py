"""National numbers and what they say about the patient of a message."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import Code, Ident, Person
from gateway.domain.organisations import orgnr_valid
from gateway.domain.persons import (
    IdentityVerdict,
    NumberCheck,
    NumberKind,
    Remark,
    check,
    classify,
    contains_national_number,
    is_valid,
    judge_identity,
    mask_national_numbers,
)


def with_controls(nine: str, *, remainder: int = 0) -> str | None:
    """Nine digits and their two control digits; ``remainder`` 1-3 by the rule of 2032."""
    k1 = (remainder - _weighted(nine, (3, 7, 6, 1, 8, 9, 4, 5, 2))) % 11
    k2 = -_weighted(f"{nine}{k1}", (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return None if 10 in (k1, k2) else f"{nine}{k1}{k2}"


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(w * int(d) for w, d in zip(weights, digits, strict=False))


def a_number(six: str, *, individual: range = range(500), remainder: int = 0) -> str:
    """The first number that can be issued for six digits of date, offsets in place."""
    made = (with_controls(f"{six}{n:03}", remainder=remainder) for n in individual)
    return next(number for number in made if number is not None)


TENOR = a_number("018150")
TENOR_D = a_number("418150")
DNR_40 = a_number("414150")
SHARED_HELP = a_number("812345")
ONE_OF_2032 = "02013299903"  # published example; fails the control of before 2032
NATIONAL = "01015000232"  # official example
LOCAL_HELP = "25436000305"  # official example; both control digits are wrong


class TestClassify:
    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            ("13116900216", NumberKind.FNR),
            ("01015000232", NumberKind.FNR),
            ("15075500565", NumberKind.FNR),
            ("02013299903", NumberKind.FNR),
            ("25436000305", NumberKind.HNR),
            ("31777207884", NumberKind.SYNTHETIC_65),
            ("41015000000", NumberKind.DNR),
            ("71125000000", NumberKind.DNR),
            ("41415000000", NumberKind.SYNTHETIC_DNR_40),
            ("41665000000", NumberKind.SYNTHETIC_65),
            ("41815000000", NumberKind.SYNTHETIC_TENOR),
            ("01815000000", NumberKind.SYNTHETIC_TENOR),
            ("31925000000", NumberKind.SYNTHETIC_TENOR),
            ("80000000000", NumberKind.FHN),
            ("99999999999", NumberKind.FHN),
            ("199812345678", NumberKind.DUF),
            ("01215000000", None),
            ("41315000000", None),
            ("0101500023", None),
            ("0101500023200", None),
            ("0101500023X", None),
            ("٠١٠١٥٠٠٠٢٣٢", None),
            ("", None),
        ],
    )
    def test_pattern_tells_the_kind(self, number: str, kind: NumberKind | None) -> None:
        assert classify(number) is kind

    @pytest.mark.parametrize("number", ["010150 00232", "010150-00232", " 01015000232 "])
    def test_separators_do_not_count(self, number: str) -> None:
        assert classify(number) is NumberKind.FNR
        assert is_valid(number)

    @given(st.text(max_size=14) | st.from_regex(r"[0-9]{9,13}", fullmatch=True))
    def test_any_text_is_answered(self, number: str) -> None:
        assert check(number).kind is classify(number)

    def test_only_test_numbers_are_synthetic(self) -> None:
        assert {kind for kind in NumberKind if kind.is_synthetic} == {
            NumberKind.SYNTHETIC_TENOR,
            NumberKind.SYNTHETIC_65,
            NumberKind.SYNTHETIC_DNR_40,
        }


class TestCheck:
    @pytest.mark.parametrize(
        ("number", "born"),
        [
            ("13116900216", date(1969, 11, 13)),
            ("01015000232", date(1950, 1, 1)),
            ("31777207884", date(1972, 12, 31)),
            (TENOR, date(1950, 1, 1)),
            (TENOR_D, date(1950, 1, 1)),
            (DNR_40, date(1950, 1, 1)),
        ],
    )
    def test_valid_number_tells_the_birth_date(self, number: str, born: date) -> None:
        assert is_valid(number)
        assert check(number).birth_date == born

    @pytest.mark.parametrize(
        ("year", "individual", "century"),
        [
            ("55", range(500, 750), 1800),
            ("99", range(500, 750), 1800),
            ("00", range(500), 1900),
            ("54", range(500), 1900),
            ("99", range(500), 1900),
            ("40", range(900, 1000), 1900),
            ("99", range(900, 1000), 1900),
            ("00", range(500, 1000), 2000),
            ("39", range(900, 1000), 2000),
        ],
    )
    def test_individual_number_tells_the_century(
        self, year: str, individual: range, century: int
    ) -> None:
        number = a_number(f"0181{year}", individual=individual)

        assert check(number).birth_date == date(century + int(year), 1, 1)

    @pytest.mark.parametrize(
        ("year", "individual"),
        [("40", range(500, 750)), ("54", range(500, 750)), ("55", range(750, 900))],
    )
    def test_individual_number_without_century_passes_by_the_rule_of_2032(
        self, year: str, individual: range
    ) -> None:
        """Numbers issued from 2032 carry any individual number."""
        number = a_number(f"0181{year}", individual=individual)

        assert check(number) == NumberCheck(kind=NumberKind.SYNTHETIC_TENOR, valid=True)

    @pytest.mark.parametrize(
        "number", ["02013299997", "02013299903", "02013299806", "30108299920", "30108299939"]
    )
    def test_published_examples_of_2032_are_valid(self, number: str) -> None:
        assert check(number).valid

    @pytest.mark.parametrize("remainder", [1, 2, 3])
    def test_number_by_the_rule_of_2032_tells_no_birth_date(self, remainder: int) -> None:
        number = a_number("018150", remainder=remainder)

        assert check(number).valid
        assert check(number).birth_date is None

    @pytest.mark.parametrize("remainder", range(4, 11))
    def test_first_control_digit_outside_both_rules_is_invalid(self, remainder: int) -> None:
        assert not is_valid(a_number("018150", remainder=remainder))

    def test_second_control_digit_has_one_right_value(self) -> None:
        right = int(TENOR[-1])

        assert [d for d in range(10) if is_valid(f"{TENOR[:-1]}{d}")] == [right]

    @pytest.mark.parametrize(
        "six",
        ["008150", "328150", "318450", "308250", "298251", "018050", "019350", "409350", "728150"],
    )
    def test_date_that_is_none_is_invalid(self, six: str) -> None:
        assert not is_valid(a_number(six))

    def test_leap_day_that_only_one_century_has_is_valid(self) -> None:
        """29 February 1900 did not exist; a number of 2032 may stand for 2000 all the same."""
        number = a_number("298200")

        assert check(number) == NumberCheck(kind=NumberKind.SYNTHETIC_TENOR, valid=True)

    def test_official_invalid_example_is_invalid(self) -> None:
        assert check("15075500565") == NumberCheck(kind=NumberKind.FNR)

    def test_local_help_number_needs_no_control_digits_and_tells_no_date(self) -> None:
        assert check(LOCAL_HELP) == NumberCheck(kind=NumberKind.HNR, valid=True)

    @pytest.mark.parametrize("number", ["01405000000", "01535000000", "00415000000", "32415000000"])
    def test_local_help_number_outside_any_date_is_invalid(self, number: str) -> None:
        assert check(number) == NumberCheck(kind=NumberKind.HNR)

    def test_shared_help_number_has_control_digits_and_no_date(self) -> None:
        assert check(SHARED_HELP) == NumberCheck(kind=NumberKind.FHN, valid=True)
        assert not is_valid(SHARED_HELP[:-1] + str((int(SHARED_HELP[-1]) + 1) % 10))

    def test_duf_number_is_never_called_valid(self) -> None:
        assert check("199812345678") == NumberCheck(kind=NumberKind.DUF)

    @pytest.mark.parametrize("number", [TENOR, TENOR_D, DNR_40, "31777207884"])
    def test_test_number_is_told_by_its_pattern(self, number: str) -> None:
        assert check(number).synthetic
        assert not check(NATIONAL).synthetic


def a_patient(*idents: tuple[str, str], family: str = "Prøvesen", given: str = "Tora") -> Person:
    """A named patient with idents (declared type, number)."""
    return Person(
        family_name=family,
        given_name=given,
        idents=tuple(Ident(id=number, type=Code(value=declared)) for declared, number in idents),
    )


def described(patient: Person, *, sex: str = "2", born: date = date(1950, 1, 1)) -> Person:
    """The same patient with birth date and sex."""
    return replace(patient, date_of_birth=born, sex=Code(value=sex))


def verdict(
    patient: Person, *, fhn_is_help_number: bool = True, synthetic_allowed: bool = False
) -> IdentityVerdict:
    return judge_identity(
        patient, fhn_is_help_number=fhn_is_help_number, synthetic_allowed=synthetic_allowed
    ).verdict


def remarks(patient: Person, *, today: date | None = None) -> tuple[Remark, ...]:
    return judge_identity(
        patient, fhn_is_help_number=True, synthetic_allowed=True, today=today
    ).remarks


class TestIdentity:
    @pytest.mark.parametrize("declared", ["FNR", "DNR", "HNR", "FHN", "XXX", "PNR", ""])
    def test_national_number_is_enough_whatever_it_is_declared_as(self, declared: str) -> None:
        assert verdict(a_patient((declared, NATIONAL))) is IdentityVerdict.NATIONAL

    def test_number_of_2032_is_national(self) -> None:
        assert verdict(a_patient(("FNR", ONE_OF_2032))) is IdentityVerdict.NATIONAL

    @pytest.mark.parametrize("extra", [("HNR", LOCAL_HELP), ("FHN", SHARED_HELP), ("FNR", TENOR)])
    def test_further_number_beside_a_national_one_passes(self, extra: tuple[str, str]) -> None:
        assert verdict(a_patient(extra, ("FNR", NATIONAL))) is IdentityVerdict.NATIONAL

    @pytest.mark.parametrize(
        ("declared", "number"),
        [
            pytest.param("HNR", LOCAL_HELP, id="declared and shaped so"),
            pytest.param("FNR", LOCAL_HELP, id="pattern wins over FNR"),
            pytest.param("DNR", LOCAL_HELP, id="pattern wins over DNR"),
            pytest.param("XXX", LOCAL_HELP, id="pattern wins over another type"),
            pytest.param("FNR", "254360 00305", id="pattern wins, spaced"),
            pytest.param("HNR", "ABC-17", id="declared so, of the enterprise's own shape"),
            pytest.param("HNR", "15075500565", id="declared so, no valid national number"),
            pytest.param("FHN", SHARED_HELP, id="shared"),
            pytest.param("FNR", SHARED_HELP, id="shared, declared national"),
            pytest.param("FHN", "123", id="declared shared"),
        ],
    )
    def test_help_number_alone_is_refused_even_for_a_described_patient(
        self, declared: str, number: str
    ) -> None:
        patient = a_patient((declared, number))

        assert verdict(patient) is IdentityVerdict.ONLY_HELP_NUMBER
        assert verdict(described(patient)) is IdentityVerdict.ONLY_HELP_NUMBER

    def test_shared_help_number_is_enough_where_it_is_accepted(self) -> None:
        patient = a_patient(("FHN", SHARED_HELP))

        assert verdict(patient, fhn_is_help_number=False) is IdentityVerdict.SUFFICIENT

    def test_shared_help_number_without_name_is_not_enough(self) -> None:
        patient = a_patient(("FHN", SHARED_HELP), family="")

        assert verdict(patient, fhn_is_help_number=False) is IdentityVerdict.INSUFFICIENT

    def test_local_help_number_is_refused_where_the_shared_one_is_accepted(self) -> None:
        """Declared FHN, but shaped as an H-nummer."""
        patient = a_patient(("FHN", LOCAL_HELP))

        assert verdict(patient, fhn_is_help_number=False) is IdentityVerdict.ONLY_HELP_NUMBER

    @pytest.mark.parametrize("number", ["80000000001", "123"])
    def test_invalid_shared_help_number_does_not_count_where_it_is_accepted(
        self, number: str
    ) -> None:
        patient = a_patient(("FHN", number))

        assert verdict(patient, fhn_is_help_number=False) is IdentityVerdict.INSUFFICIENT
        assert verdict(described(patient), fhn_is_help_number=False) is IdentityVerdict.SUFFICIENT

    @pytest.mark.parametrize("family", ["", "  "])
    def test_national_number_without_name_is_not_enough(self, family: str) -> None:
        patient = a_patient(("FNR", NATIONAL), family=family)

        assert verdict(patient) is IdentityVerdict.INSUFFICIENT
        assert Remark.NAME_INCOMPLETE in remarks(patient)

    def test_given_name_is_needed_too(self) -> None:
        patient = a_patient(("FNR", NATIONAL), given="")

        assert verdict(patient) is IdentityVerdict.INSUFFICIENT

    def test_patient_without_ident_needs_name_birth_date_and_sex(self) -> None:
        assert verdict(described(a_patient())) is IdentityVerdict.SUFFICIENT
        assert verdict(a_patient()) is IdentityVerdict.INSUFFICIENT
        assert verdict(described(a_patient(given=""))) is IdentityVerdict.INSUFFICIENT

    @pytest.mark.parametrize("sex", ["0", "9", ""])
    def test_sex_that_is_not_told_does_not_describe(self, sex: str) -> None:
        assert verdict(described(a_patient(), sex=sex)) is IdentityVerdict.INSUFFICIENT

    @pytest.mark.parametrize("declared", ["FNR", "DNR"])
    @pytest.mark.parametrize("number", ["15075500565", "0101500023", "01535000000", "199812345678"])
    def test_invalid_number_leaves_it_to_the_other_data(self, declared: str, number: str) -> None:
        patient = a_patient((declared, number))

        assert verdict(patient) is IdentityVerdict.INSUFFICIENT
        assert verdict(described(patient)) is IdentityVerdict.SUFFICIENT
        assert Remark.INVALID_NUMBER in remarks(patient)

    @pytest.mark.parametrize("declared", ["PNR", "DUF", "SEF", "DKF", "SSN", "FPN", "UID"])
    @pytest.mark.parametrize("number", ["199812345678", SHARED_HELP, LOCAL_HELP])
    def test_number_of_another_country_or_agency_does_not_count(
        self, declared: str, number: str
    ) -> None:
        patient = a_patient((declared, number))

        assert verdict(patient) is IdentityVerdict.INSUFFICIENT
        assert verdict(described(patient)) is IdentityVerdict.SUFFICIENT
        assert remarks(patient) == (Remark.OTHER_IDENT,)

    def test_empty_ident_does_not_count(self) -> None:
        patient = a_patient(("HNR", " "))

        assert verdict(described(patient)) is IdentityVerdict.SUFFICIENT
        assert remarks(patient) == (Remark.EMPTY_IDENT,)

    @pytest.mark.parametrize("number", [TENOR, TENOR_D, DNR_40, "31777207884"])
    def test_test_number_is_national_in_a_test_and_refused_outside(self, number: str) -> None:
        patient = described(a_patient(("FNR", number)))

        assert verdict(patient, synthetic_allowed=True) is IdentityVerdict.NATIONAL
        assert verdict(patient, synthetic_allowed=False) is IdentityVerdict.INSUFFICIENT

    def test_test_number_with_wrong_control_digits_is_refused_outside_a_test_too(self) -> None:
        patient = described(a_patient(("FNR", "01815000000")))

        assert verdict(patient, synthetic_allowed=False) is IdentityVerdict.INSUFFICIENT
        assert verdict(patient, synthetic_allowed=True) is IdentityVerdict.SUFFICIENT

    @pytest.mark.parametrize(
        ("patient", "remark"),
        [
            (a_patient(("FNR", LOCAL_HELP)), Remark.TYPE_DIFFERS),
            (a_patient(("FNR", LOCAL_HELP)), Remark.HELP_NUMBER),
            (a_patient(("DNR", NATIONAL)), Remark.TYPE_DIFFERS),
            (a_patient(("FNR", TENOR)), Remark.SYNTHETIC),
            (
                described(a_patient(("FNR", NATIONAL)), born=date(1951, 1, 1)),
                Remark.BIRTH_DATE_DIFFERS,
            ),
        ],
    )
    def test_oddity_is_remarked(self, patient: Person, remark: Remark) -> None:
        assert remark in remarks(patient)

    def test_birth_date_in_the_future_is_remarked_when_the_day_is_known(self) -> None:
        today = date(2026, 3, 1)
        tomorrow = described(a_patient(), born=date(2026, 3, 2))
        by_number = a_patient(("FNR", a_number("018139", individual=range(500, 1000))))

        assert remarks(tomorrow, today=today) == (Remark.BORN_IN_FUTURE,)
        assert Remark.BORN_IN_FUTURE in remarks(by_number, today=today)
        assert remarks(described(a_patient(), born=today), today=today) == ()
        assert remarks(tomorrow) == ()

    def test_ordinary_patient_gets_no_remark(self) -> None:
        patient = described(a_patient(("FNR", NATIONAL)))

        assert remarks(patient, today=date(2026, 3, 1)) == ()

    def test_remarks_hold_nothing_of_the_number(self) -> None:
        patient = a_patient(("FNR", LOCAL_HELP), ("HNR", TENOR), ("FNR", "15075500565"))

        assert not any(ch.isdigit() for remark in remarks(patient) for ch in remark)

    def test_only_two_verdicts_let_a_message_pass(self) -> None:
        assert [v for v in IdentityVerdict if v.is_enough] == [
            IdentityVerdict.NATIONAL,
            IdentityVerdict.SUFFICIENT,
        ]


class TestMask:
    @pytest.mark.parametrize(
        "number",
        [NATIONAL, ONE_OF_2032, LOCAL_HELP, SHARED_HELP, TENOR, TENOR_D, DNR_40, "31777207884"],
    )
    @pytest.mark.parametrize("around", ["{}", "pid={},", "fnr{}x", "<Id>{}</Id>", "a {}\nb"])
    def test_national_number_is_masked_wherever_it_stands(self, number: str, around: str) -> None:
        text = around.format(number)

        assert mask_national_numbers(text) == around.format(f"[masked {check(number).kind}]")
        assert contains_national_number(text)

    @pytest.mark.parametrize(
        "written",
        [
            "010150 00232",
            "010150-00232",
            "010150\u00a000232",
            "01 01 50 00232",
            "01.01.50 00232",
            "010150 002 32",
        ],
    )
    def test_number_written_in_groups_is_masked(self, written: str) -> None:
        assert mask_national_numbers(f"se {written}!") == "se [masked fnr]!"

    def test_all_numbers_of_a_text_are_masked(self) -> None:
        text = f"{NATIONAL} og {TENOR},{NATIONAL}"

        assert mask_national_numbers(text) == (
            "[masked fnr] og [masked synthetic-tenor],[masked fnr]"
        )

    @pytest.mark.parametrize("before", ["12 34 ", "111111 ", "99 ", "1 2 3 "])
    def test_number_behind_other_digits_is_masked(self, before: str) -> None:
        assert mask_national_numbers(before + NATIONAL) == f"{before}[masked fnr]"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "15075500565",
            f"1{NATIONAL}",
            f"{NATIONAL}1",
            "90998 8094920 310123455",
            "2026-03-01T12:00:00.000123Z",
            "2.16.578.1.12.4.1.1.8116",
            f"d93cebe5-ac91-4022-8969-{NATIONAL}a",
            f"sha256:{'ab' * 20}c{NATIONAL}{'d' * 12} ",
            f"{'C' * 29}{NATIONAL}",
            f"00-{NATIONAL}{'e' * 21}-",
        ],
    )
    def test_other_text_is_left_as_it_is(self, text: str) -> None:
        assert mask_national_numbers(text) == text
        assert not contains_national_number(text)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "f" * 20),
            ("", "f" * 22),
            ("x", "f" * 21),
            ("", "f" * 21 + "x"),
            ("f" * 26, "f" * 26),
            ("f" * 27, "f" * 27),
            ("f" * 65 + " ", " " + "f" * 65),
            ("1" * 20 + "-", "-" + "1" * 20),
        ],
    )
    def test_number_beside_what_only_looks_like_a_digest_is_masked(
        self, before: str, after: str
    ) -> None:
        text = f"{before}{NATIONAL}{after}"

        assert mask_national_numbers(text) == f"{before}[masked fnr]{after}"

    @given(st.lists(st.sampled_from([NATIONAL, TENOR, " ", "-", "a", "1", "01", "."]), max_size=12))
    def test_nothing_is_left_to_mask_after_masking(self, pieces: list[str]) -> None:
        assert not contains_national_number(mask_national_numbers("".join(pieces)))


class TestOrganisationNumber:
    @pytest.mark.parametrize("number", ["310123455", "310 123 455"])
    def test_right_control_digit_is_valid(self, number: str) -> None:
        assert orgnr_valid(number)

    @pytest.mark.parametrize(
        "number", ["", "310123456", "31012345", "3101234552", "31012345X", "٣١٠١٢٣٤٥٥"]
    )
    def test_anything_else_is_invalid(self, number: str) -> None:
        assert not orgnr_valid(number)
