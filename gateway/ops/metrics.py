"""Metrics for Prometheus: counted from the journal's events, measured when somebody looks.

Labels come from closed sets only: codes and names that this program knows, and
HER-ids of our own address book. All else is ``other``, so that nobody outside
can make the series grow, and no message id ever becomes one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from gateway import VERSION
from gateway.adapters.rabbitmq.topology import depths
from gateway.app import Gateway
from gateway.codecs.certificates import load_certificate, serial_text
from gateway.domain.ledger import Ledger, Side
from gateway.domain.message import ANSWER, DEVIATION, NOTE, REQUEST
from gateway.errors import BrokerUnavailable, GatewayError
from gateway.office import Office
from gateway.ops.health import CHECKS, Answer
from gateway.ports import JournalEvent
from gateway.queues import Queue

OTHER: Final = "other"
JOURNAL_SECONDS: Final = 5.0
BROKER_SECONDS: Final = 3.0
_MANY: Final = 100  # event names; they stand in the code, so this is a net

_TYPES: Final = frozenset({REQUEST, ANSWER, NOTE, DEVIATION, "APPREC"})
_OUTCOMES: Final[Mapping[str, Side]] = {
    "accepted": Side.OUTGOING,
    "rejected": Side.OUTGOING,
    "sent": Side.OUTGOING,
    "acknowledged": Side.OUTGOING,
    "answered": Side.OUTGOING,
    "refused": Side.OUTGOING,
    "given_up": Side.OUTGOING,
    "handed_to_epj": Side.INCOMING,
    "epj_stored": Side.INCOMING,
    "epj_refused": Side.INCOMING,
    "refused_to_sender": Side.INCOMING,
    "message_error": Side.INCOMING,
    "duplicate": Side.INCOMING,
    "duplicate_document": Side.INCOMING,
}
"""Events that tell what became of a message, and on which side when the event does not say."""

_HOUR: Final = 3600.0
_BUCKETS: Final = (
    *(1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0),
    *(hours * _HOUR for hours in (1, 4, 12, 24, 48, 72, 96)),
)

_WAITING: Final = {
    "unacknowledged": "envelopes that wait for an Acknowledgment",
    "unanswered": "outgoing messages that wait for an application receipt",
    "unconfirmed_by_epj": "incoming messages that the EPJ has not confirmed",
    "signals_waiting": "our signals that are not yet handed over",
    "arrivals_unread": "mails stored and not yet read",
    "outbox": "rows on their way to RabbitMQ",
    "dead_letters": "open dead letters",
    "orphans": "receipts that match nothing so far (no age)",
}
_OLDEST_IN: Final = {
    Queue.TRANSPORT_RECEIVED: "arrivals_unread_oldest_seconds",
    Queue.DEAD_LETTERS: "dead_letters_oldest_seconds",
}
"""Queues whose content stands in the journal too. RabbitMQ tells no ages of the others."""

_OUR_CODE: Final = re.compile(r"GW-[0-9]{3}|EPJ_[A-Z_]{1,30}")


def _known_codes() -> frozenset[str]:
    """All codes of our errors, on the wire and inside."""

    def of(kind: type[GatewayError]) -> Iterator[str]:
        yield from filter(None, (kind.code, kind.ebms_error, kind.apprec_error, kind.epj_code))
        for below in kind.__subclasses__():
            yield from of(below)

    return frozenset(of(GatewayError))


class Metrics:
    """The metrics of one daemon. ``gateway`` is None until everything is open.

    Args:
        office: what it started with.
        ready: the answer of ``/health/ready``, so that alarms and it never disagree.
    """

    def __init__(self, office: Office, ready: Callable[[], Awaitable[Answer]]) -> None:
        self._ready = ready
        self.gateway: Gateway | None = None
        self.registry = CollectorRegistry()
        self._started_with = office
        self._rendering = asyncio.Lock()
        self._codes = _known_codes()
        self._names: set[str] = set()
        ProcessCollector(registry=self.registry)
        self._make_counted(self.registry)
        self._make_measured(self.registry)

    def _make_counted(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "gateway_events",
            "Events recorded in the journal.",
            ["event", "side", "code"],
            registry=registry,
        )
        self._messages = Counter(
            "gateway_messages",
            "What became of messages; partner is a HER-id of the address book, or other.",
            ["direction", "type", "partner", "outcome"],
            registry=registry,
        )
        self._acknowledged = Histogram(
            "gateway_transport_receipt_seconds",
            "From the first hand-over to the partner's Acknowledgment.",
            ["partner", "type"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._answered = Histogram(
            "gateway_answer_seconds",
            "From taking over a message to its application receipt.",
            ["partner", "type"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def _make_measured(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"gateway_{name}", text, labels, registry=registry)

        build = gauge("build_info", "The version that runs.", "version")
        build.labels(VERSION).set(1)
        self._ledger = gauge("ledger", "Messages by side and state.", "side", "state")
        self._balanced = gauge("ledger_balanced", "1 when every message is accounted for.")
        waits = "; ".join(f"{name}: {text}" for name, text in _WAITING.items())
        self._waiting = gauge("waiting", f"What waits, by kind. {waits}.", "what")
        self._oldest = gauge(
            "waiting_oldest_seconds", "Age of the oldest that waits; 0 when none does.", "what"
        )
        self._checks = gauge("ready", "1 when this check of /health/ready holds.", "check")
        self._journal_up = gauge(
            "journal_up", "1 when the journal answered this scrape and can be written."
        )
        self._broker_up = gauge("broker_up", "1 when both connections to RabbitMQ stand.")
        self._depth = gauge("queue_depth", "Messages ready in a queue, by base name.", "queue")
        self._queue_oldest = gauge(
            "queue_oldest_seconds",
            "Age of the oldest message of those queues whose content is in the journal too.",
            "queue",
        )
        self._days_left = gauge(
            "certificate_days_left",
            "Days until a certificate expires; negative afterwards.",
            *("owner", "use", "serial"),
        )

    @property
    def _office(self) -> Office:
        return self._started_with if self.gateway is None else self.gateway.office

    # --- counting ---

    def observe(self, events: Sequence[JournalEvent]) -> None:
        """Count events that the journal has recorded."""
        for event in events:
            side = OTHER if event.side is None else event.side.value
            self._events.labels(self._name(event.name), side, self._code(event.code)).inc()
            if event.name not in _OUTCOMES:
                continue
            partner, kind = self._partner(event), _type(event)
            direction = (event.side or _OUTCOMES[event.name]).value
            self._messages.labels(direction, kind, partner, event.name).inc()
            milliseconds = event.detail.get("milliseconds")
            if isinstance(milliseconds, int):
                seconds = max(0, milliseconds) / 1000
                if event.name == "acknowledged":
                    self._acknowledged.labels(partner, kind).observe(seconds)
                elif event.name in ("answered", "refused"):
                    self._answered.labels(partner, kind).observe(seconds)

    def _name(self, name: str) -> str:
        if name not in self._names and len(self._names) < _MANY:
            self._names.add(name)
        return name if name in self._names else OTHER

    def _code(self, code: str | None) -> str:
        if code is None:
            return ""
        return code if code in self._codes or _OUR_CODE.fullmatch(code) else OTHER

    def _partner(self, event: JournalEvent) -> str:
        partner = str(event.detail.get("partner") or "")
        book = self._office.book
        known = book.by_her(partner) is not None or book.enterprise(partner) is not None
        return partner if known else OTHER

    # --- measuring ---

    async def render(self) -> tuple[bytes, str]:
        """Measure, and give the text for Prometheus with its content type; it never fails."""
        async with self._rendering:
            failing = await self._measure_checks()
            measures = await self._measure_journal(can_write="journal" not in failing)
            await self._measure_broker()
            for queue, name in _OLDEST_IN.items():
                if name in measures:
                    self._queue_oldest.labels(queue.value).set(measures[name])
            self._measure_certificates()
            return generate_latest(self.registry), CONTENT_TYPE_LATEST

    async def _measure_checks(self) -> set[str]:
        answer = await self._ready()
        failing = {problem.check for problem in answer.problems}
        self._checks.clear()
        if answer.status in ("ready", "degraded", "not_ready"):  # else nothing was looked at
            for check in CHECKS:
                self._checks.labels(check).set(int(check not in failing))
        return failing

    async def _measure_journal(self, *, can_write: bool) -> Mapping[str, float]:
        gateway = self.gateway
        try:
            if gateway is None:
                raise TimeoutError
            async with asyncio.timeout(JOURNAL_SECONDS):
                measures = await gateway.journal.measures()
                ledger = await gateway.journal.ledger()
        except (GatewayError, TimeoutError):
            # Old numbers would look like new ones.
            for gauge in (self._ledger, self._waiting, self._oldest, self._queue_oldest):
                gauge.clear()
            self._balanced.set(float("nan"))  # neither yes nor no: 0 would be an alarm
            self._journal_up.set(0)
            return {}
        self._journal_up.set(int(can_write))
        self._show_ledger(ledger)
        for what in _WAITING:
            self._waiting.labels(what).set(measures[what])
            if f"{what}_oldest_seconds" in measures:
                self._oldest.labels(what).set(measures[f"{what}_oldest_seconds"])
        return measures

    def _show_ledger(self, ledger: Ledger) -> None:
        self._balanced.set(int(ledger.balanced))
        for side, sums in ((Side.OUTGOING, ledger.outgoing), (Side.INCOMING, ledger.incoming)):
            for state, count in sums.as_json().items():
                self._ledger.labels(side.value, state).set(count)

    async def _measure_broker(self) -> None:
        self._depth.clear()
        gateway = self.gateway
        if gateway is None:
            self._broker_up.set(0)
            return
        both = (gateway.connections.consuming, gateway.connections.publishing)
        up = all(one.connected.is_set() for one in both)
        try:
            if not up:
                raise BrokerUnavailable
            async with asyncio.timeout(BROKER_SECONDS):
                prefix = gateway.office.settings.broker.prefix
                counts = await depths(gateway.connections.consuming, prefix)
        except (GatewayError, TimeoutError) as error:
            self._broker_up.set(int(up and not isinstance(error, BrokerUnavailable)))
            return
        self._broker_up.set(1)
        for queue, count in counts.items():
            self._depth.labels(queue).set(count)

    def _measure_certificates(self) -> None:
        now = self.gateway.clock.now() if self.gateway is not None else None
        self._days_left.clear()
        if now is None:
            return
        for owner, use, serial, until in certificates_of(self._office):
            days = (until - now).total_seconds() / 86_400
            self._days_left.labels(owner, use, serial).set(round(days, 2))


def certificates_of(office: Office) -> Iterator[tuple[str, str, str, datetime]]:
    """Owner (``own`` or a partner's HER-id), use, serial number and end of every certificate."""
    own = [("signing", office.keys.signing.certificate)]
    own += [("unsealing", pair.certificate) for pair in office.keys.unsealing]
    for use, certificate in own:
        yield "own", use, serial_text(certificate), certificate.not_valid_after_utc
    for enterprise in office.book.enterprises:
        if enterprise.own:
            continue
        for use, ders in (("signing", enterprise.signing), ("sealing", enterprise.sealing)):
            for der in ders:
                certificate = load_certificate(der)
                until = certificate.not_valid_after_utc
                yield str(enterprise.her), use, serial_text(certificate), until


def _type(event: JournalEvent) -> str:
    kind = str(event.detail.get("type") or "")
    return kind if kind in _TYPES else OTHER
