"""Settings: one strict TOML file, environment overrides, secrets only as file paths (design §8).

Everything wrong is reported at once, each fault with its path in the file. No
key turns a security check off: what is not here cannot be configured.
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.addresses import PORTS, checked_amqp_url, checked_host
from gateway.domain.calendar import ReplyTimePolicy
from gateway.domain.resend import AnswerPolicy, ConfirmationPolicy, ResendPolicy
from gateway.domain.rules.catalogue import ADVICE
from gateway.domain.rules.policy import URGENT_TERMS
from gateway.domain.screening import ScreeningPolicy
from gateway.errors import ConfigurationError, Fault
from gateway.secret_files import read_secret_text

ENVIRONMENT_PREFIX = "GATEWAY__"


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else (folder / path.expanduser())


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path; a relative one counts from the folder of the configuration file."""

Host = Annotated[str, AfterValidator(checked_host)]
Port = Annotated[int, Field(ge=PORTS[0], le=PORTS[-1])]
Seconds = Annotated[float, Field(gt=0, le=4 * 366 * 86_400)]  # added to any time, still a date
WorkingDays = Annotated[int, Field(ge=1, le=366)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Broker(_Section):
    """RabbitMQ. The URL holds a password: give it by file or environment in production."""

    url: Annotated[str, AfterValidator(checked_amqp_url)] = Field(
        default="amqp://guest:guest@127.0.0.1:5672/", repr=False
    )
    url_file: FilePath | None = None
    prefix: str = Field(default="", pattern=r"^[a-z0-9_.-]*$", max_length=200)
    prefetch: int = Field(default=16, ge=1, le=65_535)  # 16 bits in the protocol, as the next one
    heartbeat_seconds: int = Field(default=30, ge=1, le=65_535)

    @model_validator(mode="after")
    def _read_url(self) -> Self:
        if self.url_file is None:
            return self
        try:
            url = checked_amqp_url(read_secret_text(self.url_file))
        except ValueError as error:
            raise ValueError(f"url_file: {error}") from None  # our own texts
        object.__setattr__(self, "url", url)
        return self


class JournalSettings(_Section):
    """Where the truth is kept: a SQLite file, or a PostgreSQL URL read from a file."""

    path: FilePath | None = None  # SQLite file; the default journal
    url_file: FilePath | None = None  # PostgreSQL URL with its password
    content_key_file: FilePath
    lease_seconds: Seconds = 60.0

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url_file is None):
            raise ValueError("give exactly one of path (SQLite) and url_file (PostgreSQL)")
        return self

    @property
    def url(self) -> str:
        """The database URL; reads ``url_file`` when that is how it was given.

        Raises:
            ConfigurationError: the file cannot be read, or others can read it.
        """
        if self.path is not None:
            return f"sqlite:///{self.path}"
        assert self.url_file is not None
        return secret_of("journal.url_file", self.url_file)


class KeySettings(_Section):
    """Our own certificates. Old unsealing keys stay until no mail can use them (84 hours)."""

    signing_key_file: FilePath
    signing_certificate_file: FilePath
    unsealing: tuple["UnsealingKey", ...] = Field(min_length=1)


class UnsealingKey(_Section):
    key_file: FilePath
    certificate_file: FilePath


class AddressBookSettings(_Section):
    partners_file: FilePath
    services_file: FilePath | None = None  # None: the 59 rows that come with the gateway


class SmtpOut(_Section):
    """The mail server that takes our mail."""

    host: Host
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: FilePath | None = None
    username: str | None = None
    password_file: FilePath | None = None
    timeout_seconds: Seconds = 60.0
    connections: int = Field(default=4, ge=1, le=1_000)

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together")
        return self


class SmtpIn(_Section):
    """Our own mail listener, for where the mail is handed over by SMTP instead of a mailbox."""

    host: Host = "127.0.0.1"
    port: Port = 2525
    tls_certificate_file: FilePath | None = None
    tls_key_file: FilePath | None = None

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file belong together")
        return self


class OutgoingSettings(_Section):
    attachments: Literal["strip", "reject"] = "strip"


