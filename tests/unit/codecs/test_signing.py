"""What we sign verifies; what was changed afterwards does not, and is told apart by its code."""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.codecs.signing import sign_envelope
from gateway.codecs.signing_profile import cid_uri, content_id_of
from gateway.codecs.verifying import (
    ReferenceCheck,
    SignedEnvelope,
    check_references,
    inspect_signature,
    signature_facts,
    signed_envelope,
)
from gateway.codecs.xml import DS, EB, SOAP, parse_untrusted
from gateway.errors import InternalFault, UntrustedSignature
from gateway.ports import KeyPair
from tests.builders_keys import NOON, SIGNING, a_certificate, a_private_key, a_signing_pair
from tests.builders_signatures import (
    ATTACHMENTS,
    CANONICAL,
    ENVELOPED,
    PART,
    RSA_SHA256,
    a_signed_envelope,
    an_envelope,
    signed_directly,
)


def verified(
    envelope: bytes | etree._Element,
    attachments: Mapping[str, bytes] = ATTACHMENTS,
    pair: KeyPair | None = None,
) -> SignedEnvelope:
    root = parse_untrusted(envelope) if isinstance(envelope, bytes) else envelope
    certificate = (pair or a_signing_pair()).certificate
    return signed_envelope(root, certificate=certificate, attachments=attachments, at=NOON)


def refusal(
    envelope: bytes | etree._Element,
    attachments: Mapping[str, bytes] = ATTACHMENTS,
    pair: KeyPair | None = None,
) -> str:
    with pytest.raises(UntrustedSignature) as caught:
        verified(envelope, attachments, pair)
    return caught.value.detail


def test_what_we_sign_verifies() -> None:
    result = verified(a_signed_envelope())

    assert result.root.tag == f"{{{SOAP}}}Envelope"
    assert result.root.findtext(f".//{{{EB}}}Description") == "blåbær & rødsaus"
    assert [reference.uri for reference in result.references] == ["", f"cid:{PART}"]
    assert result.findings == ()


def test_the_verified_tree_holds_no_signature() -> None:
    assert next(verified(a_signed_envelope()).root.iter(f"{{{DS}}}Signature"), None) is None


def test_signature_is_the_last_child_of_the_header() -> None:
    header = parse_untrusted(a_signed_envelope())[0]

    assert header[-1].tag == f"{{{DS}}}Signature"


def test_signed_envelope_has_an_xml_declaration_in_utf_8() -> None:
    assert a_signed_envelope().lower().startswith(b"<?xml version='1.0' encoding='utf-8'?>")


def test_signing_leaves_the_given_tree_as_it_is() -> None:
    root, pair = an_envelope(), a_signing_pair()
    before = etree.tostring(root)

    sign_envelope(
        root, private_key=pair.private_key, certificate=pair.certificate, attachments=ATTACHMENTS
    )

    assert etree.tostring(root) == before


def test_signal_without_attachments_has_one_reference() -> None:
    result = verified(a_signed_envelope({}), {})

    assert [reference.uri for reference in result.references] == [""]


def test_references_to_parts_carry_no_transforms() -> None:
    root = parse_untrusted(a_signed_envelope())
    references = list(root.iter(f"{{{DS}}}Reference"))

    assert [len(r.findall(f"{{{DS}}}Transforms")) for r in references] == [1, 0]


def test_signing_twice_is_refused() -> None:
    pair = a_signing_pair()
    with pytest.raises(InternalFault):
        sign_envelope(
            parse_untrusted(a_signed_envelope()),
            private_key=pair.private_key,
            certificate=pair.certificate,
            attachments={},
        )


def test_only_a_soap_envelope_can_be_signed() -> None:
    pair = a_signing_pair()
    with pytest.raises(InternalFault):
        sign_envelope(
            parse_untrusted(b"<a/>"),
            private_key=pair.private_key,
            certificate=pair.certificate,
            attachments={},
        )


@pytest.mark.parametrize(
    "content_id", ["ref1", "body", "id@host.example", "a b%c.xml", "blåbær<1>@x", "a&b"]
)
def test_any_content_id_finds_its_part(content_id: str) -> None:
    attachments = {content_id: b"sealed"}
    pair = a_signing_pair()

    signed = sign_envelope(
        an_envelope(()),
        private_key=pair.private_key,
        certificate=pair.certificate,
        attachments=attachments,
    )

    assert verified(signed, attachments).references[1].uri == cid_uri(content_id)
    assert content_id_of(cid_uri(content_id), attachments) == content_id


