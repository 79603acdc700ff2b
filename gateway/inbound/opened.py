"""What was in the sealed part of a mail, read as far as it goes."""

import hashlib
from dataclasses import dataclass

from lxml import etree

from gateway.codecs.copy_receivers import copy_receivers
from gateway.codecs.document import Document, read_tree
from gateway.codecs.msghead import MessagePeek, peek_message
from gateway.domain.message import Party
from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was in the sealed part; exactly one of ``document`` and ``error`` is set.

    ``copies`` are the organisations in OtherReceiver, also of a document that is refused.
    """

    body: bytes
    peek: MessagePeek
    copies: tuple[Party, ...] = ()
    document: Document | None = None
    error: GatewayError | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes as they were sealed, hex."""
        return hashlib.sha256(self.body).hexdigest()


def opened(body: bytes, root: etree._Element | None, error: GatewayError | None) -> Opened:
    """Read a business document; ``root`` is None, with the reason, when it is not XML."""
    if root is None:
        return Opened(body=body, peek=MessagePeek(), error=error)
    try:
        document = read_tree(root)
    except GatewayError as fault:
        peek, copies = peek_message(root), copy_receivers(root)
        return Opened(body=body, peek=peek, copies=copies, error=fault)
    message = document.message
    peek = MessagePeek(
        type=message.type,
        msg_id=message.msg_id,
        gen_date_text=message.gen_date_text,
        sender=message.sender,
        receiver=message.receiver,
    )
    copies = tuple(other.party for other in message.other_receivers if other.party is not None)
    return Opened(body=body, peek=peek, copies=copies, document=document)
