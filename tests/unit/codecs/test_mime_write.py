"""Writing mails."""

import email
import email.policy

import pytest

from gateway.codecs.mime import (
    PAYLOAD_CONTENT_TYPE,
    Part,
    parse_mail,
    render_entity,
    render_mail,
)
from tests.builders_mime import AT, CMS, SOAP, a_mail, a_payload_mail


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
