"""What other systems write and the profile does not: read, with a finding."""

import re
from dataclasses import replace
from datetime import datetime

import pytest
from lxml import etree

from gateway.codecs.ebxml import (
    parse_envelope,
    parse_instant,
)
from gateway.codecs.xml import EB
from gateway.domain.envelope import (
    SIGNAL_SERVICE,
    Acknowledgment,
    EnvelopeKind,
    Severity,
)
from gateway.domain.identifiers import MessageId
from tests.builders_ebxml import (
    ACKNOWLEDGMENT,
    AT,
    REFERENCE,
    Edit,
    a_payload,
    an_acknowledgment,
    an_error,
    block,
    body,
    drop,
    swap,
)

DIGEST = "<ds:DigestValue>q83v</ds:DigestValue>"
REF = "</eb:Timestamp><eb:RefToMessageId>m-1</eb:RefToMessageId>"
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
        pytest.param(swap('signed="true"', 'signed="True"'), ("ack-signed-case",), id="True"),
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
            lambda t: drop("RefToMessageId")(t).replace("30Z</eb:Timestamp>", f"30Z{REF}", 1),
            ("acknowledgment-ref-in-message-data",),
            id="ref in MessageData alone",
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
        pytest.param(
            body('<eb:Manifest eb:version="2.0"/>'), ("manifest-in-signal",), id="empty Manifest"
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


@pytest.mark.parametrize("value", ["", "<ds:DigestValue/>", "<ds:DigestValue> </ds:DigestValue>"])
def test_reference_without_digest_in_an_acknowledgment_is_a_finding(value: str) -> None:
    envelope = parse_envelope(an_acknowledgment(swap(DIGEST, value)))

    assert envelope.acknowledgment == replace(
        ACKNOWLEDGMENT, references=(replace(REFERENCE, digest=""),)
    )
    assert envelope.findings == ("reference-without-digest",)


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
            lambda t: swap(' eb:severity="Error"', "")(t).replace('ty="Error"', 'ty="Warning"'),
            Severity.WARNING,
            ("severity-unknown",),
            id="no severity where the highest is Warning",
        ),
        pytest.param(
            swap(' eb:severity="Error"', ""),
            Severity.ERROR,
            ("severity-unknown",),
            id="no severity where the highest is Error",
        ),
        pytest.param(
            lambda t: re.sub(r' eb:(highestS|s)everity="Error"', "", t),
            Severity.ERROR,
            ("severity-unknown", "highest-severity-differs"),
            id="no severity at all",
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
        pytest.param(
            lambda t: re.sub(r" eb:(?=errorCode|severity|location|highestSeverity)", " ", t),
            Severity.ERROR,
            (),
            id="attributes without namespace",
        ),
        pytest.param(
            drop("RefToMessageId"), Severity.ERROR, ("error-without-ref",), id="about no message"
        ),
        pytest.param(
            body('<eb:Manifest eb:version="2.0"/>'),
            Severity.ERROR,
            ("manifest-in-signal",),
            id="empty Manifest",
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
        ("2026-03-01T24:00:00Z", AT.replace(hour=0, minute=0, second=0), True),
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
        "2026-03-02T24:00:01Z",
        "2026-03-02T08:15:30+14:30",
    ],
)
def test_instants_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_instant(text)
