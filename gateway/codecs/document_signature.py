"""The personal signature of a business document: the ds:Signature of MsgHead (HIS 80601).

Dialogue messages need none, since their envelopes are signed; where there is
one it must hold, or the message is refused with the AppRec code for it (code
list 8221: S01, S02, S99). What holds is that the document is as it was when the
key of a certificate inside signed it. Whose certificate that is, its chain
and its revocation are not decided here: the document goes on byte for byte, so
whoever knows the issuers can.

The forms allowed are few, and are looked at before any cryptography: signxml
skips a transform that it does not know. It also finds signatures in places of
no meaning, writes documents to the log at level DEBUG and canonicalises inner
elements of the default namespace wrongly; the hooks below keep it from that.
"""

import hashlib
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidSignature
from signxml.verifier import SignatureConfiguration, VerifyResult

from gateway.codecs.canonical import (
    EXCLUSIVE_C14N,
    EXCLUSIVE_FORMS,
    canonical_form,
    canonical_signed_info,
    take_out,
)
from gateway.codecs.certificates import SMALLEST_RSA_BITS, load_certificate
from gateway.codecs.document import Document
from gateway.codecs.second_opinion import SIGNXML_FAULTS, LoneSignatureVerifier
from gateway.codecs.signing_profile import C14N, ENVELOPED, decoded
from gateway.codecs.xml import DS
from gateway.domain.findings import Direction, Finding
from gateway.domain.rules.signature import SignatureFault, signature_finding
from gateway.errors import UntrustedSignature, UnusableCertificate

_SIGNATURE: Final = f"{{{DS}}}Signature"
_INCLUSIVE_NAMESPACES: Final = f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces"
_NOT_ELEMENTS: Final = (etree.Comment, etree.ProcessingInstruction, etree.Entity)
# Both kinds make the same octets here: no comment may stand in a Signature, and the reference ""
# means the document without its comments before any transform comes (XML-DSig §4.4.3.3).
_INCLUSIVE_FORMS: Final = frozenset({C14N, f"{C14N}#WithComments"})
_RSA_METHODS: Final = frozenset(
    {SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512}
)
_EC_METHODS: Final = frozenset(
    {SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512}
)
_METHODS: Final = {method.value: method for method in _RSA_METHODS | _EC_METHODS}
_DIGESTS: Final = {
    DigestAlgorithm.SHA256.value: "sha256",
    DigestAlgorithm.SHA384.value: "sha384",
    DigestAlgorithm.SHA512.value: "sha512",
}
_SMALLEST_CURVE_BITS: Final = 256
_MOST_CERTIFICATES: Final = 10
_OTHER_SIGNER: Final = frozenset(
    {SignatureFault.KEY, SignatureFault.VALUE, SignatureFault.STRUCTURE}
)
_CONFIGURATION: Final = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=_RSA_METHODS | _EC_METHODS,
    digest_algorithms=frozenset(map(DigestAlgorithm, _DIGESTS)),
)


def signature_findings(document: Document, direction: Direction) -> tuple[Finding, ...]:
    """What is wrong with the personal signature of a document; () when it holds, or has none.

    The tree must be that of the document as it came: nothing removed, nothing added.
    """
    if not document.message.signed:
        return ()
    faults = signature_faults(document.root, at=document.message.gen_date)
    return tuple(signature_finding(fault, direction) for fault in faults)


def signature_faults(root: etree._Element, *, at: datetime) -> tuple[SignatureFault, ...]:
    """Verify the signature of a MsgHead that has one; empty when it holds.

    Args:
        root: the document as received; left as it is.
        at: aware; when the certificate must have been valid.

    Returns:
        The first fault of the signature, and beside it those of its certificate
        where that could be read. Of several certificates that is the one whose key
        made the value, or else the first; the others go along unread.

    Source: HIS 80601 (MsgHead/Signature: enveloped, over the whole message),
    XML-Signature Syntax and Processing 1.1.
    """
    try:
        signature = _signature_of(root)
        _require_form(signature)
        certificates = _certificates_of(signature)
    except UntrustedSignature as error:
        return (SignatureFault(error.detail),)
    first: tuple[SignatureFault, ...] = ()
    for certificate in certificates:
        fault = _fault_under(certificate, root, signature)
        faults = (*([] if fault is None else [fault]), *_certificate_faults(certificate, at))
        if fault not in _OTHER_SIGNER:
            return faults
        first = first or faults
    return first


