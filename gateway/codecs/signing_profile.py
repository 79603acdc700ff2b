"""The signature profile of the national ebXML framework: what may be signed, and how.

One ``ds:Signature`` as a child of SOAP:Header; one reference to the envelope
with the transforms enveloped-signature, XPath and C14N; one ``cid:`` reference
to each payload part, without transforms; rsa-sha256 and sha256; one certificate
(HIS 1037 §5.5 and §6.2.3, HITS 1172 §5.10). Everything else is refused here,
before any cryptography: a transform that a verifier does not know would
otherwise be skipped in silence.
"""

import base64
import binascii
import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from lxml import etree

from gateway.codecs.canonical import EXCLUSIVE_C14N, canonical_envelope, standing_alone
from gateway.codecs.reading import BLANKS
from gateway.codecs.xml import DS, SOAP
from gateway.domain.envelope import SignedReference
from gateway.errors import UntrustedSignature

C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH_PREFIX: Final = "SOAP-ENV"
XPATH_TEXT: Final = (
    'not(ancestor-or-self::node()[@SOAP-ENV:actor="urn:oasis:names:tc:ebxml-msg:actor:nextMSH"]'
    ' | ancestor-or-self::node()[@SOAP-ENV:actor="http://schemas.xmlsoap.org/soap/actor/next"])'
)

MAX_REFERENCES: Final = 200  # each costs time before anything is verified

NO_XPATH_FINDING: Final = "signature-without-xpath-transform"
EXCLUSIVE_FINDING: Final = "signature-with-exclusive-c14n"

_ACTOR_TEST: Final = re.compile(r"@([\w.-]+):actor=")
_XPATH_TOKEN: Final = re.compile(r"""("[^"]*"|'[^']*')|\s+""")
_WHITE_SPACE: Final = re.compile(r"\s+")
_NOT_ELEMENTS: Final = (etree.Comment, etree.ProcessingInstruction, etree.Entity)
_CID_SAFE: Final = "@!$&'()*+,;=:/-._~"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """What a signature says about itself; nothing of it is verified.

    ``certificate`` is DER. ``references`` are in document order, without
    their ``xml``: to be copied they must be verified. ``findings`` are the deviations that
    the profile lets pass.
    """

    algorithm: str
    canonicalization: str
    certificate: bytes
    references: tuple[SignedReference, ...]
    findings: tuple[str, ...] = ()


def cid_uri(content_id: str) -> str:
    """Return the ``cid:`` URI of a Content-ID without angle brackets (RFC 2392).

    Manifest and signature must write the same text (HITS 1172 rule 34), so
    both take it from here. An ``@`` stays as it is.
    """
    return "cid:" + quote(content_id, safe=_CID_SAFE)


def content_id_of(uri: str, among: Collection[str]) -> str | None:
    """Return which of the Content-IDs ``among`` a ``cid:`` URI means; None if none.

    Senders encode ``@`` or leave it; some write a literal ``%``, or the angle
    brackets that belong to the header of the part only.
    """
    raw = uri[len("cid:") :]
    plain = unquote(raw)
    return next(
        (name for name in (plain, raw, plain.removeprefix("<").removesuffix(">")) if name in among),
        None,
    )


def signature_element(root: etree._Element) -> etree._Element:
    """Return the one ds:Signature of an envelope, a child of its SOAP:Header.

    Raises:
        UntrustedSignature: ``no-signature``, ``several-signatures`` anywhere in
            the document, ``signature-misplaced`` (HITS 1172 rules 45 and 52).
    """
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if not signatures:
        raise UntrustedSignature("no-signature")
    if len(signatures) > 1:
        raise UntrustedSignature("several-signatures")
    headers = root.findall(f"{{{SOAP}}}Header")
    placed = (
        root.tag == f"{{{SOAP}}}Envelope"
        and root.getparent() is None
        and len(headers) == 1
        and signatures[0].getparent() is headers[0]
    )
    if not placed:
        raise UntrustedSignature("signature-misplaced")
    return signatures[0]


def read_signature(root: etree._Element) -> SignatureFacts:
    """Check the form of an envelope's signature against the profile and read it.

    Raises:
        UntrustedSignature: as :func:`signature_element`; ``signature-structure``,
            ``algorithm``, ``transform``, ``reference`` or ``key-info`` for what
            is outside the profile.
    """
    signature = signature_element(root)
    if next(signature.iter(*_NOT_ELEMENTS), None) is not None:
        # Comments split text in two; a reader that takes the first half and a
        # verifier that takes both would disagree about what was signed.
        raise UntrustedSignature("signature-structure")
    if (signature.tail or "").strip(BLANKS):
        raise UntrustedSignature("signature-structure")  # words behind it; a line end is none
    signed_info, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    if not decoded(value.text):
        raise UntrustedSignature("signature-structure")
    parts = list(signed_info)
    references = parts[2:]
    names = ["CanonicalizationMethod", "SignatureMethod", *["Reference"] * len(references)]
    _require_names(parts, *names)
    if len(references) > MAX_REFERENCES:
        raise UntrustedSignature("reference")
    method, algorithm = parts[:2]
    canonicalization = method.get("Algorithm", "")
    if canonicalization not in {C14N, EXCLUSIVE_C14N} or algorithm.get("Algorithm") != RSA_SHA256:
        raise UntrustedSignature("algorithm")
    findings = [EXCLUSIVE_FINDING] if canonicalization == EXCLUSIVE_C14N else []
    read = tuple(_reference(reference) for reference in references)
    uris = [reference.uri for reference in read]
    if uris.count("") != 1 or len(set(uris)) != len(uris):
        raise UntrustedSignature("reference")
    if not has_xpath(references[uris.index("")]):
        findings.append(NO_XPATH_FINDING)
    return SignatureFacts(
        algorithm=RSA_SHA256,
        canonicalization=canonicalization,
        certificate=_certificate(key_info),
        references=read,
        findings=tuple(findings),
    )


