"""Verify an ebXML envelope in the national profile and return only what was signed.

Four steps, each of which ends the matter: the form (``signing_profile``, and
the schema of XML Signature as signxml brings it), the certificate, the
signature value over SignedInfo, and the digests in that very SignedInfo. Trust
in the certificate, chain and revocation included, is not decided here: the
caller brings the certificate it expects. ``second_opinion`` is the same by
signxml; the tests hold the two together.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from lxml import etree
from signxml.processor import get_schema

from gateway.codecs.canonical import canonical_signed_info
from gateway.codecs.certificates import load_certificate
from gateway.codecs.second_opinion import second_opinion
from gateway.codecs.signing_profile import (
    SignatureFacts,
    content_id_of,
    copyable,
    decoded,
    octets_of,
    read_signature,
    signature_element,
)
from gateway.codecs.xml import DS, parse_untrusted
from gateway.domain.envelope import SignedReference
from gateway.errors import GatewayError, UntrustedSignature

_SCHEMA: Final = get_schema("xmldsig1-schema.xsd")
_DS11: Final = "http://www.w3.org/2009/xmldsig11#"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEnvelope:
    """A verified envelope. Read everything from ``root``: the document received may hold more.

    ``references`` are those of its SignedInfo, for the eb:Acknowledgment;
    ``valid_from`` and ``valid_until`` bound the signer's certificate;
    ``findings`` are the deviations from the profile that were let pass.
    """

    root: etree._Element
    references: tuple[SignedReference, ...]
    valid_from: datetime
    valid_until: datetime
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """Whether one reference still fits what it refers to; False too when that is missing."""

    uri: str
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """A signature described for a person. No ground to trust anything: see ``signed_envelope``.

    ``valid`` is about the profile and the signature value under the certificate
    in the envelope itself; digests stand in ``references``, trust elsewhere.
    ``reason`` is the code of the first fault, None when ``valid``. ``certificate``
    is DER, None when it could not be read.
    """

    valid: bool
    reason: str | None
    algorithm: str | None = None
    certificate: bytes | None = None
    references: tuple[ReferenceCheck, ...] = ()
    findings: tuple[str, ...] = ()


def signed_envelope(
    root: etree._Element,
    *,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
    at: datetime,
) -> SignedEnvelope:
    """Return what ``certificate`` signed in an envelope, and nothing else.

    Args:
        root: a SOAP envelope from ``parse_untrusted``; left as it is.
        certificate: the one registered for the sender; dates are checked, chain,
            use and revocation are not.
        attachments: all payload parts, decoded, by Content-ID without brackets.
        at: the instant the certificate must be valid at; aware.

    Returns:
        A new tree, parsed from the octets that the signature covers: without
        the signature, comments and elements addressed to the next hop.

    Raises:
        UntrustedSignature: ``detail`` is the reason code: those of
            ``read_signature``, ``certificate-mismatch``, ``certificate-dates``,
            ``certificate-key``, ``reference`` (to a part that is not there),
            ``attachment-uncovered``, ``signature-value``, ``digest-envelope``,
            ``digest-attachment``.
    """
    facts = read_signature(root)
    if facts.certificate != certificate.public_bytes(Encoding.DER):
        raise UntrustedSignature("certificate-mismatch")
    key = _rsa_key(certificate)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise UntrustedSignature("certificate-dates")
    _require_cover(facts, attachments)
    signature = signature_element(root)
    _require_structure(signature)
    signed_info = _verified_signed_info(signature, key)
    _require_same_key(signature, key)
    envelope = _verified_envelope(signed_info, root, attachments)
    elements = signed_info.iterchildren(f"{{{DS}}}Reference")
    references = tuple(
        replace(reference, xml=copyable(element))
        for reference, element in zip(facts.references, elements, strict=True)
    )
    return SignedEnvelope(
        root=envelope,
        references=references,
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        findings=facts.findings,
    )


def signature_facts(root: etree._Element) -> SignatureFacts | None:
    """Return what the signature of an envelope says, unverified; None if it has none to read.

    For choosing the certificate to verify with, never for trusting anything.
    """
    try:
        return read_signature(root)
    except UntrustedSignature:
        return None


def check_references(
    root: etree._Element, attachments: Mapping[str, bytes]
) -> tuple[ReferenceCheck, ...]:
    """Compare each reference's digest by itself, in document order; empty outside the profile."""
    facts = signature_facts(root)
    if facts is None:
        return ()
    return tuple(
        ReferenceCheck(uri=element.get("URI", ""), valid=_fits(element, root, attachments))
        for element in signature_element(root).iterfind(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    )


def inspect_signature(root: etree._Element, attachments: Mapping[str, bytes]) -> SignatureReport:
    """Describe an envelope's signature with the certificate it brings itself; raises nothing.

    The signature value is judged by signxml, so that whoever doubts the
    gateway's own verdict gets that of another program beside it.
    A changed part shows as an invalid reference under a valid signature; a part
    that no reference covers makes the signature invalid.
    """
    try:
        facts = read_signature(root)
    except UntrustedSignature as error:
        return SignatureReport(valid=False, reason=error.detail)
    reason: str | None = None
    try:
        certificate = load_certificate(facts.certificate)
        _rsa_key(certificate)
        # The dates are a matter of trust: an archived message stays readable.
        at = certificate.not_valid_before_utc
        second_opinion(root, certificate=certificate, at=at, attachments=None)
        if len(_covered(facts, attachments)) != len(attachments):
            reason = "attachment-uncovered"
    except UntrustedSignature as error:
        reason = error.detail
    except GatewayError:
        reason = "key-info"
    return SignatureReport(
        valid=reason is None,
        reason=reason,
        algorithm=facts.algorithm,
        certificate=facts.certificate,
        references=check_references(root, attachments),
        findings=facts.findings,
    )


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise UntrustedSignature("certificate-key")
    return key


def _covered(facts: SignatureFacts, attachments: Mapping[str, bytes]) -> set[str]:
    names = {content_id_of(ref.uri, attachments) for ref in facts.references if ref.uri}
    return {name for name in names if name is not None}


def _require_cover(facts: SignatureFacts, attachments: Mapping[str, bytes]) -> None:
    covered = _covered(facts, attachments)
    if len(covered) != len(facts.references) - 1:
        raise UntrustedSignature("reference")  # to a part that is absent, or twice to one
    if len(covered) != len(attachments):
        raise UntrustedSignature("attachment-uncovered")  # such parts could be swapped


def _require_structure(signature: etree._Element) -> None:
    """Refuse what the schema of XML Signature does not know."""
    if not _SCHEMA.validate(signature):
        raise UntrustedSignature("signature-structure")


def _verified_signed_info(signature: etree._Element, key: rsa.RSAPublicKey) -> etree._Element:
    """The SignedInfo that the signature value covers: not the one received, but its tree alone."""
    octets, tree = canonical_signed_info(signature[0])
    try:
        key.verify(decoded(signature[1].text), octets, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise UntrustedSignature("signature-value") from None
    return tree


def _require_same_key(signature: etree._Element, key: rsa.RSAPublicKey) -> None:
    """Refuse a bare key in KeyInfo that is not the certificate's: readers could take either."""
    numbers = key.public_numbers()
    key_info = signature[2]
    try:
        for value in key_info.iterchildren(f"{{{DS}}}KeyValue"):
            modulus, exponent = (
                int.from_bytes(decoded(value.findtext(f"{{{DS}}}RSAKeyValue/{{{DS}}}{name}")))
                for name in ("Modulus", "Exponent")
            )
            if (modulus, exponent) != (numbers.n, numbers.e):
                raise UntrustedSignature("signature-structure")
        for value in key_info.iterchildren(f"{{{_DS11}}}DEREncodedKeyValue"):
            if load_der_public_key(decoded(value.text)) != key:
                raise UntrustedSignature("signature-structure")
    except (ValueError, UnsupportedAlgorithm):
        raise UntrustedSignature("signature-structure") from None


def _verified_envelope(
    signed_info: etree._Element, root: etree._Element, attachments: Mapping[str, bytes]
) -> etree._Element:
    """Check every digest, and return the envelope from the octets that its digest covers."""
    envelope: etree._Element | None = None
    for reference in signed_info.iterchildren(f"{{{DS}}}Reference"):
        octets = octets_of(reference, root, attachments)
        if octets is None:
            raise UntrustedSignature("reference")
        is_envelope = reference.get("URI") == ""
        digest = decoded(reference[-1].text)  # the profile has DigestValue last
        if hashlib.sha256(octets).digest() != digest:
            raise UntrustedSignature("digest-envelope" if is_envelope else "digest-attachment")
        if is_envelope:
            envelope = parse_untrusted(octets)
    if envelope is None:
        raise UntrustedSignature("reference")
    return envelope


def _fits(
    reference: etree._Element, root: etree._Element, attachments: Mapping[str, bytes]
) -> bool:
    try:
        octets = octets_of(reference, root, attachments)
        digest = decoded(reference.findtext(f"{{{DS}}}DigestValue"))
    except (UntrustedSignature, etree.LxmlError, ValueError):
        return False
    return octets is not None and hashlib.sha256(octets).digest() == digest
