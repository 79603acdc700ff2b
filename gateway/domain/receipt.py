"""The application receipt (AppRec 1.0 and 1.1, HIS 80415) and its codes."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.message import Organisation, Party

ERROR_SYSTEM = "2.16.578.1.12.4.1.1.8221"

APPREC_ERRORS: dict[str, str] = {
    "T01": "Ikke XML / ikke 'well formed' / uleselig",
    "T02": "XML validerer ikke",
    "T10": "Støtter ikke meldingsformatet",
    "T99": "Annen feil på format",
    "S01": "Feil på signatur",
    "S02": "Ugyldig sertifikat",
    "S03": "Tilbaketrukket sertifikat",
    "S99": "Annen feil på signatur eller sertifikat",
    "E10": "Ugyldig meldingsidentifikator",
    "E20": "Lege finnes ikke",
    "E21": "Mottaker finnes ikke",
    "E30": "Pasientens fødselsnummer mangler",
    "E31": "Pasientens fødselsnummer er feil",
    "E32": "Pasientens navn mangler",
    "E33": "Pasientens etternavn mangler",
    "E34": "Pasientens fornavn mangler",
    "E35": "Pasienten finnes ikke i mottakersystemet",
    "E36": "Pasientopplysninger er utilstrekkelige",
    "E53": "Pasientens fødselsnummer eller D-nummer finnes ikke registrert i Folkeregisteret.",
    "E54": "Pasientens fødselsnummer er ikke registrert i mottagersystemet",
    "X99": "Annen feil",
}
"""Kodeverk 8221: code to its Norwegian text."""

GENERAL_ERRORS = frozenset({"T99", "S99", "X99"})
"""Codes that say nothing by themselves: the true reason must stand in OT (HIS 80415)."""

_NO_REASON = "Mottakersystemet har ikke oppgitt årsak."
_CODE_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")


class Answer(StrEnum):
    """AppRec Status, kodeverk 8258; the values are the standard's codes."""

    OK = "1"
    REJECTED = "2"
    OK_WITH_ERRORS = "3"


class ReceiptVersion(StrEnum):
    V1_0 = "1.0"
    V1_1 = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptError:
    """AppRec/Error: ``code`` V, ``text`` OT (shown to the user always), ``name`` DN, ``system`` S.

    ``code`` is "" when the sender wrote none. ``system`` None stands for 8221;
    receipts from NAV and Helfo carry code lists of their own.
    """

    code: str
    text: str | None = None
    name: str | None = None
    system: str | None = None

    @property
    def words(self) -> str:
        """What it tells a person: OT, and DN unless OT holds it; "" when there is neither."""
        text, name = (self.text or "").strip(), (self.name or "").strip()
        # OT comes first, for a reason is cut where it is long.
        return f"{text} ({name})" if text and name not in text else text or name


def receipt_error(code: str | None, text: str | None = None) -> ReceiptError:
    """An error for a receipt of ours, always one that the standard allows.

    A code outside 8221, or none, becomes X99 with the text: a receiving
    system's own reason must not keep the sender from getting an answer. T99,
    S99 and X99 demand a text (HIS 80415); without one they get a sentence that
    says so, and names the unknown code if there was one.
    """
    wanted = (code or "").strip()
    known = wanted.upper()
    # A text of control characters alone would be empty once it is XML.
    reason = text.strip() if text and any(c.isalnum() for c in text) else None
    if known not in APPREC_ERRORS:
        known = "X99"
        if reason is None and _CODE_SHAPE.fullmatch(wanted):
            reason = f"{_NO_REASON} Feilkode: {wanted}"
    if known in GENERAL_ERRORS and reason is None:
        reason = _NO_REASON
    return ReceiptError(code=known, text=reason, name=APPREC_ERRORS[known], system=ERROR_SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalMessage:
    """OriginalMsgId: MsgInfo/Type, the lexical GenDate, and MsgId of what is answered."""

    msg_id: MsgId
    type: str
    issue_date_text: str
    type_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptParty:
    """HCP of Sender or Receiver: ``organisation`` is Inst, its ``part`` the Dept, its
    ``professional`` the HCPerson when that person is the communication party.

    The name of a person is one string in an AppRec; what was read stands whole
    in ``family_name``.
    """

    organisation: Organisation
    role: str | None = None

    @property
    def enterprise_her(self) -> HerId | None:
        """HER-id of level 1: Inst."""
        return self.organisation.her

    @property
    def her(self) -> HerId | None:
        """HER-id of level 2: Dept, else HCPerson; None when neither carries one."""
        return next(iter(self.hers), None)

    @property
    def hers(self) -> tuple[HerId, ...]:
        """All HER-ids of level 2; a department may stand beside the person who is the party."""
        return Party(organisation=self.organisation).hers


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationReceipt:
    """One AppRec. ``original.msg_id`` is the MsgHead MsgId, not an ebMS MessageId.

    ``sender`` is the receiver of the original, ``receiver`` its sender.
    ``generated_at`` is aware (without zone read as Europe/Oslo), and None when
    GenDate is absent or unreadable: an answer is not lost over its date.
    ``findings`` names oddities tolerated while reading, never content.
    """

    version: ReceiptVersion
    receipt_id: str
    generated_at: datetime | None
    answer: Answer
    original: OriginalMessage
    sender: ReceiptParty
    receiver: ReceiptParty
    errors: tuple[ReceiptError, ...] = ()
    software_name: str | None = None
    software_version: str | None = None
    findings: tuple[str, ...] = ()


def receipt_version_for(dialog_version: str | None) -> ReceiptVersion:
    """AppRec 1.1 for Dialogmelding 1.1, else 1.0 (HIS 80603; unreadable documents get 1.0)."""
    return ReceiptVersion.V1_1 if dialog_version == "1.1" else ReceiptVersion.V1_0


def receipt_digest(outcome: str, errors: Sequence[ReceiptError]) -> str:
    """What makes one outcome the same as another: SHA-256 over status, codes and texts, hex."""
    text = "\0".join([outcome, *(f"{error.code}\1{error.text or ''}" for error in errors)])
    return hashlib.sha256(text.encode()).hexdigest()
