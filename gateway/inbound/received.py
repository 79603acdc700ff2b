"""A mail from its bytes to a verified envelope: what may be believed, and what is wrong with it.

Pure: the same bytes, address book and instant give the same result. Nothing of
the envelope is used before its signature held, except whom to answer.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.codecs.certificates import load_certificate, require_usable_for_signing
from gateway.codecs.ebxml import HeaderPeek, is_soap_fault, parse_envelope, peek_header
from gateway.codecs.encodings import US_ASCII, UTF_8, encoding_of
from gateway.codecs.mime import (
    Bounce,
    Mail,
    MailLimits,
    Part,
    is_auto_reply,
    parse_bounce,
    parse_mail,
    part_named,
)
from gateway.codecs.verifying import SignedEnvelope, signature_facts, signed_envelope
from gateway.codecs.xml import XmlLimits, parse_untrusted
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.envelope import Envelope, SignedReference
from gateway.domain.identifiers import MessageId
from gateway.errors import (
    GatewayError,
    MissingPart,
    NotEbxml,
    TooLarge,
    UnknownPartner,
    UnsupportedFeature,
    UnusableCertificate,
    UnusualEncoding,
)

_HEADER = "//eb:MessageHeader"
_ENCODING_OTHER = "envelope-not-utf-8"
LARGE_BYTES = 500_000  # from here on reading one would hold up everything else


@dataclass(frozen=True, slots=True, kw_only=True)
class SoapFault:
    """A partner's handler could not read a mail of ours; ``mail_ids`` name which."""

    mail_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusable:
    """An envelope that must be refused; ``peek`` is unverified and says whom to answer.

    ``is_signed``: it is the partner's own all the same. ``fingerprint`` is a SHA-256 over
    the envelope and its parts as they came.
    """

    peek: HeaderPeek
    partner: Entry
    error: GatewayError
    is_signed: bool
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unvouched:
    """An envelope from a party that the address book does not know: nobody is answered."""

    peek: HeaderPeek
    error: GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An envelope whose signature held: by ``partner``, over all of it and all parts."""

    envelope: Envelope
    partner: Entry
    references: tuple[SignedReference, ...]
    parts: tuple[Part, ...]
    findings: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what was signed; the same for every resend of the same envelope."""
        listed = "\n".join(f"{r.uri} {r.digest_method} {r.digest}" for r in self.references)
        return hashlib.sha256(listed.encode()).hexdigest()


Received = Bounce | SoapFault | Unvouched | Refusable | Verified


def envelope_id(received: Received) -> MessageId | None:
    """eb:MessageId of what was read, for finding it; only that of ``Verified`` is vouched for."""
    match received:
        case Verified():
            return received.envelope.header.message_id
        case Refusable() | Unvouched():
            return received.peek.message_id
        case Bounce() | SoapFault():
            return None


def read_received(
    raw: bytes,
    *,
    book: AddressBook,
    at: datetime,
    mail_limits: MailLimits,
    xml_limits: XmlLimits,
) -> Received:
    """Read one mail as far as it can be believed.

    Raises:
        NotEbxml: no usable ebXML, so nobody can be answered.
    """
    try:
        mail = parse_mail(raw, limits=mail_limits)
        root = parse_untrusted(mail.soap, limits=xml_limits)
        if is_soap_fault(root):
            return SoapFault(mail_ids=mail.in_reply_to)
        peek = peek_header(root)
    except GatewayError as error:
        if not isinstance(error, TooLarge):
            bounce = parse_bounce(raw, limits=mail_limits)
            if bounce is not None:
                return bounce
            if is_auto_reply(raw, limits=mail_limits):
                raise NotEbxml("an automatic reply or report of a mail program") from None
        raise NotEbxml(error.detail, where=error.where) from None
    partner = book.by_her(peek.sender)
    if partner is None:
        unknown = UnknownPartner(f"HER-id {peek.sender} is not in the address book")
        return Unvouched(peek=peek, error=unknown)
    signed: SignedEnvelope | None = None
    try:
        signed = _verified(root, mail, partner, at)
        envelope = parse_envelope(signed.root)
        _require_made_while_valid(envelope, signed)
    except NotEbxml:
        raise
    except GatewayError as error:
        return Refusable(
            peek=peek,
            partner=partner,
            error=error,
            is_signed=signed is not None,
            fingerprint=_fingerprint(mail),
        )
    return Verified(
        envelope=envelope,
        partner=partner,
        references=signed.references,
        parts=mail.parts,
        findings=(
            *mail.findings,
            *(() if encoding_of(mail.soap) in (UTF_8, US_ASCII) else (_ENCODING_OTHER,)),
            *signed.findings,
            *envelope.findings,
            # Agreements are not looked up: any CPAId passes, and is said to be unchecked.
            "cpa-unchecked",
        ),
    )


