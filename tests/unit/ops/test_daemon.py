"""The daemon's own rules; its life as a process is in the integration tests."""

import asyncio
import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from gateway.app import Gateway
from gateway.config import OutgoingSettings, Runtime
from gateway.errors import InternalFault, JournalUnavailable
from gateway.office import Office
from gateway.ops.daemon import _all, _cause, _Signals, keep_fixed
from gateway.ops.health import Health
from gateway.ports import JournalEvent
from tests.broker_fixture import eventually


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


class Reloaded:
    """As much of a gateway as a reload touches."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.words: list[str] = []

    def reload(self, office: Office) -> None:
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


async def test_a_sighup_while_it_starts_counts_when_it_has_started(office: Office) -> None:
    gateway = Reloaded(office)

    with _Signals(asyncio.Event(), Health(), lambda: an_office_with(office, "new")) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        signals.started(cast(Gateway, gateway))
        await eventually(lambda: _has(gateway, "new"))

    assert gateway.words == ["new"]


async def _has(gateway: Reloaded, word: str) -> bool:
    return word in gateway.words
