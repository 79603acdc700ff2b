"""Complete configurations for the demonstration's two parties (design §11).

Hospital 910000 with services 910001–910048, municipality 920000 with
920001–920011, and the neighbour 930000 / 930001, which has no gateway. All of
it is invented. ``run``, ``check``, ``wrap`` and ``open`` take the files as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.adapters.registers import load_services
from gateway.domain.services import ServiceType
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY, NEIGHBOUR, DemoParty, make_demo_keys
from gateway.ops.free_ports import free_ports

DOMAIN: Final = "demo.invalid"
HERS: Final = {HOSPITAL.name: 910000, MUNICIPALITY.name: 920000, NEIGHBOUR.name: 930000}
NEIGHBOUR_HER: Final = "930001"
NEIGHBOUR_SERVICE: Final = ("8663", "KP02", "")
"""What the neighbour's only service, 930001, is: a nursing service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where one party's gateway listens and whom it gives its mail to; all on loopback."""

    listener_port: int
    smtp_port: int
    http_port: int


SEATS: Final = {
    HOSPITAL.name: Seat(listener_port=2525, smtp_port=2526, http_port=9091),
    MUNICIPALITY.name: Seat(listener_port=2526, smtp_port=2525, http_port=9092),
}
"""Without a post office between them each gateway gives its mail to the other's listener."""


def free_seats(*, post_office_port: int | None = None) -> dict[str, Seat]:
    """Seats on ports that are free now, so that several demonstrations can run side by side.

    Args:
        post_office_port: where both give their mail; None lets each give it to the other.
    """
    hospital, municipality, *http = free_ports(4)
    ports = {HOSPITAL.name: hospital, MUNICIPALITY.name: municipality}
    others = {HOSPITAL.name: municipality, MUNICIPALITY.name: hospital}
    return {
        name: Seat(
            listener_port=port,
            smtp_port=post_office_port or others[name],
            http_port=http.pop(),
        )
        for name, port in ports.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waits of a party in seconds. The defaults are the national ones."""

    resend: float = 43_200.0
    max_resends: int = 5
    lifetime: float = 259_200.0
    retry: float = 30.0
    answer: float = 345_600.0
    sweep: float = 15.0


def edi_of(party: DemoParty) -> str:
    """The party's invented EDI address."""
    return f"{party.name}@{DOMAIN}"


def write_demo(
    directory: Path,
    *,
    seats: dict[str, Seat] | None = None,
    pace: Pace | None = None,
    broker_url: str | None = None,
    attachments: dict[str, tuple[str, str]] | None = None,
) -> None:
    """Write keys, address books and ``hospital.toml``, ``municipality.toml`` below ``directory``.

    Args:
        directory: made when absent; keys that stand there are kept.
        seats: ports of both gateways; the fixed ones when None.
        pace: waits; the national ones when None.
        broker_url: RabbitMQ; the local default when None.
        attachments: each party's policy outgoing and incoming; the defaults when None.

    Raises:
        ConfigurationError: the folder cannot be written, or holds a part of a key set.
    """
    make_demo_keys(directory)
    services = load_services()
    for party in (HOSPITAL, MUNICIPALITY):
        book = "\n".join(_address_book(party, services))
        (directory / f"{party.name}-partners.toml").write_text(book, encoding="utf-8")
        seat = (seats or SEATS)[party.name]
        policy = (attachments or {}).get(party.name, ("strip", "reject"))
        settings = _settings(party, seat, pace or Pace(), broker_url, policy)
        (directory / f"{party.name}.toml").write_text(settings, encoding="utf-8")


def _address_book(own: DemoParty, services: Sequence[ServiceType]) -> Iterator[str]:
    yield "# Demonstrasjonens adressebok. Alle HER-id-er, navn og numre er oppdiktet."
    for party in (HOSPITAL, MUNICIPALITY, NEIGHBOUR):
        her = HERS[party.name]
        yield ""
        yield "[[enterprise]]"
        yield f'her = "{her}"'
        yield f'name = "{party.organisation}"'
        yield f'orgnr = "{party.organisation_number}"'
        yield f"own = {'true' if party is own else 'false'}"
        yield f'edi = "{edi_of(party)}"'
        yield f'signing = ["{party.name}-signing.cert.pem"]'
        yield f'sealing = ["{party.name}-sealing.cert.pem"]'
        for number, service in enumerate(_services_of(party, services), start=1):
            yield ""
            yield "[[enterprise.service]]"
            yield f'her = "{her + number}"'
            yield f'system = "{service.system}"'
            yield f'code = "{service.code}"'
            if service.place:
                yield f'place = "{service.place}"'
            yield f'name = "{service.official}"'
    yield ""


def _services_of(party: DemoParty, services: Sequence[ServiceType]) -> list[ServiceType]:
    if party is NEIGHBOUR:
        return [service for service in services if service.key == NEIGHBOUR_SERVICE]
    return [service for service in services if service.side == party.name]


def _settings(
    party: DemoParty,
    seat: Seat,
    pace: Pace,
    broker_url: str | None,
    attachments: tuple[str, str],
) -> str:
    broker = f'url = "{broker_url}"\n' if broker_url is not None else ""
    name = party.name
    return f"""# Demonstrasjon: {party.organisation}. Alt er oppdiktet; bruk det ikke i produksjon.
environment = "test"

[broker]
{broker}prefix = "{name}."

[journal]
path = "{name}.sqlite"
content_key_file = "{name}-content.key"

[keys]
signing_key_file = "{name}-signing.key.pem"
signing_certificate_file = "{name}-signing.cert.pem"

[[keys.unsealing]]
key_file = "{name}-sealing.key.pem"
certificate_file = "{name}-sealing.cert.pem"

[address_book]
partners_file = "{name}-partners.toml"

[smtp]
host = "127.0.0.1"
port = {seat.smtp_port}
security = "none"

[listener]
host = "127.0.0.1"
port = {seat.listener_port}

[outgoing]
attachments = "{attachments[0]}"

[incoming]
attachments = "{attachments[1]}"

[resend]
interval_seconds = {pace.resend}
max_resends = {pace.max_resends}
lifetime_seconds = {pace.lifetime}
retry_first_seconds = {pace.retry}

[answer]
limit_seconds = {pace.answer}

[runtime]
sweep_seconds = {pace.sweep}
http_port = {seat.http_port}
"""
