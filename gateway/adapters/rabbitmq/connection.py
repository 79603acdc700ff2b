"""Connections and channels to RabbitMQ: one connection to consume, one to publish.

A broker short of memory blocks connections that publish; with two, the
acknowledgments still get through.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import aio_pika
import structlog
from aio_pika import RobustConnection
from aio_pika.abc import AbstractRobustConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelInvalidStateError
from aiormq.abc import DeliveredMessage

from gateway.adapters.causes import explained_error
from gateway.adapters.rabbitmq.tolerance import tolerate_odd_properties
from gateway.errors import BrokerUnavailable, ConfigurationError

log = structlog.get_logger()

# What the client raises when the broker is away, went away, or refused the channel;
# TimeoutError is among them, as an OSError.
LOST = CONNECTION_EXCEPTIONS

CLOSE_SECONDS = 5.0  # for good manners; what is not closed by then, the broker closes itself


@dataclass(frozen=True, slots=True)
class Connections:
    """Both connections of a running gateway. They come back by themselves; channels do not."""

    consuming: AbstractRobustConnection
    publishing: AbstractRobustConnection


@asynccontextmanager
async def open_connections(
    url: str,
    *,
    name: str = "dialog-gateway",
    heartbeat_seconds: int = 30,
    connect_seconds: float = 15.0,
    reconnect_seconds: float = 5.0,
) -> AsyncIterator[Connections]:
    """Open both connections and close them at the end.

    Args:
        url: AMQP address, with password; it never appears in a log or an error.
        name: shown in the management UI as "<name> consume" and "<name> publish".
        connect_seconds: how long the first attempt may take, for each connection.
        reconnect_seconds: pause between attempts when the broker went away later.

    Raises:
        ConfigurationError: ``url`` is no AMQP address.
        BrokerUnavailable: no connection at the first attempt. Later losses are not
            raised here: the connections are opened again until they are closed.
    """
    tame_client_logs()
    tolerate_odd_properties()
    try:
        address = make_url(url, heartbeat=heartbeat_seconds)
    except ValueError:  # the client's text quotes the address
        raise ConfigurationError("the address of the broker cannot be read") from None

    async def connect(purpose: str) -> AbstractRobustConnection:
        # What aio_pika.connect_robust does, but with the connection in hand when it fails:
        # after a timeout that one would go on trying, with nobody to close it.
        connection = RobustConnection(
            address,
            reconnect_interval=reconnect_seconds,
            client_properties={"connection_name": f"{name} {purpose}"},
        )
        try:
            # The client's own timeout bounds each attempt, but not the whole handshake.
            async with asyncio.timeout(connect_seconds):
                await connection.connect(timeout=connect_seconds)
        except BaseException as error:
            await _close(connection)
            if not isinstance(error, LOST):
                raise
            # Its text may quote the address, and with it the password.
            raise BrokerUnavailable(f"cannot connect: {explained_error(error)}") from None
        _log_changes(connection, purpose)
        return connection

    consuming = await connect("consume")
    try:
        publishing = await connect("publish")
        try:
            yield Connections(consuming, publishing)
        finally:
            await _close(publishing)
    finally:
        await _close(consuming)


async def new_channel(
    connection: AbstractRobustConnection, *, confirms: bool = False
) -> aio_pika.Channel:
    """Open one channel, which stays closed once it is lost.

    Not the robust channel of ``connection.channel()``: that one opens again on
    its own and starts consumers anew, while handlers of deliveries that the
    broker has taken back still run. Here the owner of the channel decides.

    Raises:
        One of ``LOST``: no connection now, or the broker refused.
    """
    if connection.transport is None or not connection.connected.is_set():
        raise ChannelInvalidStateError("no connection")
    channel = aio_pika.Channel(connection, publisher_confirms=confirms, on_return_raises=confirms)
    await channel.initialize()
    return channel


async def close_channel(channel: aio_pika.Channel) -> None:
    """Close a channel for good manners; what was open on it goes back to its queue."""
    with suppress(*LOST):
        async with asyncio.timeout(CLOSE_SECONDS):
            await channel.close()


@asynccontextmanager
async def open_channel(connection: AbstractRobustConnection) -> AsyncIterator[aio_pika.Channel]:
    """``new_channel`` without confirms, closed at the end of the block."""
    channel = await new_channel(connection)
    try:
        yield channel
    finally:
        await close_channel(channel)


@contextmanager
def own_cancellation_only() -> Iterator[None]:
    """Tell our own cancellation from the client's.

    When a connection ends, the client may end what waits on it with
    CancelledError or a bare Exception. Taken for our own cancellation, a task
    of ours would end without a word. Goes outside of any ``asyncio.timeout``.

    Raises:
        BrokerUnavailable: the block was ended by the client.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable("the connection was closed") from None
    except Exception as error:
        if type(error) is Exception:
            raise BrokerUnavailable("the connection was closed") from None
        raise


def _log_changes(connection: AbstractRobustConnection, purpose: str) -> None:
    """One line when the connection is lost and one when it is back."""
    lost = False

    def on_close(_: object, error: BaseException | None) -> None:
        nonlocal lost
        # Called for every failed attempt to come back too, and when we close it ourselves.
        if not lost and not connection.close_called:
            lost = True
            log.warning("broker_lost", connection=purpose, reason=type(error).__name__)

    def on_reconnect(_: object) -> None:
        nonlocal lost
        lost = False
        log.info("broker_back", connection=purpose)

    connection.close_callbacks.add(on_close)
    connection.reconnect_callbacks.add(on_reconnect)


async def _close(connection: AbstractRobustConnection) -> None:
    with suppress(*LOST):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()


class _WithoutBodies(logging.Filter):
    """The client logs returned messages that nobody waits for any more, with their bodies."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                "(message)" if isinstance(value, DeliveredMessage) else value
                for value in record.args
            )
        return True


_filter = _WithoutBodies()


def tame_client_logs() -> None:
    """Keep content and floods out of the client library's own log lines; idempotent.

    It tells each failed attempt to connect in several lines; we tell the change of state.
    """
    logging.getLogger("aio_pika.robust_connection").setLevel(logging.ERROR)
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)
    for name in ("aiormq.channel", "aio_pika.message", "aio_pika.exchange", "aio_pika.queue"):
        logging.getLogger(name).addFilter(_filter)
