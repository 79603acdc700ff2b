"""The same signature, verified by signxml: a second opinion for people and for the tests.

The daemon verifies with ``verifying``, which is written for its one profile and
four times as fast. Whoever looks at a single message asks here as well: signxml
decides on the signature value and the structure, with code that shares nothing
with ours but the canonical forms. Its private hooks are overridden below;
``tests/unit/codecs/test_signing_hooks.py`` fails when one of them goes.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from gateway.codecs.canonical import canonical_signed_info
from gateway.codecs.signing_profile import decoded, octets_of, signature_element
from gateway.codecs.xml import DS, SOAP, parse_untrusted
from gateway.errors import UntrustedSignature

# What signxml may raise beside its two verdicts: schema faults, a KeyValue of another key or kind.
SIGNXML_FAULTS: Final = (
    SignXMLException,
    etree.LxmlError,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
)

_LOCATION: Final = f"./{{{SOAP}}}Header/"


def second_opinion(
    root: etree._Element,
    *,
    certificate: x509.Certificate,
    at: datetime,
    attachments: Mapping[str, bytes] | None,
) -> etree._Element | None:
    """Verify a signature that ``signing_profile.read_signature`` has let pass.

    Args:
        root: the envelope as received; left as it is.
        certificate: whose key it must be; its dates are checked for ``at``.
        at: aware.
        attachments: by Content-ID; None to look at the signature value alone.

    Returns:
        The signed envelope as a tree of its own; None without ``attachments``.

    Raises:
        UntrustedSignature: ``certificate-dates``, ``signature-value``,
            ``signature-structure``, ``reference``, ``digest-envelope`` or
            ``digest-attachment``.
    """
    verifier = _EbmsVerifier(attachments)
    signed_info = signature_element(root).find(f"{{{DS}}}SignedInfo")
    if signed_info is None:
        raise UntrustedSignature("signature-structure")
    verifier.signed_info = canonical_signed_info(signed_info).octets
    config = SignatureConfiguration(
        location=_LOCATION,
        expect_references=True,  # any number: the profile counts them
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=at.astimezone(UTC),
    )
    try:
        results = verifier.verify(root, x509_cert=certificate, expect_config=config)
    except InvalidCertificate:
        raise UntrustedSignature("certificate-dates") from None
    except InvalidSignature:
        raise UntrustedSignature("signature-value") from None
    except SIGNXML_FAULTS:  # the texts quote content
        raise UntrustedSignature("signature-structure") from None
    assert isinstance(results, list)
    return next((r.signed_xml for r in results if r.signed_xml is not None), None)


class LoneSignatureVerifier(XMLVerifier):
    """signxml's verifier, that reads a signature without what stands behind it."""

    def _tostring(self, xml_node: etree._Element, **kwargs: Any) -> Any:
        # signxml parses this once more, and a CR behind it, as Windows ends a line, is written
        # as a reference, which may not stand behind a root.
        return etree.tostring(xml_node, with_tail=False, **kwargs)


class _EbmsVerifier(LoneSignatureVerifier):
    """signxml's verifier, with the profile's canonical forms in place of its own."""

    def __init__(self, attachments: Mapping[str, bytes] | None) -> None:
        self.attachments = attachments
        self.signed_info = b""

    def _c14n(self, nodes: Any, algorithm: object, inclusive_ns_prefixes: object = None) -> bytes:
        # Only SignedInfo comes here. It was canonicalised in the document
        # received; signxml's copy has lost what C14N inherits from above.
        # Not super(): it writes whole documents to the log at level DEBUG.
        return self.signed_info

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
        """Check one reference of the verified SignedInfo; parts are never parsed as XML."""
        if self.attachments is None:
            return VerifyResult(b"", None, signature, b"")
        octets = octets_of(reference, root, self.attachments)
        if octets is None:
            raise UntrustedSignature("reference")
        envelope = reference.get("URI") == ""
        expected = decoded(reference.findtext(f"{{{DS}}}DigestValue"))
        if hashlib.sha256(octets).digest() != expected:
            raise UntrustedSignature("digest-envelope" if envelope else "digest-attachment")
        return VerifyResult(octets, parse_untrusted(octets) if envelope else None, signature, b"")
