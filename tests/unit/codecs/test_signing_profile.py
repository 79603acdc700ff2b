"""Which forms of signature pass, which pass with a finding, and which are refused.

Every envelope here has a correct signature value over its SignedInfo, so a
refusal is about the form.
"""

import re
from base64 import b64encode
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.signing_profile import EXCLUSIVE_FINDING, NO_XPATH_FINDING
from gateway.codecs.verifying import (
    check_references,
    inspect_signature,
    signature_facts,
    signed_envelope,
)
from gateway.codecs.xml import parse_untrusted
from gateway.errors import GatewayError, UntrustedSignature
from gateway.ports import KeyPair
from tests.builders_keys import NOON, a_signing_pair
from tests.builders_signatures import (
    ACTOR_XPATH,
    ATTACHMENTS,
    CANONICAL,
    ENVELOPED,
    EXCLUSIVE_C14N,
    NEXT_MSH,
    PART,
    RSA_SHA1,
    SHA1,
    TRANSFORMS,
    a_signed_envelope,
    an_envelope,
    signed_directly,
    xpath_transform,
)


def findings(envelope: bytes) -> tuple[str, ...]:
    """The findings on an envelope that verifies."""
    return signed_envelope(
        parse_untrusted(envelope),
        certificate=a_signing_pair().certificate,
        attachments=ATTACHMENTS,
        at=NOON,
    ).findings


def refusal(envelope: bytes) -> str:
    with pytest.raises(UntrustedSignature) as caught:
        findings(envelope)
    return caught.value.detail


@pytest.mark.parametrize("prefix", ["", "ds", "dsig"])
def test_signature_verifies_with_any_prefix_and_none(prefix: str) -> None:
    """lxml's C14N of an inner element adds false xmlns="" where there is no prefix."""
    assert findings(signed_directly(prefix=prefix)) == ()


@pytest.mark.parametrize("prefix", ["", "ds"])
def test_attributes_of_the_xml_namespace_are_inherited_into_signed_info(prefix: str) -> None:
    """C14N 1.0 §2.4: an apex element takes over xml:* of the ancestors that are left out."""
    envelope = an_envelope(root_attributes=' xml:lang="no" xml:space="preserve"')

    assert findings(signed_directly(envelope, prefix=prefix)) == ()


@pytest.mark.parametrize("prefix", ["", "ds"])
def test_exclusive_canonicalization_of_signed_info_passes_with_a_finding(prefix: str) -> None:
    signed = signed_directly(prefix=prefix, canonicalization=EXCLUSIVE_C14N)

    assert findings(signed) == (EXCLUSIVE_FINDING,)


def test_missing_xpath_transform_passes_with_a_finding() -> None:
    assert findings(signed_directly(transforms=(ENVELOPED, CANONICAL))) == (NO_XPATH_FINDING,)


def test_transforms_pass_in_any_order() -> None:
    assert findings(signed_directly(transforms=tuple(reversed(TRANSFORMS)))) == ()


@pytest.mark.parametrize(
    "text",
    [
        ACTOR_XPATH.replace("not(", "not ("),
        ACTOR_XPATH.replace("])", "] )").replace(" | ", "\n|\n"),
        ACTOR_XPATH.replace('"', "'"),
    ],
)
def test_xpath_may_differ_in_white_space_and_quotes(text: str) -> None:
    assert findings(signed_directly(transforms=(ENVELOPED, xpath_transform(text), CANONICAL))) == ()


def test_xpath_may_use_another_prefix() -> None:
    xpath = xpath_transform().replace("SOAP-ENV", "soapenv")

    assert findings(signed_directly(transforms=(ENVELOPED, xpath, CANONICAL))) == ()


def test_additional_key_value_of_the_same_key_passes() -> None:
    plain = signed_directly()
    certificate = re.search(rb"<X509Data>.*</X509Data>", plain)
    assert certificate is not None
    both = certificate[0].decode() + key_value(a_signing_pair("hospital"))

    assert findings(signed_directly(key_info=both)) == ()


def key_value(pair: KeyPair) -> str:
    numbers = pair.private_key.public_key().public_numbers()
    modulus = b64encode(numbers.n.to_bytes(256, "big")).decode()
    return (
        f"<KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus>"
        "<Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>"
    )


def test_key_value_of_another_key_is_refused() -> None:
    certificate = re.search(rb"<X509Data>.*</X509Data>", signed_directly())
    assert certificate is not None
    both = certificate[0].decode() + key_value(a_signing_pair("foreign"))

    assert refusal(signed_directly(key_info=both)) == "signature-structure"