class IncomingSettings(_Section):
    attachments: Literal["strip", "reject"] = "reject"


class RuleSettings(_Section):
    """The decisions that the guideline leaves to the hospital; ``docs/rules.md`` tells each rule.

    Rejections that the standards demand have no switch.
    """

    fhn_is_help_number: bool = True
    hyphen_kinds: bool = False
    dialog_1_1_allowed: bool = False
    deviation_incoming: Literal["follow-up", "reject"] = "follow-up"
    answer_e21: bool = True
    extra_receiver_types: tuple[Annotated[str, Field(pattern=r"^\d{4}:\w+$")], ...] = ()
    child_age_limit: int = Field(default=20, ge=0, le=150)
    odd_pairs: bool = False
    window_months: int = Field(default=12, ge=1, le=120)
    window_outgoing: Literal["advise", "reject"] = "advise"
    remind_after_days: WorkingDays = 3
    overdue_after_days: WorkingDays = 5
    reply_count_from: Literal["receipt", "gen_date"] = "receipt"
    saturdays_count: bool = False
    eves_count: bool = True
    text_limit: PositiveInt = 4_000
    document_length: PositiveInt = 1_000
    urgent_terms: tuple[str, ...] = URGENT_TERMS
    first_line: Literal["several", "place"] = "several"
    author_missing: Literal["advise", "reject"] = "advise"
    author_in_text: bool = False
    abbreviations: tuple[str, ...] = ()
    confirmation_words: NonNegativeInt = 12
    confirmation_only: Literal["advise", "reject"] = "advise"
    advice_off: tuple[str, ...] = ()

    @field_validator("advice_off")
    @classmethod
    def _only_advice(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [rule for rule in rules if rule not in ADVICE]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no remark of this rule can be turned off")
        return rules

    @model_validator(mode="after")
    def _reminder_comes_first(self) -> Self:
        if self.remind_after_days > self.overdue_after_days:
            raise ValueError("remind_after_days must not be above overdue_after_days")
        return self

    def policy(
        self,
        *,
        outgoing_attachments: Literal["strip", "reject"],
        incoming_attachments: Literal["strip", "reject"],
        synthetic_allowed: bool,
    ) -> ScreeningPolicy:
        """The same as the domain knows it, with what other sections decide."""
        reply_time = ReplyTimePolicy(
            remind_after=self.remind_after_days,
            overdue_after=self.overdue_after_days,
            count_from=self.reply_count_from,
            saturdays_count=self.saturdays_count,
            eves_count=self.eves_count,
        )
        return ScreeningPolicy(
            outgoing_attachments=outgoing_attachments,
            incoming_attachments=incoming_attachments,
            synthetic_allowed=synthetic_allowed,
            reply_time=reply_time,
            extra_receiver_types=frozenset(self.extra_receiver_types),
            advice_off=frozenset(self.advice_off),
            **{name: getattr(self, name) for name in _SAME_IN_THE_DOMAIN},
        )


_SAME_IN_THE_DOMAIN = (
    "fhn_is_help_number",
    "hyphen_kinds",
    "dialog_1_1_allowed",
    "deviation_incoming",
    "answer_e21",
    "child_age_limit",
    "odd_pairs",
    "window_months",
    "window_outgoing",
    "text_limit",
    "document_length",
    "urgent_terms",
    "first_line",
    "author_missing",
    "author_in_text",
    "abbreviations",
    "confirmation_words",
    "confirmation_only",
)


class ResendSettings(_Section):
    """HIS 1037 §5.2: 5 resends 12 hours apart, within 72 hours."""

    interval_seconds: Seconds = 43_200.0
    max_resends: int = Field(default=5, ge=0, le=1_000)
    lifetime_seconds: Seconds = 259_200.0
    retry_first_seconds: Seconds = 30.0
    retry_cap_seconds: Seconds = 3_600.0

    def policy(self) -> ResendPolicy:
        """The same as the domain knows it."""
        return ResendPolicy(
            interval=timedelta(seconds=self.interval_seconds),
            max_resends=self.max_resends,
            lifetime=timedelta(seconds=self.lifetime_seconds),
            retry_first=timedelta(seconds=self.retry_first_seconds),
            retry_cap=timedelta(seconds=self.retry_cap_seconds),
        )


class AnswerSettings(_Section):
    """HIS 80415: 96 hours from GenDate; the earlier levels are for the operator."""

    limit_seconds: Seconds = 345_600.0
    warning_seconds: Seconds = 1_800.0
    alarm_seconds: Seconds = 14_400.0
    critical_seconds: Seconds = 86_400.0
    orphan_seconds: Seconds = 86_400.0

    def policy(self) -> AnswerPolicy:
        """The same as the domain knows it."""
        return AnswerPolicy(
            limit=timedelta(seconds=self.limit_seconds),
            warn_after=timedelta(seconds=self.warning_seconds),
            alarm_after=timedelta(seconds=self.alarm_seconds),
            critical_after=timedelta(seconds=self.critical_seconds),
        )

    @property
    def orphan_wait(self) -> timedelta:
        """How long a receipt for something unknown is matched again."""
        return timedelta(seconds=self.orphan_seconds)


class ConfirmationSettings(_Section):
    """How long the EPJ may take to confirm an incoming message."""

    warning_seconds: Seconds = 14_400.0
    alarm_seconds: Seconds = 86_400.0

    def policy(self) -> ConfirmationPolicy:
        """The same as the domain knows it."""
        return ConfirmationPolicy(
            warn_after=timedelta(seconds=self.warning_seconds),
            alarm_after=timedelta(seconds=self.alarm_seconds),
        )


class Limits(_Section):
    """Bounds on foreign input: the defaults are the ceilings."""

    mail_bytes: int = Field(default=51_200_000, ge=1_000, le=51_200_000)
    document_bytes: int = Field(default=35_000_000, ge=1_000, le=35_000_000)
    xml_depth: int = Field(default=100, ge=20, le=100)
    xml_nodes: int = Field(default=200_000, ge=500, le=200_000)


class Runtime(_Section):
    """How the daemon runs."""

    sweep_seconds: Seconds = 15.0
    grace_seconds: Seconds = 30.0
    http_host: Host = "127.0.0.1"
    http_port: Port = 9090
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class Settings(_Section):
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


def secret_of(key: str, file: Path) -> str:
    """The secret in the file that the configuration names as ``key``.

    Raises:
        ConfigurationError: it cannot be read, or others can read it; the fault is at ``key``.
    """
    try:
        return read_secret_text(file)
    except ValueError as error:
        raise ConfigurationError(f"{key}: {error}", faults=(Fault(key, str(error)),)) from None


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read ``path``, apply ``GATEWAY__SECTION__KEY`` overrides, and check all of it.

    Raises:
        ConfigurationError: the file cannot be read, or anything in it is wrong;
            ``faults`` holds every fault with its path. Values are not repeated,
            since some are secrets.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigurationError(
            f"{path}: {reason}", faults=(Fault(str(path), str(reason)),)
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{path}: {error}", faults=(Fault(str(path), f"not TOML: {error}"),)
        ) from None
    faults = _override(raw, os.environ if environment is None else environment)
    try:
        settings = Settings.model_validate(raw, context={"folder": path.resolve().parent})
    except ValidationError as error:
        faults += [
            Fault(
                ".".join(str(step) for step in entry["loc"]) or "file",
                entry["msg"].removeprefix("Value error, "),
            )
            for entry in error.errors(include_input=False, include_url=False)
        ]
    if faults:
        listed = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
        raise ConfigurationError(listed, faults=tuple(faults))
    return settings


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> list[Fault]:
    """Apply the environment to the parsed file; return what does not fit the form."""
    faults = []
    for name, value in sorted(environment.items()):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        steps = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
        if len(steps) > 2 or not all(steps):
            faults.append(Fault(name, "must be GATEWAY__SECTION__KEY"))
            continue
        section = raw
        if len(steps) == 2:
            section = raw.setdefault(steps[0], {})
        if not isinstance(section, dict):
            faults.append(Fault(name, f"{steps[0]} is no section"))
            continue
        section[steps[-1]] = value
    return faults
