"""A transaction is there whole or not at all, and nobody else sees half of it."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import Outgoing
from gateway.errors import GatewayError, InternalFault
from gateway.ports import Journal, JournalEvent
from tests.contract.journals import (
    NOON,
    Store,
    a_delivery,
    a_message,
    an_arrival,
    an_incoming,
    an_outgoing,
)


async def test_error_in_the_block_leaves_nothing(journal: Journal) -> None:
    async def fail() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing())
            await tx.add_delivery(a_delivery(), b"wire")
            await tx.add_arrival(an_arrival(), b"raw")
            await tx.record(JournalEvent(at=NOON, name="accepted", entry_id="out-1"))
            await tx.put(a_message())
            assert await tx.delivery(MessageId("m-1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with journal.transaction() as tx:
        assert await tx.outgoing("out-1") is None
        assert await tx.delivery(MessageId("m-1")) is None
        assert await tx.arrival("arrival-1") is None
    assert await journal.trail("out-1") == []
    assert await journal.claim_outbox(9) == []


async def test_cancellation_in_the_block_leaves_nothing(journal: Journal) -> None:
    reached = asyncio.Event()

    async def work() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing())
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with journal.transaction() as tx:
        assert await tx.outgoing("out-1") is None


@pytest.mark.parametrize("turns", range(0, 12))
async def test_cancellation_at_any_moment_leaves_all_or_nothing(
    journal: Journal, turns: int
) -> None:
    """Also while the commit is under way: then it is waited for."""

    async def work() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing())
            await tx.add_incoming(an_incoming())
            await tx.put(a_message())

    task = asyncio.create_task(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    async with asyncio.timeout(5), journal.transaction() as tx:
        outgoing, incoming = await tx.outgoing("out-1"), await tx.incoming("in-1")
    rows = await journal.claim_outbox(9)
    assert (outgoing is None) == (incoming is None) == (rows == [])


async def test_swallowed_fault_does_not_let_the_rest_be_committed(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_delivery(a_delivery(), b"first")

    async def swallow() -> None:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing())
            with suppress(InternalFault):
                await tx.add_delivery(a_delivery(), b"second")
                await tx.delivery(MessageId("m-1"))

    with pytest.raises(GatewayError):
        await swallow()

    async with journal.transaction() as tx:
        assert await tx.entity(MessageId("m-1")) == b"first"
        assert await tx.outgoing("out-1") is None


async def test_read_compute_save_loses_no_update(store: Store) -> None:
    """Forty increments by two instances at once."""
    journals = [await store.open() for _ in range(2)]
    async with journals[0].transaction() as tx:
        await tx.add_delivery(a_delivery(), b"")

    async def increment(number: int) -> None:
        async with journals[number % 2].transaction() as tx:
            delivery = await tx.delivery(MessageId("m-1"))
            assert delivery is not None
            await asyncio.sleep(0)
            await tx.save_delivery(replace(delivery, attempts=delivery.attempts + 1))

    await asyncio.gather(*map(increment, range(40)))

    async with journals[0].transaction() as tx:
        final = await tx.delivery(MessageId("m-1"))
    assert final is not None
    assert final.attempts == 40


async def test_due_entry_is_taken_up_by_one_instance_only(store: Store) -> None:
    """Each sweep moves the due time in the same transaction."""
    journals = [await store.open() for _ in range(3)]
    async with journals[0].transaction() as tx:
        for number in range(30):
            await tx.add_outgoing(an_outgoing(f"out-{number:02}", due_at=NOON))

    async def sweep(journal: Journal) -> list[str]:
        taken: list[str] = []
        while True:
            async with journal.transaction() as tx:
                due = await tx.outgoing_due(NOON, 4)
                for entry in due:
                    assert isinstance(entry, Outgoing)
                    await tx.save_outgoing(replace(entry, due_at=None))
            taken += [entry.entry_id for entry in due]
            if not due:
                return taken

    taken = [entry for found in await asyncio.gather(*map(sweep, journals)) for entry in found]

    assert sorted(taken) == [f"out-{number:02}" for number in range(30)]


async def test_empty_transaction_is_no_fault(journal: Journal) -> None:
    async with journal.transaction():
        pass
    async with journal.transaction() as tx:
        await tx.record()
        await tx.put()
