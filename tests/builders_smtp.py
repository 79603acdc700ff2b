"""Both ends of SMTP for tests: sender, listener, and a server that misbehaves by a script."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.adapters.smtp_listen import SmtpListener
from gateway.adapters.smtp_listen_settings import ListenerSettings
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport

MAIL = b"Subject: ebXML\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n"
SENDER, RECIPIENT = "kommune@edi.invalid", "sykehus@edi.invalid"
SECRET = "0102999999"

Store = Callable[[bytes], Awaitable[None]]


class Shelf:
    """A store that remembers, and fails when told to."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = asyncio.Event()

    async def __call__(self, mail: bytes) -> None:
        self.waiting.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        self.mails.append(mail)


@asynccontextmanager
async def listening(store: Store, **changes: object) -> AsyncIterator[SmtpListener]:
    wanted: dict[str, object] = {"host": "127.0.0.1", "port": 0, **changes}
    listener = SmtpListener(
        ListenerSettings(**wanted),  # type: ignore[arg-type]
        own_addresses=lambda: [RECIPIENT],
        store=store,
    )
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(grace=0)


@asynccontextmanager
async def sending(port: int, **changes: object) -> AsyncIterator[SmtpTransport]:
    wanted: dict[str, object] = {"host": "127.0.0.1", "port": port, "security": "none", **changes}
    transport = SmtpTransport(SmtpSettings(**wanted))  # type: ignore[arg-type]
    try:
        yield transport
    finally:
        await transport.close()


async def send(
    transport: SmtpTransport, mail: bytes = MAIL, recipient: str = RECIPIENT, *, times: int = 1
) -> None:
    for _ in range(times):
        await transport.send(mail, sender=SENDER, recipient=recipient, envelope_id="attempt+1")


class FaultServer:
    """A mail server that follows a script: verb to answer; ``HANG`` and ``DROP`` are no answers.

    An answer that is a list is used up from the left, its last one for good.
    """

    HANG, DROP = "hang", "drop"

    def __init__(self, script: dict[str, str | list[str]]) -> None:
        self._script: dict[str, str | list[str]] = {
            "connect": "220 ready",
            "EHLO": "250-fault\r\n250 SIZE 1000",
            "DATA": "354 go on",
            "QUIT": "221 bye",
            **script,
        }
        self.commands: list[str] = []
        self.connections = 0

    def _answer(self, verb: str) -> str:
        answer = self._script.get(verb, "250 ok")
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        verb = "connect"
        try:
            while True:
                answer = self._answer(verb)
                if answer == self.DROP:
                    return
                if answer == self.HANG:
                    await reader.read()
                    return
                writer.write(answer.encode() + b"\r\n")
                if verb == "DATA" and answer.startswith("354"):
                    await reader.readuntil(b"\r\n.\r\n")
                    verb = "."
                    continue
                if not (line := await reader.readline()):
                    return
                self.commands.append(line.decode().rstrip())
                verb = line.split()[0].decode().upper()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def faulty(
    tls: ssl.SSLContext | None = None, **script: str | list[str]
) -> AsyncIterator[tuple[FaultServer, int]]:
    dot = {"." if verb == "dot" else verb: answer for verb, answer in script.items()}
    fault = FaultServer(dot)
    server = await asyncio.start_server(fault.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield fault, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@cache
def _key_and_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_bytes(_key_and_certificate())
    return path


async def until(fulfilled: Callable[[], bool]) -> None:
    while not fulfilled():  # noqa: ASYNC110 - it depends on lists and numbers, not on an event
        await asyncio.sleep(0)
