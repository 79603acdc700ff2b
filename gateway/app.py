"""Composition root: settings -> adapters -> processes; one run from start to drain."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from gateway import PRODUCT, VERSION
from gateway.adapters.cancellation import heed_cancellation
from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import journal_url
from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import Connections, open_connections
from gateway.adapters.rabbitmq.consumer import consume
from gateway.adapters.rabbitmq.notices import remove_notices
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.relay import OutboxRelay
from gateway.adapters.rabbitmq.topology import declare
from gateway.adapters.rabbitmq.waiting import first_of
from gateway.adapters.smtp_listen import SmtpListener
from gateway.adapters.smtp_listen_settings import ListenerSettings, tls_context
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.config.connections import secret_of
from gateway.config.settings import Settings
from gateway.envelopes import require_able_to_sign
from gateway.errors import (
    CannotSign,
    ContentKeyMissing,
    GatewayError,
)
from gateway.office import Office
from gateway.ports import (
    Clock,
    DeadLetter,
    Journal,
    JournalEvent,
    QueueMessage,
)
from gateway.queues import Queue
from gateway.wiring import Processes, wire

log = structlog.get_logger(__name__)

_NOTICES = "notices"  # lease of who looks through ``dead.letters``
_LOOKING_SECONDS = 120.0
SMTP_ACCOUNT = "smtp"  # mail that came to our own listener
Observe = Callable[[Sequence[JournalEvent]], None]


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A running gateway. ``processes`` may be replaced while it runs (reload)."""

    office: Office
    journal: SqlJournal
    connections: Connections
    transport: SmtpTransport
    clock: Clock
    processes: Processes
    swept: asyncio.Event = field(default_factory=asyncio.Event)  # set when a sweep has ended well
    sweep_ended_at: float | None = None  # time of the event loop, however the sweep ended
    _cannot_sign: str | None = None  # why, as it was last told

    def reload(self, office: Office) -> None:
        """Use newly read keys, address book and services from the next message on.

        Messages being handled end with what they began with; nothing is lost.
        What cannot be wired changes nothing.
        """
        self.processes = wire(office, self.journal, self.transport, clock=self.clock)
        self.office = office

    async def run(self, stopping: asyncio.Event, listener: SmtpListener | None) -> None:
        """Run all processes until ``stopping``, then drain within the grace period.

        New work is refused first, what runs is finished, and the relay goes last,
        so that what the others committed is still published.
        """
        runtime = self.office.settings.runtime
        relay_stopping = asyncio.Event()
        prefix = self.office.settings.broker.prefix
        async with (
            Publisher(self.connections.publishing, prefix) as publisher,
            asyncio.TaskGroup() as last,
        ):
            relay = OutboxRelay(outbox=self.journal, publisher=publisher)
            last.create_task(relay.run(relay_stopping), name="relay")
            if listener is not None:
                await listener.start()
            log.info("running", version=VERSION)
            async with asyncio.TaskGroup() as first:
                for queue, handle in self._consumers().items():
                    first.create_task(self._consume(queue, handle, stopping), name=queue)
                first.create_task(self._sweep(stopping), name="sweep")
                await stopping.wait()
                log.info("draining")
                if listener is not None:
                    await listener.stop(runtime.grace_seconds)
            relay_stopping.set()
        log.info("drained")

    def _consumers(self) -> dict[Queue, Callable[[QueueMessage], Awaitable[None]]]:
        # Looked up anew for each message, so that a reload counts from the next one on.
        return {
            Queue.EPJ_OUTGOING: lambda message: self.processes.accept(message),
            Queue.EPJ_CONFIRMATIONS: lambda message: self.processes.confirm(message),
            Queue.TRANSPORT_SEND: lambda message: self.processes.dispatch(message),
            Queue.TRANSPORT_RECEIVED: lambda message: self.processes.receive(message),
        }

    async def _consume(
        self,
        queue: Queue,
        handle: Callable[[QueueMessage], Awaitable[None]],
        stopping: asyncio.Event,
    ) -> None:
        settings = self.office.settings
        await consume(
            self.connections.consuming,
            settings.broker.prefix + queue,
            handle,
            stopping=stopping,
            prefetch=settings.broker.prefetch,
            grace=timedelta(seconds=settings.runtime.grace_seconds),
            # An attempt sends what was signed before.
            ready=self._journal_answers if queue is Queue.TRANSPORT_SEND else self._can_answer,
        )

    async def _journal_answers(self) -> bool:
        await self.journal.measures()
        return True

    async def _can_answer(self) -> bool:
        require_able_to_sign(self.office.keys, self.clock.now())
        return await self._journal_answers()

    def _tell_of_signing(self) -> None:
        """Say once that we cannot sign, and once that we can again."""
        fault = None
        try:
            require_able_to_sign(self.office.keys, self.clock.now())
        except CannotSign as error:
            fault = error.detail
        if fault is not None and fault != self._cannot_sign:
            log.error("cannot_sign", code=CannotSign.code, reason=fault)
        elif fault is None and self._cannot_sign is not None:
            log.info("can_sign_again")
        self._cannot_sign = fault

    async def _sweep(self, stopping: asyncio.Event) -> None:
        """Sweep again and again; a journal that is away is waited for."""
        seconds = self.office.settings.runtime.sweep_seconds
        while not stopping.is_set():
            self._tell_of_signing()
            try:
                await self.processes.sweep()
                await self._remove_stale_notices()
                self.swept.set()
            except GatewayError as error:
                log.warning("sweep_held", code=error.code)
            heed_cancellation()
            self.sweep_ended_at = asyncio.get_running_loop().time()
            await first_of(stopping, seconds=seconds)

    async def _remove_stale_notices(self) -> None:
        async with self.journal.transaction() as tx:
            stale = await tx.letters_with_stale_notice(100)
        if stale:
            await take_off_notices(self.journal, self.connections, self.office.settings, stale)


