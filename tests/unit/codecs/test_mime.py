"""MIME packaging: what we write, what we read all the same, and what we refuse."""

import base64
import contextlib
import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.mime import (
    PAYLOAD_CONTENT_TYPE,
    Bounce,
    BounceAction,
    MailLimits,
    Part,
    is_auto_reply,
    parse_bounce,
    parse_mail,
    part_named,
    render_entity,
    render_mail,
)
from gateway.errors import NotEbxml, TooLarge

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


# --- writing -------------------------------------------------------------------------------------


def test_what_we_write_is_read_back_without_findings() -> None:
    mail = parse_mail(a_payload_mail())

    assert mail.soap == SOAP
    assert mail.soap_content_id == "e1@gw"
    assert mail.parts == (Part("p1@gw", PAYLOAD_CONTENT_TYPE, CMS),)
    assert mail.findings == ()
    assert mail.soap_action == "ebXML"
    assert (mail.sender, mail.recipient) == (
        "fjell.legesenter@testedi.example",
        "dal.sykehus@testedi.example",
    )
    assert mail.message_id == "m1.1@gw.example"
    assert mail.date_text == "Mon, 02 Mar 2026 08:15:30 +0000"
    assert not mail.auto_submitted


def test_signal_is_a_plain_text_xml_entity() -> None:
    entity = render_entity(SOAP, soap_content_id="e1")

    assert entity.startswith(b'Content-Type: text/xml; charset="UTF-8"\r\n')
    mail = parse_mail(a_mail(entity))
    assert (mail.soap, mail.parts, mail.findings) == (SOAP, (), ())


def test_entity_is_the_same_bytes_every_time_and_has_only_crlf_and_short_lines() -> None:
    parts = [Part("p1", PAYLOAD_CONTENT_TYPE, CMS * 100)]
    entity = render_entity(SOAP, soap_content_id="e1", parts=parts)

    assert entity == render_entity(SOAP, soap_content_id="e1", parts=parts)
    assert entity.count(b"\n") == entity.count(b"\r\n") == entity.count(b"\r")
    assert max(len(line) for line in entity.split(b"\r\n")) <= 78
    assert entity.isascii()


def test_boundary_holds_what_base64_never_holds() -> None:
    entity = render_entity(
        SOAP, soap_content_id="e1", parts=[Part("p1", PAYLOAD_CONTENT_TYPE, CMS)]
    )

    boundary = entity.split(b'boundary="')[1].split(b'"')[0]
    assert boundary.startswith(b"=_")
    assert len(boundary) <= 70


def test_other_readers_find_the_same_parts() -> None:
    """The standard library's parser as an independent reader."""
    message = email.message_from_bytes(a_payload_mail(), policy=email.policy.compat32)

    parts = message.get_payload()
    assert isinstance(parts, list)
    contents = [part.get_payload(decode=True) for part in parts if not isinstance(part, str)]
    assert contents == [SOAP, CMS]
    assert message.get_param("start") == "<e1@gw>"
    assert message.get_param("type") == "text/xml"
    assert message["SOAPAction"] == '"ebXML"'
    assert message["MIME-Version"] == "1.0"


@pytest.mark.parametrize("bad", ["a@b.no\r\nBcc: x@y.no", "a@b.no\n", "å@b.no", "a b@c.no", ""])
@pytest.mark.parametrize("field", ["sender", "recipient", "mail_message_id"])
def test_address_or_id_that_could_forge_a_header_is_refused(field: str, bad: str) -> None:
    values = {"sender": "a@b.no", "recipient": "c@d.no", "mail_message_id": "m@b.no", field: bad}

    with pytest.raises(ValueError, match="not safe in a mail header"):
        render_mail(
            b"Content-Type: text/xml\r\n\r\n",
            sender=values["sender"],
            recipient=values["recipient"],
            mail_message_id=values["mail_message_id"],
            date=AT,
            subject="x",
        )


@pytest.mark.parametrize("bad", ["x\r\nBcc: a@b", "x\ny", "blåbær", "", "x" * 201])
@pytest.mark.parametrize("field", ["subject", "mailer"])
def test_free_text_that_could_forge_a_header_is_refused(field: str, bad: str) -> None:
    with pytest.raises(ValueError, match="not safe in a mail header"):
        render_mail(
            b"Content-Type: text/xml\r\n\r\n",
            sender="a@b.no",
            recipient="c@d.no",
            mail_message_id="m@b.no",
            date=AT,
            subject=bad if field == "subject" else "x",
            mailer=bad if field == "mailer" else "x",
        )


