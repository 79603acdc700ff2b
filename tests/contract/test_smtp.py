"""The SMTP sender against our own listener."""

import asyncio
import logging
import ssl
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import (
    ConfigurationError,
    JournalUnavailable,
    TooLarge,
    TransportRefused,
    TransportUnavailable,
)
from tests.builders_smtp import (
    MAIL,
    RECIPIENT,
    SECRET,
    SENDER,
    Shelf,
    faulty,
    listening,
    send,
    sending,
    until,
)


async def test_mail_arrives_byte_for_byte() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        await send(transport)

    assert shelf.mails == [MAIL]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b".\r\n..\r\n.a\r\n\r\n.\r\n", id="dots at the beginning of lines"),
        pytest.param(b"\r\n.\r\n", id="end mark in the text"),
        pytest.param(b".\r\n", id="nothing but a dot"),
        pytest.param(b"\r\n", id="one empty line"),
        pytest.param(b"a" * 100_000 + b"\r\n", id="a line longer than the reader's block"),
        pytest.param((b"A" * 76 + b"\r\n") * 20_000, id="many blocks"),
        pytest.param((b".\r\n" * 60_000), id="dots at the edges of blocks"),
        pytest.param("blåbær\r\n".encode(), id="8bit"),
        pytest.param(b"\x00\xff\r\n", id="binary"),
    ],
)
async def test_awkward_bytes_arrive_as_they_are(body: bytes) -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        await send(transport, body)
        await send(transport, MAIL)

    assert shelf.mails == [body, MAIL]


async def test_line_ends_that_smtp_does_not_have_are_made_crlf() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        await send(transport, b".a\n.\r\nb\r.\n\r\n.c")

    assert shelf.mails == [b".a\r\n.\r\nb\r\n.\r\n\r\n.c\r\n"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"\r\n.\r\n", b"..", b"\r\n."]), max_size=12))
async def test_any_mix_of_dots_and_line_ends_arrives(parts: list[bytes]) -> None:
    mail = b"".join(parts) + b"\r\n"
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        await send(transport, mail, times=2)

    assert shelf.mails == [mail, mail]


async def test_connection_is_used_again() -> None:
    async with faulty() as (fault, port), sending(port) as transport:
        await send(transport, times=5)

    assert fault.connections == 1


async def test_many_tasks_share_a_few_connections() -> None:
    shelf = Shelf()
    mails = [b"%d\r\n" % i for i in range(50)]
    async with (
        listening(shelf, max_connections=3) as listener,
        sending(listener.port, max_connections=3) as transport,
        asyncio.TaskGroup() as group,
    ):
        for mail in mails:
            group.create_task(send(transport, mail))
        await asyncio.wait_for(until(lambda: len(shelf.mails) == 50), 10)

    assert sorted(shelf.mails) == sorted(mails)


async def test_session_that_the_listener_has_ended_is_replaced_without_a_failed_attempt() -> None:
    shelf = Shelf()
    async with (
        listening(shelf, max_messages_per_session=1) as listener,
        sending(listener.port) as transport,
    ):
        await send(transport, times=4)

    assert len(shelf.mails) == 4


async def test_listener_that_came_back_after_a_restart_is_found() -> None:
    shelf = Shelf()
    async with listening(shelf) as first:
        port = first.port
        transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none"))
        await send(transport)
    with pytest.raises(TransportUnavailable, match="connect"):
        await send(transport)
    async with listening(shelf, port=port):
        await send(transport)
        await transport.close()

    assert len(shelf.mails) == 2


async def test_mail_is_sent_over_verified_tls(pem: Path) -> None:
    shelf = Shelf()
    async with (
        listening(shelf, certificate_file=pem, require_tls=True) as listener,
        sending(listener.port, security="starttls", ca_file=pem) as transport,
    ):
        await send(transport, times=2)

    assert shelf.mails == [MAIL, MAIL]


