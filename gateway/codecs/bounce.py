"""Mail that is no ebXML: delivery reports of mail servers, and automatic replies.

Both are recognised before the ebXML reader sees them; answering them would
start a loop (HITS 1172 §4.2.2, RFC 3464, RFC 3834).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.codecs.mime_entity import (
    DEFAULT_MAIL_LIMITS,
    Header,
    MailLimits,
    decode_body,
    parse_content_type,
    split_header,
    split_multipart,
)
from gateway.codecs.mime_read import is_marked_automatic, message_id_in
from gateway.errors import NotEbxml, TooLarge

_BLOCKS: Final = re.compile(rb"(?:\r?\n){2,}")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
# The global ones are what a mail server writes that speaks SMTPUTF8 (RFC 6533).
_REPORTS: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED: Final = (
    *("message/rfc822", "message/rfc822-headers", "text/rfc822-headers"),
    *("message/global", "message/global-headers"),
)
_MAX_BLOCKS: Final = 32


class BounceAction(StrEnum):
    """The Action of a delivery report; UNKNOWN when it says none that RFC 3464 has."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    UNKNOWN = "unknown"


_ACTIONS: Final = {action.value: action for action in BounceAction}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A delivery report, by what it can be matched with; the recipient is left out on purpose.

    ``status`` is the enhanced code (``5.1.1``) of the worst entry. An id is None
    when the report does not have it. A report is not signed: it may stop an
    attempt and call an operator, never prove anything.
    """

    action: BounceAction
    status: str | None = None
    original_envelope_id: str | None = None  # ENVID given when sending
    original_message_id: str | None = None  # Message-ID of the returned mail, without brackets

    @property
    def is_permanent(self) -> bool:
        """Failed for good (class 5): resending the same bytes would fail again."""
        return self.action is BounceAction.FAILED and (self.status or "5").startswith("5")


def parse_bounce(raw: bytes, *, limits: MailLimits = DEFAULT_MAIL_LIMITS) -> Bounce | None:
    """Read a delivery report; None when the mail is not one.

    A report that cannot be read further is a Bounce of action UNKNOWN.

    Raises:
        TooLarge: the mail or its header is longer than the limits allow.
    """
    if len(raw) > limits.max_bytes:
        raise TooLarge(f"mail of {len(raw)} bytes; the limit is {limits.max_bytes}")
    header, body = split_header(raw, limits)
    if not (header.first("content-type") or "").lower().startswith("multipart/report"):
        return None
    try:
        return _report(header, body, limits)
    except (NotEbxml, TooLarge):  # a report, but its parts are broken or out of bounds
        return Bounce(action=BounceAction.UNKNOWN)


def is_auto_reply(raw: bytes, *, limits: MailLimits = DEFAULT_MAIL_LIMITS) -> bool:
    """Whether the mail is an automatic reply or report that nobody should answer or parse.

    A mail with SOAPAction is none, whatever marks it has: a message lost to an
    odd header would be worse than a mark not honoured.

    Raises:
        TooLarge: the header is longer than the limits allow.
    """
    header, _ = split_header(raw[: limits.max_header_bytes + 5], limits)
    if header.first("soapaction") is not None:
        return False
    sender = (header.first("from") or "").lower()
    content_type = (header.first("content-type") or "").lower()
    return (
        is_marked_automatic(header)
        or content_type.startswith("multipart/report")
        or "mailer-daemon@" in sender
        or "postmaster@" in sender
    )


def _report(header: Header, body: bytes, limits: MailLimits) -> Bounce | None:
    _, parameters = parse_content_type(header.first("content-type"))
    if parameters.get("report-type", "delivery-status").strip().lower() != "delivery-status":
        return None
    blocks: list[Header] = []
    message_id = None
    for entity in split_multipart(body, parameters.get("boundary", ""), limits, []):
        part_header, content = split_header(entity, limits)
        part_type, _ = parse_content_type(part_header.first("content-type"))
        if part_type in _REPORTS:
            blocks = _blocks(_decoded(part_header, content), limits)
        elif part_type in _RETURNED:
            returned, _ = split_header(_decoded(part_header, content), limits)
            message_id = message_id_in(returned)
    action, status = _worst(blocks)
    envelope_ids = (block.first("original-envelope-id") for block in blocks)
    return Bounce(
        action=action,
        status=status,
        original_envelope_id=next((i for i in envelope_ids if i), None),
        original_message_id=message_id,
    )


def _decoded(header: Header, content: bytes) -> bytes:
    encoding = (header.first("content-transfer-encoding") or "").lower()
    try:
        return decode_body(content, encoding, [])
    except NotEbxml:
        return content


def _blocks(status: bytes, limits: MailLimits) -> list[Header]:
    pieces = _BLOCKS.split(status.strip(), maxsplit=_MAX_BLOCKS)[:_MAX_BLOCKS]
    return [split_header(piece + b"\r\n\r\n", limits)[0] for piece in pieces]


def _worst(blocks: list[Header]) -> tuple[BounceAction, str | None]:
    """The gravest entry: one failed recipient makes the attempt a failed one."""
    found: list[tuple[BounceAction, str | None]] = []
    for block in blocks:
        text = (block.first("action") or "").partition("(")[0].strip().lower()
        if not text:
            continue
        action = _ACTIONS.get(text, BounceAction.UNKNOWN)
        status = _STATUS.search(block.first("status") or "")
        found.append((action, status[0] if status else None))
    order = list(BounceAction)
    return min(found, key=lambda entry: order.index(entry[0]), default=(BounceAction.UNKNOWN, None))
