"""How the message is written: length, headings, question, author, references, abbreviations."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from gateway.domain.findings import Stage
from gateway.domain.message import ANSWER, REQUEST, Code, Note, Question, Role
from gateway.domain.rules.model import (
    ADVISE,
    CONTENT,
    FOLLOW_UP,
    REJECT,
    Case,
    Hit,
    Rule,
    Section,
    is_blank,
)
from gateway.domain.rules.words import Terms, terms

_HEADINGS: Final = ("henvisning", "epikrise", "poliklinisk notat")
_HEADING: Final = re.compile(rf"(?:^|\n)[ \t#*]*(?:{'|'.join(_HEADINGS)})(?!\w)")
_DATE: Final = re.compile(  # not \d, which knows all scripts and is slow
    r"[0-9][0-9]?\s?[./-]\s?(?:[0-9][0-9]?(?![0-9])|jan|feb|mar|apr|mai|jun|jul|aug|sep|okt|nov|des)"
)
_REFERENCES: Final = Terms(("henvis*", "epikris*", "notat*", "journalnotat*"))
_CLOSINGS: Final = Terms(("hilsen", "hilsning", "mvh", "vh", "v/", "tlf*", "telefon*"))
_PROFESSIONS: Final = Terms(
    (
        "sykepleier*", "spesialsykepleier*", "helsesykepleier*", "lege", "overlege", "fastlege",
        "sykehjemslege", "tilsynslege", "lis", "jordmor", "fysioterapeut", "ergoterapeut",
        "psykolog*", "behandler", "saksbehandler", "vernepleier", "helsefagarbeider",
        "ernæringsfysiolog", "kreftkoordinator", "demenskoordinator",
        "pasientkoordinator", "konsulent", "avdeling*", "poliklinikk*", "sykehus*", "kommune*",
    )
)  # fmt: skip
_LAST_LINES: Final = 4
# 9034: roles of somebody else than the one who writes.
_NOT_THE_AUTHOR: Final = frozenset({"6", "24"})
_FREE_TEXT_LISTS: Final = (".8331", ".9065", ".9069")


def _too_long(case: Case) -> Iterator[Hit]:
    limit = case.policy.text_limit
    if len(case.text) > limit:
        yield Hit(
            nb=f"Meldingen er lengre enn {limit} tegn. Skriv kort, konsist og konkret.",
            en=f"The text is longer than {limit} characters. Be short, concise and concrete.",
            where=CONTENT,
        )


def _another_document(case: Case) -> Iterator[Hit]:
    if len(case.text) < case.policy.document_length:
        return
    if any(word in case.lower for word in _HEADINGS) and _HEADING.search(case.lower):
        yield Hit(
            nb="Teksten ser ut som en henvisning, epikrise eller et poliklinisk notat. "
            "Dialogmelding erstatter ikke disse.",
            en="The text looks like a referral, discharge letter or outpatient note. "
            "A dialogue message does not replace those.",
            where=CONTENT,
        )


def _has_text(case: Case) -> Iterator[Hit]:
    if case.kind not in (REQUEST, ANSWER):
        return
    if case.outgoing and is_blank(case.text):
        if not case.message.attachments:  # else R-36 says it
            yield Hit(
                nb="Meldingen har ingen tekst. Skriv spørsmålet eller svaret.",
                en="The message has no text. Write the question or the answer.",
                where=CONTENT,
            )
    elif case.outgoing and any(map(_lacks_its_text, case.items)):
        yield Hit(
            cls=ADVISE,
            nb="Ett av spørsmålene eller svarene har ingen tekst.",
            en="One of the questions or answers has no text.",
            where=CONTENT,
        )
    elif any(map(_lacks_its_text, case.items)):
        yield Hit(
            nb="Meldingen har ingen tekst. Spør avsenderen hva henvendelsen gjelder.",
            en="The message has no text. Ask the sender what it is about.",
            where=CONTENT,
        )


def _lacks_its_text(item: Question | Note) -> bool:
    """A code that says "see the text" (99, or 5 of the lists where that is free text), and none."""
    code: Code = item.type if isinstance(item, Question) else item.theme
    free = code.value == "99" or (
        code.value == "5" and (code.system is None or code.system.endswith(_FREE_TEXT_LISTS))
    )
    return free and is_blank(item.text)


def _author(case: Case) -> Iterator[Hit]:
    if case.kind not in (REQUEST, ANSWER) or is_blank(case.text):
        return
    structured = any(_is_author(role) for item in case.items for role in item.roles)
    if structured and not case.policy.author_in_text:
        return
    if not _signed_in_text(case.text):
        yield Hit(
            cls=REJECT if case.policy.author_missing == "reject" else ADVISE,
            nb="Det går ikke fram hvem du er og hvor du jobber. Skriv navn og arbeidssted sist i "
            "meldingen.",
            en="It does not say who you are and where you work. Write name and workplace at the "
            "end of the message.",
            where=CONTENT,
        )


def _is_author(role: Role) -> bool:
    if role.role_to_patient is not None and role.role_to_patient.value in _NOT_THE_AUTHOR:
        return False
    named = role.person is not None and not is_blank(role.person.family_name)
    return named or role.unit is not None


def _signed_in_text(text: str) -> bool:
    """Whether the last lines greet, give a telephone, or name a profession or workplace."""
    lines = (line for line in reversed(text.rstrip()[-400:].splitlines()) if line.strip())
    last = [line.lower() for line in islice(lines, _LAST_LINES)]
    short = [line for line in last if len(line) <= 100]
    return any(_CLOSINGS.found_in(line) for line in short) or any(
        _PROFESSIONS.found_in(line) and not line.rstrip().endswith(("?", "."))
        for line in short[: _LAST_LINES - 1]
    )


def _reference(case: Case) -> Iterator[Hit]:
    if case.kind != REQUEST or case.message.conversation is not None or is_blank(case.text):
        return
    if not _REFERENCES.found_in(case.lower) and not _DATE.search(case.lower):
        yield Hit(
            nb="Oppgi gjerne henvisningen eller epikrisen det gjelder, eller dato for kontakten.",
            en="If it applies, name the referral or discharge letter, or the date of the contact.",
            where=CONTENT,
        )


def _abbreviations(case: Case) -> Iterator[Hit]:
    if case.policy.abbreviations and terms(case.policy.abbreviations).found_in(case.lower):
        yield Hit(
            nb="Teksten har forkortelser som mottakeren kanskje ikke kjenner. Skriv dem ut.",
            en="The text has abbreviations that the receiver may not know. Write them out.",
            where=CONTENT,
        )


RULES: Final = (
    Rule(
        id="R-05",
        section=Section.NATURE,
        nb="Skriv kortfattet og avgrenset: en svært lang tekst får en merknad.",
        en="Short, limited information: a very long text gets a remark.",
        outgoing=(ADVISE,),
        codes=("EPJ_ADVICE_LONG",),
        switches=("text_limit",),
        check=_too_long,
    ),
    Rule(
        id="R-06",
        section=Section.NATURE,
        nb="Dialogmelding erstatter ikke henvisning, epikrise eller poliklinisk notat.",
        en="A dialogue message does not replace a referral, discharge letter or outpatient note: "
        "such a heading over a long text gets a remark.",
        outgoing=(ADVISE,),
        codes=("EPJ_ADVICE_DOC",),
        switches=("document_length",),
        check=_another_document,
    ),
    Rule(
        id="R-31",
        section=Section.TEXT,
        nb="Det skal gå fram hvem du er og hvor du jobber.",
        en="Author and workplace appear: as structured author, or in the last lines of the text.",
        outgoing=(ADVISE, REJECT),
        codes=("EPJ_ADVICE_FROM",),
        switches=("author_missing", "author_in_text"),
        check=_author,
    ),
    Rule(
        id="R-32",
        section=Section.TEXT,
        nb="Oppgi henvisning, epikrise eller dato for pasientkontakt når det er aktuelt.",
        en="A new thread names a referral, discharge letter, note or date, where it applies.",
        outgoing=(ADVISE,),
        codes=("EPJ_ADVICE_REF",),
        check=_reference,
    ),
    Rule(
        id="R-33",
        section=Section.TEXT,
        nb="Unngå forkortelser og vanskelige faglige termer.",
        en="Avoid abbreviations: words of a configured list get a remark. The list is empty.",
        outgoing=(ADVISE,),
        codes=("EPJ_ADVICE_ABBR",),
        switches=("abbreviations",),
        check=_abbreviations,
    ),
    Rule(
        id="R-34",
        section=Section.TEXT,
        stage=Stage.ATTACHMENT,
        nb="En forespørsel skal ha et tydelig spørsmål, et svar en tekst. Tomme meldinger "
        "sendes ikke.",
        en="A request has a question text and an answer a text. An empty one is not sent, and "
        "one of several that is empty, with a code that points to its text, gets a remark; one "
        "that comes in so is followed up.",
        outgoing=(REJECT, ADVISE),
        incoming=(FOLLOW_UP,),
        codes=("EPJ_EMPTY",),
        check=_has_text,
    ),
)
