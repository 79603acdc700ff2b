"""Publishing on a real broker: confirmed means on a queue, everything else is told."""

from dataclasses import replace

import aio_pika
import pytest
from structlog.testing import capture_logs

from gateway.adapters.rabbitmq.connection import Connections, open_channel
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.topology import declare, depths
from gateway.errors import BrokerUnavailable, TopologyMismatch
from gateway.ports import OutboundMessage
from gateway.queues import Queue
from tests.broker_fixture import outbound

pytestmark = pytest.mark.broker


async def _get(connections: Connections, name: str) -> aio_pika.abc.AbstractIncomingMessage:
    async with open_channel(connections.consuming) as channel:
        queue = await channel.get_queue(name, ensure=False)
        message = await queue.get(no_ack=True)
        return message


async def test_everything_of_a_message_arrives(connections: Connections, prefix: str) -> None:
    await declare(connections.publishing, prefix)
    message = OutboundMessage(
        outbox_id="o-1",
        queue=Queue.EPJ_INCOMING,
        body=b"<MsgHead/>",
        content_type="application/xml",
        message_id="m-1",
        correlation_id="c-1",
        type="DIALOG_FORESPORSEL",
        headers={"x-urgent": True, "x-sender-her": "910001", "x-removed-attachments": 2},
    )

    async with Publisher(connections.publishing, prefix) as publisher:
        await publisher.publish(message)
    got = await _get(connections, Queue.EPJ_INCOMING.under(prefix))

    assert (got.body, got.content_type, got.type) == (
        b"<MsgHead/>",
        "application/xml",
        "DIALOG_FORESPORSEL",
    )
    assert (got.message_id, got.correlation_id) == ("m-1", "c-1")
    ours = {name: value for name, value in got.headers.items() if name != "x-delivery-count"}
    assert ours == {"x-urgent": True, "x-sender-her": "910001", "x-removed-attachments": 2}
    assert got.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def test_a_message_that_no_queue_takes_is_not_confirmed(
    connections: Connections, prefix: str
) -> None:
    async with Publisher(connections.publishing, prefix) as publisher:
        with pytest.raises(TopologyMismatch) as refused:
            await publisher.publish(outbound("o-1", body=b"SECRET"))

    assert refused.value.where == Queue.EPJ_STATUS.under(prefix)
    assert "SECRET" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_only_what_a_queue_took_counts_as_confirmed(
    connections: Connections, prefix: str
) -> None:
    await declare(connections.publishing, prefix)
    messages = [
        outbound("o-1"),
        outbound("o-2", queue="no.such.queue"),
        *(outbound(f"o-{number}") for number in range(3, 40)),
    ]

    async with Publisher(connections.publishing, prefix) as publisher:
        confirmed = await publisher.publish_many(messages)

    assert confirmed == {m.outbox_id for m in messages} - {"o-2"}
    assert (await depths(connections.consuming, prefix))[Queue.EPJ_STATUS] == 38


async def test_one_message_id_to_two_queues_does_not_hide_the_one_that_was_lost(
    connections: Connections, prefix: str
) -> None:
    """The client matches returned messages by message_id; two in flight would be mixed up."""
    await declare(connections.publishing, prefix)
    messages = [
        outbound("lost", queue="no.such.queue", message_id="same"),
        outbound("kept", message_id="same"),
    ]

    async with Publisher(connections.publishing, prefix) as publisher:
        confirmed = await publisher.publish_many(messages)

    assert confirmed == {"kept"}


async def test_a_full_queue_refuses_and_the_message_may_come_later(
    connections: Connections, prefix: str
) -> None:
    name = Queue.EPJ_STATUS.under(prefix)
    async with open_channel(connections.consuming) as channel:
        await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-overflow": "reject-publish",
                "x-max-length": 1,
            },
        )

    async with Publisher(connections.publishing, prefix) as publisher:
        for number in range(10):  # x-max-length is a soft limit
            await publisher.publish_many([outbound(f"o-{number}")])
        with pytest.raises(BrokerUnavailable):
            await publisher.publish(outbound("one too many"))


async def test_a_message_of_40_megabytes_goes_through(
    connections: Connections, prefix: str
) -> None:
    await declare(connections.publishing, prefix)
    body = bytes(40_000_000)

    async with Publisher(connections.publishing, prefix) as publisher:
        await publisher.publish(outbound("o-1", body=body))
    got = await _get(connections, Queue.EPJ_STATUS.under(prefix))

    assert got.body == body


async def test_a_message_above_the_brokers_limit_is_refused_and_the_others_go_out(
    connections: Connections, prefix: str
) -> None:
    await declare(connections.publishing, prefix)
    over = bytes(135_000_000)  # the private node takes 128 MiB
    messages = [outbound("o-1"), outbound("big", body=over), outbound("o-2")]

    async with Publisher(connections.publishing, prefix) as publisher:
        with pytest.raises(TopologyMismatch, match="raise max_message_size"):
            await publisher.publish(messages[1])
        confirmed = await publisher.publish_many(messages)

    assert confirmed == {"o-1", "o-2"}


async def test_what_the_client_cannot_write_keeps_no_other_back(
    connections: Connections, prefix: str
) -> None:
    await declare(connections.consuming, prefix)
    odd = replace(outbound("odd"), correlation_id="x" * 256)
    good = outbound("good")

    async with Publisher(connections.publishing, prefix) as publisher:
        with capture_logs() as logs:
            assert await publisher.publish_many([odd, good]) == {"good"}

    assert {"publish_crashed", "publish_failed"} <= {line["event"] for line in logs}
