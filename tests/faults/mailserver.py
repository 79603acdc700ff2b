"""A mail server between the gateways that answers as badly as a test wants.

It takes a mail only when the post office behind it has taken it, and knows just
enough of RFC 5321 for that.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import TransportUnavailable


class Fault(StrEnum):
    LATER = "451 instead of taking the mail"
    NEVER = "550 to the recipient"
    SILENCE = "no answer to the mail, and the mail is not taken"
    SILENCE_AFTER = "no answer to the mail, but it is taken"
    HANG_UP = "the connection ends after DATA, and the mail is not taken"
    HANG_UP_AFTER = "the connection ends after DATA, but the mail is taken"


Choose = Callable[[str], Fault | None]
"""What happens to the next mail for a recipient; None: it is taken."""


class MailServer:
    """Listens until the block ends. ``choose`` may be replaced while it runs."""

    def __init__(self, onward: SmtpTransport) -> None:
        self.choose: Choose = lambda recipient: None
        self.happened: Counter[Fault] = Counter()
        self._onward = onward
        self._sessions: set[asyncio.Task[None]] = set()
        self._closing = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session, from greeting to farewell."""
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side hung up, or the test is over
        finally:
            self._sessions.discard(task)
            writer.close()

    async def close(self) -> None:
        self._closing = True  # before Python 3.12 a cancelled wait may end with its result instead
        for session in tuple(self._sessions):
            session.cancel()
        await asyncio.gather(*self._sessions)
        await self._onward.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        fault: Fault | None = None
        writer.write(b"220 badly.demo.invalid ESMTP\r\n")
        while not self._closing:
            line = (await reader.readuntil(b"\r\n")).decode("ascii")
            match line[:4].upper().strip():
                case "EHLO":
                    writer.write(b"250-badly.demo.invalid\r\n250 8BITMIME\r\n")
                case "MAIL":
                    sender = _address(line)
                    writer.write(b"250 OK\r\n")
                case "RCPT":
                    recipient = _address(line)
                    fault = self.choose(recipient)
                    if fault is not None:
                        self.happened[fault] += 1
                    refused = fault is Fault.NEVER
                    writer.write(b"550 5.1.1 No such user\r\n" if refused else b"250 OK\r\n")
                case "DATA":
                    writer.write(b"354 Go on\r\n")
                    mail = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                    answer = await self._answer(mail, sender, recipient, fault)
                    if answer is None:
                        return
                    writer.write(answer)
                case "QUIT":
                    writer.write(b"221 Bye\r\n")
                    return
                case _:
                    writer.write(b"250 OK\r\n")

    async def _answer(
        self, mail: bytes, sender: str, recipient: str, fault: Fault | None
    ) -> bytes | None:
        """What is said after the mail; None: nothing any more."""
        if fault in (None, Fault.SILENCE_AFTER, Fault.HANG_UP_AFTER):
            try:
                await self._onward.send(
                    mail, sender=sender, recipient=recipient, envelope_id="test"
                )
            except TransportUnavailable:
                return b"451 4.3.0 Not now\r\n"
        if fault in (Fault.SILENCE, Fault.SILENCE_AFTER):
            await asyncio.Event().wait()  # until the other side, or the test, has had enough
        if fault in (Fault.HANG_UP, Fault.HANG_UP_AFTER):
            return None
        return b"250 OK\r\n" if fault is None else b"451 4.3.0 Not now\r\n"


@asynccontextmanager
async def mail_server(port: int, *, onward_port: int) -> AsyncIterator[MailServer]:
    """Listen on ``port`` and hand on what is taken to ``onward_port``, both on loopback."""
    settings = SmtpSettings(host="127.0.0.1", port=onward_port, security="none")
    server = MailServer(SmtpTransport(settings))
    limit = 60_000_000
    listening = await asyncio.start_server(server.serve, "127.0.0.1", port, limit=limit)
    try:
        yield server
    finally:
        listening.close()
        with suppress(asyncio.CancelledError):
            await server.close()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