async def test_tls_from_the_first_byte_is_spoken_where_configured(pem: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    async with (
        faulty(context) as (fault, port),
        sending(port, security="tls", ca_file=pem) as trusting,
        sending(port, security="tls") as wary,
    ):
        await send(trusting)
        with pytest.raises(TransportUnavailable, match="connect"):
            await send(wary)

    assert len([command for command in fault.commands if command == "DATA"]) == 1


async def test_certificate_that_nobody_vouches_for_is_not_accepted(pem: Path) -> None:
    shelf = Shelf()
    async with (
        listening(shelf, certificate_file=pem) as listener,
        sending(listener.port, security="starttls") as transport,
    ):
        with pytest.raises(TransportUnavailable, match="STARTTLS"):
            await send(transport)

    assert shelf.mails == []


async def test_listener_that_demands_tls_refuses_without(pem: Path) -> None:
    shelf = Shelf()
    async with (
        listening(shelf, certificate_file=pem, require_tls=True) as listener,
        sending(listener.port) as transport,
    ):
        with pytest.raises(TransportUnavailable, match="530"):
            await send(transport)


async def test_address_that_is_not_ours_is_refused_for_good() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        with pytest.raises(TransportRefused, match="RCPT TO: SMTP 550"):
            await send(transport, recipient="other@edi.invalid")
        await send(transport, recipient=RECIPIENT.upper())

    assert shelf.mails == [MAIL]


async def test_mail_above_the_limit_is_refused_before_it_is_sent() -> None:
    shelf = Shelf()
    async with (
        listening(shelf, max_mail_bytes=100) as listener,
        sending(listener.port) as transport,
    ):
        with pytest.raises(TransportRefused, match="the server takes 100"):
            await send(transport, b"a" * 200)
        await send(transport)

    assert shelf.mails == [MAIL]


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        pytest.param(JournalUnavailable(), TransportUnavailable, "451", id="journal away"),
        pytest.param(TooLarge(), TransportRefused, "552", id="too large"),
        pytest.param(ConfigurationError(), TransportUnavailable, "451", id="other error of ours"),
        pytest.param(RuntimeError(SECRET), TransportUnavailable, "451", id="bug"),
    ],
)
async def test_mail_that_is_not_stored_is_not_acknowledged(
    fault: Exception, outcome: type[Exception], code: str
) -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        shelf.fault = fault
        with pytest.raises(outcome, match=code):
            await send(transport)
        shelf.fault = None
        await send(transport)

    assert shelf.mails == [MAIL]


async def test_answer_comes_only_after_the_commit() -> None:
    shelf = Shelf()
    shelf.open.clear()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        sent = asyncio.ensure_future(send(transport))
        await shelf.waiting.wait()
        assert not sent.done()
        shelf.open.set()
        await sent

    assert shelf.mails == [MAIL]


async def test_stop_lets_the_mail_under_way_finish() -> None:
    shelf = Shelf()
    shelf.open.clear()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        sent = asyncio.ensure_future(send(transport))
        await shelf.waiting.wait()
        stopped = asyncio.ensure_future(listener.stop(grace=10))
        await asyncio.sleep(0)
        shelf.open.set()
        await asyncio.gather(sent, stopped)

    assert shelf.mails == [MAIL]


async def test_mail_cut_off_by_the_end_of_grace_stays_with_its_sender() -> None:
    shelf = Shelf()
    shelf.open.clear()
    async with listening(shelf) as listener, sending(listener.port) as transport:
        sent = asyncio.ensure_future(send(transport))
        await shelf.waiting.wait()
        await listener.stop(grace=0)
        with pytest.raises(TransportUnavailable, match="DATA"):
            await sent


async def test_nothing_of_a_mail_is_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = Shelf()
    shelf.fault = RuntimeError(SECRET)
    caplog.set_level(logging.DEBUG, logger="asyncio")
    async with listening(shelf) as listener, sending(listener.port) as transport:
        with pytest.raises(TransportUnavailable) as refused:
            await send(transport, SECRET.encode() + b"\r\n")

    shown = caplog.text + "".join(capsys.readouterr()) + str(refused.value)
    for secret in (SECRET, SENDER, RECIPIENT):
        assert secret not in shown
