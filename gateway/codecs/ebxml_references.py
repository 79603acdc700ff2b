"""The ds:Reference elements of an envelope: what was signed, and what an Acknowledgment repeats."""

import re
from typing import Final
from urllib.parse import unquote

from lxml import etree

from gateway.codecs.ebxml_tree import children, text_of
from gateway.codecs.signing_profile import copyable
from gateway.codecs.xml import DS, SOAP, namespace_of
from gateway.domain.envelope import SignedReference
from gateway.errors import UntrustedSignature

_CID: Final = re.compile("cid:", re.IGNORECASE)


def content_id_of(uri: str) -> str | None:
    """The Content-ID a ``cid:`` reference means, percent-decoded; None for any other URI."""
    uri = uri.strip()
    if _CID.match(uri) is None:
        return None
    name = uri[4:]
    if name.startswith("<") and name.endswith(">"):  # brackets belong to the part's header only
        name = name[1:-1]
    return unquote(name) or None


def references_of(root: etree._Element) -> tuple[SignedReference, ...]:
    """The references of the envelope's own signature, in document order; () when unsigned.

    Only those under Header/Signature/SignedInfo: an Acknowledgment holds copies
    of somebody else's, and ds:Object could hold anything (HITS 1171 §5.2.3.3).

    Raises:
        UntrustedSignature: more than one Header, Signature or SignedInfo.
    """
    found = [root]
    for namespace, name in ((SOAP, "Header"), (DS, "Signature"), (DS, "SignedInfo")):
        found = [child for parent in found for child in children(parent, namespace, name)]
        if len(found) > 1:
            raise UntrustedSignature(f"more than one {name}")
    return tuple(
        read_reference(element, with_xml=True)
        for parent in found
        for element in children(parent, DS, "Reference")
    )


def read_reference(element: etree._Element, *, with_xml: bool = False) -> SignedReference:
    """One ds:Reference; attributes and children it lacks are read as "".

    Its children are looked up in the namespace of the element itself: an
    official example of the Acknowledgment writes the copies without namespace.
    """
    namespace = namespace_of(element)
    prefix = f"{{{namespace}}}" if namespace else ""
    method = element.find(f"{prefix}DigestMethod")
    digest = text_of(element.find(f"{prefix}DigestValue"))
    return SignedReference(
        uri=(element.get("URI") or "").strip(),
        digest_method=(method.get("Algorithm") or "").strip() if method is not None else "",
        digest="".join(digest.split()),
        xml=copyable(element) if with_xml else b"",
    )
