"""One MIME entity: header block, parameters, transfer encoding, the parts of a multipart.

Every function is linear in its input and reads no further than the limits
allow, whatever the sender wrote; there is no recursion (RFC 2045, RFC 2046, RFC 2231).
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from gateway.errors import NotEbxml, TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLimits:
    """What one mail may cost. Configurable downwards only (HIS 1037, NHN: 51 200 000 bytes)."""

    max_bytes: int = 51_200_000
    max_header_bytes: int = 65_536  # of the mail, and of each part
    max_parts: int = 32


DEFAULT_MAIL_LIMITS: Final = MailLimits()

_END_OF_HEADER: Final = re.compile(rb"\r?\n\r?\n")
# A bare CR too: only CRLF and LF end a line here, whatever another reader thinks.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_LINE_END: Final = re.compile(r"\r?\n")
# Possessive throughout: a hostile header must not make the search quadratic.
_PARAMETER: Final = re.compile(
    r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]++)\s*+=\s*+"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>[^;]*+))',
    re.DOTALL,
)
_SEPARATORS: Final = re.compile(r"[\s;]*+")
_DECISIVE: Final = ("boundary", "start", "type")
# RFC 2231 §3-4: name*0, name*1*, name*; libraries for Java break values of 60 characters up.
_SECTION: Final = re.compile(r"(?P<name>[^*]+)(?:\*(?P<number>0|[1-9][0-9]?))?(?P<encoded>\*)?")
# A comment begins after white space, or at the very start: a bare word may hold a parenthesis.
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"|(?:(?<=\s)|\A)\((?:[^()\\]|\\.)*+\)|\\.|[^"(\\]++|.', re.DOTALL
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_BLANKS: Final = b" \t\r\n\f\v"
_FOREIGN_LINE: Final = re.compile(rb"\n[ \t]*+--")
_NOT_BASE64: Final = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


@dataclass(slots=True)
class Header:
    """The fields of one header block, by lower-case name, each in document order.

    Values are unfolded and stripped. ``findings`` tells what was tolerated.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def first(self, name: str) -> str | None:
        """First value of a field, None when it is absent or blank."""
        values = self.fields.get(name)
        return (values[0] or None) if values else None

    def only(self, name: str) -> str | None:
        """Value of a structured field that decides how the rest is read, without comments.

        Raises:
            NotEbxml: it is there twice, so that two readers could disagree.
        """
        if len(self.fields.get(name, ())) > 1:
            raise NotEbxml(f"the header has more than one {name}")
        value = self.first(name)
        return value if value is None or "(" not in value else _without_comments(value) or None


def split_header(entity: bytes, limits: MailLimits) -> tuple[Header, bytes]:
    """Split one entity into its fields and its body.

    Raises:
        TooLarge: the header is longer than ``limits.max_header_bytes``.
    """
    if entity.startswith((b"\n", b"\r\n")):  # a part without any header
        return Header(), entity[1 if entity.startswith(b"\n") else 2 :]
    end = _END_OF_HEADER.search(entity, 0, limits.max_header_bytes + 4)
    if end is not None:
        block, body = entity[: end.start()], entity[end.end() :]
    elif len(entity) > limits.max_header_bytes:
        raise TooLarge(f"a header of more than {limits.max_header_bytes} bytes")
    else:
        block, body = entity, b""
    return _fields(block), body


def _fields(block: bytes) -> Header:
    header = Header()
    if block.isascii():
        text = block.decode("ascii")
    else:
        header.findings.append("header-not-ascii")
        try:
            text = block.decode("utf-8")
        except UnicodeDecodeError:
            text = block.decode("latin-1")
    if _CONTROL.search(text):  # no journal or log should ever see them
        header.findings.append("header-control-characters")
        text = _CONTROL.sub("?", text)
    unfolded: list[list[str]] = []
    for line in _LINE_END.split(text):
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1].append(line)
        else:
            unfolded.append([line])
    for pieces in unfolded:
        name, colon, value = " ".join(pieces).partition(":")
        if not colon or not name.strip():
            if name.strip():
                header.findings.append("header-line-without-colon")
            continue
        header.fields.setdefault(name.strip().lower(), []).append(value.strip())
    return header


def parse_content_type(value: str | None) -> tuple[str, dict[str, str]]:
    """Media type in lower case and its parameters by lower-case name.

    ``("", {})`` when absent. Tolerates a trailing ``;``, a missing ``;`` after
    a quoted value, and unquoted values with characters that want quotes. A value in
    sections (RFC 2231) is put together under its plain name.

    Raises:
        NotEbxml: boundary, start or type is given twice with different values.
    """
    if not value:
        return "", {}
    media_type, _, rest = value.partition(";")
    parameters: dict[str, str] = {}
    position = 0
    while position < len(rest):
        if separators := _SEPARATORS.match(rest, position):
            position = separators.end()
        match = _PARAMETER.match(rest, position)
        if match is None:
            following = rest.find(";", position)
            if following < 0:
                break
            position = following
            continue
        position = match.end()
        quoted = match["quoted"]
        text = match["bare"].strip() if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
        _note(parameters, match["name"].lower(), text)
    for name, text in _in_one_piece(parameters).items():
        _note(parameters, name, text)
    return media_type.strip().lower(), parameters