def test_at_sign_stays_readable_in_a_cid_uri() -> None:
    assert cid_uri("a@b.example") == "cid:a@b.example"


def test_encoded_and_plain_references_mean_the_same_part() -> None:
    assert content_id_of("cid:a%40b", {"a@b"}) == "a@b"
    assert content_id_of("cid:100%25", {"100%"}) == "100%"
    assert content_id_of("cid:a%40b", {"a%40b"}) == "a%40b"
    assert content_id_of("CID:a@b", {"a@b"}) == "a@b"
    assert content_id_of("cid:<a@b>", {"a@b"}) == "a@b"
    assert content_id_of("cid:A@b", {"a@b"}) is None


Tampering = Callable[[bytes], bytes]


def replacing(old: bytes, new: bytes) -> Tampering:
    def tamper(envelope: bytes) -> bytes:
        assert envelope.count(old) >= 1
        return envelope.replace(old, new, 1)

    return tamper


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        pytest.param(replacing(b"910001", b"910002"), "digest-envelope", id="sender"),
        pytest.param(replacing(b"DIALOG_F", b"DIALOG_G"), "digest-envelope", id="action"),
        pytest.param(replacing(b'href="cid:e', b'href="cid:f'), "digest-envelope", id="manifest"),
        pytest.param(
            replacing(b"<SOAP:Body>", b"<SOAP:Body><x/>"), "digest-envelope", id="body added to"
        ),
        pytest.param(
            replacing(b"<SOAP:Body>", b"<SOAP:Body> "), "digest-envelope", id="white space"
        ),
        pytest.param(
            replacing(b"</SOAP:Header>", b"t</SOAP:Header>"), "signature-structure", id="tail text"
        ),
        pytest.param(
            replacing(b"<SOAP:Envelope ", b'<SOAP:Envelope xmlns:q="urn:q" '),
            "signature-value",  # SignedInfo inherits the namespaces in its scope
            id="namespace added",
        ),
        pytest.param(
            lambda e: (
                re.sub(rb"(DigestValue>)(.)", rb"\1A", e, count=1)
                if b"DigestValue>A" not in e
                else re.sub(rb"(DigestValue>)(.)", rb"\1B", e, count=1)
            ),
            "signature-value",
            id="digest",
        ),
        pytest.param(
            lambda e: re.sub(rb"(SignatureValue>).{4}", rb"\1AAAA", e, count=1),
            "signature-value",
            id="signature value",
        ),
        pytest.param(
            lambda e: re.sub(rb"(SignatureValue>)[^<]*", rb"\1", e, count=1),
            "signature-structure",
            id="no signature value",
        ),
        pytest.param(
            replacing(b"xmlenc#sha256", b"xmldsig-more#md5"), "algorithm", id="digest weakened"
        ),
        pytest.param(
            replacing(b"<SOAP:Body>", b"<!--x--><SOAP:Body>"), None, id="comment, never signed"
        ),
    ],
)
def test_changed_envelope_is_refused(tamper: Tampering, reason: str | None) -> None:
    changed = tamper(a_signed_envelope())

    if reason is None:
        assert b"<!--" not in etree.tostring(verified(changed).root)
    else:
        assert refusal(changed) == reason


def test_changed_attachment_is_refused() -> None:
    assert refusal(a_signed_envelope(), {PART: b"0\x82sealed octetz"}) == "digest-attachment"


def test_swapped_attachments_are_refused() -> None:
    signed = a_signed_envelope({"a": b"one", "b": b"two"})

    assert refusal(signed, {"a": b"two", "b": b"one"}) == "digest-attachment"


def test_added_attachment_is_refused() -> None:
    assert refusal(a_signed_envelope(), {**ATTACHMENTS, "x": b""}) == "attachment-uncovered"


def test_missing_attachment_is_refused() -> None:
    assert refusal(a_signed_envelope(), {}) == "reference"


def test_renamed_attachment_is_refused() -> None:
    assert refusal(a_signed_envelope(), {"other": ATTACHMENTS[PART]}) == "reference"


