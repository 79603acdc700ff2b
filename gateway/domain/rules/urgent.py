"""Urgent matters belong on the telephone (R-12)."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from gateway.domain.findings import Direction
from gateway.domain.message import DialogMessage
from gateway.domain.rules.model import (
    ADVISE,
    CONTENT,
    FOLLOW_UP,
    Case,
    Hit,
    Rule,
    Section,
    case_of,
)
from gateway.domain.rules.policy import DEFAULT_POLICY, ScreeningPolicy
from gateway.domain.rules.words import terms

_PRIORITY: Final = "/MsgHead/MsgInfo/RequestedPriority"
_URGENCIES: Final = ("1", "3")  # 9067


def is_urgent(message: DialogMessage, policy: ScreeningPolicy = DEFAULT_POLICY) -> bool:
    """Whether a message must be looked at now.

    The sender said so (priority H, Hastegrad 1 or 3), or one of its free texts
    has one of the policy's urgent terms; a negated term counts too.
    """
    return _where(case_of(message, Direction.INCOMING, policy)) is not None


def _where(case: Case) -> str | None:
    message = case.message
    if message.priority is not None and message.priority.value == "H":
        return _PRIORITY
    marked = any(q.urgency is not None and q.urgency.value in _URGENCIES for q in message.questions)
    if marked or terms(case.policy.urgent_terms).found_in(_words_of(message)):
        return CONTENT
    return None


def _words_of(message: DialogMessage) -> str:
    """What the message says in any of its fields, in lower case."""
    return unicodedata.normalize("NFC", "\n".join(message.free_texts)).lower()


def _urgent(case: Case) -> Iterator[Hit]:
    where = _where(case)
    if where is None:
        return
    if case.outgoing:
        yield Hit(
            nb="Ved øyeblikkelig hjelp eller alvorlige funn skal telefon benyttes. Bekreft at du "
            "har ringt.",
            en="In an emergency, or for serious findings, the telephone must be used. Confirm "
            "that you have called.",
            where=where,
        )
    else:
        yield Hit(
            nb="Meldingen kan haste: se på den med en gang, og ring avsenderen ved behov.",
            en="The message may be urgent: look at it at once, and call the sender if needed.",
            where=where,
        )


RULES: Final = (
    Rule(
        id="R-12",
        section=Section.SCOPE,
        nb="Ved øyeblikkelig hjelp eller funn av alvorlig karakter skal telefon benyttes. "
        "En melding som kan haste, stoppes aldri; den merkes og leveres med en gang.",
        en="In an emergency, or for serious findings, the telephone must be used. A message that "
        "may be urgent, by its marks or the words of any field, is never held: it is marked and "
        "delivered.",
        outgoing=(ADVISE,),
        incoming=(FOLLOW_UP,),
        codes=("EPJ_ADVICE_ACUTE",),
        switches=("urgent_terms",),
        check=_urgent,
    ),
)