@pytest.mark.parametrize("key", ["AAAA", "#!", b64encode(b"\x30\x00").decode()])
def test_bare_key_that_cannot_be_read_is_refused(key: str) -> None:
    """Another reader might make something of it."""
    certificate = re.search(rb"<X509Data>.*</X509Data>", signed_directly())
    assert certificate is not None
    bare = f'<k:DEREncodedKeyValue xmlns:k="{DSIG11}">{key}</k:DEREncodedKeyValue>'

    assert refusal(signed_directly(key_info=certificate[0].decode() + bare)) == (
        "signature-structure"
    )


def test_certificate_may_be_broken_over_lines() -> None:
    signed = signed_directly()
    broken = re.sub(rb"(<X509Certificate>.{64})", rb"\1\r\n\t", signed)

    assert findings(broken) == ()


def test_elements_for_the_next_hop_may_come_signed() -> None:
    block = f'<eb:Via SOAP:actor="{NEXT_MSH}"/><eb:AckRequested/>'

    assert findings(signed_directly(an_envelope(header_blocks=block))) == ()


def test_envelope_that_is_itself_for_the_next_hop_signs_nothing() -> None:
    envelope = an_envelope(root_attributes=f' SOAP:actor="{NEXT_MSH}"')

    assert refusal(signed_directly(envelope, dropped=None)) == "reference"


@pytest.mark.parametrize("uri", ["relative", "../up"])
def test_namespace_that_has_no_canonical_form_is_refused(uri: str) -> None:
    declared = f'<SOAP:Envelope xmlns:r="{uri}" '.encode()
    signed = signed_directly().replace(b"<SOAP:Envelope ", declared, 1)

    assert refusal(signed) == "canonical-form"
    assert inspect_signature(parse_untrusted(signed), ATTACHMENTS).reason == "canonical-form"


DSIG11 = "http://www.w3.org/2009/xmldsig11#"
BASE64 = '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>'
XSLT = '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>'
EXCLUSIVE = f'<Transform Algorithm="{EXCLUSIVE_C14N}"/>'
WITH_COMMENTS = CANONICAL.replace('"/>', '#WithComments"/>')


@pytest.mark.parametrize(
    "transforms",
    [
        pytest.param((), id="none"),
        pytest.param((CANONICAL,), id="not enveloped"),
        pytest.param((ENVELOPED,), id="no c14n"),
        pytest.param((*TRANSFORMS, CANONICAL), id="c14n twice"),
        pytest.param((*TRANSFORMS, xpath_transform()), id="xpath twice"),
        pytest.param((*TRANSFORMS, BASE64), id="base64"),
        pytest.param((*TRANSFORMS, XSLT), id="xslt"),
        pytest.param((ENVELOPED, xpath_transform(), EXCLUSIVE), id="exclusive"),
        pytest.param((ENVELOPED, xpath_transform(), WITH_COMMENTS), id="with comments"),
        pytest.param((ENVELOPED, xpath_transform("true()"), CANONICAL), id="other xpath"),
        pytest.param((ENVELOPED, xpath_transform(""), CANONICAL), id="empty xpath"),
        pytest.param(
            (ENVELOPED, xpath_transform(f"{ACTOR_XPATH} and not(self::Body)"), CANONICAL),
            id="xpath with an addition",
        ),
        pytest.param(
            (ENVELOPED, xpath_transform(namespace="urn:other"), CANONICAL), id="other namespace"
        ),
        pytest.param(
            (ENVELOPED, xpath_transform().replace(":nextMSH", ":next MSH"), CANONICAL),
            id="white space inside quotes",
        ),
        pytest.param((ENVELOPED, '<Transform Algorithm="urn:unknown"/>', CANONICAL), id="unknown"),
        pytest.param(
            (ENVELOPED, xpath_transform().replace("</XPath>", "<x/></XPath>"), CANONICAL),
            id="element inside the xpath",
        ),
        pytest.param(
            (ENVELOPED, xpath_transform().replace("XPath", "YPath"), CANONICAL),
            id="xpath under another name",
        ),
    ],
)
def test_other_transforms_are_refused(transforms: Sequence[str]) -> None:
    assert refusal(signed_directly(transforms=transforms)) == "transform"


@pytest.mark.parametrize("transform", [BASE64, CANONICAL, ENVELOPED])
def test_transforms_on_a_part_are_refused(transform: str) -> None:
    assert refusal(signed_directly(part_transforms=(transform,))) == "transform"


def test_sha_1_is_refused() -> None:
    assert refusal(signed_directly(digest_method=SHA1)) == "algorithm"
    assert refusal(signed_directly(signature_method=RSA_SHA1)) == "algorithm"


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "",
    ],
)
def test_other_signature_methods_are_refused(algorithm: str) -> None:
    assert refusal(signed_directly(signature_method=algorithm)) == "algorithm"


def test_other_canonicalization_is_refused() -> None:
    other = "http://www.w3.org/2006/12/xml-c14n11"
    assert refusal(signed_directly(canonicalization=other)) == "algorithm"


