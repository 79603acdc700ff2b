"""``run`` as a process of its own, against a real broker: start, reload, drain, refuse."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.ops.demo_config import Seat, write_demo
from tests.builders_cli import run_cli
from tests.builders_keys import a_certificate
from tests.faults.pair import quiet_ports

pytestmark = pytest.mark.broker

EXAMPLE = Path(__file__).parents[2] / "examples" / "dialog-request.xml"
START_SECONDS = 60.0  # seconds on a machine that has nothing else to do


def _free_port() -> int:
    (port,) = quiet_ports(1)
    return port


@dataclass
class Daemon:
    """A started process; its log is in a file, so that no full pipe stops it."""

    process: subprocess.Popen[bytes]
    log: Path
    http_port: int

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; (0, b"") while nobody listens."""
        try:
            url = f"http://127.0.0.1:{self.http_port}{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def until_ready(self) -> None:
        self.until(lambda: self.get("/health/ready")[0] == 200)

    def until_logged(self, event: str) -> dict[str, object]:
        self.until(lambda: event in [line["event"] for line in self.lines()])
        return next(line for line in self.lines() if line["event"] == event)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def lines(self) -> list[dict[str, object]]:
        """What it has logged."""
        whole = self.log.read_text().split("\n")[:-1]
        return [json.loads(line) for line in whole if line.startswith("{")]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_SECONDS)


class Place:
    """A folder with the configuration of one hospital, and the processes started from it."""

    def __init__(self, folder: Path, broker_url: str, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix
        self.http_port = _free_port()
        self._started: list[Daemon] = []
        self.listener_port = _free_port()
        seat = Seat(listener_port=self.listener_port, smtp_port=9, http_port=self.http_port)
        write_demo(folder, seats={"hospital": seat, "municipality": seat}, broker_url=broker_url)
        self.config = folder / "hospital.toml"
        self.change('prefix = "hospital."', f'prefix = "{prefix}"')

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def start(self) -> Daemon:
        log = self.folder / f"log-{len(self._started)}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "--config", str(self.config)],
                stdout=out,
                stderr=out,
            )
        daemon = Daemon(process, log, self.http_port)
        self._started.append(daemon)
        return daemon

    def close(self) -> None:
        for daemon in self._started:
            with contextlib.suppress(ProcessLookupError):
                daemon.process.kill()
            daemon.process.wait()


@pytest.fixture
def place(tmp_path: Path, broker_url: str, prefix: str) -> Iterator[Place]:
    made = Place(tmp_path, broker_url, prefix)
    yield made
    made.close()


def test_it_gets_ready_drains_on_sigterm_and_starts_again_without_help(place: Place) -> None:
    for _ in range(2):
        daemon = place.start()
        daemon.until_ready()

        assert daemon.get("/health/live")[0] == 200
        status, body = daemon.get("/metrics")
        assert status == 200
        assert b"gateway_broker_up 1.0" in body
        assert b"gateway_ledger_balanced 1.0" in body
        assert daemon.stop() == 0
        assert daemon.lines()[-1]["event"] == "drained"


def test_sigint_drains_as_well(place: Place) -> None:
    daemon = place.start()
    daemon.until_ready()

    daemon.process.send_signal(signal.SIGINT)

    assert daemon.process.wait(START_SECONDS) == 0


def test_a_second_signal_stops_at_once_and_what_was_open_is_no_hindrance(place: Place) -> None:
    daemon = place.start()
    daemon.until_ready()
    with socket.create_connection(("127.0.0.1", place.listener_port)) as mail:
        answers = mail.makefile("rb")
        for command in ("EHLO x", "MAIL FROM:<a@b.invalid>", "RCPT TO:<hospital@demo.invalid>"):
            mail.sendall(f"{command}\r\n".encode())
        mail.sendall(b"DATA\r\n")
        assert any(line.startswith(b"354") for line in answers)
        mail.sendall(b"Subject: half a mail\r\n")  # the drain waits for the rest of it
        daemon.process.send_signal(signal.SIGTERM)
        daemon.until_logged("draining")
        daemon.process.send_signal(signal.SIGTERM)

        assert daemon.process.wait(START_SECONDS) == 1

    again = place.start()
    again.until_ready()
    assert again.stop() == 0


