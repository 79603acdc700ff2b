"""What was in the sealed part of a mail, read as far as it goes."""

import hashlib
from dataclasses import dataclass, replace

from lxml import etree

from gateway.codecs.canonical import canonical_form
from gateway.codecs.copy_receivers import copy_receivers
from gateway.codecs.document import Document, read_tree
from gateway.codecs.msghead import MessagePeek, peek_message
from gateway.domain.findings import Direction
from gateway.domain.message import Code, Party
from gateway.domain.screening import ScreeningPolicy, kind_of
from gateway.errors import GatewayError, UntrustedSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was in the sealed part; exactly one of ``document`` and ``error`` is set.

    The message kind is that of code list 8279, whatever accepted spelling the body has.
    ``copies`` are the organisations in OtherReceiver, also of a document that is refused.
    ``digest`` is the SHA-256 of its canonical form, hex, without comments: how it was
    written makes no other document. Of what is not XML, it is that of the bytes.
    """

    body: bytes
    digest: str
    peek: MessagePeek
    copies: tuple[Party, ...] = ()
    document: Document | None = None
    error: GatewayError | None = None

    @property
    def digests(self) -> tuple[str, str]:
        """By which an earlier copy is known: entries of the first schema hold that of the bytes."""
        return self.digest, _sha256(self.body)


def opened(
    body: bytes,
    root: etree._Element | None,
    error: GatewayError | None,
    policy: ScreeningPolicy,
) -> Opened:
    """Read a business document; ``root`` is None, with the reason, when it is not XML."""
    if root is None:
        return Opened(body=body, digest=_sha256(body), peek=MessagePeek(), error=error)
    digest = _digest(root, body)
    try:
        document = read_tree(root)
    except GatewayError as fault:
        peek, copies = peek_message(root), copy_receivers(root)
        if peek.type is not None:
            peek = replace(peek, type=_coded(peek.type, policy))
        return Opened(body=body, digest=digest, peek=peek, copies=copies, error=fault)
    message = document.message
    message = replace(message, type=_coded(message.type, policy))
    document = replace(document, message=message)
    peek = MessagePeek(
        type=message.type,
        msg_id=message.msg_id,
        gen_date_text=message.gen_date_text,
        sender=message.sender,
        receiver=message.receiver,
    )
    copies = tuple(other.party for other in message.other_receivers if other.party is not None)
    return Opened(body=body, digest=digest, peek=peek, copies=copies, document=document)


def _coded(kind: Code, policy: ScreeningPolicy) -> Code:
    return replace(kind, value=kind_of(kind.value, Direction.INCOMING, policy))


def _digest(root: etree._Element, body: bytes) -> str:
    try:
        return _sha256(canonical_form(root.getroottree()))
    except UntrustedSignature:  # C14N has no form for a relative namespace URI
        return _sha256(body)


def _sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
