"""The sections for what lies outside: broker, journal, keys, address book, mail."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.addresses import checked_amqp_url
from gateway.config.section import FilePath, Host, Port, Seconds, Section
from gateway.errors import ConfigurationError, Fault
from gateway.secret_files import read_secret_text


class Broker(Section):
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


class JournalSettings(Section):
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


class KeySettings(Section):
    """Our own certificates. Old unsealing keys stay until no mail can use them (84 hours)."""

    signing_key_file: FilePath
    signing_certificate_file: FilePath
    unsealing: tuple["UnsealingKey", ...] = Field(min_length=1)


class UnsealingKey(Section):
    key_file: FilePath
    certificate_file: FilePath


class AddressBookSettings(Section):
    partners_file: FilePath
    services_file: FilePath | None = None  # None: the 59 rows that come with the gateway


class SmtpOut(Section):
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


class SmtpIn(Section):
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


def secret_of(key: str, file: Path) -> str:
    """The secret in the file that the configuration names as ``key``.

    Raises:
        ConfigurationError: it cannot be read, or others can read it; the fault is at ``key``.
    """
    try:
        return read_secret_text(file)
    except ValueError as error:
        raise ConfigurationError(f"{key}: {error}", faults=(Fault(key, str(error)),)) from None
