"""A message with several receivers of ours ends when the last of them was heard (design §4)."""

import pytest

from gateway.domain.addressbook import Entry
from gateway.domain.ledger import Incoming, State
from gateway.errors import TransportRefused
from gateway.receipts.settling import word_letter_id
from tests.builders_mails import Said, a_mail, a_message_error
from tests.builders_offices import WARD, Desk, Offices, sums
from tests.builders_received import MSG_ID
from tests.unit.inbound.test_several_receivers import (
    SECOND,
    apprecs,
    at_the_hospital,
    confirm,
    envelope,
    heard,
    to_wards,
)


async def both_refused_by_the_post() -> tuple[Offices, Desk]:
    """Both have spoken, and the mail server took neither AppRec."""
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    offices.hospital.post.fault = TransportRefused("550")
    await confirm(offices, WARD, SECOND)
    offices.hospital.post.fault = None
    return offices, offices.hospital


async def state_of(desk: Desk) -> State:
    await sums(desk)
    (entry,) = await desk.incoming(MSG_ID)
    return entry.state


def last_of(desk: Desk) -> Said:
    return apprecs(desk)[-1]


async def test_receipts_that_failed_lie_before_a_person_one_after_the_other() -> None:
    offices, hospital = await both_refused_by_the_post()
    (entry,) = await hospital.incoming(MSG_ID)
    assert await hospital.letters() == [(entry.entry_id, "GW-111")]

    answered = set()
    for _ in range(2):
        assert await state_of(hospital) is State.DEAD
        ((letter_id, _),) = await hospital.letters()
        assert await hospital.replay(letter_id)
        await offices.settle()
        answered.add(last_of(hospital).envelope.header.sender.her)
        await heard(offices, last_of(hospital))

    assert answered == {WARD, SECOND}
    assert await state_of(hospital) is State.CONFIRMED
    assert await hospital.letters() == []


async def test_the_letter_about_one_stays_when_the_other_is_heard() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, WARD)
    first = last_of(hospital)
    hospital.post.fault = TransportRefused("550")
    await confirm(offices, SECOND)
    hospital.post.fault = None
    before = await hospital.letters()

    await heard(offices, first)

    assert await state_of(hospital) is State.DEAD
    assert await hospital.letters() == before
    assert await hospital.replay(before[0][0])
    await offices.settle()
    await heard(offices, last_of(hospital))
    assert await state_of(hospital) is State.CONFIRMED


async def test_a_word_that_comes_while_the_other_receipt_is_dead_is_answered_all_the_same() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    hospital.post.fault = TransportRefused("550")
    await confirm(offices, SECOND)
    hospital.post.fault = None

    await confirm(offices, WARD)

    assert last_of(hospital).envelope.header.sender.her == WARD
    assert await state_of(hospital) is State.DEAD
    assert len(await hospital.letters()) == 1


async def test_after_a_late_acknowledgment_the_wait_for_the_other_s_word_goes_on() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, SECOND)
    for _ in range(7):
        await offices.pass_time(hours=12)
    assert [code for _, code in await hospital.letters()] == ["GW-112"]

    await heard(offices, last_of(hospital))

    assert await hospital.letters() == []
    (entry,) = await hospital.incoming(MSG_ID)
    assert (entry.state, entry.due_at) == (State.IN_FLIGHT, offices.clock.instant)
    await offices.pass_time(minutes=1)
    assert "confirmation_late" in await hospital.trail(MSG_ID)


async def test_a_receipt_answered_by_a_message_error_is_an_operator_s_matter() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, WARD, SECOND)
    first, second = apprecs(hospital)

    await hospital.take_in(a_message_error(first.envelope.header))
    await offices.settle()
    await heard(offices, second)

    assert await state_of(hospital) is State.DEAD
    assert [code for _, code in await hospital.letters()] == ["GW-117"]


async def test_words_that_cannot_be_answered_are_kept_for_each_receiver() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    now = offices.clock.instant
    offices.clock.move(days=1200)  # no certificate to seal for is valid any more
    await confirm(offices, WARD, SECOND, outcome="refused")
    (entry,) = await hospital.incoming(MSG_ID)
    letters = await hospital.letters()
    assert {letter_id for letter_id, _ in letters} == {
        f"{entry.entry_id}/{WARD}",
        f"{entry.entry_id}/{SECOND}",
    }
    assert await state_of(hospital) is State.DEAD

    offices.clock.instant = now
    for letter_id, _ in letters:
        assert await hospital.replay(letter_id)
        await offices.settle()

    assert await hospital.letters() == []
    assert {one.envelope.header.sender.her for one in apprecs(hospital)} == {WARD, SECOND}
    assert await state_of(hospital) is State.REJECTED


async def test_the_letter_about_a_word_is_not_lost_under_that_of_the_other_receiver() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, SECOND)
    (second,) = apprecs(hospital)
    now = offices.clock.instant
    offices.clock.move(days=1200)  # no certificate to seal for is valid any more
    await confirm(offices, WARD)
    offices.clock.instant = now
    await hospital.take_in(a_message_error(second.envelope))
    await offices.settle()
    letters = [letter_id for letter_id, _ in await hospital.letters()]
    assert len(letters) == 2

    for letter_id in letters:
        assert await hospital.replay(letter_id)
        await offices.settle()
    answered = {one.envelope.header.sender.her: one for one in apprecs(hospital)}
    for one in answered.values():
        await heard(offices, one)

    assert answered.keys() == {WARD, SECOND}
    assert await state_of(hospital) is State.CONFIRMED
    assert await hospital.letters() == []


