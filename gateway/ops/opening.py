"""One mail opened and described: what ``open`` reports (design §7).

Nothing of the envelope is read but what its signature covers, as long as the
signature holds; of a damaged one the rest is described for the person who must
find out what happened, and the document inside is never given out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from gateway.codecs.certificates import load_certificate, require_usable_for_signing
from gateway.codecs.ebxml import is_soap_fault, parse_envelope, parse_instant
from gateway.codecs.ebxml_header import her_in, message_header_of
from gateway.codecs.ebxml_tree import children, text_of
from gateway.codecs.mime import (
    DEFAULT_MAIL_LIMITS,
    Mail,
    MailLimits,
    parse_bounce,
    parse_mail,
    part_named,
)
from gateway.codecs.sealing import seal_facts, unseal
from gateway.codecs.verifying import SignatureReport, inspect_signature, signed_envelope
from gateway.codecs.xml import DEFAULT_LIMITS, EB, parse_untrusted
from gateway.domain.envelope import Envelope, EnvelopeKind
from gateway.domain.identifiers import fits
from gateway.errors import CannotUnseal, GatewayError, TooLarge, UnusableCertificate
from gateway.office import Office
from gateway.ops.opened import FAULT, NOT_EBXML, Correspondent, Header, Opened, Trust


def open_mail(raw: bytes, *, office: Office | None, at: datetime) -> Opened:
    """Split, verify and, with a configuration, check trust and unseal one mail; raises nothing.

    Args:
        raw: the mail as it came.
        office: whose keys and address book; None: nothing is unsealed, no trust is checked.
        at: the instant certificates must be valid at.
    """
    mail_limits = DEFAULT_MAIL_LIMITS if office is None else office.mail_limits
    try:
        mail = parse_mail(raw, limits=mail_limits)
        root = parse_untrusted(
            mail.soap, limits=DEFAULT_LIMITS if office is None else office.xml_limits
        )
        if is_soap_fault(root):
            return _bare(FAULT, "no-signature", mail, ())
        message_header_of(root)
    except GatewayError as error:
        return _not_ebxml(raw, error, mail_limits)
    attachments = {part.content_id: part.data for part in mail.parts}
    signature = inspect_signature(root, attachments)
    read = _read(_signed_part(root, signature, attachments))
    opened = Opened(
        kind=read.kind,
        header=read.header,
        signature=signature,
        trust=Trust() if office is None else _trust(office, read.header.sender, signature, at),
        parts=mail.parts,
        faults=read.faults,
        remarks=tuple(dict.fromkeys((*mail.findings, *signature.findings, *read.remarks))),
    )
    return _unsealed(opened, read.payload, office)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    kind: str
    header: Header
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    payload: str | None = None  # Content-ID of the business document


def _bare(kind: str, reason: str, mail: Mail | None, faults: Sequence[str]) -> Opened:
    return Opened(
        kind=kind,
        signature=SignatureReport(valid=False, reason=reason),
        parts=() if mail is None else mail.parts,
        faults=tuple(faults),
        remarks=() if mail is None else mail.findings,
    )


def _not_ebxml(raw: bytes, error: GatewayError, limits: MailLimits) -> Opened:
    faults = [_code(error)]
    try:
        mail = parse_mail(raw, limits=limits)
    except GatewayError:
        mail = None
    if not isinstance(error, TooLarge) and parse_bounce(raw, limits=limits) is not None:
        faults.append("bounce")
    return _bare(NOT_EBXML, NOT_EBXML, mail, faults)


def _signed_part(
    root: etree._Element, signature: SignatureReport, attachments: dict[str, bytes]
) -> etree._Element:
    """What the signature covers, when it holds; else the envelope as it came, for describing."""
    if not signature.valid or signature.certificate is None:
        return root
    certificate = load_certificate(signature.certificate)
    try:
        # Its dates are a question of trust, and are asked there.
        return signed_envelope(
            root,
            certificate=certificate,
            attachments=attachments,
            at=certificate.not_valid_before_utc,
        ).root
    except GatewayError:
        return root  # a reference does not fit, and is reported as such


def _read(root: etree._Element) -> _Read:
    try:
        envelope = parse_envelope(root)
    except GatewayError as error:
        return _Read(kind=_kind_by_block(root), header=_told(root), faults=(_code(error),))
    manifest = envelope.manifest
    is_payload = envelope.kind is EnvelopeKind.PAYLOAD
    return _Read(
        kind=envelope.kind.value,
        header=_header_of(envelope),
        faults=("manifest-names-nothing",) if is_payload and not manifest else (),
        remarks=envelope.findings,
        payload=manifest[0].content_id if is_payload and manifest else None,
    )


def _header_of(envelope: Envelope) -> Header:
    header = envelope.header
    ref = header.ref_to_message_id
    if ref is None and envelope.acknowledgment is not None:
        ref = envelope.acknowledgment.ref_to_message_id
    return Header(
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        cpa_id=header.cpa_id,
        ref_to_message_id=ref,
        timestamp=header.timestamp,
        service=header.service,
        action=header.action,
        sender=Correspondent(her=header.sender.her, role=header.sender.role),
        receiver=Correspondent(her=header.receiver.her, role=header.receiver.role),
    )


def _told(root: etree._Element) -> Header:
    """What can be made out of a header that does not follow the profile."""
    _, block = message_header_of(root)

    def told(*path: str) -> str | None:
        parents = [block]
        for name in path:
            parents = [child for parent in parents for child in children(parent, EB, name)]
        text = text_of(parents[0]) if len(parents) == 1 else ""
        return text if text and fits(text) else None

    def party(name: str) -> Correspondent:
        found = children(block, EB, name)
        her = her_in(found[0], []) if len(found) == 1 else None
        return Correspondent(her=her, role=told(name, "Role"))

    try:
        timestamp = parse_instant(told("MessageData", "Timestamp") or "")[0]
    except ValueError:
        timestamp = None
    return Header(
        message_id=told("MessageData", "MessageId"),
        conversation_id=told("ConversationId"),
        cpa_id=told("CPAId"),
        ref_to_message_id=told("MessageData", "RefToMessageId"),
        timestamp=timestamp,
        service=told("Service"),
        action=told("Action"),
        sender=party("From"),
        receiver=party("To"),
    )


def _kind_by_block(root: etree._Element) -> str:
    if next(root.iter(f"{{{EB}}}Acknowledgment"), None) is not None:
        return EnvelopeKind.ACKNOWLEDGMENT.value
    if next(root.iter(f"{{{EB}}}ErrorList"), None) is not None:
        return EnvelopeKind.ERROR.value
    return EnvelopeKind.PAYLOAD.value


def _trust(
    office: Office, sender: Correspondent, signature: SignatureReport, at: datetime
) -> Trust:
    partner = None if sender.her is None else office.book.by_her(sender.her)
    reason: str | None = None
    if partner is None:
        reason = "unknown-party"
    elif signature.certificate is None:
        reason = "no-certificate"
    elif signature.certificate not in partner.signing:
        reason = "certificate-not-registered"
    else:
        try:
            require_usable_for_signing(load_certificate(signature.certificate), at)
        except UnusableCertificate as error:
            reason = error.detail
    return Trust(checked=True, valid=reason is None, reason=reason)


def _unsealed(opened: Opened, payload: str | None, office: Office | None) -> Opened:
    """Look at the seal of the business document, and open it when there are keys."""
    if payload is None:
        return opened
    part = part_named(opened.parts, payload)
    fault: str | None = None
    document: bytes | None = None
    if part is None:
        fault = "payload-missing"
    elif seal_facts(part.data) is None:
        fault = "payload-not-sealed"
    elif office is not None:
        keys = [(pair.private_key, pair.certificate) for pair in office.keys.unsealing]
        try:
            document = unseal(
                part.data, keys=keys, max_bytes=office.settings.limits.document_bytes
            ).document
        except CannotUnseal:
            fault = "cannot-unseal"
    if fault is not None:
        return replace(opened, faults=(*opened.faults, fault))
    return replace(opened, document=document if opened.good else None)


def _code(error: GatewayError) -> str:
    """Code and cause; ``detail`` never holds content, and its path only names."""
    where = f" ({error.where})" if error.where else ""
    return f"{error.code}: {error.detail}{where}"
