"""Mails of ours and of other systems, for tests."""

import base64
from datetime import UTC, datetime

from gateway.codecs.mime import (
    PAYLOAD_CONTENT_TYPE,
    Part,
    render_entity,
    render_mail,
)

SOAP = b'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP:Envelope/>'
CMS = bytes(range(256)) * 3
AT = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)


def a_mail(entity: bytes) -> bytes:
    return render_mail(
        entity,
        sender="fjell.legesenter@testedi.example",
        recipient="dal.sykehus@testedi.example",
        mail_message_id="m1.1@gw.example",
        date=AT,
        subject="DIALOG_NOTAT",
    )


def a_payload_mail() -> bytes:
    parts = [Part("p1@gw", PAYLOAD_CONTENT_TYPE, CMS)]
    return a_mail(render_entity(SOAP, soap_content_id="e1@gw", parts=parts))


def a_foreign_mail(
    *,
    top: str = 'multipart/related; type="text/xml"; start="<e>"; boundary="b1"',
    parts: tuple[tuple[str, bytes], ...] = (
        ("Content-ID: <e>\nContent-Type: text/xml; charset=UTF-8", SOAP),
        ("Content-ID: <p>\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data", CMS),
    ),
    more: str = 'SOAPAction: "ebXML"\n',
    closing: bytes = b"--b1--\r\n",
) -> bytes:
    """A mail as another system might write it; every part is base64."""
    head = (
        "From: a@x.example\nTo: b@y.example\nMessage-ID: <m@x>\nMIME-Version: 1.0\n"
        f"Date: Mon, 02 Mar 2026 09:15:30 +0100\n{more}Content-Type: {top}\n\n"
    )
    body = b"".join(
        b"--b1\r\n"
        + f"{header}\nContent-Transfer-Encoding: base64\n\n".replace("\n", "\r\n").encode()
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
        for header, data in parts
    )
    return head.replace("\n", "\r\n").encode() + body + closing
