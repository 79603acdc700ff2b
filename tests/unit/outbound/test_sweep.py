"""What is due is moved on, at the instants of design §4, and what was forgotten is found."""

import asyncio

import pytest

from gateway.domain.identifiers import MsgId
from gateway.domain.ledger import Outgoing, State
from gateway.errors import ContentKeyMissing, JournalUnavailable
from gateway.outbound import sweep
from gateway.queues import Queue
from gateway.receipts.dead_letters import DeadLetters
from tests.builders_mails import a_mail, all_said
from tests.builders_offices import LETTER_ID, Offices, a_letter, sums, two_offices
from tests.builders_received import MSG_ID, a_document
from tests.fakes_journal_state import FakeTransaction

OTHER_LETTER = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1c02")


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
    assert [e.detail["level"] for e in late] == ["warning", "alarm", "critical"]


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


# --- mail that lies unread -----------------------------------------------------------------------


async def with_its_acknowledgment_unread() -> Offices:
    """The letter is acknowledged, but the notice of that mail waits in a queue."""
    offices = two_offices()
    offices.hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    assert len(offices.hospital.state.arrivals) == 1
    return offices


async def test_nothing_is_sent_again_or_given_up_while_mail_lies_unread() -> None:
    offices = await with_its_acknowledgment_unread()

    for _ in range(10):
        await offices.pass_time(hours=12)

    assert len(offices.hospital.post.mails) == 1
    assert offices.hospital.events == ["accepted", "sent"]


async def test_waiting_goes_on_when_the_unread_mail_was_read() -> None:
    offices = await with_its_acknowledgment_unread()
    hospital = offices.hospital
    await offices.pass_time(hours=13)
    held, hospital.held, hospital.holding = hospital.held, [], frozenset()
    for notice in held:
        await hospital.handle(notice)
    await offices.settle()

    await offices.pass_time(hours=84)

    assert hospital.events[2:] == ["acknowledged", "unconfirmed", "dead-lettered"]
    assert len(hospital.post.mails) == 1


async def test_mail_of_others_that_lies_unread_only_delays() -> None:
    """The letter was lost on its way; it goes again as soon as the last mail is read."""
    offices = two_offices()
    hospital = offices.hospital
    offices.carry = False
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await hospital.hand_in(a_letter())
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    await offices.pass_time(hours=12)
    held, hospital.held, hospital.holding = hospital.held, [], frozenset()
    for notice in held:
        await hospital.handle(notice)
    await offices.settle()
    letters = [one for one in all_said(hospital) if one.kind == "payload"]

    await offices.pass_time(minutes=11)

    assert len([one for one in all_said(hospital) if one.kind == "payload"]) == len(letters) + 1


async def test_what_was_never_sent_does_not_wait_for_unread_mail() -> None:
    offices = two_offices()
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED, Queue.TRANSPORT_SEND})
    await hospital.take_in(a_mail(a_document()))
    await hospital.hand_in(a_letter())
    await offices.settle()
    hospital.held.clear()  # the queue is lost
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})

    await offices.pass_time(hours=1)

    assert [one.kind for one in all_said(hospital)] == ["payload"]


async def test_a_notice_that_is_lost_again_and_again_comes_ever_more_rarely() -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    hospital.holding = frozenset({"transport.received"})
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    given: list[int] = []

    for minute in range(1, 80):
        before = len(hospital.held)
        await offices.pass_time(minutes=1)
        given += [minute] * (len(hospital.held) - before)

    assert given == [11, 32, 73]  # after more than 10, 20 and 40 minutes


# --- what cannot be moved on ---------------------------------------------------------------------


async def two_letters_sent() -> Offices:
    offices = two_offices()
    offices.carry = False
    for letter_id in (LETTER_ID, OTHER_LETTER):
        await offices.hospital.hand_in(a_letter(letter_id))
    await offices.settle()
    return offices


