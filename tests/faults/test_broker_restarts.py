"""RabbitMQ is killed, or stopped in order, while messages are under way both ways."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from gateway.ops.private_broker import PrivateBroker
from tests.broker_fixture import eventually
from tests.faults.claims import nothing_is_lost
from tests.faults.conftest import Size
from tests.faults.pair import NAMES, Pair, running_pair

pytestmark = [pytest.mark.broker, pytest.mark.slow]

QUEUE_AGE_SECONDS = 3.0
"""RabbitMQ 3.10 loses the leader of a quorum queue declared just before a SIGKILL, for ever."""


async def test_nothing_is_lost_when_the_broker_goes_away(
    tmp_path: Path, demo_keys: Path, size: Size, seed: int
) -> None:
    """By turns as in a power cut and in order; after each a gateway is killed as well."""
    chance = random.Random(seed)
    restarts = max(2, size.kills // 2)
    async with PrivateBroker() as node, running_pair(tmp_path, demo_keys, node.url) as pair:
        declared, left, under_way = time.monotonic(), size.messages, []
        for turn in range(restarts):
            share = left // (restarts - turn)
            left -= share
            await asyncio.sleep(max(0.0, declared + QUEUE_AGE_SECONDS - time.monotonic()))
            async with asyncio.TaskGroup() as meanwhile:
                for name in NAMES:
                    meanwhile.create_task(pair.send(name, share))
                await asyncio.sleep(0)  # both have begun
                await _until_at_most(pair, chance.randint(share // 2, 2 * share), size)
                under_way.append(len(pair.unconfirmed()))
                await asyncio.to_thread(node.restart, kill=turn % 2 == 0)
                await _kill_and_start(pair, chance.choice(NAMES))
        await pair.come_to_rest(seconds=size.seconds)
        await nothing_is_lost(pair)

    assert all(under_way), "the broker went away when nothing was under way"


async def _until_at_most(pair: Pair, unconfirmed: int, size: Size) -> None:
    """The random moment: by how far the messages have come, as machines differ in speed."""

    async def far_enough() -> bool:
        return len(pair.unconfirmed()) <= unconfirmed

    await eventually(far_enough, seconds=size.seconds)


async def _kill_and_start(pair: Pair, name: str) -> None:
    await pair.gateways[name].kill()
    assert (await pair.ledger(name)).balanced
    await pair.gateways[name].start()
