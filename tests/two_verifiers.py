"""Ask both verifiers about one envelope, and damage envelopes in ways that might divide them."""

import random
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.codecs.second_opinion import second_opinion
from gateway.codecs.signing_profile import content_id_of, read_signature
from gateway.codecs.verifying import signed_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.errors import GatewayError, UntrustedSignature

_TOKENS = (
    *(b" ", b"\n", b"\r", b"\t", b"&#13;", b"&#x20;", b"&#10;", b"x", b"\xc3\xa5", b"0", b"="),
    *(b"<!--c-->", b"<?p i?>", b"<![CDATA[]]>", b"<![CDATA[a]]>", b"&amp;", b"<x/>", b"</x>"),
    *(b' xmlns=""', b' xmlns="urn:x"', b' xmlns:q="urn:q"', b' xml:lang="no"', b' Id="a"'),
    *(b' URI=""', b"ds:", b"SOAP:", b"eb:", b"</ds:Reference>", b"<ds:Reference>"),
    *(b"<KeyName>k</KeyName>", b"<ds:KeyName>k</ds:KeyName>", b' xml:space="preserve"'),
    *(b' SOAP:actor="http://schemas.xmlsoap.org/soap/actor/next"', b"cid:", b"CID:", b"%40"),
)


def our_verdict(
    root: etree._Element,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
    at: datetime,
) -> str | bytes:
    """What the daemon decides: the canonical octets that it goes on with, or why it refuses."""
    try:
        signed = signed_envelope(root, certificate=certificate, attachments=attachments, at=at)
    except UntrustedSignature as error:
        return error.detail
    return etree.tostring(signed.root, method="c14n")


def signxml_verdict(
    root: etree._Element,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
    at: datetime,
) -> str | bytes:
    """The same by signxml, after the checks of the profile and of what is covered."""
    try:
        facts = read_signature(root)
        if facts.certificate != certificate.public_bytes(Encoding.DER):
            return "certificate-mismatch"
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
            return "certificate-key"
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return "certificate-dates"
        named = {content_id_of(r.uri, attachments) for r in facts.references if r.uri}
        if None in named or len(named) != len(facts.references) - 1:
            return "reference"
        if len(named) != len(attachments):
            return "attachment-uncovered"
        tree = second_opinion(root, certificate=certificate, at=at, attachments=attachments)
    except UntrustedSignature as error:
        return error.detail
    assert tree is not None
    return etree.tostring(tree, method="c14n")


def require_agreement(
    envelope: bytes,
    certificate: x509.Certificate,
    attachments: Mapping[str, bytes],
    at: datetime,
) -> bool | None:
    """Fail unless both decide the same for the same reason; None if it is no XML at all."""
    try:
        root = parse_untrusted(envelope)
    except GatewayError:
        return None
    before = etree.tostring(root)
    ours = our_verdict(root, certificate, attachments, at)
    theirs = signxml_verdict(root, certificate, attachments, at)
    assert ours == theirs
    assert etree.tostring(root) == before, "the envelope was changed"
    return isinstance(ours, bytes)


def damaged(envelope: bytes, chance: random.Random) -> bytes:
    """One or two changes: an octet, a piece put in, doubled, moved, or taken out."""
    octets = bytearray(envelope)
    for _ in range(chance.choice((1, 1, 1, 2))):
        at = chance.randrange(len(octets))
        size = chance.choice((1, 2, 5, 40, 300))
        match chance.randrange(6):
            case 0:
                octets[at] = chance.randrange(256)
            case 1:
                octets[at:at] = chance.choice(_TOKENS)
            case 2:  # where a token is most likely to leave the document well-formed
                at = octets.find(chance.choice((b">", b"<", b" A", b"/>")), at)
                at += chance.randrange(2)
                octets[at:at] = chance.choice(_TOKENS)
            case 3:
                octets[at:at] = octets[at : at + size]
            case 4:
                del octets[at : at + size]
            case _:
                piece = octets[at : at + size]
                del octets[at : at + size]
                to = chance.randrange(len(octets) + 1)
                octets[to:to] = piece
    return bytes(octets)


def rearranged(envelope: bytes, chance: random.Random) -> bytes:
    """One element doubled, moved, renamed, emptied, taken out, or given text or an attribute."""
    root = parse_untrusted(envelope)
    elements = list(root.iter("{*}*"))
    one, other = chance.choice(elements[1:]), chance.choice(elements)
    match chance.randrange(7):
        case 0:
            other.append(parse_untrusted(etree.tostring(one, with_tail=False)))
        case 1:
            if one not in other.iterancestors() and one is not other:
                other.insert(chance.randrange(len(other) + 1), one)
        case 2:
            one.tag = other.tag
        case 3:
            one.text = chance.choice(("", " ", "x", "AAAA", other.text))
        case 4:
            parent = one.getparent()
            assert parent is not None
            parent.remove(one)
        case 5:
            one.set(
                chance.choice(("Id", "Type", "Algorithm", "Encoding", "x")), chance.choice("ab")
            )
        case _:
            one.tail = chance.choice((" ", "x", "\r\n"))
    return etree.tostring(root)
