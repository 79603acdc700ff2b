"""The queues on a real broker: declared as agreed, and differences explained."""

import asyncio

import pytest
from aio_pika.abc import AbstractRobustConnection

from gateway.adapters.rabbitmq.connection import Connections, open_channel, open_connections
from gateway.adapters.rabbitmq.topology import _major_version, arguments, declare, depths, inspect
from gateway.errors import BrokerUnavailable, TopologyMismatch
from gateway.queues import Queue
from tests.broker_fixture import eventually

pytestmark = pytest.mark.broker


async def _declare_by_hand(
    connection: AbstractRobustConnection, name: str, arguments: dict[str, str | int]
) -> None:
    async with open_channel(connection) as channel:
        await channel.declare_queue(name, durable=True, arguments=dict(arguments))


async def test_declaring_twice_changes_nothing(connections: Connections, prefix: str) -> None:
    await declare(connections.consuming, prefix)
    await declare(connections.consuming, prefix)

    assert await depths(connections.consuming, prefix) == {queue.value: 0 for queue in Queue}


def test_only_the_last_stops_have_no_limit_and_no_dead_letter_target() -> None:
    bare = {queue for queue in Queue if arguments(queue, "p.") == {"x-queue-type": "quorum"}}

    assert bare == {Queue.PARKED, Queue.DEAD_LETTERS}
    assert arguments(Queue.EPJ_STATUS, "p.")["x-dead-letter-routing-key"] == "p.parked"


def test_rabbitmq_4_is_told_to_set_no_limit_of_its_own() -> None:
    for queue in (Queue.PARKED, Queue.DEAD_LETTERS):
        assert arguments(queue, "p.", broker_major=4)["x-delivery-limit"] == -1


async def test_the_brokers_version_is_known(connections: Connections) -> None:
    assert _major_version(connections.consuming) >= 3
    transport = connections.consuming.transport
    assert transport is not None
    version = transport.connection.server_properties["version"]
    assert str(version).strip("b'").startswith(f"{_major_version(connections.consuming)}.")


async def test_missing_queues_are_reported_and_not_made(
    connections: Connections, prefix: str
) -> None:
    report = await inspect(connections.consuming, prefix)

    assert report.missing == tuple(queue.under(prefix) for queue in Queue)
    assert report.faults == ()
    assert await depths(connections.consuming, prefix) == {}


async def test_a_sound_topology_is_reported_so(connections: Connections, prefix: str) -> None:
    await declare(connections.consuming, prefix)

    report = await inspect(connections.consuming, prefix)

    assert (report.missing, report.faults) == ((), ())


@pytest.mark.parametrize(
    ("queue", "theirs", "difference"),
    [
        pytest.param(
            Queue.EPJ_INCOMING,
            {**arguments(Queue.EPJ_INCOMING, "{prefix}"), "x-delivery-limit": 5},
            "x-delivery-limit is 5 on the broker, the gateway needs 20",
            id="other limit",
        ),
        pytest.param(
            Queue.TRANSPORT_SEND,
            {"x-queue-type": "quorum"},
            "x-dead-letter-exchange is none on the broker, the gateway needs ''",
            id="no dead-letter target",
        ),
        pytest.param(
            Queue.DEAD_LETTERS,
            {"x-queue-type": "classic"},
            "x-queue-type is classic on the broker, the gateway needs quorum",
            id="classic queue",
        ),
        pytest.param(
            Queue.PARKED,
            {"x-queue-type": "quorum", "x-delivery-limit": 20},
            "x-delivery-limit is 20 on the broker, the gateway needs none",
            id="a limit where none may be",
        ),
    ],
)
async def test_a_refusal_names_the_queue_and_the_difference(
    connections: Connections,
    prefix: str,
    queue: Queue,
    theirs: dict[str, str | int],
    difference: str,
) -> None:
    filled = {
        name: value.replace("{prefix}", prefix) if isinstance(value, str) else value
        for name, value in theirs.items()
    }
    await _declare_by_hand(connections.consuming, queue.under(prefix), filled)

    with pytest.raises(TopologyMismatch) as refused:
        await declare(connections.consuming, prefix)
    report = await inspect(connections.consuming, prefix)

    assert refused.value.detail == f"{queue.under(prefix)}: {difference}"
    assert report.faults == refused.value.faults


async def test_all_differences_are_told_at_once(connections: Connections, prefix: str) -> None:
    for queue in (Queue.EPJ_STATUS, Queue.TRANSPORT_SEND):
        theirs: dict[str, str | int] = {**arguments(queue, prefix), "x-delivery-limit": 3}
        await _declare_by_hand(connections.consuming, queue.under(prefix), theirs)

    with pytest.raises(TopologyMismatch) as refused:
        await declare(connections.consuming, prefix)

    assert {fault.where for fault in refused.value.faults} == {
        Queue.EPJ_STATUS.under(prefix),
        Queue.TRANSPORT_SEND.under(prefix),
    }


async def test_no_broker_is_told_without_the_password() -> None:
    with pytest.raises(BrokerUnavailable) as away:
        async with open_connections("amqp://user:secret@127.0.0.1:9/", connect_seconds=2):
            pass

    assert "secret" not in str(away.value)


async def test_a_port_that_never_answers_is_given_up_and_left_alone() -> None:
    """And nothing goes on trying in the background."""
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    before = asyncio.all_tasks()

    with pytest.raises(BrokerUnavailable, match="TimeoutError"):
        async with open_connections(f"amqp://127.0.0.1:{port}/", connect_seconds=0.2):
            pass

    for writer in accepted:
        writer.close()
    server.close()
    await eventually(lambda: _none_but(before))


async def _none_but(tasks: set[asyncio.Task[object]]) -> bool:
    return asyncio.all_tasks() <= tasks
