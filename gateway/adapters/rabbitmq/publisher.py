"""Publishing with confirms: returning means that a queue on the broker has the message on disk."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import aio_pika
import structlog
from aio_pika.abc import AbstractRobustConnection
from aio_pika.exceptions import ChannelPreconditionFailed, DeliveryError, PublishError

from gateway.adapters.rabbitmq.connection import (
    LOST,
    close_channel,
    new_channel,
    own_cancellation_only,
)
from gateway.errors import BrokerUnavailable, GatewayError, InternalFault, TopologyMismatch
from gateway.ports import OutboundMessage

log = structlog.get_logger()

CONFIRM_SECONDS = 30.0

_Failure = tuple[OutboundMessage, GatewayError]


class Publisher:
    """Publishes to the queues under one prefix, by the default exchange, always persistent.

    Opens its channel when first used, and again after a loss. Nothing that was
    not confirmed is repeated here: the outbox still has it.
    """

    def __init__(
        self,
        connection: AbstractRobustConnection,
        prefix: str,
        *,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._connection = connection
        self._prefix = prefix
        self._confirm_seconds = confirm_seconds
        self._channel: aio_pika.Channel | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await close_channel(channel)

    async def publish(self, message: OutboundMessage) -> None:
        """Publish one message and wait for the broker's confirm.

        Raises:
            TopologyMismatch: there is no such queue, or the broker's
                ``max_message_size`` is below the message's size; it stays so
                until an administrator acts.
            BrokerUnavailable: away, the queue is full, or no confirm in time; the
                message may nevertheless stand on the queue.
        """
        queue = self._prefix + message.queue
        try:
            with own_cancellation_only():
                async with asyncio.timeout(self._confirm_seconds):
                    channel = await self._usable_channel()
                    # No queue takes it: PublishError, since the channel has on_return_raises.
                    await channel.default_exchange.publish(
                        _amqp(message), routing_key=queue, mandatory=True
                    )
        # Texts of the client may quote the message, so none goes on.
        except PublishError:  # first: it is a DeliveryError, but this one does not pass by itself
            raise TopologyMismatch("no such queue", where=queue) from None
        except DeliveryError:
            raise BrokerUnavailable("the queue refused the message", where=queue) from None
        except ChannelPreconditionFailed:
            text = f"the broker refuses {len(message.body)} bytes: raise max_message_size"
            raise TopologyMismatch(text, where=queue) from None
        except LOST as error:
            raise BrokerUnavailable(type(error).__name__, where=queue) from None

    async def publish_many(self, messages: Sequence[OutboundMessage]) -> frozenset[str]:
        """Publish concurrently; return the outbox ids that the broker has confirmed.

        What was not confirmed is logged, one line a cause, and nothing is raised for it. One
        message that the broker refuses closes the channel under all that are in
        flight; these are tried again one by one, so that only the culprit is left.
        """
        confirmed: set[str] = set()
        for batch in _without_repeated_ids(messages):
            errors = await asyncio.gather(*map(self._attempt, batch))
            left = [(m, e) for m, e in zip(batch, errors, strict=True) if e is not None]
            if left and len(batch) > 1 and self._connection.connected.is_set():
                left = await self._one_by_one([message for message, _ in left])
            _log_failures(left)
            confirmed |= {m.outbox_id for m in batch} - {m.outbox_id for m, _ in left}
        return frozenset(confirmed)

    async def _one_by_one(self, messages: Sequence[OutboundMessage]) -> list[_Failure]:
        """Publish in turn until the broker is away; return what is left, with the reasons."""
        left: list[_Failure] = []
        for number, message in enumerate(messages):
            error = await self._attempt(message)
            if error is not None:
                left.append((message, error))
            if isinstance(error, BrokerUnavailable):
                left += [(rest, error) for rest in messages[number + 1 :]]
                break
        return left

    async def _attempt(self, message: OutboundMessage) -> GatewayError | None:
        try:
            await self.publish(message)
        except GatewayError as error:
            return error
        except Exception as error:
            # One message that the client cannot write must not keep the others from the broker.
            log.exception("publish_crashed", queue=message.queue, error=type(error).__name__)
            return InternalFault(type(error).__name__, where=self._prefix + message.queue)
        return None

    async def _usable_channel(self) -> aio_pika.Channel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = None
                self._channel = await new_channel(self._connection, confirms=True)
            return self._channel


def _log_failures(failures: Sequence[_Failure]) -> None:
    """One line a cause, not one a message: a broker that is away fails them all."""
    causes = Counter((error.code, str(error), error.where) for _, error in failures)
    for (code, reason, queue), count in causes.items():
        # Away: the relay tells once. The topology: it stays so until somebody acts.
        level = logging.DEBUG if code == BrokerUnavailable.code else logging.ERROR
        log.log(level, "publish_failed", code=code, reason=reason, queue=queue, count=count)


def _amqp(message: OutboundMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        content_type=message.content_type,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        type=message.type,
        headers=dict(message.headers),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _without_repeated_ids(
    messages: Sequence[OutboundMessage],
) -> Iterator[Sequence[OutboundMessage]]:
    """Split so that no AMQP message_id occurs twice in one batch; order is kept for each id.

    The client matches a returned message by its message_id alone: with two of
    the same in flight, the one that no queue took would count as confirmed.
    """
    rest = list(messages)
    while rest:
        seen: set[str] = set()
        batch, later = [], []
        for message in rest:
            if message.message_id is not None and message.message_id in seen:
                later.append(message)
            else:
                batch.append(message)
            if message.message_id is not None:
                seen.add(message.message_id)
        yield batch
        rest = later
