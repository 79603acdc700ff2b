"""One connection to our mail server (RFC 5321): its commands, and mails taken in blocks.

The answer 250 after the final dot moves the responsibility for a mail to us, so it
is given after ``store`` has returned and never before. Whatever goes wrong until
then is answered 4xx: the sender keeps the mail and comes again.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.adapters.smtp_data import END_MARK, Allowance, IncomingData
from gateway.adapters.smtp_listen_settings import ListenerSettings
from gateway.errors import GatewayError, TooLarge

log = structlog.get_logger()

# The library's own log quotes addresses at INFO and whole mails at DEBUG.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

Store = Callable[[bytes], Awaitable[None]]
"""Commit one mail, byte for byte as sent; returning means that it is safe."""

_OTHER_COMMANDS = 20  # EHLO, NOOP and the like, however few mails a session may bring

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9-]+"
_PLAIN_PATH = re.compile(
    rf"<(?P<address>(?=[^@]{{1,64}}@.{{1,255}}>){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*)>"
    r" *(?P<rest>.*)"
)


def plain_path(arg: str) -> tuple[str, str] | None:
    """Address and rest of an ordinary path; None for what the library should look at."""
    plain = _PLAIN_PATH.fullmatch(arg)
    return None if plain is None else (plain["address"], plain["rest"])


class Listener(Protocol):
    """The listener, as its sessions need it."""

    @property
    def settings(self) -> ListenerSettings: ...
    @property
    def allowance(self) -> Allowance: ...
    @property
    def store(self) -> Store: ...
    @property
    def stopping(self) -> bool: ...

    def is_own(self, address: str) -> bool:
        """Whether mail to ``address`` is for us."""

    def joined(self, session: "SmtpSession") -> None: ...
    def left(self, session: "SmtpSession") -> None: ...


class _Answers:
    """What the library asks us in the course of a session (its hook names)."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        # No log-in is offered: who sent a mail is told by its signature.
        offered = [line for line in responses if not line.startswith("250-AUTH")]
        return [*offered[:-1], "250-PIPELINING", offered[-1]]

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if not self._listener.is_own(address):
            return "550 5.1.1 No such EDI address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        log.error("smtp_session_fault", error=type(error).__name__)
        return "451 4.3.0 Local fault, try again later"


class SmtpSession(SMTP):
    """One connection. Differs from the library in reading DATA in blocks and not in lines."""

    line_length_limit = 65_536  # the reader's block; commands are held to 512 bytes all the same

    def __init__(self, listener: Listener, tls: ssl.SSLContext | None) -> None:
        settings = listener.settings
        super().__init__(
            _Answers(listener),
            data_size_limit=settings.max_mail_bytes,
            hostname=settings.hostname,
            ident="ready",
            tls_context=tls,
            require_starttls=settings.require_tls,
            timeout=settings.timeout_seconds,
            command_call_limit={
                # Ended at MAIL, where no sender can be in doubt about what was taken.
                "MAIL": settings.max_messages_per_session,
                "*": 2 * settings.max_messages_per_session + _OTHER_COMMANDS,
            },
            loop=asyncio.get_running_loop(),
        )
        self._listener = listener
        self._taking_mail = False
        self._wire: asyncio.Transport | None = None  # below TLS, where there is TLS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        if self._wire is None:  # not the second time, with TLS over it after STARTTLS
            self._wire = transport
            self._listener.joined(self)
            assert self._handler_coroutine is not None
            self._handler_coroutine.add_done_callback(self._over)

    def _over(self, handler: asyncio.Task[None]) -> None:
        """However the session ended; a failed TLS handshake ends it without connection_lost."""
        if not handler.cancelled() and (fault := handler.exception()) is not None:
            log.info("smtp_session_broken", error=type(fault).__name__)
        assert self._wire is not None
        if not self._wire.is_closing():
            self._wire.abort()
        self._listener.left(self)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Address and rest of a path. The library's way costs more than all else of a command."""
        if (plain := plain_path(arg)) is not None:
            return plain
        return super()._getaddr(arg)  # quoted, commented, empty: seldom

    def leave_when_idle(self) -> None:
        """Say good-bye now, or after the mail that is being taken."""
        transport = self.transport
        if self._taking_mail or not isinstance(transport, asyncio.Transport):
            return
        if not transport.is_closing():
            transport.write(b"421 4.3.2 Shutting down\r\n")
            transport.close()

    def abort(self) -> None:
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()  # and _over hangs up

    async def smtp_STARTTLS(self, arg: str) -> None:
        await super().smtp_STARTTLS(arg)
        # When the other side hangs up in the handshake the library notices nothing, and
        # would wait for commands that cannot come: the session would never be given free.
        if self._tls_protocol is not None and (self.session is None or self.session.ssl is None):
            raise ConnectionResetError

    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        self._taking_mail = True
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            answer = await self._take_mail()
            self.envelope = self._create_envelope()
            await self.push(answer)
        finally:
            self._taking_mail = False
        if self._listener.stopping:
            self.leave_when_idle()

    async def _take_mail(self) -> str:
        """Read one mail, store it, and return the answer to it."""
        data = IncomingData(self._listener.allowance)
        try:
            await self._read(data)
            mail = data.mail()
            if mail is None:
                log.warning("smtp_mail_refused", answer=data.refusal)
                return data.refusal
            return await self._store(mail)
        finally:
            data.let_go()

    async def _read(self, data: IncomingData) -> None:
        reader = self._reader
        # The end mark is a line, so the line end before the first line is given back to the
        # reader. A line end that is not CR LF never ends a mail (no "SMTP smuggling").
        reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        while True:
            try:
                data.add(await reader.readuntil(END_MARK))
                return
            except asyncio.LimitOverrunError as more:
                data.add(await reader.read(more.consumed))
                self._reset_timeout()

    async def _store(self, mail: bytes) -> str:
        # A sender that hangs up meanwhile does not undo a commit: it only misses our answer.
        storing = asyncio.ensure_future(self._listener.store(mail))
        storing.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.shield(storing)
        except TooLarge:
            return "552 5.3.4 Mail too large"
        except GatewayError as error:
            log.warning("smtp_mail_not_stored", code=error.code)
            return "451 4.3.0 Not stored, try again later"
        except Exception as error:
            log.error("smtp_mail_not_stored", error=type(error).__name__)
            return "451 4.3.0 Not stored, try again later"
        return "250 2.0.0 OK, stored"
