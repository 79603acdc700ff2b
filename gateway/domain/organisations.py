"""Organisation numbers of Enhetsregisteret (Ident V=ENH)."""

from typing import Final

_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2, 1)


def orgnr_valid(number: str) -> bool:
    """Whether ``number`` is an organisation number: nine digits, the last a mod-11 control.

    Blanks between the digits are allowed, as in "889 640 782". Whether such an
    organisation exists only the register knows.
    """
    digits = "".join(number.split())
    if len(digits) != 9 or not (digits.isascii() and digits.isdigit()):
        return False
    return sum(w * int(d) for w, d in zip(_WEIGHTS, digits, strict=True)) % 11 == 0