def test_unsigned_envelope_is_refused() -> None:
    assert refusal(an_envelope()) == "no-signature"


def test_second_signature_is_refused_wherever_it_stands() -> None:
    for place in (f".//{{{SOAP}}}Header", f".//{{{SOAP}}}Body", f".//{{{EB}}}MessageHeader"):
        root = parse_untrusted(a_signed_envelope())
        target = root.find(place)
        assert target is not None
        etree.SubElement(target, f"{{{DS}}}Signature")
        assert refusal(root) == "several-signatures"


@pytest.mark.parametrize("place", [f".//{{{SOAP}}}Body", f".//{{{EB}}}MessageHeader", "."])
def test_moved_signature_is_refused(place: str) -> None:
    root = parse_untrusted(a_signed_envelope())
    target = root.find(place)
    assert target is not None
    target.append(root[0][-1])

    assert refusal(root) == "signature-misplaced"


def test_signed_envelope_wrapped_in_another_is_refused() -> None:
    signed = parse_untrusted(a_signed_envelope())
    outer = an_envelope()
    body = outer.find(f"{{{SOAP}}}Body")
    assert body is not None
    body.append(signed)

    assert refusal(outer) == "signature-misplaced"


def test_original_hidden_beside_a_forged_header_is_refused() -> None:
    """Wrapping: the signed content goes along somewhere, the signature to the forged header."""
    signed = etree.tostring(parse_untrusted(a_signed_envelope()))
    start = signed.index(b"<ds:Signature ")
    end = signed.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    original = signed[:start] + signed[end:]
    forged = signed.replace(b"910001", b"910002")

    wrapped = forged.replace(b"<SOAP:Body>", b"<SOAP:Body>" + original, 1)

    # SignedInfo is intact; but the reference "" always means the whole document.
    assert refusal(wrapped) == "digest-envelope"


def test_second_header_is_refused() -> None:
    root = parse_untrusted(a_signed_envelope())
    root.insert(0, root.makeelement(f"{{{SOAP}}}Header"))

    assert refusal(root) == "signature-misplaced"


def test_signature_of_somebody_else_is_refused() -> None:
    foreign = a_signing_pair("foreign")

    assert refusal(a_signed_envelope(pair=foreign)) == "certificate-mismatch"


def test_signature_by_another_key_under_the_right_certificate_is_refused() -> None:
    forged = KeyPair(a_private_key("foreign"), a_signing_pair().certificate)

    assert refusal(a_signed_envelope(pair=forged)) == "signature-value"


def test_new_certificate_for_the_same_key_is_another_certificate() -> None:
    pair = a_signing_pair()
    renewed = KeyPair(pair.private_key, a_certificate(pair.private_key))

    assert refusal(a_signed_envelope(), pair=renewed) == "certificate-mismatch"


@pytest.mark.parametrize("away", [timedelta(days=-31), timedelta(days=701)])
def test_certificate_outside_its_dates_is_refused(away: timedelta) -> None:
    with pytest.raises(UntrustedSignature, match="certificate-dates"):
        signed_envelope(
            parse_untrusted(a_signed_envelope()),
            certificate=a_signing_pair().certificate,
            attachments=ATTACHMENTS,
            at=NOON + away,
        )


def test_short_key_is_refused() -> None:
    key = a_private_key("short", 1024)
    pair = KeyPair(key, a_certificate(key, usage=SIGNING))

    assert refusal(a_signed_envelope(pair=pair), pair=pair) == "certificate-key"


def test_elements_for_the_next_hop_are_not_signed_and_not_returned() -> None:
    """The XPath transform drops them; so nobody may read them."""
    root = parse_untrusted(a_signed_envelope())
    header = root.find(f"{{{SOAP}}}Header")
    assert header is not None
    added = etree.Element(f"{{{EB}}}MessageHeader")
    added.set(f"{{{SOAP}}}actor", "urn:oasis:names:tc:ebxml-msg:actor:nextMSH")
    header.insert(0, added)

    result = verified(root)

    assert len(result.root.findall(f".//{{{EB}}}MessageHeader")) == 1


def test_element_for_the_next_hop_is_signed_when_there_is_no_xpath_transform() -> None:
    root = parse_untrusted(signed_directly(transforms=(ENVELOPED, CANONICAL)))
    added = etree.Element(f"{{{EB}}}Extra")
    added.set(f"{{{SOAP}}}actor", "http://schemas.xmlsoap.org/soap/actor/next")
    root[0].insert(0, added)

    assert refusal(root) == "digest-envelope"


