"""Documents with a personal signature, in any form a stranger might write."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.codecs.xml import parse_untrusted
from tests.builders_keys import a_certificate, a_private_key
from tests.builders_signatures import (
    C14N,
    CANONICAL,
    ENVELOPED,
    EXCLUSIVE_C14N,
    RSA_SHA256,
    SHA1,
    SHA256,
)

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
DIGESTS = {
    SHA1: "sha1",
    SHA256: "sha256",
    f"{MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person, with a certificate that the person made."""

    key: Key
    certificate: x509.Certificate


@cache
def a_doctor(bits: int = 2048, **certificate: Any) -> Signer:
    """RSA; valid on every day that the tests know unless told otherwise."""
    return _person(a_private_key("doctor", bits), **certificate)


@cache
def a_doctor_on(curve: type[ec.EllipticCurve]) -> Signer:
    return _person(ec.generate_private_key(curve()), usage=("digital_signature",))


def _person(key: Key, **certificate: Any) -> Signer:
    dates = {
        "not_before": datetime(2020, 1, 1, tzinfo=UTC),
        "not_after": datetime(2035, 1, 1, tzinfo=UTC),
    }
    return Signer(key=key, certificate=a_certificate(key, **{**dates, **certificate}))


def personally_signed(
    document: bytes,
    *,
    signer: Signer | None = None,
    prefix: str = "",
    canonicalization: str = f'<CanonicalizationMethod Algorithm="{C14N}"/>',
    method: str = RSA_SHA256,
    digest_method: str = SHA256,
    transforms: Sequence[str] = (ENVELOPED, CANONICAL),
    uri: str = ' URI=""',
    second: str = "",
    key_info: str | None = None,
    behind: str = "",
) -> bytes:
    """The document with a signature by hand, in any form: digest and value are always right.

    ``key_info``: the whole element, the signer's certificate if None; ``behind``: what
    stands after it in the signature.
    """
    signer = signer or a_doctor()
    root = parse_untrusted(document)
    octets = etree.tostring(
        root.getroottree(),
        method="c14n",
        with_comments=False,
        exclusive=EXCLUSIVE_C14N in "".join(transforms),
    )
    digest = base64.b64encode(hashlib.new(DIGESTS[digest_method], octets).digest()).decode()
    if key_info is None:
        key_info = f"<KeyInfo>{x509_data(signer)}</KeyInfo>"
    listed = f"<Transforms>{''.join(transforms)}</Transforms>" if transforms else ""
    text = (
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
        f"{canonicalization}\n"
        f'<SignatureMethod Algorithm="{method}"/><Reference{uri}>{listed}'
        f'<DigestMethod Algorithm="{digest_method}"/>'
        f"<DigestValue>{digest}</DigestValue></Reference>{second}</SignedInfo>"
        f"<SignatureValue/>{key_info}{behind}</Signature>"
    )
    if prefix:
        text = re.sub(r"<(/?)(?=[A-Z])", rf"<\1{prefix}:", text)
        text = text.replace("xmlns=", f"xmlns:{prefix}=", 1)
    # As text, so that every other byte stays as it was.
    head, end = document.rsplit(b"</", 1)
    whole = head + text.encode() + b"</" + end
    value = base64.b64encode(_value(whole, signer, method)).decode()
    empty = f"<{prefix}:SignatureValue/>" if prefix else "<SignatureValue/>"
    filled = empty.replace("/>", f">{value}</") + empty[1:].replace("/>", ">")
    return head + text.replace(empty, filled).encode() + b"</" + end


def x509_data(*signers: Signer) -> str:
    ders = (signer.certificate.public_bytes(Encoding.DER) for signer in signers)
    listed = "".join(
        f"<X509Certificate>{base64.b64encode(der).decode()}</X509Certificate>" for der in ders
    )
    return f"<X509Data>{listed}</X509Data>"


def _value(whole: bytes, signer: Signer, method: str) -> bytes:
    signature = parse_untrusted(whole)[-1]
    algorithm = HASHES[method.rpartition("sha")[2]]
    exclusive = EXCLUSIVE_C14N in signature[0][0].get("Algorithm", "")
    alone = parse_untrusted(etree.tostring(signature[0], with_tail=False))
    if not exclusive:  # C14N 1.0 §2.4: inherited attributes of the xml namespace are covered
        for name, inherited in signature.getroottree().getroot().attrib.items():
            if str(name).startswith("{http://www.w3.org/XML/1998/namespace}"):
                alone.set(name, inherited)
    octets = etree.tostring(alone, method="c14n", exclusive=exclusive, with_comments=False)
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(octets, padding.PKCS1v15(), algorithm)
    r, s = decode_dss_signature(signer.key.sign(octets, ec.ECDSA(algorithm)))
    size = (signer.key.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)
