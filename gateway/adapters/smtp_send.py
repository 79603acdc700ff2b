"""Handing mails to a mail server (RFC 5321), over a few connections that are used again.

A return from :meth:`SmtpTransport.send` means that the server has taken the mail
over. Everything short of that is told apart by whose fault it is: the message's
(5xx to sender, recipient or content) or the surroundings' (all else). When the
answer after the final dot is missing, nobody knows; the mail is then sent again,
and the receiver knows the repeat by its eb:MessageId.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog
from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPHeloError,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from gateway.adapters.cancellation import heed_cancellation
from gateway.errors import ConfigurationError, TransportRefused, TransportUnavailable

log = structlog.get_logger()

_SAFE_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")  # ASCII without blanks and angle brackets
_CHECK_AFTER_SECONDS = 5.0  # idle longer: ask with NOOP before relying on it
_DISCARD_AFTER_SECONDS = 60.0  # idle longer: servers close such connections about now
_SLOWEST_BYTES_PER_SECOND = 50_000  # a mail is given this long on top of the timeout
_QUIT_SECONDS = 2.0
_NOT_THE_MESSAGE = frozenset({503, 521, 530, 534, 535, 538})
"""Permanent answers about the session: login, TLS, order of commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """One mail server. ``ca_file`` replaces the system's authorities, it does not add to them."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 60.0  # for each step; a large mail gets more for its last one
    max_connections: int = 4
    local_hostname: str = "localhost"  # what we call ourselves in EHLO
    max_mail_bytes: int = 51_200_000


@dataclass(slots=True)
class _Connection:
    client: SMTP
    idle_since: float = 0.0
    reused: bool = False


class _ConnectionGone(Exception):
    """The connection broke, or the server ended the session, before any of the mail was sent."""


class SmtpTransport:
    """Send mails through one server; safe for use by many tasks at once.

    Raises:
        ConfigurationError: the file of authorities cannot be read.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._tls = _tls_context(settings)
        self._slots = asyncio.Semaphore(settings.max_connections)
        self._idle: list[_Connection] = []
        self._closed = False
        if settings.username is not None and settings.security == "none":
            log.warning("smtp_password_unprotected", host=settings.host)

    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        """Hand over one mail; on return the server is responsible for it.

        Args:
            mail: the whole message; line ends other than CRLF are made CRLF.
            sender: envelope sender; bounces go there.
            recipient: the one envelope recipient.
            envelope_id: ENVID (RFC 3461), by which a bounce can be matched; sent
                only to servers that offer DSN.

        Raises:
            TransportUnavailable: not handed over, or not known to be; send again later.
            TransportRefused: the server will never take this mail.
        """
        heed_cancellation()
        _refuse_unsendable(mail, sender, recipient, self._settings.max_mail_bytes)
        async with self._slots:
            try:
                await self._attempt(mail, sender, recipient, envelope_id, fresh=False)
            except _ConnectionGone:
                # A server may end an idle session at any time; that says nothing about now.
                await self._attempt(mail, sender, recipient, envelope_id, fresh=True)

    async def close(self) -> None:
        """Take leave of the server; sends under way go on, later ones are refused."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(connection.client) for connection in idle))

    async def _attempt(
        self, mail: bytes, sender: str, recipient: str, envelope_id: str, *, fresh: bool
    ) -> None:
        connection = await self._connect() if fresh else await self._acquire()
        try:
            await self._transfer(connection, mail, sender, recipient, envelope_id)
        except BaseException:
            # Whatever was odd, cancellation included: the session's state is not known any more.
            connection.client.close()
            raise
        await self._release(connection)

    async def _acquire(self) -> _Connection:
        """Return a connection that was good just now; the freshest, so that spare ones age out."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            age = now - connection.idle_since
            if age > _DISCARD_AFTER_SECONDS or not connection.client.is_connected:
                connection.client.close()
            elif age <= _CHECK_AFTER_SECONDS or await self._answers(connection.client):
                connection.reused = True
                return connection
        return await self._connect()

    async def _answers(self, client: SMTP) -> bool:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                answer = await client.noop()
        except (SMTPException, OSError):  # TimeoutError is one
            answer = None
        except BaseException:
            client.close()
            raise
        if answer is None or answer.code != 250:
            client.close()
            return False
        return True

    async def _release(self, connection: _Connection) -> None:
        if self._closed:
            await _quit(connection.client)
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    async def _connect(self) -> _Connection:
        settings = self._settings
        if self._closed:
            raise TransportUnavailable("the transport is closed")
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=False,  # below, where its refusal can be told from the connection's
            tls_context=self._tls,
            local_hostname=settings.local_hostname,
            timeout=None,  # below: see ``_step``
        )
        limit = settings.timeout_seconds
        try:
            async with _step("connect", limit, permanent=False):
                await client.connect()
            if settings.security == "starttls":
                async with _step("STARTTLS", limit, permanent=False, hint="check smtp security"):
                    await client.starttls()
            async with _step("EHLO", limit, permanent=False):
                await _greet(client)
            if settings.username is not None:
                hint = "check user name and password"
                async with _step("login", limit, permanent=False, hint=hint):
                    await client.login(settings.username, settings.password or "")
        except BaseException:
            client.close()
            raise
        return _Connection(client)

    async def _transfer(
        self, connection: _Connection, mail: bytes, sender: str, recipient: str, envelope_id: str
    ) -> None:
        client = connection.client
        _refuse_larger_than_server_takes(client, mail)
        mail_options, rcpt_options = _options(client, mail, envelope_id)
        limit = self._settings.timeout_seconds
        async with _step("MAIL FROM", limit, reused=connection.reused):
            await client.mail(sender, options=mail_options)
        async with _step("RCPT TO", limit):
            await client.rcpt(recipient, options=rcpt_options)
        async with _step("DATA", limit):
            _expect(354, await client.execute_command(b"DATA"))
        async with _step("after DATA", limit + len(mail) / _SLOWEST_BYTES_PER_SECOND):
            _expect(250, await _send_data(client, mail))


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    if settings.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or "no certificates in PEM form"
        raise ConfigurationError(f"smtp ca_file {settings.ca_file}: {reason}") from None


