"""The queues: their names, their arguments, and the one place that declares them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aio_pika.abc import AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.abc import AbstractChannel
from pamqp.common import FieldValue

from gateway.adapters.rabbitmq.connection import (
    LOST,
    close_channel,
    new_channel,
    own_cancellation_only,
)
from gateway.errors import BrokerUnavailable, Fault, TopologyMismatch
from gateway.queues import Queue

DELIVERY_LIMIT = 20  # deliveries that ended in a crash before a message is parked
DECLARE_SECONDS = 10.0  # a queue with a leader answers in milliseconds

NO_LEADER = "queue has no leader; delete and declare again"


def arguments(queue: Queue, prefix: str, *, broker_major: int = 3) -> dict[str, str | int]:
    """The arguments of ``queue`` on a broker of that major version."""
    if queue in (Queue.PARKED, Queue.DEAD_LETTERS):
        # The end of the road: with a limit, looking at a message often enough would drop it.
        # RabbitMQ 4 has a limit of 20 unless told otherwise; RabbitMQ 3 refuses the -1.
        unlimited: dict[str, str | int] = {"x-delivery-limit": -1} if broker_major >= 4 else {}
        return {"x-queue-type": "quorum", **unlimited}
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",  # the default exchange: straight to the queue named next
        "x-dead-letter-routing-key": Queue.PARKED.under(prefix),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once works with no other
    }


@dataclass(frozen=True, slots=True)
class TopologyReport:
    """What ``inspect`` found. Missing queues are no fault: they are declared at start."""

    missing: tuple[str, ...]
    faults: tuple[Fault, ...]


async def declare(
    connection: AbstractRobustConnection, prefix: str, *, timeout_seconds: float = DECLARE_SECONDS
) -> None:
    """Declare all queues; those that stand with the same arguments are left alone.

    Raises:
        TopologyMismatch: a queue stands with other arguments, or has no leader;
            ``faults`` names every such queue (``where``) and the difference.
        BrokerUnavailable: the connection was lost meanwhile.
    """
    # Parked comes first, so that no queue stands, even for a moment, without its target.
    found = [await _declare(connection, Queue.PARKED, prefix, timeout_seconds)]
    others = [queue for queue in Queue if queue is not Queue.PARKED]
    found += await asyncio.gather(
        *(_declare(connection, queue, prefix, timeout_seconds) for queue in others)
    )
    faults = tuple(fault for fault in found if fault is not None)
    if faults:
        text = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
        raise TopologyMismatch(text, where=faults[0].where, faults=faults)


async def inspect(
    connection: AbstractRobustConnection, prefix: str, *, timeout_seconds: float = DECLARE_SECONDS
) -> TopologyReport:
    """Say what is missing or different, changing nothing on the broker.

    A queue that stands is declared with our arguments, which the broker answers
    with "the same" or with the first difference; one that does not stand is
    only looked for (passive) and never made.

    Raises:
        BrokerUnavailable: the connection was lost meanwhile.
    """

    async def one(queue: Queue) -> Fault | bool:
        """A fault, or whether the queue stands."""
        try:
            await _count(connection, queue.under(prefix), timeout_seconds)
        except ChannelNotFoundEntity:
            return False
        except TopologyMismatch as error:
            return Fault(queue.under(prefix), error.detail)
        return await _declare(connection, queue, prefix, timeout_seconds) or True

    found = dict(zip(Queue, await asyncio.gather(*map(one, Queue)), strict=True))
    return TopologyReport(
        missing=tuple(queue.under(prefix) for queue, what in found.items() if what is False),
        faults=tuple(what for what in found.values() if isinstance(what, Fault)),
    )


async def depths(
    connection: AbstractRobustConnection, prefix: str, *, timeout_seconds: float = DECLARE_SECONDS
) -> dict[str, int]:
    """Messages ready in each queue, by base name; a queue that is missing is left out.

    Deliveries that a consumer holds unacknowledged are not counted.

    Raises:
        TopologyMismatch: a queue has no leader.
        BrokerUnavailable: the connection was lost.
    """
    counts: dict[str, int] = {}
    for queue in Queue:
        try:
            counts[queue.value] = await _count(connection, queue.under(prefix), timeout_seconds)
        except ChannelNotFoundEntity:
            continue
    return counts


async def _count(connection: AbstractRobustConnection, name: str, seconds: float) -> int:
    async with _asking(connection, name, seconds) as channel:
        answer = await channel.queue_declare(name, passive=True)
        return answer.message_count or 0


async def _declare(
    connection: AbstractRobustConnection, queue: Queue, prefix: str, seconds: float
) -> Fault | None:
    name = queue.under(prefix)
    ours = arguments(queue, prefix, broker_major=_major_version(connection))
    wanted: dict[str, FieldValue] = dict(ours)
    try:
        async with _asking(connection, name, seconds) as channel:
            await channel.queue_declare(name, durable=True, arguments=wanted)
    except ChannelPreconditionFailed as error:
        return Fault(name, _difference(str(error)))
    except TopologyMismatch as error:
        return Fault(name, error.detail)
    return None


@asynccontextmanager
async def _asking(
    connection: AbstractRobustConnection, name: str, seconds: float
) -> AsyncIterator[AbstractChannel]:
    """A channel for one question about one queue, since a refusal closes the channel.

    Raises:
        ChannelNotFoundEntity, ChannelPreconditionFailed: what the broker answered.
        TopologyMismatch: the broker opens a channel, but nobody answers for the queue.
        BrokerUnavailable: the broker is away or does not answer at all.
    """
    with own_cancellation_only():
        try:
            async with asyncio.timeout(seconds):
                channel = await new_channel(connection)
        except LOST as error:
            raise BrokerUnavailable(f"no channel: {type(error).__name__}") from None
        try:
            async with asyncio.timeout(seconds):
                yield await channel.get_underlay_channel()
        except (ChannelNotFoundEntity, ChannelPreconditionFailed):
            raise
        except TimeoutError:
            raise TopologyMismatch(NO_LEADER, where=name) from None
        except LOST as error:
            raise BrokerUnavailable(f"{name}: {type(error).__name__}") from None
        finally:
            await close_channel(channel)


def _major_version(connection: AbstractRobustConnection) -> int:
    transport = connection.transport
    version = transport.connection.server_properties.get("version") if transport else None
    if isinstance(version, bytes | bytearray):
        version = version.decode(errors="replace")
    major = str(version).partition(".")[0]
    return int(major) if major.isdecimal() else 3


_INEQUIVALENT = re.compile(
    r"inequivalent arg '(?P<name>[^']+)'.*?: received (?P<ours>.+?) but current is (?P<theirs>.+)$"
)


def _difference(reply: str) -> str:
    """The broker's 406 text in our words; its own where the form is unknown."""
    if match := _INEQUIVALENT.search(reply):
        ours, theirs = (_plain(match[side]) for side in ("ours", "theirs"))
        return f"{match['name']} is {theirs} on the broker, the gateway needs {ours}"
    return reply


def _plain(value: str) -> str:
    return re.sub(r"^the value | of type '[^']*'$|'", "", value) or "''"
