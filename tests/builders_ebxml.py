"""ebXML headers to read and write in tests, and ways to spoil them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.ebxml import (
    monitoring_description,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.xml import DS, EB, SOAP, parse_untrusted
from gateway.domain.envelope import (
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    SignedReference,
)
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId

AT = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
REFERENCE_XML = (
    f'<ds:Reference xmlns:ds="{DS}" URI=""><ds:Transforms>'
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    f'<ds:XPath xmlns:SOAP-ENV="{SOAP}">not(@SOAP-ENV:actor)</ds:XPath></ds:Transform>'
    '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<ds:DigestValue>q83v</ds:DigestValue></ds:Reference>"
).encode()
REFERENCE = SignedReference(
    uri="", digest_method="http://www.w3.org/2001/04/xmlenc#sha256", digest="q83v"
)
HEADER = MessageHeader(
    sender=EbParty(her=HerId("910001"), role="DIALOG_NOTATsender"),
    receiver=EbParty(her=HerId("920002"), role="DIALOG_NOTATreceiver"),
    cpa_id=CpaId("910001_920002"),
    conversation_id=ConversationId("c-1"),
    service="S-DIALOG_NOTAT",
    service_type="string",
    action="DIALOG_NOTAT",
    message_id=MessageId("m-1"),
    timestamp=AT,
    duplicate_elimination=True,
    description=monitoring_description("Eksempel MSH", "1.0"),
)
SIGNAL_HEADER = replace(
    HEADER,
    sender=EbParty(her=HerId("920002")),
    receiver=EbParty(her=HerId("910001")),
    service=SIGNAL_SERVICE,
    service_type=None,
    message_id=MessageId("s-1"),
    duplicate_elimination=False,
)
MANIFEST = (
    ManifestReference(
        content_id="p1",
        schema_location="http://www.kith.no/xmlstds/dialog/2013-01-23",
        schema_version="1.1",
    ),
)
ERROR = ErrorEntry(code="SecurityFailure", location="//SOAP:Header/ds:Signature", text="Nei")
ACKNOWLEDGMENT = Acknowledgment(
    ref_to_message_id=MessageId("m-1"),
    timestamp=AT,
    references=(replace(REFERENCE, xml=REFERENCE_XML),),
    sender_her=HerId("920002"),
)

Edit = Callable[[str], str]


def a_payload(edit: Edit = str) -> etree._Element:
    return edited(render_payload_envelope(HEADER, MANIFEST), edit)


def an_acknowledgment(edit: Edit = str) -> etree._Element:
    return edited(render_acknowledgment_envelope(SIGNAL_HEADER, ACKNOWLEDGMENT), edit)


def an_error(edit: Edit = str) -> etree._Element:
    header = replace(SIGNAL_HEADER, ref_to_message_id=MessageId("m-1"))
    return edited(render_error_envelope(header, [ERROR]), edit)


def edited(root: etree._Element, edit: Edit) -> etree._Element:
    """Through bytes, as it would travel; an edit that changes nothing is a fault of the test."""
    text = etree.tostring(root).decode()
    changed = edit(text)
    assert edit is str or changed != text
    return parse_untrusted(changed.encode())


def swap(old: str, new: str, count: int = 1) -> Edit:
    return lambda text: text.replace(old, new, count)


def drop(name: str) -> Edit:
    """Without the first eb: element ``name``."""

    def edit(text: str) -> str:
        root = etree.fromstring(text)
        element = next(root.iter(f"{{{EB}}}{name}"))
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
        return etree.tostring(root).decode()

    return edit


def twice(name: str) -> Edit:
    """With the first element ``name`` (eb: or SOAP:) repeated."""

    def edit(text: str) -> str:
        root = etree.fromstring(text)
        element = next(root.iter(f"{{{EB}}}{name}", f"{{{SOAP}}}{name}"))
        element.addnext(parse_untrusted(etree.tostring(element)))
        return etree.tostring(root).decode()

    return edit


def block(xml: str) -> Edit:
    """With one more block in SOAP:Header."""
    return swap("</SOAP:Header>", f"{xml}</SOAP:Header>")


def body(xml: str) -> Edit:
    """With this in SOAP:Body, beside what is there."""
    return lambda text: text.replace("<SOAP:Body/>", "<SOAP:Body></SOAP:Body>").replace(
        "</SOAP:Body>", f"{xml}</SOAP:Body>"
    )


words = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_categories=("C", "Z")),
    min_size=1,
    max_size=40,
)
