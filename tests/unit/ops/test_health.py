"""Health: alive, ready, degraded; and which promise is at risk otherwise."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from gateway.errors import JournalUnavailable
from gateway.ops import health as health_module
from gateway.ops.health import DISK_BYTES, OUTBOX_SECONDS, Health
from gateway.ports import JournalEvent
from tests.broker_fixture import outbound
from tests.unit.ops.running import Running

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def health(running: Running) -> Health:
    return Health(gateway=running.gateway)


def attempts(*names: str) -> list[JournalEvent]:
    return [JournalEvent(at=AT, name=name) for name in names]


async def test_ready_when_all_is_well(health: Health) -> None:
    answer = await health.ready()

    assert (answer.status, answer.status_code) == ("ready", 200)


async def test_not_ready_until_everything_is_open() -> None:
    answer = await Health().ready()

    assert (answer.status, answer.status_code) == ("starting", 503)


async def test_not_ready_while_it_drains_and_alive_all_the_same(health: Health) -> None:
    health.draining = True

    assert (await health.ready()).status_code == 503
    assert (await health.live()).status_code == 200


async def test_a_journal_that_reads_and_cannot_write_puts_promise_1_at_risk(
    health: Health, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise JournalUnavailable("SQLITE_FULL")

    monkeypatch.setattr(running.journal, "acquire_lease", full)

    answer = await health.ready()

    assert answer.status_code == 503
    [problem] = answer.problems
    assert (problem.check, problem.promise) == ("journal", 1)
    body = problem.as_json()
    assert all(body[name] for name in ("text_nb", "text_en", "promise_nb", "promise_en"))


@pytest.mark.parametrize("side", ["consuming", "publishing"])
async def test_a_lost_connection_to_the_broker_is_named(
    health: Health, running: Running, side: str
) -> None:
    getattr(running, side).connected.clear()

    answer = await health.ready()

    assert answer.status_code == 503
    assert [problem.check for problem in answer.problems] == ["broker"]


async def test_all_that_fails_is_told_at_once(health: Health, running: Running) -> None:
    running.journal.away = True
    running.consuming.connected.clear()

    answer = await health.ready()

    assert [problem.check for problem in answer.problems] == ["journal", "broker"]


async def test_an_outbox_that_nobody_empties_is_not_ready(health: Health, running: Running) -> None:
    async with running.journal.transaction() as tx:
        await tx.put(outbound("o-1"))
    running.clock.move(seconds=OUTBOX_SECONDS + 1)

    answer = await health.ready()

    assert [problem.check for problem in answer.problems] == ["relay"]


async def test_a_full_disk_is_not_ready(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(DISK_BYTES - 1))

    answer = await health.ready()

    assert [problem.check for problem in answer.problems] == ["disk"]


async def test_mail_that_fails_again_and_again_is_a_note_and_no_more(health: Health) -> None:
    health.observe(attempts(*["attempt_failed"] * 5))

    answer = await health.ready()

    assert (answer.status, answer.status_code) == ("degraded", 200)
    assert [note.check for note in answer.notes] == ["smtp"]


async def test_one_mail_that_got_through_ends_the_note(health: Health) -> None:
    health.observe(attempts(*["attempt_failed"] * 9, "sent", *["attempt_failed"] * 4))

    assert (await health.ready()).status == "ready"


async def test_the_journal_is_asked_once_however_many_ask(
    health: Health, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    measures = running.journal.measures

    async def counted() -> Mapping[str, float]:
        nonlocal asked
        asked += 1
        return await measures()

    monkeypatch.setattr(running.journal, "measures", counted)
    await asyncio.gather(*(health.ready() for _ in range(20)))

    assert asked == 1


async def test_alive_before_the_first_sweep_and_after_a_fresh_one(
    health: Health, running: Running
) -> None:
    assert (await health.live()).status_code == 200
    running.gateway.sweep_ended_at = asyncio.get_running_loop().time()

    assert (await health.live()).status_code == 200


async def test_not_alive_when_the_sweep_has_stopped(health: Health, running: Running) -> None:
    period = running.gateway.office.settings.runtime.sweep_seconds
    now = asyncio.get_running_loop().time()
    running.gateway.sweep_ended_at = now - health_module.SWEEP_PERIODS * period - 1

    answer = await health.live()

    assert answer.status_code == 503
    assert [problem.check for problem in answer.problems] == ["sweep"]


async def test_alive_without_journal_and_broker(health: Health, running: Running) -> None:
    running.journal.away = True
    running.consuming.connected.clear()

    assert (await health.live()).status_code == 200


async def test_a_gateway_that_cannot_sign_is_not_ready_and_names_promise_3(
    health: Health, running: Running
) -> None:
    end = running.gateway.office.keys.signing.certificate.not_valid_after_utc
    running.clock.instant = end + timedelta(seconds=1)

    answer = await health.ready()

    assert answer.status_code == 503
    [problem] = answer.problems
    assert (problem.check, problem.promise) == ("signing", 3)
    assert problem.reason.startswith("GW-306 signing certificate")
    assert all(problem.as_json()[name] for name in ("text_nb", "text_en", "promise_nb"))
