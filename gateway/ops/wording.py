"""Words for people: events of the trail, error codes, who must act, and local time.

Norwegian first. Codes stand beside the words wherever they are shown, since
they are what dashboards, logs and ``docs/errors.md`` go by.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.findings import Verdict
from gateway.domain.persons import mask_national_numbers
from gateway.errors import GatewayError, InternalFault, Who

_NORWAY: Final = ZoneInfo("Europe/Oslo")

EVENTS: Final[dict[str, str]] = {
    "arrived": "Mottatt",
    "accepted": "Overtatt fra EPJ",
    "rejected": "Avvist, ikke sendt",
    "sent": "Overlevert til transporten",
    "attempt_failed": "Forsøk på overlevering mislyktes",
    "acknowledged": "Bekreftet av mottakers meldingstjener",
    "acknowledged_again": "Bekreftet av mottakers meldingstjener på nytt",
    "refused": "Avvist av mottakers meldingstjener",
    "refused_again": "Avvist av mottakers meldingstjener på nytt",
    "answered": "Applikasjonskvittering mottatt",
    "answered_again": "Applikasjonskvittering mottatt på nytt",
    "answer_late": "Applikasjonskvittering er forsinket",
    "contradicted": "Motstridende kvittering; den første gjelder",
    "orphan": "Kvittering uten kjent melding",
    "bounced": "E-posten kom i retur",
    "signal_answered": "Kvitteringen vår ble besvart med feil",
    "soap_fault": "Mottakers meldingstjener kunne ikke lese e-posten",
    "given_up": "Gitt opp",
    "dead_lettered": "Lagt til manuell oppfølging",
    "replayed": "Forsøkes på nytt etter beslutning",
    "replay_failed": "Nytt forsøk kunne ikke gjøres",
    "replaces": "Ny konvolutt i stedet for en tidligere",
    "replaced_by": "Erstattet av en ny konvolutt",
    "discarded": "Avsluttet etter beslutning",
    "reply_due": "Svaret er ikke kommet etter 3 virkedager",
    "reply_overdue": "Svaret er ikke kommet etter 5 virkedager",
    "replied": "Besvart",
    "thread_closed": "Tråden er avsluttet av en person",
    "content_read": "Innholdet er lest av en person",
    "duplicate": "Samme konvolutt mottatt på nytt",
    "duplicate_document": "Samme melding mottatt i ny konvolutt",
    "message_error": "Avvist med MessageError",
    "refused_to_sender": "Avvist med negativ applikasjonskvittering",
    "stored_for_operator": "Lagret for meldingsansvarlig",
    "handed_to_epj": "Lagt til EPJ",
    "epj_stored": "EPJ har lagret meldingen",
    "epj_refused": "EPJ avviste meldingen",
    "confirmation_late": "Bekreftelse fra EPJ er forsinket",
    "parked_replayed": "Lagt tilbake fra køen parked etter beslutning",
    "parked_discarded": "Tatt av køen parked etter beslutning",
    "not_answered": "EPJ gjentok seg etter avslutning; kvittering kan ikke lages",
    "no_message": "Lest på nytt: ingen egen melding",
}
"""Every event that the processes record."""

_ACTORS: Final = {
    Who.SENDER: "avsender / the sender",
    Who.OPERATOR: "meldingsansvarlig / the operator",
    Who.ADMINISTRATOR: "driftsansvarlig / the administrator",
    Who.PARTNER: "den andre parten / the partner",
}
_VERDICTS: Final = {
    Verdict.PASS: "GODKJENT / pass",
    Verdict.STRIP: "GODKJENT, noe fjernes / strip",
    Verdict.REJECT: "AVVIST / reject",
}
_LEVELS: Final = {"warning": "advarsel", "alarm": "alarm", "critical": "kritisk"}


def event_text(name: str) -> str:
    """The event in Norwegian; its own name for one that is not known here."""
    return EVENTS.get(name, name)


def actor_text(who: Who) -> str:
    """Who must act, in both languages."""
    return _ACTORS[who]


def verdict_text(verdict: Verdict) -> str:
    """The verdict of screening, in both languages."""
    return _VERDICTS[verdict]


def level_text(level: str) -> str:
    """How overdue something is, in both languages."""
    return f"{_LEVELS.get(level, level)} / {level}"


def local_time(at: datetime) -> str:
    """The instant as a Norwegian clock shows it, with its offset (twice 02:30 in October)."""
    return at.astimezone(_NORWAY).strftime("%Y-%m-%d %H:%M:%S%z")


def utc_text(at: datetime | None) -> str | None:
    """The instant for machines."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def on_one_line(text: str) -> str:
    """``text`` without what could break the line or steer a terminal, or name a person.

    Ids and names of a mail are whatever its sender wrote.
    """
    printable = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return mask_national_numbers(printable)


def without_numbers(value: object) -> object:
    """JSON for machines, national numbers masked in every text but the ids.

    An id, told by its name, is left as it is: a command could not find a masked one.
    """
    match value:
        case str():
            return mask_national_numbers(value)
        case dict():
            return {
                key: one if str(key).rpartition("_")[2] == "id" else without_numbers(one)
                for key, one in value.items()
            }
        case list() | tuple():
            return [without_numbers(one) for one in value]
    return value


def error_class(code: str) -> type[GatewayError]:
    """The error that ``code`` stands for; the internal fault when it is none of ours."""
    return next((cls for cls in errors_below(GatewayError) if cls.code == code), InternalFault)


def errors_below(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    """Every kind of ``base``, whatever lies between."""
    for cls in base.__subclasses__():
        yield cls
        yield from errors_below(cls)
