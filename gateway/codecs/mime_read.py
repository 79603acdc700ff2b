"""Read one mail: which part is the envelope, and which parts come with it.

Tolerant where real senders deviate and the signature decides anyway, strict
where two readers could see two different messages (HITS 1172 §5.5, rules 18-23,
66-67, 250-260).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gateway.codecs.mime_entity import (
    DEFAULT_MAIL_LIMITS,
    Header,
    MailLimits,
    decode_body,
    parse_content_type,
    split_header,
    split_multipart,
    transfer_encoding,
)
from gateway.codecs.mime_write import Part
from gateway.domain.identifiers import bare_mail_id
from gateway.errors import NotEbxml, TooLarge

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"')
_ANGLE: Final = re.compile(r"<([^<>\s]*+)>")
_MSG_ID: Final = re.compile(r"<[^<>\s]++>|[^<>\s,]++")
_MAX_ADDRESS_FIELD: Final = 2_000  # characters; quoted strings in a longer one could cost seconds
_MAX_REFERENCES: Final = 100
_NEEDED: Final = ("from", "to", "message-id", "date", "mime-version")  # rules 18-21, 80-83, 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a mail says about itself, and its decoded parts.

    Header values are for matching and logging, never for trust; None when
    absent. ``message_id`` and ``in_reply_to`` (In-Reply-To and References, by
    which SOAP Faults are matched) are without brackets. ``findings`` are the
    tolerated deviations, as codes.
    """

    message_id: str | None
    sender: str | None  # bare address
    recipient: str | None
    date_text: str | None
    soap_action: str | None  # without quotes
    mailer: str | None
    auto_submitted: bool
    in_reply_to: tuple[str, ...]
    soap: bytes
    soap_content_id: str
    parts: tuple[Part, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Leaf:
    part: Part
    encoding: str  # Content-Transfer-Encoding in lower case
    charset: str


def parse_mail(raw: bytes, *, limits: MailLimits = DEFAULT_MAIL_LIMITS) -> Mail:
    """Split one mail into the envelope and its parts.

    Args:
        raw: the mail as received, with CRLF or LF line ends.
        limits: bounds on its size, its headers and the number of parts; a
            multipart inside a multipart is refused whatever the limits.

    Raises:
        TooLarge: a limit is exceeded.
        NotEbxml: no envelope can be found without doubt: another content type,
            a broken or nested multipart, equal Content-IDs, or several parts
            that could be the root where neither start nor the first place tells.
    """
    if len(raw) > limits.max_bytes:
        raise TooLarge(f"mail of {len(raw)} bytes; the limit is {limits.max_bytes}")
    header, body = split_header(raw, limits)
    findings = header.findings
    _note_header_faults(header, findings)
    media_type, parameters = parse_content_type(header.only("content-type"))
    if media_type == "multipart/related":
        leaves = _leaves(body, parameters, limits, findings)
        root = _root(leaves, parameters, findings)
    elif media_type == "text/xml":
        leaves, root = [_leaf(header, body, findings)], 0
    else:
        raise NotEbxml("Content-Type is neither multipart/related nor text/xml")
    soap = leaves.pop(root)
    _note_part_faults(soap, leaves, findings)
    return Mail(
        message_id=message_id_in(header),
        sender=address_of(header.first("from")),
        recipient=address_of(header.first("to")),
        date_text=header.first("date"),
        soap_action=_unquoted(header.first("soapaction")),
        mailer=header.first("x-mailer"),
        auto_submitted=is_marked_automatic(header),
        in_reply_to=_referenced_ids(header),
        soap=soap.part.data.lstrip() if soap.part.data[:1].isspace() else soap.part.data,
        soap_content_id=soap.part.content_id,
        parts=tuple(leaf.part for leaf in leaves),
        findings=tuple(dict.fromkeys(findings)),
    )


def mail_id_of(raw: bytes, *, limits: MailLimits = DEFAULT_MAIL_LIMITS) -> str | None:
    """Message-ID of any mail, without brackets; None when it has none that can be read."""
    try:
        header, _ = split_header(raw[: limits.max_header_bytes + 1], limits)
    except TooLarge:
        return None
    return message_id_in(header)


def message_id_in(header: Header) -> str | None:
    """Message-ID of a header block, without brackets; None when there is none."""
    return bare_mail_id(header.first("message-id") or "") or None


def part_named(parts: Iterable[Part], content_id: str) -> Part | None:
    """The part that a ``cid:`` reference means; None when there is none.

    ``content_id`` is percent-decoded, as in ManifestReference. A sender may
    have written escapes into the Content-ID itself, so that is tried second
    (RFC 2392 §2). ``parse_mail`` has refused ids that would be equal here.
    """
    candidates = tuple(parts)
    for part in candidates:
        if part.content_id and part.content_id == content_id:
            return part
    return next(
        (p for p in candidates if p.content_id and unquote(p.content_id) == content_id), None
    )


def is_marked_automatic(header: Header) -> bool:
    """Whether the mail says a machine sent it unasked; such mail is never answered (RFC 3834)."""
    submitted = (header.first("auto-submitted") or "no").partition(";")[0].strip().lower()
    return (
        submitted != "no"
        or (header.first("precedence") or "").lower() in ("auto_reply", "bulk", "junk", "list")
        or any(name in header.fields for name in ("x-autoreply", "x-autorespond"))
        or header.first("return-path") == "<>"
    )


def address_of(value: str | None) -> str | None:
    """The first bare address of a From or To, None when there is none.

    Display names and comments go; so does ``mailto:`` or ``mailto://``, which
    address registers and CPAs write and some senders copy.
    """
    if value is None or len(value) > _MAX_ADDRESS_FIELD:
        return None
    plain = _QUOTED.sub("", value)
    angle = _ANGLE.search(plain)
    address = angle[1] if angle else plain.partition(",")[0].strip()
    if address[:7].lower() == "mailto:":
        address = address[7:].removeprefix("//")
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or " " in address or not address.isprintable():
        return None
    return address


def _leaves(
    body: bytes, parameters: dict[str, str], limits: MailLimits, findings: list[str]
) -> list[_Leaf]:
    leaves = []
    for entity in split_multipart(body, parameters.get("boundary", ""), limits, findings):
        header, content = split_header(entity, limits)
        findings += header.findings
        leaves.append(_leaf(header, content, findings))
    # Compared as a cid: reference sees them: two names for one part could swap contents.
    names = [unquote(leaf.part.content_id) for leaf in leaves if leaf.part.content_id]
    if len(set(names)) != len(names):
        raise NotEbxml("two MIME parts have the same Content-ID")
    return leaves


def _leaf(header: Header, content: bytes, findings: list[str]) -> _Leaf:
    media_type, parameters = parse_content_type(header.only("content-type"))
    if media_type.startswith("multipart/"):
        raise NotEbxml("a multipart inside a multipart")
    encoding = transfer_encoding(header)
    content_id = header.only("content-id") or ""
    if content_id and not (content_id.startswith("<") and content_id.endswith(">")):
        findings.append("content-id-without-brackets")
    smime_type = parameters.get("smime-type", "").lower()
    part = Part(
        content_id=content_id.removeprefix("<").removesuffix(">").strip(),
        content_type=f"{media_type}; smime-type={smime_type}" if smime_type else media_type,
        data=decode_body(content, encoding, findings),
    )
    return _Leaf(part, encoding, parameters.get("charset", "").lower())


def _root(leaves: list[_Leaf], parameters: dict[str, str], findings: list[str]) -> int:
    """Index of the envelope: what ``start`` names, else the first part (RFC 2387 §3.2)."""
    candidates = [i for i, leaf in enumerate(leaves) if leaf.part.content_type == "text/xml"]
    if not candidates:
        raise NotEbxml("no part is text/xml")
    if parameters.get("type", "text/xml").strip().lower() != "text/xml":
        findings.append("related-type-other")
    start = parameters.get("start", "").strip().removeprefix("<").removesuffix(">").strip()
    named = [i for i, leaf in enumerate(leaves) if start and leaf.part.content_id == start]
    if named:
        root = named[0]
        if root not in candidates:
            raise NotEbxml("start names a part that is not text/xml")
    elif len(candidates) > 1 and (start or candidates[0] != 0):
        raise NotEbxml("several parts could be the envelope")
    else:
        # A document that nobody sealed is text/xml too. Which part is the envelope the
        # signature confirms: it covers the one taken, and all others.
        root = candidates[0]
        findings.append("start-matches-no-part" if start else "start-absent")
    if root != 0:
        findings.append("envelope-not-first")
    return root


def _note_header_faults(header: Header, findings: list[str]) -> None:
    findings += [f"{name}-absent" for name in _NEEDED if header.first(name) is None]
    findings += [f"{name}-repeated" for name in _NEEDED if len(header.fields.get(name, ())) > 1]
    # Only a finding, though rule 22 demands SOAPAction: mail servers drop unknown fields,
    # and the namespaces of the envelope say more surely what it is.
    action = _unquoted(header.first("soapaction"))
    if action is None:
        findings.append("soapaction-absent")
    elif action.lower() != "ebxml":
        findings.append("soapaction-other")
    message_id = header.first("message-id")
    if message_id and not (message_id.startswith("<") and message_id.endswith(">")):
        findings.append("message-id-without-brackets")


def _note_part_faults(soap: _Leaf, payloads: list[_Leaf], findings: list[str]) -> None:
    if soap.encoding in ("", "7bit"):  # rule 257
        findings.append(f"envelope-encoding-{soap.encoding or 'absent'}")
    if soap.charset != "utf-8":  # rule 256
        findings.append("charset-other" if soap.charset else "charset-absent")
    if soap.part.data[:1].isspace():
        findings.append("blanks-before-envelope")
    for leaf in payloads:
        if not leaf.part.content_id:
            findings.append("payload-without-content-id")
        if leaf.part.content_type != "application/pkcs7-mime; smime-type=enveloped-data":
            findings.append("payload-content-type")  # rule 259
        if leaf.encoding != "base64":
            findings.append("payload-not-base64")  # rule 260


def _referenced_ids(header: Header) -> tuple[str, ...]:
    values = header.fields.get("in-reply-to", []) + header.fields.get("references", [])
    ids = dict.fromkeys(m[0].strip("<>") for v in values for m in _MSG_ID.finditer(v))
    return tuple(ids)[:_MAX_REFERENCES]


def _unquoted(value: str | None) -> str | None:
    return value.strip("\"' \t") or None if value is not None else None
