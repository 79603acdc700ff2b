"""Why something was refused or given up, in words for people (design §3, status events)."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.domain.national_numbers import contains_national_number, mask_national_numbers
from gateway.errors import GatewayError, Who

MAX_PARTNER_TEXT: Final = 500
"""Characters of a partner's own words that are passed on to the EPJ."""

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One entry of ``reasons`` in a status event: stable code, rule, two texts, who acts."""

    code: str
    text_nb: str
    text_en: str
    who_acts: str
    rule: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The names of the status event."""
        return {
            "code": self.code,
            "rule": self.rule,
            "text_nb": self.text_nb,
            "text_en": self.text_en,
            "who_acts": self.who_acts,
        }


def reason_for(error: GatewayError) -> Reason:
    """The reason an error gives to the EPJ: its EPJ code where it has one, else its own."""
    return Reason(
        code=error.epj_code or error.code,
        text_nb=error.text_nb,
        text_en=error.text_en,
        who_acts=error.who_acts.value,
    )


def partner_reason(code: str, text: str | None) -> Reason:
    """A refusal in the partner's own words: an 8221 or ebMS code and the text that came with it.

    The text must be shown to the user (HIS 80415 §3.3). A partner may write
    anything into it: national identity numbers are masked, and it is cut.
    """
    code = partner_code(code)
    shown = partner_text(text or "") or code
    return Reason(code=code, text_nb=shown, text_en=shown, who_acts=Who.SENDER.value)


def partner_code(code: str) -> str:
    """A code as a partner wrote it; ``unknown`` where it has not the shape of one."""
    if _CODE.fullmatch(code) and not contains_national_number(code):
        return code
    return "unknown"


def partner_text(text: str) -> str:
    """A partner's own words without national identity numbers, cut to what a reason holds."""
    return mask_national_numbers(text.strip())[:MAX_PARTNER_TEXT]
