"""The mail network between the parties: takes every mail by SMTP and hands it on by SMTP.

A mail is taken only when the next one has taken it, as a proxy would do, so the
demonstration's network loses nothing by itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.adapters.smtp_listen import SmtpListener
from gateway.adapters.smtp_listen_settings import ListenerSettings
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.codecs.ebxml import peek_header
from gateway.codecs.mime import parse_mail
from gateway.codecs.xml import parse_untrusted
from gateway.domain.envelope import ACKNOWLEDGMENT_ACTION, APPREC_ACTION, ERROR_ACTION
from gateway.errors import GatewayError, TransportRefused

_KINDS = {
    ACKNOWLEDGMENT_ACTION: "acknowledgment",
    ERROR_ACTION: "error",
    APPREC_ACTION: "apprec",
}

Deliver = Callable[[bytes, str], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class PostOffice:
    """One SMTP server for all addresses of the demonstration.

    Args:
        kept: folder that gets a copy of every mail, None to keep none.
    """

    kept: Path | None = None
    routes: dict[str, Deliver] = field(default_factory=dict)
    made_on_purpose: dict[str, str] = field(default_factory=dict)  # mail Message-ID -> refusal
    carried: int = 0
    _listener: SmtpListener | None = None
    _transports: list[SmtpTransport] = field(default_factory=list)

    async def start(self, port: int) -> None:
        """Listen on loopback."""
        self._listener = SmtpListener(
            ListenerSettings(host="127.0.0.1", port=port, hostname="postoffice.demo.invalid"),
            own_addresses=lambda: tuple(self.routes),
            store=self._carry,
        )
        await self._listener.start()

    def serve(self, address: str, port: int) -> None:
        """Hand mail for ``address`` to the SMTP server on ``port``."""
        transport = SmtpTransport(
            SmtpSettings(host="127.0.0.1", port=port, security="none", timeout_seconds=20)
        )
        self._transports.append(transport)

        async def deliver(mail: bytes, sender: str) -> None:
            await transport.send(mail, sender=sender, recipient=address, envelope_id="demo")

        self.routes[address] = deliver

    def box(self, address: str, deliver: Deliver) -> None:
        """Hand mail for ``address`` to a function: a party without an SMTP server."""
        self.routes[address] = deliver

    async def stop(self) -> None:
        """Stop listening and close the connections."""
        if self._listener is not None:
            await self._listener.stop(2.0)
        for transport in self._transports:
            await transport.close()

    async def _carry(self, raw: bytes) -> None:
        mail = parse_mail(raw)
        sender, recipient = mail.sender or "", mail.recipient or ""
        route = self.routes.get(recipient)
        if route is None:
            raise TransportRefused("no such address in the demonstration")
        self._keep(raw, sender.partition("@")[0], mail.message_id or "", mail.soap)
        await route(raw, sender)

    def _keep(self, raw: bytes, sender: str, message_id: str, soap: bytes) -> None:
        self.carried += 1
        if self.kept is None:
            return
        try:
            action = peek_header(parse_untrusted(soap)).action or ""
        except GatewayError:
            action = ""
        refusal = self.made_on_purpose.get(message_id)
        name = f"{self.carried:04d}-{sender}-{_KINDS.get(action, 'payload')}"
        name += f"-{refusal}" if refusal else ""
        (self.kept / f"{name}.eml").write_bytes(raw)
