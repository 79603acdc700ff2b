"""Messages that only say "received" or "done" are not to be sent (R-50)."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.domain.message import ANSWER, REQUEST
from gateway.domain.rules.model import ADVISE, CONTENT, REJECT, Case, Hit, Rule, Section

_CONFIRMING_WORDS: Final = (
    "mottatt motatt mottar takk takker tusen ok okei okay bekrefter bekreftes bekreftet "
    "bekreftelse notert noteres utført gjort ordnet registrert registreres lest journalført "
    "arkivert kvitterer"
)
_OTHER_WORDS: Final = (
    "jeg vi har er det dette den de for på av og så nå da i til med som at her alt "
    "meldingen melding svar svaret informasjonen informasjon info beskjeden beskjed "
    "tilbakemeldingen tilbakemelding forespørselen oppgaven henvendelsen "
    "deg dere din deres ditt deres mye fint ha en fin dag god helg herved blir ble"
)
_CONFIRMING: Final = frozenset(_CONFIRMING_WORDS.split())
_EMPTY_WORDS: Final = frozenset(_OTHER_WORDS.split())
_SALUTATIONS: Final = ("hei", "heisann", "hallo", "god dag", "goddag", "god morgen", "kjære")
# A greeting and at most two words of name; what ends with a full stop says something.
_SALUTATION: Final = re.compile(rf"(?:{'|'.join(_SALUTATIONS)})(?:[ \t]+\w+){{0,2}}[ \t]*[,!\n]\s*")
_CLOSING: Final = re.compile(r"(?<!\w)(?:med vennlig |vennlig |beste )?(?:hilsen|mvh|vh)(?!\w)")
_WORD: Final = re.compile(r"\w+")
_LONGEST: Final = 1_000  # characters; no mere confirmation is longer, greetings included
_LONGEST_SIGNATURE: Final = 120


def is_mere_confirmation(case: Case) -> bool:
    """Whether the text, without greeting, names and signature, holds confirming words only.

    A question mark, a digit or any other word says that there is more in it.
    """
    text = case.lower.strip()
    if not text or len(text) > _LONGEST or not case.policy.confirmation_words:
        return False
    greeting = _SALUTATION.match(text)
    text = text if greeting is None else text[greeting.end() :]
    closing = _CLOSING.search(text)
    if closing is not None and len(text) - closing.start() <= _LONGEST_SIGNATURE:
        text = text[: closing.start()]
    if "?" in text:
        return False
    names = _names(case)
    words = [word for word in _WORD.findall(text) if word not in names]
    return (
        0 < len(words) <= case.policy.confirmation_words
        and all(word in _CONFIRMING or word in _EMPTY_WORDS for word in words)
        and any(word in _CONFIRMING for word in words)
    )


def _names(case: Case) -> frozenset[str]:
    """Every part of the names of those who stand for the text."""
    persons = [role.person for item in case.items for role in item.roles if role.person]
    names = [(p.given_name, p.middle_name, p.family_name) for p in persons]
    written = " ".join(part for name in names for part in name if part)
    return frozenset(_WORD.findall(written.lower()))


def _only_confirms(case: Case) -> Iterator[Hit]:
    if case.kind in (REQUEST, ANSWER) and is_mere_confirmation(case):
        yield Hit(
            cls=REJECT if case.policy.confirmation_only == "reject" else ADVISE,
            nb="Meldingen bekrefter bare at noe er mottatt eller gjort. Slike meldinger skal "
            "ikke sendes; kvitteringen går av seg selv.",
            en="The message only confirms that something was received or done. Such messages "
            "are not to be sent; the receipt goes by itself.",
            where=CONTENT,
        )


RULES: Final = (
    Rule(
        id="R-50",
        section=Section.CONFIRMATION,
        nb="Det skal ikke sendes meldinger som kun bekrefter at noe er mottatt eller gjort.",
        en="No messages that only confirm that a message was received or a task done. "
        "One that comes in is delivered as any other.",
        outgoing=(ADVISE, REJECT),
        codes=("EPJ_ADVICE_CONFIRM",),
        switches=("confirmation_words", "confirmation_only"),
        check=_only_confirms,
    ),
)
