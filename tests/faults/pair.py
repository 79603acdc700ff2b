"""Two gateways as processes of their own, their EPJs, and the mail between them.

For tests that break things: each part can be stopped, killed and started again
while the others go on. Only the journals and the queues may remember anything.
"""

import asyncio
import json
import os
import shutil
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.connection import make_url
from structlog.testing import capture_logs

from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import (
    LOST,
    open_connections,
    own_cancellation_only,
)
from gateway.adapters.rabbitmq.topology import depths
from gateway.config.load import load_settings
from gateway.domain.addressbook import Entry
from gateway.domain.ledger import Ledger
from gateway.errors import BrokerUnavailable
from gateway.office import Office, open_office
from gateway.ops.demo import letters
from gateway.ops.demo.epj import Epj
from gateway.ops.demo.postoffice import PostOffice
from gateway.ops.demo_config import Pace, Seat, edi_of, write_demo
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.ops.free_ports import NEVER_HANDED_OUT, free_ports
from gateway.ops.gateway_process import GatewayProcess
from gateway.ops.journal import opened_journal
from gateway.queues import Queue
from tests.broker_fixture import eventually

NAMES = (HOSPITAL.name, MUNICIPALITY.name)
OTHER = {HOSPITAL.name: MUNICIPALITY.name, MUNICIPALITY.name: HOSPITAL.name}
EDI = {party.name: edi_of(party) for party in (HOSPITAL, MUNICIPALITY)}
PACE = Pace(resend=6.0, max_resends=100, lifetime=900.0, retry=0.3, answer=600.0, sweep=0.5)
AWAY = (*LOST, aio_pika.exceptions.AMQPError, BrokerUnavailable)


@dataclass(slots=True, kw_only=True)
class Witness(Epj):
    """An EPJ that also remembers by which CloudEvents ids it was told what."""

    told: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def is_cut_off(self) -> bool:
        """Whether connection or channel are gone."""
        return self.connection.is_closed or self._channel is None or self._channel.is_closed

    async def _watch(self, message: AbstractIncomingMessage) -> None:
        event = json.loads(message.body)
        name = str(event["type"]).removeprefix("no.dialoggateway.message.").removesuffix(".v1")
        self.told[str(event["subject"]), name].add(str(event["id"]))
        await Epj._watch(self, message)


