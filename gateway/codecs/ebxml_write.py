"""Write the three kinds of envelope, unsigned (HIS 1037 §6-7, HITS 1171 §5.2).

The trees have no white space between elements and the order of the schema. The
signer puts ds:Signature last into SOAP:Header and serialises once; after that
nothing may be added, not even a namespace.
"""

import json
from collections.abc import Sequence
from typing import Final

from lxml import etree

from gateway.codecs.ebxml_tree import TO_PARTY_MSH, format_instant
from gateway.codecs.signing_profile import cid_uri
from gateway.codecs.xml import DS, EB, SOAP, XLINK, XML, parse_untrusted
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
    SignedReference,
)
from gateway.errors import GatewayError

_PREFIXES: Final = {"SOAP": SOAP, "eb": EB, "xlink": XLINK}
_ERROR_CONTEXT: Final = f"{SIGNAL_SERVICE}:errors"
_HERE: Final = "references"  # target of a processing instruction that never leaves this module


def monitoring_description(
    msh: str,
    version: str,
    *,
    system: str | None = None,
    system_version: str | None = None,
    middleware: str | None = None,
    middleware_version: str | None = None,
) -> str:
    """The one-line JSON of eb:Description: official names and versions (HITS 1210 §5.3).

    ``system`` is the EPJ (fagsystem); what is None is left out.
    """
    fields = {
        "MSH-system": msh,
        "MSH-versjon": version,
        "fagsystem": system,
        "fagsystem-versjon": system_version,
        "mellomvare": middleware,
        "mellomvare-versjon": middleware_version,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":"))


def render_payload_envelope(
    header: MessageHeader, manifest: Sequence[ManifestReference]
) -> etree._Element:
    """The envelope of a business document, before signing.

    DuplicateElimination and a signed AckRequested are always there, whatever
    ``header`` says: the profile demands both (HITS 1172 rules 74, 75, 94).

    Raises:
        ValueError: an instant without zone, or text that XML cannot hold.
    """
    envelope, soap_header, body = _envelope()
    message_header = _message_header(
        soap_header, header, service=header.service, action=header.action, is_payload=True
    )
    _message_data(message_header, header, ref=header.ref_to_message_id, with_ttl=True)
    _eb(message_header, "DuplicateElimination")
    _description(message_header, header)
    ack_requested = _block(soap_header, "AckRequested", actor=TO_PARTY_MSH)
    ack_requested.set(f"{{{EB}}}signed", "true")
    if manifest:
        element = _eb(body, "Manifest")
        element.set(f"{{{EB}}}version", "2.0")
        for reference in manifest:
            _manifest_reference(element, reference)
    return envelope


def render_acknowledgment_envelope(
    header: MessageHeader, acknowledgment: Acknowledgment
) -> etree._Element:
    """The envelope of an Acknowledgment, before signing.

    Service, Action and the absence of roles, TimeToLive and
    MessageData/RefToMessageId follow the profile, not ``header`` (HIS 1037
    errata 2019). ``acknowledgment.references`` are copied as they were signed.

    Raises:
        ValueError: no references, one whose ``xml`` is not a ds:Reference, an
            instant without zone, or text that XML cannot hold.
    """
    if not acknowledgment.references:
        raise ValueError("an Acknowledgment repeats at least one ds:Reference")
    envelope, soap_header, _ = _envelope()
    message_header = _message_header(
        soap_header, header, service=SIGNAL_SERVICE, action=ACKNOWLEDGMENT_ACTION, is_payload=False
    )
    _message_data(message_header, header, ref=None, with_ttl=False)
    _description(message_header, header)
    block = _block(soap_header, "Acknowledgment", actor=TO_PARTY_MSH)
    _eb(block, "Timestamp", format_instant(acknowledgment.timestamp))
    _eb(block, "RefToMessageId", acknowledgment.ref_to_message_id)
    if acknowledgment.sender_her is not None:
        _party(block, "From", EbParty(her=acknowledgment.sender_her), with_role=False)
    here = etree.ProcessingInstruction(_HERE)
    block.append(here)
    return _with_references(envelope, here, acknowledgment.references)


