"""Where our mail server listens, how much it takes, and the certificate it offers TLS with."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.secret_files import read_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """Where to listen and how much to take. STARTTLS is offered when a certificate is given."""

    host: str
    port: int
    hostname: str = "dialog-gateway"  # what we call ourselves in the greeting
    certificate_file: Path | None = None
    key_file: Path | None = None
    require_tls: bool = False
    max_mail_bytes: int = 51_200_000
    max_line_bytes: int = 4_194_304  # some senders put a whole 8bit document on one line
    max_connections: int = 50
    max_bytes_under_way: int = 256_000_000  # of all sessions together, held in memory
    max_messages_per_session: int = 1_000
    timeout_seconds: float = 300.0  # of silence; RFC 5321 §4.5.3.2


def tls_context(settings: ListenerSettings) -> ssl.SSLContext | None:
    """What STARTTLS is offered with; None when it is not.

    Raises:
        ConfigurationError: the certificate or its key cannot be used.
    """
    if settings.certificate_file is None:
        if settings.require_tls:
            raise ConfigurationError("the mail listener demands TLS but has no certificate")
        return None
    if settings.key_file is not None:
        try:
            read_secret(settings.key_file)
        except ValueError as error:
            raise ConfigurationError(f"mail listener, {settings.key_file}: {error}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or "not a certificate and its key"
        raise ConfigurationError(f"mail listener, {settings.certificate_file}: {reason}") from None
    return context
