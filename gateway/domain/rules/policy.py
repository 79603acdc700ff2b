"""What configuration may decide about the rules; the rest is the standard's or the guideline's."""

from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.domain.calendar import ReplyTimePolicy

URGENT_TERMS: Final = (
    "øyeblikkelig hjelp",
    "ø-hjelp",
    "øhjelp",
    "akutt",
    "akutte",
    "akuttinnlegg*",
    "livstruende",
    "livsfarlig",
    "straks",
    "selvmord*",
    "suicid*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningPolicy:
    """The switches of the rules; each default is the guideline's, or the safe one.

    In lists of terms a ``*`` at the end stands for any ending, a blank for any
    white space or hyphen; upper and lower case are the same.
    """

    # The patient
    fhn_is_help_number: bool = True
    synthetic_allowed: bool = False  # person numbers of test series: only in a test environment
    # Attachments
    outgoing_attachments: Literal["strip", "reject"] = "strip"
    incoming_attachments: Literal["strip", "reject"] = "reject"
    # Message kinds
    hyphen_kinds: bool = False  # read DIALOG-SVAR, as incoming, as DIALOG_SVAR
    dialog_1_1_allowed: bool = False  # only where the partners have agreed on it
    deviation_incoming: Literal["follow-up", "reject"] = "follow-up"
    # Addresses
    answer_e21: bool = True  # False: delivered to the envelope's receiver, with a follow-up
    extra_receiver_types: frozenset[str] = frozenset()  # as "8663:KA01"
    child_age_limit: int = 20  # years; above it a helsestasjon is an odd address
    odd_pairs: bool = False
    # When dialogue messages may be used
    window_months: int = 12
    window_outgoing: Literal["advise", "reject"] = "advise"
    reply_time: ReplyTimePolicy = field(default=ReplyTimePolicy())
    # The text
    text_limit: int = 4_000  # characters
    document_length: int = 1_000  # characters from which a heading makes it another document
    urgent_terms: tuple[str, ...] = URGENT_TERMS
    first_line: Literal["several", "place"] = "several"
    author_missing: Literal["advise", "reject"] = "advise"
    author_in_text: bool = False  # demand the text's signature even with a structured author
    abbreviations: tuple[str, ...] = ()
    confirmation_words: int = 12  # longest text that can be a mere confirmation; 0: none is
    confirmation_only: Literal["advise", "reject"] = "advise"
    # Remarks that nobody wants, by rule ("R-32"); rejections and removals are not among them
    advice_off: frozenset[str] = frozenset()


DEFAULT_POLICY: Final = ScreeningPolicy()
