"""What is due is moved on, at the instants of design §4, and what was forgotten is found."""

import pytest

from gateway.errors import JournalUnavailable
from tests.builders_mails import a_mail
from tests.builders_offices import LETTER_ID, Offices, a_letter, sums, two_offices
from tests.unit.inbound.test_refusals import MSG_ID, a_document


async def acknowledged() -> Offices:
    """The letter is with the municipality, whose EPJ says nothing."""
    offices = two_offices()
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    return offices


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(20, None), (26, "warning"), (236, "alarm"), (24 * 60 - 4, "critical")],
)
async def test_a_missing_receipt_is_marked_more_seriously_with_time(
    minutes: float, level: str | None
) -> None:
    """GenDate lies 4 min 30 s before the acceptance."""
    offices = await acknowledged()

    await offices.pass_time(minutes=minutes)

    assert (await offices.hospital.outgoing(LETTER_ID)).overdue == level
    assert ("answer_late" in await offices.hospital.trail(LETTER_ID)) == (level is not None)


async def test_each_level_is_told_once() -> None:
    offices = await acknowledged()

    for _ in range(60):
        await offices.pass_time(hours=1)

    late = [e for e in offices.hospital.state.events if e.name == "answer_late"]
    assert [e.detail["level"] for e in late] == ["alarm", "critical"] or [
        e.detail["level"] for e in late
    ] == ["warning", "alarm", "critical"]


async def test_without_a_receipt_in_96_hours_from_gen_date_a_person_is_told() -> None:
    offices = await acknowledged()
    await offices.pass_time(hours=95, minutes=55)
    assert (await sums(offices.hospital))[0].in_flight == 1

    await offices.pass_time(minutes=1)

    assert (await sums(offices.hospital))[0].dead == 1
    assert offices.hospital.events[-2:] == ["unconfirmed", "dead-lettered"]
    assert offices.hospital.last["transport"] == "acknowledged"
    assert offices.hospital.last["reasons"][0]["code"] == "GW-113"


async def test_a_late_receipt_clears_the_alarm() -> None:
    offices = await acknowledged()
    await offices.pass_time(hours=97)

    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()

    assert (await sums(offices.hospital))[0].confirmed == 1
    assert offices.hospital.events[-1] == "confirmed"
    assert await offices.hospital.letters() == []


async def test_what_is_told_to_be_unanswered_is_not_sent_any_more() -> None:
    """A GenDate of yesterday lets the wait for the answer end before the last resend."""
    offices = two_offices()
    offices.carry = False
    document = a_letter().replace(b"2026-03-04T10:15:30", b"2026-03-03T10:25:30")
    await offices.hospital.hand_in(document)
    for _ in range(7):
        await offices.pass_time(hours=12)
    sent = len(offices.hospital.post.mails)
    assert (await sums(offices.hospital))[0].dead == 1
    assert len(await offices.hospital.letters()) == 1

    await offices.pass_time(hours=12)

    assert len(offices.hospital.post.mails) == sent


@pytest.mark.parametrize(("hours", "level"), [(3.9, None), (4, "warning"), (24, "alarm")])
async def test_an_epj_that_does_not_confirm_is_marked(hours: float, level: str | None) -> None:
    offices = await acknowledged()

    await offices.pass_time(hours=hours)

    (entry,) = await offices.municipality.incoming(LETTER_ID)
    assert entry.overdue == level


async def test_a_confirmation_ends_the_mark() -> None:
    offices = await acknowledged()
    await offices.pass_time(hours=30)

    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()

    (entry,) = await offices.municipality.incoming(LETTER_ID)
    assert (entry.overdue, entry.due_at) == (None, None)


async def test_a_lost_order_is_given_again() -> None:
    offices = two_offices()
    offices.hospital.holding = frozenset({"transport.send"})
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    offices.hospital.holding = frozenset()  # and ``held`` is forgotten
    await offices.pass_time(minutes=9)
    assert offices.hospital.post.mails == []

    await offices.pass_time(minutes=1)

    assert len(offices.hospital.post.mails) == 1


async def test_a_lost_notice_is_given_again() -> None:
    offices = two_offices()
    offices.hospital.holding = frozenset({"transport.received"})
    await offices.hospital.take_in(a_mail(a_document()))
    await offices.settle()
    offices.hospital.holding = frozenset()

    await offices.pass_time(minutes=11)

    assert [m.message_id for m in offices.hospital.delivered] == [MSG_ID]


async def test_sweeping_with_nothing_due_changes_nothing() -> None:
    offices = await acknowledged()
    events = len(offices.hospital.state.events)

    moved = await offices.hospital.processes.sweep()

    assert moved == 0
    assert len(offices.hospital.state.events) == events


async def test_a_journal_that_is_away_leaves_everything_as_it_was() -> None:
    offices = await acknowledged()
    offices.clock.move(hours=100)
    offices.hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake
    with pytest.raises(JournalUnavailable):
        await offices.hospital.processes.sweep()
    offices.hospital.journal.refuse_commits = False  # type: ignore[attr-defined]  # the fake
    assert (await sums(offices.hospital))[0].in_flight == 1

    await offices.sweep()

    assert (await sums(offices.hospital))[0].dead == 1


async def test_nothing_open_is_without_a_due_time() -> None:
    """No state may last for ever without somebody being told."""
    offices = await acknowledged()
    for desk in offices.both:
        for delivery in desk.state.deliveries.values():
            assert (delivery.due_at is not None) == delivery.is_open
        for entry in (*desk.state.outgoing.values(), *desk.state.incoming.values()):
            assert entry.due_at is not None


async def test_many_due_at_once_are_all_moved() -> None:
    offices = two_offices()
    offices.hospital.holding = frozenset({"transport.send"})
    for number in range(205):
        await offices.hospital.processes.intake(
            a_mail(b"x")[:50] + str(number).encode(), account="smtp"
        )
    offices.hospital.holding = frozenset({"transport.received"})
    await offices.settle()
    offices.hospital.held.clear()

    offices.clock.move(minutes=11)
    await offices.sweep()

    assert len(offices.hospital.held) == 205