def _refuse_unsendable(mail: bytes, sender: str, recipient: str, max_bytes: int) -> None:
    if len(mail) > max_bytes:
        raise TransportRefused(f"the mail has {len(mail)} bytes, the limit is {max_bytes}")
    for role, address in (("sender", sender), ("recipient", recipient)):
        if len(address) > 254 or not _SAFE_ADDRESS.fullmatch(address):
            raise TransportRefused(f"the {role} is not an address that SMTP can carry")


def _refuse_larger_than_server_takes(client: SMTP, mail: bytes) -> None:
    announced = client.esmtp_extensions.get("size", "").strip()
    limit = int(announced) if announced.isascii() and announced.isdigit() else 0
    if 0 < limit < len(mail):  # 0: no fixed limit (RFC 1870)
        raise TransportRefused(f"the mail has {len(mail)} bytes, the server takes {limit}")


def _options(client: SMTP, mail: bytes, envelope_id: str) -> tuple[list[str], list[str]]:
    mail_options, rcpt_options = [], []
    if client.supports_extension("size"):
        mail_options.append(f"SIZE={len(mail)}")
    if client.supports_extension("8bitmime") and not mail.isascii():
        mail_options.append("BODY=8BITMIME")
    if client.supports_extension("dsn"):
        mail_options += ["RET=HDRS", f"ENVID={_xtext(envelope_id)}"]
        rcpt_options.append("NOTIFY=FAILURE,DELAY")
    return mail_options, rcpt_options


def _xtext(text: str) -> str:
    """Encode for a DSN parameter (RFC 3461 §4)."""
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}"
        for octet in text.encode()
    )


async def _greet(client: SMTP) -> None:
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:  # RFC 5321 §3.2: old servers know HELO only
            await client.helo()


def _expect(code: int, answer: SMTPResponse) -> None:
    if answer.code != code:
        raise SMTPResponseException(answer.code, "")


async def _send_data(client: SMTP, mail: bytes) -> SMTPResponse:
    """Send the mail and its end mark, and return the answer.

    The library's own way takes seconds for a large mail, during which the whole
    process would stand still.
    """
    if client.protocol is None:
        raise SMTPServerDisconnected("gone")
    if not (
        mail.endswith(b"\r\n") and mail.count(b"\r\n") == mail.count(b"\n") == mail.count(b"\r")
    ):
        # Single CR and LF are no line ends in SMTP, and some servers end a mail at them.
        mail = re.sub(rb"\r\n|\n|\r", b"\r\n", mail)
        mail = mail if mail.endswith(b"\r\n") else mail + b"\r\n"
    stuffed = mail.replace(b"\r\n.", b"\r\n..")  # RFC 5321 §4.5.2
    first = b"." if stuffed.startswith(b".") else b""
    client.protocol.write(b"".join((first, stuffed, b".\r\n")))
    return await client.protocol.read_response()


@asynccontextmanager
async def _step(
    name: str,
    seconds: float,
    *,
    permanent: bool = True,
    hint: str = "",
    reused: bool = False,
) -> AsyncIterator[None]:
    """One step of the dialogue: bounded in time, the library's errors turned into ours.

    Their texts quote the server, which may quote addresses; ours give step and code.
    The library's own time limits are not used: they can swallow a cancellation (see
    :func:`heed_cancellation`), and the mail would then wait for its answer all the same.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except SMTPResponseException as error:
        if reused and error.code == 421:
            raise _ConnectionGone from None
        detail = f"{name}: SMTP {error.code}"
        if permanent and 500 <= error.code <= 599 and error.code not in _NOT_THE_MESSAGE:
            raise TransportRefused(detail) from None
        advice = f"; {hint}" if hint and error.code >= 500 else ""
        raise TransportUnavailable(detail + advice) from None
    except (SMTPException, OSError, ValueError) as error:
        if reused:
            raise _ConnectionGone from None
        advice = f"; {hint}" if hint else ""
        raise TransportUnavailable(f"{name}: {type(error).__name__}{advice}") from None


async def _quit(client: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):  # TimeoutError is one
        async with asyncio.timeout(_QUIT_SECONDS):
            await client.quit()
    client.close()
