"""National identity numbers of persons: which kind, valid or not, and how to keep them out of logs.

The pattern of a number says what it is; what a sender declares it to be does
not. Sources: HIS 1001:2010 §4.2, and Skatteetaten's change of the control
digits from 2032, whose numbers stand beside the old ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class NumberKind(StrEnum):
    """What the pattern of a number tells."""

    FNR = "fnr"  # fødselsnummer
    DNR = "dnr"  # D-nummer: day + 40
    HNR = "hnr"  # local hjelpenummer: month + 40; NAV's synthetic numbers look the same
    FHN = "fhn"  # felles hjelpenummer: begins with 8 or 9, no date
    DUF = "duf"  # twelve digits, UDI
    SYNTHETIC_TENOR = "synthetic-tenor"  # month + 80, as fødselsnummer or D-nummer
    SYNTHETIC_65 = "synthetic-65"  # month + 65, as fødselsnummer or D-nummer
    SYNTHETIC_DNR_40 = "synthetic-dnr-40"  # D-nummer with month + 40

    @property
    def is_synthetic(self) -> bool:
        """Made for tests, told by the pattern; no living person has one."""
        return self in _SYNTHETIC


_SYNTHETIC: Final = {
    NumberKind.SYNTHETIC_TENOR,
    NumberKind.SYNTHETIC_65,
    NumberKind.SYNTHETIC_DNR_40,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCheck:
    """What can be said about one number without asking a register.

    ``kind`` is None when no pattern fits. ``valid``: date and control digits
    are right (old or 2032 rule); for an H-nummer day and month alone, since each
    enterprise makes its own; never for DUF, whose control is not public.
    ``birth_date`` only where the number tells it: not for hjelpenummer, and
    not for numbers of the 2032 rule, which do not show the century.
    """

    kind: NumberKind | None
    valid: bool = False
    birth_date: date | None = None

    @property
    def synthetic(self) -> bool:
        """Whether the pattern is one of test numbers."""
        return self.kind is not None and self.kind.is_synthetic


_SEPARATORS: Final = str.maketrans("", "", " \t\u00a0\u2009-.")
_K1_WEIGHTS: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_K2_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)

# By the third digit, for a first digit of 0-3 and of 4-7: kind and offset of the month.
_PLAIN: Final = {
    "01": (NumberKind.FNR, 0),
    "45": (NumberKind.HNR, 40),
    "67": (NumberKind.SYNTHETIC_65, 65),
    "89": (NumberKind.SYNTHETIC_TENOR, 80),
}
_D_NUMBER: Final = {
    "01": (NumberKind.DNR, 0),
    "45": (NumberKind.SYNTHETIC_DNR_40, 40),
    "67": (NumberKind.SYNTHETIC_65, 65),
    "89": (NumberKind.SYNTHETIC_TENOR, 80),
}


def classify(number: str) -> NumberKind | None:
    """Kind of ``number`` by its pattern alone; None when it is no national number.

    Blanks, hyphens and points between the digits do not count. Neither the
    date nor the control digits are looked at (HIS 1001 §4.2).
    """
    digits = digits_of(number)
    return _pattern(digits)[0] if digits else None


def check(number: str) -> NumberCheck:
    """Kind, validity and birth date of ``number``; see :class:`NumberCheck`."""
    digits = digits_of(number)
    kind, month_offset = _pattern(digits)
    match kind:
        case None | NumberKind.DUF:
            return NumberCheck(kind=kind)
        case NumberKind.FHN:
            return NumberCheck(kind=kind, valid=_k1(digits) == 0 and _k2(digits) == 0)
    day, month, year = int(digits[0:2]), int(digits[2:4]) - month_offset, int(digits[4:6])
    if day > 40:
        day -= 40
    if kind is NumberKind.HNR:
        return NumberCheck(kind=kind, valid=1 <= month <= 12 and 1 <= day <= 31)
    # Since 2032 the individual number no longer shows the century, and nothing shows
    # which rule a number follows: a date that fits either century has to do.
    dates = [born for century in (1900, 2000) if (born := _date(century + year, month, day))]
    if not dates or _k1(digits) > 3 or _k2(digits) != 0:
        return NumberCheck(kind=kind)
    century = _century(int(digits[6:9]), year) if _k1(digits) == 0 else None
    born = None if century is None else _date(century + year, month, day)
    return NumberCheck(kind=kind, valid=True, birth_date=born)


def is_valid(number: str) -> bool:
    """Whether ``number`` passes the checks of its kind; synthetic numbers pass theirs too."""
    return check(number).valid


def digits_of(number: str) -> str:
    """``number`` without blanks, hyphens and points; empty when more than digits is left."""
    digits = number.translate(_SEPARATORS)
    return digits if digits.isascii() and digits.isdigit() else ""


def _pattern(digits: str) -> tuple[NumberKind | None, int]:
    """Kind and offset of the month. ``digits`` holds digits only, or nothing."""
    if len(digits) == 12:
        return NumberKind.DUF, 0
    if len(digits) != 11:
        return None, 0
    if digits[0] in "89":
        return NumberKind.FHN, 0
    family = _D_NUMBER if digits[0] in "4567" else _PLAIN
    return next((found for third, found in family.items() if digits[2] in third), (None, 0))


def _k1(digits: str) -> int:
    """Remainder of the first control: 0 by the old rule, 0 to 3 by that of 2032."""
    return (
        sum(w * int(d) for w, d in zip(_K1_WEIGHTS, digits, strict=False)) + int(digits[9])
    ) % 11


def _k2(digits: str) -> int:
    return (
        sum(w * int(d) for w, d in zip(_K2_WEIGHTS, digits, strict=False)) + int(digits[10])
    ) % 11


def _century(individual: int, year: int) -> int | None:
    """Century by the individual number, as issued before 2032 (HIS 1001)."""
    if individual < 500:
        return 1900
    if year < 40:
        return 2000
    if individual >= 900:
        return 1900
    return 1800 if individual < 750 and year > 54 else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


# --- the net that keeps numbers out of logs ------------------------------------------------------

# As one word, as 6 + 5, and with the date in pairs: 010150 00232, 01.01.50-00232.
_CANDIDATE: Final = re.compile(
    r"(?<![0-9])[0-9]{2}[ .]?[0-9]{2}[ .]?[0-9]{2}[ \u00a0\u2009-]?[0-9]{3} ?[0-9]{2}(?![0-9])"
)
# A UUID with hyphens or without (as ids of traces are), and a SHA-1 or SHA-256 digest (as of
# certificates): in one digest of five hundred eleven digits are a valid number by chance.
_RANDOM_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![0-9a-z])(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-z])",
    re.IGNORECASE,
)
_LONGEST_ID: Final = 64


def mask_national_numbers(text: str) -> str:
    """Replace every national number in ``text`` by its kind, as in "[masked fnr]".

    A net under the rule that none is ever logged, not a substitute for it.
    Caught are numbers that pass :func:`check`, synthetic ones and hjelpenummer
    included. Ids in the shape of a UUID or of a digest (SHA-1, SHA-256) are left whole.
    """
    pieces: list[str] = []
    done = 0
    for start, end, kind in _found(text):
        pieces += [text[done:start], f"[masked {kind}]"]
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def contains_national_number(text: str) -> bool:
    """Whether :func:`mask_national_numbers` would change ``text``."""
    return next(_found(text), None) is not None


def _found(text: str) -> Iterator[tuple[int, int, NumberKind]]:
    position = 0
    while candidate := _CANDIDATE.search(text, position):
        start, end = candidate.span()
        result = check(candidate.group())
        if result.kind is not None and result.valid and not _within_random_id(text, start, end):
            yield start, end, result.kind
            position = end
        else:
            # One step only: a real number may begin inside what was not one.
            position = start + 1


def _within_random_id(text: str, start: int, end: int) -> bool:
    # One character more on each side, which shows where the id ends.
    around = _RANDOM_ID.finditer(text, max(0, start - _LONGEST_ID - 1), end + _LONGEST_ID + 1)
    return any(found.start() <= start and end <= found.end() for found in around)