async def take_off_notices(
    journal: Journal,
    connections: Connections,
    settings: Settings,
    letters: Sequence[DeadLetter],
) -> None:
    """Remove the notices of letters that are closed from ``dead.letters``.

    A letter opened again meanwhile keeps its notice and its mark.
    """
    lease = await journal.acquire_lease(_NOTICES, uuid.uuid4().hex, _LOOKING_SECONDS)
    if lease is None:
        return  # somebody else looks through the queue; the marks stay, and the sweep comes again
    since = {letter.letter_id: letter.since for letter in letters}

    async def is_closed(letter_id: str) -> bool:
        if letter_id not in since:
            return False
        async with journal.transaction() as tx:
            letter = await tx.dead_letter(letter_id)
        return letter is not None and letter.state != "open"

    # A notice that is not on the queue may still be in the outbox: then it is looked for again.
    all_published = not (await journal.measures())["outbox"]
    try:
        found, to_the_end = await remove_notices(
            connections.consuming, settings.broker.prefix, is_closed
        )
    finally:
        await journal.release_lease(lease)
    gone = since.keys() if all_published and to_the_end else found
    async with journal.transaction() as tx:
        for letter_id in gone:
            letter = await tx.dead_letter(letter_id)
            if letter is None or letter.state == "open":
                continue
            if letter.since == since[letter_id]:  # else opened and closed once more meanwhile
                await tx.save_dead_letter(replace(letter, noticed=False))


async def run_gateway(
    office: Office,
    *,
    stopping: asyncio.Event,
    observe: Observe | None = None,
    started: Callable[[Gateway], Awaitable[None]] | None = None,
) -> None:
    """Open everything, run until ``stopping``, close everything.

    Args:
        office: the configuration, read.
        stopping: set it to drain and return.
        observe: told of every journal event after its commit.
        started: called when everything is open, before the first message.

    Raises:
        GatewayError: it cannot start; the code says why.
    """
    settings, clock = office.settings, SystemClock()
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(
            open_journal(
                settings.journal.url,
                keys=office.content_keys,
                clock=clock,
                exclusive=True,
                outbox_lease=timedelta(seconds=settings.journal.lease_seconds),
                observe=observe,
            )
        )
        for key_id in await journal.missing_keys():
            log.error("content_key_missing", code=ContentKeyMissing.code, key=key_id)
        connections = await stack.enter_async_context(
            open_connections(
                settings.broker.url,
                name=f"{PRODUCT} {office.own.her}",
                heartbeat_seconds=settings.broker.heartbeat_seconds,
            )
        )
        await declare(connections.consuming, settings.broker.prefix)
        transport = SmtpTransport(smtp_settings(settings))
        stack.push_async_callback(transport.close)
        gateway = Gateway(
            office=office,
            journal=journal,
            connections=connections,
            transport=transport,
            clock=clock,
            processes=wire(office, journal, transport, clock=clock),
        )
        if started is not None:
            await started(gateway)
        await gateway.run(stopping, _listener(gateway))


def require_secrets(settings: Settings) -> None:
    """Pass only if a start could use the secrets that an office does without.

    They are the journal's address, the mail server's password and the listener's TLS key.

    Raises:
        ConfigurationError: it could not.
    """
    journal_url(settings.journal.url)
    smtp_settings(settings)
    listener = listener_settings(settings)
    if listener is not None:
        tls_context(listener)


def smtp_settings(settings: Settings) -> SmtpSettings:
    """The mail server of the configuration, its password read from the file.

    Raises:
        ConfigurationError: the file cannot be read, or others can read it.
    """
    smtp = settings.smtp
    file = smtp.password_file
    password = None if file is None else secret_of("smtp.password_file", file)
    return SmtpSettings(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        ca_file=smtp.ca_file,
        username=smtp.username,
        password=password,
        timeout_seconds=smtp.timeout_seconds,
        max_connections=smtp.connections,
        max_mail_bytes=settings.limits.mail_bytes,
    )


def listener_settings(settings: Settings) -> ListenerSettings | None:
    """Our own mail listener of the configuration; None where mail comes another way."""
    configured = settings.listener
    if configured is None:
        return None
    return ListenerSettings(
        host=configured.host,
        port=configured.port,
        certificate_file=configured.tls_certificate_file,
        key_file=configured.tls_key_file,
        max_mail_bytes=settings.limits.mail_bytes,
    )


def _listener(gateway: Gateway) -> SmtpListener | None:
    configured = listener_settings(gateway.office.settings)
    if configured is None:
        return None

    async def store(raw: bytes) -> None:
        await gateway.processes.intake(raw, account=SMTP_ACCOUNT)

    return SmtpListener(
        configured,
        own_addresses=lambda: gateway.office.book.own_addresses,
        store=store,
    )