def _note(parameters: dict[str, str], name: str, text: str) -> None:
    if parameters.setdefault(name, text) != text and name.partition("*")[0] in _DECISIVE:
        raise NotEbxml(f"Content-Type has two different values for {name}")


def _in_one_piece(parameters: dict[str, str]) -> dict[str, str]:
    """The values that came in sections or percent-encoded, by their plain names."""
    sections: dict[str, dict[int, str]] = {}
    for written, text in parameters.items():
        match = _SECTION.fullmatch(written)
        if match is None or "*" not in written:
            continue
        number = int(match["number"] or 0)
        if match["encoded"]:
            text = unquote(text.split("'", 2)[-1] if number == 0 else text)
        sections.setdefault(match["name"], {})[number] = text
    return {
        name: "".join(found[number] for number in range(len(found)))
        for name, found in sections.items()
        if len(found) == max(found) + 1  # else one is missing, and what is left is no value
    }


def _without_comments(value: str) -> str:
    """A structured field without what stands in parentheses (RFC 5322 §3.2.2); one level deep."""
    tokens = (match[0] for match in _TOKEN.finditer(value))
    return "".join(token for token in tokens if not (len(token) > 1 and token[0] == "(")).strip()


def split_multipart(
    body: bytes, boundary: str, limits: MailLimits, findings: list[str]
) -> list[bytes]:
    """The parts between the delimiter lines, without the line break that belongs to a delimiter.

    Adds ``multipart-not-closed`` to ``findings`` when the closing delimiter is
    absent: the signature tells whether anything is missing.

    Raises:
        NotEbxml: no usable boundary, or no part.
        TooLarge: more than ``limits.max_parts`` parts.
    """
    if not boundary or len(boundary) > 200 or not boundary.isascii():
        raise NotEbxml("multipart without a usable boundary")
    delimiter = b"--" + boundary.encode("ascii")
    parts: list[bytes] = []
    start = -1  # where the present part begins; -1 in the preamble
    position = 0
    while (found := body.find(delimiter, position)) >= 0:
        position = found + len(delimiter)
        if found and body[found - 1] != 0x0A:
            continue  # not at the start of a line
        closing = body.startswith(b"--", position)
        line_end = body.find(b"\n", position)
        line_end = len(body) if line_end < 0 else line_end
        if body[position + 2 * closing : line_end].strip(b" \t\r"):
            continue  # a longer word that only begins like the boundary
        if start >= 0:
            if len(parts) == limits.max_parts:
                raise TooLarge(f"more than {limits.max_parts} MIME parts")
            parts.append(_without_last_line_break(body[start:found]))
        start = min(line_end + 1, len(body))
        position = line_end
        if closing:
            break
    else:
        findings.append("multipart-not-closed")
        if start >= 0:
            parts.append(_without_last_line_break(body[start:]))
    if not parts:
        raise NotEbxml("multipart without parts")
    if len(parts) > limits.max_parts:
        raise TooLarge(f"more than {limits.max_parts} MIME parts")
    return parts


def _without_last_line_break(part: bytes) -> bytes:
    if part.endswith(b"\r\n"):
        return part[:-2]
    return part[:-1] if part.endswith(b"\n") else part


def transfer_encoding(header: Header) -> str:
    """The transfer encoding of an entity, for :func:`decode_body`.

    Raises:
        NotEbxml: the header says it twice.
    """
    return (header.only("content-transfer-encoding") or "").rstrip("; \t").lower()


def decode_body(body: bytes, encoding: str, findings: list[str]) -> bytes:
    """Undo the transfer encoding, given in lower case; "" when the header was absent.

    Damaged base64 is decoded as far as it goes, with a finding: the digests of
    the signature decide whether it was the content, and the sender can be told.

    Raises:
        NotEbxml: an encoding outside RFC 2045.
    """
    if encoding == "base64":
        return _decode_base64(body, findings)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in ("", "7bit", "8bit", "binary"):
        return body
    raise NotEbxml("unknown Content-Transfer-Encoding")


def _decode_base64(body: bytes, findings: list[str]) -> bytes:
    try:
        return binascii.a2b_base64(body.translate(None, _BLANKS), strict_mode=True)
    except binascii.Error:
        findings.append("base64-junk")
    # A line of dashes is a boundary or a mailing list's footer that somebody left behind;
    # its letters would decode to false bytes. All other foreign bytes are to be ignored
    # (RFC 2045 §6.8), and padding ends the content.
    cut = _FOREIGN_LINE.search(body)
    clean = body[: cut.start()] if cut else body
    content = clean.split(b"=", 1)[0].translate(None, _NOT_BASE64)
    if len(content) % 4 == 1:
        content = content[:-1]  # six bits make no byte
    return binascii.a2b_base64(content + b"=" * (-len(content) % 4))
