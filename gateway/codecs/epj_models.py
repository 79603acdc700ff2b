"""What an EPJ hands in as JSON: a dialogue request or answer (``application/json``).

The models say what shape a message has; what a message may say is decided by the
rules of the guideline, on the MsgHead made from it, as for every other message.
``docs/schemas`` and ``docs/asyncapi.yaml`` are generated from them.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from gateway.domain.rules.facts import PatientStatus

LONGEST_TEXT: Final = 100_000  # characters; the guideline's remark comes far earlier
UUID_PATTERN: Final = (
    r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100  # of sent_at; outside it no date arithmetic is safe
_XML_FORBIDS: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ShapeFault(ValueError):
    """A value of the wrong shape; the text is ours and holds nothing of the value."""


def _legal(text: str) -> str:
    if _XML_FORBIDS.search(text):
        raise ShapeFault("holds a control character that XML 1.0 forbids")
    return text


def _one_line(text: str) -> str:
    text = _legal(text).strip()
    if not text or re.search(r"[\t\n\r]", text):
        raise ShapeFault("must be one line and not blank")
    return text


def _plausible(instant: datetime) -> datetime:
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise ShapeFault(f"lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return instant.astimezone(UTC)


Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Text: TypeAlias = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_legal)]
Uuid: TypeAlias = Annotated[
    str,
    Field(
        pattern=UUID_PATTERN,
        examples=["6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01"],
    ),
]
Address: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="HER-id, ENTERPRISE/SERVICE or SERVICE. ENTERPRISE is a HER-id of level 1, an "
        "organisation number or a name; SERVICE is a code (8668:S0304) or a name of the "
        "guideline, with its place where there are several.",
        examples=["910004", "910000/8668:S0304", "Demo kommune (oppdiktet)/Sykepleietjeneste"],
    ),
    AfterValidator(_one_line),
]
Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_plausible)]


class HandedIn(BaseModel):
    """Strict: unknown fields are refused, and no value is turned into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PatientIdent(HandedIn):
    """A number of the patient. Somebody with a hjelpenummer alone is refused by rule R-03."""

    type: Literal["FNR", "DNR", "HNR", "FHN"] = Field(description="Kodeverk 8116.")
    id: Annotated[str, Field(pattern=r"^[0-9]{11}$")]


class Patient(HandedIn):
    """The patient: name and number, or name, date of birth and sex (R-01)."""

    family_name: Line
    given_name: Line
    middle_name: Line | None = None
    date_of_birth: date | None = None
    sex: Literal["0", "1", "2", "9"] | None = Field(
        default=None,
        description="Kodeverk 3101: 0 not known, 1 male, 2 female, 9 not specified.",
    )
    idents: tuple[PatientIdent, ...] = Field(default=(), max_length=5)


class Author(HandedIn):
    """Who answers for the text and can be called (HITS 1174); shown to the receiver (R-31)."""

    family_name: Line
    given_name: Line
    middle_name: Line | None = None
    role: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")] = Field(
        default="21",
        description="Kodeverk 9034, role to the patient: 3 behandlingsansvarlig lege, "
        "9 primærkontakt, 21 helsefaglig kontakt, and so on.",
    )
    profession: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]?$")] | None = Field(
        default=None, description="Kodeverk 9060: LE doctor, SP nurse, JO midwife, and so on."
    )
    phone: Annotated[
        str,
        Field(
            pattern=r"^\+?[0-9](?: ?[0-9]){2,18}$",
            description="Direct number; blanks between digits are dropped.",
        ),
    ]
    hpr: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] | None = Field(
        default=None, description="Number in Helsepersonellregisteret."
    )


class Facts(HandedIn):
    """What the EPJ knows of the patient; it is not sent, and only gives remarks (R-10 to R-15).

    What is left out is unknown and gives no remark.
    """

    status: Annotated[PatientStatus, Field(strict=False)] | None = None
    referral_date: date | None = None
    last_contact: date | None = None
    has_service_decision: bool | None = Field(
        default=None, description="Whether there is a vedtak on municipal services."
    )
    increased_need: bool | None = None


class DialogueRequest(HandedIn):
    """A question about a patient: becomes a MsgHead of the kind DIALOG_FORESPORSEL."""

    model_config = ConfigDict(title="DialogueRequest")

    kind: Literal["request"]
    msg_id: Uuid = Field(
        description="MsgId of the message and the key to it: status events name it, and the same "
        "bytes under the same msg_id are sent once, however often they are handed in."
    )
    sender: Address = Field(alias="from", description="Own service: HER-id or SERVICE.")
    receiver: Address = Field(alias="to")
    patient: Patient
    author: Author
    text: Text = Field(description="Plain text; line breaks are kept exactly.")
    type: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")] = Field(
        default="99",
        description="TypeForesp. From a municipality kodeverk 9152, from a hospital 9154, from a "
        "GP 9153; 99 Annen henvendelse is in all of them.",
    )
    reference: Line | None = Field(
        default=None,
        description="The referral, discharge letter or contact it is about; becomes the last "
        "line of the text (R-32).",
    )
    priority: Literal["L", "N", "H"] | None = Field(
        default=None,
        description="Kodeverk 8115. H marks the message as urgent; what is acute needs a "
        "telephone call all the same (R-12).",
    )
    sent_at: Moment | None = Field(
        default=None, description="GenDate; the time of acceptance when left out."
    )
    facts: Facts | None = None


class DialogueAnswer(HandedIn):
    """An answer: becomes a MsgHead of the kind DIALOG_SVAR.

    The gateway takes from the question answered what is left out, and repeats
    the question in the answer (R-43). Without that question ``from``, ``to`` and
    ``patient`` must be given.
    """

    model_config = ConfigDict(title="DialogueAnswer")

    kind: Literal["answer"]
    msg_id: Uuid = Field(description="As for a request.")
    reply_to: Line = Field(
        description="MsgId of the question: the AMQP property message_id of epj.incoming."
    )
    conversation: Line | None = Field(
        default=None,
        description="MsgId of the first message of the dialogue; that of the question when left "
        "out.",
    )
    sender: Address | None = Field(
        default=None, alias="from", description="The service that got the question when left out."
    )
    receiver: Address | None = Field(
        default=None, alias="to", description="The service that asked when left out."
    )
    patient: Patient | None = Field(default=None, description="That of the question.")
    author: Author
    text: Text = Field(description="Plain text; line breaks are kept exactly.")
    theme: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")] = Field(
        default="5", description="TemaKodet, kodeverk 9069: 5 Svar på forespørsel."
    )
    priority: Literal["L", "N", "H"] | None = Field(default=None, description="Kodeverk 8115.")
    sent_at: Moment | None = Field(
        default=None, description="GenDate; the time of acceptance when left out."
    )
    facts: Facts | None = None


Dialogue: TypeAlias = DialogueRequest | DialogueAnswer