@dataclass(slots=True, kw_only=True)
class Pair:
    """The running scene. ``sent`` holds the MsgIds handed over by each side's EPJ."""

    directory: Path
    broker_url: str
    prefix: str
    seats: dict[str, Seat]
    post_office: PostOffice
    post_office_port: int
    offices: dict[str, Office]
    gateways: dict[str, GatewayProcess]
    epjs: dict[str, Witness]
    sent: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in NAMES})
    _numbers: Callable[[], str] = field(default=letters.synthetic_numbers().__next__)

    @property
    def mails(self) -> Path:
        """Folder with every mail that the post office carried."""
        return self.directory / "mails"

    def config(self, name: str) -> Path:
        return self.directory / f"{name}.toml"

    def queues_of(self, name: str) -> str:
        """The prefix of one side's queues."""
        return f"{self.prefix}{name}."

    def services(self, name: str) -> list[Entry]:
        """The services of one side that messages may go to."""
        return [
            entry
            for entry in self.offices[name].book.entries
            if entry.own and entry.service is not None and entry.service.type.is_receiver
        ]

    def a_request(self, name: str, *, to: Entry | None = None) -> tuple[str, bytes]:
        """MsgId and document of a new question from one side to the other."""
        serial = len(self.sent[name])
        ours, theirs = self.services(name), self.services(OTHER[name])
        request = letters.request(
            ours[serial % len(ours)],
            to or theirs[serial % len(theirs)],
            msg_id=str(uuid.uuid4()),
            at=datetime.now(UTC).replace(microsecond=0),
            number=self._numbers(),
            serial=serial,
        )
        return request.msg_id, letters.written(request)

    async def send(self, name: str, count: int = 1) -> list[str]:
        """Let one side's EPJ hand over new questions; returns when the broker has them all."""
        made = [self.a_request(name) for _ in range(count)]
        self.sent[name] += [msg_id for msg_id, _ in made]
        await asyncio.gather(*(self.hand_over(name, document) for _, document in made))
        return [msg_id for msg_id, _ in made]

    async def hand_over(self, name: str, document: bytes) -> None:
        """What a careful EPJ does: the same again until the broker has confirmed it."""
        while True:
            with suppress(*AWAY), own_cancellation_only():
                async with asyncio.timeout(10):
                    await self.epjs[name].send(document)
                    return
            await asyncio.sleep(0.1)

    def unconfirmed(self) -> list[str]:
        """MsgIds that no EPJ has been told to be confirmed."""
        return [
            msg_id
            for name in NAMES
            for msg_id in self.sent[name]
            if "confirmed" not in self.epjs[name].events.get(msg_id, ())
        ]

    def journal(self, name: str) -> AbstractAsyncContextManager[SqlJournal]:
        """One side's journal, read beside a gateway that runs or does not."""
        return opened_journal(self.offices[name])

    async def ledger(self, name: str) -> Ledger:
        """One side's ledger."""
        async with self.journal(name) as journal:
            return await journal.ledger()

    async def depths(self, name: str) -> dict[str, int]:
        """Messages ready in each of one side's queues."""
        async with open_connections(self.broker_url, name="test depths") as connections:
            return await depths(connections.consuming, self.queues_of(name))

    async def come_to_rest(self, *, seconds: float) -> None:
        """Wait until every message is confirmed and neither side has anything under way.

        Raises:
            TimeoutError: that did not happen in time.
        """

        async def all_confirmed() -> bool:
            return not self.unconfirmed()

        async def nothing_under_way() -> bool:
            return all([await self._is_idle(name) for name in NAMES])

        await eventually(all_confirmed, seconds=seconds)
        await eventually(nothing_under_way, seconds=seconds)

    async def _is_idle(self, name: str) -> bool:
        async with self.journal(name) as journal:
            ledger, measures = await journal.ledger(), await journal.measures()
        depths = await self.depths(name)
        # A task of a person's lies there until that person has done it.
        notices = depths.pop(Queue.DEAD_LETTERS)
        return (
            ledger.outgoing.in_flight == ledger.incoming.in_flight == 0
            and measures["outbox"] == 0
            and notices == measures["dead_letters"]
            and not any(depths.values())
        )

    async def what_is_missing(self) -> str:
        """The state of both sides, for the text of a failure."""
        lines = [f"{len(self.unconfirmed())} unconfirmed: {self.unconfirmed()[:5]}"]
        for name in NAMES:
            lines.append(f"{name}: running {self.gateways[name].is_running}")
            async with self.journal(name) as journal:
                lines.append(f"  ledger {(await journal.ledger()).as_json()}")
                lines.append(f"  measures {dict(await journal.measures())}")
                lines.append(f"  dead letters {list(await journal.dead_letters())[:3]}")
                for entry, delivery in await journal.unconfirmed(limit=3):
                    lines.append(f"  in flight {entry.entry_id}: {delivery}")
                    lines += [f"    {event}" for event in await journal.trail(entry.entry_id)]
            lines.append(f"  queues {await self.depths(name)}")
            tail = self.gateways[name].log_since().decode(errors="replace").splitlines()[-20:]
            lines += [f"  | {line}" for line in tail]
        return "\n".join(lines)