def render_error_envelope(header: MessageHeader, errors: Sequence[ErrorEntry]) -> etree._Element:
    """The envelope of a MessageError, also one of severity Warning, before signing.

    Service, Action and the absence of roles follow the profile, not ``header``.

    Raises:
        ValueError: no errors, no ``ref_to_message_id`` (HITS 1172 rule 122), an
            instant without zone, or text that XML cannot hold.
    """
    if not errors:
        raise ValueError("a MessageError has at least one error")
    if header.ref_to_message_id is None:
        raise ValueError("a MessageError names the message it is about")
    envelope, soap_header, _ = _envelope()
    message_header = _message_header(
        soap_header, header, service=SIGNAL_SERVICE, action=ERROR_ACTION, is_payload=False
    )
    _message_data(message_header, header, ref=header.ref_to_message_id, with_ttl=False)
    _description(message_header, header)
    block = _block(soap_header, "ErrorList")
    is_error = any(error.severity is Severity.ERROR for error in errors)
    block.set(f"{{{EB}}}highestSeverity", (Severity.ERROR if is_error else Severity.WARNING).value)
    for error in errors:
        element = _eb(block, "Error")
        element.set(f"{{{EB}}}codeContext", _ERROR_CONTEXT)
        element.set(f"{{{EB}}}errorCode", error.code)
        element.set(f"{{{EB}}}severity", error.severity.value)
        if error.location is not None:
            element.set(f"{{{EB}}}location", error.location)
        if error.text is not None:
            _eb(element, "Description", error.text).set(f"{{{XML}}}lang", "no")
    return envelope


def _envelope() -> tuple[etree._Element, etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap=_PREFIXES)
    header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
    return envelope, header, etree.SubElement(envelope, f"{{{SOAP}}}Body")


def _eb(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{EB}}}{name}")
    element.text = text
    return element


def _block(parent: etree._Element, name: str, *, actor: str | None = None) -> etree._Element:
    block = _eb(parent, name)
    if actor is not None:
        block.set(f"{{{SOAP}}}actor", actor)
    block.set(f"{{{SOAP}}}mustUnderstand", "1")
    block.set(f"{{{EB}}}version", "2.0")
    return block


def _message_header(
    soap_header: etree._Element,
    header: MessageHeader,
    *,
    service: str,
    action: str,
    is_payload: bool,
) -> etree._Element:
    block = _block(soap_header, "MessageHeader")
    _party(block, "From", header.sender, with_role=is_payload)
    _party(block, "To", header.receiver, with_role=is_payload)
    _eb(block, "CPAId", header.cpa_id)
    _eb(block, "ConversationId", header.conversation_id)
    element = _eb(block, "Service", service)
    if is_payload:
        # Without a type the content would have to be a URI (ebMS 2.0 §3.1.4.1).
        element.set(f"{{{EB}}}type", header.service_type or "string")
    _eb(block, "Action", action)
    return block


def _party(parent: etree._Element, name: str, party: EbParty, *, with_role: bool) -> None:
    element = _eb(parent, name)
    _eb(element, "PartyId", party.her).set(f"{{{EB}}}type", "HER")
    if with_role and party.role is not None:
        _eb(element, "Role", party.role)


def _message_data(
    block: etree._Element, header: MessageHeader, *, ref: str | None, with_ttl: bool
) -> None:
    data = _eb(block, "MessageData")
    _eb(data, "MessageId", header.message_id)
    _eb(data, "Timestamp", format_instant(header.timestamp))
    if ref is not None:
        _eb(data, "RefToMessageId", ref)
    if with_ttl and header.time_to_live is not None:
        _eb(data, "TimeToLive", format_instant(header.time_to_live))


def _description(block: etree._Element, header: MessageHeader) -> None:
    if header.description is not None:
        _eb(block, "Description", header.description).set(f"{{{XML}}}lang", "no")


def _manifest_reference(manifest: etree._Element, reference: ManifestReference) -> None:
    element = _eb(manifest, "Reference")
    element.set(f"{{{XLINK}}}type", "simple")
    element.set(f"{{{XLINK}}}href", cid_uri(reference.content_id))
    if reference.schema_location is not None:
        schema = _eb(element, "Schema")
        schema.set(f"{{{EB}}}location", reference.schema_location)
        if reference.schema_version is not None:
            schema.set(f"{{{EB}}}version", reference.schema_version)


def _with_references(
    envelope: etree._Element, here: etree._Element, references: Sequence[SignedReference]
) -> etree._Element:
    # As text, not as nodes: lxml drops a declaration from an element it moves when the
    # namespace has another prefix above, and the XPath inside would lose its prefix.
    for reference in references:
        try:
            tag = parse_untrusted(reference.xml).tag
        except GatewayError:
            tag = ""
        if tag != f"{{{DS}}}Reference":
            raise ValueError("a reference without its ds:Reference element")
    copies = b"".join(reference.xml for reference in references)
    before, _, after = etree.tostring(envelope).partition(etree.tostring(here))
    return parse_untrusted(before + copies + after)
