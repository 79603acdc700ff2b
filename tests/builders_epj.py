"""What EPJs hand in as JSON, for tests; everybody in it is invented."""

import json
from datetime import UTC, datetime
from typing import Any

from gateway.adapters.registers import load_services
from gateway.codecs.document import read_document
from gateway.codecs.epj_json import document_from_json
from gateway.domain.addressbook import AddressBook, Enterprise, Person, Service
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage
from gateway.domain.services import ServiceType, Side

REQUEST_ID = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01"
ANSWER_ID = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a02"
NOW = datetime(2026, 3, 4, 23, 30, 15, 999_000, tzinfo=UTC)
SECRET = "Hemmelig Navnesen"  # stands for whatever an EPJ writes
SERVICES = load_services()


def _enterprise(
    her: int, name: str, rows: list[ServiceType], *, own: bool = False, first: int = 1
) -> Enterprise:
    return Enterprise(
        her=HerId(str(her)),
        name=name,
        orgnr=str(her * 1000),
        own=own,
        edi=f"{her}@edi.invalid",
        services=tuple(
            Service(her=HerId(str(her + number)), type=row, name=row.official)
            for number, row in enumerate(rows, start=first)
        ),
        persons=(Person(her=HerId(str(her + 99)), given="Fast", family="Legesen"),),
    )


def _rows(*codes: str) -> list[ServiceType]:
    return [row for row in SERVICES if row.code in codes]


SENDER_ONLY = ServiceType(
    side=Side.HOSPITAL,
    group="",
    system="8668",
    code="4",
    name="Fellesfaglig avsenderadresse",
    official="Fellesfaglig avsenderadresse",
)
HOSPITAL = _enterprise(910000, "Fjordby sykehus", [*_rows("S0304", "S06"), SENDER_ONLY], own=True)
MUNICIPALITY = _enterprise(920000, "Granvik kommune", _rows("KP02", "KD0501"))
OTHER_MUNICIPALITY = _enterprise(930000, "Lilleby kommune", _rows("KP02"))
BOOK = AddressBook((HOSPITAL, MUNICIPALITY, OTHER_MUNICIPALITY))
"""Hospital 910000 (ours): Barnesykdommer and Blodsykdommer, and one that only sends."""

OUR_HER = next(s.her for s in HOSPITAL.services if s.type.code == "S0304")
THEIR_HER = next(s.her for s in MUNICIPALITY.services if s.type.code == "KP02")


def an_author() -> dict[str, Any]:
    """A nurse who can be called."""
    return {
        "family_name": "Bøe",
        "given_name": "Kari",
        "profession": "SP",
        "phone": "69 00 00 00",
    }


def request_json(**changes: Any) -> dict[str, Any]:
    """A request from the hospital to a municipality; None as a change leaves the field out."""
    return _changed(
        {
            "kind": "request",
            "msg_id": REQUEST_ID,
            "from": OUR_HER,
            "to": THEIR_HER,
            "patient": {
                "family_name": "Åsnes",
                "given_name": "Prøve",
                "date_of_birth": "1950-01-01",
                "sex": "2",
                "idents": [{"type": "FNR", "id": "01815012345"}],
            },
            "author": an_author(),
            "text": "Kan dere ta blodprøve på torsdag?\n\nHilsen Kari Bøe, Blodsykdommer",
        },
        changes,
    )


def answer_json(**changes: Any) -> dict[str, Any]:
    """The hospital's answer to ``builders_message.a_request``."""
    return _changed(
        {
            "kind": "answer",
            "msg_id": ANSWER_ID,
            "reply_to": REQUEST_ID,
            "author": an_author(),
            "text": "Ja, kl. 10.",
        },
        changes,
    )


def encoded(data: dict[str, Any]) -> bytes:
    """As it would stand on the queue."""
    return json.dumps(data, ensure_ascii=False).encode()


def _changed(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = data | {name.rstrip("_"): value for name, value in changes.items()}
    return {name: value for name, value in changed.items() if value is not None}


def made(data: dict[str, Any], *questions: DialogMessage) -> DialogMessage:
    """The document of ``data``, read as the gateway reads every document."""
    document = document_from_json(
        encoded(data), book=BOOK, services=SERVICES, now=NOW, questions_of=lambda _: questions
    )
    return read_document(document).message