def test_sighup_takes_the_new_address_book(place: Place) -> None:
    daemon = place.start()
    daemon.until_ready()
    before = daemon.get("/metrics")[1].count(b'owner="930000"')
    book = place.folder / "hospital-partners.toml"
    book.write_text(book.read_text().partition('[[enterprise]]\nher = "930000"')[0])

    daemon.process.send_signal(signal.SIGHUP)
    daemon.until_logged("reloaded")

    assert (before, daemon.get("/metrics")[1].count(b'owner="930000"')) == (2, 0)
    assert daemon.stop() == 0


def test_sighup_says_what_counts_from_the_next_start_only(place: Place) -> None:
    daemon = place.start()
    daemon.until_ready()
    place.change("sweep_seconds = 15.0", "sweep_seconds = 16.0")

    daemon.process.send_signal(signal.SIGHUP)

    assert daemon.until_logged("reloaded")["needs_restart"] == ["runtime"]


def test_without_a_valid_signing_certificate_it_waits_until_sighup_brings_one(
    place: Place,
) -> None:
    valid = (place.folder / "hospital-signing.cert.pem").read_bytes()
    key = load_pem_private_key((place.folder / "hospital-signing.key.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    past = datetime.now(UTC) - timedelta(days=10)
    expired = a_certificate(key, not_before=past, not_after=past + timedelta(days=5))
    (place.folder / "hospital-signing.cert.pem").write_bytes(expired.public_bytes(Encoding.PEM))
    daemon = place.start()

    assert daemon.until_logged("cannot_sign")["code"] == "GW-306"
    status, body = daemon.get("/health/ready")
    assert (status, [one["check"] for one in json.loads(body)["problems"]]) == (503, ["signing"])
    assert run_cli("send", EXAMPLE, "--config", place.config).exit_code == 0
    assert daemon.until_logged("delivery_held")["code"] == "GW-306"

    (place.folder / "hospital-signing.cert.pem").write_bytes(valid)
    daemon.process.send_signal(signal.SIGHUP)

    daemon.until_logged("can_sign_again")
    daemon.until_logged("delivery_resumed")
    daemon.until_ready()
    assert daemon.stop() == 0


def test_a_faulty_configuration_is_told_with_all_faults_and_the_old_one_stays(
    place: Place,
) -> None:
    daemon = place.start()
    daemon.until_ready()
    (place.folder / "hospital-content.key").unlink()
    (place.folder / "hospital-partners.toml").write_text("nonsense")

    daemon.process.send_signal(signal.SIGHUP)
    told = daemon.until_logged("reload_refused")

    faults = told["faults"]
    assert isinstance(faults, list)
    assert len(faults) == 2
    assert daemon.get("/health/ready")[0] == 200
    assert daemon.stop() == 0


async def test_a_queue_with_other_arguments_is_named_and_it_does_not_run(
    place: Place, broker_url: str
) -> None:
    name = f"{place.prefix}epj.status"
    async with await aio_pika.connect(broker_url) as connection:
        await (await connection.channel()).declare_queue(name, durable=True)

    daemon = place.start()

    assert daemon.process.wait(START_SECONDS) == 1
    told = daemon.log.read_text()
    assert "GW-902" in told
    assert f"{name}: x-" in told


def test_a_second_daemon_on_the_same_journal_is_refused(place: Place) -> None:
    first = place.start()
    first.until_ready()
    place.change(f"http_port = {place.http_port}", f"http_port = {_free_port()}")

    second = place.start()

    assert second.process.wait(START_SECONDS) == 1
    assert "another daemon holds this journal" in second.log.read_text()
    assert first.get("/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("setting", "words"),
    [("http_port", "cannot listen on"), ("listener", "cannot listen for mail on")],
)
def test_a_port_in_use_is_told_and_it_does_not_run(place: Place, setting: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if setting == "http_port":
            place.change(f"http_port = {place.http_port}", f"http_port = {port}")
        else:
            place.change('[listener]\nhost = "127.0.0.1"\nport = ', f"[listener]\nport = {port} # ")

        daemon = place.start()

        assert daemon.process.wait(START_SECONDS) == 1
        told = daemon.log.read_text()
    assert "GW-901" in told
    assert words in told


def test_without_a_broker_it_says_so_and_does_not_run(place: Place) -> None:
    text = place.config.read_text()
    url = next(line for line in text.splitlines() if line.startswith("url = "))
    place.change(url, 'url = "amqp://guest:secret@127.0.0.1:1/"')

    daemon = place.start()

    assert daemon.process.wait(START_SECONDS) == 1
    told = daemon.log.read_text()
    assert "GW-103" in told
    assert "secret" not in told
