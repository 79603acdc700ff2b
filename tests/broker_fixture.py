"""The broker of the tests: one private node a session, shared by the workers of pytest-xdist.

A missing broker is an error and never a skip: a green run without a broker
would claim what nobody has looked at.
"""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest

from gateway.adapters.rabbitmq.connection import Connections, open_connections
from gateway.errors import GatewayError
from gateway.ops.broker import Broker, find_or_start_broker
from gateway.ops.private_broker import PrivateBroker
from gateway.ports import OutboundMessage
from gateway.queues import Queue


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """AMQP address of a running broker; every xdist worker gets a virtual host of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    with ExitStack() as stack:
        if worker is None:
            yield stack.enter_context(find_or_start_broker(for_tests=True)).url
        else:
            shared = tmp_path_factory.getbasetemp().parent
            yield stack.enter_context(_shared_broker(shared, f"test-{worker}"))


@pytest.fixture
async def prefix(broker_url: str) -> AsyncIterator[str]:
    """A queue prefix for one test; its queues are deleted afterwards."""
    own = f"t-{uuid4().hex[:8]}."
    yield own
    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        for queue in Queue:
            await channel.queue_delete(queue.under(own))


@pytest.fixture
async def connections(broker_url: str) -> AsyncIterator[Connections]:
    """Both connections of one test, quick to come back."""
    async with open_connections(broker_url, name="test", reconnect_seconds=0.1) as both:
        yield both


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60.0) -> None:
    """Wait until the broker's state is as claimed; it tells nobody when that happens.

    The time allowed is for a machine with much else to do: a test that passes takes what it needs.

    Raises:
        TimeoutError: it never was.
    """
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # no event comes from the broker
            await asyncio.sleep(0.02)


@contextmanager
def private_node() -> Iterator[PrivateBroker]:
    """A node that the test alone uses, and may kill."""
    with PrivateBroker() as node:
        yield node


@contextmanager
def _shared_broker(folder: Path, vhost: str) -> Iterator[str]:
    """The node that the first worker started; it ends when the last worker is done with it.

    Users hold a shared lock on one file, which the kernel takes back even from
    a worker that crashed; the starter ends the node when it gets the lock alone.
    """
    state, mutex, users = (folder / f"broker.{end}" for end in ("json", "mutex", "users"))
    with ExitStack() as stack:
        mine: Broker | None = None
        using = stack.enter_context(users.open("w"))
        with _locked(mutex):
            if not state.exists():
                mine = stack.enter_context(find_or_start_broker(for_tests=True))
                state.write_text(json.dumps(_make_vhosts(mine)))
            known = json.loads(state.read_text())
            url = known["vhosts"].get(vhost, known["url"])
            fcntl.flock(using, fcntl.LOCK_SH)
        try:
            yield url
        finally:
            fcntl.flock(using, fcntl.LOCK_UN)
            if mine is not None:
                _wait_for_the_others(state, mutex, users)


def _make_vhosts(broker: Broker) -> dict[str, object]:
    """One virtual host a worker where the node is ours; elsewhere prefixes must do."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    names = [f"test-gw{number}" for number in range(count)] if broker.private else []
    node = broker.private
    vhosts = {name: node.fresh_vhost(name) for name in names} if node is not None else {}
    return {"url": broker.url, "vhosts": vhosts}


def _wait_for_the_others(state: Path, mutex: Path, users: Path) -> None:
    while True:
        with _locked(mutex), users.open("w") as alone:
            try:
                fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                state.unlink()  # who comes now starts a node of its own
                return
        time.sleep(0.1)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def outbound(
    outbox_id: str,
    *,
    queue: str = Queue.EPJ_STATUS,
    body: bytes = b"{}",
    message_id: str | None = None,
) -> OutboundMessage:
    """One row of an outbox; its AMQP message_id is the outbox id unless told otherwise."""
    return OutboundMessage(
        outbox_id=outbox_id,
        queue=queue,
        body=body,
        content_type="application/json",
        message_id=message_id or outbox_id,
    )


class FakeOutbox:
    """An outbox in memory. A row is there until ``outbox_published`` names it."""

    def __init__(self, rows: Iterable[OutboundMessage] = ()) -> None:
        self.rows = {row.outbox_id: row for row in rows}
        self.claimed: set[str] = set()
        self.empty = asyncio.Event()
        self.released = asyncio.Event()
        self.claim_faults: list[GatewayError] = []
        self.delete_faults: list[GatewayError] = []
        self._waiting = asyncio.Event()

    def put(self, row: OutboundMessage, *, wake: bool = True) -> None:
        self.rows[row.outbox_id] = row
        if wake:
            self._waiting.set()

    @property
    def outbox_waiting(self) -> asyncio.Event:
        return self._waiting

    async def claim_outbox(self, limit: int) -> Sequence[OutboundMessage]:
        self._waiting.clear()
        if self.claim_faults:
            raise self.claim_faults.pop()
        free = [row for row in self.rows.values() if row.outbox_id not in self.claimed][:limit]
        self.claimed |= {row.outbox_id for row in free}
        return free

    async def outbox_published(self, ids: Collection[str]) -> None:
        if self.delete_faults:
            raise self.delete_faults.pop()
        for outbox_id in ids:
            del self.rows[outbox_id]
        self.claimed -= set(ids)
        if not self.rows:
            self.empty.set()

    async def outbox_released(self, messages: Collection[OutboundMessage]) -> None:
        self.claimed -= {message.outbox_id for message in messages}
        self.released.set()