def _fault_under(
    certificate: x509.Certificate, root: etree._Element, signature: etree._Element
) -> SignatureFault | None:
    try:
        _require_key(certificate, _method_of(signature))
        _verify(root, signature, certificate)
    except UntrustedSignature as error:
        return SignatureFault(error.detail)
    return None


def _signature_of(root: etree._Element) -> etree._Element:
    signatures = root.findall(_SIGNATURE)
    if len(signatures) != 1:
        raise UntrustedSignature(SignatureFault.SEVERAL)
    (signature,) = signatures
    if next(signature.itersiblings("{*}*"), None) is not None:
        raise UntrustedSignature(SignatureFault.MISPLACED)
    return signature


def _require_form(signature: etree._Element) -> None:
    """Refuse every form but one: one reference to the whole document, and nothing unsigned."""
    if next(signature.iter(*_NOT_ELEMENTS), None) is not None:
        raise UntrustedSignature(SignatureFault.STRUCTURE)  # a comment splits a text in two
    if [child.tag for child in signature] == _tags("SignedInfo", "SignatureValue"):
        raise UntrustedSignature(SignatureFault.NO_CERTIFICATE)
    # No Object: the signature does not cover what it holds.
    signed_info, value, _ = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    decoded(value.text)
    if len(signed_info.findall(f"{{{DS}}}Reference")) != 1:
        raise UntrustedSignature(SignatureFault.REFERENCE)
    canonicalization, method, reference = _children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference"
    )
    _require_canonicalization(canonicalization)
    if len(method) or method.get("Algorithm") not in _METHODS:
        raise UntrustedSignature(SignatureFault.ALGORITHM)
    if reference.get("URI") != "":
        raise UntrustedSignature(SignatureFault.REFERENCE)
    if reference.find(f"{{{DS}}}Transforms") is None:
        raise UntrustedSignature(SignatureFault.TRANSFORM)
    transforms, digest, _ = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    # In this order; without a second one the octets are those of C14N 1.0 (§4.4.3.2).
    steps = _children(transforms, *["Transform"] * len(transforms))
    if not steps or steps[0].get("Algorithm") != ENVELOPED or len(steps[0]) or len(steps) > 2:
        raise UntrustedSignature(SignatureFault.TRANSFORM)
    for step in steps[1:]:
        _require_canonicalization(step)
    if len(digest) or digest.get("Algorithm") not in _DIGESTS:
        raise UntrustedSignature(SignatureFault.ALGORITHM)


def _require_canonicalization(method: etree._Element) -> None:
    algorithm, names = method.get("Algorithm"), [child.tag for child in method]
    if algorithm not in (EXCLUSIVE_FORMS if names else EXCLUSIVE_FORMS | _INCLUSIVE_FORMS):
        raise UntrustedSignature(SignatureFault.TRANSFORM)
    if names not in ([], [_INCLUSIVE_NAMESPACES]):
        raise UntrustedSignature(SignatureFault.TRANSFORM)


def _children(parent: etree._Element, *names: str) -> list[etree._Element]:
    children = list(parent)
    if [child.tag for child in children] != _tags(*names):
        raise UntrustedSignature(SignatureFault.STRUCTURE)
    return children


def _tags(*names: str) -> list[str]:
    return [f"{{{DS}}}{name}" for name in names]


def _method_of(signature: etree._Element) -> SignatureMethod:
    return _METHODS[signature[0][1].get("Algorithm", "")]


