"""Health: whether the process lives, and whether it can keep its promises now.

One partner's fault never makes the gateway unready: what waits for a partner is
in the journal, with a due time, and all others go on.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.app import Gateway
from gateway.envelopes import require_able_to_sign
from gateway.errors import CannotSign, GatewayError
from gateway.ports import JournalEvent

SWEEP_PERIODS: Final = 10  # a sweep older than so many of its periods: the loop is stuck
SWEEP_SECONDS: Final = 30.0  # and never sooner than this, however short the period
OUTBOX_SECONDS: Final = 120.0  # older rows: the relay gets nothing out
DISK_BYTES: Final = 100_000_000  # two of the largest mails
PROBE_SECONDS: Final = 5.0  # the journal answers within this, or it is away
CACHE_SECONDS: Final = 1.0  # questions come from outside, and as often as they like
_ATTEMPTS: Final = 5  # so many failed attempts in a row are worth a note

CHECKS: Final = ("journal", "relay", "broker", "disk", "signing")
"""Everything that ``ready`` looks at, by the names of its problems."""

_PROMISES: Final = {
    1: (
        "Ingenting går tapt: det som er tatt imot, er trygt i journalen.",
        "Nothing is lost: what was taken over is safe in the journal.",
    ),
    3: (
        "Ingenting usignert, uleselig eller forfalsket går videre, og avsenderen får vite hvorfor.",
        "Nothing unsigned, unreadable or forged is passed on, and the sender is told why.",
    ),
    5: (
        "Operatøren kan alltid få vite hvor en melding er.",
        "An operator can always find out where a message is.",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not work, which promise of the design's §1 it puts at risk, and what follows."""

    check: str
    promise: int
    reason: str  # a code or a type, never content
    text_nb: str
    text_en: str

    def as_json(self) -> dict[str, object]:
        """For the body of the answer."""
        promise_nb, promise_en = _PROMISES[self.promise]
        return {
            "check": self.check,
            "reason": self.reason,
            "text_nb": self.text_nb,
            "text_en": self.text_en,
            "promise": self.promise,
            "promise_nb": promise_nb,
            "promise_en": promise_en,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one question. ``notes`` are worth a look and change nothing."""

    status: str  # live, stuck, ready, degraded, not_ready, starting, draining
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def status_code(self) -> int:
        """200 or 503; degraded is 200, since a restart would not help."""
        return 200 if self.status in ("live", "ready", "degraded") else 503

    def as_json(self) -> dict[str, object]:
        """The body."""
        return {
            "status": self.status,
            "problems": [problem.as_json() for problem in self.problems],
            "notes": [note.as_json() for note in self.notes],
        }


@dataclass(slots=True)
class Health:
    """Answers for one daemon. ``gateway`` is None until everything is open."""

    gateway: Gateway | None = None
    draining: bool = False
    _attempts: deque[bool] = field(default_factory=lambda: deque(maxlen=_ATTEMPTS))
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _cached: tuple[float, Answer] | None = None

    def observe(self, events: Sequence[JournalEvent]) -> None:
        """Take note of how the last attempts to send ended."""
        for event in events:
            if event.name in ("sent", "attempt_failed"):
                self._attempts.append(event.name == "sent")

    async def live(self) -> Answer:
        """Whether the loop turns: it answers, and the sweep comes round.

        A journal or broker that is away is no reason to restart, so it does not count.
        """
        gateway = self.gateway
        if gateway is None or gateway.sweep_ended_at is None or self.draining:
            return Answer(status="live")
        age = asyncio.get_running_loop().time() - gateway.sweep_ended_at
        bound = max(SWEEP_PERIODS * gateway.office.settings.runtime.sweep_seconds, SWEEP_SECONDS)
        if age <= bound:
            return Answer(status="live")
        stuck = Problem(
            "sweep",
            1,
            f"{age:.0f} s",
            "Gjennomgangen av forfalte meldinger har stoppet: ingen sendes på nytt.",
            "The sweep for due messages has stopped: none is sent again.",
        )
        return Answer(status="stuck", problems=(stuck,))

    async def ready(self) -> Answer:
        """Whether messages can be taken over and handed on now."""
        if self.draining:
            return Answer(status="draining")
        if self.gateway is None:
            return Answer(status="starting")
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._cached is None or now - self._cached[0] > CACHE_SECONDS:
                self._cached = (now, await self._look(self.gateway))
            return self._cached[1]

    async def _look(self, gateway: Gateway) -> Answer:
        problems = [
            *await _journal(gateway),
            *_broker(gateway),
            *_disk(gateway),
            *_signing(gateway),
        ]
        notes = _attempts_failed(self._attempts)
        status = "not_ready" if problems else "degraded" if notes else "ready"
        return Answer(status=status, problems=tuple(problems), notes=tuple(notes))


async def _journal(gateway: Gateway) -> list[Problem]:
    """Write a row, and see how old the outbox is."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            # A lease that nobody wants: one small row, always the same.
            await gateway.journal.acquire_lease("health", "probe", 0.0)
            measures = await gateway.journal.measures()
    except GatewayError as error:
        return [_no_journal(f"{error.code} {error.detail}")]
    except TimeoutError:
        return [_no_journal(f"no answer in {PROBE_SECONDS:.0f} s")]
    age = measures["outbox_oldest_seconds"]
    if age <= OUTBOX_SECONDS:
        return []
    stuck = Problem(
        "relay",
        1,
        f"{age:.0f} s",
        "Journalens utkø blir ikke tømt til RabbitMQ: meldinger og statuser blir liggende.",
        "The journal's outbox is not emptied to RabbitMQ: messages and status events stay in it.",
    )
    return [stuck]


def _no_journal(reason: str) -> Problem:
    return Problem(
        "journal",
        1,
        reason,
        "Journalen kan ikke skrives: nye meldinger tas ikke imot før den er tilbake.",
        "The journal cannot be written: no message is taken over until it is back.",
    )


def _broker(gateway: Gateway) -> list[Problem]:
    connections = gateway.connections
    both = {"consume": connections.consuming, "publish": connections.publishing}
    lost = [purpose for purpose, one in both.items() if not one.connected.is_set()]
    if not lost:
        return []
    away = Problem(
        "broker",
        1,
        ", ".join(lost),
        "RabbitMQ er borte: EPJ får verken meldinger eller statuser, og nye hentes ikke.",
        "RabbitMQ is away: the EPJ gets neither messages nor status events, and none is fetched.",
    )
    return [away]


def too_little_room(journal: Path | None) -> int | None:
    """Free bytes beside a SQLite journal when they are too few; None when all is well."""
    if journal is None:
        return None
    try:
        free = shutil.disk_usage(journal.parent).free
    except OSError:
        return None  # the journal's own probe says more
    return free if free < DISK_BYTES else None


def _disk(gateway: Gateway) -> list[Problem]:
    free = too_little_room(gateway.office.settings.journal.path)
    if free is None:
        return []
    full = Problem(
        "disk",
        1,
        f"{free // 1_000_000} MB free",
        "Disken med journalen er nesten full: snart tas ingen meldinger imot.",
        "The disk of the journal is nearly full: soon no message will be taken over.",
    )
    return [full]


def _signing(gateway: Gateway) -> list[Problem]:
    try:
        require_able_to_sign(gateway.office.keys, gateway.clock.now())
    except CannotSign as error:
        unable = Problem(
            "signing",
            3,
            f"{error.code} {error.detail}",
            "Vi kan ikke signere: verken meldinger eller kvitteringer går ut før sertifikatet er "
            "byttet. Alt venter i køene og i journalen.",
            "We cannot sign: neither messages nor receipts go out until the certificate is "
            "replaced. All of it waits in the queues and in the journal.",
        )
        return [unable]
    return []


def _attempts_failed(attempts: deque[bool]) -> list[Problem]:
    if len(attempts) < _ATTEMPTS or any(attempts):
        return []
    failing = Problem(
        "smtp",
        1,
        f"the last {len(attempts)} attempts failed",
        "De siste forsøkene på å sende e-post mislyktes; alt ligger i journalen og sendes igjen.",
        "The last attempts to send mail failed; all of it is in the journal and is sent again.",
    )
    return [failing]