def test_date_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        render_mail(
            b"Content-Type: text/xml\r\n\r\n",
            sender="a@b.no",
            recipient="c@d.no",
            mail_message_id="m@b.no",
            date=AT.replace(tzinfo=None),
            subject="x",
        )


def test_bytes_that_are_no_entity_are_refused() -> None:
    with pytest.raises(ValueError, match="its own header"):
        a_mail(b"\r\nhello")


@pytest.mark.parametrize("bad", ["a>\r\nX: y", "a b", "<a>", "", 'a"b', "é"])
def test_content_id_that_is_unsafe_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="Content-ID"):
        render_entity(SOAP, soap_content_id=bad)


def test_content_type_that_is_unsafe_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Type"):
        render_entity(SOAP, soap_content_id="e", parts=[Part("p", "a/b\r\nX: y", b"")])


def test_two_parts_of_one_id_are_refused_when_writing() -> None:
    with pytest.raises(ValueError, match="same Content-ID"):
        render_entity(SOAP, soap_content_id="e", parts=[Part("e", PAYLOAD_CONTENT_TYPE, b"")])


# --- tolerated when reading ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "finding"),
    [
        pytest.param('multipart/related; boundary="b1"', "start-absent", id="no type, no start"),
        pytest.param("multipart/related; start=<e>; boundary=b1;", None, id="unquoted, trailing ;"),
        pytest.param('multipart/related; START="e"; boundary="b1"', None, id="start bare"),
        pytest.param(
            'Multipart/Related;\n\ttype="text/xml";\n\tcharset="utf-8";\n\tstart="<e>";'
            '\n\tboundary="b1";\nContent-Transfer-Encoding: 7bit',
            None,
            id="folded with tabs",
        ),
        pytest.param('multipart/related; start="<e>" boundary="b1"', None, id="no ; after quotes"),
        pytest.param(
            'multipart/related; type="text/plain"; start="<e>"; boundary="b1"',
            "related-type-other",
            id="type other",
        ),
        pytest.param(
            'multipart/related; start="<gone>"; boundary="b1"',
            "start-matches-no-part",
            id="start names nothing",
        ),
    ],
)
def test_odd_multipart_header_is_read(top: str, finding: str | None) -> None:
    mail = parse_mail(a_foreign_mail(top=top))

    assert (mail.soap, mail.soap_content_id) == (SOAP, "e")
    assert mail.parts == (Part("p", PAYLOAD_CONTENT_TYPE, CMS),)
    assert mail.findings == ((finding,) if finding else ())


def test_envelope_may_come_second_when_start_names_it() -> None:
    mail = parse_mail(
        a_foreign_mail(
            parts=(
                ("Content-ID: <p>\nContent-Type: application/pkcs7-mime", CMS),
                ("Content-ID: <e>\nContent-Type: text/xml; charset=utf-8", SOAP),
            )
        )
    )

    assert mail.soap == SOAP
    assert "envelope-not-first" in mail.findings


def test_start_decides_between_two_xml_parts() -> None:
    """A clear-text payload is refused later, where its sender can be told."""
    mail = parse_mail(
        a_foreign_mail(
            parts=(
                ("Content-ID: <e>\nContent-Type: text/xml; charset=utf-8", SOAP),
                ("Content-ID: <p>\nContent-Type: text/xml", b"<x/>"),
            )
        )
    )

    assert mail.parts == (Part("p", "text/xml", b"<x/>"),)
    assert "payload-content-type" in mail.findings


@pytest.mark.parametrize(
    "header",
    [
        'content-id: <p>\nCONTENT-TYPE: Application/PKCS7-MIME; smime-type="enveloped-data"',
        "Content-Id:<p>\nContent-type: application/pkcs7-mime;\n\tsmime-type=Enveloped-Data;",
        "Content-ID: <p>\nContent-Type: application/pkcs7-mime; name=a.p7m; charset=utf-8;"
        ' smime-type=enveloped-data\nContent-Disposition: attachment; filename="a.p7m"'
        "\nContent-Description: x",
    ],
)
def test_payload_header_is_normalised_without_names(header: str) -> None:
    parts = (("Content-ID: <e>\nContent-Type: text/xml; charset=UTF-8", SOAP), (header, CMS))
    mail = parse_mail(a_foreign_mail(parts=parts))

    assert mail.parts == (Part("p", PAYLOAD_CONTENT_TYPE, CMS),)
    assert mail.findings == ()


