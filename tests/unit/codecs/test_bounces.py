"""Bounces and automatic replies."""

import pytest

from gateway.codecs.mime import (
    Bounce,
    BounceAction,
    MailLimits,
    is_auto_reply,
    parse_bounce,
    parse_mail,
)
from gateway.errors import TooLarge
from tests.builders_mime import a_foreign_mail, a_payload_mail


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
        ("Action: failed (bad address)\nStatus: 5.1.1\n", BounceAction.FAILED, True),
        ("Action: relayed (to non-DSN-aware mailer)\n", BounceAction.RELAYED, False),
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


def test_a_bounce_of_an_internationalised_mail_server_is_read() -> None:
    raw = a_report(returned="message/global-headers")
    raw = raw.replace(b"message/delivery-status", b"message/global-delivery-status")

    assert parse_bounce(raw) == parse_bounce(a_report())


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
