"""eb:MessageHeader: first whom to answer, then all it says (HIS 1037 §6.2.1, HITS 1171 §5.2.1)."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.codecs.ebxml_tree import (
    at_most_one,
    attribute,
    children,
    must_understand,
    optional_text,
    parse_instant,
    required_text,
    text_of,
)
from gateway.codecs.xml import EB, SOAP, path_of
from gateway.domain.envelope import SIGNAL_SERVICE, EbParty, MessageHeader
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId, fits
from gateway.errors import InconsistentEnvelope, MalformedMessage, NotEbxml

_HER: Final = re.compile(r"[0-9]{1,15}")
_MAX_DESCRIPTION: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderPeek:
    """Enough of a header to answer it with a MessageError, or to know that it never gets one.

    The optional values are as written, trimmed, None when absent or unreadable.
    Nothing here is verified.
    """

    sender: HerId
    receiver: HerId
    message_id: MessageId
    is_signal: bool  # Acknowledgment, MessageError, Ping …: never answered (HITS 1171 §8.1)
    cpa_id: CpaId | None = None
    conversation_id: ConversationId | None = None
    service: str | None = None
    action: str | None = None
    timestamp: datetime | None = None


def is_soap_fault(root: etree._Element) -> bool:
    """Whether the document is a SOAP 1.1 Fault, which some handlers send for unreadable mail."""
    return (
        root.tag == f"{{{SOAP}}}Envelope"
        and root.find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault") is not None
    )


def message_header_of(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """SOAP:Header and the one eb:MessageHeader directly under it.

    Raises:
        NotEbxml: no SOAP 1.1 envelope, or not exactly one of each: with two
            headers two readers could see two senders.
    """
    if root.tag != f"{{{SOAP}}}Envelope":
        raise NotEbxml("the document is not a SOAP 1.1 envelope")
    headers = children(root, SOAP, "Header")
    found = [block for header in headers for block in children(header, EB, "MessageHeader")]
    if len(headers) != 1 or len(found) != 1:
        raise NotEbxml("the envelope does not have one SOAP:Header with one eb:MessageHeader")
    return headers[0], found[0]


def peek_header(root: etree._Element) -> HeaderPeek:
    """Read whom to answer, tolerating everything else.

    Raises:
        NotEbxml: no ebXML, or From, To (one HER-id each) or MessageId cannot be
            found; nobody can be answered then.
    """
    soap_header, block = message_header_of(root)
    sender, receiver, message_id = _correspondents(block, [])
    service = _lenient(block, "Service")
    # With a Manifest it is a payload message that wrongly bundles a signal: its sender is told.
    has_signal = any(children(soap_header, EB, kind) for kind in ("Acknowledgment", "ErrorList"))
    has_manifest = root.find(f"{{{SOAP}}}Body/{{{EB}}}Manifest") is not None
    text = _lenient(block, "MessageData", "Timestamp")
    cpa_id, conversation_id = _lenient(block, "CPAId"), _lenient(block, "ConversationId")
    return HeaderPeek(
        sender=sender,
        receiver=receiver,
        message_id=message_id,
        is_signal=service == SIGNAL_SERVICE or (has_signal and not has_manifest),
        cpa_id=CpaId(cpa_id) if cpa_id else None,
        conversation_id=ConversationId(conversation_id) if conversation_id else None,
        service=service,
        action=_lenient(block, "Action"),
        timestamp=_lenient_instant(text),
    )


def parse_message_header(block: etree._Element, findings: list[str]) -> MessageHeader:
    """Read eb:MessageHeader, adding codes of what was tolerated to ``findings``.

    Raises:
        NotEbxml: as ``peek_header``.
        InconsistentEnvelope: eb:version is not 2.0.
        MalformedMessage: another required element is absent, repeated or unreadable.
    """
    sender, receiver, message_id = _correspondents(block, findings)
    require_version(block, findings)
    note_must_understand(block, findings)
    data = children(block, EB, "MessageData")[0]  # there is one: the MessageId was in it
    ref = optional_text(data, "RefToMessageId")
    return MessageHeader(
        sender=EbParty(her=sender, role=_role(block, "From")),
        receiver=EbParty(her=receiver, role=_role(block, "To")),
        cpa_id=CpaId(required_text(block, "CPAId")),
        conversation_id=ConversationId(required_text(block, "ConversationId")),
        service=required_text(block, "Service"),
        service_type=attribute(children(block, EB, "Service")[0], "type") or None,
        action=required_text(block, "Action"),
        message_id=message_id,
        timestamp=instant_of(data, "Timestamp", required_text(data, "Timestamp"), findings),
        ref_to_message_id=MessageId(ref) if ref else None,
        time_to_live=_time_to_live(data, findings),
        duplicate_elimination=at_most_one(block, "DuplicateElimination") is not None,
        description=_description(block, findings),
    )


def instant_of(parent: etree._Element, name: str, text: str, findings: list[str]) -> datetime:
    """The instant ``text`` of the ebMS child ``name``; MalformedMessage when it is none."""
    try:
        at, has_zone = parse_instant(text)
    except ValueError:
        where = f"{path_of(parent)}/{name}"
        raise MalformedMessage(f"eb:{name} is not a dateTime", where=where) from None
    if not has_zone:
        findings.append("timestamp-without-zone")
    return at


def require_version(block: etree._Element, findings: list[str]) -> None:
    """Demand eb:version 2.0 where it is given; a missing one is a finding (rules 5, 8, 70)."""
    version = attribute(block, "version")
    if version is None:
        findings.append("version-absent")
    elif version != "2.0":
        raise InconsistentEnvelope("eb:version is not 2.0", where=path_of(block))


def note_must_understand(block: etree._Element, findings: list[str]) -> None:
    """The profile text allows ``true``, which the SOAP schema does not (HIS 1037 §6.2.1)."""
    value = must_understand(block)
    if value != "1":
        findings.append("must-understand-true" if value == "true" else "must-understand-absent")


def her_in(party: etree._Element, findings: list[str]) -> HerId | None:
    """The HER-id among the PartyIds of eb:From or eb:To; None unless there is exactly one.

    Other kinds (ENH, orgnummer, DN, …) name the same party and are passed over.
    """
    hers = []
    for party_id in children(party, EB, "PartyId"):
        kind = attribute(party_id, "type") or ""
        if kind.upper() == "HER":
            hers.append(text_of(party_id))
            if kind != "HER":
                findings.append("party-id-type-case")
        else:
            findings.append("party-id-other")
    if len(hers) > 1:
        findings.append("her-id-repeated")
    if len(set(hers)) != 1 or _HER.fullmatch(hers[0]) is None:
        return None
    return HerId(hers[0])


def _correspondents(block: etree._Element, findings: list[str]) -> tuple[HerId, HerId, MessageId]:
    """From, To and MessageId: without them nobody can be answered."""
    sender, receiver = _her_of(block, "From", findings), _her_of(block, "To", findings)
    message_id = _lenient(block, "MessageData", "MessageId")
    if message_id is None:
        raise NotEbxml("eb:MessageId is absent or too long")
    return sender, receiver, MessageId(message_id)


def _her_of(block: etree._Element, name: str, findings: list[str]) -> HerId:
    parties = children(block, EB, name)
    her = her_in(parties[0], findings) if len(parties) == 1 else None
    if her is None:
        raise NotEbxml(f"eb:{name} does not name one party by HER-id")
    return her


def _role(block: etree._Element, name: str) -> str | None:
    return optional_text(children(block, EB, name)[0], "Role")


def _time_to_live(data: etree._Element, findings: list[str]) -> datetime | None:
    text = optional_text(data, "TimeToLive")
    return instant_of(data, "TimeToLive", text, findings) if text else None


def _description(block: etree._Element, findings: list[str]) -> str | None:
    """The monitoring JSON; whatever is wrong with it, the message is not refused (HITS 1210 §6)."""
    texts = [text_of(element) for element in children(block, EB, "Description")]
    text = next((text for text in texts if text), None)
    if text is None:
        findings.append("description-absent")
        return None
    if len(text) > _MAX_DESCRIPTION:
        findings.append("description-too-long")
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        findings.append("description-not-json")
    return text


def _lenient(parent: etree._Element, *path: str) -> str | None:
    """Text at a path of ebMS children; None unless each step exists once and it is not too long."""
    for name in path:
        found = children(parent, EB, name)
        if len(found) != 1:
            return None
        parent = found[0]
    text = text_of(parent)
    return text if text and fits(text) else None


def _lenient_instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text or "")[0]
    except ValueError:
        return None
