"""What lies on ``parked``, put back or taken off by the commands, with a real broker's death."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from gateway.adapters.clock import new_uuid
from gateway.adapters.rabbitmq.connection import Connections, open_channel, open_connections
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.errors import BrokerUnavailable
from gateway.ops.parked import ParkedDesk
from gateway.ports import OutboundMessage
from gateway.queues import Queue
from tests.broker_fixture import eventually
from tests.builders_cli import json_of
from tests.builders_hospital import Hospital, is_there, relayed, take
from tests.fakes_journal import FakeJournal, HandClock
from tests.fakes_journal_state import FakeTransaction

pytestmark = pytest.mark.broker

REASON = ("--reason", "leverandøren har rettet")


async def parked(
    hospital: Hospital,
    *bodies: bytes,
    queue: Queue = Queue.EPJ_CONFIRMATIONS,
) -> list[str]:
    """Have the broker park messages that a consumer of ``queue`` rejects; their ids there."""
    prefix = hospital.office.settings.broker.prefix
    before = await hospital.depth(Queue.PARKED)
    async with Publisher(hospital.connections.publishing, prefix) as publisher:
        for number, body in enumerate(bodies):
            await publisher.publish(
                OutboundMessage(
                    outbox_id="unused",
                    queue=queue,
                    body=body,
                    content_type="application/json",
                    message_id=f"q-{number}",
                    correlation_id="c-1",
                    type="a-type",
                    headers={"x-sender-her": "910001", "other": "dropped"},
                )
            )
    async with open_channel(hospital.connections.consuming) as channel:
        source = await channel.get_queue(queue.under(prefix), ensure=False)
        for _ in bodies:
            taken = await source.get()
            assert taken is not None
            await taken.reject(requeue=False)

    async def all_parked() -> bool:
        return await hospital.depth(Queue.PARKED) == before + len(bodies)

    await eventually(all_parked)
    listed = json_of(await hospital.type("dead-letters", "list", "--json"))["parked"]
    return [one["parked_id"] for one in listed[before:]]


async def put_back(hospital: Hospital, queue: Queue) -> AbstractIncomingMessage:
    async with hospital.running() as (journal, _):
        await relayed(hospital, journal)
    return await take(hospital, queue)


async def test_list_tells_where_a_message_came_from_why_and_since_when(hospital: Hospital) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    await parked(hospital, b"poison")

    (one,) = json_of(await hospital.type("dead-letters", "list", "--json"))["parked"]

    assert one["queue"] == Queue.EPJ_CONFIRMATIONS.under(hospital.office.settings.broker.prefix)
    assert (one["reason"], one["message_id"], one["bytes"]) == ("rejected", "q-0", 6)
    assert began <= datetime.fromisoformat(one["since"]) <= datetime.now(UTC)


async def test_message_goes_back_where_it_came_from_as_it_was(hospital: Hospital) -> None:
    mine, _ = await parked(hospital, b'{"msg_id": "m-1"}', b"left alone")

    result = await hospital.type("dead-letters", "replay", mine, *REASON, "--yes")
    message = await put_back(hospital, Queue.EPJ_CONFIRMATIONS)

    assert result.exit_code == 0, result.output
    assert message.body == b'{"msg_id": "m-1"}'
    properties = (message.message_id, message.correlation_id, message.type, message.content_type)
    assert properties == ("q-0", "c-1", "a-type", "application/json")
    kept = {name for name in message.headers if name != "x-delivery-count"}  # the broker's own
    assert kept == {"x-sender-her"}, "neither the traces of its death nor what is not ours"
    assert await hospital.depth(Queue.PARKED) == 1


async def test_decision_stands_in_the_trail_under_both_ids(hospital: Hospital) -> None:
    (mine,) = await parked(hospital, b"poison")

    await hospital.type("dead-letters", "replay", "q-0", *REASON, "--by", "kari", "--yes")

    for any_id in (mine, "q-0"):
        (event,) = json_of(await hospital.type("trace", any_id, "--json"))["events"]
        assert event["name"] == "parked_replayed"
        assert event["actor"].startswith("kari")
        assert event["detail"]["reason"] == REASON[1]


@pytest.mark.parametrize("command", ["replay", "discard"])
async def test_decision_is_a_dry_run_until_yes(hospital: Hospital, command: str) -> None:
    (mine,) = await parked(hospital, b"poison")

    result = await hospital.type("dead-letters", command, mine, *REASON)

    assert result.exit_code == 0
    assert mine in result.stdout
    assert "--yes" in result.stdout
    assert await hospital.depth(Queue.PARKED) == 1
    assert (await hospital.type("trace", mine)).exit_code == 1


async def test_all_from_one_queue_go_back_and_no_others(hospital: Hospital) -> None:
    await parked(hospital, b"1", b"2", b"3")
    await parked(hospital, b"another queue's", queue=Queue.EPJ_OUTGOING)

    result = await hospital.type(
        "dead-letters", "replay", "--queue", "epj.confirmations", *REASON, "--yes"
    )
    async with hospital.running() as (journal, _):
        await relayed(hospital, journal)

    assert result.exit_code == 0, result.output
    assert await hospital.depth(Queue.EPJ_CONFIRMATIONS) == 3
    assert await hospital.depth(Queue.EPJ_OUTGOING) == 0
    assert await hospital.depth(Queue.PARKED) == 1


async def test_discarded_message_stays_readable_in_the_journal(hospital: Hospital) -> None:
    (mine,) = await parked(hospital, b"poison")
    file = hospital.config.with_suffix(".read")

    result = await hospital.type("dead-letters", "discard", mine, *REASON, "--yes")
    read = await hospital.type("content", mine, "-o", file, *REASON)

    assert (result.exit_code, read.exit_code) == (0, 0), result.output + read.output
    assert file.read_bytes() == b"poison"
    assert await hospital.depth(Queue.PARKED) == 0
    assert b"poison" not in b"".join(
        one.read_bytes() for one in hospital.config.parent.glob(f"{hospital.config.stem}*sqlite*")
    )


async def test_message_from_nowhere_is_shown_and_can_only_be_discarded(hospital: Hospital) -> None:
    prefix = hospital.office.settings.broker.prefix
    async with open_channel(hospital.connections.consuming) as channel:
        await channel.default_exchange.publish(
            aio_pika.Message(b"by hand", message_id="q-9"), Queue.PARKED.under(prefix)
        )
    await eventually(lambda: is_there(hospital, Queue.PARKED))

    shown = await hospital.type("dead-letters", "show", "q-9", "--json")
    replayed = await hospital.type("dead-letters", "replay", "q-9", *REASON, "--yes")
    left = await hospital.depth(Queue.PARKED)
    discarded = await hospital.type("dead-letters", "discard", "q-9", *REASON, "--yes")

    (one,) = json_of(shown)["parked"]
    assert one["can_replay"] is False
    assert (replayed.exit_code, left) == (1, 1)
    assert "IKKE MULIG" in replayed.stdout
    assert discarded.exit_code == 0
    assert await hospital.depth(Queue.PARKED) == 0


async def test_unknown_id_matches_nothing(hospital: Hospital) -> None:
    await parked(hospital, b"poison")

    result = await hospital.type("dead-letters", "discard", "nobody", *REASON, "--yes")

    assert result.exit_code == 1
    assert await hospital.depth(Queue.PARKED) == 1


async def test_code_and_queue_together_are_refused(hospital: Hospital) -> None:
    both = ("--code", "GW-113", "--queue", "epj.outgoing")

    assert (await hospital.type("dead-letters", "discard", *both, *REASON)).exit_code == 2
    assert (await hospital.type("dead-letters", "discard", *REASON)).exit_code == 2


@pytest.mark.parametrize("again", ["replay", "discard"])
async def test_crash_after_the_commit_puts_nothing_back_twice(
    hospital: Hospital, broker_url: str, again: str
) -> None:
    (mine,) = await parked(hospital, b"poison")

    def desk(journal: FakeJournal, connections: Connections) -> ParkedDesk:
        return ParkedDesk(
            journal=journal,
            connection=connections.consuming,
            prefix=hospital.office.settings.broker.prefix,
            clock=journal.clock,
            new_id=new_uuid,
        )

    async with open_connections(broker_url, name="dying") as dying:

        class Dying(FakeJournal):
            """The connection is gone as soon as the decision is recorded."""

            @asynccontextmanager
            async def transaction(self) -> AsyncIterator[FakeTransaction]:
                async with super().transaction() as tx:
                    yield tx
                await dying.consuming.close()

        journal = Dying(HandClock())
        with pytest.raises(BrokerUnavailable):
            await desk(journal, dying).replay([mine], actor="kari", reason="prøve")
    later = FakeJournal(HandClock(), state=journal.state)
    await eventually(lambda: is_there(hospital, Queue.PARKED))

    other = desk(later, hospital.connections)
    (settled,) = await getattr(other, again)([mine], actor="ola", reason="igjen")

    assert settled.parked_id == mine
    assert len(journal.state.outbox) == 1, "also another decision comes too late"
    assert [event.actor for event in await later.trail(mine)] == ["kari"]
    assert await hospital.depth(Queue.PARKED) == 0


async def test_only_one_operator_settles_at_a_time(hospital: Hospital) -> None:
    (mine,) = await parked(hospital, b"poison")
    async with hospital.running() as (journal, _):
        lease = await journal.acquire_lease("parked", "another", 60)

        result = await hospital.type("dead-letters", "discard", mine, *REASON, "--yes")

    assert lease is not None
    assert result.exit_code == 1
    assert "GW-121" in result.stderr
    assert await hospital.depth(Queue.PARKED) == 1


async def test_broker_that_is_away_is_told(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY__BROKER__URL", "amqp://127.0.0.1:1/")

    result = await hospital.type("dead-letters", "replay", "parked-1", *REASON, "--yes")
    shown = await hospital.type("dead-letters", "show", "parked-1")

    assert (result.exit_code, shown.exit_code) == (1, 1)
    assert "GW-103" in result.stderr
    assert "GW-103" in shown.stderr
