"""The outbox relay: the only publisher, so that journal and queues can never disagree."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from gateway.adapters.rabbitmq.waiting import Backoff, first_of
from gateway.errors import GatewayError, JournalUnavailable
from gateway.ports import OutboundMessage, Outbox

log = structlog.get_logger()

# Short, since one message that no queue takes may be all there is to claim, and new ones must
# not wait for it.
STUCK_CAP_SECONDS = 5.0


class Publishes(Protocol):
    async def publish_many(self, messages: Sequence[OutboundMessage]) -> Collection[str]:
        """Publish and return the outbox ids that the broker has confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRelay:
    """Publishes what the journal's transactions put into the outbox.

    A row is deleted only after the broker's confirm. A crash between the two
    publishes the row again after its lease, with the same AMQP message_id, by
    which the receiver drops it.
    """

    outbox: Outbox
    publisher: Publishes
    batch: int = 50
    poll_seconds: float = 1.0  # finds what other instances committed, or a lease gave back

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until ``stopping`` is set; what is claimed then is still seen through."""
        backoff = Backoff(cap_seconds=STUCK_CAP_SECONDS)
        stuck = False
        while not stopping.is_set():
            try:
                claimed, confirmed = await self._relay_batch(stopping)
                failed = bool(claimed) and not confirmed
            except GatewayError as error:  # the journal: nothing is lost, all is still in it
                log.warning("relay_held", code=error.code)
                failed = True
            if failed is not stuck:
                stuck = failed
                log.log(logging.WARNING if stuck else logging.INFO, "relay_state", stuck=stuck)
            if failed:
                await first_of(stopping, seconds=backoff.next_seconds())
                continue
            backoff.reset()
            if claimed < self.batch:
                waiting = self.outbox.outbox_waiting
                await first_of(waiting, stopping, seconds=self.poll_seconds)

    async def _relay_batch(self, stopping: asyncio.Event) -> tuple[int, int]:
        """Return how many rows were claimed, and how many of them published and deleted."""
        claimed = await self.outbox.claim_outbox(self.batch)
        if not claimed:
            return 0, 0
        confirmed = set(await self.publisher.publish_many(claimed))
        unconfirmed = [row for row in claimed if row.outbox_id not in confirmed]
        if confirmed:
            await self._forget(confirmed, stopping)
        if unconfirmed:
            await self.outbox.outbox_released(unconfirmed)
        return len(claimed), len(confirmed)

    async def _forget(self, ids: Collection[str], stopping: asyncio.Event) -> None:
        """Delete published rows, waiting for the journal if need be: else they go out twice."""

        async def wait(seconds: float) -> None:
            await first_of(stopping, seconds=seconds)

        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(JournalUnavailable),
            wait=wait_random_exponential(multiplier=0.5, max=STUCK_CAP_SECONDS),
            stop=lambda _: stopping.is_set(),
            sleep=wait,
            reraise=True,
        ):
            with attempt:
                await self.outbox.outbox_published(ids)
