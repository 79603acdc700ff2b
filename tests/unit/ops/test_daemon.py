"""The daemon's own rules; its life as a process is in the integration tests."""

import asyncio
import os
import shutil
import signal
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from gateway import app
from gateway import app as app_module
from gateway.app import Gateway
from gateway.config.rules import OutgoingSettings
from gateway.config.settings import Runtime
from gateway.errors import CannotSign, ConfigurationError, InternalFault, JournalUnavailable
from gateway.office import Office
from gateway.ops import daemon as daemon_module
from gateway.ops.cli.run import _read_anew
from gateway.ops.daemon import _all, _cause, _Signals, keep_fixed
from gateway.ops.health import Health
from gateway.ports import ContentKeys, JournalEvent
from gateway.queues import Queue
from gateway.wiring import Processes
from tests.broker_fixture import eventually
from tests.unit.ops.running import Running


def test_a_reload_takes_what_can_change_and_keeps_what_was_opened(office: Office) -> None:
    old = office.settings
    new = old.model_copy(
        update={
            "runtime": Runtime(sweep_seconds=99),
            "outgoing": OutgoingSettings(attachments="reject"),
        }
    )

    used, left = keep_fixed(old, new)

    assert (used.runtime, used.outgoing.attachments) == (old.runtime, "reject")
    assert left == ["runtime"]


def test_an_observer_that_fails_does_not_keep_events_from_the_others() -> None:
    seen: list[int] = []
    an_event = JournalEvent(at=datetime(2026, 3, 2, tzinfo=UTC), name="sent")

    def fails(_: object) -> None:
        raise ValueError

    _all(fails, lambda events: seen.append(len(events)))([an_event])

    assert seen == [1]


def test_the_first_error_of_ours_in_a_group_says_why_it_ended() -> None:
    inner = BaseExceptionGroup("in", [KeyError(), JournalUnavailable("away")])

    assert isinstance(_cause(BaseExceptionGroup("out", [inner])), JournalUnavailable)


def test_any_other_fault_is_one_of_our_own() -> None:
    cause = _cause(BaseExceptionGroup("out", [KeyError("Kari")]))

    assert isinstance(cause, InternalFault)
    assert "Kari" not in cause.detail


