"""Envelopes: what we write, what we read all the same, and what we refuse."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.ebxml import (
    cid_uri,
    content_id_of,
    format_instant,
    is_soap_fault,
    monitoring_description,
    parse_envelope,
    parse_instant,
    peek_header,
    references_of,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Part, parse_mail, render_entity
from gateway.codecs.schema import SchemaSet
from gateway.codecs.signing import sign_envelope
from gateway.codecs.verifying import signed_envelope
from gateway.codecs.xml import DS, EB, SOAP, parse_untrusted
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    Envelope,
    EnvelopeKind,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
    SignedReference,
)
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId
from gateway.errors import (
    GatewayError,
    InconsistentEnvelope,
    MalformedMessage,
    MissingPart,
    NotEbxml,
    UnsupportedFeature,
    UntrustedSignature,
)
from tests.builders_keys import NOON, a_signing_pair

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


# --- writing -------------------------------------------------------------------------------------


def test_payload_envelope_is_read_back_as_it_was_meant() -> None:
    assert parse_envelope(a_payload()) == Envelope(
        kind=EnvelopeKind.PAYLOAD, header=HEADER, ack_requested=True, manifest=MANIFEST
    )


def test_acknowledgment_is_read_back_as_it_was_meant() -> None:
    assert parse_envelope(an_acknowledgment()) == Envelope(
        kind=EnvelopeKind.ACKNOWLEDGMENT,
        header=replace(SIGNAL_HEADER, action=ACKNOWLEDGMENT_ACTION),
        acknowledgment=replace(ACKNOWLEDGMENT, references=(REFERENCE,)),
    )


def test_error_is_read_back_as_it_was_meant() -> None:
    assert parse_envelope(an_error()) == Envelope(
        kind=EnvelopeKind.ERROR,
        header=replace(SIGNAL_HEADER, action=ERROR_ACTION, ref_to_message_id=MessageId("m-1")),
        errors=(ERROR,),
    )


@pytest.mark.parametrize("make", [a_payload, an_acknowledgment, an_error])
def test_what_we_write_follows_our_schema(make: Callable[[], etree._Element]) -> None:
    SchemaSet.default().check_envelope(make())


def test_what_we_write_follows_the_official_schema(reference_dir: Path) -> None:
    schema = official_schema(reference_dir)

    for make in (a_payload, an_acknowledgment, an_error):
        schema.assertValid(make())


def official_schema(reference_dir: Path) -> etree.XMLSchema:
    folder = reference_dir / "xsd"
    catalog = etree.parse(folder / "catalog.xml")
    places = {e.get("systemId"): e.get("uri") for e in catalog.iter("{*}system")}

    class Local(etree.Resolver):
        def resolve(  # type: ignore[override]  # the stubs cannot name the result
            self, system_url: str | None, public_id: str | None, context: object
        ) -> object:
            if system_url in places:
                return self.resolve_filename(str(folder / str(places[system_url])), context)
            assert "://" not in (system_url or ""), "a test may not ask the network"
            return None

    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local())
    return etree.XMLSchema(etree.parse(folder / "driver-ebxml.xsd", parser))


@pytest.mark.parametrize("make", [a_payload, an_acknowledgment, an_error])
def test_nothing_stands_between_elements(make: Callable[[], etree._Element]) -> None:
    for element in make().iter():
        assert element.tail is None
        assert not (len(element) and element.text)


def test_prefixes_are_declared_on_the_root() -> None:
    text = etree.tostring(a_payload()).decode()

    assert text.startswith("<SOAP:Envelope xmlns:SOAP=")
    assert text.count("xmlns:") == 3
    assert "Signature" not in text


def test_signal_takes_service_and_action_from_the_profile_and_has_no_role() -> None:
    """HIS 1037 errata 2017 and 2019: also when the caller copied the original's header."""
    sent = replace(HEADER, ref_to_message_id=MessageId("m-0"), time_to_live=AT)
    acknowledgment = parse_envelope(
        edited(render_acknowledgment_envelope(sent, ACKNOWLEDGMENT), str)
    ).header
    warning = replace(ERROR, severity=Severity.WARNING)
    error = parse_envelope(edited(render_error_envelope(sent, [warning]), str))

    assert (acknowledgment.service, acknowledgment.action) == (
        SIGNAL_SERVICE,
        ACKNOWLEDGMENT_ACTION,
    )
    assert acknowledgment.ref_to_message_id is None
    assert (error.header.service, error.header.action) == (SIGNAL_SERVICE, ERROR_ACTION)
    for header in (acknowledgment, error.header):
        assert header.sender.role is None
        assert header.service_type is None
        assert header.time_to_live is None
        assert not header.duplicate_elimination
    assert error.is_warning
    assert not error.findings


