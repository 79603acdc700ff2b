"""A hospital's gateway as an operator sees it: its journal, its queues, the commands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aio_pika.abc import AbstractIncomingMessage
from typer.testing import Result

from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import Connections, open_channel
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.relay import OutboxRelay
from gateway.adapters.rabbitmq.topology import depths
from gateway.office import Office
from gateway.queues import Queue
from gateway.wiring import Processes, wire
from tests.broker_fixture import eventually
from tests.builders_cli import run_cli


class NoTransport:
    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        raise AssertionError("nothing is sent here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A hospital's gateway with its own queues, journal and configuration file."""

    config: Path
    office: Office
    connections: Connections

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[SqlJournal, Processes]]:
        """The journal as the daemon holds it."""
        async with open_journal(
            self.office.settings.journal.url,
            keys=self.office.content_keys,
            clock=SystemClock(),
            exclusive=True,
        ) as journal:
            yield journal, wire(self.office, journal, NoTransport(), clock=SystemClock())

    async def depth(self, queue: Queue) -> int:
        return (await depths(self.connections.consuming, self.office.settings.broker.prefix))[queue]

    async def type(self, *arguments: object) -> Result:
        """A command, typed in another process: its own loop, beside the daemon's."""
        return await asyncio.to_thread(run_cli, *arguments, "--config", self.config)


async def take(hospital: Hospital, queue: Queue) -> AbstractIncomingMessage:
    """The first message of a queue, as soon as there is one."""
    name = queue.under(hospital.office.settings.broker.prefix)
    await eventually(lambda: is_there(hospital, queue))
    async with open_channel(hospital.connections.consuming) as channel:
        message = await (await channel.get_queue(name, ensure=False)).get()
        assert message is not None
        await message.ack()
        return message


async def is_there(hospital: Hospital, queue: Queue) -> bool:
    """Whether anything lies on a queue."""
    return await hospital.depth(queue) > 0


async def relayed(hospital: Hospital, journal: SqlJournal) -> None:
    """Publish what stands in the outbox, rows of commands included."""
    prefix = hospital.office.settings.broker.prefix
    stopping = asyncio.Event()
    async with Publisher(hospital.connections.publishing, prefix) as publisher:
        relay = asyncio.create_task(OutboxRelay(outbox=journal, publisher=publisher).run(stopping))

        async def published() -> bool:
            return (await journal.measures())["outbox"] == 0

        await eventually(published)
        stopping.set()
        await relay
