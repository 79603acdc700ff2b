"""A dialogue message as MsgHead 1.2 with Dialogmelding 1.0 or 1.1 carries it.

The values keep what the standards' sheets name; texts are exact, byte for byte
as the sender wrote them. Nothing here is validated beyond its type: whether a
message may pass is decided in ``screening``.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import chain

from gateway.domain.identifiers import HerId, MsgId, fits

REQUEST = "DIALOG_FORESPORSEL"
ANSWER = "DIALOG_SVAR"
NOTE = "DIALOG_NOTAT"
DEVIATION = "DIALOG_AVVIK"

_KIND = re.compile(r"[A-Za-z_]{2,60}", re.ASCII)

HER_SYSTEM = "2.16.578.1.12.4.1.1.9051"
PERSON_ID_SYSTEM = "2.16.578.1.12.4.1.1.8116"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """CS or CV: ``value`` V, ``name`` DN, ``system`` S (OID, CV only), ``original_text`` OT."""

    value: str
    name: str | None = None
    system: str | None = None
    original_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ident:
    """Ident: ``id`` as written, blanks trimmed; may be empty (real senders do that)."""

    id: str
    type: Code

    @property
    def is_her(self) -> bool:
        """Whether it is a HER-id; some senders write the type in lower case."""
        return self.type.value.upper() == "HER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    type: Code | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    postbox: str | None = None
    county: Code | None = None
    country: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeleCom:
    address: str  # "tel:…" or "mailto:…"
    type: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A named person: patient, health professional, or contact."""

    family_name: str | None = None
    middle_name: str | None = None
    given_name: str | None = None
    date_of_birth: date | None = None
    sex: Code | None = None
    nationality: Code | None = None
    idents: tuple[Ident, ...] = ()
    address: Address | None = None
    telecoms: tuple[TeleCom, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthcareProfessional(Person):
    profession: Code | None = None  # 9060
    role_to_patient: Code | None = None  # 9034

    @property
    def hers(self) -> tuple[HerId, ...]:
        """HER-ids of the person as a communication party, as written; most have none."""
        return _hers(self.idents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One level of an organisation; ``part`` is the level below (the service)."""

    name: str = ""
    type: Code | None = None
    idents: tuple[Ident, ...] = ()
    address: Address | None = None
    telecoms: tuple[TeleCom, ...] = ()
    part: "Organisation | None" = None
    professional: HealthcareProfessional | None = None

    @property
    def her(self) -> HerId | None:
        """The first HER-id of this level, or None when it has none."""
        return next(iter(self.hers), None)

    @property
    def hers(self) -> tuple[HerId, ...]:
        """All HER-ids of this level, as written."""
        return _hers(self.idents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Sender or Receiver: an enterprise and, below it, the service or person addressed.

    ``named`` tells which of several HER-ids of level 2 the envelope has; see :meth:`named_by`.
    """

    organisation: Organisation
    com_method: Code | None = None  # 8235; EDI or PST, only when sent by letter
    named: HerId | None = None

    @property
    def enterprise_her(self) -> HerId | None:
        """Level 1: the HER-id of the enterprise."""
        return self.organisation.her

    @property
    def hers(self) -> tuple[HerId, ...]:
        """Level 2: the HER-ids of the service, then those of the person beside it."""
        part, professional = self.organisation.part, self.organisation.professional
        return (
            *(() if part is None else part.hers),
            *(() if professional is None else professional.hers),
        )

    @property
    def her(self) -> HerId | None:
        """Level 2: the HER-id of the service, or of the person who is the communication party.

        None when level 2 is missing or carries no HER-id (AppRec E21). Of several it is
        the one that the envelope names, else the first.
        """
        return self.named or next(iter(self.hers), None)

    def named_by(self, her: HerId) -> "Party":
        """The party that an envelope with ``her`` means; the same when it has no such HER-id."""
        return replace(self, named=her) if her in self.hers else self


def kind_word(kind: str | None) -> str | None:
    """A message kind (8279, eb:Action) for logs and metrics; None for anything but one word.

    It comes from outside unchecked: a name or a number must not get there as a kind.
    """
    return kind if kind is not None and _KIND.fullmatch(kind) else None


def _hers(idents: tuple[Ident, ...]) -> tuple[HerId, ...]:
    return tuple(HerId(i.id) for i in idents if i.is_her and i.id and fits(i.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherReceiver:
    """A copy receiver; ``party`` is None when it is a person or left out."""

    role: Code
    party: Party | None = None
    person: Person | None = None  # Patient, Person or HealthcareProfessional
    com_method: Code | None = None  # 8235


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRef:
    parent: MsgId  # the message answered
    conversation: MsgId  # the first message of the dialogue


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedUnit:
    """TilknyttetEnhet (1.1 only)."""

    unit: Organisation
    remark: str | None = None
    person: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """RollerRelatertNotat: who wrote, who answers for it, who can be called (HITS 1174)."""

    role_in_note: Code | None = None  # 9057
    role_to_patient: Code | None = None  # 9034 or 8422
    person: Person | None = None  # HealthcareProfessional or Person
    unit: RelatedUnit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Foresporsel. ``text`` is Sporsmal as plain text; None when the element is absent."""

    type: Code
    text: str | None = None
    subject: str | None = None  # EmneSporsmal, 1.1
    purpose: Code | None = None  # Formål
    reason: str | None = None  # Begrunnelse
    urgency: Code | None = None  # Hastegrad, 9067
    from_date: date | None = None
    to_date: date | None = None
    journal_info: tuple[Code, ...] = ()
    coded_information: Code | None = None  # KodetOpplysning, 1.1
    document_id: str | None = None  # DokIdForesp
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Notat. ``text`` is TekstNotatInnhold as plain text; None when the element is absent."""

    theme: Code
    theme_text: str | None = None  # Tema
    text: str | None = None
    remark: str | None = None  # Merknad
    document_id: str | None = None
    written_on: date | None = None
    question: Question | None = None
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """What the first Document and its RefDoc say of the content; times are TS text as written."""

    connection: Code | None = None  # 4702
    content_type: Code | None = None
    content_description: str | None = None
    content_category: Code | None = None
    consent: Code | None = None  # 3109
    annotation: str | None = None
    from_date: str | None = None
    to_date: str | None = None
    oid_ref: str | None = None
    enquiry_ref_id: str | None = None
    issue_date: str | None = None
    document_id: str | None = None  # RefDoc/Id
    mime: str | None = None
    description: str | None = None


class Carrier(StrEnum):
    """How something beside the text came along (rule R-36)."""

    DOCUMENT = "document"  # a second or further Document
    MESSAGE_TYPE = "msgtype"  # RefDoc/MsgType A or REF
    BASE64 = "base64container"
    FILE_REFERENCE = "filereference"
    COMPRESSION = "compression"
    PART = "part"  # a further MIME payload part
    PICTURE = "picture"  # embedded in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Something the text-only receiver would never see; ``bytes`` counts its decoded content."""

    carrier: Carrier
    mime: str  # "application/octet-stream" when the sender did not say
    bytes: int
    where: str  # path of the element, never content


class Markup(StrEnum):
    """Whether the text of a message came as plain text (rule R-35)."""

    NONE = "none"
    FLATTENED = "flattened"  # markup turned into plain text, nothing lost
    LOSSY = "lossy"  # picture, link or table that plain text cannot carry


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogMessage:
    """One MsgHead document with its dialogue content.

    ``dialog_version`` is "1.0" or "1.1" by the namespace of the content, None
    when the first Document holds no Dialogmelding. ``gen_date_text`` is the
    lexical GenDate, which an AppRec must repeat exactly.
    """

    type: Code  # 8279
    msg_id: MsgId
    gen_date: datetime  # aware; without zone read as Europe/Oslo
    gen_date_text: str
    sender: Party
    receiver: Party
    patient: Person | None = None
    conversation: ConversationRef | None = None
    other_receivers: tuple[OtherReceiver, ...] = ()
    processing_status: Code | None = None  # 8113
    priority: Code | None = None  # 8115
    content_namespace: str | None = None
    dialog_version: str | None = None
    document: DocumentInfo = field(default=DocumentInfo())
    case_type: Code | None = None  # SakstypeKodet
    case: str | None = None  # Sakstype
    questions: tuple[Question, ...] = ()
    notes: tuple[Note, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    text_left: str | None = None  # what stays of ``text`` without them; None: all of it
    markup: Markup = Markup.NONE
    signed: bool = False  # a ds:Signature of the business document is present
    findings: tuple[str, ...] = field(default=())  # tolerated oddities, as codes

    @property
    def text(self) -> str:
        """The professional text alone: questions asked and answers given, joined by blank lines."""
        parts = [q.text for q in self.questions] + [n.text for n in self.notes]
        return "\n\n".join(part for part in parts if part)

    @property
    def free_texts(self) -> tuple[str, ...]:
        """All that its author could write in words; not the question that an answer repeats."""
        asked = ((q.subject, q.text, q.reason) for q in self.questions)
        said = ((n.theme_text, n.text, n.remark) for n in self.notes)
        written = (self.case, *chain.from_iterable((*asked, *said)))
        return tuple(text for text in written if text)