def test_signal_in_a_multipart_of_one_is_read() -> None:
    parts = (("Content-ID: <e>\nContent-Type: text/xml; charset=UTF-8", SOAP),)
    mail = parse_mail(a_foreign_mail(parts=parts))

    assert (mail.soap, mail.parts, mail.findings) == (SOAP, (), ())


@pytest.mark.parametrize(
    ("line", "action", "findings"),
    [
        ('SOAPACTION: "ebxml"\n', "ebxml", ()),
        ("soapaction: ebXML\n", "ebXML", ()),
        ("", None, ("soapaction-absent",)),
        ('SOAPAction: ""\n', None, ("soapaction-absent",)),
        ('SOAPAction: "urn:other"\n', "urn:other", ("soapaction-other",)),
    ],
)
def test_soapaction_is_never_a_ground_to_refuse(
    line: str, action: str | None, findings: tuple[str, ...]
) -> None:
    mail = parse_mail(a_foreign_mail(more=line))

    assert (mail.soap_action, mail.findings) == (action, findings)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("mailto:a@x.example", "a@x.example"),
        ("mailto://a@x.example", "a@x.example"),
        ('"ARBEID, <OG> VELFERD" <a@x.example>', "a@x.example"),
        ("<MAILTO:a@x.example>", "a@x.example"),
        ("a@x.example, b@x.example", "a@x.example"),
        ("nobody", None),
        ("<>", None),
        ("x" * 3000 + "@x.example", None),
    ],
)
def test_address_is_taken_out_of_its_field(written: str, read: str | None) -> None:
    mail = parse_mail(a_foreign_mail().replace(b"To: b@y.example", f"To: {written}".encode()))

    assert mail.recipient == read


def test_message_id_without_brackets_is_read() -> None:
    mail = parse_mail(a_foreign_mail().replace(b"Message-ID: <m@x>", b"message-id: m1"))

    assert mail.message_id == "m1"
    assert mail.findings == ("message-id-without-brackets",)


@pytest.mark.parametrize("name", ["From", "To", "Message-ID", "Date", "MIME-Version"])
def test_absent_mail_header_is_a_finding(name: str) -> None:
    mail = parse_mail(a_foreign_mail().replace(f"{name}:".encode(), b"X-Gone:"))

    assert mail.findings == (f"{name.lower()}-absent",)


def test_repeated_mail_header_is_a_finding() -> None:
    mail = parse_mail(b"From: z@z.example\r\n" + a_foreign_mail())

    assert mail.sender == "z@z.example"
    assert mail.findings == ("from-repeated",)


@pytest.mark.parametrize(
    ("encoding", "body", "findings"),
    [
        ("7bit", SOAP, ("envelope-encoding-7bit",)),
        ("8BIT", SOAP, ()),
        ("binary", SOAP, ()),
        ("BASE64", base64.b64encode(SOAP), ()),
        ("base64;", base64.b64encode(SOAP), ()),
        ("quoted-printable", SOAP.replace(b"=", b"=3D"), ()),
        (None, SOAP, ("envelope-encoding-absent",)),
        ("8bit", b"\r\n  " + SOAP, ("blanks-before-envelope",)),
    ],
)
def test_transfer_encoding_of_the_envelope(
    encoding: str | None, body: bytes, findings: tuple[str, ...]
) -> None:
    line = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    head = (
        "From: a@x\r\nTo: b@y\r\nMessage-ID: <m@x>\r\nDate: x\r\nMIME-Version: 1.0\r\n"
        f'SOAPAction: "ebXML"\r\nContent-Type: text/xml; charset="utf-8"\r\n{line}\r\n'
    )
    mail = parse_mail(head.encode() + body)

    assert mail.soap == SOAP
    assert mail.findings == findings


@pytest.mark.parametrize(
    ("junk", "findings"),
    [
        pytest.param(lambda t: t.replace(b"\n", b" \t\n \n"), (), id="blanks"),
        pytest.param(lambda t: t.rstrip() + b"\n\n  \n", (), id="blank lines after"),
        pytest.param(lambda t: t + b"-- \nsent by x\n", ("base64-junk",), id="footer"),
        pytest.param(lambda t: t + b"--=_old-boundary--\n", ("base64-junk",), id="old boundary"),
        pytest.param(lambda t: b"\xef\xbb\xbf" + t, ("base64-junk",), id="byte order mark"),
        pytest.param(lambda t: t.replace(b"=", b""), ("base64-junk",), id="no padding"),
    ],
)
def test_junk_around_base64_is_passed_over(
    junk: Callable[[bytes], bytes], findings: tuple[str, ...]
) -> None:
    for data in (CMS, CMS[:-1], CMS[:-2]):  # no padding, one character of it, two
        text = base64.encodebytes(data)
        written = base64.encodebytes(CMS).replace(b"\n", b"\r\n")
        mail = parse_mail(a_foreign_mail(closing=b"\r\n--b1--\r\n").replace(written, junk(text)))

        assert mail.parts[0].data == data
        assert mail.findings == (findings if junk(text).strip() != text.strip() else ())