def test_xpath_in_a_copied_reference_keeps_its_prefix() -> None:
    """lxml would drop the declaration: the namespace has another prefix above."""
    root = render_acknowledgment_envelope(SIGNAL_HEADER, ACKNOWLEDGMENT)

    assert REFERENCE_XML in etree.tostring(root)


def test_duplicate_elimination_and_signed_receipt_are_always_asked_for() -> None:
    envelope = parse_envelope(
        edited(render_payload_envelope(replace(HEADER, duplicate_elimination=False), MANIFEST), str)
    )

    assert envelope.header.duplicate_elimination
    assert envelope.ack_requested


def test_service_without_type_is_written_as_string() -> None:
    root = render_payload_envelope(replace(HEADER, service_type=None), ())

    assert parse_envelope(root).header.service_type == "string"


def test_instants_are_written_in_utc_without_fractions() -> None:
    oslo = timezone(timedelta(hours=1))

    assert format_instant(datetime(2026, 3, 2, 9, 15, 30, 999, tzinfo=oslo)) == (
        "2026-03-02T08:15:30Z"
    )
    with pytest.raises(ValueError, match="zone"):
        format_instant(AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(
            lambda: render_acknowledgment_envelope(
                SIGNAL_HEADER, replace(ACKNOWLEDGMENT, references=())
            ),
            id="acknowledgment without references",
        ),
        pytest.param(
            lambda: render_acknowledgment_envelope(
                SIGNAL_HEADER, replace(ACKNOWLEDGMENT, references=(REFERENCE,))
            ),
            id="reference without its element",
        ),
        pytest.param(
            lambda: render_acknowledgment_envelope(
                SIGNAL_HEADER,
                replace(ACKNOWLEDGMENT, references=(replace(REFERENCE, xml=b"<x/>"),)),
            ),
            id="reference that is something else",
        ),
        pytest.param(
            lambda: render_error_envelope(
                replace(SIGNAL_HEADER, ref_to_message_id=MessageId("m-1")), []
            ),
            id="error list without errors",
        ),
        pytest.param(
            lambda: render_error_envelope(SIGNAL_HEADER, [ERROR]), id="error about nothing"
        ),
        pytest.param(
            lambda: render_payload_envelope(replace(HEADER, timestamp=datetime(2026, 1, 1)), ()),  # noqa: DTZ001
            id="instant without zone",
        ),
        pytest.param(
            lambda: render_payload_envelope(replace(HEADER, action="a\x00b"), ()),
            id="text that XML cannot hold",
        ),
    ],
)
def test_envelope_that_would_be_wrong_is_not_written(
    refused: Callable[[], etree._Element],
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        refused()


def test_monitoring_description_is_one_line_of_json() -> None:
    text = monitoring_description(
        "MSH", "1", system="EPJ å", system_version="2", middleware="M", middleware_version="3"
    )

    assert "\n" not in text
    assert json.loads(text) == {
        "MSH-system": "MSH",
        "MSH-versjon": "1",
        "fagsystem": "EPJ å",
        "fagsystem-versjon": "2",
        "mellomvare": "M",
        "mellomvare-versjon": "3",
    }
    assert json.loads(monitoring_description("MSH", "1")) == {
        "MSH-system": "MSH",
        "MSH-versjon": "1",
    }


words = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_categories=("C", "Z")),
    min_size=1,
    max_size=40,
)
hers = st.integers(1, 10**9).map(lambda number: HerId(str(number)))
instants = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 (the strategy adds the zone)
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=0))
headers = st.builds(
    MessageHeader,
    sender=st.builds(EbParty, her=hers, role=words),
    receiver=st.builds(EbParty, her=hers, role=words),
    cpa_id=words.map(CpaId),
    conversation_id=words.map(ConversationId),
    service=words.filter(lambda text: text != SIGNAL_SERVICE),
    service_type=words,
    action=words,
    message_id=words.map(MessageId),
    timestamp=instants,
    ref_to_message_id=st.none() | words.map(MessageId),
    time_to_live=st.none() | instants,
    duplicate_elimination=st.just(True),
    description=st.dictionaries(words, words).map(json.dumps),
)
manifests = st.lists(
    st.builds(ManifestReference, content_id=words, schema_location=words, schema_version=words),
    min_size=1,
    max_size=4,
    unique_by=lambda reference: reference.content_id,
).map(tuple)
error_lists = st.lists(
    st.builds(
        ErrorEntry,
        code=words,
        severity=st.sampled_from(Severity),
        location=st.none() | words,
        text=st.none() | words,
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@given(header=headers, manifest=manifests)
@settings(max_examples=150, deadline=None, print_blob=True)
def test_any_payload_envelope_survives_the_round_trip(
    header: MessageHeader, manifest: tuple[ManifestReference, ...]
) -> None:
    envelope = parse_envelope(edited(render_payload_envelope(header, manifest), str))

    assert (envelope.header, envelope.manifest) == (header, manifest)


@given(header=headers, errors=error_lists, ref=words.map(MessageId))
@settings(max_examples=100, deadline=None, print_blob=True)
def test_any_error_envelope_survives_the_round_trip(
    header: MessageHeader, errors: tuple[ErrorEntry, ...], ref: MessageId
) -> None:
    root = render_error_envelope(replace(header, ref_to_message_id=ref), errors)
    envelope = parse_envelope(edited(root, str))

    assert envelope.errors == errors
    assert envelope.findings == ()
    assert envelope.header.ref_to_message_id == ref


# --- references ----------------------------------------------------------------------------------


def a_signed(signed_info: str, *, more: str = "") -> etree._Element:
    return a_payload(
        block(f'<Signature xmlns="{DS}"><SignedInfo>{signed_info}</SignedInfo>{more}</Signature>')
    )


def test_references_are_those_that_were_signed_here_and_nothing_else() -> None:
    inside = '<Reference URI=""><DigestValue> q8\n3v </DigestValue></Reference>'
    elsewhere = '<Object><Manifest><Reference URI="cid:x"/></Manifest></Object>'
    root = a_signed(inside + '<Reference URI=" cid:p1"/>', more=elsewhere)

    references = references_of(root)

    assert [(r.uri, r.digest) for r in references] == [("", "q83v"), ("cid:p1", "")]
    assert [etree.fromstring(r.xml).tag for r in references] == [f"{{{DS}}}Reference"] * 2
    assert references_of(an_acknowledgment()) == ()  # the copies are somebody else's


def test_reference_stands_alone_with_the_prefix_its_xpath_speaks_of() -> None:
    root = a_signed(
        '<Reference URI=""><Transforms><Transform><XPath>not(@SOAP:actor)</XPath>'
        "</Transform></Transforms></Reference>"
    )
    (reference,) = references_of(root)

    alone = etree.fromstring(reference.xml)
    assert alone.nsmap == {None: DS, "SOAP": SOAP}
    assert EB.encode() not in reference.xml


def test_second_signature_is_refused() -> None:
    with pytest.raises(UntrustedSignature):
        references_of(a_payload(block(f'<Signature xmlns="{DS}"/><Signature xmlns="{DS}"/>')))


@pytest.mark.parametrize(
    ("content_id", "uri"),
    [
        ("5e0c1b2a-3d4f", "cid:5e0c1b2a-3d4f"),
        ("a@b.no", "cid:a@b.no"),
        ("100%", "cid:100%25"),
        ("a b<æ>", "cid:a%20b%3C%C3%A6%3E"),
    ],
)
def test_cid_reference_escapes_what_a_url_cannot_hold(content_id: str, uri: str) -> None:
    assert cid_uri(content_id) == uri
    assert content_id_of(uri) == content_id


@pytest.mark.parametrize(
    ("uri", "content_id"),
    [
        (" CID:a%40b\n", "a@b"),
        ("cid:<a@b>", "a@b"),
        ("cid:", None),
        ("http://x.example/a", None),
        ("", None),
    ],
)
def test_cid_reference_is_read_leniently(uri: str, content_id: str | None) -> None:
    assert content_id_of(uri) == content_id


def test_signed_mail_and_its_signed_acknowledgment_pass_from_end_to_end() -> None:
    """Rendered, signed, mailed, read, verified; then the same for the answer, which copies."""
    ours, theirs = a_signing_pair("hospital"), a_signing_pair("municipality")
    sealed = bytes(range(256))
    soap = sign_envelope(
        render_payload_envelope(HEADER, MANIFEST),
        private_key=ours.private_key,
        certificate=ours.certificate,
        attachments={"p1": sealed},
    )
    part = Part("p1", PAYLOAD_CONTENT_TYPE, sealed)
    entity = render_entity(soap, soap_content_id="e1", parts=[part])

    mail = parse_mail(b"From: a@x.example\r\n" + entity)
    received = signed_envelope(
        parse_untrusted(mail.soap),
        certificate=ours.certificate,
        attachments={p.content_id: p.data for p in mail.parts},
        at=NOON,
    )
    envelope = parse_envelope(received.root)
    answer = sign_envelope(
        render_acknowledgment_envelope(
            replace(SIGNAL_HEADER, conversation_id=envelope.header.conversation_id),
            replace(ACKNOWLEDGMENT, references=references_of(parse_untrusted(mail.soap))),
        ),
        private_key=theirs.private_key,
        certificate=theirs.certificate,
        attachments={},
    )
    confirmed = parse_envelope(
        signed_envelope(
            parse_untrusted(answer), certificate=theirs.certificate, attachments={}, at=NOON
        ).root
    )

    assert (mail.soap, mail.parts) == (soap, (part,))
    assert envelope.header == HEADER
    assert [reference.content_id for reference in envelope.manifest] == ["p1"]
    assert confirmed.acknowledgment is not None
    assert [(r.uri, r.digest) for r in confirmed.acknowledgment.references] == [
        (r.uri, r.digest) for r in references_of(parse_untrusted(soap))
    ]
    assert b'xmlns:SOAP-ENV="' in answer.split(b"</eb:Acknowledgment>")[0]


# --- tolerated when reading ----------------------------------------------------------------------

STAMP = "<eb:Timestamp>2026-03-02T08:15:30Z</eb:Timestamp>"


@pytest.mark.parametrize(
    ("edit", "findings"),
    [
        pytest.param(
            lambda t: t.replace("eb:", "x:").replace("xmlns:eb", "xmlns:x"), (), id="prefix"
        ),
        pytest.param(
            swap('mustUnderstand="1"', 'mustUnderstand="true"'), ("must-understand-true",), id="mU"
        ),
        pytest.param(swap(' SOAP:mustUnderstand="1"', ""), ("must-understand-absent",), id="no mU"),
        pytest.param(swap(' eb:version="2.0"', ""), ("version-absent",), id="no version"),
        pytest.param(swap('eb:version="2.0"', 'version="2.0"'), (), id="unqualified attribute"),
        pytest.param(
            swap("<eb:PartyId ", '<eb:PartyId eb:type="ENH">974000000</eb:PartyId><eb:PartyId '),
            ("party-id-other",),
            id="organisation number too",
        ),
        pytest.param(swap('type="HER"', 'type=" her"'), ("party-id-type-case",), id="her"),
        pytest.param(
            swap("<eb:PartyId ", '<eb:PartyId eb:type="HER">910001</eb:PartyId><eb:PartyId '),
            ("her-id-repeated",),
            id="same HER-id twice",
        ),
        pytest.param(swap(">910001<", "> 910001\n<"), (), id="blanks around HER-id"),
        pytest.param(swap(">m-1<", "> m-1\n\t<"), (), id="blanks around MessageId"),
        pytest.param(swap(">m-1<", ">m<!-- x -->-1<"), (), id="comment does not cut a value"),
        pytest.param(swap("30Z<", "30<"), ("timestamp-without-zone",), id="no zone is UTC"),
        pytest.param(swap("08:15:30Z<", "09:15:30+01:00<"), (), id="offset"),
        pytest.param(swap("30Z<", "30.0000009Z<"), (), id="seven decimals"),
        pytest.param(drop("AckRequested"), ("ack-requested-absent",), id="no AckRequested"),
        pytest.param(swap(' eb:signed="true"', ""), ("ack-signed-absent",), id="signed absent"),
        pytest.param(swap('signed="true"', 'signed="1"'), (), id="signed 1"),
        pytest.param(
            drop("DuplicateElimination"), ("duplicate-elimination-absent",), id="no DuplicateEl."
        ),
        pytest.param(drop("Role"), ("role-absent",), id="no role"),
        pytest.param(drop("Manifest"), ("manifest-absent",), id="no Manifest"),
        pytest.param(drop("Reference"), ("manifest-empty",), id="empty Manifest"),
        pytest.param(drop("Schema"), ("schema-absent",), id="no Schema"),
        pytest.param(
            swap('eb:version="1.1"', 'eb:version=""'), ("schema-version-empty",), id="no version"
        ),
        pytest.param(drop("Description"), ("description-absent",), id="no Description"),
        pytest.param(
            swap('"1.0"}', '"1.0",}'), ("description-not-json",), id="comma too many in JSON"
        ),
        pytest.param(
            swap('{"MSH', "[" * 3_000 + '{"MSH'), ("description-not-json",), id="deep JSON"
        ),
        pytest.param(
            swap("Eksempel", "x" * 5_000), ("description-too-long",), id="long description"
        ),
        pytest.param(
            block('<eb:SyncReply SOAP:mustUnderstand="1"/>'), ("sync-reply",), id="SyncReply"
        ),
        pytest.param(
            block('<eb:MessageOrder SOAP:mustUnderstand="1"/>'), ("message-order",), id="order"
        ),
        pytest.param(block('<x xmlns="u:x"/>'), ("unknown-header-block",), id="optional block"),
        pytest.param(block("<!-- x -->"), (), id="comment"),
        pytest.param(body('<x xmlns="u:x"/>'), ("unknown-body-element",), id="body element"),
    ],
)
def test_deviation_of_a_payload_message_is_a_finding(edit: Edit, findings: tuple[str, ...]) -> None:
    envelope = parse_envelope(a_payload(edit))

    assert envelope.findings == findings
    assert envelope.kind is EnvelopeKind.PAYLOAD
    assert envelope.header.message_id == "m-1"
    assert envelope.header.sender.her == "910001"
    assert envelope.header.timestamp == AT
    assert envelope.ack_requested is ("ack-requested-absent" not in findings)


@pytest.mark.parametrize(
    ("edit", "findings"),
    [
        pytest.param(
            swap(
                "30Z</eb:Timestamp>", "30Z</eb:Timestamp><eb:RefToMessageId>m-1</eb:RefToMessageId>"
            ),
            ("acknowledgment-ref-in-message-data",),
            id="ref in MessageData",
        ),
        pytest.param(
            lambda t: t.replace("ds:", "").replace("xmlns:ds", "xmlns"), (), id="default namespace"
        ),
        pytest.param(
            lambda t: t.replace("<ds:", "<").replace("</ds:", "</"),
            ("reference-without-namespace",),
            id="no namespace",
        ),
        pytest.param(
            swap("</eb:To>", "<eb:Role>x</eb:Role></eb:To>"), (), id="role, as many mirror it"
        ),
        pytest.param(
            swap("</eb:MessageData>", "</eb:MessageData><eb:DuplicateElimination/>"),
            ("duplicate-elimination-in-signal",),
            id="DuplicateElimination",
        ),
        pytest.param(
            block('<eb:AckRequested eb:signed="true" eb:version="2.0"/>'),
            ("ack-requested-in-signal",),
            id="AckRequested",
        ),
        pytest.param(
            swap(SIGNAL_SERVICE, "S-DIALOG_NOTAT"),
            ("signal-service-or-action-other",),
            id="service",
        ),
        pytest.param(
            swap(
                f"{STAMP}<eb:RefToMessageId>", "<eb:Timestamp>x</eb:Timestamp><eb:RefToMessageId>"
            ),
            ("acknowledgment-timestamp-unreadable",),
            id="unreadable time",
        ),
    ],
)
def test_deviation_of_an_acknowledgment_is_a_finding(edit: Edit, findings: tuple[str, ...]) -> None:
    envelope = parse_envelope(an_acknowledgment(edit))

    assert envelope.findings == findings
    assert envelope.acknowledgment == replace(ACKNOWLEDGMENT, references=(REFERENCE,))
    assert not envelope.ack_requested


def test_acknowledgment_without_references_or_sender_is_read() -> None:
    def edit(text: str) -> str:
        root = etree.fromstring(text)
        acknowledgment = next(root.iter(f"{{{EB}}}Acknowledgment"))
        del acknowledgment[2:]
        return etree.tostring(root).decode()

    envelope = parse_envelope(an_acknowledgment(edit))

    assert envelope.acknowledgment == Acknowledgment(
        ref_to_message_id=MessageId("m-1"), timestamp=AT
    )
    assert envelope.findings == ("acknowledgment-without-references",)


@pytest.mark.parametrize(
    ("edit", "severity", "findings"),
    [
        pytest.param(
            swap('severity="Error"', 'severity="Fatal"'),
            Severity.ERROR,
            ("severity-unknown",),
            id="unknown severity counts as Error",
        ),
        pytest.param(
            swap('highestSeverity="Error"', 'highestSeverity="Warning"'),
            Severity.ERROR,
            ("highest-severity-differs",),
            id="an entry says more than the list",
        ),
        pytest.param(
            lambda t: t.replace('everity="Error"', 'everity="warning"'),
            Severity.WARNING,
            (),
            id="spelling",
        ),
        pytest.param(
            swap('eb:errorCode="SecurityFailure"', ""),
            Severity.ERROR,
            ("error-code-absent",),
            id="no code",
        ),
    ],
)
def test_deviation_of_an_error_is_a_finding(
    edit: Edit, severity: Severity, findings: tuple[str, ...]
) -> None:
    envelope = parse_envelope(an_error(edit))

    assert [entry.severity for entry in envelope.errors] == [severity]
    assert envelope.is_warning is (severity is Severity.WARNING)
    assert envelope.findings == findings


def test_long_words_of_a_partner_are_cut() -> None:
    (entry,) = parse_envelope(an_error(swap("Nei", "x" * 10_000))).errors

    assert entry.text is not None
    assert len(entry.text) == 2_000


@pytest.mark.parametrize(
    ("text", "expected", "has_zone"),
    [
        ("2026-03-02T08:15:30Z", AT, True),
        ("2026-03-02T08:15:30", AT, False),
        ("2026-03-02T08:15:30.5+00:00", AT.replace(microsecond=500_000), True),
        ("2026-03-02T08:15:30.2040971Z", AT.replace(microsecond=204_097), True),
        ("2026-03-01T20:15:30-12:00", AT, True),
    ],
)
def test_instants_are_read_as_utc(text: str, expected: datetime, has_zone: bool) -> None:
    assert parse_instant(text) == (expected, has_zone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-02",
        "2026-02-30T00:00:00Z",
        "2026-03-02T25:00:00Z",
        "2026-03-02T08:15:30+15:00",
        "2026-03-02T08:15:30+01:60",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-03-02T08:15:30z",
        "２０２６-03-02T08:15:30Z",
        "2026-03-02T08:15:30." + "1" * 21,
    ],
)
def test_instants_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_instant(text)


# --- refused when reading ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(parse_untrusted(b"<Envelope/>"), id="no SOAP"),
        pytest.param(a_payload(swap(SOAP, "http://www.w3.org/2003/05/soap-envelope")), id="1.2"),
        pytest.param(a_payload(swap("msg-header-2_0", "msg-header-3_0")), id="other ebXML"),
        pytest.param(a_payload(drop("MessageHeader")), id="no MessageHeader"),
        pytest.param(a_payload(twice("MessageHeader")), id="two MessageHeaders"),
        pytest.param(a_payload(twice("Header")), id="two Headers"),
        pytest.param(
            a_payload(
                lambda t: t.replace("<SOAP:Header>", "<SOAP:Header><x>").replace(
                    "</SOAP:Header>", "</x></SOAP:Header>"
                )
            ),
            id="wrapped MessageHeader",
        ),
        pytest.param(a_payload(drop("From")), id="no From"),
        pytest.param(a_payload(drop("To")), id="no To"),
        pytest.param(a_payload(twice("From")), id="two From"),
        pytest.param(a_payload(swap('"HER"', '"ENH"')), id="no HER-id"),
        pytest.param(a_payload(swap(' eb:type="HER"', "")), id="PartyId without type"),
        pytest.param(a_payload(swap(">910001<", ">91x<")), id="HER-id not a number"),
        pytest.param(a_payload(swap(">910001<", ">９１<")), id="HER-id in other digits"),
        pytest.param(a_payload(swap(">910001<", "><eb:x>910001</eb:x><")), id="HER-id nested"),
        pytest.param(
            a_payload(swap("<eb:PartyId ", '<eb:PartyId eb:type="HER">1</eb:PartyId><eb:PartyId ')),
            id="two HER-ids",
        ),
        pytest.param(a_payload(drop("MessageId")), id="no MessageId"),
        pytest.param(a_payload(swap(">m-1<", "> <")), id="empty MessageId"),
        pytest.param(a_payload(twice("MessageId")), id="two MessageIds"),
        pytest.param(a_payload(swap(">m-1<", f">{'m' * 256}<")), id="long MessageId"),
        pytest.param(a_payload(drop("MessageData")), id="no MessageData"),
        pytest.param(a_payload(twice("MessageData")), id="two MessageData"),
    ],
)
def test_envelope_that_nobody_can_be_told_about_is_not_ebxml(root: etree._Element) -> None:
    with pytest.raises(NotEbxml):
        parse_envelope(root)
    with pytest.raises(NotEbxml):
        peek_header(root)


