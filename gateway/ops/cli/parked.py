"""The queue ``parked`` as the commands of ``dead-letters`` need it: looked at, and settled."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway import PRODUCT
from gateway.adapters.clock import SystemClock, new_uuid
from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import Connections, open_connections
from gateway.adapters.rabbitmq.parked import ParkedMessage, parked_messages
from gateway.errors import BrokerUnavailable
from gateway.office import Office
from gateway.ops.parked import Choice, ParkedDesk

_BROKER_SECONDS = 5.0  # a broker that is away must not keep an operator waiting

DoParked = Callable[[ParkedDesk, Sequence[str]], Awaitable[list[ParkedMessage]]]
WhyNot = Callable[[ParkedMessage, str], str | None]


@asynccontextmanager
async def operators_connections(office: Office) -> AsyncIterator[Connections]:
    """The broker, for a command.

    Raises:
        BrokerUnavailable: it does not answer.
    """
    async with open_connections(
        office.settings.broker.url, name=f"{PRODUCT} operator", connect_seconds=_BROKER_SECONDS
    ) as connections:
        yield connections


async def parked_of(office: Office) -> tuple[tuple[ParkedMessage, ...] | None, str | None]:
    """What lies on ``parked``, or None and a note when the broker does not answer."""
    try:
        async with operators_connections(office) as connections:
            prefix = office.settings.broker.prefix
            return await parked_messages(connections.consuming, prefix), None
    except BrokerUnavailable as error:
        return None, _not_read(error)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the parked messages that were meant: why not, or None for done."""

    ends: tuple[tuple[ParkedMessage, str | None], ...] = ()
    note: str | None = None


async def settle(
    office: Office, journal: SqlJournal, choice: Choice, why_not: WhyNot, do: DoParked | None
) -> Settled:
    """Settle the parked messages of ``choice``; only look when ``do`` is None."""
    try:
        async with operators_connections(office) as connections:
            prefix = office.settings.broker.prefix
            seen = await parked_messages(connections.consuming, prefix)
            ends = {one.parked_id: (one, why_not(one, prefix)) for one in seen if choice.holds(one)}
            able = [parked_id for parked_id, (_, why) in ends.items() if why is None]
            if do is not None and able:
                desk = ParkedDesk(
                    journal=journal,
                    connection=connections.consuming,
                    prefix=prefix,
                    clock=SystemClock(),
                    new_id=new_uuid,
                )
                done = {one.parked_id for one in await do(desk, able)}
                for parked_id in set(able) - done:
                    ends[parked_id] = (ends[parked_id][0], "ikke der lenger / gone meanwhile")
            return Settled(tuple(ends.values()))
    except BrokerUnavailable as error:
        return Settled(note=_not_read(error))


def _not_read(error: BrokerUnavailable) -> str:
    return f"{error.code}: køen parked er ikke lest / the queue parked was not read"
