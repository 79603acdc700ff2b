"""The SMTP listener against senders that misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.adapters.smtp_listen import SmtpListener
from gateway.errors import (
    ConfigurationError,
    TransportUnavailable,
)
from tests.builders_smtp import (
    MAIL,
    RECIPIENT,
    SENDER,
    Shelf,
    listening,
    send,
    sending,
    until,
)


class Talk:
    """A client that says exactly what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self) -> str:
        """The next answer, its lines joined; empty when the listener has hung up."""
        lines = []
        while line := (await asyncio.wait_for(self._reader.readline(), 5)).decode():
            lines.append(line)
            if line[3:4] == " ":
                break
        return "".join(lines)

    async def ask(self, data: bytes) -> str:
        await self.say(data)
        return await self.hear()

    async def begin_data(self) -> None:
        await self.ask(b"EHLO me\r\n")
        await self.ask(f"MAIL FROM:<{SENDER}>\r\n".encode())
        await self.ask(f"RCPT TO:<{RECIPIENT}>\r\n".encode())
        assert (await self.ask(b"DATA\r\n")).startswith("354")

    def hang_up(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def talking(listener: SmtpListener) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        talk = Talk(reader, writer)
        assert (await talk.hear()).startswith("220")
        yield talk
    finally:
        writer.close()


async def test_bounce_with_empty_sender_is_taken() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, talking(listener) as talk:
        await talk.ask(b"EHLO me\r\n")
        assert (await talk.ask(b"MAIL FROM:<>\r\n")).startswith("250")
        assert (await talk.ask(f"RCPT TO:<{RECIPIENT}>\r\n".encode())).startswith("250")
        await talk.ask(b"DATA\r\n")
        assert (await talk.ask(b"bounce\r\n.\r\n")).startswith("250")

    assert shelf.mails == [b"bounce\r\n"]


async def test_pipelined_commands_are_answered_in_order() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, talking(listener) as talk:
        assert "250-PIPELINING" in await talk.ask(b"EHLO me\r\n")
        envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
        await talk.say(envelope)
        assert [(await talk.hear())[:3] for _ in range(3)] == ["250", "250", "354"]
        await talk.say(b"one\r\n.\r\n" + envelope)
        assert [(await talk.hear())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        assert (await talk.ask(b"two\r\n.\r\n"))[:3] == "250"

    assert shelf.mails == [b"one\r\n", b"two\r\n"]


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r"])
async def test_only_a_true_end_mark_ends_a_mail(end: bytes) -> None:
    """A second mail smuggled in behind a false end mark stays part of the first."""
    shelf = Shelf()
    async with listening(shelf) as listener, talking(listener) as talk:
        await talk.begin_data()
        smuggled = b"one" + end + b"MAIL FROM:<evil@edi.invalid>\r\n"
        assert (await talk.ask(smuggled + b".\r\n")).startswith("250")

    assert len(shelf.mails) == 1
    assert b"evil" in shelf.mails[0]


async def test_sender_that_hangs_up_in_the_mail_leaves_nothing() -> None:
    shelf = Shelf()
    async with listening(shelf) as listener:
        async with talking(listener) as talk:
            await talk.begin_data()
            await talk.say(b"half a mail\r\n")
            talk.hang_up()
        async with sending(listener.port) as transport:
            await send(transport)
        await asyncio.wait_for(until(lambda: listener.allowance.under_way == 0), 5)

    assert shelf.mails == [MAIL]


async def test_commit_is_not_undone_when_the_sender_hangs_up() -> None:
    shelf = Shelf()
    shelf.open.clear()
    async with listening(shelf) as listener:
        async with talking(listener) as talk:
            await talk.begin_data()
            await talk.say(b"whole\r\n.\r\n")
            await shelf.waiting.wait()
            talk.hang_up()
        shelf.open.set()
        await asyncio.wait_for(until(lambda: bool(shelf.mails)), 5)

    assert shelf.mails == [b"whole\r\n"]


@pytest.mark.parametrize(
    ("limits", "mail", "answer"),
    [
        pytest.param({"max_mail_bytes": 1_000}, b"a\r\n" * 1_000, "552", id="size"),
        pytest.param({"max_mail_bytes": 1_000}, b"a\r\n" * 100_000, "552", id="size by far"),
        pytest.param({"max_line_bytes": 100}, b"a" * 101 + b"\r\n", "500", id="line"),
        pytest.param({"max_bytes_under_way": 100}, b"a\r\n" * 100, "452", id="memory"),
    ],
)
async def test_mail_above_a_limit_is_refused_and_the_next_is_taken(
    limits: dict[str, object], mail: bytes, answer: str
) -> None:
    shelf = Shelf()
    async with listening(shelf, **limits) as listener, talking(listener) as talk:
        await talk.begin_data()
        assert (await talk.ask(mail + b".\r\n")).startswith(answer)
        await talk.begin_data()
        assert (await talk.ask(b"next\r\n.\r\n")).startswith("250")
        assert listener.allowance.under_way == 0

    assert shelf.mails == [b"next\r\n"]


async def test_mail_at_the_limits_is_taken() -> None:
    shelf = Shelf()
    mail = b"a" * 98 + b"\r\n"
    async with (
        listening(shelf, max_mail_bytes=100, max_line_bytes=100) as listener,
        sending(listener.port) as transport,
    ):
        await send(transport, mail)

    assert shelf.mails == [mail]


async def test_sender_that_hangs_up_in_the_tls_handshake_frees_its_place(pem: Path) -> None:
    shelf = Shelf()
    async with listening(shelf, max_connections=1, certificate_file=pem) as listener:
        async with talking(listener) as talk:
            await talk.ask(b"EHLO me\r\n")
            assert (await talk.ask(b"STARTTLS\r\n")).startswith("220")
            talk.hang_up()
        await asyncio.wait_for(until(lambda: listener.sessions == 0), 5)
        async with sending(listener.port, security="starttls", ca_file=pem) as transport:
            await send(transport)

    assert shelf.mails == [MAIL]


async def test_command_injected_before_tls_is_not_carried_into_it(pem: Path) -> None:
    """RFC 3207 §4.2: what came before the handshake is forgotten."""
    async with listening(Shelf(), certificate_file=pem) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        talk = Talk(reader, writer)
        await talk.hear()
        await talk.ask(b"EHLO me\r\n")
        assert (await talk.ask(b"STARTTLS\r\nNOOP\r\n")).startswith("220")
        await writer.start_tls(ssl.create_default_context(cafile=pem), server_hostname="127.0.0.1")
        assert (await talk.ask(b"DATA\r\n")).startswith("503")
        writer.close()


async def test_connection_too_many_is_turned_away_for_now() -> None:
    shelf = Shelf()
    async with (
        listening(shelf, max_connections=1) as listener,
        talking(listener),
        sending(listener.port) as transport,
    ):
        with pytest.raises(TransportUnavailable, match="connect: SMTP 421"):
            await send(transport)


async def test_silent_session_is_ended() -> None:
    async with listening(Shelf(), timeout_seconds=0.02) as listener, talking(listener) as talk:
        assert await talk.hear() == ""


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        pytest.param(b"x" * 1_000 + b"\r\n", "500", id="long command"),
        pytest.param(b"x" * 200_000 + b"\r\n", "500", id="very long command"),
        pytest.param(b"\xff\xfe\r\n", "500", id="not ASCII"),
        pytest.param(b"\r\n", "500", id="empty"),
        pytest.param(b"DATA\r\n", "503", id="out of order"),
        pytest.param(b"AUTH PLAIN AGEAYg==\r\n", "5", id="log-in is not offered"),
        pytest.param(b"MAIL FROM:<\r\n", ("451", "553"), id="half an address"),
        pytest.param(b"MAIL FROM:<" + b"(" * 490 + b"\r\n", ("451", "553"), id="nested comments"),
        pytest.param(b"MAIL FROM:<a@b> SIZE=99999999999\r\n", "552", id="size announced"),
    ],
)
async def test_bad_command_is_refused_and_the_session_goes_on(
    said: bytes, answer: str | tuple[str, ...]
) -> None:
    shelf = Shelf()
    async with listening(shelf) as listener, talking(listener) as talk:
        assert "AUTH" not in await talk.ask(b"EHLO me\r\n")
        assert (await talk.ask(said)).startswith(answer)
        await talk.begin_data()
        assert (await talk.ask(b"mail\r\n.\r\n")).startswith("250")


async def test_port_that_is_taken_is_a_configuration_fault() -> None:
    async with listening(Shelf()) as listener:
        with pytest.raises(ConfigurationError, match=str(listener.port)):
            async with listening(Shelf(), port=listener.port):
                pass


async def test_unusable_certificate_is_a_configuration_fault(tmp_path: Path) -> None:
    for settings_ in ({"certificate_file": tmp_path / "none.pem"}, {"require_tls": True}):
        with pytest.raises(ConfigurationError):
            async with listening(Shelf(), **settings_):
                pass
