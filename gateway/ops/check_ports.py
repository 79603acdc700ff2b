"""What ``check`` says about the two places where the daemon listens: mail and HTTP."""

import errno
import socket
from collections.abc import Iterator
from typing import Final

from gateway.adapters.smtp_listen_settings import tls_context
from gateway.app import listener_settings
from gateway.config.settings import Settings
from gateway.errors import ConfigurationError
from gateway.ops.check_lines import Line, Mark

LISTENER: Final = "e-postmottak / mail listener"
HTTP: Final = "HTTP"

Address = tuple[socket.AddressFamily, str]

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on


def listening_places(settings: Settings) -> Iterator[Line]:
    """Certificate, hosts and ports, as the daemon will want to have them."""
    runtime = settings.runtime
    http = _resolved(runtime.http_host)
    listener = listener_settings(settings)
    if listener is not None:
        try:
            tls_context(listener)
        except ConfigurationError as error:
            yield Line(Mark.FAULT, LISTENER, error.detail)
        mail = _resolved(listener.host)
        yield _place(LISTENER, listener.host, listener.port, mail)
        if listener.port == runtime.http_port and _overlap(mail, http):
            text = f"listener.port og runtime.http_port er like / are the same: {runtime.http_port}"
            yield Line(Mark.FAULT, LISTENER, text)
    yield _place(HTTP, runtime.http_host, runtime.http_port, http)


def _resolved(host: str) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(
            host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        return ()
    return tuple((family, str(address[0])) for family, _, _, _, address in found)


def _overlap(some: tuple[Address, ...], others: tuple[Address, ...]) -> bool:
    mine, theirs = ({address for _, address in one} for one in (some, others))
    return bool(mine & theirs or (mine | theirs) & _EVERYWHERE)


def _place(what: str, host: str, port: int, addresses: tuple[Address, ...]) -> Line:
    where = f"{host}:{port}"
    if not addresses:
        text = f"{where}: vertsnavnet finnes ikke / the host name is unknown"
        return Line(Mark.FAULT, what, text)
    errors = [error for one in addresses if (error := _bind_error(one, port)) is not None]
    if any(error.errno == errno.EADDRINUSE for error in errors):
        text = (
            f"{where}: porten er i bruk, av meldingstjenesten selv eller en annen / "
            "the port is taken, by the gateway itself or another"
        )
        return Line(Mark.WARNING, what, text)
    if len(errors) == len(addresses):  # one that holds is enough: not every machine has IPv6
        text = f"{where}: kan ikke brukes / cannot be used: {errors[0].strerror}"
        return Line(Mark.FAULT, what, text)
    return Line(Mark.OK, what, f"{where} er ledig / is free")


def _bind_error(address: Address, port: int) -> OSError | None:
    family, host = address
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None
