"""The gateway's own web server, in the loop of the daemon: metrics, health, later the console."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.errors import ConfigurationError, Fault
from gateway.ops.health import Answer

log = structlog.get_logger(__name__)

_SHUTDOWN_SECONDS = 3  # for requests under way; event streams would else be waited for

Render = Callable[[], Awaitable[tuple[bytes, str]]]
Ask = Callable[[], Awaitable[Answer]]


def make_app(*, metrics: Render, live: Ask, ready: Ask) -> Starlette:
    """The routes ``/metrics``, ``/health/live`` and ``/health/ready``.

    Args:
        metrics: the text of the metrics and its content type.
        live: whether the process is alive.
        ready: whether it can keep its promises now.
    """

    async def show_metrics(_: Request) -> Response:
        body, content_type = await metrics()
        return Response(body, headers={"content-type": content_type, **_HEADERS})

    async def show_live(_: Request) -> Response:
        return _health(await live())

    async def show_ready(_: Request) -> Response:
        return _health(await ready())

    return Starlette(
        routes=[
            Route("/metrics", show_metrics),
            Route("/health/live", show_live),
            Route("/health/ready", show_ready),
        ]
    )


_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _health(answer: Answer) -> Response:
    return JSONResponse(answer.as_json(), status_code=answer.status_code, headers=_HEADERS)


class _Server(uvicorn.Server):
    """Without handlers of its own for signals: the daemon has them, and drains before it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` for the length of the block; gives the port.

    Raises:
        ConfigurationError: the address or port cannot be had.
    """
    listening = _bind(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=100,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    task.add_done_callback(_tell_fault)
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        with contextlib.suppress(Exception):
            await task
        listening.close()


def _bind(host: str, port: int) -> socket.socket:
    """Bind ourselves: uvicorn would end the process with its own words."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        text = f"cannot listen on {host}:{port}: {error.strerror}"
        raise ConfigurationError(text, faults=(Fault("runtime.http_port", text),)) from None
    return listening


def _tell_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("http_stopped", reason=type(error).__name__)