def test_damaged_base64_is_a_finding_so_that_the_sender_can_be_told() -> None:
    raw = a_foreign_mail().replace(b"AAECAwQ", b"AAECAw")  # one character lost
    mail = parse_mail(raw)

    assert mail.soap == SOAP
    assert mail.parts[0].data != CMS
    assert mail.findings == ("base64-junk",)


def test_mail_cut_off_before_its_last_boundary_is_a_finding() -> None:
    mail = parse_mail(a_foreign_mail(closing=b""))

    assert mail.parts[0].data == CMS
    assert mail.findings == ("multipart-not-closed",)


def test_preamble_epilogue_and_words_that_begin_like_the_boundary_are_passed_over() -> None:
    raw = a_foreign_mail().replace(b"\r\n\r\n--b1", b"\r\n\r\npre --b1 x\r\n--b1x\r\n--b1 \t", 1)
    mail = parse_mail(raw + b"epilogue\r\n--b1\r\n\r\nnot a part\r\n")

    assert (mail.soap, len(mail.parts), mail.findings) == (SOAP, 1, ())


def test_line_ends_may_be_bare() -> None:
    mail = parse_mail(a_foreign_mail().replace(b"\r\n", b"\n"))

    assert (mail.soap, mail.parts[0].data, mail.findings) == (SOAP, CMS, ())


def test_header_that_is_not_ascii_is_a_finding() -> None:
    raw = a_foreign_mail(more='SOAPAction: "ebXML"\nX-Sender: Gr\u00f8nn\n')
    assert parse_mail(raw).findings == ("header-not-ascii",)
    assert parse_mail(raw.decode().encode("latin-1", "replace")).findings == ("header-not-ascii",)


def test_control_characters_of_a_header_go_no_further() -> None:
    raw = a_foreign_mail().replace(b"Message-ID: <m@x>", b"Message-ID: <m\x00\r@\x1bx>")
    mail = parse_mail(raw)

    assert mail.message_id == "m??@?x"
    assert mail.findings == ("header-control-characters",)


def test_line_without_colon_is_a_finding() -> None:
    assert parse_mail(b"garbage\r\n" + a_foreign_mail()).findings == ("header-line-without-colon",)


def test_payload_deviations_are_findings() -> None:
    raw = a_foreign_mail(
        parts=(
            ("Content-ID: <e>\nContent-Type: text/xml", SOAP),
            ("Content-Type: application/octet-stream", CMS),
        )
    )
    assert parse_mail(raw).findings == (
        "charset-absent",
        "payload-without-content-id",
        "payload-content-type",
    )
    head, _, rest = a_foreign_mail().rpartition(b"base64")
    assert parse_mail(head + b"8bit" + rest).findings == ("payload-not-base64",)


def test_other_charset_and_bare_content_id_are_findings() -> None:
    parts = (("Content-ID: e\nContent-Type: text/xml; charset=iso-8859-1", SOAP),)

    mail = parse_mail(a_foreign_mail(parts=parts))

    assert mail.soap_content_id == "e"
    assert mail.findings == ("content-id-without-brackets", "charset-other")


def test_ids_a_fault_answers_are_collected() -> None:
    more = "In-Reply-To: <a@b>\nReferences: <c@d>\n <a@b> bare@e\n"
    mail = parse_mail(a_foreign_mail(more=more))

    assert mail.in_reply_to == ("a@b", "c@d", "bare@e")


# --- refused when reading ------------------------------------------------------------------------

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
                top="multipart/related; boundary=b1",
                parts=((XML_PART, SOAP), ("Content-ID: <p>\nContent-Type: text/xml", SOAP)),
            ),
            "several parts",
            id="two roots",
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


# --- the same as another reader ------------------------------------------------------------------

content_ids = st.text("abcdefABCDEF0123456789@.-_", min_size=1, max_size=40)
contents = st.binary(max_size=300)


