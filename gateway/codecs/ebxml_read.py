"""Read an envelope of the national profile: payload message, Acknowledgment or MessageError.

Liberal where the standards tell us not to stop traffic for small rule breaks
(HITS 1172 §1.1): those come back as ``findings``. What contradicts itself, or
asks for what the profile does not have, is refused.
"""

from typing import Final

from lxml import etree

from gateway.codecs.ebxml_blocks import (
    read_ack_requested,
    read_acknowledgment,
    read_errors,
    read_manifest,
)
from gateway.codecs.ebxml_header import message_header_of, parse_message_header
from gateway.codecs.ebxml_tree import children, elements, must_understand
from gateway.codecs.xml import DS, EB, SOAP, path_of
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    Envelope,
    EnvelopeKind,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
)
from gateway.errors import InconsistentEnvelope, MalformedMessage, UnsupportedFeature

_KNOWN: Final = {
    f"{{{EB}}}{name}" for name in ("MessageHeader", "AckRequested", "Acknowledgment", "ErrorList")
} | {f"{{{DS}}}Signature"}
_TOLERATED: Final = {
    f"{{{EB}}}SyncReply": "sync-reply",  # means nothing over mail (HITS 1172 §5.7.2)
    f"{{{EB}}}MessageOrder": "message-order",  # only by agreement, and there is none
}
_OTHER_SERVICES: Final = {f"{{{EB}}}StatusRequest", f"{{{EB}}}StatusResponse"}


def parse_envelope(root: etree._Element) -> Envelope:
    """Read one envelope; ``root`` is the SOAP:Envelope, best the tree that was verified.

    Raises:
        NotEbxml: no ebXML, or From, To or MessageId cannot be found; nobody can
            be answered. For all other errors ``peek_header`` tells whom.
        UnsupportedFeature: an unknown block that must be understood, receipts
            from hop to hop (nextMSH), Ping or status requests.
        InconsistentEnvelope: eb:version not 2.0, a mixture of kinds, an unsigned
            receipt asked for, blocks or references given twice.
        MissingPart: the Manifest refers to something outside the mail.
        MalformedMessage: something else that the profile requires is not there.
    """
    soap_header, block = message_header_of(root)
    findings: list[str] = []
    header = parse_message_header(block, findings)
    _check_blocks(soap_header, findings)
    body = _body(root, findings)
    ack_requested = _single(soap_header, "AckRequested")
    ack_block = _single(soap_header, "Acknowledgment")
    error_list = _single(soap_header, "ErrorList")
    manifest_block = _single(body, "Manifest")
    is_signal = ack_block is not None or error_list is not None
    if is_signal and manifest_block is not None and not len(manifest_block):
        findings.append("manifest-in-signal")  # it refers to nothing, so it carries nothing
        manifest_block = None
    if sum(b is not None for b in (ack_block, error_list, manifest_block)) > 1:
        raise InconsistentEnvelope("the envelope is of more than one kind")

    kind, is_requested = EnvelopeKind.PAYLOAD, False
    acknowledgment: Acknowledgment | None = None
    errors: tuple[ErrorEntry, ...] = ()
    manifest: tuple[ManifestReference, ...] = ()
    if ack_block is not None:
        kind = EnvelopeKind.ACKNOWLEDGMENT
        acknowledgment = read_acknowledgment(ack_block, header, findings)
        _note_signal(header, ACKNOWLEDGMENT_ACTION, ack_requested, findings)
    elif error_list is not None:
        kind = EnvelopeKind.ERROR
        errors = read_errors(error_list, header, findings)
        _note_signal(header, ERROR_ACTION, ack_requested, findings)
    else:
        has_blocks = ack_requested is not None or manifest_block is not None
        _require_payload_service(header, has_blocks=has_blocks)
        is_requested = read_ack_requested(ack_requested, findings)
        manifest = read_manifest(manifest_block, findings) if manifest_block is not None else ()
        _note_payload(header, manifest_block, findings)
    return Envelope(
        kind=kind,
        header=header,
        ack_requested=is_requested,
        acknowledgment=acknowledgment,
        errors=errors,
        manifest=manifest,
        findings=tuple(dict.fromkeys(findings)),
    )


def _single(parent: etree._Element, name: str) -> etree._Element | None:
    found = children(parent, EB, name)
    if len(found) > 1:
        raise InconsistentEnvelope(f"more than one eb:{name}", where=path_of(found[1]))
    return found[0] if found else None


def _check_blocks(soap_header: etree._Element, findings: list[str]) -> None:
    """SOAP's own rule: refuse what must be understood and is not (rule 100)."""
    for block in elements(soap_header):
        if block.tag in _KNOWN:
            continue
        if block.tag in _TOLERATED:
            findings.append(_TOLERATED[str(block.tag)])
        elif must_understand(block) in ("1", "true"):
            raise UnsupportedFeature("a header block that is not known", where=path_of(block))
        else:
            findings.append("unknown-header-block")


def _body(root: etree._Element, findings: list[str]) -> etree._Element:
    bodies = children(root, SOAP, "Body")
    if len(bodies) > 1:
        raise InconsistentEnvelope("more than one SOAP:Body", where=path_of(bodies[1]))
    if not bodies:
        raise MalformedMessage("SOAP:Body is absent", where=path_of(root))
    for element in elements(bodies[0]):
        if element.tag in _OTHER_SERVICES:
            raise UnsupportedFeature("status requests are not used", where=path_of(element))
        if element.tag != f"{{{EB}}}Manifest":
            findings.append("unknown-body-element")  # rule 101
    return bodies[0]


def _require_payload_service(header: MessageHeader, *, has_blocks: bool) -> None:
    if header.service != SIGNAL_SERVICE:
        return
    if header.action not in (ACKNOWLEDGMENT_ACTION, ERROR_ACTION):
        raise UnsupportedFeature("Ping and status services are not used")
    if has_blocks:
        raise InconsistentEnvelope("blocks of a payload message with the service of a signal")
    raise MalformedMessage("a signal without eb:Acknowledgment or eb:ErrorList")


def _note_signal(
    header: MessageHeader,
    action: str,
    ack_requested: etree._Element | None,
    findings: list[str],
) -> None:
    if (header.service, header.action) != (SIGNAL_SERVICE, action):
        findings.append("signal-service-or-action-other")  # Warnings before the erratum of 2017
    if ack_requested is not None:
        findings.append("ack-requested-in-signal")  # a signal is never answered all the same
    if header.duplicate_elimination:
        findings.append("duplicate-elimination-in-signal")


def _note_payload(
    header: MessageHeader, manifest: etree._Element | None, findings: list[str]
) -> None:
    if not header.duplicate_elimination:
        findings.append("duplicate-elimination-absent")  # rule 74
    if not (header.sender.role and header.receiver.role):
        findings.append("role-absent")
    if manifest is None:
        findings.append("manifest-absent")
