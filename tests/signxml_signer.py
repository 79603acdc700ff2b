"""The national profile signed by signxml: what our own signer is compared with.

What signxml cannot do of the profile, the XPath transform and references to
MIME parts, is put into its private hooks.
"""

import base64
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import SignatureReference, XMLSigner

from gateway.codecs.canonical import canonical_envelope, canonical_signed_info
from gateway.codecs.signing_profile import (
    C14N,
    ENVELOPED,
    XPATH,
    XPATH_PREFIX,
    XPATH_TEXT,
    cid_uri,
)
from gateway.codecs.xml import DS, SOAP
from gateway.ports import KeyPair


def signed_by_signxml(
    root: etree._Element, *, pair: KeyPair, attachments: Mapping[str, bytes]
) -> bytes:
    """Sign an envelope as ``signing.sign_envelope`` does; ``root`` is left as it is."""
    envelope = copy.deepcopy(root)
    header = envelope.find(f"{{{SOAP}}}Header")
    assert header is not None
    etree.SubElement(header, f"{{{DS}}}Signature", nsmap={"ds": DS}).set("Id", "placeholder")
    signer = ProfileSigner({cid_uri(name): content for name, content in attachments.items()})
    signed = signer.sign(
        envelope,
        key=pair.private_key,
        key_info=_key_info(pair),
        reference_uri=[SignatureReference(URI=uri) for uri in ("", *signer.parts)],
    )
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def _key_info(pair: KeyPair) -> etree._Element:
    key_info = etree.Element(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    data = etree.SubElement(key_info, f"{{{DS}}}X509Data")
    der = pair.certificate.public_bytes(Encoding.DER)
    etree.SubElement(data, f"{{{DS}}}X509Certificate").text = base64.b64encode(der).decode()
    return key_info


class ProfileSigner(XMLSigner):
    """signxml's enveloped signature, with the profile's transforms and ``cid:`` references."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        super().__init__(
            signature_algorithm=SignatureMethod.RSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod(C14N),
        )
        self.parts = parts
        # Runs before SignedInfo is canonicalised: an empty ds:Transforms is
        # against the schema, and signxml writes one for each reference.
        self.signature_annotators.insert(0, _drop_empty_transforms)

    def _get_c14n_inputs_from_references(
        self, doc_root: etree._Element, references: list[SignatureReference]
    ) -> tuple[list[bytes], list[SignatureReference]]:
        envelope = canonical_envelope(doc_root, xpath=True)
        inputs = [self.parts[ref.URI] if ref.URI else envelope for ref in references]
        return inputs, references

    def _findall(self, element: Any, query: str, xpath: str = "") -> Sequence[etree._Element]:
        if isinstance(element, bytes):
            return []  # the inputs above hold no placeholder to take out
        found: Sequence[etree._Element] = super()._findall(element, query, xpath)  # type: ignore[no-untyped-call]
        return found

    def _build_transforms_for_reference(
        self,
        *,
        transforms_node: etree._Element,
        reference: SignatureReference,
        exclude_c14n_transform_element: bool = True,
    ) -> None:
        if reference.URI:
            return  # a payload part is digested as it is
        transform = f"{{{DS}}}Transform"
        etree.SubElement(transforms_node, transform, Algorithm=ENVELOPED)
        xpath = etree.SubElement(transforms_node, transform, Algorithm=XPATH)
        etree.SubElement(xpath, f"{{{DS}}}XPath", nsmap={XPATH_PREFIX: SOAP}).text = XPATH_TEXT
        etree.SubElement(transforms_node, transform, Algorithm=C14N)

    def _c14n(
        self,
        nodes: Any,
        algorithm: CanonicalizationMethod,
        inclusive_ns_prefixes: list[str] | None = None,
    ) -> bytes:
        if isinstance(nodes, bytes):
            return nodes
        assert isinstance(nodes, etree._Element)  # SignedInfo, in its place
        return canonical_signed_info(nodes).octets


def _drop_empty_transforms(sig_root: etree._Element, *, signing_settings: object) -> None:
    for transforms in list(sig_root.iter(f"{{{DS}}}Transforms")):
        parent = transforms.getparent()
        if parent is not None and not len(transforms):
            parent.remove(transforms)
