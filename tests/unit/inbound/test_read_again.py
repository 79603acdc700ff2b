"""Mail of a partner that was unknown, read once more after the address book was mended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.identifiers import HerId
from gateway.domain.ledger import State
from gateway.errors import JournalUnavailable
from gateway.inbound.receive import MOST_CRASHES
from gateway.ports import QueueMessage
from gateway.queues import Queue
from gateway.wiring import Processes, wire
from tests.builders_mails import (
    a_header,
    a_mail,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MORNING,
    MUNICIPALITY,
    NURSES,
    Desk,
    Offices,
    a_letter,
    an_office,
    require_balance,
    signing_within,
    sums,
    two_offices,
)
from tests.builders_received import MSG_ID, a_document
from tests.fakes_journal_state import FakeTransaction


async def taken_in_before_the_partner_was_known(
    offices: Offices, *mails: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk: Desk = offices.hospital
    by_her = AddressBook.by_her

    def without_nurses(book: AddressBook, her: str) -> Entry | None:
        return None if HerId(her) == NURSES else by_her(book, her)

    with monkeypatch.context() as patch:
        patch.setattr(AddressBook, "by_her", without_nurses)
        for mail in mails:
            await desk.take_in(mail)
            await offices.settle()


async def test_copies_end_when_one_of_them_is_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    mail = a_mail(a_document())
    await taken_in_before_the_partner_was_known(offices, mail, mail, mail, monkeypatch=monkeypatch)
    letters = await hospital.letters()
    assert len(letters) == 3

    for letter_id, _ in letters:
        assert await hospital.replay(letter_id)
        await offices.settle()

    assert [message.message_id for message in hospital.delivered] == [MSG_ID]
    states = sorted(entry.state for entry in hospital.state.incoming.values())
    assert states == [State.DISCARDED, State.DISCARDED, State.IN_FLIGHT]
    assert await hospital.letters() == []
    await require_balance(hospital)


async def test_a_receipt_counted_as_a_message_ends_when_it_is_known_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()
    # Another name of the action hides what it is until it can be opened.
    mail = an_apprec_mail(an_apprec_document(LETTER_ID), action="Apprec")
    await taken_in_before_the_partner_was_known(offices, mail, monkeypatch=monkeypatch)
    ((letter_id, _),) = await hospital.letters()

    assert await hospital.replay(letter_id)
    await offices.settle()

    (entry,) = hospital.state.incoming.values()
    assert entry.state is State.DISCARDED
    assert hospital.events[-1] == "confirmed"
    assert "no_message" in await hospital.trail(entry.entry_id)
    await require_balance(hospital)


async def test_waiting_for_the_journal_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer gives a delivery that came again to its handler until the journal has room."""
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    await hospital.take_in(a_mail(a_document()))
    await offices.settle()
    (row,) = hospital.held
    notice = QueueMessage(body=row.body, content_type=row.content_type, redelivered=True)

    async def full(transaction: FakeTransaction, arrival_id: str) -> bytes:
        raise JournalUnavailable("SQLITE_FULL")

    with monkeypatch.context() as patch:
        patch.setattr(FakeTransaction, "raw", full)
        for retried in (False, *[True] * 2 * MOST_CRASHES):
            with pytest.raises(JournalUnavailable):
                await hospital.processes.receive(replace(notice, retried=retried))

    await hospital.processes.receive(replace(notice, retried=True))
    hospital.holding = frozenset()
    await offices.settle()

    assert [message.message_id for message in hospital.delivered] == [MSG_ID]
    assert await hospital.letters() == []


# --- what has had its answer ---------------------------------------------------------------------


async def acknowledged_before_the_certificate_was_withdrawn(
    offices: Offices, mail: bytes, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A mail before a person, read once more when its signer is in the address book no more."""
    hospital = offices.hospital
    await hospital.take_in(mail)
    await offices.settle()
    ((letter_id, _),) = await hospital.letters()
    monkeypatch.setattr(Entry, "signing", ())
    await hospital.replay(letter_id)
    await offices.settle()
    return letter_id


async def test_a_receipt_that_was_acknowledged_is_not_refused_when_read_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offices = two_offices()
    offices.carry = False

    letter_id = await acknowledged_before_the_certificate_was_withdrawn(
        offices, an_apprec_mail(b"<x/>"), monkeypatch
    )

    assert kinds_said(offices.hospital) == ["acknowledgment"]
    assert await offices.hospital.letters() == [(letter_id, "GW-302")]


async def a_receipt_under_a_key_that_is_missing() -> tuple[Offices, Processes]:
    """The office as it goes on, and its processes once the key has been put right."""
    offices = two_offices()
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()
    mended = hospital.processes
    wrong_key = replace(hospital.office.keys, unsealing=an_office(MUNICIPALITY).keys.unsealing)
    hospital.processes = wire(
        replace(hospital.office, keys=wrong_key),
        hospital.journal,
        hospital.post,
        clock=offices.clock,
        new_id=offices.new_id,
    )
    await offices.municipality.confirm(LETTER_ID)
    await offices.settle()
    return offices, mended


async def test_a_receipt_under_a_missing_key_counts_when_it_is_read_with_the_key() -> None:
    offices, mended = await a_receipt_under_a_key_that_is_missing()
    hospital = offices.hospital
    assert kinds_said(hospital)[-1] == "error"
    ((letter_id, code),) = await hospital.letters()
    assert code == "GW-303"
    hospital.processes = mended

    assert await hospital.replay(letter_id)
    await offices.settle()

    assert (await hospital.outgoing(LETTER_ID)).state is State.CONFIRMED
    assert await hospital.letters() == []
    assert kinds_said(hospital).count("error") == 1
    assert (await sums(hospital))[1].accepted == 0


async def test_a_receipt_read_while_the_key_is_still_missing_stays_before_a_person() -> None:
    offices, _ = await a_receipt_under_a_key_that_is_missing()
    hospital = offices.hospital
    letters = await hospital.letters()

    assert await hospital.replay(letters[0][0])
    await offices.settle()

    assert await hospital.letters() == letters
    assert kinds_said(hospital).count("error") == 1


async def test_a_receipt_that_came_too_late_is_refused_and_lies_before_nobody() -> None:
    offices = two_offices()
    offices.carry = False
    late = offices.clock.now() - timedelta(hours=1)

    await offices.hospital.take_in(an_apprec_mail(an_apprec_document(LETTER_ID), time_to_live=late))
    await offices.settle()

    assert kinds_said(offices.hospital) == ["error"]
    assert await offices.hospital.letters() == []


async def test_a_mail_is_judged_as_of_when_it_came() -> None:
    """The partner's certificate ran out while the broker was away."""
    ours = signing_within(an_office(HOSPITAL), MORNING, MORNING + timedelta(days=2000))
    offices = two_offices(rooms={HOSPITAL: ours, MUNICIPALITY: an_office(MUNICIPALITY)})
    offices.carry = False
    hospital = offices.hospital
    hospital.holding = frozenset({Queue.TRANSPORT_RECEIVED})
    ends = an_office(MUNICIPALITY).keys.signing.certificate.not_valid_after_utc
    offices.clock.move(seconds=(ends - MORNING).total_seconds() - 3600)
    await hospital.take_in(a_mail(a_document(), a_header(timestamp=offices.clock.now())))
    await offices.settle()
    held, hospital.held, hospital.holding = hospital.held, [], frozenset()
    offices.clock.move(hours=2)

    for notice in held:
        await hospital.handle(notice)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment"]
    assert [message.message_id for message in hospital.delivered] == [MSG_ID]
