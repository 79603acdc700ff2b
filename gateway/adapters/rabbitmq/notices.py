"""Looking through a queue without emptying it: notices of dead letters, parked messages."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from gateway.adapters.rabbitmq.connection import LOST, open_channel, own_cancellation_only
from gateway.errors import BrokerUnavailable
from gateway.queues import Queue

_MOST = 10_000  # messages looked through in one pass
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """One message on ``parked``, by what its headers say; its body stays on the queue."""

    message_id: str | None
    queue: str | None  # where it came from
    reason: str | None  # why the broker moved it: rejected, delivery_limit, …
    bytes: int


async def remove_notices(
    connection: AbstractRobustConnection, prefix: str, letter_ids: Collection[str]
) -> tuple[frozenset[str], bool]:
    """Take the notices of ``letter_ids`` off ``dead.letters``.

    All others go back in their order when the channel closes. Two that look through at once
    hide messages from each other: the caller sees to it that there is one at a time.

    Returns:
        Those that were found, and whether the queue was seen to its end.

    Raises:
        BrokerUnavailable: nothing more was removed than what is returned at the next try.
    """
    wanted = set(letter_ids)
    found: set[str] = set()

    def is_wanted(message: AbstractIncomingMessage) -> bool:
        if message.message_id not in wanted:
            return False
        found.add(message.message_id)
        return True

    to_the_end = await _look_through(connection, Queue.DEAD_LETTERS.under(prefix), is_wanted)
    return frozenset(found), to_the_end


async def parked_messages(
    connection: AbstractRobustConnection, prefix: str
) -> tuple[ParkedMessage, ...]:
    """What lies on ``parked``, oldest first; nothing is taken off.

    Raises:
        BrokerUnavailable: the connection was lost.
    """
    seen: list[ParkedMessage] = []

    def note(message: AbstractIncomingMessage) -> bool:
        seen.append(_parked(message))
        return False

    await _look_through(connection, Queue.PARKED.under(prefix), note)
    return tuple(seen)


async def _look_through(
    connection: AbstractRobustConnection,
    queue_name: str,
    takes: Callable[[AbstractIncomingMessage], bool],
) -> bool:
    """Show every message to ``takes``, which says what is taken off; False when there are more."""
    try:
        with own_cancellation_only():
            async with open_channel(connection) as channel:
                queue = await channel.get_queue(queue_name, ensure=False)
                for _ in range(_MOST):
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        message = await queue.get(fail=False, timeout=None)
                    if message is None:
                        return True
                    if takes(message):
                        await message.ack()
                return False
    except ChannelNotFoundEntity:
        return True
    except LOST as error:
        raise BrokerUnavailable(type(error).__name__) from None


def _parked(message: AbstractIncomingMessage) -> ParkedMessage:
    deaths = message.headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    death = first if isinstance(first, dict) else {}
    return ParkedMessage(
        message_id=message.message_id,
        queue=_text(death.get("queue")),
        reason=_text(death.get("reason")),
        bytes=len(message.body),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
