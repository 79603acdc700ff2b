"""Mail of a partner that was unknown, read once more after the address book was mended."""

from dataclasses import replace

import pytest

from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.identifiers import HerId
from gateway.domain.ledger import State
from gateway.errors import JournalUnavailable
from gateway.inbound.receive import MOST_CRASHES
from gateway.ports import QueueMessage
from gateway.queues import Queue
from tests.builders_mails import a_mail, an_apprec_document, an_apprec_mail
from tests.builders_offices import (
    LETTER_ID,
    NURSES,
    Desk,
    Offices,
    a_letter,
    require_balance,
    two_offices,
)
from tests.fakes_journal_state import FakeTransaction
from tests.unit.inbound.test_refusals import MSG_ID, a_document


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
