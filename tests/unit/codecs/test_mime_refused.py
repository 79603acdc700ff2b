"""Mails that are refused, and at what cost."""

import contextlib

import pytest

from gateway.codecs.mime import (
    MailLimits,
    Part,
    parse_mail,
)
from gateway.errors import NotEbxml, TooLarge
from tests.builders_mime import CMS, SOAP, a_foreign_mail, a_payload_mail

XML_PART = "Content-ID: <e>\nContent-Type: text/xml; charset=UTF-8"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(b"", "neither", id="empty"),
        pytest.param(b"hello", "neither", id="no header"),
        pytest.param(a_foreign_mail(top="text/plain"), "neither", id="text"),
        pytest.param(a_foreign_mail(top="multipart/mixed; boundary=b1"), "neither", id="mixed"),
        pytest.param(a_foreign_mail(top="application/soap+xml"), "neither", id="SOAP 1.2"),
        pytest.param(a_foreign_mail(top="multipart/related"), "boundary", id="no boundary"),
        pytest.param(a_foreign_mail(top='multipart/related; boundary=""'), "boundary", id="blank"),
        pytest.param(
            a_foreign_mail(top="multipart/related; boundary=" + "b" * 201), "boundary", id="long"
        ),
        pytest.param(a_foreign_mail(top="multipart/related; boundary=b2"), "parts", id="other"),
        pytest.param(
            a_foreign_mail(top="multipart/related; boundary=b1; boundary=b2"),
            "two different values",
            id="two boundaries",
        ),
        pytest.param(
            a_foreign_mail(top="multipart/related; boundary=b1; boundary*0=b; boundary*1=2"),
            "two different values",
            id="two boundaries, one in sections",
        ),
        pytest.param(
            a_foreign_mail(more="Content-Type: text/xml\n"), "more than one", id="two types"
        ),
        pytest.param(
            a_foreign_mail(parts=((XML_PART, SOAP), ("Content-ID: <e>\nContent-Type: a/b", CMS))),
            "same Content-ID",
            id="equal ids",
        ),
        pytest.param(
            a_foreign_mail(
                parts=(
                    (XML_PART, SOAP),
                    ("Content-ID: <a@b>\nContent-Type: a/b", CMS),
                    ("Content-ID: <a%40b>\nContent-Type: a/b", b"x"),
                )
            ),
            "same Content-ID",
            id="ids equal after decoding",
        ),
        pytest.param(
            a_foreign_mail(
                top='multipart/related; start="<gone>"; boundary=b1',
                parts=((XML_PART, SOAP), ("Content-ID: <p>\nContent-Type: text/xml", SOAP)),
            ),
            "several parts",
            id="two roots, and start names neither",
        ),
        pytest.param(
            a_foreign_mail(
                top="multipart/related; boundary=b1",
                parts=(
                    ("Content-ID: <c>\nContent-Type: a/b", CMS),
                    (XML_PART, SOAP),
                    ("Content-ID: <p>\nContent-Type: text/xml", SOAP),
                ),
            ),
            "several parts",
            id="two roots, neither of them first",
        ),
        pytest.param(
            a_foreign_mail(top='multipart/related; start="<p>"; boundary=b1'),
            "not text/xml",
            id="start names the payload",
        ),
        pytest.param(
            a_foreign_mail(parts=(("Content-ID: <e>\nContent-Type: text/plain", SOAP),)),
            "no part is text/xml",
            id="no envelope",
        ),
        pytest.param(a_foreign_mail(parts=()), "without parts", id="no parts"),
        pytest.param(
            a_foreign_mail(
                parts=((XML_PART, SOAP), ("Content-Type: multipart/mixed; boundary=z", b"x"))
            ),
            "inside a multipart",
            id="nested",
        ),
        pytest.param(
            a_foreign_mail().replace(b"Encoding: base64", b"Encoding: x-uuencode", 1),
            "unknown Content-Transfer-Encoding",
            id="unknown encoding",
        ),
        pytest.param(
            a_foreign_mail(parts=((XML_PART + "\nContent-ID: <f>", SOAP),)),
            "more than one content-id",
            id="two Content-IDs",
        ),
    ],
)
def test_mail_without_one_certain_envelope_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(NotEbxml, match=words):
        parse_mail(raw)