def has_xpath(reference: etree._Element) -> bool:
    """True if a reference lists the XPath transform; its text is checked elsewhere."""
    return any(t.get("Algorithm") == XPATH for t in reference.iter(f"{{{DS}}}Transform"))


def octets_of(
    reference: etree._Element, root: etree._Element, attachments: Mapping[str, bytes]
) -> bytes | None:
    """Return what one reference is the digest of; None when there is no such part.

    Raises:
        UntrustedSignature: as ``canonical_envelope``.
    """
    uri = reference.get("URI", "")
    if uri == "":
        return canonical_envelope(root, xpath=has_xpath(reference))
    name = content_id_of(uri, attachments)
    return attachments[name] if name is not None else None


def decoded(text: str | None) -> bytes:
    """Decode base64 that may be broken over lines.

    Raises:
        UntrustedSignature: ``signature-structure``, for anything else.
    """
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise UntrustedSignature("signature-structure") from None


def _children(parent: etree._Element, *names: str) -> list[etree._Element]:
    children = list(parent)
    _require_names(children, *names)
    return children


def _require_names(elements: list[etree._Element], *names: str) -> None:
    if [element.tag for element in elements] != [f"{{{DS}}}{name}" for name in names]:
        raise UntrustedSignature("signature-structure")


def _reference(reference: etree._Element) -> SignedReference:
    uri = reference.get("URI")
    if uri is None or not (uri == "" or uri[:4].lower() == "cid:"):
        raise UntrustedSignature("reference")  # HITS 1172 rule 34
    children = list(reference)
    if children and children[0].tag == f"{{{DS}}}Transforms":
        transforms = list(children.pop(0))
    else:
        transforms = []
    _require_names(children, "DigestMethod", "DigestValue")
    _require_transforms(transforms, envelope=uri == "")
    if children[0].get("Algorithm") != SHA256:
        raise UntrustedSignature("algorithm")
    return SignedReference(
        uri=uri,
        digest_method=SHA256,
        digest=base64.b64encode(decoded(children[1].text)).decode(),
        xml=b"",  # what is not verified is not to be copied
    )


def _require_transforms(transforms: list[etree._Element], *, envelope: bool) -> None:
    _require_names(transforms, *["Transform"] * len(transforms))
    algorithms = sorted(transform.get("Algorithm", "") for transform in transforms)
    # HITS 1172 rule 38 wants three; older systems leave the XPath transform out.
    allowed = [sorted([ENVELOPED, XPATH, C14N]), sorted([ENVELOPED, C14N])] if envelope else [[]]
    if algorithms not in allowed:
        raise UntrustedSignature("transform")
    for transform in transforms:
        if transform.get("Algorithm") != XPATH:
            if len(transform):
                raise UntrustedSignature("transform")
        elif len(transform) != 1 or not _is_profile_xpath(transform[0]):
            raise UntrustedSignature("transform")


def _is_profile_xpath(xpath: etree._Element) -> bool:
    """Compare white space, quotes and prefix away; senders write ``not (`` and ``] )``."""
    if xpath.tag != f"{{{DS}}}XPath" or len(xpath):
        return False
    if xpath.text == XPATH_TEXT and xpath.nsmap.get(XPATH_PREFIX) == SOAP:
        return True  # as most write it
    text = _XPATH_TOKEN.sub(lambda match: match[1] or "", xpath.text or "")
    prefixes = set(_ACTOR_TEST.findall(text))
    if any(xpath.nsmap.get(prefix) != SOAP for prefix in prefixes):
        return False
    text = _ACTOR_TEST.sub(f"@{XPATH_PREFIX}:actor=", text).replace("'", '"')
    return text == XPATH_TEXT.replace(" | ", "|")


def _certificate(key_info: etree._Element) -> bytes:
    data = key_info.findall(f"{{{DS}}}X509Data")
    certificates = [c for part in data for c in part.findall(f"{{{DS}}}X509Certificate")]
    if len(data) != 1 or len(certificates) != 1 or len(certificates[0]):
        raise UntrustedSignature("key-info")  # HITS 1172 rules 32, 41, 65, 103
    return decoded(certificates[0].text)


def copyable(reference: etree._Element) -> bytes:
    """Write a ds:Reference as a document of its own, for the eb:Acknowledgment to repeat.

    It declares the namespaces that it needs and no other, those included that
    only the text of an XPath needs.
    """
    named = sorted({p for x in reference.iter(f"{{{DS}}}XPath") for p in _prefixes_in(x)})
    if any(prefix in reference.nsmap for prefix in named):  # declared above: a copy loses it
        alone = standing_alone(reference)
    else:
        alone = copy.deepcopy(reference)
        alone.tail = None
    etree.cleanup_namespaces(alone, keep_ns_prefixes=named)  # a prefix in text looks unused
    return etree.tostring(alone)


def _prefixes_in(xpath: etree._Element) -> list[str]:
    if xpath.text == XPATH_TEXT:
        return [XPATH_PREFIX]
    text = _WHITE_SPACE.sub("", xpath.text or "")
    return [prefix for prefix in xpath.nsmap if prefix and f"{prefix}:" in text]
