"""The web server: three routes, in the daemon's loop, with the daemon's signals left alone."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.errors import ConfigurationError
from gateway.ops.health import Answer, Problem
from gateway.ops.http import make_app, serving

STUCK = Problem("sweep", 1, "400 s", "Står.", "Stuck.")


async def metrics() -> tuple[bytes, str]:
    return b"up 1\n", "text/plain; version=0.0.4; charset=utf-8"


async def live() -> Answer:
    return Answer(status="stuck", problems=(STUCK,))


async def ready() -> Answer:
    return Answer(status="ready")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = make_app(metrics=metrics, live=live, ready=ready)
    async with serving(app, host="127.0.0.1", port=0) as port:
        yield port


async def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), head.decode().lower(), body


async def test_metrics_come_as_prometheus_reads_them(port: int) -> None:
    status, head, body = await get(port, "/metrics")

    assert (status, body) == (200, b"up 1\n")
    assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head


async def test_ready_is_200(port: int) -> None:
    status, _, body = await get(port, "/health/ready")

    assert (status, json.loads(body)["status"]) == (200, "ready")


async def test_what_fails_is_503_and_says_why_in_two_languages(port: int) -> None:
    status, _, body = await get(port, "/health/live")

    assert status == 503
    [problem] = json.loads(body)["problems"]
    assert problem["promise"] == 1
    assert (problem["text_nb"], problem["text_en"]) == ("Står.", "Stuck.")


async def test_nothing_is_cached_and_the_server_does_not_name_itself(port: int) -> None:
    _, head, _ = await get(port, "/health/ready")

    assert "cache-control: no-store" in head
    assert "server:" not in head


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 405)]
)
async def test_nothing_else_is_served(port: int, path: str, method: str, status: int) -> None:
    assert (await get(port, path, method))[0] == status


async def test_a_port_in_use_is_told_as_a_fault_of_the_configuration() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError) as refused:
            async with serving(
                make_app(metrics=metrics, live=live, ready=ready), host="127.0.0.1", port=port
            ):
                pass

    assert [fault.where for fault in refused.value.faults] == ["runtime.http_port"]


async def test_the_handlers_of_signals_are_left_alone(port: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    await get(port, "/health/ready")

    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
