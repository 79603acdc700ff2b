"""The outbox hands out what was committed: at least once, oldest first, to one at a time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.adapters.journal.engine import open_journal
from gateway.adapters.tracing import handling_span
from gateway.ports import ContentKeys, Journal, OutboundMessage
from gateway.queues import Queue
from tests.contract.journals import KEYS, Store, a_message
from tests.fakes_journal import HandClock


async def put(journal: Journal, *ids: str) -> list[OutboundMessage]:
    messages = [a_message(outbox_id, outbox_id.encode()) for outbox_id in ids]
    async with journal.transaction() as tx:
        await tx.put(*messages)
    return messages


async def test_committed_row_is_handed_out_whole_and_only_once(journal: Journal) -> None:
    message = a_message(
        body="{'æ': 1}".encode(),
        message_id="amqp-1",
        correlation_id="conversation-1",
        type="no.dialoggateway.message.accepted.v1",
        headers={"x-urgent": True, "x-removed-attachments": 2, "x-sender-her": "910001"},
    )
    async with journal.transaction() as tx:
        await tx.put(message)
    assert journal.outbox_waiting.is_set()

    assert await journal.claim_outbox(10) == [message]
    assert await journal.claim_outbox(10) == []
    assert not journal.outbox_waiting.is_set()


async def test_row_that_another_instance_wrote_is_handed_out_whole(store: Store) -> None:
    """It comes from the table, and not from the memory of its writer."""
    message = a_message(
        message_id="amqp-1",
        correlation_id="conversation-1",
        type="no.dialoggateway.message.accepted.v1",
        headers={"x-urgent": True},
    )
    async with (await store.open()).transaction() as tx:
        await tx.put(message)

    assert await (await store.open()).claim_outbox(10) == [message]


async def test_row_carries_the_trace_it_was_written_under(real_url: str) -> None:
    """The relay publishes it later, and under none."""
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    async with open_journal(real_url, keys=KEYS, clock=HandClock(), exclusive=False) as journal:
        with handling_span("epj.outgoing", {"traceparent": parent}):
            async with journal.transaction() as tx:
                await tx.put(a_message(headers={"x-urgent": True}))

        [row] = await journal.claim_outbox(1)
    assert row.headers == {"x-urgent": True, "traceparent": parent}


async def test_rolled_back_row_is_never_handed_out(journal: Journal) -> None:
    async def fail() -> None:
        async with journal.transaction() as tx:
            await tx.put(a_message())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not journal.outbox_waiting.is_set()
    assert await journal.claim_outbox(10) == []


async def test_rows_come_oldest_first_and_the_limit_holds(journal: Journal) -> None:
    first = await put(journal, "c", "a")
    second = await put(journal, "b")

    assert await journal.claim_outbox(1) == first[:1]
    assert journal.outbox_waiting.is_set(), "there are more"
    assert await journal.claim_outbox(10) == [first[1], *second]


async def test_published_row_is_gone_for_every_instance(store: Store, clock: HandClock) -> None:
    journal = await store.open(daemon=True)
    await put(journal, "a", "b")
    await journal.claim_outbox(10)
    await journal.outbox_published(["a"])
    clock.move(hours=1)

    assert [m.outbox_id for m in await (await store.open()).claim_outbox(10)] == ["b"]


async def test_released_row_is_handed_out_again_at_once(journal: Journal) -> None:
    messages = await put(journal, "a", "b")
    await journal.claim_outbox(10)
    await journal.outbox_released(messages[1:])
    assert journal.outbox_waiting.is_set()

    assert await journal.claim_outbox(10) == messages[1:]


async def test_row_of_a_killed_instance_falls_back_when_its_claim_ends(
    store: Store, clock: HandClock
) -> None:
    """F14: nothing stays with the name of a dead node."""
    dead, alive = await store.open(daemon=True), await store.open()
    messages = await put(dead, "a", "b")
    await dead.claim_outbox(1)

    clock.move(seconds=61)

    assert await alive.claim_outbox(10) == messages


async def test_rows_of_the_command_line_reach_the_daemon_within_a_second(
    store: Store, clock: HandClock
) -> None:
    daemon, command = await store.open(daemon=True), await store.open()
    await daemon.claim_outbox(10)
    messages = await put(command, "a")
    clock.move(seconds=1)

    assert await daemon.claim_outbox(10) == messages


async def test_two_instances_never_hold_the_same_row(store: Store) -> None:
    source = await store.open()
    relays = [await store.open() for _ in range(4)]
    await put(source, *(f"row-{number:03}" for number in range(200)))

    async def drain(relay: Journal) -> list[str]:
        taken: list[str] = []
        while rows := await relay.claim_outbox(7):
            taken += [row.outbox_id for row in rows]
        return taken

    taken = [row for rows in await asyncio.gather(*map(drain, relays)) for row in rows]

    assert sorted(taken) == [f"row-{number:03}" for number in range(200)]


async def test_nothing_to_publish_is_no_work(journal: Journal) -> None:
    await journal.outbox_published([])
    await journal.outbox_released([])
    await journal.outbox_published(["never-was"])
    assert not journal.outbox_waiting.is_set()


async def test_rows_beyond_memory_wait_in_the_table_and_keep_their_order(real_url: str) -> None:
    """More than memory holds, then newer rows: none overtakes."""
    clock = HandClock()
    ids = [f"row-{number:04}" for number in range(2_500)]
    async with open_journal(real_url, keys=KEYS, clock=clock, exclusive=True) as journal:
        await put(journal, *ids[:2_200])
        taken = [row.outbox_id for row in await journal.claim_outbox(100)]
        await put(journal, *ids[2_200:])
        while rows := await journal.claim_outbox(100):
            taken += [row.outbox_id for row in rows]
            await journal.outbox_published([row.outbox_id for row in rows])
        assert taken == ids

        await put(journal, "last")
        assert [row.outbox_id for row in await journal.claim_outbox(100)] == ["last"]


async def test_row_kept_in_memory_too_long_is_handed_out_late_but_in_order(real_url: str) -> None:
    """The broker was away for an hour: the claims are void, the order is not."""
    clock = HandClock()
    async with open_journal(
        real_url, keys=KEYS, clock=clock, exclusive=True, outbox_lease=timedelta(seconds=60)
    ) as journal:
        old = await put(journal, "old-1", "old-2")
        clock.move(hours=1)
        new = await put(journal, "new")

        assert await journal.claim_outbox(10) == [*old, *new]


async def test_released_row_is_not_overtaken_by_younger_ones(journal: Journal) -> None:
    old = await put(journal, "a", "b")
    await journal.claim_outbox(2)
    young = await put(journal, "c")
    await journal.outbox_released(old)

    assert await journal.claim_outbox(10) == [*old, *young]


async def test_daemon_that_stops_frees_its_rows_at_once(real_url: str) -> None:
    clock = HandClock()
    async with open_journal(real_url, keys=KEYS, clock=clock, exclusive=False) as other:
        async with open_journal(real_url, keys=KEYS, clock=clock, exclusive=True) as daemon:
            messages = await put(daemon, "a", "b")
            await daemon.claim_outbox(1)
            assert await other.claim_outbox(10) == []
        assert await other.claim_outbox(10) == messages


async def test_daemon_starts_on_sqlite_with_all_claims_void(sqlite_url: str) -> None:
    clock = HandClock()
    async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=False) as killed:
        messages = await put(killed, "a", "b")
        await killed.claim_outbox(1)
    async with open_journal(sqlite_url, keys=KEYS, clock=clock, exclusive=True) as journal:
        assert await journal.claim_outbox(10) == messages


async def test_rows_of_others_come_although_own_rows_keep_coming(
    store: Store, clock: HandClock
) -> None:
    daemon, command = await store.open(daemon=True), await store.open()
    await daemon.claim_outbox(50)
    await put(command, "theirs")
    seen: list[str] = []
    for number in range(4):
        clock.move(seconds=0.5)
        await put(daemon, f"own-{number}")
        seen += [row.outbox_id for row in await daemon.claim_outbox(50)]

    assert sorted(seen) == ["own-0", "own-1", "own-2", "own-3", "theirs"]


async def test_a_queue_that_refuses_does_not_keep_the_others_waiting(journal: Journal) -> None:
    status = [replace(a_message(f"status-{number}"), queue=Queue.EPJ_STATUS) for number in range(3)]
    order = replace(a_message("order"), queue=Queue.TRANSPORT_SEND)
    async with journal.transaction() as tx:
        await tx.put(*status)
    assert await journal.claim_outbox(2) == status[:2]
    await journal.outbox_released(status[:2])
    async with journal.transaction() as tx:
        await tx.put(order)

    assert await journal.claim_outbox(2) == [order, status[0]]
    assert await journal.claim_outbox(9) == status[1:], "in their order, when there is room"


async def test_a_row_under_a_key_that_is_gone_keeps_no_other_back(real_url: str) -> None:
    """As when the key file changed, a command has used it, and the daemon has not read it yet."""
    clock = HandClock()
    newer = ContentKeys("new", {**KEYS.by_id, "new": bytes(range(64, 96))})
    async with (
        open_journal(real_url, keys=KEYS, clock=clock, exclusive=True) as daemon,
        open_journal(real_url, keys=newer, clock=clock, exclusive=False) as command,
        open_journal(real_url, keys=KEYS, clock=clock, exclusive=False) as other,
    ):
        await put(command, "unreadable")
        messages = await put(other, "readable")

        with capture_logs() as logs:
            assert await daemon.claim_outbox(10) == messages
        assert [line["event"] for line in logs] == ["journal_row_unreadable"]
        assert await daemon.claim_outbox(10) == []
