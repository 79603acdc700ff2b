"""Our own signing certificate may not sign: all that must be signed waits, and nothing is lost."""

from datetime import timedelta

import pytest

from gateway.domain.delivery import Purpose
from gateway.errors import CannotSign
from gateway.inbound.receive import MOST_CRASHES
from gateway.queues import Queue
from gateway.wiring import wire
from tests.builders_mails import a_mail, kinds_said
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MORNING,
    MUNICIPALITY,
    Desk,
    Offices,
    a_letter,
    an_office,
    signing_within,
    sums,
    two_offices,
)
from tests.builders_received import MSG_ID, a_document

DAY = timedelta(days=1)
OUTSIDE = {
    "expired": (MORNING - 2 * DAY, MORNING - DAY),
    "not yet valid": (MORNING + DAY, MORNING + 2 * DAY),
}


@pytest.fixture(params=OUTSIDE)
def offices(request: pytest.FixtureRequest) -> Offices:
    """Both offices; the hospital cannot sign."""
    unable = signing_within(an_office(HOSPITAL), *OUTSIDE[request.param])
    offices = two_offices(rooms={HOSPITAL: unable, MUNICIPALITY: an_office(MUNICIPALITY)})
    offices.carry = False
    return offices


def reload(offices: Offices, desk: Desk) -> None:
    """What SIGHUP does once the valid pair is in its place."""
    office = an_office(desk.name)
    desk.processes = wire(
        office, desk.journal, desk.post, clock=offices.clock, new_id=offices.new_id
    )


async def test_a_message_of_the_epj_waits_until_the_new_pair_is_read(offices: Offices) -> None:
    hospital = offices.hospital

    with pytest.raises(CannotSign):
        await hospital.hand_in(a_letter())
    assert await hospital.trail(LETTER_ID) == []

    reload(offices, hospital)
    await hospital.hand_in(a_letter())
    await offices.settle()
    assert hospital.events == ["accepted", "sent"]


async def test_a_message_of_the_epj_that_needs_no_signature_is_refused_as_ever(
    offices: Offices,
) -> None:
    await offices.hospital.hand_in(b"")
    await offices.settle()

    assert offices.hospital.events == ["rejected"]


async def test_mail_stays_unread_and_is_read_once_we_can_sign(offices: Offices) -> None:
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    [notice] = hospital.held

    # Ever new readers, as after restarts: none of them crashed.
    for _ in range(2 * MOST_CRASHES):
        with pytest.raises(CannotSign):
            await hospital.handle(notice, redelivered=True)
    assert await hospital.incoming(MSG_ID) == []
    assert await hospital.letters() == []
    assert hospital.post.mails == []

    reload(offices, hospital)
    await hospital.handle(notice, redelivered=True)
    await offices.settle()
    assert kinds_said(hospital) == ["acknowledgment"]
    assert len(hospital.delivered) == 1
    assert (await sums(hospital))[1].in_flight == 1


async def test_the_word_of_the_epj_waits_too(offices: Offices) -> None:
    hospital = offices.hospital
    unable = hospital.processes
    reload(offices, hospital)
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()

    hospital.processes = unable
    with pytest.raises(CannotSign):
        await hospital.confirm(MSG_ID)
    assert await hospital.letters() == []

    reload(offices, hospital)
    await hospital.confirm(MSG_ID)
    await offices.settle()
    assert kinds_said(hospital) == ["acknowledgment", "apprec"]


async def test_what_was_signed_before_is_still_sent(offices: Offices) -> None:
    hospital = offices.hospital
    unable = hospital.processes
    reload(offices, hospital)
    await hospital.hand_in(a_letter())

    hospital.processes = unable
    await offices.settle()

    assert [d.purpose for d in hospital.state.deliveries.values()] == [Purpose.MESSAGE]
    assert hospital.events == ["accepted", "sent"]
