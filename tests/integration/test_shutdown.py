"""SIGTERM under load: drained within the grace period, nothing half done, and on from there."""

import asyncio
import json
import signal
import sqlite3
from pathlib import Path

import pytest

from gateway.ops.demo_keys import HOSPITAL
from tests.broker_fixture import eventually
from tests.faults.claims import nothing_is_lost
from tests.faults.mailserver import Fault, MailServer, mail_server
from tests.faults.pair import NAMES, Pair, demo_keys, quiet_ports, running_pair  # noqa: F401

pytestmark = [pytest.mark.broker, pytest.mark.slow]

REST_SECONDS = 120.0
PATIENCE = {"GATEWAY__SMTP__TIMEOUT_SECONDS": "3600"}  # a gateway that waits for it never ends here


async def test_sigterm_under_load_leaves_nothing_half_done(
    tmp_path: Path,
    demo_keys: Path,  # noqa: F811  # fixture
    broker_url: str,
) -> None:
    async with running_pair(tmp_path, demo_keys, broker_url) as pair:
        for name in NAMES:
            await pair.send(name, 25)
        await _until_half_is_confirmed(pair)

        codes = await asyncio.gather(*(pair.gateways[name].stop() for name in NAMES))

        assert codes == [0, 0]
        assert pair.unconfirmed(), "all was done before the signal: nothing was shown"
        for name in NAMES:
            assert _attempts_without_outcome(pair, name) == 0
            async with pair.journal(name) as journal:
                assert (await journal.measures())["outbox"] == 0
                assert (await journal.ledger()).balanced
            words = _log_words(pair, name)
            assert words[-1] == "drained"
            assert "drain_incomplete" not in words  # so it was done within the grace period

        for name in NAMES:
            await pair.gateways[name].start()
        await pair.come_to_rest(seconds=REST_SECONDS)
        await nothing_is_lost(pair)


async def test_a_hanging_mail_server_does_not_outlast_the_grace_period(
    tmp_path: Path,
    demo_keys: Path,  # noqa: F811  # fixture
    broker_url: str,
) -> None:
    (port,) = quiet_ports(1)
    settings = {**PATIENCE, "GATEWAY__RUNTIME__GRACE_SECONDS": "2"}
    async with (
        running_pair(tmp_path, demo_keys, broker_url, smtp_port=port, settings=settings) as pair,
        mail_server(port, onward_port=pair.post_office_port) as server,
    ):
        await _hang(pair, server)

        async with asyncio.timeout(REST_SECONDS):
            code = await pair.gateways[HOSPITAL.name].stop()

        assert code == 0
        assert "drain_incomplete" in _log_words(pair, HOSPITAL.name)
        await _goes_on(pair, server)


async def test_a_second_sigterm_ends_the_drain_at_once(
    tmp_path: Path,
    demo_keys: Path,  # noqa: F811  # fixture
    broker_url: str,
) -> None:
    (port,) = quiet_ports(1)
    settings = {**PATIENCE, "GATEWAY__RUNTIME__GRACE_SECONDS": "3600"}
    async with (
        running_pair(tmp_path, demo_keys, broker_url, smtp_port=port, settings=settings) as pair,
        mail_server(port, onward_port=pair.post_office_port) as server,
    ):
        await _hang(pair, server)
        gateway = pair.gateways[HOSPITAL.name]

        gateway.signal(signal.SIGTERM)
        await eventually(lambda: _has_logged(pair, HOSPITAL.name, "draining"))
        async with asyncio.timeout(REST_SECONDS):
            code = await gateway.stop()

        assert code == 1
        assert "stopped_at_once" in _log_words(pair, HOSPITAL.name)
        await _goes_on(pair, server)


async def _hang(pair: Pair, server: MailServer) -> None:
    """Let the mail server take the next mails without ever saying so."""
    server.choose = lambda recipient: Fault.SILENCE_AFTER
    await pair.send(HOSPITAL.name, 3)

    async def hanging() -> bool:
        return server.happened[Fault.SILENCE_AFTER] > 0

    await eventually(hanging, seconds=REST_SECONDS)


async def _goes_on(pair: Pair, server: MailServer) -> None:
    """A second start needs no manual step."""
    server.choose = lambda recipient: None
    await pair.gateways[HOSPITAL.name].start()
    await pair.come_to_rest(seconds=REST_SECONDS)
    await nothing_is_lost(pair)


async def _until_half_is_confirmed(pair: Pair) -> None:
    half = sum(len(pair.sent[name]) for name in NAMES) // 2

    async def reached() -> bool:
        return len(pair.unconfirmed()) <= half

    await eventually(reached, seconds=REST_SECONDS)


async def _has_logged(pair: Pair, name: str, word: str) -> bool:
    return word in _log_words(pair, name)


def _log_words(pair: Pair, name: str) -> list[str]:
    """The event names in one side's log, in order."""
    lines = pair.gateways[name].log_since().decode().splitlines()
    return [str(json.loads(line)["event"]) for line in lines]


def _attempts_without_outcome(pair: Pair, name: str) -> int:
    """Attempts begun and not ended: whether such a mail went out nobody knows."""
    with sqlite3.connect(pair.directory / f"{name}.sqlite") as journal:
        (count,) = journal.execute("SELECT count(*) FROM attempt WHERE outcome IS NULL").fetchone()
    journal.close()
    return int(count)
