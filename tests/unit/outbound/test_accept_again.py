"""The same message once more, or its MsgId around something else."""

from collections.abc import Callable
from dataclasses import replace

from gateway.codecs.epj_json import JSON_TYPE
from gateway.domain.addressbook import AddressBook, Enterprise
from gateway.domain.identifiers import HerId
from gateway.wiring import wire
from tests.builders_epj import encoded, request_json
from tests.builders_message import a_party
from tests.builders_offices import (
    LETTER_ID,
    NURSES,
    WARD,
    Desk,
    Offices,
    a_letter,
    sums,
    two_offices,
)
from tests.builders_received import broken


def with_book(
    offices: Offices, desk: Desk, changed: Callable[[Enterprise], Enterprise | None]
) -> None:
    """Go on as after a reload of the address book; None leaves an enterprise out."""
    found = (changed(enterprise) for enterprise in desk.office.book.enterprises)
    book = AddressBook(tuple(one for one in found if one is not None))
    office = replace(desk.office, book=book)
    desk.processes = wire(
        office, desk.journal, desk.post, clock=offices.clock, new_id=offices.new_id
    )


def renumbered(enterprise: Enterprise) -> Enterprise:
    """The ward has another HER-id."""
    services = tuple(
        replace(service, her=HerId("910099")) if service.her == WARD else service
        for service in enterprise.services
    )
    return replace(enterprise, services=services)


class TestTheSameAgain:
    async def test_same_bytes_repeat_the_last_status_event(self) -> None:
        offices = two_offices()
        hospital = offices.hospital
        for _ in range(3):
            await hospital.hand_in(a_letter())
            await offices.settle()

        assert hospital.events == [
            "accepted",
            "sent",
            "acknowledged",
            "acknowledged",
            "acknowledged",
        ]
        assert len({event["id"] for event in hospital.status[2:]}) == 1
        assert len(hospital.post.mails) == 1
        assert (await sums(hospital))[0].accepted == 1

    async def test_a_refused_message_repeats_its_refusal(self) -> None:
        offices = two_offices()
        for _ in range(2):
            await offices.hospital.hand_in(broken(a_letter()))
            await offices.settle()

        assert offices.hospital.events == ["rejected", "rejected"]
        assert offices.hospital.status[0] == offices.hospital.status[1]

    async def test_other_bytes_under_the_same_msg_id_are_refused_each_time(self) -> None:
        offices = two_offices()
        hospital = offices.hospital
        await hospital.hand_in(a_letter())
        for _ in range(2):
            await hospital.hand_in(a_letter() + b"<!-- other -->")
        await offices.settle()

        rejected = [e for e in hospital.status if ".rejected." in e["type"]]
        assert len(rejected) == 2
        assert rejected[0] == rejected[1]
        assert rejected[0]["data"]["reasons"][0]["code"] == "EPJ_DUPLICATE"
        assert (await sums(hospital))[0].accepted == 2

    async def test_same_json_repeats_its_event_when_the_partner_has_left_the_book(self) -> None:
        """Delivered again after a restart or a reload: it was sent, and is not rejected."""
        offices = two_offices()
        hospital = offices.hospital
        body = encoded(request_json(**{"from": WARD, "to": NURSES}))
        await hospital.hand_in(body, content_type=JSON_TYPE)
        await offices.settle()
        with_book(offices, hospital, lambda entry: entry if entry.own else None)

        await hospital.hand_in(body, content_type=JSON_TYPE)
        await offices.settle()

        assert hospital.events == ["accepted", "sent", "acknowledged", "acknowledged"]
        assert (await sums(hospital))[0].accepted == 1

    async def test_same_json_is_sent_once_when_its_sender_is_another_by_now(self) -> None:
        offices = two_offices()
        hospital = offices.hospital
        body = encoded(request_json(**{"from": "8668:S0304", "to": NURSES}))
        await hospital.hand_in(body, content_type=JSON_TYPE)
        await offices.settle()
        with_book(offices, hospital, renumbered)

        await hospital.hand_in(body, content_type=JSON_TYPE)
        await offices.settle()

        assert len({event["data"]["message_id"] for event in hospital.status}) == 1
        assert len(offices.municipality.delivered) == 1

    async def test_json_refused_for_want_of_a_receiver_stays_refused(self) -> None:
        """The EPJ was told; corrected, or meant anew, it comes under a new msg_id."""
        offices = two_offices()
        hospital = offices.hospital
        known, body = hospital.processes, encoded(request_json(**{"from": WARD, "to": NURSES}))
        with_book(offices, hospital, lambda entry: entry if entry.own else None)
        await hospital.hand_in(body, content_type=JSON_TYPE)
        hospital.processes = known

        await hospital.hand_in(body, content_type=JSON_TYPE)
        await offices.settle()

        assert hospital.events == ["rejected", "rejected"]
        assert hospital.post.mails == []

    async def test_the_receipt_still_finds_the_message_that_was_sent(self) -> None:
        """A refused copy once took the AppRec of the message and kept it going round for ever."""
        offices = two_offices()
        await offices.hospital.hand_in(a_letter())
        offices.clock.move(seconds=1)
        await offices.hospital.hand_in(a_letter() + b"<!-- other -->")
        await offices.settle()

        await offices.municipality.confirm(LETTER_ID)
        await offices.settle()

        assert offices.hospital.events[-1] == "confirmed"
        assert (await sums(offices.hospital))[0].confirmed == 1
        assert offices.hospital.state.orphans == {}

    async def test_another_sender_may_use_the_same_msg_id(self) -> None:
        offices = two_offices()
        other = a_letter(sender=a_party(enterprise="910000", service="910005"))

        await offices.hospital.hand_in(a_letter())
        await offices.hospital.hand_in(other)
        await offices.settle()

        assert (await sums(offices.hospital))[0].rejected == 0
