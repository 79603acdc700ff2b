"""The whole gateway: messages a second, and its CPU for each confirmed outgoing message.

Both gateways are processes of their own, started by the command an operator
uses, with a private broker and real SMTP between them. The EPJs run here.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.rabbitmq.connection import open_connections
from gateway.errors import InternalFault
from gateway.ops.bench.sample import Sample, a_document
from gateway.ops.demo.epj import Epj
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.ops.gateway_process import GatewayProcess

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What one run of the whole gateway cost."""

    messages: int
    seconds: float
    sender_cpu_ms: float  # CPU of the sending gateway for each confirmed message
    receiver_cpu_ms: float  # CPU of the receiving one

    @property
    def per_second(self) -> float:
        """Confirmed messages a second, both gateways on this machine."""
        return self.messages / self.seconds


async def measure_whole(directory: Path, sample: Sample, broker_url: str, messages: int) -> Whole:
    """Send ``messages`` from the hospital and wait until all are confirmed.

    Raises:
        InternalFault: a gateway ended, or not all were confirmed in ten minutes.
    """
    documents = [a_document(sample.hospital, serial=serial) for serial in range(messages + 20)]
    async with AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(
                GatewayProcess(
                    config=directory / f"{party.name}.toml",
                    log_file=directory / f"{party.name}.log",
                )
            )
            for party in (HOSPITAL, MUNICIPALITY)
        ]
        connections = await stack.enter_async_context(open_connections(broker_url, name="bench"))
        changed = asyncio.Event()
        epjs = [
            Epj(
                connection=connections.publishing,
                prefix=f"{party.name}.",
                changed=changed.set,
                answers=False,
            )
            for party in (HOSPITAL, MUNICIPALITY)
        ]
        for epj in epjs:
            await epj.start()
        sender = epjs[0]
        await _send_all(sender, documents[messages:], changed)  # warm up: pools, caches, schemas
        before = [_cpu_seconds(process.pid) for process in processes]
        began = time.monotonic()
        await _send_all(sender, documents[:messages], changed)
        seconds = time.monotonic() - began
        used = [
            (_cpu_seconds(process.pid) - start) * 1000 / messages
            for process, start in zip(processes, before, strict=True)
        ]
        for epj in epjs:
            await epj.stop()
    return Whole(messages=messages, seconds=seconds, sender_cpu_ms=used[0], receiver_cpu_ms=used[1])


async def _send_all(epj: Epj, documents: list[bytes], changed: asyncio.Event) -> None:
    already = sum("confirmed" in events for events in epj.events.values())
    for start in range(0, len(documents), 50):
        await asyncio.gather(*(epj.send(document) for document in documents[start : start + 50]))
    wanted = already + len(documents)
    try:
        async with asyncio.timeout(600):
            while sum("confirmed" in events for events in epj.events.values()) < wanted:
                changed.clear()
                await changed.wait()
    except TimeoutError:
        raise InternalFault("not all messages were confirmed in ten minutes") from None


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads included (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