@pytest.mark.parametrize(
    "references",
    [
        pytest.param((f"cid:{PART}",), id="envelope not signed"),
        pytest.param(("", "", f"cid:{PART}"), id="envelope twice"),
        pytest.param(("", f"cid:{PART}", f"cid:{PART}"), id="part twice"),
        pytest.param(("", f"cid:{PART}", f"cid:%65{PART[1:]}"), id="part twice, encoded"),
        pytest.param(("", "cid:elsewhere"), id="part that is not there"),
        pytest.param(("", f"cid:{PART}", "#body"), id="element by id"),
        pytest.param(("", f"cid:{PART}", "file:///etc/hostname"), id="file"),
        pytest.param(("", f"cid:{PART}", "http://localhost/"), id="address"),
        pytest.param(("", *(f"cid:{n}" for n in range(200))), id="too many"),
        pytest.param((), id="none"),
    ],
)
def test_other_references_are_refused(references: Sequence[str]) -> None:
    assert refusal(signed_directly(references=references)) == "reference"


def test_reference_that_names_nothing_is_refused() -> None:
    signed = signed_directly()
    assert b' URI=""' in signed

    assert refusal(signed.replace(b' URI=""', b"", 1)) == "reference"


def test_part_without_reference_is_refused() -> None:
    assert refusal(signed_directly(references=("",))) == "attachment-uncovered"


@pytest.mark.parametrize(
    "key_info",
    [
        "<KeyName>hospital</KeyName>",
        "<X509Data><X509SubjectName>CN=x</X509SubjectName></X509Data>",
        "<X509Data><X509Certificate>AA==</X509Certificate>"
        "<X509Certificate>AA==</X509Certificate></X509Data>",
        "<X509Data><X509Certificate>AA==</X509Certificate></X509Data>"
        "<X509Data><X509Certificate>AA==</X509Certificate></X509Data>",
    ],
)
def test_key_info_without_exactly_one_certificate_is_refused(key_info: str) -> None:
    assert refusal(signed_directly(key_info=key_info)) == "key-info"


def test_certificate_that_is_no_base64_is_refused() -> None:
    key_info = "<X509Data><X509Certificate>#!</X509Certificate></X509Data>"

    assert refusal(signed_directly(key_info=key_info)) == "signature-structure"


def test_object_in_a_signature_is_refused() -> None:
    assert refusal(signed_directly(after="<Object/>")) == "signature-structure"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<SignatureMethod ", b"<!--c--><SignatureMethod "),
        (b"<SignatureMethod ", b"<?p?><SignatureMethod "),
        (b"<SignatureMethod ", b"<x/><SignatureMethod "),
        (b"<KeyInfo>", b"<KeyInfo/><KeyInfo>"),
        (b"<DigestValue>", b"<DigestValue>!"),
        (b"<SignatureValue>", b"<SignatureValue><!--c-->"),
        (b"<SignatureValue>", b"<SignatureValue>!"),
    ],
)
def test_odd_structure_is_refused(old: bytes, new: bytes) -> None:
    signed = signed_directly()
    assert old in signed

    assert refusal(signed.replace(old, new, 1)) in {"signature-structure", "signature-value"}


@pytest.mark.parametrize(
    "signature",
    [
        b"<Signature/>",
        b"<Signature><SignedInfo/></Signature>",
        b"<Signature><SignedInfo/><SignatureValue/><KeyInfo/></Signature>",
        b"<Signature><SignedInfo><CanonicalizationMethod/></SignedInfo>"
        b"<SignatureValue/><KeyInfo/></Signature>",
    ],
)
def test_stump_of_a_signature_is_refused(signature: bytes) -> None:
    spaced = signature.replace(
        b"<Signature", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"', 1
    )
    whole = etree.tostring(an_envelope()).replace(b"</SOAP:Header>", spaced + b"</SOAP:Header>")

    assert refusal(whole) == "signature-structure"


SIGNED = a_signed_envelope()


@settings(max_examples=60, deadline=None, print_blob=True)
@given(st.data())
def test_no_damage_raises_anything_but_our_own_errors(data: st.DataObject) -> None:
    damaged = bytearray(SIGNED)
    start = SIGNED.index(b"<ds:Signature ")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(start, len(damaged) - 1))
        piece = data.draw(st.sampled_from([b"", b"<", b"x", b"/>", b'"', b"<a/>", b"&#65;", b"="]))
        damaged[at : at + data.draw(st.integers(0, 30))] = piece
    try:
        root = parse_untrusted(bytes(damaged))
    except GatewayError:
        return
    signature_facts(root)
    inspect_signature(root, ATTACHMENTS)
    check_references(root, ATTACHMENTS)
    code = "verified"  # damage in a comment, or none at all
    try:
        findings(bytes(damaged))
    except UntrustedSignature as error:
        code = error.detail
    assert re.fullmatch(r"[a-z-]{3,25}", code), "a code, never content"
