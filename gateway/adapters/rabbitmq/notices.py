"""The notices of dead letters that are closed, taken off ``dead.letters``."""

from collections.abc import Awaitable, Callable

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

from gateway.adapters.rabbitmq.looking import look_through
from gateway.queues import Queue


async def remove_notices(
    connection: AbstractRobustConnection,
    prefix: str,
    is_closed: Callable[[str], Awaitable[bool]],
) -> tuple[frozenset[str], bool]:
    """Take notices off ``dead.letters``; one caller at a time.

    Args:
        connection: to the broker.
        prefix: of the queue's name.
        is_closed: whether the letter of this id is closed. It is asked when a notice is at
            hand, so that the new notice of a letter that was opened again stays.

    Returns:
        The letters whose notices were removed, and whether the queue was seen to its end.

    Raises:
        BrokerUnavailable: nothing more was removed than what is returned at the next try.
    """
    found: set[str] = set()

    async def is_wanted(message: AbstractIncomingMessage) -> bool:
        if message.message_id is None or not await is_closed(message.message_id):
            return False
        found.add(message.message_id)
        return True

    to_the_end = await look_through(connection, Queue.DEAD_LETTERS.under(prefix), is_wanted)
    return frozenset(found), to_the_end
