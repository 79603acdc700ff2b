"""What screening says about a message: findings and a verdict (the guideline's rules R-nn)."""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from gateway.domain.identifiers import MsgId
from gateway.domain.reasons import Reason
from gateway.errors import Fault, GatewayError, Who

_LINE: Final = re.compile(r"\bline(?= \d)")
_COLUMN: Final = re.compile(r"\bcolumn(?= \d)")


class Direction(StrEnum):
    OUTGOING = "outgoing"  # from the EPJ to the network
    INCOMING = "incoming"  # from the network to the EPJ


class FindingClass(StrEnum):
    REJECT = "reject"  # not sent, or not imported; the sender is told
    STRIP = "strip"  # a part is removed; the message goes on and says so
    ADVISE = "advise"  # a remark to the author; the message goes on
    FOLLOW_UP = "follow-up"  # a task for a person; nothing happens to the message


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    STRIP = "strip"
    REJECT = "reject"


class Stage(IntEnum):
    """Order of the checks; the first stage that rejects ends the screening."""

    FORMAT = 2  # XML, schema, DOCTYPE, message kind
    IDENTIFIER = 3  # MsgId
    ADDRESS = 4
    SIGNATURE = 5
    PATIENT = 6
    ATTACHMENT = 7
    ADVICE = 8  # changes the result only where configuration says so, and only outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. ``where`` is a path in the document, never content.

    ``code`` is the EPJ code; ``apprec`` the 8221 code when the finding rejects an
    incoming message, ``ebxml`` the ebMS code when it is answered by a MessageError.
    """

    rule: str | None
    cls: FindingClass
    stage: Stage
    code: str
    text_nb: str
    text_en: str
    who_acts: Who = Who.SENDER
    apprec: str | None = None
    ebxml: str | None = None
    where: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The names of ``screen --json`` (design §7)."""
        return {
            "rule": self.rule,
            "class": self.cls.value,
            "code": self.code,
            "apprec": self.apprec,
            "ebxml": self.ebxml,
            "text_nb": self.text_nb,
            "text_en": self.text_en,
            "where": self.where,
        }

    def as_reason(self) -> Reason:
        """The same for a status event."""
        return Reason(
            code=self.code,
            rule=self.rule,
            text_nb=self.text_nb,
            text_en=self.text_en,
            who_acts=self.who_acts.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The verdict on one message and everything that led to it."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    kind: str | None = None  # code of 8279, or APPREC
    msg_id: MsgId | None = None

    @property
    def rejections(self) -> tuple[Finding, ...]:
        """Findings of class reject, all of one stage."""
        return tuple(f for f in self.findings if f.cls is FindingClass.REJECT)

    @property
    def strips(self) -> bool:
        """Whether something must be taken out before the message goes on."""
        return any(f.cls is FindingClass.STRIP for f in self.findings)


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The gravest class decides; advice and follow-up never do."""
    classes = {finding.cls for finding in findings}
    if FindingClass.REJECT in classes:
        return Verdict.REJECT
    return Verdict.STRIP if FindingClass.STRIP in classes else Verdict.PASS


def rejection_from(error: GatewayError, direction: Direction) -> tuple[Finding, ...]:
    """A document that could not be read, as findings: one for each fault, at least one.

    The texts of an outgoing one name the place too, since a reason of a status event has no
    other field for it; an AppRec and the command line add ``where`` themselves.
    """
    return tuple(_rejection(error, fault, direction) for fault in error.faults or (None,))


def _rejection(error: GatewayError, fault: Fault | None, direction: Direction) -> Finding:
    where = fault.where if fault else error.where
    nb, en = error.text_nb, error.text_en
    if fault:
        nb, en = f"{nb} {fault.detail_nb}".strip(), f"{en} {fault.detail}".strip()
    if direction is Direction.OUTGOING and where:
        nb = f"{nb} ({_COLUMN.sub('kolonne', _LINE.sub('linje', where))})"
        en = en if where in en else f"{en} ({where})"
    return Finding(
        rule="R-67",
        cls=FindingClass.REJECT,
        stage=Stage.FORMAT,
        code=error.epj_code or error.code,
        apprec=error.apprec_error if direction is Direction.INCOMING else None,
        text_nb=nb,
        text_en=en,
        who_acts=error.who_acts,
        where=where,
    )
