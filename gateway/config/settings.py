"""The whole file, and how the daemon itself runs."""

from typing import Literal

from pydantic import Field

from gateway.config.connections import (
    AddressBookSettings,
    Broker,
    JournalSettings,
    KeySettings,
    SmtpIn,
    SmtpOut,
)
from gateway.config.rules import IncomingSettings, OutgoingSettings, RuleSettings
from gateway.config.section import Host, Port, Seconds, Section
from gateway.config.waits import AnswerSettings, ConfirmationSettings, ResendSettings


class Limits(Section):
    """Bounds on foreign input: the defaults are the ceilings."""

    mail_bytes: int = Field(default=51_200_000, ge=1_000, le=51_200_000)
    document_bytes: int = Field(default=35_000_000, ge=1_000, le=35_000_000)
    xml_depth: int = Field(default=100, ge=20, le=100)
    xml_nodes: int = Field(default=200_000, ge=500, le=200_000)


class Runtime(Section):
    """How the daemon runs."""

    sweep_seconds: Seconds = 15.0
    grace_seconds: Seconds = 30.0
    http_host: Host = "127.0.0.1"
    http_port: Port = 9090
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class Settings(Section):
    """The whole file. ``environment`` tells test from production: they never mix."""

    environment: Literal["test", "production"]
    broker: Broker = Broker()
    journal: JournalSettings
    keys: KeySettings
    address_book: AddressBookSettings
    smtp: SmtpOut
    listener: SmtpIn | None = None
    outgoing: OutgoingSettings = OutgoingSettings()
    incoming: IncomingSettings = IncomingSettings()
    rules: RuleSettings = RuleSettings()
    resend: ResendSettings = ResendSettings()
    answer: AnswerSettings = AnswerSettings()
    confirmation: ConfirmationSettings = ConfirmationSettings()
    limits: Limits = Limits()
    runtime: Runtime = Runtime()
