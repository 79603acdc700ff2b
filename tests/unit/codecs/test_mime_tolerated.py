"""Mails as other systems write them: read."""

import base64
import email
import email.policy
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.mime import (
    PAYLOAD_CONTENT_TYPE,
    Part,
    is_auto_reply,
    parse_bounce,
    parse_mail,
    part_named,
    render_entity,
)
from gateway.errors import NotEbxml, TooLarge
from tests.builders_mime import CMS, SOAP, a_foreign_mail, a_mail, a_payload_mail


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
            'multipart/related (of two); start=<e> (the "envelope"); boundary="b1" (\\) x)',
            None,
            id="comments",
        ),
        pytest.param(
            "multipart/related; boundary*1=1; boundary*0=b; start*0*=us-ascii''%3C; start*1=\"e>\"",
            None,
            id="values in sections",
        ),
        pytest.param(
            "multipart/related; start=<e>; boundary*=''%621", None, id="value percent-encoded"
        ),
        pytest.param(
            'multipart/related; start*0="<g"; start*2="e>"; boundary="b1"',
            "start-absent",
            id="section missing",
        ),
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


def test_envelope_may_come_second_without_start_when_it_alone_is_xml() -> None:
    mail = parse_mail(
        a_foreign_mail(
            top="multipart/related; boundary=b1",
            parts=(
                ("Content-ID: <p>\nContent-Type: application/pkcs7-mime", CMS),
                ("Content-ID: <e>\nContent-Type: text/xml; charset=utf-8", SOAP),
            ),
        )
    )

    assert mail.soap == SOAP
    assert mail.findings[:2] == ("start-absent", "envelope-not-first")


def test_without_start_the_first_of_two_xml_parts_is_the_envelope() -> None:
    """RFC 2387 §3.2; a clear-text payload is refused later, where its sender can be told."""
    mail = parse_mail(
        a_foreign_mail(
            top="multipart/related; boundary=b1",
            parts=(
                ("Content-ID: <e>\nContent-Type: text/xml; charset=utf-8", SOAP),
                ("Content-ID: <p>\nContent-Type: text/xml", b"<x/>"),
            ),
        )
    )

    assert mail.soap == SOAP
    assert mail.parts == (Part("p", "text/xml", b"<x/>"),)
    assert mail.findings[0] == "start-absent"


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
        "Content-ID: <p> (payload)\nContent-Type: application/pkcs7-mime (sealed);"
        " smime-type*0=enveloped; smime-type*1=-data; name=a(1).p7m",
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
        ("base64 (in lines)", base64.b64encode(SOAP), ()),
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
