"""Notices of closed letters leave ``dead.letters``, whoever looks through it at the same time."""

import asyncio

import pytest

from gateway.adapters.rabbitmq.connection import Connections, open_connections
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.topology import declare, depths
from gateway.app import take_off_notices
from gateway.config.load import load_settings
from gateway.config.settings import Settings
from gateway.ports import DeadLetter
from gateway.queues import Queue
from tests.broker_fixture import eventually, outbound
from tests.builders_offices import demo_folder, two_offices
from tests.contract.journals import NOON
from tests.fakes_journal import FakeJournal, HandClock

pytestmark = pytest.mark.broker

COUNT = 60
NO_MAIL = b"no mail at all"


def settings_for(prefix: str) -> Settings:
    settings = load_settings(demo_folder() / "hospital.toml", {})
    broker = settings.broker.model_copy(update={"prefix": prefix})
    return settings.model_copy(update={"broker": broker})


async def lie_there(connections: Connections, prefix: str, notices: int) -> bool:
    """To be waited for: what was looked at and left is put back after the look, not in it."""
    seen = await depths(connections.consuming, prefix)
    return seen[Queue.DEAD_LETTERS] == notices


async def test_two_operators_at_once_lose_no_notice_from_sight(
    broker_url: str, connections: Connections, prefix: str
) -> None:
    await declare(connections.consuming, prefix)
    journal, settings = FakeJournal(HandClock()), settings_for(prefix)
    letters = [
        DeadLetter(letter_id=f"l-{n}", side=None, code="GW-113", since=NOON, state="discarded")
        for n in range(COUNT)
    ]
    async with Publisher(connections.publishing, prefix) as publisher:
        await publisher.publish_many(
            [outbound(letter.letter_id, queue=Queue.DEAD_LETTERS) for letter in letters]
        )
    async with journal.transaction() as tx:
        for letter in letters:
            await tx.add_dead_letter(letter)

    async def operator(mine: list[DeadLetter]) -> None:
        async with open_connections(broker_url, name="operator") as own:
            await take_off_notices(journal, own, settings, mine)

    await asyncio.gather(operator(letters[: COUNT // 2]), operator(letters[COUNT // 2 :]))

    async def stale() -> list[DeadLetter]:
        async with journal.transaction() as tx:
            return list(await tx.letters_with_stale_notice(COUNT + 1))

    remembered = len(await stale())
    await eventually(lambda: lie_there(connections, prefix, remembered))

    await take_off_notices(journal, connections, settings, await stale())  # as the sweep does

    await eventually(lambda: lie_there(connections, prefix, 0))
    assert await stale() == []


async def test_a_letter_opened_again_keeps_its_notice(
    connections: Connections, prefix: str
) -> None:
    """The daemon is quick: before the command looks for the notice, the replay has failed."""
    await declare(connections.consuming, prefix)
    settings = settings_for(prefix)
    offices = two_offices()
    hospital = offices.hospital
    async with Publisher(connections.publishing, prefix) as publisher:

        async def settle() -> None:
            hospital.notices.clear()
            await offices.settle()
            await publisher.publish_many(hospital.notices)

        await hospital.take_in(NO_MAIL)
        await settle()
        (letter,) = await hospital.journal.dead_letters()
        assert await hospital.replay(letter.letter_id)
        offices.clock.move(seconds=1)
        await settle()
        assert [one for one, _ in await hospital.letters()] == [letter.letter_id]

        await take_off_notices(hospital.journal, connections, settings, [letter])
        await eventually(lambda: lie_there(connections, prefix, 2))  # of both times
        assert await hospital.discard(letter.letter_id)
        async with hospital.journal.transaction() as tx:
            stale = await tx.letters_with_stale_notice(9)
        await take_off_notices(hospital.journal, connections, settings, stale)
        await eventually(lambda: lie_there(connections, prefix, 0))