@given(
    ids=st.lists(content_ids, min_size=2, max_size=5, unique=True),
    bodies=st.lists(contents, min_size=5, max_size=5),
    encodings=st.lists(st.sampled_from(["base64", "BASE64", "8bit", ""]), min_size=5, max_size=5),
    newline=st.sampled_from(["\r\n", "\n"]),
    boundary=st.text("abcXYZ0189'()+_,-./:=?", min_size=1, max_size=60),
)
@settings(max_examples=150, deadline=None, print_blob=True)
def test_reads_well_formed_mail_as_the_standard_library_does(
    ids: list[str], bodies: list[bytes], encodings: list[str], newline: str, boundary: str
) -> None:
    lines = [
        b"SOAPAction: ebXML",
        b'Content-Type: multipart/related; boundary="%b"' % (boundary.encode()),
        b"",
    ]
    for index, content_id in enumerate(ids):
        kind = b"application/pkcs7-mime" if index else b"text/xml"
        lines += [b"--" + boundary.encode(), b"Content-ID: <%b>" % content_id.encode()]
        lines += [b"Content-Type: " + kind]
        encoding, body = encodings[index], bodies[index]
        if encoding:
            lines.append(b"Content-Transfer-Encoding: " + encoding.encode())
        if encoding.lower() == "base64":
            body = base64.encodebytes(body).rstrip()
        else:  # text that cannot look like a delimiter, with line ends of its own
            body = body.hex(" ", 7).encode()
        lines += [b"", body.replace(b"\n", newline.encode())]
    lines += [b"--" + boundary.encode() + b"--", b""]
    raw = newline.encode().join(lines)

    mail = parse_mail(raw)

    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    theirs = []
    for part in message.walk():
        if part is not message:
            theirs.append((part["Content-ID"].strip("<>"), part.get_payload(decode=True)))
    ours = [(mail.soap_content_id, mail.soap)]
    ours += [(part.content_id, part.data) for part in mail.parts]
    # Blanks before an envelope are not XML; only there we take away more than they do.
    blank = theirs[0][1]
    assert isinstance(blank, bytes)
    theirs[0] = (theirs[0][0], blank.lstrip() if blank[:1].isspace() else blank)
    assert ours == theirs


@given(
    soap=contents,
    parts=st.lists(contents, max_size=4),
)
@settings(max_examples=100, deadline=None, print_blob=True)
def test_any_content_survives_the_round_trip(soap: bytes, parts: list[bytes]) -> None:
    sent = [Part(f"p{i}@gw", PAYLOAD_CONTENT_TYPE, data) for i, data in enumerate(parts)]
    mail = parse_mail(a_mail(render_entity(soap, soap_content_id="e@gw", parts=sent)))

    assert mail.soap == (soap.lstrip() if soap[:1].isspace() else soap)
    assert mail.parts == tuple(sent)


@given(raw=st.binary(max_size=2000), at=st.integers(0, 3000), cut=st.integers(0, 60))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_damaged_mail_is_read_or_refused_but_never_crashes(raw: bytes, at: int, cut: int) -> None:
    mail = a_payload_mail()

    for damaged in (raw, mail[:at] + raw[:cut] + mail[at + cut :]):
        try:
            parse_mail(damaged)
            parse_bounce(damaged)
            is_auto_reply(damaged)
        except (NotEbxml, TooLarge):
            pass


# --- references to parts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_id", "wanted", "found"),
    [
        ("a@b", "a@b", True),
        ("a%40b", "a@b", True),
        ("a%40b", "a%40b", True),
        ("A@b", "a@b", False),
        ("", "", False),
    ],
)
def test_part_is_found_by_its_id_also_when_the_sender_escaped_it(
    content_id: str, wanted: str, found: bool
) -> None:
    part = Part(content_id, PAYLOAD_CONTENT_TYPE, b"")

    assert part_named([part], wanted) == (part if found else None)


# --- bounces and automatic replies ---------------------------------------------------------------


def a_report(
    *,
    status: str = "Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@y.example\n",
    returned: str = "message/rfc822",
    top: str = 'multipart/report; report-type=delivery-status; boundary="r1"',
) -> bytes:
    return (
        (
            "Return-Path: <>\nFrom: MAILER-DAEMON@y.example\nSubject: Undelivered\n"
            f"Auto-Submitted: auto-replied\nContent-Type: {top}\n\n"
            "--r1\nContent-Type: text/plain\n\nSorry.\n"
            "--r1\nContent-Type: message/delivery-status\n\n"
            f"Reporting-MTA: dns; y.example\nOriginal-Envelope-Id: env-1\n\n{status}\n"
            f"--r1\nContent-Type: {returned}\n\n"
            "Message-ID: <m1.1@gw.example>\nSubject: x\n\nbody\n--r1--\n"
        )
        .replace("\n", "\r\n")
        .encode()
    )


