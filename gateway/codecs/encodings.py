"""In which encoding a foreign XML document is written, and the same document in UTF-8.

Byte order mark, first bytes and XML declaration must agree (XML 1.0 §4.3.3):
a document that two readers could decode differently is in none. Only encodings
whose ASCII characters cannot be written in a second way are read; UTF-7, UTF-32
and EBCDIC are not.
"""

import re
from typing import Final

from gateway.errors import NotWellFormed

UTF_8: Final = "UTF-8"
US_ASCII: Final = "US-ASCII"

_MARKS: Final = {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe": "UTF-16LE", b"\xfe\xff": "UTF-16BE"}
_WITHOUT_MARK: Final = {b"<\x00?\x00": "UTF-16LE", b"\x00<\x00?": "UTF-16BE"}
_UTF_16: Final = "UTF-16"
# As declared, in lower case and without - and _: many write "utf8", Java "ISO8859_1".
_DECLARED: Final = {
    "utf8": UTF_8,
    "usascii": US_ASCII,
    "ascii": US_ASCII,
    "iso88591": "ISO-8859-1",
    "latin1": "ISO-8859-1",
    "iso885915": "ISO-8859-15",
    "latin9": "ISO-8859-15",
    "windows1252": "windows-1252",
    "cp1252": "windows-1252",
    "utf16": _UTF_16,
    "utf16le": "UTF-16LE",
    "utf16be": "UTF-16BE",
}
_LONGEST_DECLARATION: Final = 1_000  # bytes; ours have fifty
_BEGIN: Final = re.compile(r"<\?xml\s", re.ASCII)
_DECLARATION: Final = re.compile(
    r"""<\?xml \s+version\s*=\s* ("|')1\.[0-9]+\1
        (?: \s+encoding\s*=\s* ("|')(?P<encoding>[A-Za-z][A-Za-z0-9._-]*)\2 )?
        (?: \s+standalone\s*=\s* ("|')(?:yes|no)\4 )?
        \s*\?>""",
    re.VERBOSE | re.ASCII,
)


def encoding_of(body: bytes) -> str:
    """Name the encoding of an XML document, as Python and IANA both call it.

    Without a declared one that is UTF-8; UTF-16 is told with its byte order.

    Raises:
        NotWellFormed: declared is one that is not read, or other than the bytes show.
    """
    marked = next((name for mark, name in _MARKS.items() if body.startswith(mark)), None)
    bare = next((name for start, name in _WITHOUT_MARK.items() if body.startswith(start)), None)
    shown = marked or bare
    head = body[:_LONGEST_DECLARATION].decode(shown or "ISO-8859-1", "replace")
    declared = _declared_in(head.removeprefix("\ufeff"))
    if shown is None:
        found = declared or UTF_8
        agree = not found.startswith(_UTF_16)
    else:
        found = shown
        agree = bool(marked) if declared is None else found.startswith(declared)
    if not agree:
        raise NotWellFormed("the encoding declared is not that of the bytes")
    return found


def _declared_in(head: str) -> str | None:
    if not _BEGIN.match(head):
        return None
    declaration = _DECLARATION.match(head)
    if declaration is None:
        raise NotWellFormed("the XML declaration cannot be read")
    label = declaration["encoding"]
    if label is None:
        return None
    declared = _DECLARED.get(label.lower().replace("-", "").replace("_", ""))
    if declared is None:
        raise NotWellFormed("in an encoding that is not read")
    return declared


def in_utf_8(body: bytes) -> bytes:
    """Return an XML document in UTF-8; its declaration stays as written.

    UTF-8 comes back untouched and unchecked.

    Raises:
        NotWellFormed: as ``encoding_of``, or bytes that the encoding does not have.
    """
    encoding = encoding_of(body)
    if encoding == UTF_8:
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeDecodeError:
        raise NotWellFormed(f"bytes that {encoding} does not have") from None
