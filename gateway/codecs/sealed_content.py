"""What senders put inside the seal: the document itself, packed by gzip, or as a MIME entity.

HIS 1037 §5.5 seals the document itself; HITS 1172 §5.15 expects a small MIME
entity around it; some message types of NAV are packed before they are sealed.
"""

import email
import re
import zlib
from email import policy
from typing import Final

_GZIP: Final = b"\x1f\x8b"
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEADER_LINE: Final = re.compile(rb"\s*[A-Za-z][A-Za-z0-9-]{0,60}:")
_TRANSFER_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})


def document_in(content: bytes, *, max_bytes: int) -> bytes:
    """Return the document in what came out of a seal.

    Content that is neither XML, gzip nor a MIME entity comes back as it is: the
    XML parser will refuse it, and the sender is told so (T01).

    Raises:
        ValueError: more than ``max_bytes``, broken gzip, or a MIME entity that
            is not one document.
    """
    if content.startswith(_GZIP):
        content = _inflated(content, max_bytes)
    if not _looks_like_xml(content) and _HEADER_LINE.match(content):
        content = _entity_body(content)
        if content.startswith(_GZIP):
            content = _inflated(content, max_bytes)
    if len(content) > max_bytes:
        raise ValueError("too large")
    return content


def _looks_like_xml(content: bytes) -> bool:
    return content.startswith(_BYTE_ORDER_MARKS) or content[:256].lstrip().startswith(b"<")


def _inflated(packed: bytes, max_bytes: int) -> bytes:
    """Inflate one gzip member, never past ``max_bytes``; what follows it is dropped."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = inflater.decompress(packed, max_bytes + 1)
    if len(content) > max_bytes or not inflater.eof:
        raise ValueError("inflates beyond the limit, or is cut off")
    return content


def _entity_body(content: bytes) -> bytes:
    entity = email.message_from_bytes(content.lstrip(), policy=policy.compat32)
    encoding = str(entity.get("Content-Transfer-Encoding", "")).strip().lower()
    if "Content-Type" not in entity and "Content-Transfer-Encoding" not in entity:
        return content  # a line of text with a colon in it
    if entity.is_multipart() or encoding not in _TRANSFER_ENCODINGS:
        raise ValueError("not one document")
    body = entity.get_payload(decode=True)
    if not isinstance(body, bytes):
        raise ValueError("not one document")
    return body