def test_bounce_says_what_it_is_about() -> None:
    bounce = parse_bounce(a_report())

    assert bounce == Bounce(
        action=BounceAction.FAILED,
        status="5.1.1",
        original_envelope_id="env-1",
        original_message_id="m1.1@gw.example",
    )
    assert bounce.is_permanent
    assert not hasattr(bounce, "recipient")


@pytest.mark.parametrize(
    ("status", "action", "permanent"),
    [
        ("Action: delayed\nStatus: 4.4.1\n", BounceAction.DELAYED, False),
        ("Action: Failed\nStatus: 4.4.7 (expired)\n", BounceAction.FAILED, False),
        ("Action: failed\n", BounceAction.FAILED, True),
        ("Action: relayed\nStatus: 2.0.0\n", BounceAction.RELAYED, False),
        ("Action: delivered\n\nAction: failed\nStatus: 5.0.0\n", BounceAction.FAILED, True),
        ("Action: exploded\n", BounceAction.UNKNOWN, False),
        ("", BounceAction.UNKNOWN, False),
    ],
)
def test_gravest_entry_of_a_report_counts(
    status: str, action: BounceAction, permanent: bool
) -> None:
    bounce = parse_bounce(a_report(status=status))

    assert bounce is not None
    assert (bounce.action, bounce.is_permanent) == (action, permanent)


def test_bounce_with_headers_only_is_matched_too() -> None:
    bounce = parse_bounce(a_report(returned="text/rfc822-headers"))

    assert bounce is not None
    assert bounce.original_message_id == "m1.1@gw.example"


@pytest.mark.parametrize(
    "top",
    [
        "multipart/report; report-type=delivery-status",
        "multipart/report; boundary=a; boundary=b",
        "multipart/report; boundary=other",
    ],
)
def test_broken_report_is_a_bounce_of_unknown_action(top: str) -> None:
    assert parse_bounce(a_report(top=top)) == Bounce(action=BounceAction.UNKNOWN)


def test_report_with_too_many_parts_is_a_bounce_of_unknown_action() -> None:
    assert parse_bounce(a_report(), limits=MailLimits(max_parts=2)) == Bounce(
        action=BounceAction.UNKNOWN
    )


def test_ebxml_and_other_reports_are_no_bounce() -> None:
    assert parse_bounce(a_payload_mail()) is None
    other = "multipart/report; report-type=disposition-notification; boundary=r1"
    assert parse_bounce(a_report(top=other)) is None
    assert is_auto_reply(a_report(top=other))


def test_report_in_an_unknown_encoding_is_read_as_it_stands() -> None:
    raw = a_report().replace(
        b"message/delivery-status", b"message/delivery-status\r\nContent-Transfer-Encoding: x-y"
    )

    bounce = parse_bounce(raw)
    assert bounce is not None
    assert bounce.action is BounceAction.FAILED


def test_too_large_report_is_refused() -> None:
    with pytest.raises(TooLarge):
        parse_bounce(a_report(), limits=MailLimits(max_bytes=100))
    with pytest.raises(TooLarge):
        parse_bounce(a_report(), limits=MailLimits(max_header_bytes=20))
    with pytest.raises(TooLarge):
        is_auto_reply(a_report(), limits=MailLimits(max_header_bytes=20))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Auto-Submitted: auto-generated", True),
        ("Auto-Submitted: no", False),
        ("Precedence: bulk", True),
        ("X-Autoreply: yes", True),
        ("Return-Path: <>", True),
        ("From: Mail Delivery <MAILER-DAEMON@x.example>", True),
        ("Content-Type: multipart/report; boundary=b", True),
        ("From: ola@x.example", False),
        ('Auto-Submitted: auto-generated\r\nSOAPAction: "ebXML"', False),
    ],
)
def test_automatic_reply_is_recognised_but_ebxml_never_taken_for_one(
    header: str, expected: bool
) -> None:
    assert is_auto_reply(f"{header}\r\n\r\nI am away\r\n".encode()) is expected


def test_mark_of_automatic_mail_is_reported_on_ebxml_mail() -> None:
    assert parse_mail(a_foreign_mail(more="Auto-Submitted: auto-generated\n")).auto_submitted
