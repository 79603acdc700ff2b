"""What ``open`` reports of one mail, and the names it has in JSON (design §7)."""

from dataclasses import dataclass
from datetime import datetime

from gateway.codecs.certificates import (
    load_certificate,
    organisation_number,
    serial_text,
    subject_text,
)
from gateway.codecs.ebxml import format_instant
from gateway.codecs.mime import Part
from gateway.codecs.sealing import seal_facts
from gateway.codecs.verifying import SignatureReport
from gateway.errors import UnusableCertificate
from gateway.ops.wording import on_one_line

FAULT = "fault"
NOT_EBXML = "not-ebxml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondent:
    """eb:From or eb:To; ``her`` None when it does not name one party by HER-id."""

    her: str | None = None
    role: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return {"her": self.her, "role": self.role}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the envelope says of itself; None for what is absent or could not be read."""

    message_id: str | None = None
    conversation_id: str | None = None
    cpa_id: str | None = None
    ref_to_message_id: str | None = None
    timestamp: datetime | None = None
    service: str | None = None
    action: str | None = None
    sender: Correspondent = Correspondent()
    receiver: Correspondent = Correspondent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether the certificate is the one registered for eb:From; ``valid`` None: not asked."""

    checked: bool = False
    valid: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One mail, described.

    ``faults`` are the codes of what makes it bad beside signature, references
    and trust; ``remarks`` those of what was tolerated. ``document`` is what the
    seal held, given only when everything is good.
    """

    kind: str
    signature: SignatureReport
    header: Header = Header()
    trust: Trust = Trust()
    parts: tuple[Part, ...] = ()
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    document: bytes | None = None

    @property
    def good(self) -> bool:
        """Signature, digests, trust and seal hold, as far as they could be looked at."""
        return (
            self.signature.valid
            and all(reference.valid for reference in self.signature.references)
            and self.trust.valid is not False
            and not self.faults
        )

    @property
    def exit_code(self) -> int:
        """0 good, 1 signature, digest, seal or trust fails, 2 not ebXML."""
        if self.kind == NOT_EBXML:
            return 2
        return 0 if self.good else 1

    def as_json(self) -> dict[str, object]:
        """The names of design §7."""
        header, signature = self.header, self.signature
        timestamp = header.timestamp
        return {
            "kind": self.kind,
            "message_id": header.message_id,
            "conversation_id": header.conversation_id,
            "cpa_id": header.cpa_id,
            "ref_to_message_id": header.ref_to_message_id,
            "timestamp": None if timestamp is None else format_instant(timestamp),
            "service": header.service,
            "action": header.action,
            "from": header.sender.as_json(),
            "to": header.receiver.as_json(),
            "signature": {
                "valid": signature.valid,
                "algorithm": signature.algorithm,
                "reason": signature.reason,
                "signer": _signer(signature.certificate),
            },
            "references": [{"uri": r.uri, "valid": r.valid} for r in signature.references],
            "trust": {
                "checked": self.trust.checked,
                "valid": self.trust.valid,
                "reason": self.trust.reason,
            },
            "parts": self.parts_json(),
            "findings": [*self.faults, *self.remarks],
        }

    def parts_json(self) -> list[dict[str, object]]:
        """Each MIME part with what its seal says without a key."""
        return [_part(part) for part in self.parts]


def _signer(der: bytes | None) -> dict[str, str | None] | None:
    if der is None:
        return None
    try:
        certificate = load_certificate(der)
    except UnusableCertificate:
        return None
    return {
        "subject": subject_text(certificate),
        "serial": serial_text(certificate),
        "orgnr": organisation_number(certificate),
        "not_after": format_instant(certificate.not_valid_after_utc),
    }


def _part(part: Part) -> dict[str, object]:
    facts = seal_facts(part.data)
    return {
        "content_id": part.content_id,
        "bytes": len(part.data),
        "encrypted": facts is not None,
        "cipher": None if facts is None else facts.cipher,
        "key_transport": None if facts is None else facts.key_transport,
    }


def opened_lines(opened: Opened) -> str:
    """The report for people: first whether the mail is good."""
    header, signature, trust = opened.header, opened.signature, opened.trust
    verdict = "I ORDEN / good" if opened.good else "IKKE I ORDEN / not good"
    lines = [f"{verdict}: {opened.kind}"]
    for name, value in (
        ("eb:MessageId", header.message_id),
        ("eb:RefToMessageId", header.ref_to_message_id),
        ("eb:ConversationId", header.conversation_id),
        ("eb:CPAId", header.cpa_id),
        ("eb:Service", header.service),
        ("eb:Action", header.action),
        ("eb:From", header.sender.her),
        ("eb:To", header.receiver.her),
    ):
        if value is not None:
            lines.append(f"  {name}: {value}")
    lines.append(f"  signatur / signature: {_held(signature.valid, signature.reason)}")
    lines += [
        f"    {reference.uri or '(konvolutt / envelope)'}: {_held(reference.valid, None)}"
        for reference in signature.references
    ]
    if trust.checked:
        lines.append(f"  tillit / trust: {_held(trust.valid is True, trust.reason)}")
    else:
        lines.append("  tillit / trust: ikke kontrollert / not checked")
    for part in opened.parts_json():
        seal = f"{part['cipher']}, {part['key_transport']}" if part["encrypted"] else "åpen / clear"
        lines.append(f"  {part['content_id']}: {part['bytes']} bytes, {seal}")
    lines += [f"  ! {fault}" for fault in opened.faults]
    lines += [f"  · {remark}" for remark in opened.remarks]
    return "\n".join(map(on_one_line, lines))


def _held(valid: bool, reason: str | None) -> str:
    if valid:
        return "holder / valid"
    return "HOLDER IKKE / invalid" + (f" ({reason})" if reason else "")
