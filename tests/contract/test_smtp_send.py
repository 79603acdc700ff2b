"""The SMTP sender against servers that misbehave."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtplib.protocol import SMTPProtocol
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.adapters import smtp_send, smtp_session
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import (
    ConfigurationError,
    TransportRefused,
    TransportUnavailable,
)
from tests.builders_smtp import (
    RECIPIENT,
    SECRET,
    SENDER,
    FaultServer,
    faulty,
    send,
    sending,
    until,
)

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
        await asyncio.wait_for(until(lambda: "RCPT" in " ".join(fault.commands)), 5)
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
    plain = smtp_session.plain_path(path)
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


async def test_cancellation_swallowed_before_the_send_ends_it() -> None:
    async with faulty() as (fault, port), sending(port) as transport:

        async def swallow_and_send() -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await send(transport)

        sent = asyncio.ensure_future(swallow_and_send())
        await asyncio.sleep(0)
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent

    assert fault.connections == 0


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
