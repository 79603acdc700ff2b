"""Both gateways of the demonstration, started and stopped like the daemon."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.app import Gateway, run_gateway
from gateway.config.load import load_settings
from gateway.office import Office, open_office
from gateway.ops.demo.stage import Stage
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.ops.health import Health
from gateway.ops.http import make_app, serving
from gateway.ops.metrics import Metrics
from gateway.ports import JournalEvent


@asynccontextmanager
async def gateways(stage: Stage) -> AsyncIterator[None]:
    """Run both until the block ends, and drain them then.

    Raises:
        GatewayError: one of them cannot start.
    """
    stopping = asyncio.Event()
    running: list[asyncio.Task[None]] = []
    try:
        for party in (HOSPITAL, MUNICIPALITY):
            office = open_office(load_settings(stage.directory / f"{party.name}.toml", {}))
            running.append(await _started(stage, party.name, office, stopping))
        yield
    finally:
        stopping.set()
        await asyncio.gather(*running)


async def _started(
    stage: Stage, name: str, office: Office, stopping: asyncio.Event
) -> asyncio.Task[None]:
    up = asyncio.Event()
    health = Health()
    metrics = Metrics(office, health.ready)

    def observe(events: Sequence[JournalEvent]) -> None:
        metrics.observe(events)
        health.observe(events)

    async def started(gateway: Gateway) -> None:
        stage.gateways[name] = health.gateway = metrics.gateway = gateway
        up.set()

    async def run() -> None:
        runtime = office.settings.runtime
        app = make_app(metrics=metrics.render, live=health.live, ready=health.ready)
        async with serving(app, host=runtime.http_host, port=runtime.http_port):
            await run_gateway(office, stopping=stopping, observe=observe, started=started)

    task = asyncio.create_task(run())
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()  # raises what kept it from starting
    return task
