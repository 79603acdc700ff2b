"""What a rule is: facts for people and programs, and the check that finds its breaches.

A check yields hits; class, code, stage and who must act come from the rule, so
that what is documented and what is reported cannot differ.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from gateway.domain.findings import Direction, Finding, FindingClass, Stage
from gateway.domain.message import DialogMessage, Note, Question
from gateway.domain.rules.facts import (
    NO_THREAD,
    NOTHING_KNOWN,
    EpjFacts,
    PatientStatus,
    ThreadFacts,
)
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.errors import Who

REJECT, STRIP = FindingClass.REJECT, FindingClass.STRIP
ADVISE, FOLLOW_UP = FindingClass.ADVISE, FindingClass.FOLLOW_UP

_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})  # blanks, line ends, controls, formats

_MSG_INFO = "/MsgHead/MsgInfo"
KIND = f"{_MSG_INFO}/Type"
MSG_ID = f"{_MSG_INFO}/MsgId"
SENDER = f"{_MSG_INFO}/Sender"
RECEIVER = f"{_MSG_INFO}/Receiver"
OTHER_RECEIVER = f"{_MSG_INFO}/OtherReceiver"
PATIENT = f"{_MSG_INFO}/Patient"
CONVERSATION = f"{_MSG_INFO}/ConversationRef"
CONTENT = "/MsgHead/Document/RefDoc/Content"


class Section(Enum):
    """The groups of the guideline; the value is the heading in Norwegian and English."""

    NATURE = ("Hva en dialogmelding er", "What a dialogue message is")
    SCOPE = ("For hvem og når", "For whom, and when")
    REPLY_TIME = ("Svartid", "Reply time")
    TEXT = ("Utforming og innhold", "Writing the message")
    KIND = ("Meldingstyper", "Message kinds")
    CONFIRMATION = ("Rene bekreftelser", "Messages that only confirm")
    SHARED = ("Felles ansvar", "Shared responsibilities")
    ADDRESS = ("Adressering", "Addressing")


@dataclass(frozen=True, slots=True)
class Case:
    """What one rule looks at; ``lower`` is the text in lower case, composed letters."""

    message: DialogMessage
    direction: Direction
    policy: ScreeningPolicy
    epj: EpjFacts
    thread: ThreadFacts
    kind: str  # code of 8279, an accepted alias replaced by what it means
    text: str
    lower: str
    admitted: bool  # the patient is admitted, by the EPJ's word or by the address

    @property
    def outgoing(self) -> bool:
        return self.direction is Direction.OUTGOING

    @property
    def items(self) -> tuple[Question | Note, ...]:
        """The questions and notes; a message that fits its kind has one sort of them."""
        return (*self.message.questions, *self.message.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One breach of a rule, in words; what is None is as the rule has it for the direction."""

    nb: str
    en: str
    where: str | None = None
    cls: FindingClass | None = None
    code: str | None = None
    apprec: str | None = None


Check = Callable[[Case], Iterable[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the guideline, or of a standard that it rests on.

    ``outgoing`` and ``incoming`` are the classes its findings may have, the
    ordinary one first; empty where it says nothing in that direction.
    ``apprec`` are the 8221 codes of a refused incoming message.
    """

    id: str
    section: Section
    nb: str
    en: str
    stage: Stage = Stage.ADVICE
    outgoing: tuple[FindingClass, ...] = ()
    incoming: tuple[FindingClass, ...] = ()
    codes: tuple[str, ...] = ()
    apprec: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()  # fields of ScreeningPolicy
    who: Who | None = None  # where it is not the one that ``who_acts`` says
    check: Check | None = None
    elsewhere: str = ""  # without a check: where it is kept, or why nothing can check it

    def finding(self, direction: Direction, hit: Hit) -> Finding:
        """The hit as a finding of this rule."""
        classes = self.outgoing if direction is Direction.OUTGOING else self.incoming
        cls = hit.cls or classes[0]
        refuses = cls is REJECT and direction is Direction.INCOMING
        return Finding(
            rule=self.id,
            cls=cls,
            stage=self.stage,
            code=hit.code or self.codes[0],
            apprec=(hit.apprec or self.apprec[0]) if refuses else None,
            text_nb=hit.nb,
            text_en=hit.en,
            who_acts=self.who or who_acts(direction, cls),
            where=hit.where,
        )


def who_acts(direction: Direction, cls: FindingClass) -> Who:
    """The author, whose text it is; but what an incoming message leaves to do is ours."""
    if cls is FOLLOW_UP or (direction is Direction.INCOMING and cls is not REJECT):
        return Who.OPERATOR
    return Who.SENDER


def case_of(
    message: DialogMessage,
    direction: Direction,
    policy: ScreeningPolicy,
    *,
    epj: EpjFacts | None = None,
    thread: ThreadFacts | None = None,
    admitted: bool = False,
) -> Case:
    """What the rules look at, with all that several of them need made once."""
    text = unicodedata.normalize("NFC", message.text)
    known = epj or NOTHING_KNOWN
    return Case(
        message=message,
        direction=direction,
        policy=policy,
        epj=known,
        thread=thread or NO_THREAD,
        kind=kind_of(message.type.value, direction, policy),
        text=text,
        lower=text.lower(),
        admitted=admitted or known.status is PatientStatus.INPATIENT,
    )


def kind_of(written: str, direction: Direction, policy: ScreeningPolicy) -> str:
    """The code of 8279 that is meant by a message kind, in the document or the envelope.

    As written, but for the old spelling with hyphens where configuration accepts it.
    """
    if not policy.hyphen_kinds or direction is Direction.OUTGOING or "-" not in written:
        return written
    return written.upper().replace("-", "_").replace("Ø", "O")


def is_blank(text: str | None) -> bool:
    """Whether a reader would see nothing."""
    return all(unicodedata.category(character) in _UNSEEN for character in text or "")
