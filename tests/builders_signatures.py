"""Envelopes and signatures for tests: ours, and any form a stranger might write.

``signed_directly`` signs with lxml and cryptography alone, so that a form
outside the profile still carries a correct signature value: a test that expects
a refusal then shows that the form was refused, not merely a broken signature.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.codecs.signing import sign_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.ports import KeyPair
from tests.builders_keys import a_signing_pair

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
NEXT_MSH = "urn:oasis:names:tc:ebxml-msg:actor:nextMSH"

ENVELOPED = '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
CANONICAL = f'<Transform Algorithm="{C14N}"/>'
ACTOR_XPATH = (
    'not(ancestor-or-self::node()[@SOAP-ENV:actor="urn:oasis:names:tc:ebxml-msg:actor:nextMSH"]'
    ' | ancestor-or-self::node()[@SOAP-ENV:actor="http://schemas.xmlsoap.org/soap/actor/next"])'
)


def xpath_transform(
    text: str = ACTOR_XPATH, namespace: str = "http://schemas.xmlsoap.org/soap/envelope/"
) -> str:
    """The XPath transform; with the profile's text and prefix unless told otherwise."""
    return (
        '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        f'<XPath xmlns:SOAP-ENV="{namespace}">{text}</XPath></Transform>'
    )


TRANSFORMS = (ENVELOPED, xpath_transform(), CANONICAL)

ENVELOPE = """\
<SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:eb="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd" \
xmlns:xlink="http://www.w3.org/1999/xlink"{root_attributes}>
 <SOAP:Header>
  <eb:MessageHeader SOAP:mustUnderstand="1" eb:version="2.0">
   <eb:From><eb:PartyId eb:type="HER">910001</eb:PartyId></eb:From>
   <eb:To><eb:PartyId eb:type="HER">920001</eb:PartyId></eb:To>
   <eb:Action>DIALOG_FORESPORSEL</eb:Action>
   <eb:Description xml:lang="no">blåbær &amp; rødsaus</eb:Description>
  </eb:MessageHeader>{header_blocks}
 </SOAP:Header>
 <SOAP:Body><eb:Manifest eb:version="2.0">{manifest}</eb:Manifest></SOAP:Body>
</SOAP:Envelope>"""

PART = "e2a9c6b0-7a1f-4c9e-9c3b-1f2e3d4c5001"
ATTACHMENTS: Mapping[str, bytes] = {PART: b"0\x82sealed octets"}


def an_envelope(
    names: Sequence[str] = (PART,), *, header_blocks: str = "", root_attributes: str = ""
) -> etree._Element:
    """An unsigned envelope whose Manifest names the parts ``names``."""
    manifest = "".join(
        f'<eb:Reference xlink:type="simple" xlink:href="cid:{name}"/>' for name in names
    )
    text = ENVELOPE.format(
        manifest=manifest, header_blocks=header_blocks, root_attributes=root_attributes
    )
    return parse_untrusted(text.encode())


def a_signed_envelope(
    attachments: Mapping[str, bytes] = ATTACHMENTS,
    *,
    pair: KeyPair | None = None,
    header_blocks: str = "",
) -> bytes:
    """An envelope that the gateway signed."""
    pair = pair or a_signing_pair()
    return sign_envelope(
        an_envelope(tuple(attachments), header_blocks=header_blocks),
        private_key=pair.private_key,
        certificate=pair.certificate,
        attachments=attachments,
    )


def signed_directly(
    envelope: etree._Element | None = None,
    attachments: Mapping[str, bytes] = ATTACHMENTS,
    *,
    pair: KeyPair | None = None,
    prefix: str = "",
    canonicalization: str = C14N,
    signature_method: str = RSA_SHA256,
    digest_method: str = SHA256,
    transforms: Sequence[str] = TRANSFORMS,
    part_transforms: Sequence[str] = (),
    references: Sequence[str] | None = None,
    key_info: str | None = None,
    after: str = "",
    dropped: str | None = NEXT_MSH,
) -> bytes:
    """Sign ``envelope`` by hand in any form.

    Args:
        envelope: unsigned; the usual one if None.
        prefix: of the signature's namespace, as ``ds``; the default namespace if empty.
        transforms: of the reference ``""``, as XML; only written down, not obeyed.
        references: URIs in order; those of the profile if None.
        key_info: content of KeyInfo; the signer's certificate if None.
        after: XML behind KeyInfo.
        dropped: elements with this SOAP actor are left out of the digest.
    """
    pair = pair or a_signing_pair()
    root = an_envelope(tuple(attachments)) if envelope is None else envelope
    root = parse_untrusted(etree.tostring(root))
    hasher = hashlib.sha1 if digest_method == SHA1 else hashlib.sha256
    if references is None:
        references = ["", *(f"cid:{name}" for name in attachments)]
    written = ""
    for uri in references:
        octets = attachments.get(uri.removeprefix("cid:"), b"")
        if uri == "":
            octets = _digested(root, dropped)
        listed = "".join(transforms if uri == "" else part_transforms)
        digest = base64.b64encode(hasher(octets).digest()).decode()
        written += (
            f'<Reference URI="{uri}">{f"<Transforms>{listed}</Transforms>" if listed else ""}'
            f'<DigestMethod Algorithm="{digest_method}"/><DigestValue>{digest}</DigestValue>'
            "</Reference>"
        )
    certificate = base64.b64encode(pair.certificate.public_bytes(Encoding.DER)).decode()
    if key_info is None:
        key_info = f"<X509Data><X509Certificate>{certificate}</X509Certificate></X509Data>"
    text = (
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{canonicalization}"/>'
        f'<SignatureMethod Algorithm="{signature_method}"/>{written}</SignedInfo>'
        f"<SignatureValue/><KeyInfo>{key_info}</KeyInfo>{after}</Signature>"
    )
    # As text: lxml drops declarations that look unused when it moves an element.
    whole = etree.tostring(root, encoding="unicode")
    whole = whole.replace("</SOAP:Header>", f"{_prefixed(text, prefix)}</SOAP:Header>", 1)
    root = parse_untrusted(whole.encode())
    signature = root[0][-1]
    algorithm = hashes.SHA1() if signature_method == RSA_SHA1 else hashes.SHA256()
    value = pair.private_key.sign(_canonical(signature[0]), padding.PKCS1v15(), algorithm)
    signature[1].text = base64.b64encode(value).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _prefixed(text: str, prefix: str) -> str:
    if not prefix:
        return text
    text = re.sub(r"<(/?)(?=[A-Z])", rf"<\1{prefix}:", text)
    return text.replace("xmlns=", f"xmlns:{prefix}=")


def _digested(root: etree._Element, dropped: str | None) -> bytes:
    copied = parse_untrusted(etree.tostring(root))
    actor = "{http://schemas.xmlsoap.org/soap/envelope/}actor"
    for element in [e for e in copied.iter("{*}*") if dropped and e.get(actor) == dropped]:
        parent = element.getparent()
        assert parent is not None
        assert not element.tail, "this builder drops no text"
        parent.remove(element)
    return etree.tostring(copied, method="c14n")


def _canonical(signed_info: etree._Element) -> bytes:
    alone = parse_untrusted(etree.tostring(signed_info, with_tail=False))
    root = signed_info.getroottree().getroot()
    exclusive = signed_info[0].get("Algorithm") == EXCLUSIVE_C14N
    if not exclusive:
        for name, value in root.attrib.items():
            if str(name).startswith("{http://www.w3.org/XML/1998/namespace}"):
                alone.set(name, value)
    return etree.tostring(alone, method="c14n", exclusive=exclusive)