@asynccontextmanager
async def running_pair(
    directory: Path,
    keys: Path,
    broker_url: str,
    *,
    pace: Pace = PACE,
    attachments: dict[str, tuple[str, str]] | None = None,
    databases: Mapping[str, str] | None = None,
    smtp_port: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Pair]:
    """Both gateways, run until the block ends; everything in ``directory``.

    Args:
        directory: for configurations, journals, logs and kept mails.
        keys: a folder with the demonstration's keys, to be copied.
        broker_url: queues get a prefix of their own and are deleted in the end.
        databases: each side's PostgreSQL URL; SQLite when None.
        smtp_port: where both give their mail; the post office when None.
        settings: overrides such as ``GATEWAY__RUNTIME__GRACE_SECONDS`` for both.

    Raises:
        AssertionError: the block waited in vain (TimeoutError); the text says how things stand.
    """
    shutil.copytree(keys, directory, dirs_exist_ok=True)
    post_office_port, *free = quiet_ports(5)
    seats = {
        name: Seat(
            listener_port=free.pop(), smtp_port=smtp_port or post_office_port, http_port=free.pop()
        )
        for name in NAMES
    }
    write_demo(directory, seats=seats, pace=pace, broker_url=broker_url, attachments=attachments)
    for name, url in (databases or {}).items():
        _use_database(directory, name, url)
    (directory / "mails").mkdir()
    prefix = f"t-{uuid.uuid4().hex[:8]}."
    pair = Pair(
        directory=directory,
        broker_url=broker_url,
        prefix=prefix,
        seats=seats,
        post_office=PostOffice(kept=directory / "mails"),
        post_office_port=post_office_port,
        offices={n: open_office(load_settings(directory / f"{n}.toml", {})) for n in NAMES},
        gateways={
            name: GatewayProcess(
                config=directory / f"{name}.toml",
                log_file=directory / f"{name}.log",
                settings={"GATEWAY__BROKER__PREFIX": f"{prefix}{name}.", **(settings or {})},
            )
            for name in NAMES
        },
        epjs={},
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(capture_logs())  # the post office complains of every kill
        stack.push_async_callback(_delete_queues, pair)
        await pair.post_office.start(post_office_port)
        stack.push_async_callback(pair.post_office.stop)
        for name in NAMES:
            pair.post_office.serve(EDI[name], seats[name].listener_port)
            stack.push_async_callback(pair.gateways[name].kill)
        await asyncio.gather(*(pair.gateways[name].start() for name in NAMES))
        for name in NAMES:
            await stack.enter_async_context(_attended(pair, name))
        try:
            yield pair
        except TimeoutError as error:
            raise AssertionError(await pair.what_is_missing()) from error


@asynccontextmanager
async def _attended(pair: Pair, name: str) -> AsyncIterator[None]:
    """One side's EPJ, which connects again whenever its connection is gone."""
    epj = Witness(
        connection=await aio_pika.connect(pair.broker_url),
        prefix=pair.queues_of(name),
        answers=False,
    )
    await epj.start()
    pair.epjs[name] = epj

    async def attend() -> None:
        while True:
            await asyncio.sleep(0.1)
            if not epj.is_cut_off:
                continue
            with suppress(*AWAY), own_cancellation_only():
                async with asyncio.timeout(15):
                    await epj.connection.close()
                    epj.connection = await _connect(pair.broker_url)
                    await epj.start()

    attending = asyncio.create_task(attend())
    try:
        yield
    finally:
        attending.cancel()
        with suppress(asyncio.CancelledError):
            await attending
        await epj.stop()
        with suppress(*AWAY):
            await epj.connection.close()


async def _connect(url: str) -> aio_pika.Connection:
    # Not ``aio_pika.connect``: what that could not connect is left for nobody to close.
    connection = aio_pika.Connection(make_url(url))
    try:
        await connection.connect()
    except BaseException:
        await connection.close()
        raise
    return connection


async def _delete_queues(pair: Pair) -> None:
    with suppress(*AWAY):  # a test's own node may be gone already
        async with await aio_pika.connect(pair.broker_url) as connection:
            channel = await connection.channel()
            for name in NAMES:
                for queue in Queue:
                    await channel.queue_delete(queue.under(pair.queues_of(name)))


def _use_database(directory: Path, name: str, url: str) -> None:
    (directory / f"{name}.database").write_text(url, encoding="utf-8")
    (directory / f"{name}.database").chmod(0o600)
    config = directory / f"{name}.toml"
    sqlite, database = f'path = "{name}.sqlite"', f'url_file = "{name}.database"'
    config.write_text(config.read_text(encoding="utf-8").replace(sqlite, database))


def quiet_ports(count: int) -> list[int]:
    """Free ports that stay free while nobody listens: clients are never given one of these.

    Each worker of a test run has a range of its own, so that no other takes one meanwhile.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    width = len(NEVER_HANDED_OUT) // workers
    lowest = NEVER_HANDED_OUT.start + worker * width
    return free_ports(count, among=range(lowest, lowest + width))


@pytest.fixture(scope="session")
def demo_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's keys, made once a session."""
    folder = tmp_path_factory.mktemp("keys")
    write_demo(folder)
    for config in folder.glob("*.toml"):
        config.unlink()
    return folder
