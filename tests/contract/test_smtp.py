"""The SMTP sender against our listener, and each against a partner that misbehaves."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtplib.protocol import SMTPProtocol
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.adapters import smtp_listen, smtp_send
from gateway.adapters.smtp_listen import ListenerSettings, SmtpListener
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import (
    ConfigurationError,
    JournalUnavailable,
    TooLarge,
    TransportRefused,
    TransportUnavailable,
)

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


# --- sender and listener together ----------------------------------------------------------------


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
        await asyncio.wait_for(_until(lambda: len(shelf.mails) == 50), 10)

    assert sorted(shelf.mails) == sorted(mails)


async def _until(fulfilled: Callable[[], bool]) -> None:
    while not fulfilled():  # noqa: ASYNC110 - it depends on lists and numbers, not on an event
        await asyncio.sleep(0)


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


# --- the sender against faults -------------------------------------------------------------------

HANG, DROP = FaultServer.HANG, FaultServer.DROP


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        pytest.param({"connect": "421 busy"}, "connect: SMTP 421", id="busy"),
        pytest.param({"connect": "554 no service"}, "connect: SMTP 554", id="greeting 554"),
        pytest.param({"connect": DROP}, "connect", id="dropped at once"),
        pytest.param({"connect": HANG}, "connect", id="no greeting"),
        pytest.param({"connect": "nonsense"}, "connect", id="not SMTP"),
        pytest.param({"EHLO": HANG}, "EHLO", id="no answer to EHLO"),
        pytest.param({"EHLO": DROP}, "EHLO", id="dropped at EHLO"),
        pytest.param({"MAIL": "451 later"}, "MAIL FROM: SMTP 451", id="451 at MAIL"),
        pytest.param({"MAIL": "530 log in first"}, "MAIL FROM: SMTP 530", id="530 at MAIL"),
        pytest.param({"RCPT": "450 full"}, "RCPT TO: SMTP 450", id="450 at RCPT"),
        pytest.param({"RCPT": DROP}, "RCPT TO", id="dropped at RCPT"),
        pytest.param({"DATA": "452 no room"}, "DATA: SMTP 452", id="452 at DATA"),
        pytest.param({"dot": "451 later"}, "after DATA: SMTP 451", id="451 after the mail"),
        pytest.param({"dot": DROP}, "after DATA", id="dropped after the mail"),
        pytest.param({"dot": HANG}, "after DATA", id="no answer to the mail"),
        pytest.param({"dot": "299 odd"}, "after DATA: SMTP 299", id="odd answer to the mail"),
        pytest.param({"DATA": DROP}, "DATA", id="dropped at DATA"),
    ],
)
async def test_fault_of_the_surroundings_means_later(
    script: dict[str, str | list[str]], detail: str
) -> None:
    async with (
        faulty(None, **script) as (_, port),
        sending(port, timeout_seconds=0.05) as transport,
    ):
        with pytest.raises(TransportUnavailable) as unavailable:
            await send(transport)

    assert unavailable.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        pytest.param({"MAIL": f"550 {SENDER} no"}, "MAIL FROM: SMTP 550", id="sender"),
        pytest.param({"RCPT": f"550 {RECIPIENT} no"}, "RCPT TO: SMTP 550", id="recipient"),
        pytest.param({"DATA": "554 no"}, "DATA: SMTP 554", id="before the mail"),
        pytest.param({"dot": f"552 {SECRET}"}, "after DATA: SMTP 552", id="after the mail"),
    ],
)
async def test_permanent_answer_to_the_message_means_never(
    script: dict[str, str | list[str]], detail: str
) -> None:
    async with faulty(None, **script) as (_, port), sending(port) as transport:
        with pytest.raises(TransportRefused) as refused:
            await send(transport)

    assert refused.value.detail == detail


async def test_nobody_listening_means_later() -> None:
    async with faulty() as (_, port):
        pass
    async with sending(port) as transport:
        with pytest.raises(TransportUnavailable, match="connect"):
            await send(transport)


async def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    async with (
        faulty() as (fault, port),
        sending(port, security="starttls") as transport,
    ):
        with pytest.raises(TransportUnavailable, match=r"STARTTLS.*check smtp security"):
            await send(transport)

    assert not any(command.startswith("MAIL") for command in fault.commands)


@pytest.mark.parametrize("answer", ["454 not now", "501 no"])
async def test_starttls_that_is_refused_is_not_done_without(answer: str) -> None:
    async with (
        faulty(EHLO="250-x\r\n250 STARTTLS", STARTTLS=answer) as (fault, port),
        sending(port, security="starttls") as transport,
    ):
        with pytest.raises(TransportUnavailable, match="STARTTLS"):
            await send(transport)

    assert not any(command.startswith("MAIL") for command in fault.commands)


async def test_refused_login_is_not_the_messages_fault() -> None:
    async with (
        faulty(EHLO="250-x\r\n250 AUTH PLAIN", AUTH="535 wrong") as (_, port),
        sending(port, username="us", password="pass") as transport,
    ):
        with pytest.raises(TransportUnavailable, match="login: SMTP 535; check user name"):
            await send(transport)


@pytest.mark.parametrize("ending", [["250 ok", DROP], ["250 ok", "421 idle too long", "250 ok"]])
async def test_session_ended_between_mails_is_opened_anew(ending: list[str]) -> None:
    async with (
        faulty(MAIL=[*ending, "250 ok"]) as (fault, port),
        sending(port) as transport,
    ):
        await send(transport, times=2)

    assert fault.connections == 2


async def test_connection_that_lay_idle_is_asked_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp_send, "_CHECK_AFTER_SECONDS", -1.0)
    answers = ["250 yes", "421 idle too long", "250 yes"]
    async with faulty(NOOP=[*answers]) as (fault, port), sending(port) as transport:
        await send(transport, times=4)

    assert fault.connections == 2
    assert fault.commands.count("NOOP") == 3


async def test_connection_that_lay_idle_too_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp_send, "_DISCARD_AFTER_SECONDS", -1.0)
    async with faulty() as (fault, port), sending(port) as transport:
        await send(transport, times=2)

    assert fault.connections == 2


async def test_connection_with_an_odd_answer_is_not_used_again() -> None:
    async with faulty(RCPT=["550 no", "250 ok"]) as (fault, port), sending(port) as transport:
        with pytest.raises(TransportRefused):
            await send(transport)
        await send(transport)

    assert fault.connections == 2


async def test_unclear_outcome_is_not_repeated_by_the_transport_itself() -> None:
    async with faulty(dot=["250 ok", DROP]) as (fault, port), sending(port) as transport:
        await send(transport)
        with pytest.raises(TransportUnavailable):
            await send(transport)

    assert fault.connections == 1


async def test_cancelled_send_leaves_no_half_used_connection() -> None:
    async with faulty(RCPT=[HANG, "250 ok"]) as (fault, port), sending(port) as transport:
        sent = asyncio.ensure_future(send(transport))
        await asyncio.wait_for(_until(lambda: "RCPT" in " ".join(fault.commands)), 5)
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent
        await send(transport)

    assert fault.connections == 2


@given(
    local=st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,70}", fullmatch=True),
    domain=st.from_regex(r"[A-Za-z0-9.-]{1,30}", fullmatch=True),
    rest=st.sampled_from(["", " ", " SIZE=1", " BODY=8BITMIME SIZE=20 "]),
)
def test_plain_paths_are_read_as_the_library_reads_them(local: str, domain: str, rest: str) -> None:
    path = f"<{local}@{domain}>{rest}"
    plain = smtp_listen.plain_path(path)
    assume(plain is not None)
    assert plain is not None

    library = SMTP._getaddr(SimpleNamespace(local_part_limit=64), path)  # type: ignore[arg-type]
    assert plain == library


async def test_send_cancelled_as_an_answer_comes_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receive = SMTPProtocol.data_received

    def cancelling(protocol: SMTPProtocol, data: bytes) -> None:
        receive(protocol, data)
        if data.startswith(b"354"):
            sent.cancel()

    monkeypatch.setattr(SMTPProtocol, "data_received", cancelling)
    async with faulty(dot=HANG) as (fault, port), sending(port) as transport:
        sent = asyncio.ensure_future(send(transport))
        with pytest.raises(asyncio.CancelledError):
            await sent

    assert fault.commands[-1] == "DATA"


async def test_dsn_is_asked_for_where_it_is_offered() -> None:
    async with (
        faulty(EHLO="250-x\r\n250-8BITMIME\r\n250 DSN") as (fault, port),
        sending(port) as transport,
    ):
        await send(transport, "å\r\n".encode())

    assert fault.commands[1:3] == [
        f"MAIL FROM:<{SENDER}> BODY=8BITMIME RET=HDRS ENVID=attempt+2B1",
        f"RCPT TO:<{RECIPIENT}> NOTIFY=FAILURE,DELAY",
    ]


async def test_server_that_knows_only_helo_is_served() -> None:
    async with faulty(EHLO="500 what?") as (fault, port), sending(port) as transport:
        await send(transport)

    assert fault.commands[1:4] == [
        "HELO localhost",
        f"MAIL FROM:<{SENDER}>",
        f"RCPT TO:<{RECIPIENT}>",
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a b@edi.invalid",
        "a@edi.invalid\r\nDATA",
        "<a@b>",
        "å@edi.invalid",
        "a@" + "b" * 300,
    ],
)
async def test_address_that_smtp_cannot_carry_is_refused(address: str) -> None:
    async with faulty() as (fault, port), sending(port) as transport:
        with pytest.raises(TransportRefused):
            await send(transport, recipient=address)

    assert fault.connections == 0


async def test_mail_above_our_own_limit_is_refused() -> None:
    async with faulty() as (fault, port), sending(port, max_mail_bytes=10) as transport:
        with pytest.raises(TransportRefused, match="limit is 10"):
            await send(transport)

    assert fault.connections == 0


async def test_closed_transport_sends_no_more() -> None:
    async with faulty() as (fault, port):
        async with sending(port) as transport:
            await send(transport)
        with pytest.raises(TransportUnavailable, match="closed"):
            await send(transport)

    assert fault.commands[-1] == "QUIT"


def test_unreadable_authorities_are_a_configuration_fault(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for file in (empty, tmp_path / "none.pem"):
        with pytest.raises(ConfigurationError, match=file.name):
            SmtpTransport(SmtpSettings(host="h", port=25, ca_file=file))


# --- the listener against faults -----------------------------------------------------------------


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
        await asyncio.wait_for(_until(lambda: listener.allowance.under_way == 0), 5)

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
        await asyncio.wait_for(_until(lambda: bool(shelf.mails)), 5)

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
        await asyncio.wait_for(_until(lambda: listener.sessions == 0), 5)
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
