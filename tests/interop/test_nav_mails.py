"""Other people's ebXML: every captured mail and official example, and what we make of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from gateway.codecs.ebxml import (
    parse_envelope,
    peek_header,
    references_of,
    render_acknowledgment_envelope,
)
from gateway.codecs.mime import Mail, is_auto_reply, parse_bounce, parse_mail, part_named
from gateway.codecs.schema import SchemaSet
from gateway.codecs.xml import parse_untrusted
from gateway.domain.envelope import Acknowledgment, Envelope, EnvelopeKind, Severity
from gateway.errors import GatewayError, NotEbxml, NotWellFormed

PAYLOAD_TYPE = "application/pkcs7-mime; smime-type=enveloped-data"


def mail_of(reference_dir: Path, name: str) -> Mail:
    return parse_mail((reference_dir / "ebxml" / name).read_bytes())


def root_of(reference_dir: Path, name: str) -> etree._Element:
    if name.endswith(".eml"):
        return parse_untrusted(mail_of(reference_dir, name).soap)
    return parse_untrusted((reference_dir / "ebxml" / name).read_bytes())


def envelope_of(reference_dir: Path, name: str) -> Envelope:
    return parse_envelope(root_of(reference_dir, name))


# --- mails ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "soap_bytes", "soap_id", "parts", "findings"),
    [
        ("nav-smtp/acknowledgment.eml", 6592, "", (), ()),
        ("nav-smtp/acknowledgment_no_from.eml", 6592, "", (), ("from-absent",)),
        (
            "nav-smtp/egenandelforesporsel.eml",
            4941,
            "body",
            (("EgenandelForesporsel_1.xml", 2555),),
            ("message-id-without-brackets",),
        ),
        (
            "nav-smtp/inntektsforesporsel.eml",
            5659,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "charset-absent"),
        ),
        (
            "nav-smtp/inntektsforesporsel_invalid_from.eml",
            5659,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "charset-absent"),
        ),
        (
            "nav-smtp/inntektsforesporsel_invalid_cpaid.eml",
            5655,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "envelope-encoding-7bit", "charset-absent"),
        ),
        (
            "nav-smtp/ebxml_no_cpaid.eml",
            5621,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "envelope-encoding-7bit", "charset-absent"),
        ),
        (
            "nav-smtp/ebxml_no_service.eml",
            1634,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "envelope-encoding-7bit", "charset-absent"),
        ),
        ("nav-smtp/content_description.eml", 138, "ref0", (("ref1", 178),), ("charset-absent",)),
        (
            "nav-smtp/not_ebxml.eml",
            700,
            "ref0",
            (("ref1", 93),),
            ("start-absent", "charset-absent"),
        ),
        (
            "worked-example/01-payload-message.eml",
            5005,
            "5e0c1b2a-3d4f-4a6b-8c7d-9e0f1a2b3001",
            (("e2a9c6b0-7a1f-4c9e-9c3b-1f2e3d4c5001", 807),),
            (),
        ),
        (
            "worked-example/02-acknowledgment.eml",
            5570,
            "7a6b5c4d-0000-4000-8000-000000000002",
            (),
            (),
        ),
        (
            "worked-example/03-messageerror.eml",
            4636,
            "7a6b5c4d-0000-4000-8000-000000000003",
            (),
            (),
        ),
    ],
)
def test_mail_is_split_into_envelope_and_parts(
    reference_dir: Path,
    name: str,
    soap_bytes: int,
    soap_id: str,
    parts: tuple[tuple[str, int], ...],
    findings: tuple[str, ...],
) -> None:
    mail = mail_of(reference_dir, name)

    assert (len(mail.soap), mail.soap_content_id) == (soap_bytes, soap_id)
    assert tuple((part.content_id, len(part.data)) for part in mail.parts) == parts
    assert {part.content_type for part in mail.parts} <= {PAYLOAD_TYPE}
    assert mail.findings == findings


def test_every_captured_mail_is_covered_here(reference_dir: Path) -> None:
    names = {path.name for path in (reference_dir / "ebxml").glob("*/*.eml")}

    text = Path(__file__).read_text()
    assert names
    assert not {name for name in names if name not in text}


@pytest.mark.parametrize("folder", ["nav-smtp", "worked-example"])
def test_no_ebxml_mail_is_taken_for_a_bounce_or_an_automatic_reply(
    reference_dir: Path, folder: str
) -> None:
    for path in (reference_dir / "ebxml" / folder).glob("*.eml"):
        assert parse_bounce(path.read_bytes()) is None
        assert not is_auto_reply(path.read_bytes())


def test_mail_headers_of_three_senders(reference_dir: Path) -> None:
    biztalk = mail_of(reference_dir, "nav-smtp/egenandelforesporsel.eml")
    dips = mail_of(reference_dir, "nav-smtp/inntektsforesporsel.eml")
    indy = mail_of(reference_dir, "nav-smtp/content_description.eml")

    assert (biztalk.sender, biztalk.soap_action, biztalk.mailer) == (
        "hbe.stage@edi.nhn.no",
        "ebxml",
        "CommunicateSMTPClient",
    )
    assert biztalk.message_id == "f3d09378-4f14-4ab9-abea-bd415606283f"
    assert (dips.sender, dips.recipient) == ("no-reply@nav.no", "mottak-qass@test-es.nav.no")
    assert dips.message_id == "OO2R1I6MHSU4.L13WVN153AMT1@sender-7c6d6fb6c9-gnmwq"
    assert (indy.sender, indy.message_id) == ("test@test.test", "1152")


@pytest.mark.parametrize("name", ["01-payload-message", "02-acknowledgment", "03-messageerror"])
def test_envelope_comes_out_of_the_mail_byte_for_byte(reference_dir: Path, name: str) -> None:
    folder = reference_dir / "ebxml" / "worked-example"

    assert (
        mail_of(reference_dir, f"worked-example/{name}.eml").soap
        == (folder / f"{name}.soap.xml").read_bytes()
    )


# --- envelopes that are read ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "hers", "message_id", "timestamp", "findings"),
    [
        (
            "nav-smtp/acknowledgment.eml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("92239", "79768"),
            "faa9f042-cf34-40fa-bc53-610c0f6bbf26",
            datetime(2023, 11, 21, 14, 45, 47, 204097, UTC),
            ("description-absent", "must-understand-true", "acknowledgment-ref-in-message-data"),
        ),
        (
            "nav-smtp/acknowledgment_no_from.eml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("92239", "79768"),
            "faa9f042-cf34-40fa-bc53-610c0f6bbf26",
            datetime(2023, 11, 21, 14, 45, 47, 204097, UTC),
            ("description-absent", "must-understand-true", "acknowledgment-ref-in-message-data"),
        ),
        (
            "nav-smtp/egenandelforesporsel.eml",
            EnvelopeKind.PAYLOAD,
            ("43", "111949"),
            "f3d09378-4f14-4ab9-abea-bd415606283f",
            datetime(2023, 11, 30, 13, 15, 29, 0, UTC),
            ("timestamp-without-zone", "schema-version-empty"),
        ),
        (
            "worked-example/01-payload-message.eml",
            EnvelopeKind.PAYLOAD,
            ("910001", "920002"),
            "3d1c2c7a-8f55-4d0e-9d75-5b5a1c9e1001",
            datetime(2026, 3, 2, 8, 15, 30, 0, UTC),
            (),
        ),
        (
            "worked-example/02-acknowledgment.eml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("920002", "910001"),
            "c5b3c1f2-1a54-4f0c-8c0d-7f1f2c3d2002",
            datetime(2026, 3, 2, 8, 15, 44, 0, UTC),
            (),
        ),
        (
            "worked-example/03-messageerror.eml",
            EnvelopeKind.ERROR,
            ("920002", "910001"),
            "9e7d0b44-52c8-4b77-b1f5-6a3f4b5c3003",
            datetime(2026, 3, 2, 8, 15, 44, 0, UTC),
            (),
        ),
        (
            "nav-ebms/signaltest/acknowledgment.xml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("95879", "79768"),
            "7a631915-eb02-4b58-bd8c-4851d37c2590",
            datetime(2025, 1, 24, 10, 42, 58, 725072, UTC),
            ("party-id-other", "must-understand-true", "acknowledgment-ref-in-message-data"),
        ),
        (
            "nav-ebms/signaltest/messageerror.xml",
            EnvelopeKind.ERROR,
            ("79768", "987654321"),
            "20140607-214220-84523@dev.ebxml.nav.no",
            datetime(2014, 6, 7, 19, 42, 20, 0, UTC),
            ("sync-reply",),
        ),
        (
            "nav-ebms/signaltest/payloadmessage.xml",
            EnvelopeKind.PAYLOAD,
            ("123", "321"),
            "7104acf8-21e9-4ee7-b894-d413a00a8881",
            datetime(2023, 8, 29, 10, 56, 50, 306947, UTC),
            ("schema-absent", "duplicate-elimination-absent"),
        ),
        (
            "sarepta/Acknowledgment-Description.xml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("133735", "94866"),
            "2AAF1196-C3FE-472B-8A91-AD89EF7822DD",
            datetime(2018, 3, 7, 10, 7, 0, 789473, UTC),
            ("description-not-json", "reference-without-namespace"),
        ),
        (
            "sarepta/Acknowledgment.xml",
            EnvelopeKind.ACKNOWLEDGMENT,
            ("43213", "12345"),
            "2AAF1196-C3FE-472B-8A91-AD89EF7822DD",
            datetime(2006, 7, 11, 12, 45, 32, 0, UTC),
            ("party-id-other", "timestamp-without-zone", "description-absent"),
        ),
        (
            "sarepta/ebxml-eksempel.xml",
            EnvelopeKind.PAYLOAD,
            ("987654", "12345"),
            "955536cb-fb9a-49d9-848d-2baca7b116e1",
            datetime(2006, 7, 11, 12, 45, 32, 0, UTC),
            ("party-id-other", "timestamp-without-zone", "description-absent", "schema-absent"),
        ),
        (
            "sarepta/ebxml-header-Description-overvakning-SVAR_CYT.xml",
            EnvelopeKind.PAYLOAD,
            ("94866", "133735"),
            "d237e310-796f-4e56-a50b-353b0e5d5947",
            datetime(2018, 3, 7, 10, 6, 56, 875077, UTC),
            (),
        ),
        (
            "sarepta/overvakning/ebxml-header-Description-manifest2-overvakning-SVAR_CYT.xml",
            EnvelopeKind.PAYLOAD,
            ("94866", "133735"),
            "d237e310-796f-4e56-a50b-353b0e5d5947",
            datetime(2018, 3, 7, 10, 6, 56, 875077, UTC),
            ("schema-absent",),
        ),
        (
            "sarepta/overvakning/ebxml-header.d237e310-796f-4e56-a50b-353b0e5d5947.SVAR_CYT.xml",
            EnvelopeKind.PAYLOAD,
            ("94866", "133735"),
            "d237e310-796f-4e56-a50b-353b0e5d5947",
            datetime(2018, 3, 7, 10, 6, 56, 875077, UTC),
            ("description-absent", "must-understand-absent", "schema-absent"),
        ),
    ],
)
def test_envelope_is_read_with_its_deviations_named(
    reference_dir: Path,
    name: str,
    kind: EnvelopeKind,
    hers: tuple[str, str],
    message_id: str,
    timestamp: datetime,
    findings: tuple[str, ...],
) -> None:
    envelope = envelope_of(reference_dir, name)
    header = envelope.header

    assert envelope.kind is kind
    assert (header.sender.her, header.receiver.her) == hers
    assert header.message_id == message_id
    assert header.timestamp == timestamp
    assert envelope.findings == findings
    assert envelope.ack_requested is (kind is EnvelopeKind.PAYLOAD)
    assert peek_header(root_of(reference_dir, name)).is_signal is not envelope.ack_requested


def test_question_of_a_biztalk_sender_in_full(reference_dir: Path) -> None:
    name = "nav-smtp/egenandelforesporsel.eml"
    envelope = envelope_of(reference_dir, name)
    header, (reference,) = envelope.header, envelope.manifest

    assert (header.service, header.service_type, header.action) == (
        "HarBorgerFrikortMengde",
        "string",
        "EgenandelForesporsel",
    )
    assert (header.sender.role, header.receiver.role) == ("Behandler", "Frikortregister")
    assert header.cpa_id == "nav:qass:23555"
    assert header.conversation_id == "9ba9d791-b3e2-4f4e-8a90-fcf860c2b050"
    assert header.description == '{"MSH-system":"BizTalk","MSH-versjon":"2020"}'
    assert header.duplicate_elimination
    assert reference.schema_location == "http://www.kith.no/xmlstds/nav/egenandelmengde/2010-10-06"
    assert reference.schema_version is None
    part = part_named(mail_of(reference_dir, name).parts, reference.content_id)
    assert part is not None
    assert [r.uri for r in references_of(root_of(reference_dir, name))] == [
        "",
        "cid:EgenandelForesporsel_1.xml",
    ]


@pytest.mark.parametrize(
    ("name", "ref", "digests"),
    [
        (
            "nav-smtp/acknowledgment.eml",
            "20231121-154526-99398@qa.ebxml.nav.no",
            (("", "mvuvZiqld9ULe9dvYyKMi9r7wVMr3gn+OIcy+iw0COA="),),
        ),
        (
            "worked-example/02-acknowledgment.eml",
            "3d1c2c7a-8f55-4d0e-9d75-5b5a1c9e1001",
            (
                ("", "k6dBdIUkJenpsCxcpa4/iF8DzjqiJLDwS4w5j9sl+ag="),
                (
                    "cid:e2a9c6b0-7a1f-4c9e-9c3b-1f2e3d4c5001",
                    "4ACgG5SHr5uaLxRkCLIna4Z3LXoE00biqsHbOjccKi4=",
                ),
            ),
        ),
        (
            "sarepta/Acknowledgment-Description.xml",
            "d237e310-796f-4e56-a50b-353b0e5d5947",
            (
                ("", "WZVpfFbBlLdcFJJRIG9EYugx2vk="),
                ("cid:6ae2017d-2b1f-41cf-8c10-f306b5d996f7", "CvBpwjq9SFjwa5/LeA0VLdo98m0="),
            ),
        ),
    ],
)
def test_acknowledgment_names_its_message_and_what_of_it_arrived(
    reference_dir: Path, name: str, ref: str, digests: tuple[tuple[str, str], ...]
) -> None:
    acknowledgment = envelope_of(reference_dir, name).acknowledgment

    assert acknowledgment is not None
    assert acknowledgment.ref_to_message_id == ref
    assert tuple((r.uri, r.digest) for r in acknowledgment.references) == digests


def test_acknowledgment_of_the_worked_example_repeats_its_signature(reference_dir: Path) -> None:
    sent = references_of(root_of(reference_dir, "worked-example/01-payload-message.eml"))
    received = envelope_of(reference_dir, "worked-example/02-acknowledgment.eml").acknowledgment

    assert received is not None
    assert received.references == tuple(replace(reference, xml=b"") for reference in sent)


def test_errors_are_read_with_code_place_and_text(reference_dir: Path) -> None:
    (ours,) = envelope_of(reference_dir, "worked-example/03-messageerror.eml").errors
    (theirs,) = envelope_of(reference_dir, "nav-ebms/signaltest/messageerror.xml").errors

    assert (ours.code, ours.severity, ours.location, ours.text) == (
        "SecurityFailure",
        Severity.ERROR,
        "//SOAP:Header/ds:Signature",
        "Signaturen kunne ikke verifiseres",
    )
    assert (theirs.code, theirs.severity, theirs.location) == (
        "ValueNotRecognized",
        Severity.ERROR,
        "xpointer(//MessageHeader/CpaId)",
    )


@pytest.mark.parametrize(
    "name", ["nav-smtp/egenandelforesporsel.eml", "worked-example/01-payload-message.eml"]
)
def test_our_acknowledgment_of_their_message_repeats_their_references_unchanged(
    reference_dir: Path, name: str
) -> None:
    root = root_of(reference_dir, name)
    envelope, references = parse_envelope(root), references_of(root)
    acknowledgment = Acknowledgment(
        ref_to_message_id=envelope.header.message_id,
        timestamp=datetime(2026, 3, 2, tzinfo=UTC),
        references=references,
        sender_her=envelope.header.receiver.her,
    )

    answer = render_acknowledgment_envelope(envelope.header, acknowledgment)

    assert all(reference.xml in etree.tostring(answer) for reference in references)
    SchemaSet.default().check_envelope(answer)


# --- envelopes that are refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error"),
    [
        # Real, but addressed by organisation number and names: no HER-id, nobody to answer.
        ("nav-smtp/inntektsforesporsel.eml", NotEbxml),
        ("nav-smtp/inntektsforesporsel_invalid_cpaid.eml", NotEbxml),
        ("nav-smtp/inntektsforesporsel_invalid_from.eml", NotEbxml),
        ("nav-smtp/ebxml_no_cpaid.eml", NotEbxml),
        ("nav-smtp/ebxml_no_service.eml", NotEbxml),
        # Cut short, or broken on purpose.
        ("nav-smtp/content_description.eml", NotWellFormed),
        ("nav-smtp/not_ebxml.eml", NotWellFormed),
        ("sarepta/MeldingsVersjoner.xml", NotEbxml),
    ],
)
def test_envelope_is_refused(reference_dir: Path, name: str, error: type[GatewayError]) -> None:
    with pytest.raises(error) as caught:
        envelope_of(reference_dir, name)

    assert type(caught.value) is error


@pytest.mark.parametrize("name", ["MIME-header.txt", "MIME-header-X-token.txt"])
def test_header_whose_folding_was_lost_is_refused(reference_dir: Path, name: str) -> None:
    with pytest.raises(NotEbxml):
        mail_of(reference_dir, f"sarepta/overvakning/{name}")
