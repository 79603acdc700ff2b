"""From a finished document to the wire bytes of one envelope: seal, sign, pack (HIS 1037 §5.5).

On ebXML the payload is sealed first and signed after, so the signature covers
the sealed bytes. What comes out is stored once; every resend is these bytes.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from gateway.codecs.ebxml import (
    references_of,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Part, render_entity
from gateway.codecs.sealing import seal
from gateway.codecs.signing import add_signature, serialised
from gateway.domain.envelope import (
    Acknowledgment,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    SignedReference,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose signature an envelope gets."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """One envelope ready for the wire.

    ``entity`` is the MIME entity without mail header; ``references`` are the
    signed references, which an Acknowledgment must repeat.
    """

    entity: bytes
    references: tuple[SignedReference, ...]


def wrap_payload(
    header: MessageHeader,
    document: bytes,
    *,
    namespace: str,
    version: str,
    receiver: x509.Certificate,
    signer: Signer,
    part_id: str,
) -> Wrapped:
    """Seal ``document`` for the receiver and put it into a signed envelope.

    Args:
        header: facts of the envelope; its MessageId names the SOAP part too.
        document: the business document, as it shall reach the other EPJ.
        namespace: of the business document, for the monitoring (HITS 1210 §5).
        version: published version of that namespace.
        receiver: certificate to seal for; the caller has checked its use and dates.
        signer: our key and certificate.
        part_id: Content-ID of the sealed part, unique to this envelope.
    """
    sealed = seal(document, certificate=receiver)
    manifest = ManifestReference(
        content_id=part_id, schema_location=namespace, schema_version=version
    )
    envelope = render_payload_envelope(header, [manifest])
    part = Part(part_id, PAYLOAD_CONTENT_TYPE, sealed)
    return _signed(envelope, header, signer, part)


def wrap_acknowledgment(
    header: MessageHeader, acknowledgment: Acknowledgment, *, signer: Signer
) -> Wrapped:
    """A signed Acknowledgment, alone in its mail."""
    return _signed(render_acknowledgment_envelope(header, acknowledgment), header, signer)


def wrap_error(header: MessageHeader, errors: tuple[ErrorEntry, ...], *, signer: Signer) -> Wrapped:
    """A signed MessageError, alone in its mail."""
    return _signed(render_error_envelope(header, errors), header, signer)


def _signed(
    envelope: etree._Element, header: MessageHeader, signer: Signer, *parts: Part
) -> Wrapped:
    add_signature(
        envelope,
        private_key=signer.private_key,
        certificate=signer.certificate,
        attachments={part.content_id: part.data for part in parts},
    )
    soap = serialised(envelope)
    return Wrapped(
        entity=render_entity(soap, soap_content_id=header.message_id, parts=parts),
        references=references_of(envelope) if parts else (),
    )
