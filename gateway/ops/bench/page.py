"""docs/performance.md: what was measured, with what, and what follows from it."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gateway.ops.bench.floor import Cost
from gateway.ops.bench.whole import Whole

_AIM_MS = 16.0
_AIM_TIMES_FLOOR = 8.0


def performance_page(
    floor: Sequence[Cost], stages: Sequence[Cost], whole: Whole, *, document_bytes: int
) -> str:
    """The page as Markdown; every figure comes from one run."""
    return "\n".join(_lines(floor, stages, whole, document_bytes)) + "\n"


def summary(floor: Sequence[Cost], whole: Whole) -> Iterator[str]:
    """The three figures that count, in words."""
    bare = total(floor)
    yield (
        f"{whole.per_second:.0f} confirmed messages a second "
        f"({whole.messages} in {whole.seconds:.1f} s, both gateways on this machine)"
    )
    yield (
        f"{whole.sender_cpu_ms:.1f} ms CPU of the sending gateway for each confirmed message "
        f"(aim {_AIM_MS:.0f}), {whole.receiver_cpu_ms:.1f} ms of the receiving one"
    )
    yield (
        f"{whole.sender_cpu_ms / bare:.1f} times the floor of {bare:.2f} ms "
        f"(aim {_AIM_TIMES_FLOOR:.0f})"
    )


def total(costs: Sequence[Cost]) -> float:
    """Milliseconds of all together."""
    return sum(cost.total for cost in costs)


def _lines(
    floor: Sequence[Cost], stages: Sequence[Cost], whole: Whole, document_bytes: int
) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield "Written by `make bench` (`dialog-gateway bench`); do not edit. Figures of different"
    yield "machines, or of a busy one, do not compare; the ratios of one run do."
    yield ""
    yield (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, SQLite journal with fsync, "
        f"RabbitMQ quorum queues, RSA-2048, a message of {document_bytes / 1000:.0f} kB."
    )
    yield ""
    for line in summary(floor, whole):
        yield f"- {line}"
    yield ""
    yield "A confirmed outgoing message is: taken over, screened, sealed, signed, mailed, its"
    yield "Acknowledgment received, its AppRec received, opened and acknowledged, and four status"
    yield "events told. The gateway is `dialog-gateway run` in a process of its own."
    yield ""
    yield "## Where the time goes"
    yield ""
    yield "Each stage measured by itself, times how often a confirmed message passes it."
    yield ""
    yield from _table(stages)
    known = total(stages)
    rest = whole.sender_cpu_ms - known
    yield f"| the rest: event loop, logs, metrics, status events | | | {rest:.2f} |"
    yield f"| **the gateway** | | | **{whole.sender_cpu_ms:.2f}** |"
    yield ""
    yield "## The floor"
    yield ""
    yield "The bare work that these algorithms need, in the same run."
    yield ""
    yield from _table(floor)
    yield f"| **the floor** | | | **{total(floor):.2f}** |"


def _table(costs: Sequence[Cost]) -> Iterator[str]:
    yield "| what | ms each | times | ms |"
    yield "|---|---:|---:|---:|"
    for cost in costs:
        yield f"| {cost.name} | {cost.milliseconds:.3f} | {cost.times} | {cost.total:.2f} |"