@pytest.mark.parametrize(
    ("error", "root"),
    [
        pytest.param(
            UnsupportedFeature,
            a_payload(block('<x xmlns="u:x" SOAP:mustUnderstand="1"/>')),
            id="unknown block",
        ),
        pytest.param(
            UnsupportedFeature,
            a_payload(block('<eb:Via SOAP:mustUnderstand="true"/>')),
            id="unknown ebXML block",
        ),
        pytest.param(
            UnsupportedFeature, a_payload(swap("toPartyMSH", "nextMSH")), id="receipt of next hop"
        ),
        pytest.param(
            UnsupportedFeature,
            an_acknowledgment(swap("toPartyMSH", "nextMSH")),
            id="acknowledgment of next hop",
        ),
        pytest.param(
            UnsupportedFeature,
            a_payload(
                lambda t: t.replace("S-DIALOG_NOTAT", SIGNAL_SERVICE).replace(
                    ">DIALOG_NOTAT<", ">Ping<"
                )
            ),
            id="Ping",
        ),
        pytest.param(
            UnsupportedFeature, a_payload(body("<eb:StatusRequest/>")), id="status request"
        ),
        pytest.param(
            InconsistentEnvelope, a_payload(swap('version="2.0"', 'version="1.0"')), id="version"
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(swap('Manifest eb:version="2.0"', 'Manifest eb:version="3.0"')),
            id="version of Manifest",
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(swap('eb:signed="true"', 'eb:signed="false"')),
            id="unsigned receipt",
        ),
        pytest.param(InconsistentEnvelope, a_payload(twice("Body")), id="two Body"),
        pytest.param(InconsistentEnvelope, a_payload(twice("Manifest")), id="two Manifests"),
        pytest.param(InconsistentEnvelope, a_payload(twice("AckRequested")), id="two requests"),
        pytest.param(
            InconsistentEnvelope, an_acknowledgment(twice("Acknowledgment")), id="two receipts"
        ),
        pytest.param(InconsistentEnvelope, an_error(twice("ErrorList")), id="two error lists"),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(body('<eb:Manifest eb:version="2.0"/>')),
            id="acknowledgment with payload",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_error(body('<eb:Manifest eb:version="2.0"/>')),
            id="error with payload",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(block('<eb:ErrorList eb:version="2.0"/>')),
            id="acknowledgment with error",
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(
                lambda t: t.replace("S-DIALOG_NOTAT", SIGNAL_SERVICE).replace(
                    ">DIALOG_NOTAT<", ">Acknowledgment<"
                )
            ),
            id="payload that calls itself a signal",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(
                swap(
                    "30Z</eb:Timestamp>",
                    "30Z</eb:Timestamp><eb:RefToMessageId>m-2</eb:RefToMessageId>",
                )
            ),
            id="acknowledgment of two messages",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_error(swap('eb:severity="Error"', 'eb:severity="Warning"')),
            id="error list without the severity it states",
        ),
        pytest.param(InconsistentEnvelope, a_payload(twice("Reference")), id="part named twice"),
        pytest.param(
            MissingPart, a_payload(swap("cid:p1", "http://x.example/p1")), id="foreign reference"
        ),
        pytest.param(MissingPart, a_payload(swap("cid:p1", "cid:")), id="empty reference"),
        pytest.param(MalformedMessage, a_payload(swap('xlink:href="cid:p1"', "")), id="no href"),
        pytest.param(MalformedMessage, a_payload(drop("CPAId")), id="no CPAId"),
        pytest.param(MalformedMessage, a_payload(swap(">910001_920002<", "> <")), id="blank CPAId"),
        pytest.param(MalformedMessage, a_payload(twice("CPAId")), id="two CPAIds"),
        pytest.param(
            MalformedMessage, a_payload(swap(">c-1<", f">{'c' * 256}<")), id="long ConversationId"
        ),
        pytest.param(MalformedMessage, a_payload(drop("ConversationId")), id="no ConversationId"),
        pytest.param(MalformedMessage, a_payload(drop("Service")), id="no Service"),
        pytest.param(MalformedMessage, a_payload(drop("Action")), id="no Action"),
        pytest.param(MalformedMessage, a_payload(drop("Timestamp")), id="no Timestamp"),
        pytest.param(MalformedMessage, a_payload(swap("30Z<", "30x<")), id="bad Timestamp"),
        pytest.param(
            MalformedMessage,
            a_payload(
                swap("</eb:MessageData>", "<eb:TimeToLive>x</eb:TimeToLive></eb:MessageData>")
            ),
            id="bad TimeToLive",
        ),
        pytest.param(MalformedMessage, a_payload(twice("Role")), id="two roles"),
        pytest.param(
            MalformedMessage, a_payload(swap("NOTATsender", "x" * 256)), id="role too long"
        ),
        pytest.param(
            MalformedMessage,
            a_payload(lambda t: t.split("<SOAP:Body>")[0] + "</SOAP:Envelope>"),
            id="no Body",
        ),
        pytest.param(
            MalformedMessage, an_acknowledgment(drop("Acknowledgment")), id="signal without block"
        ),
        pytest.param(
            MalformedMessage, an_acknowledgment(drop("RefToMessageId")), id="receipt for nothing"
        ),
        pytest.param(MalformedMessage, an_error(drop("RefToMessageId")), id="error about nothing"),
        pytest.param(MalformedMessage, an_error(drop("Error")), id="no error"),
    ],
)
def test_envelope_against_the_profile_is_refused_and_its_sender_known(
    error: type[GatewayError], root: etree._Element
) -> None:
    with pytest.raises(error) as caught:
        parse_envelope(root)

    assert type(caught.value) is error
    assert caught.value.ebms_error is not None
    assert {peek_header(root).sender, peek_header(root).receiver} == {"910001", "920002"}


