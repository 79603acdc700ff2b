"""A gateway that looks as if it ran: journal in memory, connections that can be cut."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

from aio_pika.abc import AbstractRobustConnection

from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import Connections
from gateway.adapters.smtp_send import SmtpTransport
from gateway.app import Gateway
from gateway.config.load import load_settings
from gateway.office import Office, open_office
from gateway.wiring import Processes
from tests.fakes_journal import FakeJournal, HandClock


@dataclass
class FakeConnection:
    """Both sides of a connection as far as health and metrics look at it."""

    connected: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.connected.set()


@dataclass
class Running:
    """The gateway with what a test moves."""

    gateway: Gateway
    journal: FakeJournal
    clock: HandClock
    consuming: FakeConnection
    publishing: FakeConnection


def read_office(folder: Path) -> Office:
    """The hospital of the demonstration."""
    return open_office(load_settings(folder / "hospital.toml", {}))


def a_running_gateway(office: Office) -> Running:
    """All is well until the test changes it."""
    clock = HandClock(office.keys.signing.certificate.not_valid_before_utc + timedelta(days=1))
    journal = FakeJournal(clock)
    consuming, publishing = FakeConnection(), FakeConnection()
    gateway = Gateway(
        office=office,
        journal=cast(SqlJournal, journal),
        connections=Connections(
            cast(AbstractRobustConnection, consuming), cast(AbstractRobustConnection, publishing)
        ),
        transport=cast(SmtpTransport, None),
        clock=clock,
        processes=cast(Processes, None),
    )
    return Running(gateway, journal, clock, consuming, publishing)
