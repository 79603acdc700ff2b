"""Sign an ebXML envelope in the national profile (HIS 1037 §5.5, §6.2.3).

Written on lxml and cryptography alone: signing is what every message costs
twice, and signxml has no place for the XPath transform and for references to
MIME parts except in its private methods. The tests sign with signxml, too, and
want the same octets.
"""

import base64
import copy
import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.codecs.canonical import canonical_envelope, canonical_signed_info
from gateway.codecs.signing_profile import (
    C14N,
    ENVELOPED,
    RSA_SHA256,
    SHA256,
    XPATH,
    XPATH_PREFIX,
    XPATH_TEXT,
    cid_uri,
)
from gateway.codecs.xml import DS, SOAP
from gateway.errors import InternalFault

_ALGORITHM: Final = "Algorithm"


def sign_envelope(
    root: etree._Element,
    *,
    private_key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
) -> bytes:
    """Sign an envelope and serialise it; these bytes are what is stored and sent.

    As :func:`add_signature`, but ``root`` is left as it is.

    Returns:
        The envelope with its ds:Signature, in UTF-8 with an XML declaration.
        Serialising it again would break the signature.
    """
    envelope = copy.deepcopy(root)
    add_signature(
        envelope, private_key=private_key, certificate=certificate, attachments=attachments
    )
    return serialised(envelope)


def add_signature(
    envelope: etree._Element,
    *,
    private_key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
) -> None:
    """Put a ds:Signature into ``envelope``, as last child of its SOAP:Header.

    Args:
        envelope: SOAP:Envelope without signature; not to be changed afterwards.
        private_key: belongs to ``certificate``; not checked here.
        certificate: goes into KeyInfo, alone.
        attachments: the payload parts as they travel, before base64, by
            Content-ID without angle brackets; each gets one reference.

    Raises:
        InternalFault: ``envelope`` is no unsigned SOAP envelope.
    """
    header = envelope.find(f"{{{SOAP}}}Header")
    if envelope.tag != f"{{{SOAP}}}Envelope" or header is None:
        raise InternalFault("only a SOAP envelope with a header can be signed")
    if next(envelope.iter(f"{{{DS}}}Signature"), None) is not None:
        raise InternalFault("the envelope is signed already")
    octets = canonical_envelope(envelope, xpath=True)
    signature = etree.SubElement(header, f"{{{DS}}}Signature", nsmap={"ds": DS})
    signed_info = _ds(signature, "SignedInfo")
    _ds(signed_info, "CanonicalizationMethod").set(_ALGORITHM, C14N)
    _ds(signed_info, "SignatureMethod").set(_ALGORITHM, RSA_SHA256)
    _add_transforms(_add_reference(signed_info, "", octets))
    for content_id, content in attachments.items():
        _add_reference(signed_info, cid_uri(content_id), content)
    # In its place: C14N takes over what is declared on the elements above.
    to_sign = canonical_signed_info(signed_info).octets
    value = private_key.sign(to_sign, padding.PKCS1v15(), hashes.SHA256())
    _ds(signature, "SignatureValue").text = _base64(value)
    data = _ds(_ds(signature, "KeyInfo"), "X509Data")
    _ds(data, "X509Certificate").text = _base64(certificate.public_bytes(Encoding.DER))


def serialised(envelope: etree._Element) -> bytes:
    """The octets of a signed envelope, in UTF-8 with an XML declaration."""
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _add_reference(signed_info: etree._Element, uri: str, content: bytes) -> etree._Element:
    reference = _ds(signed_info, "Reference")
    reference.set("URI", uri)
    _ds(reference, "DigestMethod").set(_ALGORITHM, SHA256)
    _ds(reference, "DigestValue").text = _base64(hashlib.sha256(content).digest())
    return reference


def _add_transforms(reference: etree._Element) -> None:
    """The profile's three; a payload part is digested as it is and has none, not even empty."""
    transforms = etree.Element(f"{{{DS}}}Transforms", nsmap={"ds": DS})
    reference.insert(0, transforms)
    _ds(transforms, "Transform").set(_ALGORITHM, ENVELOPED)
    xpath = _ds(transforms, "Transform")
    xpath.set(_ALGORITHM, XPATH)
    etree.SubElement(xpath, f"{{{DS}}}XPath", nsmap={XPATH_PREFIX: SOAP}).text = XPATH_TEXT
    _ds(transforms, "Transform").set(_ALGORITHM, C14N)


def _ds(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{DS}}}{name}")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
