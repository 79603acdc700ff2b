"""The journals that every contract test runs against."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import upgrade
from gateway.domain.delivery import Delivery
from gateway.domain.envelope import SignedReference
from gateway.domain.identifiers import ConversationId, HerId, MessageId
from gateway.domain.ledger import Incoming, Outgoing
from gateway.ports import Arrival, ContentKeys, Journal, OutboundMessage, Seen
from tests import builders_delivery
from tests.fakes_journal import FakeJournal, HandClock

KEYS = ContentKeys("2026-03", {"2026-03": bytes(range(32)), "2025-09": bytes(range(32, 64))})
NOON = HandClock().now()
SOON = NOON + timedelta(seconds=1, microseconds=7)


@dataclass(slots=True)
class Store:
    """One database, with as many instances on it as a test wants; all share ``clock``."""

    clock: HandClock
    stack: AsyncExitStack
    url: str | None = None  # None: the fake
    fake: FakeJournal | None = None

    async def open(self, *, daemon: bool = False) -> Journal:
        """One more instance; at most one ``daemon`` on SQLite."""
        if self.fake is not None:
            return self.fake.beside()
        assert self.url is not None
        return await self.stack.enter_async_context(
            open_journal(self.url, keys=KEYS, clock=self.clock, exclusive=daemon)
        )


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the journal's schema and nothing in it."""
    path = tmp_path_factory.mktemp("journal") / "template.db"
    await upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "journal.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def real_url(request: pytest.FixtureRequest) -> str:
    """A database of either kind with the journal's schema."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """As ``real_url``, and None for the fake."""
    if request.param == "fake":
        return None
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def store(store_url: str | None, clock: HandClock) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        fake = FakeJournal(clock) if store_url is None else None
        yield Store(clock, stack, url=store_url, fake=fake)


@pytest.fixture
async def journal(store: Store) -> Journal:
    """The journal of a daemon."""
    return await store.open(daemon=True)


def an_outgoing(entry_id: str = "out-1", **changes: object) -> Outgoing:
    digest = sha256(repr(entry_id).encode()).hexdigest()
    entry = Outgoing(entry_id=entry_id, key=f"910001/{entry_id}", digest=digest, accepted_at=NOON)
    return replace(entry, **changes)  # type: ignore[arg-type]  # a builder


def an_incoming(entry_id: str = "in-1", **changes: object) -> Incoming:
    entry = Incoming(entry_id=entry_id, arrival_id=f"arrival-{entry_id}", arrived_at=NOON)
    return replace(entry, **changes)  # type: ignore[arg-type]  # a builder


def a_seen(message_id: str = "m-1", **changes: object) -> Seen:
    seen = Seen(
        sender_her=HerId("920001"),
        receiver_her=HerId("910001"),
        message_id=MessageId(message_id),
        fingerprint="6" * 64,
        reply_id=MessageId(f"reply-{message_id}"),
        at=NOON,
        arrival_id=f"arrival-{message_id}",
    )
    return replace(seen, **changes)  # type: ignore[arg-type]  # a builder


def a_delivery(message_id: str = "m-1", **changes: object) -> Delivery:
    """With references, as they are kept to be compared with those of an Acknowledgment."""
    usual = {
        "entry_id": "out-1",
        "conversation_id": ConversationId("conversation-1"),
        "references": (
            SignedReference(uri="", digest_method="sha256", digest="AAAA", xml=b"<a>\xc3\xa6</a>"),
            SignedReference(uri="cid:part", digest_method="sha256", digest="BBBB"),
        ),
    }
    return builders_delivery.a_delivery(message_id, **(usual | changes))


def an_arrival(arrival_id: str = "arrival-1", **changes: object) -> Arrival:
    arrival = Arrival(
        arrival_id=arrival_id,
        account="hospital",
        transport_id=f"<{arrival_id}@mail>",
        received_at=NOON,
        bytes=7,
    )
    return replace(arrival, **changes)  # type: ignore[arg-type]  # a builder


def a_message(outbox_id: str = "row-1", body: bytes = b"{}", **changes: object) -> OutboundMessage:
    message = OutboundMessage(
        outbox_id=outbox_id, queue="epj.status", body=body, content_type="application/json"
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # a builder


async def somebody_waits(postgres_url: str) -> bool:
    """Whether a transaction waits for another to end."""
    connection = await asyncpg.connect(postgres_url)
    try:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    finally:
        await connection.close()
