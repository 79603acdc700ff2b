"""Parked, replayed, discarded: nothing is deleted, and every replay has an end (design §4)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.delivery import Purpose, Transport
from gateway.domain.ledger import Side, State
from gateway.errors import TransportRefused
from gateway.outbound.rewrap import Rewrap
from gateway.ports import DeadLetter
from tests.builders_mails import (
    a_mail,
    a_message_error,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_offices import LETTER_ID, MORNING, Desk, Offices, a_letter, sums, two_offices
from tests.builders_received import MSG_ID, a_document


async def given_up(*, carry: bool = False) -> tuple[Offices, Desk, str]:
    """A letter whose mail server refused it for good."""
    offices = two_offices()
    offices.carry = carry
    hospital = offices.hospital
    hospital.post.fault = TransportRefused("550")
    await hospital.hand_in(a_letter())
    await offices.settle()
    hospital.post.fault = None
    ((letter_id, _),) = await hospital.letters()
    return offices, hospital, letter_id


async def sent_in_vain() -> tuple[Offices, Desk, str]:
    """A letter that was sent until its lifetime ended, and nobody answered."""
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()
    for _ in range(8):
        await offices.pass_time(hours=12)
    ((letter_id, _),) = await hospital.letters()
    return offices, hospital, letter_id


async def test_a_dead_letter_keeps_bytes_history_and_cause() -> None:
    _, hospital, letter_id = await given_up()

    entry = await hospital.outgoing(LETTER_ID)
    async with hospital.journal.transaction() as tx:
        assert await tx.document(entry.entry_id) == a_letter()
        assert entry.message_id is not None
        assert await tx.entity(entry.message_id)
    assert letter_id == entry.entry_id
    assert entry.reasons[0].code == "GW-111"
    assert await hospital.trail(LETTER_ID) == [
        "arrived",
        "accepted",
        "attempt_failed",
        "given_up",
        "dead_lettered",
    ]


async def test_its_notice_names_ids_and_codes_only() -> None:
    _, hospital, letter_id = await given_up()

    (notice,) = hospital.notices
    assert set(json.loads(notice.body)) == {"letter_id", "reason", "since"}
    assert set(notice.headers) == {"x-reason", "x-message-id", "x-since"}
    assert notice.headers["x-reason"] == "GW-111"
    assert notice.message_id == letter_id


async def test_within_its_lifetime_a_replay_has_the_same_message_id_and_bytes() -> None:
    offices, hospital, letter_id = await given_up()
    before = await hospital.outgoing(LETTER_ID)

    assert await hospital.replay(letter_id)
    await offices.settle()

    after = await hospital.outgoing(LETTER_ID)
    assert (after.message_id, after.state) == (before.message_id, State.IN_FLIGHT)
    assert kinds_said(hospital) == ["payload"]
    assert "replayed" in hospital.events
    assert await hospital.letters() == []


async def test_within_its_lifetime_a_replay_does_not_prolong_it() -> None:
    offices, hospital, letter_id = await given_up()
    entry = await hospital.outgoing(LETTER_ID)
    assert entry.message_id is not None
    ends = hospital.state.deliveries[entry.message_id].time_to_live
    offices.clock.move(hours=71)

    await hospital.replay(letter_id)
    await offices.settle()
    await offices.pass_time(hours=13)

    assert hospital.state.deliveries[entry.message_id].time_to_live == ends
    assert [code for _, code in await hospital.letters()] == ["GW-112"]
    assert len(hospital.post.mails) == 1


class TestNewEnvelope:
    """After the lifetime of the first one."""

    async def replayed(self, *, carry: bool = False) -> tuple[Offices, Desk, Any, Any]:
        offices, hospital, letter_id = await given_up(carry=carry)
        old = await hospital.outgoing(LETTER_ID)
        offices.clock.move(hours=72)
        assert await hospital.replay(letter_id)
        await offices.settle()
        return offices, hospital, old, await hospital.outgoing(LETTER_ID)

    async def test_it_has_a_new_message_id_around_the_same_document(self) -> None:
        _, hospital, old, new = await self.replayed()

        assert new.message_id != old.message_id
        (mail,) = all_said(hospital)
        assert mail.envelope.header.message_id == new.message_id
        assert mail.envelope.header.conversation_id == old.conversation_id
        assert mail.document() == a_letter()

    async def test_the_link_is_recorded_on_both(self) -> None:
        _, hospital, old, new = await self.replayed()

        delivery = hospital.state.deliveries[new.message_id]
        assert delivery.parent == old.message_id
        links = {
            e.message_id: e.detail["message_id"]
            for e in hospital.state.events
            if "replace" in e.name
        }
        assert links == {old.message_id: new.message_id, new.message_id: old.message_id}
        for any_id in (old.message_id, new.message_id, LETTER_ID):
            trail = await hospital.trail(any_id)
            assert {"replaced_by", "replaces"} <= set(trail)

    async def test_it_has_a_lifetime_and_attempts_of_its_own(self) -> None:
        offices, hospital, _, _ = await self.replayed()

        for _ in range(7):
            await offices.pass_time(hours=12)

        assert len(hospital.post.mails) == 6
        assert [code for _, code in await hospital.letters()] == ["GW-112"]

    async def test_its_receipts_confirm_the_message(self) -> None:
        offices, hospital, _, _ = await self.replayed(carry=True)

        await offices.municipality.confirm(LETTER_ID)
        await offices.settle()

        assert hospital.events[-1] == "confirmed"
        assert (await sums(hospital))[0].confirmed == 1

    async def test_what_still_comes_about_the_first_envelope_stays_in_the_trail(self) -> None:
        offices, hospital, letter_id = await given_up()
        hospital.post.fault = None
        old = await hospital.outgoing(LETTER_ID)
        offices.clock.move(hours=72)
        await hospital.replay(letter_id)
        await offices.settle()
        (mail,) = all_said(hospital)
        assert old.message_id is not None
        about = replace(mail.envelope.header, message_id=old.message_id)

        await hospital.take_in(a_message_error(about))
        await offices.settle()

        assert (await sums(hospital))[0].in_flight == 1
        assert "refused" in await hospital.trail(LETTER_ID)
        assert "refused" not in hospital.events

    async def test_an_unanswered_message_gets_one_too(self) -> None:
        offices = two_offices()
        await offices.hospital.hand_in(a_letter())
        await offices.settle()
        first = await offices.hospital.outgoing(LETTER_ID)
        await offices.pass_time(hours=97)
        ((letter_id, code),) = await offices.hospital.letters()
        assert code == "GW-113"

        await offices.hospital.replay(letter_id)
        await offices.settle()

        second = await offices.hospital.outgoing(LETTER_ID)
        assert first.message_id != second.message_id
        assert second.state is State.IN_FLIGHT
        assert len(offices.municipality.delivered) == 1  # a known document in a new envelope
        assert (await sums(offices.municipality))[1].accepted == 1

    async def test_when_it_cannot_be_made_the_letter_stays_with_the_new_cause(self) -> None:
        offices, hospital, letter_id = await given_up()
        offices.clock.move(days=1200)

        assert not await hospital.replay(letter_id)

        assert await hospital.letters() == [(letter_id, "GW-305")]
        assert (await sums(hospital))[0].dead == 1
        assert "replay_failed" in await hospital.trail(LETTER_ID)

    async def test_when_a_party_has_left_the_letter_stays(self) -> None:
        offices, hospital, letter_id = await given_up()
        offices.clock.move(hours=72)
        decisions = hospital.processes.decisions
        rewrap = decisions.rewrap
        assert isinstance(rewrap, Rewrap)
        own = tuple(e for e in rewrap.book.enterprises if e.own)
        decisions = replace(decisions, rewrap=replace(rewrap, book=AddressBook(enterprises=own)))

        async with hospital.journal.transaction() as tx:
            done = await decisions.replay(tx, letter_id, actor="kari", reason="checked")

        assert not done
        assert await hospital.letters() == [(letter_id, "GW-401")]


class TestReceipts:
    async def unacknowledged(self) -> tuple[Offices, Desk, str]:
        """Our AppRec was sent six times and never acknowledged."""
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await hospital.take_in(a_mail(a_document()))
        await offices.settle()
        await hospital.confirm(MSG_ID)
        await offices.settle()
        for _ in range(7):
            await offices.pass_time(hours=12)
        ((letter_id, code),) = await hospital.letters()
        assert code == "GW-112"
        return offices, hospital, letter_id

    async def test_our_receipt_always_goes_again_as_it_was(self) -> None:
        offices, hospital, letter_id = await self.unacknowledged()
        assert (await sums(hospital))[1].dead == 1

        assert await hospital.replay(letter_id)
        await offices.settle()

        receipts = [one for one in all_said(hospital) if one.kind == "apprec"]
        assert len(receipts) == 7
        assert len({one.mail.soap for one in receipts}) == 1
        assert (await sums(hospital))[1].in_flight == 1
        await offices.pass_time(hours=12)
        assert kinds_said(hospital).count("apprec") == 8

    async def test_a_late_acknowledgment_settles_it(self) -> None:
        offices, hospital, _ = await self.unacknowledged()
        receipt = next(one for one in all_said(hospital) if one.kind == "apprec")

        await hospital.take_in(an_acknowledgment(receipt.envelope, receipt.references))
        await offices.settle()

        assert (await sums(hospital))[1].confirmed == 1
        assert await hospital.letters() == []

    async def test_one_that_was_refused_is_a_letter_and_a_replay_sends_it_again(self) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await hospital.take_in(a_mail(a_document()))
        await offices.settle()
        await hospital.confirm(MSG_ID)
        await offices.settle()
        receipt = next(one for one in all_said(hospital) if one.kind == "apprec")
        await hospital.take_in(a_message_error(receipt.envelope))
        await offices.settle()
        ((letter_id, code),) = await hospital.letters()
        assert code == "GW-117"
        assert (await sums(hospital))[1].dead == 1

        assert await hospital.replay(letter_id)
        await offices.settle()

        assert kinds_said(hospital).count("apprec") == 2
        (delivery,) = (
            d for d in hospital.state.deliveries.values() if d.purpose is Purpose.RECEIPT
        )
        assert (delivery.transport, delivery.due_at is not None) == (Transport.SENT, True)


class TestBytes:
    async def unreadable(self) -> tuple[Offices, Desk, str]:
        offices = two_offices()
        offices.carry = False
        await offices.hospital.take_in(b"not ebXML")
        await offices.settle()
        ((letter_id, _),) = await offices.hospital.letters()
        return offices, offices.hospital, letter_id

    async def test_they_are_read_once_more_and_count_once(self) -> None:
        offices, hospital, letter_id = await self.unreadable()

        assert await hospital.replay(letter_id)
        assert (await sums(hospital))[1].in_flight == 1
        await offices.settle()

        assert await hospital.letters() == [(letter_id, "GW-206")]
        assert (await sums(hospital))[1].accepted == 1
        assert (await sums(hospital))[1].dead == 1

    async def test_a_discard_is_final(self) -> None:
        _, hospital, letter_id = await self.unreadable()

        assert await hospital.discard(letter_id)

        assert (await sums(hospital))[1].discarded == 1
        assert not await hospital.discard(letter_id)
        assert not await hospital.replay(letter_id)
        async with hospital.journal.transaction() as tx:
            assert await tx.raw(letter_id) == b"not ebXML"


async def test_a_discarded_message_is_told_with_where_it_stood() -> None:
    offices, hospital, letter_id = await sent_in_vain()
    before = hospital.last

    await hospital.discard(letter_id)
    await offices.settle()

    assert hospital.events[-1] == "discarded"
    assert (before["transport"], before["attempts"]) == ("given_up", 6)
    assert (hospital.last["transport"], hospital.last["attempts"]) == ("given_up", 6)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_message_is_told_to_be_sent_once_however_often_it_is_wrapped(times: int) -> None:
    offices, hospital, _ = await sent_in_vain()

    for _ in range(times):
        ((letter_id, _),) = await hospital.letters()
        assert await hospital.replay(letter_id)
        await offices.settle()
        await offices.pass_time(hours=97)

    assert len(hospital.state.deliveries) == 1 + times
    assert hospital.events.count("sent") == 1


async def test_a_receipt_that_overtakes_the_second_hand_over_does_not_tell_of_it_again() -> None:
    offices, hospital, letter_id = await sent_in_vain()
    hospital.holding = frozenset({"transport.send"})
    assert await hospital.replay(letter_id)
    await offices.settle()

    await hospital.take_in(an_apprec_mail(an_apprec_document(LETTER_ID)))
    await offices.settle()

    assert hospital.events[-1] == "confirmed"
    assert hospital.events.count("sent") == 1


async def test_a_message_that_was_first_sent_when_wrapped_anew_is_told_to_be_sent() -> None:
    offices, hospital, letter_id = await given_up()
    offices.clock.move(seconds=97 * 3600)
    assert "sent" not in hospital.events

    assert await hospital.replay(letter_id)
    await offices.settle()

    assert hospital.events[-1] == "sent"


async def test_a_discarded_message_is_told_with_person_and_reason() -> None:
    _, hospital, letter_id = await given_up()

    await hospital.discard(letter_id)

    assert hospital.state.outgoing[letter_id].state is State.DISCARDED
    (event,) = (e for e in hospital.state.events if e.name == "discarded")
    assert (event.actor, event.detail["reason"]) == ("kari", "telephoned")


async def test_a_replay_is_told_with_person_and_reason() -> None:
    _, hospital, letter_id = await given_up()

    await hospital.replay(letter_id)

    (event,) = (e for e in hospital.state.events if e.name == "replayed")
    assert (event.actor, event.detail["reason"]) == ("kari", "checked")


@pytest.mark.parametrize("letter_id", ["nobody", ""])
async def test_an_unknown_letter_is_neither_replayed_nor_discarded(letter_id: str) -> None:
    _, hospital, _ = await given_up()

    assert not await hospital.replay(letter_id)
    assert not await hospital.discard(letter_id)


async def test_a_letter_is_replayed_once() -> None:
    offices, hospital, letter_id = await given_up()

    assert await hospital.replay(letter_id)
    assert not await hospital.replay(letter_id)
    await offices.settle()

    assert len(hospital.post.mails) == 1


async def test_a_receipt_between_death_and_replay_leaves_nothing_to_replay() -> None:
    offices, hospital, letter_id = await given_up()
    await hospital.take_in(an_apprec_mail(an_apprec_document(LETTER_ID)))
    await offices.settle()

    assert not await hospital.replay(letter_id)

    assert (await sums(hospital))[0].confirmed == 1


async def test_a_letter_about_a_replaced_envelope_does_not_wrap_the_message_a_third_time() -> None:
    offices, hospital, letter_id = await sent_in_vain()
    given_up_envelope = (await hospital.outgoing(LETTER_ID)).message_id
    assert await hospital.replay(letter_id)
    await offices.settle()
    under_way = await hospital.outgoing(LETTER_ID)
    assert under_way.message_id != given_up_envelope

    assert not await hospital.replay(
        await a_dead_letter(
            hospital, side=Side.OUTGOING, entry=under_way.entry_id, message_id=given_up_envelope
        )
    )
    await offices.settle()

    assert await hospital.outgoing(LETTER_ID) == under_way
    assert len(hospital.state.deliveries) == 2


async def test_a_letter_about_an_arrival_that_went_its_way_delivers_nothing_twice() -> None:
    offices = await confirmed_letter()
    nurses = offices.municipality
    (delivered,) = await nurses.incoming(LETTER_ID)
    assert delivered.state is State.CONFIRMED
    handed_over = len(nurses.delivered)

    assert not await nurses.replay(
        await a_dead_letter(
            nurses, side=Side.INCOMING, entry=delivered.entry_id, arrival_id=delivered.arrival_id
        )
    )
    await offices.settle()

    assert await nurses.incoming(LETTER_ID) == [delivered]
    assert len(nurses.delivered) == handed_over


async def confirmed_letter() -> Offices:
    """A letter that was sent, stored at the other end, and confirmed."""
    offices = two_offices()
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()
    return offices


async def a_dead_letter(desk: Desk, *, side: Side, entry: str, **about: Any) -> str:
    """The id of a letter that a slow hand left open after the matter had settled itself."""
    letter = DeadLetter(
        letter_id="late", side=side, code="GW-112", since=MORNING, entry_id=entry, **about
    )
    async with desk.journal.transaction() as tx:
        await desk.processes.letters.letter(tx, letter)
    return letter.letter_id
