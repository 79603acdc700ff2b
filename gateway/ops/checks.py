"""What ``check`` looks at: one line a thing, and all faults of all of them at once.

Nothing is changed: no queue is declared, no database made, no mail sent. What is
another's to mend, such as a partner's certificate or a mail server that is
down, is a warning: the gateway runs, and waits for it.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from aiosmtplib import SMTP, SMTPException

from gateway.adapters.causes import explained_error
from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import HEAD, current_revision, refuse_unless_current
from gateway.adapters.keys import ContentKey
from gateway.adapters.rabbitmq.connection import open_connections
from gateway.adapters.rabbitmq.topology import inspect
from gateway.adapters.registers import load_address_book, load_services
from gateway.adapters.smtp_send import SmtpTransport
from gateway.app import smtp_settings
from gateway.config.connections import SmtpOut
from gateway.config.load import load_settings
from gateway.config.settings import Settings
from gateway.domain.addressbook import AddressBook
from gateway.domain.services import ServiceType
from gateway.errors import ConfigurationError, ContentKeyMissing, GatewayError
from gateway.office import mixed_environments
from gateway.ops.check_keys import OwnKeyFiles, own_certificates, partners_certificates
from gateway.ops.check_lines import Line, Mark, fault_lines
from gateway.ops.check_ports import listening_places
from gateway.ops.health import too_little_room
from gateway.ports import Clock, ContentKeys

CONNECT_SECONDS: Final = 5.0
_LISTED: Final = 5  # names in one line; more are counted


CONFIGURATION: Final = "konfigurasjon / configuration"
PARTNERS: Final = "adressebok / partners"
JOURNAL: Final = "journal"
BROKER: Final = "RabbitMQ / broker"
TOPOLOGY: Final = "køer / topology"
MAIL_SERVER: Final = "e-posttjener / mail server"


async def check_all(
    path: Path, *, connect_seconds: float = CONNECT_SECONDS, clock: Clock | None = None
) -> AsyncIterator[Line]:
    """Look at everything that the configuration file names, in the order of the report."""
    try:
        settings = load_settings(path)
        smtp_settings(settings)
    except ConfigurationError as error:
        for line in fault_lines(CONFIGURATION, error):
            yield line
        return
    yield Line(Mark.OK, CONFIGURATION, f"{path} ({settings.environment})")
    now = (clock or SystemClock()).now()
    keys = OwnKeyFiles(settings)
    for line in keys.lines:
        yield line
    book, services, found = _read_book(settings)
    for line in (*own_certificates(keys, book, now), *partners_certificates(book, now)):
        yield line
    for line in (*found, *_address_book(book, services)):
        yield line
    for line in await asyncio.to_thread(list, listening_places(settings)):
        yield line
    async for line in _journal(settings, keys.content):
        yield line
    async for line in _broker(settings, connect_seconds):
        yield line
    yield await _mail_server(settings, connect_seconds)


# --- address book --------------------------------------------------------------------------------


def _read_book(
    settings: Settings,
) -> tuple[AddressBook | None, tuple[ServiceType, ...], list[Line]]:
    files = settings.address_book
    services: tuple[ServiceType, ...] = ()
    try:
        services = load_services(files.services_file)
        book = load_address_book(files.partners_file, services)
        mixed = [
            Line(Mark.FAULT, PARTNERS, f"{fault.where}: {fault.detail}")
            for fault in mixed_environments(settings, book)
        ]
        return book, services, mixed
    except ConfigurationError as error:
        return None, services, list(fault_lines(PARTNERS, error))


def _address_book(book: AddressBook | None, services: tuple[ServiceType, ...]) -> Iterator[Line]:
    if book is None:
        return
    own = [one for one in book.enterprises if one.own]
    counts = (len(own), len(book.enterprises) - len(own), len(book.entries))
    text = "{} egne, {} andre virksomheter, {} adresser / {} own, {} other, {} addresses"
    yield Line(Mark.OK, PARTNERS, text.format(*counts, *counts))
    named = {entry.service.type.key for entry in book.entries if entry.service is not None}
    missing = [service.name for service in services if service.key not in named]
    if missing:
        count = f"{len(missing)} av {len(services)}"
        text = f"tjenester uten adresse / services without an address: {count}: {_some(missing)}"
        yield Line(Mark.WARNING, PARTNERS, text)


def _some(names: list[str]) -> str:
    more = f" … (+{len(names) - _LISTED})" if len(names) > _LISTED else ""
    return "; ".join(names[:_LISTED]) + more


# --- journal, broker, mail server ----------------------------------------------------------------


async def _journal(
    settings: Settings, content: tuple[ContentKey, ...] | None
) -> AsyncIterator[Line]:
    path = settings.journal.path
    if (free := too_little_room(path)) is not None:
        megabytes = f"{free // 1_000_000} MB"
        text = f"disken er nesten full / the disk is nearly full: {megabytes}"
        yield Line(Mark.FAULT, JOURNAL, text)
    if path is not None and not path.exists():
        # Opening would make it.
        if os.access(path.parent, os.W_OK | os.X_OK):
            text = f"{path} lages ved første start / is made at the first start"
            yield Line(Mark.OK, JOURNAL, text)
        else:
            text = f"{path.parent} kan ikke skrives / cannot be written"
            yield Line(Mark.FAULT, JOURNAL, text)
        return
    try:
        url = settings.journal.url
        if not (revision := await current_revision(url)):
            yield Line(Mark.OK, JOURNAL, "tom; får skjema ved start / empty; made at start")
            return
        refuse_unless_current(revision)
        if content is None:
            return  # told under keys
        keys = ContentKeys(content[0].key_id, {one.key_id: one.key for one in content})
        async with open_journal(url, keys=keys, clock=SystemClock(), exclusive=False) as journal:
            balanced = (await journal.ledger()).balanced
            missing = await journal.missing_keys()
    except OSError as error:
        yield Line(Mark.FAULT, JOURNAL, f"url_file: {error.strerror}")
    except GatewayError as error:
        yield Line(Mark.FAULT, JOURNAL, f"{error.code} {error.detail}")
    else:
        for key_id in missing:
            text = f"innholdsnøkkel mangler / content key missing: {key_id}"
            yield Line(Mark.FAULT, JOURNAL, f"{ContentKeyMissing.code} {text}")
        if balanced:
            yield Line(Mark.OK, JOURNAL, f"skjema / schema {HEAD}")
        else:
            text = "regnskapet går ikke opp / the ledger does not balance"
            yield Line(Mark.FAULT, JOURNAL, text)


async def _broker(settings: Settings, connect_seconds: float) -> AsyncIterator[Line]:
    prefix = settings.broker.prefix
    try:
        async with open_connections(
            settings.broker.url, name="dialog-gateway check", connect_seconds=connect_seconds
        ) as both:
            yield Line(Mark.OK, BROKER, "svarer / answers")
            report = await inspect(both.consuming, prefix)
    except GatewayError as error:
        yield Line(Mark.FAULT, BROKER, f"{error.code} {error.detail}")
        return
    for fault in report.faults:
        yield Line(Mark.FAULT, TOPOLOGY, f"{fault.where}: {fault.detail}")
    if report.missing:
        names = ", ".join(report.missing)
        yield Line(Mark.OK, TOPOLOGY, f"lages ved start / declared at start: {names}")
    elif not report.faults:
        yield Line(Mark.OK, TOPOLOGY, "alle køer står som de skal / all queues are as they must be")


async def _mail_server(settings: Settings, connect_seconds: float) -> Line:
    smtp = settings.smtp
    where = f"{smtp.host}:{smtp.port}"
    try:
        SmtpTransport(smtp_settings(settings))  # reads the file of authorities
    except ConfigurationError as error:
        return Line(Mark.FAULT, MAIL_SERVER, error.detail)
    try:
        offers_tls = await _greet(smtp, connect_seconds)
    except (SMTPException, OSError) as error:
        text = f"{where} svarer ikke / does not answer: {explained_error(error)}"
        return Line(Mark.WARNING, MAIL_SERVER, text)
    if smtp.security == "starttls" and not offers_tls:
        text = f"{where} tilbyr ikke STARTTLS / does not offer STARTTLS"
        return Line(Mark.WARNING, MAIL_SERVER, text)
    return Line(Mark.OK, MAIL_SERVER, f"{where} svarer / answers")


async def _greet(smtp: SmtpOut, seconds: float) -> bool:
    """Connect and say EHLO; returns whether STARTTLS is offered. No login, no mail."""
    tls = ssl.create_default_context(cafile=smtp.ca_file) if smtp.security == "tls" else None
    client = SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.security == "tls",
        start_tls=False,
        tls_context=tls,
        timeout=seconds,
    )
    try:
        await client.connect()
        await client.ehlo()
        offers_tls = client.supports_extension("starttls")
        await client.quit()
        return offers_tls
    finally:
        client.close()
