"""The example EPJ of the documentation, against two running gateways: ask, answer, confirm."""

import asyncio
import random
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest

from gateway.codecs.document import read_document
from gateway.ops.demo_config import Pace, Seat, write_demo
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.ops.gateway_process import GatewayProcess
from gateway.queues import Queue

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "epj.py"
PATIENCE_SECONDS = 60.0
PARTIES = (HOSPITAL.name, MUNICIPALITY.name)


@dataclass(slots=True, kw_only=True)
class Scene:
    """Two gateways that run and give each other their mail."""

    folder: Path
    broker_url: str
    prefix: str

    def store(self, name: str) -> Path:
        """The folder that one side's EPJ files messages in."""
        return self.folder / f"{name}-store"

    async def epj(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        """Start the example as one side's EPJ, with nothing stored."""
        shutil.rmtree(self.store(name), ignore_errors=True)
        self.store(name).mkdir()
        place = ("--url", self.broker_url, "--prefix", f"{self.prefix}{name}.")
        return await asyncio.create_subprocess_exec(
            *(sys.executable, str(EXAMPLE), *place, "--store", str(self.store(name)), *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
async def scene(broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Both gateways, once for all tests here."""
    folder = tmp_path_factory.mktemp("scene")
    scene = Scene(folder=folder, broker_url=broker_url, prefix=f"t-{uuid4().hex[:8]}.")
    hospital, municipality, *http = _ports(4)
    seats = {
        HOSPITAL.name: Seat(listener_port=hospital, smtp_port=municipality, http_port=http[0]),
        MUNICIPALITY.name: Seat(listener_port=municipality, smtp_port=hospital, http_port=http[1]),
    }
    pace = Pace(retry=0.3, sweep=0.5)
    await asyncio.to_thread(write_demo, folder, seats=seats, pace=pace, broker_url=broker_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_delete_queues, scene)
        for name in PARTIES:
            gateway = GatewayProcess(
                config=folder / f"{name}.toml",
                log_file=folder / f"{name}.log",
                settings={"GATEWAY__BROKER__PREFIX": f"{scene.prefix}{name}."},
            )
            await stack.enter_async_context(gateway)
        yield scene


async def _delete_queues(scene: Scene) -> None:
    async with await aio_pika.connect(scene.broker_url) as connection:
        channel = await connection.channel()
        for name in PARTIES:
            for queue in Queue:
                await channel.queue_delete(f"{scene.prefix}{name}.{queue}")


def _ports(count: int) -> list[int]:
    """Free ports below those that the kernel hands out to clients."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


async def _output(process: asyncio.subprocess.Process) -> str:
    """All it wrote until its end; it is killed when it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            written, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return written.decode()


def events_of(output: str) -> list[str]:
    """Names of the status events that an EPJ was told about its question."""
    return re.findall(r"^[0-9a-f-]{36} ([a-z-]+) \[", output, flags=re.MULTILINE)


async def test_example_asks_and_is_answered_and_both_sides_confirm(scene: Scene) -> None:
    answering = await scene.epj(MUNICIPALITY.name, "--text", "Ja. Hilsen sykepleier Prøvesen")
    asking = await scene.epj(
        *(HOSPITAL.name, "--from", "8668:S0304", "--to", "920000/Sykepleietjeneste")
    )

    output = await _output(asking)
    answering.terminate()
    answered = await _output(answering)

    assert asking.returncode == 0, output + answered
    assert {"accepted", "sent", "acknowledged", "confirmed"} <= set(events_of(output))
    (question_file,) = scene.store(MUNICIPALITY.name).iterdir()
    (answer_file,) = scene.store(HOSPITAL.name).iterdir()
    question = read_document(question_file.read_bytes()).message
    answer = read_document(answer_file.read_bytes()).message
    assert question.sender.her == answer.receiver.her == "910004"
    assert question.receiver.her == answer.sender.her == "920002"
    assert answer.conversation is not None
    assert answer.conversation.parent == question.msg_id
    assert answer.notes[0].question == question.questions[0]
    assert answer.patient == question.patient


async def test_example_shows_why_it_was_refused(scene: Scene) -> None:
    asking = await scene.epj(HOSPITAL.name, "--from", "910004", "--to", "Sykepleie på månen")

    output = await _output(asking)

    assert asking.returncode == 1, output
    assert events_of(output) == ["rejected"]
    assert "Mottakeren finnes ikke eller er ikke entydig." in output
