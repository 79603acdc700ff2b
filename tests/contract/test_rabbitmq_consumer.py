"""Consuming from a real broker: what becomes of a delivery, whatever its handler does."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import aio_pika
import pytest
from structlog.testing import capture_logs

from gateway.adapters.rabbitmq.connection import Connections, open_channel
from gateway.adapters.rabbitmq.consumer import Ready, consume
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.settlement import Handler
from gateway.adapters.rabbitmq.topology import declare, depths
from gateway.errors import JournalUnavailable, MalformedMessage
from gateway.ports import OutboundMessage, QueueMessage
from gateway.queues import Queue
from tests.broker_fixture import eventually, outbound

pytestmark = pytest.mark.broker

QUEUE = Queue.EPJ_OUTGOING


class Recorder:
    """A handler that remembers what it was given, and fails as told for each message_id."""

    def __init__(self, *, expected: int = 1) -> None:
        self.seen: list[QueueMessage] = []
        self.failures: dict[str | None, list[BaseException]] = {}
        self.complete = asyncio.Event()
        self._expected = expected

    async def __call__(self, message: QueueMessage) -> None:
        self.seen.append(message)
        if len(self.seen) >= self._expected:
            self.complete.set()
        if failures := self.failures.get(message.message_id):
            raise failures.pop(0)


@asynccontextmanager
async def consuming(
    connections: Connections,
    prefix: str,
    handle: Handler,
    *,
    stopping: asyncio.Event | None = None,
    prefetch: int = 16,
    grace: timedelta = timedelta(seconds=5),
    ready: Ready | None = None,
    hold: timedelta = timedelta(minutes=20),
    renew_seconds: float = 300.0,
) -> AsyncIterator[asyncio.Task[None]]:
    """Declare, consume meanwhile, and drain at the end of the block."""
    await declare(connections.consuming, prefix)
    stopping = stopping or asyncio.Event()
    task = asyncio.create_task(
        consume(
            connections.consuming,
            QUEUE.under(prefix),
            handle,
            stopping=stopping,
            prefetch=prefetch,
            grace=grace,
            ready=ready,
            hold=hold,
            renew_seconds=renew_seconds,
        )
    )
    try:
        yield task
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)


async def _publish(connections: Connections, prefix: str, *messages: OutboundMessage) -> None:
    async with Publisher(connections.publishing, prefix) as publisher:
        confirmed = await publisher.publish_many(messages)
    assert len(confirmed) == len(messages)


async def _expect_depths(
    connections: Connections, prefix: str, expected: Mapping[Queue, int]
) -> None:
    async def as_expected() -> bool:
        counts = await depths(connections.publishing, prefix)
        return all(counts[queue] == count for queue, count in expected.items())

    await eventually(as_expected)


async def test_what_was_handled_is_acknowledged(connections: Connections, prefix: str) -> None:
    handler = Recorder()

    async with consuming(connections, prefix, handler):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE, body=b"<x/>"))
        await asyncio.wait_for(handler.complete.wait(), 10)

    (seen,) = handler.seen
    assert (seen.body, seen.content_type, seen.message_id, seen.redelivered) == (
        b"<x/>",
        "application/json",
        "m-1",
        False,
    )
    await _expect_depths(connections, prefix, {QUEUE: 0, Queue.PARKED: 0})


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(MalformedMessage("root element"), id="reject"),
        pytest.param(ZeroDivisionError("a bug"), id="bug"),
        pytest.param(asyncio.CancelledError(), id="cancelled by a library"),
        pytest.param(TimeoutError(), id="timeout"),
    ],
)
async def test_a_poison_message_is_parked_and_the_next_is_handled(
    connections: Connections, prefix: str, failure: BaseException
) -> None:
    handler = Recorder(expected=2)
    handler.failures["poison"] = [failure]

    async with consuming(connections, prefix, handler):
        await _publish(
            connections, prefix, outbound("poison", queue=QUEUE), outbound("good", queue=QUEUE)
        )
        await asyncio.wait_for(handler.complete.wait(), 10)
        await _expect_depths(connections, prefix, {QUEUE: 0, Queue.PARKED: 1})

    assert [message.message_id for message in handler.seen] == ["poison", "good"]


async def test_a_temporary_fault_is_waited_out_with_the_same_delivery(
    connections: Connections, prefix: str
) -> None:
    handler = Recorder(expected=2)
    handler.failures["m-1"] = [JournalUnavailable()]

    async with consuming(connections, prefix, handler):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await asyncio.wait_for(handler.complete.wait(), 10)

    assert [message.redelivered for message in handler.seen] == [False, False]
    assert [message.retried for message in handler.seen] == [False, True]
    await _expect_depths(connections, prefix, {QUEUE: 0, Queue.PARKED: 0})


async def test_a_fault_that_turns_out_to_be_lasting_parks_after_the_wait(
    connections: Connections, prefix: str
) -> None:
    handler = Recorder(expected=2)
    handler.failures["m-1"] = [JournalUnavailable(), MalformedMessage("x")]

    async with consuming(connections, prefix, handler):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await _expect_depths(connections, prefix, {QUEUE: 0, Queue.PARKED: 1})


async def test_held_deliveries_stop_the_consumer_at_its_prefetch(
    connections: Connections, prefix: str
) -> None:
    async def away(message: QueueMessage) -> None:
        raise JournalUnavailable

    async with consuming(connections, prefix, away, prefetch=3):
        await _publish(connections, prefix, *(outbound(f"m-{n}", queue=QUEUE) for n in range(10)))
        await _expect_depths(connections, prefix, {QUEUE: 7, Queue.PARKED: 0})

    await _expect_depths(connections, prefix, {QUEUE: 10, Queue.PARKED: 0})


async def test_stopping_does_not_wait_for_what_is_held(
    connections: Connections, prefix: str
) -> None:
    held = asyncio.Event()

    async def away(message: QueueMessage) -> None:
        held.set()
        raise JournalUnavailable

    async with (
        asyncio.timeout(10),
        consuming(connections, prefix, away, grace=timedelta(minutes=5)),
    ):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await held.wait()

    await _expect_depths(connections, prefix, {QUEUE: 1, Queue.PARKED: 0})


async def test_what_is_held_too_long_is_given_back_until_all_is_ready_again(
    connections: Connections, prefix: str
) -> None:
    handler = Recorder(expected=2)
    handler.failures["m-1"] = [JournalUnavailable()]
    asked = 0

    async def ready() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise JournalUnavailable
        return asked == 3

    async with consuming(connections, prefix, handler, ready=ready, hold=timedelta(0)):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await asyncio.wait_for(handler.complete.wait(), 20)

    assert asked == 3
    assert [message.redelivered for message in handler.seen] == [False, True]


async def test_a_running_handler_finishes_when_stopping(
    connections: Connections, prefix: str
) -> None:
    running, go_on, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(message: QueueMessage) -> None:
        running.set()
        await go_on.wait()

    async with consuming(connections, prefix, slow, stopping=stopping) as task:
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await running.wait()
        stopping.set()
        await _publish(connections, prefix, outbound("m-2", queue=QUEUE))
        await _expect_depths(connections, prefix, {QUEUE: 1})
        assert not task.done()
        go_on.set()

    await _expect_depths(connections, prefix, {QUEUE: 1, Queue.PARKED: 0})


async def test_a_handler_beyond_the_grace_is_cancelled_and_its_message_kept(
    connections: Connections, prefix: str
) -> None:
    running = asyncio.Event()
    ends: list[str] = []

    async def endless(message: QueueMessage) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    async with consuming(connections, prefix, endless, grace=timedelta(seconds=0.05)):
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await running.wait()

    assert ends == ["cancelled"]
    await _expect_depths(connections, prefix, {QUEUE: 1, Queue.PARKED: 0})


async def test_a_cancelled_consumer_keeps_the_message(
    connections: Connections, prefix: str
) -> None:
    """As when the process is ended: nothing is settled that was not handled."""
    await declare(connections.consuming, prefix)
    running = asyncio.Event()

    async def endless(message: QueueMessage) -> None:
        running.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(
        consume(connections.consuming, QUEUE.under(prefix), endless, stopping=asyncio.Event())
    )
    await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
    await running.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    await _expect_depths(connections, prefix, {QUEUE: 1, Queue.PARKED: 0})


async def test_a_cancellation_that_the_client_swallows_ends_the_drain(
    connections: Connections, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, unsubscribing, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: QueueMessage) -> None:
        running.set()
        await asyncio.Event().wait()

    async def swallowing(_: aio_pika.Queue, tag: str) -> None:
        unsubscribing.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(aio_pika.Queue, "cancel", swallowing)
    grace = timedelta(hours=1)
    await declare(connections.consuming, prefix)
    task = asyncio.create_task(
        consume(
            connections.consuming,
            QUEUE.under(prefix),
            handle,
            stopping=stopping,
            grace=grace,
        )
    )
    await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
    await running.wait()
    stopping.set()
    await unsubscribing.wait()
    task.cancel()

    done, _ = await asyncio.wait([task], timeout=30)

    assert done
    assert task.cancelled()
    await _expect_depths(connections, prefix, {QUEUE: 1})


async def test_a_consumer_whose_queue_was_deleted_goes_on_when_it_is_back(
    connections: Connections, prefix: str
) -> None:
    handler = Recorder()

    with capture_logs() as logs:
        async with consuming(connections, prefix, handler):
            await eventually(lambda: _has_consumer(connections, prefix))
            async with open_channel(connections.publishing) as channel:
                await channel.queue_delete(QUEUE.under(prefix))
            await eventually(lambda: _logged(logs, "consumer_interrupted"))
            await declare(connections.publishing, prefix)
            await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
            await asyncio.wait_for(handler.complete.wait(), 10)


async def test_a_consumer_that_the_broker_forgot_without_a_word_starts_anew(
    connections: Connections, prefix: str
) -> None:
    handler = Recorder()

    async with consuming(connections, prefix, handler, renew_seconds=0.1):
        await eventually(lambda: _has_consumer(connections, prefix))
        async with open_channel(connections.publishing) as channel:
            await channel.queue_delete(QUEUE.under(prefix))
            await declare(connections.publishing, prefix)
        await _publish(connections, prefix, outbound("m-1", queue=QUEUE))
        await asyncio.wait_for(handler.complete.wait(), 10)


async def _logged(logs: Sequence[Mapping[str, object]], event: str) -> bool:
    return any(entry["event"] == event for entry in logs)


async def _has_consumer(connections: Connections, prefix: str) -> bool:
    async with open_channel(connections.publishing) as channel:
        queue = await channel.declare_queue(QUEUE.under(prefix), passive=True)
        return bool(queue.declaration_result.consumer_count)


async def test_a_message_that_keeps_crashing_its_consumer_is_parked_in_the_end(
    connections: Connections, prefix: str
) -> None:
    """The delivery limit counts crashes: 20 returns are allowed, the next one parks."""
    await declare(connections.consuming, prefix)
    await _publish(connections, prefix, outbound("m-1", queue=QUEUE))

    for _ in range(21):
        async with open_channel(connections.consuming) as channel:
            queue = await channel.get_queue(QUEUE.under(prefix), ensure=False)
            await queue.get()  # and the channel closes with the delivery unsettled

    await _expect_depths(connections, prefix, {QUEUE: 0, Queue.PARKED: 1})
