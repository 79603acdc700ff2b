"""Looking through a queue without emptying it: what is not taken off goes back in its order."""

import asyncio
from collections.abc import Awaitable, Callable

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from gateway.adapters.rabbitmq.connection import LOST, open_channel, own_cancellation_only
from gateway.errors import BrokerUnavailable

_MOST = 10_000  # messages looked through in one pass
_ANSWER_SECONDS = 5.0

Takes = Callable[[AbstractIncomingMessage], Awaitable[bool]]
"""Whether a message shall be taken off the queue; what it is needed for is done by then."""


async def look_through(connection: AbstractRobustConnection, queue_name: str, takes: Takes) -> bool:
    """Show every message to ``takes``, oldest first; False when there are more than in one pass.

    All others go back in their order when the channel closes. Two that look through at once
    hide messages from each other: the caller sees to it that there is one at a time.

    Raises:
        BrokerUnavailable: the connection was lost. A message that ``takes`` took may be there
            still.
    """
    try:
        with own_cancellation_only():
            async with open_channel(connection) as channel:
                queue = await channel.get_queue(queue_name, ensure=False)
                for _ in range(_MOST):
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        message = await queue.get(fail=False, timeout=None)
                    if message is None:
                        return True
                    if await takes(message):
                        await message.ack()
                return False
    except ChannelNotFoundEntity:
        return True
    except LOST as error:
        raise BrokerUnavailable(type(error).__name__) from None
