"""The queue ``parked``: what lies there, where it came from, and taking it off."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

from gateway.adapters.rabbitmq.looking import look_through
from gateway.adapters.tracing import HEADER
from gateway.domain.identifiers import short_id
from gateway.queues import Queue

# What the broker wrote about the message's way here; it begins a new one.
_BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery", "x-acquired")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """One message on ``parked``, by what its properties and headers say; never its content."""

    parked_id: str  # of this stay on the queue: another one if it is parked once more
    message_id: str | None
    queue: str | None  # where it came from, by its full name
    reason: str | None  # why the broker moved it: rejected, delivery_limit, …
    since: datetime | None
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedContent:
    """What a parked message consists of, to be put back as it was. The body may hold anything."""

    body: bytes = field(repr=False)
    content_type: str | None
    correlation_id: str | None
    type: str | None
    headers: Mapping[str, str | int | bool]


Settle = Callable[[ParkedMessage, ParkedContent], Awaitable[bool]]
"""Whether a message shall leave the queue; by then it is recorded what becomes of it."""


async def parked_messages(
    connection: AbstractRobustConnection, prefix: str
) -> tuple[ParkedMessage, ...]:
    """What lies on ``parked``, oldest first; nothing is taken off.

    Raises:
        BrokerUnavailable: the connection was lost.
    """
    seen: list[ParkedMessage] = []

    async def note(message: AbstractIncomingMessage) -> bool:
        seen.append(_parked(message))
        return False

    await look_through(connection, Queue.PARKED.under(prefix), note)
    return tuple(seen)


async def settle_parked(connection: AbstractRobustConnection, prefix: str, settle: Settle) -> None:
    """Show each message on ``parked`` to ``settle``, and take off what it says; one at a time.

    Raises:
        BrokerUnavailable: the connection was lost; the last message that was settled may
            still lie there, under the same ``parked_id``.
    """

    async def takes(message: AbstractIncomingMessage) -> bool:
        return await settle(_parked(message), _content(message))

    await look_through(connection, Queue.PARKED.under(prefix), takes)


def _parked(message: AbstractIncomingMessage) -> ParkedMessage:
    deaths = message.headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    death = first if isinstance(first, dict) else {}
    since = death.get("time")
    return ParkedMessage(
        parked_id=_id_of(message, death),
        message_id=message.message_id,
        queue=_text(death.get("queue")),
        reason=_text(death.get("reason")),
        since=since if isinstance(since, datetime) else None,
        bytes=len(message.body),
    )


def _id_of(message: AbstractIncomingMessage, death: Mapping[str, object]) -> str:
    """The same each time one looks, and no other message's.

    With the time: the same message parked once more is another matter for a person.
    """
    facts = (message.message_id, death.get("queue"), death.get("time"), death.get("count"))
    return f"parked-{short_id(repr(facts).encode('utf-8', 'backslashreplace') + message.body)}"


def _content(message: AbstractIncomingMessage) -> ParkedContent:
    return ParkedContent(
        body=message.body,
        content_type=message.content_type,
        correlation_id=_text(message.correlation_id),
        type=_text(message.type),
        headers={
            name: value
            for name, value in message.headers.items()
            if isinstance(value, str | int | bool) and _is_kept(name)
        },
    )


def _is_kept(name: str) -> bool:
    return name == HEADER or (name.startswith("x-") and not name.startswith(_BROKERS_OWN))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
