"""The blocks beside eb:MessageHeader: AckRequested, Acknowledgment, ErrorList, Manifest.

Each reader adds codes of what it tolerated to ``findings`` (HITS 1171 §5.2.2-5.3).
"""

from typing import Final

from lxml import etree

from gateway.codecs.ebxml_header import her_in, instant_of, note_must_understand, require_version
from gateway.codecs.ebxml_references import content_id_of, read_reference
from gateway.codecs.ebxml_tree import (
    TO_PARTY_MSH,
    at_most_one,
    attribute,
    children,
    elements,
    optional_text,
    required_text,
    text_of,
)
from gateway.codecs.xml import DS, EB, SOAP, XLINK, local_name, namespace_of, path_of
from gateway.domain.envelope import (
    Acknowledgment,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
)
from gateway.domain.identifiers import MessageId
from gateway.errors import InconsistentEnvelope, MalformedMessage, MissingPart, UnsupportedFeature

_MAX_TEXT: Final = 2_000  # characters kept of a partner's own words
_TRUE: Final = ("true", "1")


def read_ack_requested(block: etree._Element | None, findings: list[str]) -> bool:
    """Whether a receipt is asked for; a payload message without it gets a Warning (§4.2.2.1).

    Raises:
        UnsupportedFeature: a receipt from another actor than the receiving party.
        InconsistentEnvelope: eb:version is not 2.0, or an unsigned receipt (rule 94).
    """
    if block is None:
        findings.append("ack-requested-absent")
        return False
    _check_block(block, findings)
    signed = attribute(block, "signed")
    if signed is None:
        findings.append("ack-signed-absent")
    elif signed.lower() not in _TRUE:
        raise InconsistentEnvelope("eb:AckRequested/@signed is not true", where=path_of(block))
    elif signed not in _TRUE:
        findings.append("ack-signed-case")  # as .NET writes a truth value
    return True


def read_acknowledgment(
    block: etree._Element, header: MessageHeader, findings: list[str]
) -> Acknowledgment:
    """Read eb:Acknowledgment; its own time is worth a finding only, its reference is everything.

    Raises:
        UnsupportedFeature: a receipt of the next hop, which proves nothing end to end.
        InconsistentEnvelope: eb:version is not 2.0, or it names two messages.
        MalformedMessage: it names no message, neither itself nor in MessageData.
    """
    _check_block(block, findings)
    if header.ref_to_message_id is not None:
        findings.append("acknowledgment-ref-in-message-data")
        if optional_text(block, "RefToMessageId") not in (None, header.ref_to_message_id):
            raise InconsistentEnvelope(
                "the acknowledgment names two messages", where=path_of(block)
            )
    ref = header.ref_to_message_id or MessageId(required_text(block, "RefToMessageId"))
    try:
        text = required_text(block, "Timestamp")
        timestamp = instant_of(block, "Timestamp", text, findings)
    except MalformedMessage:
        findings.append("acknowledgment-timestamp-unreadable")
        timestamp = header.timestamp
    references = [e for e in elements(block) if local_name(e) == "Reference"]
    if any(namespace_of(e) != DS for e in references):
        findings.append("reference-without-namespace")
    if not references:
        findings.append("acknowledgment-without-references")
    repeated = tuple(read_reference(e) for e in references if namespace_of(e) in (DS, ""))
    if not all(reference.digest for reference in repeated):
        findings.append("reference-without-digest")
    acker = at_most_one(block, "From")
    return Acknowledgment(
        ref_to_message_id=ref,
        timestamp=timestamp,
        references=repeated,
        sender_her=her_in(acker, findings) if acker is not None else None,
    )


def read_errors(
    block: etree._Element, header: MessageHeader, findings: list[str]
) -> tuple[ErrorEntry, ...]:
    """Read eb:ErrorList; an entry that says no severity has the highest one, else it is Error.

    That it names no message (rule 122) is a finding: real ones leave it to the conversation.

    Raises:
        InconsistentEnvelope: eb:version is not 2.0, or highestSeverity is Error
            and no entry is: neither reading is safe to act on.
        MalformedMessage: no entry.
    """
    require_version(block, findings)
    note_must_understand(block, findings)
    if header.ref_to_message_id is None:
        findings.append("error-without-ref")
    stated = (attribute(block, "highestSeverity") or "").lower()
    entries = tuple(_error(element, stated, findings) for element in children(block, EB, "Error"))
    if not entries:
        raise MalformedMessage("eb:ErrorList without eb:Error", where=path_of(block))
    worst = any(entry.severity is Severity.ERROR for entry in entries)
    if stated == "error" and not worst:
        raise InconsistentEnvelope("highestSeverity is Error, no entry is", where=path_of(block))
    if stated != ("error" if worst else "warning"):
        findings.append("highest-severity-differs")
    return entries


def read_manifest(block: etree._Element, findings: list[str]) -> tuple[ManifestReference, ...]:
    """Read eb:Manifest: the business document first, attachments after it.

    Raises:
        InconsistentEnvelope: eb:version is not 2.0, or one part referred to twice.
        MissingPart: a reference to something outside the mail (rules 23, 27).
        MalformedMessage: a reference without href, or with several eb:Schema.
    """
    require_version(block, findings)
    references = []
    for element in children(block, EB, "Reference"):
        href = attribute(element, "href", namespace=XLINK)
        if not href:
            raise MalformedMessage("eb:Reference without href", where=path_of(element))
        content_id = content_id_of(href)
        if content_id is None:
            raise MissingPart("eb:Reference is no cid: reference", where=path_of(element))
        references.append(_manifest_reference(element, content_id, findings))
    if not references:
        findings.append("manifest-empty")
    if len({reference.content_id for reference in references}) != len(references):
        raise InconsistentEnvelope("eb:Manifest names a part twice", where=path_of(block))
    return tuple(references)


def _manifest_reference(
    element: etree._Element, content_id: str, findings: list[str]
) -> ManifestReference:
    # Monitoring data of HITS 1210: never a ground to refuse.
    schemas = children(element, EB, "Schema")
    location = attribute(schemas[0], "location") if schemas else None
    version = attribute(schemas[0], "version") if schemas else None
    if not location:
        findings.append("schema-absent")
    elif not version:
        findings.append("schema-version-empty")
    return ManifestReference(
        content_id=content_id, schema_location=location or None, schema_version=version or None
    )


def _error(element: etree._Element, highest: str, findings: list[str]) -> ErrorEntry:
    code = attribute(element, "errorCode")
    if not code:
        findings.append("error-code-absent")
    severity = (attribute(element, "severity") or "").lower()
    if severity not in ("error", "warning"):
        findings.append("severity-unknown")
        severity = severity or highest
    descriptions = children(element, EB, "Description")
    text = text_of(descriptions[0]) if descriptions else ""
    return ErrorEntry(
        code=(code or "Unknown")[:_MAX_TEXT],
        severity=Severity.WARNING if severity == "warning" else Severity.ERROR,
        location=(attribute(element, "location") or "")[:_MAX_TEXT] or None,
        text=text[:_MAX_TEXT] or None,
    )


def _check_block(block: etree._Element, findings: list[str]) -> None:
    require_version(block, findings)
    note_must_understand(block, findings)
    actor = attribute(block, "actor", namespace=SOAP)
    if actor not in (None, "", TO_PARTY_MSH):  # absent means the To party (ebMS 2.0 §6.3.1.1)
        raise UnsupportedFeature(
            f"eb:{local_name(block)} for another actor than toPartyMSH", where=path_of(block)
        )
