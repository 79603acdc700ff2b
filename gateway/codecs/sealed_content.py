"""What senders put inside the seal: the document itself, packed by gzip, or as a MIME entity.

HIS 1037 §5.5 seals the document itself; HITS 1172 §5.15 expects a small MIME
entity around it; some message types of NAV are packed before they are sealed.
"""

import re
import zlib
from typing import Final

from gateway.codecs.mime_entity import (
    DEFAULT_MAIL_LIMITS,
    decode_body,
    parse_content_type,
    split_header,
    transfer_encoding,
)
from gateway.errors import NotEbxml, TooLarge

_GZIP: Final = b"\x1f\x8b"
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEADER_LINE: Final = re.compile(rb"\s*[A-Za-z][A-Za-z0-9-]{0,60}:")


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
    try:
        header, body = split_header(content.lstrip(), DEFAULT_MAIL_LIMITS)
        if not header.fields.keys() & {"content-type", "content-transfer-encoding"}:
            return content  # a line of text with a colon in it
        media_type, _ = parse_content_type(header.only("content-type"))
        if media_type.startswith("multipart/"):
            raise ValueError("not one document")
        return decode_body(body, transfer_encoding(header), [])
    except (NotEbxml, TooLarge):  # what mails are refused for
        raise ValueError("not one document") from None