def warnings_of(verified: Verified) -> tuple[GatewayError, ...]:
    """What a sender is told with a Warning although the envelope is taken in (HITS 1172 §4.2.2).

    Without a wish for one, an Acknowledgment would break ebMS.
    """
    warnings: list[GatewayError] = []
    if not verified.envelope.ack_requested:
        warnings.append(UnsupportedFeature("eb:AckRequested is absent", where="//SOAP:Header"))
    if not verified.envelope.header.duplicate_elimination:
        missing = UnsupportedFeature("eb:DuplicateElimination is absent", where=_HEADER)
        warnings.append(missing)
    if _ENCODING_OTHER in verified.findings:
        warnings.append(UnusualEncoding("the envelope is not in UTF-8", where=_HEADER))
    return tuple(warnings)


def business_part(verified: Verified) -> Part:
    """The part that carries the business document: the first that the Manifest names.

    Raises:
        MissingPart: the Manifest names none, or any that the mail does not have.
    """
    if not verified.envelope.manifest:
        raise MissingPart("the envelope has no Manifest reference to a payload")
    named: list[Part] = []
    for reference in verified.envelope.manifest:
        where = f"cid:{reference.content_id}"
        part = part_named(verified.parts, reference.content_id)
        if part is None:
            raise MissingPart("the Manifest names a part that is not there", where=where)
        named.append(part)
    return named[0]


def _verified(root: etree._Element, mail: Mail, partner: Entry, at: datetime) -> SignedEnvelope:
    facts = signature_facts(root)
    attachments = {part.content_id: part.data for part in mail.parts}
    if facts is not None and facts.certificate not in partner.signing:
        raise UnusableCertificate(f"not a signing certificate registered for {partner.her}")
    # Without readable facts verifying itself says what is wrong; any certificate will do.
    der = facts.certificate if facts is not None else next(iter(partner.signing), None)
    if der is None:
        raise UnusableCertificate(f"no signing certificate is registered for {partner.her}")
    certificate = load_certificate(der)
    signed = signed_envelope(root, certificate=certificate, attachments=attachments, at=at)
    require_usable_for_signing(certificate, at)
    return signed


def _require_made_while_valid(envelope: Envelope, signed: SignedEnvelope) -> None:
    """The sender's own word for when it signed (HITS 1172, rules 104 and 105)."""
    if not signed.valid_from <= envelope.header.timestamp <= signed.valid_until:
        raise UnusableCertificate(
            "eb:Timestamp lies outside the validity of the certificate",
            where=f"{_HEADER}/eb:MessageData/eb:Timestamp",
        )


def _fingerprint(mail: Mail) -> str:
    """The same for every copy of these bytes, whatever the mail around them says."""
    digest = hashlib.sha256(mail.soap)
    for part in mail.parts:
        digest.update(f"\n{part.content_id} {len(part.data)}\n".encode())
        digest.update(part.data)
    return digest.hexdigest()
