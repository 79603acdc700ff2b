"""Put one file on ``epj.outgoing``, and follow what becomes of it in the journal."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway import PRODUCT
from gateway.adapters.rabbitmq.connection import open_connections
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.domain.ledger import Outgoing, State
from gateway.errors import JournalUnavailable
from gateway.office import Office
from gateway.ops.journal import opened_journal
from gateway.ports import Journal, OutboundMessage
from gateway.queues import Queue

_LOOK_SECONDS: Final = 0.25
_WORDS: Final = {
    State.CONFIRMED: (0, "Bekreftet", "confirmed"),
    State.REJECTED: (1, "Avvist", "refused"),
    State.DISCARDED: (1, "Avsluttet uten bekreftelse", "discarded"),
    State.DEAD: (3, "Til manuell oppfølging", "dead letter"),
    State.IN_FLIGHT: (3, "Fortsatt åpen", "still open"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One file as it goes on the queue."""

    body: bytes
    content_type: str
    amqp_message_id: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where a message was when the following ended; ``entry`` None: not taken over yet."""

    entry: Outgoing | None = None

    @property
    def exit_code(self) -> int:
        """0 confirmed, 1 refused, 3 still open, a dead letter included."""
        return _WORDS[self._state][0]

    @property
    def text_nb(self) -> str:
        return _WORDS[self._state][1]

    @property
    def text_en(self) -> str:
        return _WORDS[self._state][2]

    @property
    def _state(self) -> State:
        return State.IN_FLIGHT if self.entry is None else self.entry.state


def package_of(body: bytes, *, amqp_message_id: str) -> Package:
    """Make a queue message of a file: JSON when it begins with ``{``, else XML."""
    is_json = body.lstrip()[:1] == b"{"
    return Package(
        body=body,
        content_type="application/json" if is_json else "application/xml",
        amqp_message_id=amqp_message_id,
    )


async def published(office: Office, package: Package) -> None:
    """Publish with confirm.

    Raises:
        BrokerUnavailable, TopologyMismatch: it is not on the queue, or nobody knows.
    """
    settings = office.settings.broker
    async with (
        open_connections(
            settings.url, name=f"{PRODUCT} send", heartbeat_seconds=settings.heartbeat_seconds
        ) as connections,
        Publisher(connections.publishing, settings.prefix) as publisher,
    ):
        await publisher.publish(
            OutboundMessage(
                outbox_id=package.amqp_message_id,
                queue=Queue.EPJ_OUTGOING,
                body=package.body,
                content_type=package.content_type,
                message_id=package.amqp_message_id,
            )
        )


async def follow(
    office: Office, package: Package, *, seconds: float, told: Callable[[Package], None]
) -> Outcome:
    """Publish, call ``told``, and look into the journal until the end or for ``seconds``.

    The journal is opened first: if that fails, nothing has been published.
    """
    async with opened_journal(office) as journal:
        await published(office, package)
        told(package)
        return await followed(journal, package, seconds)


async def followed(journal: Journal, package: Package, seconds: float) -> Outcome:
    """Where a published message is when it leaves the flight, or after ``seconds``."""
    outcome = Outcome()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while outcome.entry is None or outcome.entry.state is State.IN_FLIGHT:
                with suppress(JournalUnavailable):  # busy for a moment; it is published anyway
                    outcome = Outcome(entry=await entry_of(journal, package))
                await asyncio.sleep(_LOOK_SECONDS)
    return outcome


async def entry_of(journal: Journal, package: Package) -> Outgoing | None:
    """The ledger entry of a published message, None as long as it is not taken over.

    The same bytes may have been taken over earlier, under another AMQP message_id.
    """
    entry_ids = {event.entry_id for event in await journal.trail(package.amqp_message_id)}
    async with journal.transaction() as tx:
        for entry_id in entry_ids:
            entry = None if entry_id is None else await tx.outgoing(entry_id)
            if entry is not None and entry.amqp_message_id == package.amqp_message_id:
                return entry
        return await tx.outgoing_by_digest(package.digest)