def test_facts_are_read_without_verifying() -> None:
    facts = signature_facts(parse_untrusted(a_signed_envelope().replace(b"910001", b"910002")))

    assert facts is not None
    assert facts.algorithm == RSA_SHA256
    assert facts.certificate == a_signing_pair().certificate.public_bytes(Encoding.DER)
    assert len(facts.references) == 2


def test_unsigned_envelope_has_no_facts() -> None:
    assert signature_facts(an_envelope()) is None
    assert check_references(an_envelope(), {}) == ()


def test_copied_reference_keeps_its_digest_and_the_prefix_of_its_xpath() -> None:
    for reference in verified(a_signed_envelope()).references:
        element = parse_untrusted(reference.xml)
        assert element.tag == f"{{{DS}}}Reference"
        assert element.findtext(f"{{{DS}}}DigestValue") == reference.digest
        xpath = element.find(f".//{{{DS}}}XPath")
        assert xpath is None or xpath.nsmap["SOAP-ENV"] == SOAP
        assert b"msg-header" not in reference.xml


def test_acknowledgment_with_copied_references_is_signed_as_it_is() -> None:
    """The copies are ds:Reference outside the signature, and keep the prefix of their XPath."""
    copies = b"".join(reference.xml for reference in verified(a_signed_envelope()).references)
    block = f"<eb:Acknowledgment>{copies.decode()}</eb:Acknowledgment>"

    result = verified(a_signed_envelope({}, header_blocks=block), {})

    assert [reference.uri for reference in result.references] == [""]
    copied = result.root.findall(f".//{{{EB}}}Acknowledgment/{{{DS}}}Reference")
    assert [element.get("URI") for element in copied] == ["", f"cid:{PART}"]
    xpath = copied[0].find(f".//{{{DS}}}XPath")
    assert xpath is not None
    assert xpath.nsmap["SOAP-ENV"] == SOAP


def test_inspection_tells_a_changed_part_from_a_false_signature() -> None:
    root = parse_untrusted(a_signed_envelope())

    good = inspect_signature(root, ATTACHMENTS)
    changed = inspect_signature(root, {PART: b"other"})
    missing = inspect_signature(root, {})
    added = inspect_signature(root, {**ATTACHMENTS, "x": b""})

    assert (good.valid, good.reason) == (True, None)
    assert all(reference.valid for reference in good.references)
    assert changed.valid
    assert changed.references == (
        ReferenceCheck(uri="", valid=True),
        ReferenceCheck(uri=f"cid:{PART}", valid=False),
    )
    assert [reference.valid for reference in missing.references] == [True, False]
    assert (added.valid, added.reason) == (False, "attachment-uncovered")


def test_inspection_of_a_changed_envelope_blames_its_reference() -> None:
    report = inspect_signature(
        parse_untrusted(a_signed_envelope().replace(b"910001", b"910002")), ATTACHMENTS
    )

    assert report.valid
    assert [reference.valid for reference in report.references] == [False, True]


def test_inspection_of_a_false_signature_value_names_it() -> None:
    forged = KeyPair(a_private_key("foreign"), a_signing_pair().certificate)
    report = inspect_signature(parse_untrusted(a_signed_envelope(pair=forged)), ATTACHMENTS)

    assert (report.valid, report.reason) == (False, "signature-value")


def test_inspection_of_an_unreadable_certificate_names_the_key_info() -> None:
    signed = signed_directly(
        key_info="<X509Data><X509Certificate>AAAA</X509Certificate></X509Data>"
    )
    report = inspect_signature(parse_untrusted(signed), ATTACHMENTS)

    assert (report.valid, report.reason) == (False, "key-info")


def test_inspection_of_an_unsigned_envelope_says_so() -> None:
    report = inspect_signature(an_envelope(), ATTACHMENTS)

    assert (report.valid, report.reason, report.references) == (False, "no-signature", ())


def test_no_content_is_logged_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    """signxml writes canonicalised documents to the log at DEBUG; ours must not."""
    with caplog.at_level(logging.DEBUG):
        verified(a_signed_envelope())

    assert "blåbær" not in caplog.text
