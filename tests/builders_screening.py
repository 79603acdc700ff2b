"""Messages, services and address books for the rules; everybody in them is invented."""

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from gateway.domain.addressbook import AddressBook, Enterprise, Entry, Person, Service
from gateway.domain.findings import Direction, Finding, Screening
from gateway.domain.identifiers import HerId
from gateway.domain.message import (
    PERSON_ID_SYSTEM,
    Attachment,
    Carrier,
    Code,
    DialogMessage,
    Ident,
    Party,
    Role,
)
from gateway.domain.message import Person as Patient
from gateway.domain.screening import EpjFacts, ScreeningPolicy, ThreadFacts, screen
from gateway.domain.services import ServiceType, Side
from tests.builders_message import a_party, a_patient, a_question, a_request

OUT, IN = Direction.OUTGOING, Direction.INCOMING
PRODUCTION = ScreeningPolicy()
TEST = ScreeningPolicy(synthetic_allowed=True)
CLEAN_TEXT = (
    "Til behandler ved poliklinikken\n"
    "Viser til epikrise. Skal pasienten fortsette med samme dose?\n"
    "Vennlig hilsen Kari Bøe, sykepleier, Granvik kommune"
)


def _controlled(nine: str) -> str | None:
    weighed = sum(w * int(d) for w, d in zip((3, 7, 6, 1, 8, 9, 4, 5, 2), nine, strict=True))
    ten = f"{nine}{-weighed % 11}"
    if len(ten) > 10:
        return None
    weighed = sum(w * int(d) for w, d in zip((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), ten, strict=True))
    return None if -weighed % 11 == 10 else f"{ten}{-weighed % 11}"


def a_number(six: str) -> str:
    """The first number with right control digits for six digits of date, offsets in place."""
    return next(number for n in range(500) if (number := _controlled(f"{six}{n:03}")))


SYNTHETIC = a_number("018150")  # 1 January 1950, month + 80
SYNTHETIC_LOCAL_HELP = a_number("014150")  # month + 40: an H-nummer
SHARED_HELP = a_number("812345")


def an_ident(number: str, kind: str = "FNR") -> Ident:
    """A patient's Ident with its declared type of 8116."""
    return Ident(id=number, type=Code(value=kind, system=PERSON_ID_SYSTEM))


def a_named_patient(*idents: Ident, **changes: object) -> Patient:
    """A patient with just these idents."""
    patient = replace(a_patient(), idents=idents)
    return replace(patient, **changes)  # type: ignore[arg-type]  # names are checked by replace


def with_text(text: str | None, *, roles: tuple[Role, ...] | None = None) -> DialogMessage:
    """A request with this question, and nothing that any rule remarks on but its text."""
    question = a_question(text)
    if roles is not None:
        question = replace(question, roles=roles)
    return a_clean_request(questions=(question,))


def a_clean_request(**changes: object) -> DialogMessage:
    """A request that no rule has anything to say about, where test numbers are allowed."""
    message = a_request(
        patient=a_named_patient(an_ident(SYNTHETIC)), questions=(a_question(CLEAN_TEXT),)
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # names are checked by replace


def an_attachment_of(carrier: Carrier = Carrier.DOCUMENT) -> Attachment:
    """Something beside the text."""
    return Attachment(
        carrier=carrier, mime="application/pdf", bytes=10, where="/MsgHead/Document[2]/RefDoc"
    )


def at(day: date) -> datetime:
    """Noon of a day, as GenDate."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def outgoing(
    message: DialogMessage,
    policy: ScreeningPolicy = TEST,
    *,
    epj: EpjFacts | None = None,
    thread: ThreadFacts | None = None,
) -> Screening:
    """Screen a message of our EPJ."""
    return screen(message, direction=OUT, policy=policy, epj=epj, thread=thread)


def incoming(
    message: DialogMessage,
    policy: ScreeningPolicy = TEST,
    *,
    epj: EpjFacts | None = None,
    thread: ThreadFacts | None = None,
) -> Screening:
    """Screen a message of a partner."""
    return screen(message, direction=IN, policy=policy, epj=epj, thread=thread)


def of_rule(findings: Iterable[Finding], rule: str) -> list[tuple[str, str]]:
    """Class and code of every finding of one rule."""
    return [(f.cls.value, f.code) for f in findings if f.rule == rule]


# --- services and address books -----------------------------------------------------------------


def _shipped() -> tuple[ServiceType, ...]:
    file = Path(__file__).parents[1] / "config" / "services.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["service"]
    lists = ("aliases", "former")
    return tuple(
        ServiceType(
            **row | {name: tuple(row.get(name, ())) for name in lists} | {"side": Side(row["side"])}
        )
        for row in rows
    )


SERVICES = _shipped()
HOSPITAL_TYPES = tuple(s for s in SERVICES if s.side is Side.HOSPITAL)
MUNICIPAL_TYPES = tuple(s for s in SERVICES if s.side is Side.MUNICIPALITY)
GENERAL_PRACTITIONER = ServiceType(
    side=Side.MUNICIPALITY,
    group="kommune",
    system="8663",
    code="KA01",
    name="Fastlege",
    official="Fastlege, liste uten fast lege",
)


def an_enterprise(her: int, types: Iterable[ServiceType], *, own: bool = False) -> Enterprise:
    """An enterprise whose services have the HER-ids after its own, in the order of ``types``."""
    return Enterprise(
        her=HerId(str(her)),
        name=f"Virksomhet {her}",
        orgnr="",
        own=own,
        edi=f"{her}@edi.invalid",
        sealing=(b"certificate",),
        services=tuple(
            Service(her=HerId(str(her + i)), type=one, name=one.official)
            for i, one in enumerate(types, start=1)
        ),
        persons=(Person(her=HerId(str(her + 99)), given="Ola", family="Lege"),),
    )


def a_book(*, ours: Side = Side.HOSPITAL) -> AddressBook:
    """Hospital 910000 and municipality 920000; ``ours`` is the one this gateway sends for."""
    hospital = an_enterprise(910000, HOSPITAL_TYPES, own=ours is Side.HOSPITAL)
    municipality = an_enterprise(
        920000, (*MUNICIPAL_TYPES, GENERAL_PRACTITIONER), own=ours is Side.MUNICIPALITY
    )
    return AddressBook((hospital, municipality))


def the_entry(book: AddressBook, code: str, place: str = "") -> Entry:
    """The first service of this code (and place) in the book."""
    return next(
        entry
        for entry in book.entries
        if entry.service is not None
        and entry.service.type.code == code
        and entry.service.type.place in (place, place or entry.service.type.place)
    )


def between(sender: Entry, receiver: Entry, message: DialogMessage) -> DialogMessage:
    """The message with these parties."""
    return replace(message, sender=the_party(sender), receiver=the_party(receiver))


def the_party(entry: Entry) -> Party:
    """A party as the book has it."""
    return a_party(
        enterprise=entry.enterprise.her,
        service=entry.her,
        name=entry.name,
        owner=entry.enterprise.name,
    )
