"""Every address of the guideline: found, written to from the other side, and never from its own."""

import pytest

from gateway.domain.addressing import address_incoming, address_outgoing
from gateway.domain.findings import FindingClass
from gateway.domain.routing import resolve
from gateway.domain.services import ServiceType, Side
from tests.builders_offices import HOSPITAL, MUNICIPALITY, an_office, two_offices, written
from tests.builders_screening import (
    HOSPITAL_TYPES,
    MUNICIPAL_TYPES,
    SERVICES,
    a_book,
    a_clean_request,
    an_enterprise,
    between,
    the_entry,
)
from tests.conformance.scenes import a_question_of, desks, receipts_of

SENDER_ONLY = ServiceType(
    side=Side.HOSPITAL,
    group="somatikk",
    system="8668",
    code="4",
    name="Fellesfaglig avsenderadresse",
    official="Fellesfaglig avsenderadresse",
)
WRITES_TO = {Side.HOSPITAL: Side.MUNICIPALITY, Side.MUNICIPALITY: Side.HOSPITAL}
NAMES = {Side.HOSPITAL: HOSPITAL, Side.MUNICIPALITY: MUNICIPALITY}


def address_id(service: ServiceType) -> str:
    """``8668:S0304``, and the place where there are several of a type."""
    return f"{service.code_text} {service.place}".strip()


every_address = pytest.mark.parametrize(
    "service",
    [
        pytest.param(one, id=address_id(one), marks=pytest.mark.proves(address_id(one)))
        for one in SERVICES
    ],
)


def test_there_are_59_addresses_and_each_is_written_in_its_own_way() -> None:
    assert (len(HOSPITAL_TYPES), len(MUNICIPAL_TYPES)) == (48, 11)
    assert len({address_id(one) for one in SERVICES}) == 59


@every_address
def test_an_address_is_found_by_code_and_place_and_by_its_name(service: ServiceType) -> None:
    book = a_book()
    wanted = the_entry(book, service.code, service.place)

    by_code = resolve(address_id(service), book, SERVICES)
    by_name = resolve(service.name, book, SERVICES)
    with_enterprise = resolve(f"{wanted.enterprise.her}/{service.name}", book, SERVICES)

    assert [found.entry for found in (by_code, by_name, with_enterprise)] == [wanted] * 3


@every_address
def test_an_address_is_written_to_from_the_other_side_only(service: ServiceType) -> None:
    theirs = a_book(ours=WRITES_TO[service.side])
    receiver = the_entry(theirs, service.code, service.place)
    sender = next(entry for entry in theirs.entries if entry.own)
    message = between(sender, receiver, a_clean_request())

    allowed = address_outgoing(message, theirs)
    taken_in = address_incoming(
        message, a_book(ours=service.side), from_her=sender.her, to_her=receiver.her
    )

    assert allowed.receiver == receiver
    assert taken_in.receiver is not None
    assert taken_in.receiver.service_code == service.code_text
    for findings in (allowed.findings, taken_in.findings):
        assert FindingClass.REJECT not in {finding.cls for finding in findings}

    ours = a_book(ours=service.side)
    neighbour = next(e for e in ours.entries if e.own and e.her != receiver.her)
    refused = address_outgoing(between(neighbour, receiver, a_clean_request()), ours)
    assert [f.code for f in refused.findings] == ["EPJ_RECEIVER"]


@every_address
async def test_a_message_reaches_the_address_and_is_confirmed_from_it(service: ServiceType) -> None:
    offices = two_offices()
    asker, asked = desks(offices, NAMES[WRITES_TO[service.side]])
    book = an_office(asker.name).book
    receiver = the_entry(book, service.code, service.place)
    message = a_question_of(asker.name)
    sender = book.by_her(message.sender.her or "")
    assert sender is not None
    message = between(sender, receiver, message)

    await asker.hand_in(written(message))
    await offices.settle()
    await asked.confirm(message.msg_id)
    await offices.settle()

    (delivered,) = asked.delivered
    assert delivered.body == written(message)
    assert delivered.headers["x-service-code"] == service.code_text
    assert delivered.headers["x-receiver-her"] == receiver.her
    (receipt,) = receipts_of(asked, asker.name)
    assert receipt.sender.her == receiver.her
    assert asker.events[-1] == "confirmed"
    assert asker.last["service_code"] == service.code_text


@pytest.mark.proves("8668:4", "R-82")
def test_the_common_sender_address_is_never_written_to() -> None:
    """8668 code 4 is only sent from (HIS 1153)."""
    hospital = an_enterprise(910000, (SENDER_ONLY, *HOSPITAL_TYPES))
    municipality = an_enterprise(920000, MUNICIPAL_TYPES, own=True)
    book = type(a_book())((hospital, municipality))
    entry = next(e for e in book.entries if e.service is not None and e.service.type is SENDER_ONLY)
    services = (*SERVICES, SENDER_ONLY)
    message = between(
        next(e for e in book.entries if e.own),
        entry,
        a_clean_request(),
    )

    for written_as in ("8668:4", entry.her, SENDER_ONLY.name, f"910000/{SENDER_ONLY.name}"):
        assert resolve(written_as, book, services).entry is None
    assert [f.code for f in address_outgoing(message, book).findings] == ["EPJ_RECEIVER"]
