"""What other clients write into the properties of a message costs nobody but that message."""

import asyncio
from collections.abc import Callable

import aio_pika
import pamqp.encode
import pytest

from gateway.adapters.rabbitmq.connection import Connections
from gateway.adapters.rabbitmq.consumer import consume
from gateway.adapters.rabbitmq.parked import parked_messages
from gateway.adapters.rabbitmq.topology import declare
from gateway.ports import QueueMessage
from gateway.queues import Queue

pytestmark = pytest.mark.broker

MICROSECONDS = 1_790_000_000_000_000


def latin_1(text: str) -> bytes:
    octets = text.encode("latin-1")
    return bytes([len(octets)]) + octets


@pytest.mark.parametrize(
    ("kind", "write", "message"),
    [
        pytest.param(
            "timestamp",
            lambda _: MICROSECONDS.to_bytes(8, "big"),
            aio_pika.Message(b"odd", message_id="odd", timestamp=1),
            id="timestamp in microseconds",
        ),
        pytest.param(
            "shortstr", latin_1, aio_pika.Message(b"odd", message_id="b\u00e5t"), id="Latin-1"
        ),
        pytest.param(
            "table",
            lambda _: b"\0\0\0\x08\x01\xe5S\0\0\0\x01x",
            aio_pika.Message(b"odd", message_id="odd", headers={"a": 1}),
            id="header whose name is Latin-1",
        ),
    ],
)
async def test_an_odd_property_ends_no_connection(
    broker_url: str,
    connections: Connections,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    write: Callable[[str], bytes],
    message: aio_pika.Message,
) -> None:
    await declare(connections.consuming, prefix)
    queue = Queue.EPJ_OUTGOING.under(prefix)
    async with await aio_pika.connect(broker_url) as connection:
        exchange = (await connection.channel()).default_exchange
        with monkeypatch.context() as patch:
            patch.setitem(pamqp.encode.METHODS, kind, write)
            await exchange.publish(message, queue)
        await exchange.publish(aio_pika.Message(b"good", message_id="good"), queue)
    handled: list[bytes] = []
    both, stopping = asyncio.Event(), asyncio.Event()

    async def handle(given: QueueMessage) -> None:
        handled.append(given.body)
        if len(handled) == 2:
            both.set()

    consuming = asyncio.create_task(
        consume(connections.consuming, queue, handle, stopping=stopping)
    )
    await asyncio.wait_for(both.wait(), 30)
    stopping.set()
    await consuming

    assert sorted(handled) == [b"good", b"odd"]
    assert await parked_messages(connections.consuming, prefix) == ()
