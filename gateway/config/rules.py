"""The sections for what the hospital decides: attachments, and the guideline's open questions."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from gateway.config.section import Section
from gateway.domain.calendar import ReplyTimePolicy
from gateway.domain.rules.catalogue import ADVICE
from gateway.domain.rules.policy import URGENT_TERMS
from gateway.domain.screening import ScreeningPolicy

WorkingDays = Annotated[int, Field(ge=1, le=366)]


class OutgoingSettings(Section):
    attachments: Literal["strip", "reject"] = "strip"


class IncomingSettings(Section):
    attachments: Literal["strip", "reject"] = "reject"


class RuleSettings(Section):
    """The decisions that the guideline leaves to the hospital; ``docs/rules.md`` tells each rule.

    Rejections that the standards demand have no switch.
    """

    fhn_is_help_number: bool = True
    hyphen_kinds: bool = False
    dialog_1_1_allowed: bool = False
    deviation_incoming: Literal["follow-up", "reject"] = "follow-up"
    answer_e21: bool = True
    extra_receiver_types: tuple[Annotated[str, Field(pattern=r"^\d{4}:\w+$")], ...] = ()
    child_age_limit: int = Field(default=20, ge=0, le=150)
    odd_pairs: bool = False
    window_months: int = Field(default=12, ge=1, le=120)
    window_outgoing: Literal["advise", "reject"] = "advise"
    remind_after_days: WorkingDays = 3
    overdue_after_days: WorkingDays = 5
    reply_count_from: Literal["receipt", "gen_date"] = "receipt"
    saturdays_count: bool = False
    eves_count: bool = True
    text_limit: PositiveInt = 4_000
    document_length: PositiveInt = 1_000
    urgent_terms: tuple[str, ...] = URGENT_TERMS
    first_line: Literal["several", "place"] = "several"
    author_missing: Literal["advise", "reject"] = "advise"
    author_in_text: bool = False
    abbreviations: tuple[str, ...] = ()
    confirmation_words: NonNegativeInt = 12
    confirmation_only: Literal["advise", "reject"] = "advise"
    advice_off: tuple[str, ...] = ()

    @field_validator("advice_off")
    @classmethod
    def _only_advice(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [rule for rule in rules if rule not in ADVICE]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no remark of this rule can be turned off")
        return rules

    @model_validator(mode="after")
    def _reminder_comes_first(self) -> Self:
        if self.remind_after_days > self.overdue_after_days:
            raise ValueError("remind_after_days must not be above overdue_after_days")
        return self

    def policy(
        self,
        *,
        outgoing_attachments: Literal["strip", "reject"],
        incoming_attachments: Literal["strip", "reject"],
        synthetic_allowed: bool,
    ) -> ScreeningPolicy:
        """The same as the domain knows it, with what other sections decide."""
        reply_time = ReplyTimePolicy(
            remind_after=self.remind_after_days,
            overdue_after=self.overdue_after_days,
            count_from=self.reply_count_from,
            saturdays_count=self.saturdays_count,
            eves_count=self.eves_count,
        )
        return ScreeningPolicy(
            outgoing_attachments=outgoing_attachments,
            incoming_attachments=incoming_attachments,
            synthetic_allowed=synthetic_allowed,
            reply_time=reply_time,
            extra_receiver_types=frozenset(self.extra_receiver_types),
            advice_off=frozenset(self.advice_off),
            **{name: getattr(self, name) for name in _SAME_IN_THE_DOMAIN},
        )


_SAME_IN_THE_DOMAIN = (
    "fhn_is_help_number",
    "hyphen_kinds",
    "dialog_1_1_allowed",
    "deviation_incoming",
    "answer_e21",
    "child_age_limit",
    "odd_pairs",
    "window_months",
    "window_outgoing",
    "text_limit",
    "document_length",
    "urgent_terms",
    "first_line",
    "author_missing",
    "author_in_text",
    "abbreviations",
    "confirmation_words",
    "confirmation_only",
)
