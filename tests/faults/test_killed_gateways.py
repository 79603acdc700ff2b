"""SIGKILL at random moments, on both gateways, while messages are under way both ways."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.claims import nothing_is_lost
from tests.faults.conftest import Size
from tests.faults.pair import NAMES, Pair, running_pair

pytestmark = [pytest.mark.broker, pytest.mark.slow]

IN_START = 0.2  # the share of kills that hit a gateway while it is starting


async def test_nothing_is_lost_when_gateways_are_killed(
    tmp_path: Path, demo_keys: Path, broker_url: str, size: Size, seed: int
) -> None:
    async with running_pair(tmp_path, demo_keys, broker_url) as pair:
        under_way = await kill_both_again_and_again(pair, size, seed)
        await pair.come_to_rest(seconds=size.seconds)
        await nothing_is_lost(pair)

    assert any(under_way), "no kill hit a message under way: this run has shown nothing"


@pytest.mark.postgres
async def test_nothing_is_lost_when_gateways_on_postgresql_are_killed(
    tmp_path: Path,
    demo_keys: Path,
    broker_url: str,
    postgres_url: str,
    empty_postgres_url: str,
    size: Size,
    seed: int,
) -> None:
    databases = dict(zip(NAMES, (postgres_url, empty_postgres_url), strict=True))
    # On PostgreSQL another instance may hold what a crash left claimed: its lease must run out.
    lease = {"GATEWAY__JOURNAL__LEASE_SECONDS": "3"}
    async with running_pair(
        tmp_path, demo_keys, broker_url, databases=databases, settings=lease
    ) as pair:
        under_way = await kill_both_again_and_again(pair, size, seed)
        await pair.come_to_rest(seconds=size.seconds)
        await nothing_is_lost(pair)

    assert any(under_way), "no kill hit a message under way: this run has shown nothing"


async def kill_both_again_and_again(pair: Pair, size: Size, seed: int) -> list[int]:
    """Hand over all messages while both gateways are killed; returns what each kill hit."""
    async with asyncio.TaskGroup() as both:
        killing = [
            both.create_task(_kill(pair, name, size, random.Random(f"{seed} {name}")))
            for name in NAMES
        ]
    return [count for one in killing for count in one.result()]


async def _kill(pair: Pair, name: str, size: Size, chance: random.Random) -> list[int]:
    gateway, under_way, left = pair.gateways[name], [], size.messages
    for kills_left in range(size.kills, 0, -1):
        share = left // kills_left
        left -= share
        await pair.send(name, share)
        await asyncio.sleep(chance.uniform(0.0, 1.5))  # the random moment
        await gateway.kill()
        ledger = await pair.ledger(name)
        assert ledger.balanced, ledger
        under_way.append(ledger.outgoing.in_flight + ledger.incoming.in_flight)
        begin = await gateway.launch()
        while chance.random() < IN_START:
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            await gateway.kill()
            begin = await gateway.launch()
        await gateway.running(begin)
    return under_way
