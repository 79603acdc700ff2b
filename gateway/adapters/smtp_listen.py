"""Our own mail server: listens, lets sessions in, and sees them out when it stops."""

import asyncio
import contextlib
from collections.abc import Callable, Collection

import structlog

from gateway.adapters.smtp_data import Allowance
from gateway.adapters.smtp_listen_settings import ListenerSettings, tls_context
from gateway.adapters.smtp_session import SmtpSession, Store
from gateway.errors import ConfigurationError

log = structlog.get_logger()


class SmtpListener:
    """Listen for mails until stopped.

    Args:
        settings: where and how much.
        own_addresses: asked at each recipient, so that a reload of the address book
            counts at once; case does not matter.
        store: awaited for each mail before it is answered. A GatewayError of its own
            kind TooLarge becomes 552, anything else 451.

    Raises:
        ConfigurationError: the certificate or its key cannot be used.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        *,
        own_addresses: Callable[[], Collection[str]],
        store: Store,
    ) -> None:
        self.settings = settings
        self.store = store
        self.stopping = False
        self.allowance = Allowance(
            max_mail_bytes=settings.max_mail_bytes,
            max_line_bytes=settings.max_line_bytes,
            max_bytes_under_way=settings.max_bytes_under_way,
        )
        self._own_addresses = own_addresses
        self._tls = tls_context(settings)
        self._server: asyncio.Server | None = None
        self._sessions: set[SmtpSession] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    @property
    def port(self) -> int:
        """The port listened on; tells which one was chosen when the setting is 0."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def sessions(self) -> int:
        """Connections open now."""
        return len(self._sessions)

    def is_own(self, address: str) -> bool:
        """Whether mail to ``address`` is for us."""
        return address.lower() in {own.lower() for own in self._own_addresses()}

    async def start(self) -> None:
        """Listen from now on.

        Raises:
            ConfigurationError: the address or port cannot be had.
        """
        loop = asyncio.get_running_loop()
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            self._server = await loop.create_server(
                self._new_session, self.settings.host, self.settings.port
            )
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen for mail on {where}: {error.strerror}"
            ) from None

    async def stop(self, grace: float) -> None:
        """Take no further mail, let those under way finish for ``grace`` seconds, then hang up.

        A mail cut off has not been answered, so its sender still has it.
        """
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for session in tuple(self._sessions):
            session.leave_when_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._all_gone.wait()
        for session in tuple(self._sessions):
            log.warning("smtp_session_cut_off")
            session.abort()
        await self._all_gone.wait()

    def joined(self, session: SmtpSession) -> None:
        self._sessions.add(session)
        self._all_gone.clear()

    def left(self, session: SmtpSession) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._all_gone.set()

    def _new_session(self) -> asyncio.BaseProtocol:
        if self.stopping or len(self._sessions) >= self.settings.max_connections:
            return _Busy()
        return SmtpSession(self, self._tls)


class _Busy(asyncio.Protocol):
    """Turns a connection away with a temporary answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
        transport.close()
