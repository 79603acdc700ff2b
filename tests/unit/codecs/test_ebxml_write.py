"""Writing ebXML envelopes, and reading back what was written (HIS 1037, HITS 1172)."""

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
    format_instant,
    monitoring_description,
    parse_envelope,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.schema import SchemaSet
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    EbParty,
    Envelope,
    EnvelopeKind,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
)
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId
from tests.builders_ebxml import (
    ACKNOWLEDGMENT,
    AT,
    ERROR,
    HEADER,
    MANIFEST,
    REFERENCE,
    REFERENCE_XML,
    SIGNAL_HEADER,
    a_payload,
    an_acknowledgment,
    an_error,
    edited,
    words,
)


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