@pytest.mark.parametrize(
    ("make", "is_signal"),
    [
        (a_payload, False),
        (an_acknowledgment, True),
        (an_error, True),
        (lambda: an_acknowledgment(swap(SIGNAL_SERVICE, "S-X")), True),
        (lambda: a_payload(swap("S-DIALOG_NOTAT", SIGNAL_SERVICE)), True),
        (lambda: a_payload(block('<eb:Acknowledgment eb:version="2.0"/>')), False),
    ],
)
def test_peek_knows_what_is_never_answered(
    make: Callable[[], etree._Element], is_signal: bool
) -> None:
    assert peek_header(make()).is_signal is is_signal


def test_peek_reads_what_an_answer_needs_and_misses_nothing_else() -> None:
    header = peek_header(a_payload())
    bare = peek_header(
        a_payload(
            lambda t: drop("CPAId")(drop("ConversationId")(drop("Timestamp")(drop("Action")(t))))
        )
    )

    assert (header.message_id, header.cpa_id, header.conversation_id) == (
        "m-1",
        "910001_920002",
        "c-1",
    )
    assert (header.service, header.action, header.timestamp) == (
        "S-DIALOG_NOTAT",
        "DIALOG_NOTAT",
        AT,
    )
    assert (bare.cpa_id, bare.conversation_id, bare.action, bare.timestamp) == (None,) * 4
    assert bare.message_id == "m-1"