def logged_by(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> list[MutableMapping[str, Any]]:
    """What ``module`` logs from now on, at every level."""
    capture = structlog.testing.LogCapture()
    every_level = structlog.make_filtering_bound_logger(0)
    log = structlog.wrap_logger(None, processors=[capture], wrapper_class=every_level)
    monkeypatch.setattr(module, "log", log)
    return capture.entries


async def _logged(told: Sequence[object]) -> bool:
    return bool(told)


class _Sweeps:
    """Processes of which only one sweep runs."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping

    async def sweep(self) -> None:
        self._stopping.set()


class Reloaded:
    """As much of a gateway as a reload touches."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.words: list[str] = []

    def reload(self, office: Office) -> None:
        self.office = office
        self.words.append(office.settings.rules.abbreviations[0])


def an_office_with(office: Office, word: str) -> Office:
    rules = office.settings.rules.model_copy(update={"abbreviations": (word,)})
    return replace(office, settings=office.settings.model_copy(update={"rules": rules}))


async def test_a_sighup_while_files_are_read_has_them_read_once_more(office: Office) -> None:
    gateway, words = Reloaded(office), ["first"]
    reading, go_on = threading.Event(), threading.Event()

    def read_again() -> Office:
        word = words[-1]
        reading.set()
        go_on.wait()
        return an_office_with(office, word)

    with _Signals(asyncio.Event(), Health(), read_again) as signals:
        signals.started(cast(Gateway, gateway))
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.to_thread(reading.wait)
        words.append("second")  # saved again, and said so
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        go_on.set()
        await eventually(lambda: _has(gateway, "second"))

    assert gateway.words[0] == "first"
    assert gateway.words[-1] == "second"


async def test_other_content_keys_are_told_and_not_used_before_a_restart(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal seals and opens with those that it was opened with."""
    gateway = Reloaded(office)
    new = ContentKeys("new", {"new": b"n" * 32})

    def read_again() -> Office:
        return replace(an_office_with(office, "x"), content_keys=new)

    told = logged_by(daemon_module, monkeypatch)
    with _Signals(asyncio.Event(), Health(), read_again) as signals:
        signals.started(cast(Gateway, gateway))
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: _has(gateway, "x"))
        await eventually(lambda: _logged(told))

    [reloaded] = told
    assert reloaded["needs_restart"] == ["journal.content_key_file"]
    assert gateway.office.content_keys == office.content_keys


async def test_a_sighup_while_it_starts_counts_when_it_has_started(office: Office) -> None:
    gateway = Reloaded(office)

    with _Signals(asyncio.Event(), Health(), lambda: an_office_with(office, "new")) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        signals.started(cast(Gateway, gateway))
        await eventually(lambda: _has(gateway, "new"))

    assert gateway.words == ["new"]


class Unwirable(Reloaded):
    """Cannot use what was read."""

    def reload(self, office: Office) -> None:
        raise OverflowError("s3cret")


@pytest.mark.parametrize("reads", [True, False])
async def test_a_sighup_that_fails_in_any_way_is_logged_as_refused(
    office: Office, reads: bool
) -> None:
    def read_again() -> Office:
        if not reads:
            raise OverflowError("s3cret")
        return office

    with (
        capture_logs() as logged,
        _Signals(asyncio.Event(), Health(), read_again) as signals,
    ):
        signals.started(cast(Gateway, Unwirable(office)))
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: _is_logged(logged))

    (line,) = logged
    assert (line["event"], line["error"]) == ("reload_refused", "OverflowError")
    assert "s3cret" not in str(line)


async def _is_logged(lines: list[Any]) -> bool:
    return bool(lines)


def test_what_cannot_be_wired_leaves_all_as_it_was(
    running: Running, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OverflowError

    monkeypatch.setattr(app, "wire", fails)
    gateway = running.gateway
    before = (gateway.office, gateway.processes)

    with pytest.raises(OverflowError):
        gateway.reload(an_office_with(office, "new"))

    assert (gateway.office, gateway.processes) == before


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (
            'security = "none"',
            'security = "none"\nusername = "a"\npassword_file = "missing"',
            "smtp.password_file",
        ),
        ('path = "hospital.sqlite"', 'url_file = "missing"', "journal.url_file"),
        (
            "[listener]",
            '[listener]\ntls_certificate_file = "missing"\ntls_key_file = "missing"',
            "mail listener",
        ),
    ],
)
def test_a_reload_refuses_a_file_that_the_next_start_would_refuse(
    demo_folder: Path, tmp_path: Path, old: str, new: str, where: str
) -> None:
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "hospital.toml"
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(ConfigurationError, match=where):
        _read_anew(path)


async def _has(gateway: Reloaded, word: str) -> bool:
    return word in gateway.words


async def test_a_certificate_that_runs_out_is_told_once_and_so_is_its_end(
    running: Running, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first sweep, which is the start, and whenever it changes."""
    gateway, clock = running.gateway, running.clock
    end = office.keys.signing.certificate.not_valid_after_utc
    stopping = asyncio.Event()
    gateway.processes = cast(Processes, _Sweeps(stopping))

    async def swept() -> None:
        stopping.clear()
        await gateway._sweep(stopping)

    told = logged_by(app_module, monkeypatch)
    await swept()
    clock.instant = end + timedelta(seconds=1)
    await swept()
    await swept()
    clock.instant = end
    await swept()

    assert [(one["event"], one["log_level"]) for one in told] == [
        ("cannot_sign", "error"),
        ("can_sign_again", "info"),
    ]
    assert told[0]["code"] == "GW-306"


async def test_a_paused_consumer_waits_for_the_certificate_unless_it_only_sends(
    running: Running, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries that come again and again would look like such as crash their readers."""
    ready: dict[str, Callable[[], Awaitable[bool]]] = {}

    async def consume(_: object, queue: str, *__: object, **how: Any) -> None:
        ready[queue] = how["ready"]

    monkeypatch.setattr(app_module, "consume", consume)
    prefix = office.settings.broker.prefix
    for queue, handle in running.gateway._consumers().items():
        await running.gateway._consume(queue, handle, asyncio.Event())
    running.clock.instant = office.keys.signing.certificate.not_valid_after_utc + timedelta(days=1)

    assert await ready.pop(prefix + Queue.TRANSPORT_SEND)()
    assert len(ready) == 3
    for one in ready.values():
        with pytest.raises(CannotSign):
            await one()
