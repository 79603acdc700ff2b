"""Whether two ways to write a patient mean the same one (R-39)."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.message import PERSON_ID_SYSTEM, Code, Ident, Person
from gateway.domain.national_numbers import NumberKind, check
from gateway.domain.patients import Trait, same_patient, traits_of
from tests.builders_message import a_patient

NUMBER, OTHER_NUMBER = [n for n in (f"018150{i:05d}" for i in range(20_000)) if check(n).valid][
    :2
]  # synthetic
SHARED_HELP, OTHER_SHARED_HELP = [
    n for n in (f"8000{i:07d}" for i in range(20_000)) if check(n).valid
][:2]
LOCAL_HELP = "01415012345"  # the shape of an H-nummer, invented


def ident(number: str, kind: str = "FNR") -> Ident:
    return Ident(id=number, type=Code(value=kind, system=PERSON_ID_SYSTEM))


def with_numbers(*idents: Ident, **changes: object) -> Person:
    return replace(a_patient(), idents=idents, **changes)  # type: ignore[arg-type]  # by replace


DESCRIBED = with_numbers()
NUMBERED = with_numbers(ident(NUMBER))
SOMEBODY_ELSE = {"family_name": "Bøe", "given_name": "Annen"}


def compared(one: Person | None, other: Person | None) -> bool | None:
    forth = same_patient(traits_of(one), traits_of(other))
    assert same_patient(traits_of(other), traits_of(one)) is forth
    return forth


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            with_numbers(ident(f"{NUMBER[:6]}-{NUMBER[6:]}")), NUMBERED, id="number with a hyphen"
        ),
        pytest.param(
            with_numbers(ident(f"{NUMBER[:2]}.{NUMBER[2:4]}.{NUMBER[4:6]} {NUMBER[6:]}")),
            NUMBERED,
            id="number with points",
        ),
        pytest.param(
            with_numbers(ident(LOCAL_HELP, "HNR"), ident(NUMBER)),
            NUMBERED,
            id="a local hjelpenummer beside it",
        ),
        pytest.param(
            with_numbers(ident(OTHER_NUMBER), ident(NUMBER)),
            NUMBERED,
            id="two national numbers, one of them in common",
        ),
        pytest.param(
            with_numbers(ident(NUMBER), **SOMEBODY_ELSE), NUMBERED, id="name written otherwise"
        ),
        pytest.param(DESCRIBED, NUMBERED, id="described, and numbered under the same description"),
        pytest.param(
            with_numbers(given_name=" PRØVE ", family_name="A\u030asnes"),
            DESCRIBED,
            id="name in other letters",
        ),
        pytest.param(
            with_numbers(ident(SHARED_HELP, "FHN"), ident(NUMBER), **SOMEBODY_ELSE),
            with_numbers(ident(SHARED_HELP, "FHN")),
            id="felles hjelpenummer in common",
        ),
        pytest.param(
            with_numbers(ident("P-1", "PNR")), DESCRIBED, id="a foreign number says nothing"
        ),
    ],
)
def test_same_patient_written_otherwise_is_the_same(one: Person, other: Person) -> None:
    assert compared(one, other) is True


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            with_numbers(ident(OTHER_NUMBER)), NUMBERED, id="other number, same description"
        ),
        pytest.param(with_numbers(given_name="Annen"), DESCRIBED, id="other given name"),
        pytest.param(
            with_numbers(date_of_birth=date(1950, 1, 2)), DESCRIBED, id="other birth date"
        ),
        pytest.param(with_numbers(sex=Code(value="1")), DESCRIBED, id="other sex"),
        pytest.param(
            with_numbers(ident(SHARED_HELP, "FHN"), date_of_birth=None),
            with_numbers(ident(OTHER_SHARED_HELP, "FHN"), date_of_birth=None),
            id="other felles hjelpenummer",
        ),
    ],
)
def test_patients_that_differ_in_the_same_sort_of_identity_are_others(
    one: Person, other: Person
) -> None:
    assert compared(one, other) is False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            with_numbers(**SOMEBODY_ELSE), NUMBERED, id="a number, and another description"
        ),
        pytest.param(
            with_numbers(ident(LOCAL_HELP, "HNR"), sex=None), NUMBERED, id="a local number alone"
        ),
        pytest.param(
            with_numbers(ident(NUMBER[:-1] + "x"), sex=None), NUMBERED, id="a number with a slip"
        ),
        pytest.param(with_numbers(sex=Code(value="9")), DESCRIBED, id="sex not given"),
        pytest.param(
            with_numbers(ident(SHARED_HELP, "FHN"), sex=None), DESCRIBED, id="number and name"
        ),
        pytest.param(None, NUMBERED, id="nobody"),
        pytest.param(None, None, id="nobody twice"),
    ],
)
def test_patients_without_anything_in_common_cannot_be_compared(
    one: Person | None, other: Person | None
) -> None:
    assert compared(one, other) is None


def test_number_declared_as_another_countrys_is_no_hjelpenummer() -> None:
    assert check(SHARED_HELP).kind is NumberKind.FHN

    declared = {
        ident.type.value: traits_of(with_numbers(ident, sex=None))
        for ident in (ident(SHARED_HELP, "FHN"), ident(SHARED_HELP, "PNR"))
    }

    assert declared == {"FHN": {(Trait.SHARED_HELP, SHARED_HELP)}, "PNR": frozenset()}