def test_soap_fault_is_recognised() -> None:
    fault = f'<S:Envelope xmlns:S="{SOAP}"><S:Body><S:Fault/></S:Body></S:Envelope>'

    assert is_soap_fault(parse_untrusted(fault.encode()))
    assert not is_soap_fault(a_payload())
    with pytest.raises(NotEbxml):
        parse_envelope(parse_untrusted(fault.encode()))


def test_error_text_holds_no_content() -> None:
    for edit in (swap(">910001<", ">hemmelig<"), swap("30Z<", "hemmelig<")):
        with pytest.raises(GatewayError) as caught:
            parse_envelope(a_payload(edit))
        assert "hemmelig" not in str(caught.value) + str(caught.value.where)


@given(
    data=st.data(),
    make=st.sampled_from([a_payload, an_acknowledgment, an_error]),
)
@settings(max_examples=200, deadline=None, print_blob=True)
def test_mutilated_envelope_is_read_or_refused_but_never_crashes(
    data: st.DataObject, make: Callable[[], etree._Element]
) -> None:
    root = make()
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter("*"))
        victim = elements[data.draw(st.integers(0, len(elements) - 1))]
        other = elements[data.draw(st.integers(0, len(elements) - 1))]
        match data.draw(st.sampled_from(["text", "remove", "copy", "attributes", "rename"])):
            case "text":
                victim.text = data.draw(words)
            case "remove" if victim is not root:
                parent = victim.getparent()
                assert parent is not None
                parent.remove(victim)
            case "copy":
                other.append(parse_untrusted(etree.tostring(victim)))
            case "attributes":
                for name in victim.attrib:
                    victim.set(name, data.draw(words))
            case "rename":
                victim.tag = other.tag
    try:
        peek_header(root)
        references_of(root)
        parse_envelope(root)
    except GatewayError as error:
        assert error.ebms_error is not None or isinstance(error, NotEbxml)  # noqa: PT017
