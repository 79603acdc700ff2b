"""One delivery: handled, waited for while its fault is temporary, settled by hand.

It has one of four ends: acknowledged, because the handler returned; rejected to
``parked``, because the fault is in the message or in us; given back unsettled,
because consuming ends; or the process died, which is the same to the broker.
Never requeued by us: the broker counts each return against the delivery limit,
and only crashes should count.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from aio_pika.abc import AbstractIncomingMessage
from structlog.contextvars import bound_contextvars
from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from gateway.adapters.rabbitmq.connection import LOST, own_cancellation_only
from gateway.adapters.rabbitmq.waiting import first_of
from gateway.adapters.tracing import handling_span
from gateway.errors import BrokerUnavailable, Disposition, GatewayError, InternalFault
from gateway.ports import QueueMessage

log = structlog.get_logger()

Handler = Callable[[QueueMessage], Awaitable[None]]

RETRY_CAP_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Settlement:
    """What one session of a consumer does with each of its deliveries."""

    queue: str
    handle: Handler
    hold: timedelta | None  # how long one delivery is held; None: for ever
    over: asyncio.Event  # consuming ends: nothing is held any more
    weary: bool = False  # a delivery was held too long, and so ``over`` was set

    async def __call__(self, delivery: AbstractIncomingMessage) -> None:
        """Handle one delivery and settle it. Raises nothing but our own cancellation."""
        message = _message_of(delivery)
        with bound_contextvars(amqp_message_id=message.message_id, queue=self.queue):
            try:
                with handling_span(self.queue, message.headers):
                    await self._handle_when_possible(message)
            except _GivenBack:
                return
            except GatewayError as error:
                log.warning("delivery_parked", code=error.code, disposition=error.disposition)
                await self._reject(delivery)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Some library ended the handler, not we: without this the delivery would stay
                # in our hands, unsettled and unseen.
                log.error("delivery_crashed", code=InternalFault.code)
                await self._reject(delivery)
            except Exception:  # a bug parks one message, not the daemon
                log.exception("delivery_crashed", code=InternalFault.code)
                await self._reject(delivery)
            else:
                with _too_late_is_no_fault():
                    await delivery.ack()

    async def _reject(self, delivery: AbstractIncomingMessage) -> None:
        with _too_late_is_no_fault():
            await delivery.reject(requeue=False)  # to the queue `parked`

    async def _handle_when_possible(self, message: QueueMessage) -> None:
        """Handle, waiting out what is temporary.

        Raises:
            _GivenBack: consuming ended while the delivery was held.
        """
        try:
            await self.handle(message)  # nearly always; the machinery below is for the rest
        except GatewayError as error:
            if error.disposition is not Disposition.RETRY:
                raise
            log.warning("delivery_held", code=error.code)
        else:
            return
        message = replace(message, retried=True)
        held_since = asyncio.get_running_loop().time()

        async def wait(seconds: float) -> None:
            held = asyncio.get_running_loop().time() - held_since
            if self.hold is not None and held >= self.hold.total_seconds():
                self.weary = True
                self.over.set()
            await first_of(self.over, seconds=seconds)
            if self.over.is_set():
                raise _GivenBack

        # Begins with a wait, since the first attempt was the one above.
        await wait(random.uniform(0.2, 0.6))  # noqa: S311  # jitter, not a secret
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_is_temporary),
            wait=wait_random_exponential(multiplier=1, max=RETRY_CAP_SECONDS),
            sleep=wait,
            reraise=True,
        ):
            with attempt:
                await self.handle(message)
        log.info("delivery_resumed")


class _GivenBack(Exception):
    """Consuming ended while a delivery was held; it goes back when the channel closes."""


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, GatewayError) and error.disposition is Disposition.RETRY


@contextmanager
def _too_late_is_no_fault() -> Iterator[None]:
    # A closed channel has already given the delivery back, and handlers are idempotent.
    try:
        with own_cancellation_only():
            yield
    except (BrokerUnavailable, *LOST) as error:
        log.debug("settled_too_late", reason=type(error).__name__)


def _message_of(delivery: AbstractIncomingMessage) -> QueueMessage:
    return QueueMessage(
        body=delivery.body,
        content_type=delivery.content_type,
        message_id=delivery.message_id,
        correlation_id=delivery.correlation_id,
        headers={
            name: str(value)
            for name, value in delivery.headers.items()
            if isinstance(value, str | int | float)  # tables such as x-death are the broker's
        },
        redelivered=bool(delivery.redelivered),
    )