async def a_letter_about_each(monkeypatch: pytest.MonkeyPatch) -> tuple[Offices, Incoming]:
    """One AppRec was refused by the mail server, and the other cannot be sealed."""
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    hospital.post.fault = TransportRefused("550")
    await confirm(offices, SECOND)
    hospital.post.fault = None
    with monkeypatch.context() as patch:
        patch.setattr(Entry, "sealing", ())
        await confirm(offices, WARD)
    (entry,) = await hospital.incoming(MSG_ID)
    assert {letter_id for letter_id, _ in await hospital.letters()} == {
        entry.entry_id,
        f"{entry.entry_id}/{WARD}",
    }
    return offices, entry


@pytest.mark.parametrize("first", ["the receipt", "the word"])
async def test_a_message_is_dead_while_one_of_its_letters_is_open(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offices, entry = await a_letter_about_each(monkeypatch)
    hospital = offices.hospital
    letters = [entry.entry_id, word_letter_id(entry, WARD)]
    if first == "the word":
        letters.reverse()

    assert await hospital.replay(letters[0])
    await offices.settle()
    assert await state_of(hospital) is State.DEAD
    assert await hospital.replay(letters[1])
    await offices.settle()

    for one in apprecs(hospital):
        await heard(offices, one)
    assert await state_of(hospital) is State.CONFIRMED
    assert await hospital.letters() == []


@pytest.mark.parametrize("first", ["the receipt", "the word"])
async def test_the_discard_of_the_last_letter_ends_a_message(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offices, entry = await a_letter_about_each(monkeypatch)
    hospital = offices.hospital
    letters = [entry.entry_id, word_letter_id(entry, WARD)]
    if first == "the word":
        letters.reverse()

    assert await hospital.discard(letters[0])
    assert await state_of(hospital) is State.DEAD
    assert await hospital.discard(letters[1])

    assert await state_of(hospital) is State.DISCARDED


async def test_the_discard_of_one_letter_ends_a_message_whose_other_was_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offices, entry = await a_letter_about_each(monkeypatch)
    hospital = offices.hospital
    assert await hospital.replay(entry.entry_id)
    await offices.settle()

    assert await hospital.discard(word_letter_id(entry, WARD))
    await heard(offices, last_of(hospital))

    assert await state_of(hospital) is State.DISCARDED


@pytest.mark.parametrize("discarded", ["the receipt", "the word"])
async def test_a_discard_counts_when_the_other_letter_is_replayed_after_it(
    discarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offices, entry = await a_letter_about_each(monkeypatch)
    hospital = offices.hospital
    letters = [entry.entry_id, word_letter_id(entry, WARD)]
    if discarded == "the word":
        letters.reverse()
    assert await hospital.discard(letters[0])
    if discarded == "the word":
        with monkeypatch.context() as patch:
            patch.setattr(Entry, "sealing", ())
            await confirm(offices, WARD)  # once more, and as little as before

    assert await hospital.replay(letters[1])
    await offices.settle()
    assert await state_of(hospital) is State.IN_FLIGHT
    await heard(offices, last_of(hospital))

    assert await state_of(hospital) is State.DISCARDED
    assert await hospital.letters() == []


async def test_a_receipt_that_fails_again_beside_the_other_s_letter_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offices, entry = await a_letter_about_each(monkeypatch)
    hospital = offices.hospital
    before = await hospital.letters()
    hospital.post.fault = TransportRefused("550")

    assert await hospital.replay(entry.entry_id)
    await offices.settle()

    assert sorted(await hospital.letters()) == sorted(before)
    assert await state_of(hospital) is State.DEAD


async def test_saying_it_again_settles_a_word_that_could_not_be_answered() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    now = offices.clock.instant
    offices.clock.move(days=1200)
    await confirm(offices, WARD, SECOND)
    offices.clock.instant = now

    await confirm(offices, SECOND)
    assert await state_of(hospital) is State.DEAD
    assert len(await hospital.letters()) == 1
    await confirm(offices, WARD)

    assert await hospital.letters() == []
    for one in apprecs(hospital):
        await heard(offices, one)
    assert await state_of(hospital) is State.CONFIRMED


async def test_what_a_person_has_closed_stays_closed() -> None:
    offices, hospital = await both_refused_by_the_post()
    ((letter_id, _),) = await hospital.letters()
    assert await hospital.discard(letter_id)
    assert await state_of(hospital) is State.DISCARDED

    await at_the_hospital(a_mail(to_wards(SECOND), envelope(SECOND)), offices=offices)
    for one in apprecs(hospital):
        await heard(offices, one)

    assert await state_of(hospital) is State.DISCARDED


async def test_a_question_counts_from_the_first_that_took_it_in() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, WARD, outcome="refused")
    offices.clock.move(hours=1)
    await confirm(offices, SECOND)

    (turn,) = await hospital.journal.open_questions()
    assert turn.counted_from == offices.clock.instant


async def test_a_question_that_all_refused_waits_for_no_answer() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    await confirm(offices, WARD, outcome="refused")
    assert len(await offices.hospital.journal.open_questions()) == 1

    await confirm(offices, SECOND, outcome="refused")

    assert list(await offices.hospital.journal.open_questions()) == []
