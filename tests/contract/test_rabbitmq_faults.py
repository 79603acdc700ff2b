"""What survives when the broker is killed, and what the private node leaves behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from aio_pika.abc import AbstractRobustConnection
from structlog.testing import capture_logs

from gateway.adapters.rabbitmq.connection import open_channel, open_connections
from gateway.adapters.rabbitmq.consumer import consume
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.relay import OutboxRelay
from gateway.adapters.rabbitmq.topology import NO_LEADER, declare, depths
from gateway.errors import BrokerUnavailable, TopologyMismatch
from gateway.ops.private_broker import PrivateBroker
from gateway.ports import QueueMessage
from gateway.queues import Queue
from tests.broker_fixture import FakeOutbox, eventually, outbound, private_node

pytestmark = [pytest.mark.broker, pytest.mark.slow]

# RabbitMQ 3.10: a quorum queue declared less than half a second before a kill has no leader after.
SETTLED_SECONDS = 3.0


@pytest.fixture(scope="module")
def node() -> Iterator[PrivateBroker]:
    with private_node() as running:
        yield running


async def test_a_consumer_goes_on_after_the_broker_was_killed(node: PrivateBroker) -> None:
    """What was unsettled comes again; what was handled while the broker died is not lost."""
    seen: list[tuple[str | None, bool]] = []
    held, go_on, all_seen = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(message: QueueMessage) -> None:
        seen.append((message.message_id, message.redelivered))
        if message.message_id == "during" and not message.redelivered:
            held.set()
            await go_on.wait()
        if {name for name, _ in seen} == {"before", "during", "after"} and len(seen) >= 4:
            all_seen.set()

    stopping = asyncio.Event()
    async with open_connections(node.url, reconnect_seconds=0.2) as both:
        await declare(both.consuming, "kill.")
        task = asyncio.create_task(
            consume(both.consuming, "kill.epj.outgoing", handle, stopping=stopping)
        )
        async with Publisher(both.publishing, "kill.") as publisher:
            await publisher.publish(outbound("before", queue=Queue.EPJ_OUTGOING))
            await publisher.publish(outbound("during", queue=Queue.EPJ_OUTGOING))
            await held.wait()
            await asyncio.sleep(SETTLED_SECONDS)
            await asyncio.to_thread(node.restart, kill=True)
            go_on.set()
            await eventually(lambda: _published(publisher, "after", Queue.EPJ_OUTGOING), seconds=30)
        await asyncio.wait_for(all_seen.wait(), 30)
        stopping.set()
        await asyncio.wait_for(task, 10)
        after = await depths(both.publishing, "kill.")

    assert seen[:2] == [("before", False), ("during", False)]
    assert ("during", True) in seen
    assert (after["epj.outgoing"], after["parked"]) == (0, 0)


async def _published(publisher: Publisher, name: str, queue: Queue) -> bool:
    return await publisher.publish_many([outbound(name, queue=queue)]) == {name}


async def test_publishing_without_a_broker_fails_at_once_and_works_when_it_is_back(
    node: PrivateBroker,
) -> None:
    async with open_connections(node.url, reconnect_seconds=0.2) as both:
        await declare(both.consuming, "away.")
        await asyncio.sleep(SETTLED_SECONDS)
        async with Publisher(both.publishing, "away.") as publisher:
            await publisher.publish(outbound("before"))
            await asyncio.to_thread(node.kill)
            with pytest.raises(BrokerUnavailable):
                await asyncio.wait_for(publisher.publish(outbound("away")), 5)
            await asyncio.to_thread(node.resume)
            await eventually(lambda: _published(publisher, "after", Queue.EPJ_STATUS), seconds=30)
        assert (await depths(both.consuming, "away."))["epj.status"] == 2


async def test_the_relay_loses_nothing_when_the_broker_dies_meanwhile(
    node: PrivateBroker,
) -> None:
    """Every row reaches the queue at least once, and leaves the outbox only after that."""
    count = 20_000
    outbox = FakeOutbox(outbound(f"o-{number}") for number in range(count))
    stopping = asyncio.Event()
    async with open_connections(node.url, reconnect_seconds=0.2) as both:
        await declare(both.consuming, "relay.")
        await asyncio.sleep(SETTLED_SECONDS)
        async with Publisher(both.publishing, "relay.") as publisher:
            relay = OutboxRelay(outbox=outbox, publisher=publisher)
            task = asyncio.create_task(relay.run(stopping))
            await eventually(lambda: _rows_below(outbox, count - 1000))
            await asyncio.to_thread(node.kill)
            left = len(outbox.rows)
            await asyncio.to_thread(node.resume)
            await asyncio.wait_for(outbox.empty.wait(), 120)
            stopping.set()
            await asyncio.wait_for(task, 10)
        arrived = await _drain(both.consuming, "relay.epj.status", expected=count)

    assert 0 < left < count - 1000 + 1
    assert arrived == {f"o-{number}" for number in range(count)}


async def _rows_below(outbox: FakeOutbox, count: int) -> bool:
    return len(outbox.rows) < count


async def _drain(connection: AbstractRobustConnection, name: str, *, expected: int) -> set[str]:
    """The message_ids on a queue, duplicates dropped as a receiver does it."""
    arrived: set[str] = set()
    complete, stopping = asyncio.Event(), asyncio.Event()

    async def handle(message: QueueMessage) -> None:
        arrived.add(message.message_id or "")
        if len(arrived) >= expected:
            complete.set()

    task = asyncio.create_task(consume(connection, name, handle, stopping=stopping, prefetch=500))
    await asyncio.wait_for(complete.wait(), 60)
    stopping.set()
    await task
    return arrived


async def test_connections_have_names_that_operators_see(node: PrivateBroker) -> None:
    async with open_connections(node.url, name="hospital", heartbeat_seconds=17):
        columns = ("timeout", "client_properties")
        told = await asyncio.to_thread(node.control, "list_connections", *columns)

    rows = [line for line in told.splitlines() if line.startswith("17\t")]
    assert len(rows) == 2
    for name in ("hospital consume", "hospital publish"):
        assert any(name in row for row in rows)


async def test_an_orderly_restart_keeps_messages(node: PrivateBroker) -> None:
    async with open_connections(node.url, reconnect_seconds=0.2) as both:
        await declare(both.consuming, "orderly.")
        await asyncio.sleep(SETTLED_SECONDS)
        async with Publisher(both.publishing, "orderly.") as publisher:
            await publisher.publish(outbound("kept"))
        await asyncio.to_thread(node.restart)
        await asyncio.wait_for(both.consuming.connected.wait(), 30)
        async with open_channel(both.consuming) as channel:
            queue = await channel.get_queue("orderly.epj.status", ensure=False)
            message = await queue.get(no_ack=True)

    assert message.message_id == "kept"


async def test_a_queue_without_a_leader_is_named_and_waited_for_only_so_long(
    node: PrivateBroker,
) -> None:
    """With the supervisor of leaders halted, a declaration hangs as it does after a kill."""
    async with open_connections(node.url) as both:
        await asyncio.to_thread(node.control, "eval", "sys:suspend(ra_server_sup_sup).")
        try:
            with pytest.raises(TopologyMismatch) as refused:
                await declare(both.consuming, "headless.", timeout_seconds=2)
        finally:
            await asyncio.to_thread(node.control, "eval", "sys:resume(ra_server_sup_sup).")

    faults = {fault.where: fault.detail for fault in refused.value.faults}
    assert faults["headless.parked"] == NO_LEADER


async def test_a_broker_that_hangs_is_not_taken_for_a_fault_of_the_queues(
    node: PrivateBroker,
) -> None:
    async with open_connections(node.url) as both:
        await declare(both.consuming, "hanging.")
        node.signal(signal.SIGSTOP)
        try:
            with pytest.raises(BrokerUnavailable):
                await declare(both.consuming, "hanging.", timeout_seconds=0.5)
            async with Publisher(both.publishing, "hanging.", confirm_seconds=0.5) as publisher:
                with pytest.raises(BrokerUnavailable):
                    await publisher.publish(outbound("o-1"))
        finally:
            node.signal(signal.SIGCONT)


async def test_a_lost_broker_is_told_once_and_so_is_its_return(node: PrivateBroker) -> None:
    with capture_logs() as logs:
        async with open_connections(node.url, reconnect_seconds=0.1) as both:
            await asyncio.to_thread(node.restart, kill=True)
            for connection in (both.consuming, both.publishing):
                await asyncio.wait_for(connection.connected.wait(), 30)
            await eventually(lambda: _logged(logs, "broker_back", 2))

    told = [(entry["event"], entry["connection"]) for entry in logs]
    assert sorted(told) == [
        ("broker_back", "consume"),
        ("broker_back", "publish"),
        ("broker_lost", "consume"),
        ("broker_lost", "publish"),
    ]


async def _logged(logs: Sequence[Mapping[str, object]], event: str, count: int) -> bool:
    return sum(entry["event"] == event for entry in logs) >= count


_START_AND_WAIT = """
import sys
from gateway.ops.private_broker import PrivateBroker
broker = PrivateBroker()
broker.start()
print(broker.log_file.parent, flush=True)
sys.stdin.read()
"""


def test_a_killed_parent_leaves_no_node_and_no_folder() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _START_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().decode().strip())
        assert _processes_in(folder)

        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        asyncio.run(eventually(lambda: _gone(folder)))

    assert not _processes_in(folder)


async def _gone(folder: Path) -> bool:
    return not await asyncio.to_thread(folder.exists)


def _processes_in(folder: Path) -> list[str]:
    """Process ids whose environment says that they belong to the node in ``folder``."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"HOME={folder}".encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue  # ended meanwhile, or not ours to read
    return found
