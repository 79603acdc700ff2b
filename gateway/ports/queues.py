"""What goes over a queue, and the outbox it leaves the journal by."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """One delivery from a queue, as the consumer hands it to a process."""

    body: bytes
    content_type: str | None = None
    message_id: str | None = None  # the AMQP property, not an eb:MessageId
    correlation_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    redelivered: bool = False
    retried: bool = False  # the same delivery once more, after a temporary fault in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One row of the outbox: what the relay publishes, persistent and with confirm.

    ``queue`` is the base name without prefix. The body may hold patient content
    (``epj.incoming``); nothing else here ever does.
    """

    outbox_id: str
    queue: str
    body: bytes
    content_type: str
    message_id: str | None = None
    correlation_id: str | None = None
    type: str | None = None
    headers: Mapping[str, str | int | bool] = field(default_factory=dict)


class Outbox(Protocol):
    """The relay's view of the journal. Rows leave it only after the broker's confirm."""

    @property
    def outbox_waiting(self) -> asyncio.Event:
        """Set when rows were committed that nobody has published; ``claim_outbox`` clears it.

        Rows of other instances and of the command line do not set it: look again
        after a second even if it stays clear.
        """

    async def claim_outbox(self, limit: int) -> Sequence[OutboundMessage]:
        """Claim up to ``limit`` rows, oldest first, for the length of the lease.

        Rows that this instance put come at once, rows of others within a second.
        A claim that is neither published nor released falls back when its lease ends,
        so a killed instance loses nothing.
        """

    async def outbox_published(self, ids: Collection[str]) -> None:
        """Delete rows whose publication the broker has confirmed."""

    async def outbox_released(self, messages: Collection[OutboundMessage]) -> None:
        """Give claimed rows back, since their queues did not take them.

        All rows for those queues are left alone for a moment, so that the others get their turn.
        """
