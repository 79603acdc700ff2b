"""Write the mail of one ebXML message (HIS 1037 §3.1, §5.5; HITS 1172 §5.5).

Two steps on purpose: the *entity* is made once, stored, and resent byte for
byte; the *mail* around it is new for every attempt, since a handler ignores a
mail whose Message-ID it has seen before (HITS 1172 §4.2.3.2).
"""

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

PAYLOAD_CONTENT_TYPE: Final = "application/pkcs7-mime; smime-type=enveloped-data"
SOAP_CONTENT_TYPE: Final = 'text/xml; charset="UTF-8"'

_CONTENT_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,250}")
_CONTENT_TYPE: Final = re.compile(r'[A-Za-z0-9!#$&^_.+/"=; -]{1,200}')
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}")
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,250}@[A-Za-z0-9.-]{1,250}")
_TEXT: Final = re.compile(r"[\x20-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME part beside the envelope.

    ``content_id`` is without brackets, "" when a received part had none;
    ``data`` is decoded. On a received part ``content_type`` is the media type
    with its smime-type alone, in lower case: other parameters may hold file names.
    """

    content_id: str
    content_type: str
    data: bytes


def render_entity(soap: bytes, *, soap_content_id: str, parts: Sequence[Part] = ()) -> bytes:
    """The MIME entity that carries ``soap``: its header lines, a blank line, its body.

    Without ``parts`` a plain text/xml entity, as signals are sent (HITS 1172
    §5.2); with them multipart/related, the envelope first. Everything is base64
    in lines of 76 and ends with CRLF. The same arguments give the same bytes.

    Raises:
        ValueError: a Content-ID or Content-Type that is not safe in a header, or
            two equal Content-IDs.
    """
    ids = [soap_content_id, *(part.content_id for part in parts)]
    if len(set(ids)) != len(ids):
        raise ValueError("two parts with the same Content-ID")
    envelope = _leaf(soap_content_id, SOAP_CONTENT_TYPE, soap)
    if not parts:
        return envelope
    # "=_" never occurs in base64, so no line of a body can look like the boundary.
    boundary = "=_" + hashlib.sha256(soap_content_id.encode()).hexdigest()[:32]
    head = (
        'Content-Type: multipart/related; type="text/xml";\r\n'
        f' start="<{soap_content_id}>";\r\n'
        f' boundary="{boundary}"\r\n\r\n'
    ).encode("ascii")
    delimiter = f"--{boundary}\r\n".encode("ascii")
    leaves = (_leaf(part.content_id, part.content_type, part.data) for part in parts)
    body = b"".join(delimiter + leaf for leaf in (envelope, *leaves))
    return head + body + f"--{boundary}--\r\n".encode("ascii")


def render_mail(
    entity: bytes,
    *,
    sender: str,
    recipient: str,
    mail_message_id: str,
    date: datetime,
    subject: str,
    mailer: str | None = None,
) -> bytes:
    """The mail for one attempt: a fresh header before the stored ``entity``.

    Args:
        entity: bytes from ``render_entity``.
        sender: our EDI address; ``recipient`` the partner's.
        mail_message_id: new for each attempt; without brackets.
        date: the instant of the attempt, aware.
        subject: the eb:Action, never anything of the content.
        mailer: name and version of the product, for X-Mailer.

    Raises:
        ValueError: a value that could break or forge a header line.
    """
    if not entity.startswith(b"Content-"):
        raise ValueError("the entity does not begin with its own header")
    if date.tzinfo is None:
        raise ValueError("the date of a mail needs a time zone")
    lines = [
        f"From: {_checked(_ADDRESS, sender, 'sender')}",
        f"To: {_checked(_ADDRESS, recipient, 'recipient')}",
        f"Message-ID: <{_checked(_MESSAGE_ID, mail_message_id, 'Message-ID')}>",
        f"Date: {format_datetime(date)}",
        f"Subject: {_checked(_TEXT, subject, 'subject')}",
        'SOAPAction: "ebXML"',
        "MIME-Version: 1.0",
    ]
    if mailer is not None:
        lines.append(f"X-Mailer: {_checked(_TEXT, mailer, 'X-Mailer')}")
    return "\r\n".join([*lines, ""]).encode("ascii") + entity


def _leaf(content_id: str, content_type: str, data: bytes) -> bytes:
    head = (
        f"Content-Type: {_checked(_CONTENT_TYPE, content_type, 'Content-Type')}\r\n"
        f"Content-ID: <{_checked(_CONTENT_ID, content_id, 'Content-ID')}>\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    text = binascii.b2a_base64(data, newline=False)
    lines = [text[at : at + 76] for at in range(0, len(text), 76)]
    return head.encode("ascii") + b"\r\n".join([*lines, b""])


def _checked(shape: re.Pattern[str], value: str, what: str) -> str:
    if shape.fullmatch(value) is None:
        raise ValueError(f"{what} is empty, too long, or not safe in a mail header")
    return value
