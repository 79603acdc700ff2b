"""Consuming one queue: sessions that follow each other through every loss, drained at the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import aio_pika
import structlog
from aio_pika.abc import (
    AbstractIncomingMessage,
    AbstractQueue,
    AbstractRobustConnection,
    ConsumerTag,
)
from aio_pika.exceptions import ChannelNotFoundEntity

from gateway.adapters.cancellation import heed_cancellation
from gateway.adapters.rabbitmq.connection import (
    CLOSE_SECONDS,
    LOST,
    close_channel,
    new_channel,
    own_cancellation_only,
)
from gateway.adapters.rabbitmq.settlement import Handler, Settlement
from gateway.adapters.rabbitmq.topology import DECLARE_SECONDS, NO_LEADER
from gateway.adapters.rabbitmq.waiting import Backoff, first_of
from gateway.errors import BrokerUnavailable, GatewayError

log = structlog.get_logger()

Ready = Callable[[], Awaitable[bool]]

# The broker closes the channel of a delivery unsettled for 30 minutes, which counts as a return.
HOLD = timedelta(minutes=20)


async def consume(
    connection: AbstractRobustConnection,
    queue: str,
    handle: Handler,
    *,
    stopping: asyncio.Event,
    prefetch: int = 16,
    grace: timedelta = timedelta(seconds=20),
    ready: Ready | None = None,
    hold: timedelta = HOLD,
    renew_seconds: float = 300.0,
) -> None:
    """Hand deliveries of ``queue`` to ``handle`` until ``stopping`` is set, then drain.

    Lost channels and connections, a consumer that the broker cancelled and a
    queue without a leader are all met in the same way: the handlers that run
    are given ``grace`` to end, then consuming starts anew, with back-off. So a
    message is never handled twice at the same time by one process.

    Args:
        queue: full name, prefix included.
        handle: must be idempotent. A GatewayError with disposition RETRY is
            waited out here, with back-off; any other exception parks the message.
        prefetch: how many deliveries may be in our hands at once.
        grace: for handlers that run when consuming ends. Whatever is left then
            is cancelled unacknowledged, so the broker hands it out again.
        ready: whether what RETRY waits for is back. Without it a delivery is held
            for ever, and the broker takes it back every 30 minutes.
        hold: how long one delivery is held. Then all are given back once, and
            consuming starts again when ``ready`` says so.
        renew_seconds: an idle consumer starts anew so often. RabbitMQ 3.10 says nothing to
            a consumer whose quorum queue is deleted and declared again at once; it counts
            it still and never serves it, so that asking the broker does not tell either.
    """
    backoff, quiet = Backoff(), False
    while not stopping.is_set():
        await first_of(connection.connected, stopping)
        over = asyncio.Event()
        session = _Session(
            connection=connection,
            queue=queue,
            prefetch=prefetch,
            grace=grace,
            over=over,
            settle=Settlement(queue=queue, handle=handle, hold=hold if ready else None, over=over),
            renew_seconds=renew_seconds,
            quiet=quiet,
        )
        await session.run(stopping)
        heed_cancellation()
        quiet = session.renewing
        if session.started:
            backoff.reset()
        if session.settle.weary and ready is not None:
            await _until_ready(queue, ready, stopping)
        await first_of(stopping, seconds=backoff.next_seconds())


async def _until_ready(queue: str, ready: Ready, stopping: asyncio.Event) -> None:
    log.error("consumer_paused", queue=queue)
    backoff = Backoff()
    while not stopping.is_set():
        try:
            if await ready():
                return
        except GatewayError as error:
            log.debug("not_ready", code=error.code)
        await first_of(stopping, seconds=backoff.next_seconds())


@dataclass(slots=True, kw_only=True)
class _Session:
    """One channel's worth of deliveries, from opening the channel to the last handler's end."""

    connection: AbstractRobustConnection
    queue: str
    prefetch: int
    grace: timedelta
    renew_seconds: float
    quiet: bool  # a renewal is no news
    over: asyncio.Event  # no new handler, no more holding
    settle: Settlement
    started: bool = False
    renewing: bool = False  # over because nothing came, which may be the broker's fault
    delivered: int = 0  # deliveries begun
    in_hand: int = 0  # deliveries whose handlers have not ended

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until ``stopping``, or until the broker ends it; then drain."""
        if stopping.is_set():
            return
        try:
            with own_cancellation_only():
                async with asyncio.timeout(DECLARE_SECONDS):
                    channel = await new_channel(self.connection)
        except (BrokerUnavailable, *LOST) as error:
            log.warning("consumer_refused", queue=self.queue, reason=_reason(error))
            return
        try:
            async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as running:
                queue = await channel.get_queue(self.queue, ensure=False)
                if tag := await self._subscribe(channel, queue, running):
                    await self._watch(stopping)
                    await self._unsubscribe(queue, tag)
                self.over.set()
                heed_cancellation()  # the client's, and then there is no time of grace
                deadline.reschedule(asyncio.get_running_loop().time() + self.grace.total_seconds())
        except TimeoutError:
            log.warning("drain_incomplete", queue=self.queue)
        finally:
            self.over.set()
            # After the handlers: what they finish in the time of grace is acknowledged.
            await close_channel(channel)

    async def _subscribe(
        self, channel: aio_pika.Channel, queue: AbstractQueue, running: asyncio.TaskGroup
    ) -> ConsumerTag | None:
        async def start(delivery: AbstractIncomingMessage) -> None:
            if not self.over.is_set():
                self.delivered += 1
                self.in_hand += 1
                running.create_task(self.settle(delivery)).add_done_callback(self._let_go)

        try:
            with own_cancellation_only():
                # A queue without a leader does not answer at all.
                async with asyncio.timeout(DECLARE_SECONDS):
                    underlay = await channel.get_underlay_channel()
                    underlay.closing.add_done_callback(self._end)
                    underlay.on_consumer_cancel_callbacks.add(self._end)
                    await channel.set_qos(prefetch_count=self.prefetch)
                    tag = await queue.consume(start)
        except (BrokerUnavailable, *LOST) as error:
            log.warning("consumer_refused", queue=self.queue, reason=_reason(error))
            return None
        self.started = True
        log.log(logging.DEBUG if self.quiet else logging.INFO, "consumer_started", queue=self.queue)
        return tag

    async def _watch(self, stopping: asyncio.Event) -> None:
        """Return when ``stopping``, when over, or when nothing came for ``renew_seconds``."""
        while not self.renewing:
            before = self.delivered
            await first_of(stopping, self.over, seconds=self.renew_seconds)
            if stopping.is_set() or self.over.is_set():
                return
            self.renewing = not self.in_hand and self.delivered == before

    async def _unsubscribe(self, queue: AbstractQueue, tag: ConsumerTag) -> None:
        if self.over.is_set() and not self.settle.weary:
            log.warning("consumer_interrupted", queue=self.queue)
            return
        with suppress(BrokerUnavailable, *LOST), own_cancellation_only():
            async with asyncio.timeout(CLOSE_SECONDS):
                await queue.cancel(tag)

    def _let_go(self, _: object) -> None:
        self.in_hand -= 1

    def _end(self, _: object) -> None:
        """The broker closed the channel or cancelled the consumer."""
        self.over.set()


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return NO_LEADER
    if isinstance(error, ChannelNotFoundEntity):
        return "no such queue"
    return type(error).__name__
