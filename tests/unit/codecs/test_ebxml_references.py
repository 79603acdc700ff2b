"""References of an Acknowledgment: copied from the signature they acknowledge."""

from dataclasses import replace

import pytest
from lxml import etree

from gateway.codecs.ebxml import (
    cid_uri,
    content_id_of,
    parse_envelope,
    references_of,
    render_acknowledgment_envelope,
    render_payload_envelope,
)
from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Part, parse_mail, render_entity
from gateway.codecs.signing import sign_envelope
from gateway.codecs.verifying import signed_envelope
from gateway.codecs.xml import DS, EB, SOAP, parse_untrusted
from gateway.errors import (
    UntrustedSignature,
)
from tests.builders_ebxml import (
    ACKNOWLEDGMENT,
    HEADER,
    MANIFEST,
    SIGNAL_HEADER,
    a_payload,
    an_acknowledgment,
    block,
)
from tests.builders_keys import NOON, a_signing_pair


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
