"""The ebMS 2.0 facts of one envelope in the national profile (HIS 1037, HITS 1171, HITS 1172)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId

SIGNAL_SERVICE = "urn:oasis:names:tc:ebxml-msg:service"
ACKNOWLEDGMENT_ACTION = "Acknowledgment"
ERROR_ACTION = "MessageError"
APPREC_ACTION = "APPREC"

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a partner may be from ours (ebMS 2.0 §3.1.6.4)."""


class EnvelopeKind(StrEnum):
    PAYLOAD = "payload"  # carries a business document
    ACKNOWLEDGMENT = "acknowledgment"  # the receiving MSH has it
    ERROR = "error"  # MessageError, of severity Error or Warning


class Severity(StrEnum):
    ERROR = "Error"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class EbParty:
    """eb:From or eb:To: the HER-id of a level-2 party; role is absent in signals."""

    her: HerId
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeader:
    """eb:MessageHeader. Instants are aware; a timestamp without zone was read as UTC."""

    sender: EbParty
    receiver: EbParty
    cpa_id: CpaId
    conversation_id: ConversationId
    service: str
    action: str
    message_id: MessageId
    timestamp: datetime
    service_type: str | None = None
    ref_to_message_id: MessageId | None = None
    time_to_live: datetime | None = None
    duplicate_elimination: bool = False
    description: str | None = None  # monitoring JSON of HITS 1210; never a ground to refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReference:
    """One ds:Reference of an envelope's SignedInfo.

    ``xml`` is the element on its own with the namespaces it needs, ready to be
    copied into an eb:Acknowledgment; empty when the reference was only compared.
    """

    uri: str  # "" for the envelope, "cid:…" for a part
    digest_method: str
    digest: str  # base64 without white space
    xml: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgment:
    """eb:Acknowledgment: ``references`` are those of the acknowledged envelope.

    Real ones leave some or all of them out, or their digests ("").
    """

    ref_to_message_id: MessageId
    timestamp: datetime
    references: tuple[SignedReference, ...] = ()
    sender_her: HerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """eb:Error; ``location`` is opaque text, ``text`` the eb:Description."""

    code: str
    severity: Severity = Severity.ERROR
    location: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestReference:
    """eb:Manifest/eb:Reference: ``content_id`` without ``cid:`` and percent-decoded."""

    content_id: str
    schema_location: str | None = None  # namespace of the business document (HITS 1210)
    schema_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One envelope; ``acknowledgment`` and ``errors`` are set for their own kinds only."""

    kind: EnvelopeKind
    header: MessageHeader
    ack_requested: bool = False
    acknowledgment: Acknowledgment | None = None
    errors: tuple[ErrorEntry, ...] = ()
    manifest: tuple[ManifestReference, ...] = ()
    findings: tuple[str, ...] = field(default=())  # deviations that were tolerated, as codes

    @property
    def is_warning(self) -> bool:
        """A MessageError without any error of severity Error; it counts as an acknowledgment."""
        return self.kind is EnvelopeKind.ERROR and all(
            error.severity is Severity.WARNING for error in self.errors
        )


def service_of(message_type: str) -> str:
    """eb:Service for a code of 8279 when no CPA says otherwise (HISD 1209 §3)."""
    return f"S-{message_type}"


def sender_role_of(message_type: str) -> str:
    """eb:Role of the party that sent the business document (HISD 1209 §3)."""
    return f"{message_type}sender"


def receiver_role_of(message_type: str) -> str:
    """eb:Role of the party that receives the business document (HISD 1209 §3)."""
    return f"{message_type}receiver"