def _certificates_of(signature: etree._Element) -> list[x509.Certificate]:
    """Those that can be read, at least one: the signer's, and mostly those above it."""
    elements = signature.findall("/".join(_tags("KeyInfo", "X509Data", "X509Certificate")))
    if not elements:
        raise UntrustedSignature(SignatureFault.NO_CERTIFICATE)
    if len(elements) > _MOST_CERTIFICATES:
        raise UntrustedSignature(SignatureFault.CERTIFICATES)
    found = []
    for element in elements:
        with suppress(UntrustedSignature, UnusableCertificate):
            found.append(load_certificate(decoded(element.text)))
    if not found:
        raise UntrustedSignature(SignatureFault.UNREADABLE)
    return found


def _certificate_faults(certificate: x509.Certificate, at: datetime) -> list[SignatureFault]:
    faults = []
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        faults.append(SignatureFault.DATES)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        faults.append(SignatureFault.USE)
    return faults


def _require_key(certificate: x509.Certificate, method: SignatureMethod) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        fits = method in _RSA_METHODS and key.key_size >= SMALLEST_RSA_BITS
    elif isinstance(key, ec.EllipticCurvePublicKey):
        fits = method in _EC_METHODS and key.key_size >= _SMALLEST_CURVE_BITS
    else:
        fits = False
    if not fits:
        raise UntrustedSignature(SignatureFault.KEY)


def _verify(root: etree._Element, signature: etree._Element, certificate: x509.Certificate) -> None:
    # Dates are a fault of their own, beside that of the value.
    configuration = replace(_CONFIGURATION, verification_time=certificate.not_valid_before_utc)
    # In the document received: a SignedInfo moved elsewhere loses what it inherits.
    verifier = _DocumentVerifier(canonical_signed_info(signature[0]).octets)
    try:
        verifier.verify(root, x509_cert=certificate, expect_config=configuration)
    except InvalidSignature:
        raise UntrustedSignature(SignatureFault.VALUE) from None
    except SIGNXML_FAULTS:  # the texts quote content
        raise UntrustedSignature(SignatureFault.STRUCTURE) from None


class _DocumentVerifier(LoneSignatureVerifier):
    """signxml's verifier for one form: the octets are made here, the verdict is signxml's."""

    def __init__(self, signed_info: bytes) -> None:
        self.signed_info = signed_info

    def get_root(self, data: Any) -> Any:
        # Not a copy: signxml's parser would not take large attachments, and nothing is changed.
        return data

    def _c14n(self, nodes: Any, algorithm: object, inclusive_ns_prefixes: object = None) -> bytes:
        return self.signed_info  # only SignedInfo comes here

    def _verify_reference(
        self,
        reference: etree._Element,
        index: int,
        root: etree._Element,
        uri_resolver: object,
        c14n_algorithm: object,
        signature: etree._Element,
        signature_key_used: object,
    ) -> VerifyResult:
        """Check the one reference, as it stands in the SignedInfo whose value fitted."""
        octets = _octets(root, list(reference[0]))
        name = _DIGESTS[reference[1].get("Algorithm", "")]
        if hashlib.new(name, octets).digest() != decoded(reference[2].text):
            raise UntrustedSignature(SignatureFault.DIGEST)
        return VerifyResult(octets, None, signature, b"")


def _octets(root: etree._Element, transforms: list[etree._Element]) -> bytes:
    """The whole document without its signature and comments, what stands beside the root too."""
    left = deepcopy(root.getroottree())
    for signature in left.getroot().findall(_SIGNATURE):
        take_out(signature)
    last = transforms[-1]
    if last.get("Algorithm") not in EXCLUSIVE_FORMS:
        return canonical_form(left)
    prefixes = [name for listed in last for name in listed.get("PrefixList", "").split()]
    return canonical_form(left, exclusive=True, prefixes=prefixes or None)