async def test_one_entry_that_cannot_be_read_keeps_no_other_from_its_due_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its content key is gone: it waits for a person, the other one is given up when it must be."""
    offices = await two_letters_sent()
    hospital = offices.hospital
    lost = (await hospital.outgoing(LETTER_ID)).entry_id
    outgoing = FakeTransaction.outgoing

    async def unreadable(tx: FakeTransaction, entry_id: str) -> Outgoing | None:
        if entry_id == lost:
            raise ContentKeyMissing("key 2025 is not configured")
        return await outgoing(tx, entry_id)

    with monkeypatch.context() as patch:
        patch.setattr(FakeTransaction, "outgoing", unreadable)
        for _ in range(7):
            await offices.pass_time(hours=12)

    assert (await hospital.outgoing(OTHER_LETTER)).state is State.DEAD
    assert {code for _, code in await hospital.letters()} == {"GW-904", "GW-112"}

    for _ in range(2):
        await offices.pass_time(hours=2)

    assert (await hospital.outgoing(LETTER_ID)).state is State.DEAD


async def test_a_fault_of_our_own_in_one_step_leaves_the_others_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offices = await two_letters_sent()
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    hospital.held.clear()  # the notice is lost
    hospital.holding = frozenset()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("01815000036")

    monkeypatch.setattr(DeadLetters, "delivery", broken)
    for _ in range(7):
        await offices.pass_time(hours=12)

    assert len(hospital.delivered) == 1
    letters = await hospital.journal.dead_letters()
    assert {letter.code for letter in letters} == {"GW-999"}
    assert not any("01815000036" in letter.detail for letter in letters)


async def test_what_is_passed_over_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offices = await two_letters_sent()

    async def broken(*_: object) -> None:
        raise ContentKeyMissing("key 2025 is not configured")

    monkeypatch.setattr(DeadLetters, "delivery", broken)
    for _ in range(80):
        await offices.pass_time(hours=1)

    told = [e for e in offices.hospital.state.events if e.name == "dead_lettered"]
    assert [event.code for event in told] == ["GW-904", "GW-904"]


async def test_what_a_person_closed_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    offices = await two_letters_sent()
    hospital = offices.hospital

    async def broken(*_: object) -> None:
        raise ContentKeyMissing("key 2025 is not configured")

    monkeypatch.setattr(DeadLetters, "delivery", broken)
    for _ in range(7):
        await offices.pass_time(hours=12)
    for letter_id, _ in await hospital.letters():
        assert await hospital.discard(letter_id)

    for _ in range(10):
        await offices.pass_time(hours=1)

    assert await hospital.letters() == []


async def test_the_matter_closes_itself_and_a_replay_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The notice of a mail could not be given for a while; then the mail was read and confirmed."""
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    hospital.held.clear()
    hospital.holding = frozenset()

    def broken(*_: object) -> None:
        raise ContentKeyMissing("key 2025 is not configured")

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "arrival_notice", broken)
        await offices.pass_time(minutes=11)
    ((letter_id, _),) = await hospital.letters()

    assert not await hospital.replay(letter_id), "the sweep tries again by itself"
    await offices.pass_time(hours=2)

    assert await hospital.letters() == []
    assert len(hospital.delivered) == 1


async def test_passing_over_undoes_nothing_that_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A receipt that waited for the row is recorded as soon as the failed sweep lets go of it."""
    offices = two_offices()
    hospital, municipality = offices.both
    await hospital.hand_in(a_letter())
    await offices.settle()
    offices.clock.move(hours=97)
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await municipality.confirm(LETTER_ID)
    await offices.settle()
    (notice,) = hospital.held
    waiting: list[asyncio.Task[None]] = []

    async def broken(*_: object) -> None:
        waiting.append(asyncio.create_task(hospital.handle(notice)))
        await asyncio.sleep(0)  # it now waits for its turn
        raise ContentKeyMissing("key 2025 is not configured")

    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, "answer", broken)
        await hospital.processes.sweep()
    await asyncio.gather(*waiting)

    assert (await hospital.outgoing(LETTER_ID)).state is State.CONFIRMED


# --- an EPJ that says nothing --------------------------------------------------------------------


async def never_confirmed() -> Offices:
    offices = two_offices()
    offices.carry = False
    await offices.hospital.take_in(a_mail(a_document()))
    await offices.settle()
    for _ in range(95):
        await offices.pass_time(hours=1)
    assert await offices.hospital.letters() == []
    return offices


async def test_a_message_that_the_epj_never_confirms_is_before_a_person_in_the_end() -> None:
    offices = await never_confirmed()

    for _ in range(72):
        await offices.pass_time(hours=1)

    assert [code for _, code in await offices.hospital.letters()] == ["GW-122"]
    (entry,) = await offices.hospital.incoming(MSG_ID)
    assert (entry.state, entry.overdue) == (State.IN_FLIGHT, "alarm")
    assert entry.due_at is not None, "in flight with a due time"


async def test_a_late_word_of_the_epj_closes_the_matter() -> None:
    offices = await never_confirmed()
    await offices.pass_time(hours=2)

    await offices.hospital.confirm(MSG_ID)
    await offices.settle()

    assert await offices.hospital.letters() == []


async def test_a_silence_that_a_person_has_closed_is_told_no_more() -> None:
    offices = await never_confirmed()
    await offices.pass_time(hours=2)
    ((letter_id, _),) = await offices.hospital.letters()
    await offices.hospital.discard(letter_id)

    for _ in range(48):
        await offices.pass_time(hours=1)

    assert await offices.hospital.letters() == []
    assert (await sums(offices.hospital))[1].in_flight == 1
