"""Metrics: counted from events, measured at the scrape, in closed sets of labels."""

import math
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.ledger import Side
from gateway.errors import BrokerUnavailable, JournalUnavailable, TopologyMismatch
from gateway.office import Office
from gateway.ops import health as health_module
from gateway.ops import metrics as metrics_module
from gateway.ops.health import CHECKS, Health
from gateway.ops.metrics import Metrics
from gateway.ports import JournalEvent
from tests.broker_fixture import outbound
from tests.unit.ops.running import Running

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PARTNER = "920001"


@pytest.fixture(autouse=True)
def depths(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the broker says about its queues."""
    counts = {"epj.outgoing": 7}

    async def ask(*_: object) -> dict[str, int]:
        return counts

    monkeypatch.setattr(metrics_module, "depths", ask)
    return counts


@pytest.fixture
async def metrics(running: Running) -> Metrics:
    made = Metrics(running.gateway.office, Health(gateway=running.gateway).ready)
    made.gateway = running.gateway
    return made


def an_event(
    name: str, *, side: Side | None = None, code: str | None = None, **detail: str | int
) -> JournalEvent:
    return JournalEvent(at=AT, name=name, side=side, code=code, detail=detail)


async def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample of a scrape; None when there is none."""
    body, _ = await metrics.render()
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels.items() >= labels.items():
                return float(sample.value)
    return None


async def test_an_event_is_counted_by_name_side_and_code(metrics: Metrics) -> None:
    metrics.observe([an_event("rejected", side=Side.OUTGOING, code="EPJ_ATTACH")] * 2)

    labels = {"event": "rejected", "side": "outgoing", "code": "EPJ_ATTACH"}
    assert await value(metrics, "gateway_events_total", **labels) == 2


async def test_a_code_from_outside_makes_no_series(metrics: Metrics) -> None:
    metrics.observe([an_event("refused", code=f"X{number}") for number in range(50)])

    assert await value(metrics, "gateway_events_total", event="refused", code="other") == 50


async def test_a_message_is_counted_by_direction_type_partner_and_outcome(
    metrics: Metrics,
) -> None:
    metrics.observe([an_event("acknowledged", partner=PARTNER, type="DIALOG_SVAR")])

    labels = {
        "direction": "outgoing",
        "type": "DIALOG_SVAR",
        "partner": PARTNER,
        "outcome": "acknowledged",
    }
    assert await value(metrics, "gateway_messages_total", **labels) == 1


@pytest.mark.parametrize("detail", [{}, {"partner": "666", "type": "<script>"}])
async def test_unknown_partners_and_types_are_other(
    metrics: Metrics, detail: dict[str, str]
) -> None:
    event = JournalEvent(at=AT, name="handed_to_epj", side=Side.INCOMING, detail={**detail})
    metrics.observe([event])

    labels = {"direction": "incoming", "type": "other", "partner": "other"}
    assert await value(metrics, "gateway_messages_total", **labels) == 1


@pytest.mark.parametrize(
    ("event", "histogram"),
    [("acknowledged", "transport_receipt"), ("answered", "answer"), ("refused", "answer")],
)
async def test_the_wait_for_a_receipt_goes_into_its_histogram(
    metrics: Metrics, event: str, histogram: str
) -> None:
    metrics.observe([an_event(event, partner=PARTNER, type="DIALOG_SVAR", milliseconds=90_000)])

    name = f"gateway_{histogram}_seconds"
    assert await value(metrics, f"{name}_sum", partner=PARTNER) == 90
    assert await value(metrics, f"{name}_bucket", partner=PARTNER, le="60.0") == 0
    assert await value(metrics, f"{name}_bucket", partner=PARTNER, le="300.0") == 1


async def test_the_journal_is_measured_at_the_scrape(metrics: Metrics, running: Running) -> None:
    async with running.journal.transaction() as tx:
        await tx.put(outbound("o-1"))
    running.clock.move(seconds=40)

    assert await value(metrics, "gateway_waiting", what="outbox") == 1
    assert await value(metrics, "gateway_waiting_oldest_seconds", what="outbox") == 40
    assert await value(metrics, "gateway_ledger_balanced") == 1
    assert await value(metrics, "gateway_ledger", side="incoming", state="dead") == 0


async def test_a_ledger_that_does_not_balance_is_told(metrics: Metrics, running: Running) -> None:
    async with running.journal.transaction() as tx:
        lost = JournalEvent(at=AT, name="arrived", side=Side.INCOMING, arrived=True)
        await tx.record(lost)

    assert await value(metrics, "gateway_ledger_balanced") == 0


async def test_the_depth_of_each_queue_is_told(metrics: Metrics) -> None:
    assert await value(metrics, "gateway_queue_depth", queue="epj.outgoing") == 7
    assert await value(metrics, "gateway_broker_up") == 1


async def test_without_a_journal_the_scrape_answers_without_old_numbers(
    metrics: Metrics, running: Running
) -> None:
    assert await value(metrics, "gateway_waiting", what="outbox") == 0
    running.journal.away = True

    assert await value(metrics, "gateway_journal_up") == 0
    assert await value(metrics, "gateway_waiting", what="outbox") is None
    assert math.isnan(await value(metrics, "gateway_ledger_balanced") or 0)


@pytest.mark.parametrize("side", ["consuming", "publishing"])
async def test_without_a_broker_the_scrape_answers_all_the_same(
    metrics: Metrics, running: Running, side: str
) -> None:
    getattr(running, side).connected.clear()

    assert await value(metrics, "gateway_broker_up") == 0
    assert await value(metrics, "gateway_queue_depth") is None


@pytest.mark.parametrize(("error", "up"), [(BrokerUnavailable, 0), (TopologyMismatch, 1)])
async def test_a_broker_that_fails_while_it_is_asked_fails_no_scrape(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, error: type[Exception], up: int
) -> None:
    async def fail(*_: object) -> dict[str, int]:
        raise error

    monkeypatch.setattr(metrics_module, "depths", fail)

    assert await value(metrics, "gateway_broker_up") == up


async def test_a_scrape_before_everything_is_open_answers(office: Office) -> None:
    assert await value(Metrics(office, Health().ready), "gateway_broker_up") == 0
    assert await value(Metrics(office, Health().ready), "gateway_ready") is None


async def test_a_journal_that_cannot_be_written_is_not_up(
    metrics: Metrics, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds is told all the same."""

    async def full(*_: object) -> None:
        raise JournalUnavailable("SQLITE_FULL")

    assert await value(metrics, "gateway_journal_up") == 1
    monkeypatch.setattr(running.journal, "acquire_lease", full)
    monkeypatch.setattr(health_module, "CACHE_SECONDS", -1.0)

    assert await value(metrics, "gateway_journal_up") == 0
    assert await value(metrics, "gateway_ready", check="journal") == 0
    assert await value(metrics, "gateway_waiting", what="outbox") == 0


async def test_each_check_of_readiness_has_its_number(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "too_little_room", lambda _: 5_000_000)

    ready = {check: await value(metrics, "gateway_ready", check=check) for check in CHECKS}

    assert ready == {"journal": 1, "relay": 1, "broker": 1, "disk": 0, "signing": 1}


async def test_every_certificate_has_its_days_left(metrics: Metrics, running: Running) -> None:
    end = running.gateway.office.keys.signing.certificate.not_valid_after_utc
    running.clock.move(seconds=(end - running.clock.now()).total_seconds() - 86_400)

    name = "gateway_certificate_days_left"
    assert await value(metrics, name, owner="own", use="signing") == 1
    assert await value(metrics, name, owner="own", use="unsealing") is not None
    assert await value(metrics, name, owner="920000", use="sealing") is not None


async def test_the_version_and_the_process_are_told(metrics: Metrics) -> None:
    assert await value(metrics, "gateway_build_info") == 1
    assert await value(metrics, "process_resident_memory_bytes") is not None
