"""Whether two messages are about the same patient (R-39).

A patient is written in many ways: with a fødselsnummer, with another number
beside it, or by name, birth date and sex alone. Two of them are another
patient only where both say the same sort of thing and it differs.
"""

import unicodedata
from collections.abc import Collection
from enum import StrEnum

from gateway.domain.message import Person
from gateway.domain.national_numbers import NumberKind, check, digits_of
from gateway.domain.persons import FOREIGN_TYPES, KNOWN_SEX

_NATIONAL = (NumberKind.FNR, NumberKind.DNR)


class Trait(StrEnum):
    """What tells patients apart, the strongest first."""

    NATIONAL = "national"  # a valid fødselsnummer or D-nummer, or a test number of that kind
    SHARED_HELP = "shared-help"  # a valid felles hjelpenummer, the same with every enterprise
    DESCRIBED = "described"  # full name, birth date and sex


Mark = tuple[Trait, str]
"""A trait as it is, or with a keyed hash in place of what it says."""


def traits_of(patient: Person | None) -> frozenset[Mark]:
    """What identifies ``patient``, in the one form that it is compared in.

    Local hjelpenummer, numbers of other countries and numbers that are not valid
    say nothing outside the enterprise that wrote them. Middle names are left out:
    some write them with the given names, most not at all.
    """
    if patient is None:
        return frozenset()
    traits: set[Mark] = set()
    for ident in patient.idents:
        number = check(ident.id)
        if not number.valid:
            continue
        if number.kind in _NATIONAL or number.synthetic:
            traits.add((Trait.NATIONAL, digits_of(ident.id)))
        elif number.kind is NumberKind.FHN and ident.type.value not in FOREIGN_TYPES:
            traits.add((Trait.SHARED_HELP, digits_of(ident.id)))
    family, given = _folded(patient.family_name), _folded(patient.given_name)
    sex = None if patient.sex is None else patient.sex.value
    if family and given and patient.date_of_birth is not None and sex in KNOWN_SEX:
        traits.add((Trait.DESCRIBED, f"{family}, {given} {patient.date_of_birth} {sex}"))
    return frozenset(traits)


def same_patient(one: Collection[Mark], other: Collection[Mark]) -> bool | None:
    """Whether two sets of marks are those of one patient.

    None: they cannot be compared, as a number here and a name there. National
    numbers decide where both have one.
    """
    sorts = {trait for trait, _ in one} & {trait for trait, _ in other}
    common = {mark[0] for mark in one if mark in other}
    if Trait.NATIONAL in sorts:
        return Trait.NATIONAL in common
    if common:
        return True
    has_number = any(trait is Trait.NATIONAL for trait, _ in (*one, *other))
    return None if has_number or not sorts else False


def _folded(name: str | None) -> str:
    return " ".join(unicodedata.normalize("NFC", name or "").casefold().split())
