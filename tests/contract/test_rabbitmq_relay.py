"""The outbox relay: nothing leaves the outbox before the broker has it, and nothing stays."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.adapters.rabbitmq.connection import Connections
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.relay import OutboxRelay
from gateway.adapters.rabbitmq.topology import declare, depths
from gateway.errors import GatewayError, JournalUnavailable, LeaseLost
from gateway.ports import OutboundMessage
from gateway.queues import Queue
from tests.broker_fixture import FakeOutbox, outbound


class FakePublisher:
    """Confirms what ``takes`` says yes to."""

    def __init__(self, takes: Callable[[OutboundMessage], bool] = lambda _: True) -> None:
        self.takes = takes
        self.published: list[str] = []
        self.calls = 0

    async def publish_many(self, messages: Sequence[OutboundMessage]) -> Collection[str]:
        self.calls += 1
        taken = [message.outbox_id for message in messages if self.takes(message)]
        self.published += taken
        return taken


@asynccontextmanager
async def relaying(relay: OutboxRelay) -> AsyncIterator[asyncio.Event]:
    """Run the relay meanwhile; it must end by itself when told to stop."""
    stopping = asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await asyncio.wait_for(task, 5)


async def test_rows_are_published_in_order_and_then_deleted() -> None:
    outbox = FakeOutbox(outbound(f"o-{number}") for number in range(7))
    publisher = FakePublisher()

    async with relaying(OutboxRelay(outbox=outbox, publisher=publisher, batch=3)):
        await asyncio.wait_for(outbox.empty.wait(), 5)

    assert publisher.published == [f"o-{number}" for number in range(7)]


async def test_a_new_row_wakes_the_relay() -> None:
    outbox = FakeOutbox()
    relay = OutboxRelay(outbox=outbox, publisher=FakePublisher(), poll_seconds=60)

    async with relaying(relay):
        await asyncio.sleep(0)
        outbox.put(outbound("o-1"))
        await asyncio.wait_for(outbox.empty.wait(), 5)


async def test_rows_of_other_instances_are_found_without_a_wake_up() -> None:
    outbox = FakeOutbox()
    relay = OutboxRelay(outbox=outbox, publisher=FakePublisher(), poll_seconds=0.01)

    async with relaying(relay):
        await asyncio.sleep(0)
        outbox.put(outbound("o-1"), wake=False)
        await asyncio.wait_for(outbox.empty.wait(), 5)


async def test_what_was_not_confirmed_is_released_and_comes_again() -> None:
    refused = {"o-1"}
    outbox = FakeOutbox([outbound("o-1"), outbound("o-2")])
    publisher = FakePublisher(lambda message: message.outbox_id not in refused)

    async with relaying(OutboxRelay(outbox=outbox, publisher=publisher, poll_seconds=0.01)):
        await asyncio.wait_for(outbox.released.wait(), 5)
        assert set(outbox.rows) == {"o-1"}
        refused.clear()
        await asyncio.wait_for(outbox.empty.wait(), 5)

    assert publisher.published == ["o-2", "o-1"]


@pytest.mark.parametrize("fault", [JournalUnavailable(), LeaseLost()])
async def test_a_claim_that_fails_is_tried_again(fault: GatewayError) -> None:
    outbox = FakeOutbox([outbound("o-1")])
    outbox.claim_faults = [fault]

    async with relaying(OutboxRelay(outbox=outbox, publisher=FakePublisher())):
        await asyncio.wait_for(outbox.empty.wait(), 5)


async def test_a_journal_away_after_the_confirm_does_not_publish_twice() -> None:
    outbox = FakeOutbox([outbound("o-1")])
    outbox.delete_faults = [JournalUnavailable(), JournalUnavailable()]
    publisher = FakePublisher()

    async with relaying(OutboxRelay(outbox=outbox, publisher=publisher)):
        await asyncio.wait_for(outbox.empty.wait(), 5)

    assert publisher.published == ["o-1"]


async def test_stopping_ends_a_relay_that_waits_for_the_broker() -> None:
    outbox = FakeOutbox([outbound("o-1")])

    async with relaying(OutboxRelay(outbox=outbox, publisher=FakePublisher(lambda _: False))):
        await asyncio.wait_for(outbox.released.wait(), 5)

    assert set(outbox.rows) == {"o-1"}


@pytest.mark.broker
async def test_the_outbox_reaches_the_queues(connections: Connections, prefix: str) -> None:
    await declare(connections.publishing, prefix)
    outbox = FakeOutbox(outbound(f"o-{number}") for number in range(120))

    async with (
        Publisher(connections.publishing, prefix) as publisher,
        relaying(OutboxRelay(outbox=outbox, publisher=publisher)),
    ):
        await asyncio.wait_for(outbox.empty.wait(), 20)

    assert (await depths(connections.publishing, prefix))[Queue.EPJ_STATUS] == 120
