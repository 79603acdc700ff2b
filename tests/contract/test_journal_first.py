"""Of several that come at once one is the first, on every journal."""

import asyncio

import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.domain.identifiers import HerId, MessageId, MsgId
from gateway.domain.ledger import Incoming
from gateway.ports import Journal
from tests.broker_fixture import eventually
from tests.contract.journals import (
    KEYS,
    NOON,
    Store,
    a_seen,
    an_arrival,
    an_outgoing,
    somebody_waits,
)
from tests.fakes_journal import HandClock


async def test_taken_key_refuses_the_second_entry_and_keeps_the_first(journal: Journal) -> None:
    async with journal.transaction() as tx:
        assert await tx.add_outgoing(an_outgoing("out-1", key="k"))
        assert not await tx.add_outgoing(an_outgoing("out-2", key="k"))
        assert not await tx.add_outgoing(an_outgoing("out-2", digest=an_outgoing("out-1").digest))
        assert await tx.add_arrival(an_arrival("a-1", transport_id="7"), b"first")
        assert not await tx.add_arrival(an_arrival("a-2", transport_id="7"), b"second")
        assert await tx.add_arrival(an_arrival("a-3", transport_id="7", account="other"), b"")
        assert await tx.add_seen(a_seen())
        assert not await tx.add_seen(a_seen(fingerprint="0"))
        assert await tx.add_seen(a_seen(sender_her=HerId("920002")))
    async with journal.transaction() as tx:
        assert await tx.outgoing("out-2") is None
        assert await tx.arrival("a-2") is None
        assert await tx.raw("a-1") == b"first"
        assert await tx.seen(HerId("920001"), HerId("910001"), MessageId("m-1")) == a_seen()


async def test_the_same_bytes_at_once_are_one_entry_whatever_their_key(store: Store) -> None:
    journals = [await store.open() for _ in range(2)]

    async def take_over(number: int) -> bool:
        entry = an_outgoing(f"out-{number}", digest="7" * 64)
        async with journals[number % 2].transaction() as tx:
            return await tx.add_outgoing(entry)

    assert sum(await asyncio.gather(*(take_over(number) for number in range(16)))) == 1


async def test_of_64_copies_at_once_exactly_one_is_new(store: Store) -> None:
    """F5: a duplicate is told by a unique key, not by looking first."""
    journals = [await store.open() for _ in range(2)]

    async def arrive(number: int) -> tuple[bool, str]:
        async with journals[number % 2].transaction() as tx:
            new = await tx.add_seen(a_seen(reply_id=MessageId(f"reply-{number}")))
            first = await tx.seen(HerId("920001"), HerId("910001"), MessageId("m-1"))
            assert first is not None
            return new, first.reply_id

    outcomes = await asyncio.gather(*(arrive(number) for number in range(64)))

    assert sum(new for new, _ in outcomes) == 1
    assert len({reply for _, reply in outcomes}) == 1, "every copy gets the first answer"


@pytest.mark.postgres
async def test_who_holds_a_name_goes_first(postgres_url: str) -> None:
    """Two instances that look for a document and then add it do so one after the other."""
    clock, looked, go_on = HandClock(), asyncio.Event(), asyncio.Event()

    async def look_and_add(journal: Journal, name: str) -> int:
        async with journal.transaction() as tx:
            await tx.hold("incoming/920001/msg-1")
            before = len(await tx.incoming_by_msg_id(MsgId("msg-1")))
            looked.set()
            await go_on.wait()
            entry = Incoming(entry_id=name, arrival_id=name, arrived_at=NOON, msg_id=MsgId("msg-1"))
            await tx.add_incoming(entry)
        return before

    async with (
        open_journal(postgres_url, keys=KEYS, clock=clock, exclusive=False) as one,
        open_journal(postgres_url, keys=KEYS, clock=clock, exclusive=False) as other,
    ):
        first = asyncio.create_task(look_and_add(one, "in-1"))
        await looked.wait()
        second = asyncio.create_task(look_and_add(other, "in-2"))
        await eventually(lambda: somebody_waits(postgres_url))
        go_on.set()

        assert (await first, await second) == (0, 1)