@pytest.mark.parametrize(
    ("raw", "limits"),
    [
        pytest.param(a_foreign_mail(), MailLimits(max_bytes=1000), id="mail"),
        pytest.param(a_foreign_mail(), MailLimits(max_header_bytes=100), id="header"),
        pytest.param(b"A: " + b"x" * 70_000, MailLimits(), id="header without end"),
        pytest.param(a_foreign_mail(), MailLimits(max_parts=1), id="parts"),
        pytest.param(a_foreign_mail(closing=b""), MailLimits(max_parts=1), id="parts, open end"),
        pytest.param(
            a_foreign_mail(parts=((XML_PART + "\nX: " + "y" * 70_000, SOAP),)),
            MailLimits(),
            id="header of a part",
        ),
    ],
)
def test_mail_over_a_limit_is_refused(raw: bytes, limits: MailLimits) -> None:
    with pytest.raises(TooLarge):
        parse_mail(raw, limits=limits)


def test_mail_exactly_at_its_limits_is_read() -> None:
    raw = a_payload_mail()
    header = raw.index(b"\r\n\r\n")

    mail = parse_mail(
        raw, limits=MailLimits(max_bytes=len(raw), max_header_bytes=header, max_parts=2)
    )
    assert mail.findings == ()
    with pytest.raises(TooLarge):
        parse_mail(raw, limits=MailLimits(max_bytes=len(raw) - 1))
    with pytest.raises(TooLarge):
        parse_mail(raw, limits=MailLimits(max_header_bytes=header - 1))


def test_part_without_any_header_is_an_unnamed_part() -> None:
    raw = a_foreign_mail(closing=b"--b1\r\n\r\nhello\r\n--b1--\r\n")

    assert parse_mail(raw).parts[1] == Part("", "", b"hello")


def test_error_text_holds_no_content() -> None:
    secret = "hemmelig"
    raw = a_foreign_mail(top=f"multipart/{secret}; boundary={secret}")

    with pytest.raises(NotEbxml) as caught:
        parse_mail(raw)

    assert secret not in str(caught.value)


MILLIONS = 2_000_000


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(a_foreign_mail(top="multipart/related; boundary=b1" + ";" * MILLIONS), id=";"),
        pytest.param(
            a_foreign_mail(top="multipart/related; boundary=b1; " + " " * MILLIONS), id=" "
        ),
        pytest.param(a_foreign_mail(top='text/xml; a="' + '\\"' * MILLIONS), id="escaped quotes"),
        pytest.param(a_foreign_mail(top="text/xml; " + "a" * MILLIONS), id="long name"),
        pytest.param(a_foreign_mail(top='text/xml; (a="' + '\\"' * MILLIONS), id="open comment"),
        pytest.param(a_foreign_mail(top="text/xml; " + " (" * MILLIONS), id="open comments"),
        pytest.param(a_foreign_mail(top="text/xml;" + " (a)" * MILLIONS), id="comments"),
        pytest.param(
            a_foreign_mail(top="text/xml" + "".join(f"; a*{n}=b" for n in range(MILLIONS // 10))),
            id="sections",
        ),
        pytest.param(
            a_foreign_mail().replace(b"a@x.example", b'"' + b'\\"' * MILLIONS), id="quoted address"
        ),
        pytest.param(
            a_foreign_mail().replace(b"a@x.example", b"<" * MILLIONS), id="open angle brackets"
        ),
        pytest.param(a_foreign_mail(more="References: " + "<a" * MILLIONS + "\n"), id="references"),
        pytest.param(a_foreign_mail(more="X: y\n" + " z\n" * MILLIONS), id="folded"),
        pytest.param(a_foreign_mail(closing=b"--b1x" * MILLIONS), id="almost boundaries"),
        pytest.param(a_foreign_mail(closing=b"\r\n--b1x" * MILLIONS), id="almost, own lines"),
        pytest.param(a_foreign_mail(closing=b"=\n" * MILLIONS), id="padding only"),
        pytest.param(a_foreign_mail(closing=b"\n" + b" \t" * MILLIONS), id="blanks"),
    ],
)
def test_hostile_mail_costs_no_more_than_its_length(raw: bytes) -> None:
    """Quadratic reading would take hours, and the limit for one test (pyproject.toml) ends it."""
    limits = MailLimits(max_header_bytes=len(raw))

    with contextlib.suppress(NotEbxml, TooLarge):
        parse_mail(raw, limits=limits)
