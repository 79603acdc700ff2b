"""Whether the patient of a message is identified well enough to be one (rules R-01, R-03)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.domain.message import Ident, Person
from gateway.domain.national_numbers import (
    NumberCheck,
    NumberKind,
    check,
    classify,
    contains_national_number,
    is_valid,
    mask_national_numbers,
)

__all__ = [
    "IdentityVerdict",
    "NumberCheck",
    "NumberKind",
    "PatientIdentity",
    "Remark",
    "check",
    "classify",
    "contains_national_number",
    "is_valid",
    "judge_identity",
    "mask_national_numbers",
]


class IdentityVerdict(StrEnum):
    NATIONAL = "national"  # full name and a valid fødselsnummer or D-nummer
    SUFFICIENT = "sufficient"  # full name, and birth date with sex or an accepted FH-nummer
    ONLY_HELP_NUMBER = "only-help-number"  # hjelpenummer and no national number: E36, R-03
    INSUFFICIENT = "insufficient"  # none of these: E36, R-01

    @property
    def is_enough(self) -> bool:
        """Whether a message about this patient may pass."""
        return self in (IdentityVerdict.NATIONAL, IdentityVerdict.SUFFICIENT)


class Remark(StrEnum):
    """What a reader should know about the identity, without a part of any number."""

    NAME_INCOMPLETE = "name-incomplete"  # family name or given name empty
    INVALID_NUMBER = "invalid-number"  # declared FNR or DNR, and it is none
    TYPE_DIFFERS = "declared-type-differs"  # the pattern is of another kind than declared
    HELP_NUMBER = "help-number"  # a hjelpenummer is among the idents
    SYNTHETIC = "synthetic-number"  # a test number is among the idents
    OTHER_IDENT = "other-ident"  # passport, DUF and the like: do not count
    EMPTY_IDENT = "empty-ident"
    BIRTH_DATE_DIFFERS = "birth-date-differs"  # DateOfBirth is not the date in the number
    BORN_IN_FUTURE = "born-in-future"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """The verdict about one patient; ``remarks`` in the order of the idents, each once."""

    verdict: IdentityVerdict
    remarks: tuple[Remark, ...] = ()


class _Counts(StrEnum):
    """What one ident counts as."""

    NATIONAL = "national"
    SHARED_HELP = "shared-help"  # an FH-nummer that is accepted as identification
    HELP = "help"
    REFUSED = "refused"  # synthetic, and not in a test
    NOTHING = "nothing"


# Declared types (8116) whose numbers show by their pattern what they are.
_PATTERNED = {
    "FNR": NumberKind.FNR,
    "DNR": NumberKind.DNR,
    "HNR": NumberKind.HNR,
    "FHN": NumberKind.FHN,
}
# Numbers of other countries and agencies (8116): some happen to look like a hjelpenummer.
FOREIGN_TYPES = frozenset({"PNR", "SEF", "DKF", "SSN", "FPN", "UID", "DUF", "HPR", "HER"})
KNOWN_SEX = frozenset({"1", "2"})  # 3101: 0 and 9 say that it is not known or not given


def judge_identity(
    person: Person,
    *,
    fhn_is_help_number: bool,
    synthetic_allowed: bool,
    today: date | None = None,
) -> PatientIdentity:
    """Judge whether ``person`` is identified well enough to be the patient of a message.

    Args:
        person: the Patient of MsgInfo.
        fhn_is_help_number: whether a felles hjelpenummer counts as the
            guideline's "hjelpenummer"; if not, name + valid FH-nummer is enough.
        synthetic_allowed: whether test numbers count as national; only in test.
        today: for the remark on birth dates in the future; None leaves it out.

    The pattern of a number wins over its declared type, except that a number
    declared as another country's is never taken for a hjelpenummer. One national number is
    enough whatever else stands there; a hjelpenummer without one refuses the
    patient even where name, birth date and sex are given, and so does a test
    number outside a test. Without any of these, full name, DateOfBirth and a
    known Sex are enough.

    Source: HIS 80415 (patient sufficiently identified), HIS 1001 §4.2.
    """
    counts: set[_Counts] = set()
    remarks: list[Remark] = []
    for ident in person.idents:
        number = check(ident.id)
        counted, remark = _weigh(ident, number, fhn_is_help_number, synthetic_allowed)
        counts.add(counted)
        if remark is not None:
            remarks.append(remark)
        shown_kind = _PATTERNED.get(ident.type.value)
        if number.kind in _PATTERNED.values() and shown_kind not in (None, number.kind):
            remarks.append(Remark.TYPE_DIFFERS)
        remarks += _remarks_on_date(number.birth_date, person.date_of_birth, today)
    remarks += _remarks_on_date(None, person.date_of_birth, today)
    named = bool((person.family_name or "").strip() and (person.given_name or "").strip())
    if not named:
        remarks.append(Remark.NAME_INCOMPLETE)
    return PatientIdentity(
        verdict=_verdict(counts, named, person), remarks=tuple(dict.fromkeys(remarks))
    )


def _verdict(counts: set[_Counts], named: bool, person: Person) -> IdentityVerdict:
    if _Counts.NATIONAL in counts:
        return IdentityVerdict.NATIONAL if named else IdentityVerdict.INSUFFICIENT
    if _Counts.REFUSED in counts:
        return IdentityVerdict.INSUFFICIENT
    if _Counts.SHARED_HELP in counts:
        return IdentityVerdict.SUFFICIENT if named else IdentityVerdict.INSUFFICIENT
    if _Counts.HELP in counts:
        return IdentityVerdict.ONLY_HELP_NUMBER
    described = person.date_of_birth is not None and (
        person.sex is not None and person.sex.value in KNOWN_SEX
    )
    return IdentityVerdict.SUFFICIENT if named and described else IdentityVerdict.INSUFFICIENT


def _weigh(
    ident: Ident, number: NumberCheck, fhn_is_help_number: bool, synthetic_allowed: bool
) -> tuple[_Counts, Remark | None]:
    declared = ident.type.value
    if not ident.id.strip():
        return _Counts.NOTHING, Remark.EMPTY_IDENT
    if number.valid and number.kind in (NumberKind.FNR, NumberKind.DNR):
        return _Counts.NATIONAL, None
    if number.synthetic and number.valid and synthetic_allowed:
        return _Counts.NATIONAL, Remark.SYNTHETIC
    if number.synthetic and not synthetic_allowed and (number.valid or declared in _PATTERNED):
        # Refused by its pattern, right control digits or not: what carries a test
        # number into production is a test message.
        return _Counts.REFUSED, Remark.SYNTHETIC
    if declared in FOREIGN_TYPES:
        return _Counts.NOTHING, Remark.OTHER_IDENT
    if number.kind is NumberKind.FHN and number.valid and not fhn_is_help_number:
        return _Counts.SHARED_HELP, Remark.HELP_NUMBER
    if declared == "HNR" or (number.kind is NumberKind.HNR and number.valid):
        return _Counts.HELP, Remark.HELP_NUMBER
    if fhn_is_help_number and (declared == "FHN" or number.kind is NumberKind.FHN):
        return _Counts.HELP, Remark.HELP_NUMBER
    if declared in _PATTERNED:
        return _Counts.NOTHING, Remark.INVALID_NUMBER
    return _Counts.NOTHING, Remark.OTHER_IDENT


def _remarks_on_date(
    in_number: date | None, stated: date | None, today: date | None
) -> list[Remark]:
    remarks = []
    if in_number is not None and stated is not None and in_number != stated:
        remarks.append(Remark.BIRTH_DATE_DIFFERS)
    if today is not None and any(born > today for born in (in_number, stated) if born):
        remarks.append(Remark.BORN_IN_FUTURE)
    return remarks
