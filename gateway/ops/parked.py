"""What a person does with the queue ``parked``: put messages back, or take them off (design §3).

Nothing is published from here. A message that is put back goes through the
outbox like every other one, and leaves ``parked`` after the journal's commit:
a crash in between leaves it there, and the next try finds that it was done.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from aio_pika.abc import AbstractRobustConnection

from gateway.adapters.rabbitmq.parked import ParkedContent, ParkedMessage, settle_parked
from gateway.domain.identifiers import MessageId
from gateway.errors import LeaseLost
from gateway.ports import Clock, Journal, JournalEvent, NewId, OutboundMessage, Transaction
from gateway.queues import Queue

REPLAYED = "parked_replayed"
DISCARDED = "parked_discarded"

_LOOKING = "parked"  # lease of who settles what lies there
_LOOKING_SECONDS = 120.0
_ENDS = (Queue.PARKED, Queue.DEAD_LETTERS)  # for people: nothing is ever put back there

Decision = Callable[[Transaction, ParkedMessage, ParkedContent], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which parked messages are meant: by their ids, by where they came from, or by both."""

    ids: frozenset[str]
    queue: Queue | None
    prefix: str

    def holds(self, one: ParkedMessage) -> bool:
        """An id is that of the stay on ``parked`` or the AMQP message_id, compared exactly."""
        by_id = not self.ids or bool(self.ids & {one.parked_id, one.message_id})
        return by_id and self.queue in (None, origin(one, self.prefix))


def origin(one: ParkedMessage, prefix: str) -> Queue | None:
    """The queue of ours that a parked message came from, and would go back to."""
    names = {queue.under(prefix): queue for queue in Queue if queue not in _ENDS}
    return None if one.queue is None else names.get(one.queue)


def hindrance_of(one: ParkedMessage, prefix: str) -> str | None:
    """Why a parked message cannot be put back, in words; None when it can."""
    if origin(one, prefix) is not None:
        return None
    return "det er ukjent hvor den kom fra / it is not known where it came from"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedDesk:
    """The operator's hand on ``parked``. Each message is settled in a transaction of its own."""

    journal: Journal
    connection: AbstractRobustConnection
    prefix: str
    clock: Clock
    new_id: NewId

    async def replay(
        self, chosen: Collection[str], *, actor: str, reason: str
    ) -> list[ParkedMessage]:
        """Put messages back on the queues they came from; returns those that left ``parked``.

        Args:
            chosen: their ``parked_id``.

        Raises:
            BrokerUnavailable: what is not returned at the next try has been settled.
            LeaseLost: somebody else settles messages at this moment.
        """

        async def put_back(tx: Transaction, one: ParkedMessage, content: ParkedContent) -> None:
            queue = origin(one, self.prefix)
            assert queue is not None, "chosen without a queue to go back to"
            # As the consumers read a message that does not say what it is.
            usual = "application/xml" if queue is Queue.EPJ_OUTGOING else "application/json"
            await tx.put(
                OutboundMessage(
                    outbox_id=self.new_id(),
                    queue=queue,
                    body=content.body,
                    content_type=content.content_type or usual,
                    message_id=one.message_id,
                    correlation_id=content.correlation_id,
                    type=content.type,
                    headers=content.headers,
                )
            )
            await tx.record(self._event(REPLAYED, one, actor, reason))

        return await self._settle(chosen, put_back)

    async def discard(
        self, chosen: Collection[str], *, actor: str, reason: str
    ) -> list[ParkedMessage]:
        """Take messages off ``parked``; what they held stays in the journal, sealed.

        Args and Raises: as :meth:`replay`.
        """

        async def keep(tx: Transaction, one: ParkedMessage, content: ParkedContent) -> None:
            await tx.add_document(one.parked_id, content.body)
            await tx.record(self._event(DISCARDED, one, actor, reason))

        return await self._settle(chosen, keep)

    async def _settle(self, chosen: Collection[str], decision: Decision) -> list[ParkedMessage]:
        wanted, settled = set(chosen), list[ParkedMessage]()

        async def settle(one: ParkedMessage, content: ParkedContent) -> bool:
            if one.parked_id not in wanted:
                return False
            # Decided already, one way or the other, and the broker went before it had our word.
            trail = await self.journal.trail(one.parked_id)
            if not any(event.name in (REPLAYED, DISCARDED) for event in trail):
                async with self.journal.transaction() as tx:
                    await decision(tx, one, content)
            settled.append(one)
            return True

        lease = await self.journal.acquire_lease(_LOOKING, self.new_id(), _LOOKING_SECONDS)
        if lease is None:
            raise LeaseLost("another operator settles parked messages at this moment")
        try:
            await settle_parked(self.connection, self.prefix, settle)
        finally:
            await self.journal.release_lease(lease)
        return settled

    def _event(self, name: str, one: ParkedMessage, actor: str, reason: str) -> JournalEvent:
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            entry_id=one.parked_id,
            # The AMQP id, for want of another: by it a person will look for the message.
            message_id=None if one.message_id is None else MessageId(one.message_id),
            actor=actor,
            detail={"queue": one.queue, "reason": reason, "cause": one.reason},
        )
