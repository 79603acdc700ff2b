"""What we cannot do ourselves ends one mail as a dead letter: before a person, and counted."""

from dataclasses import replace

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer
from gateway.errors import CannotSeal, InternalFault
from gateway.wiring import wire
from tests.builders_mails import a_mail, all_said, an_apprec_mail, kinds_said
from tests.builders_message import a_party
from tests.builders_offices import MUNICIPALITY, Desk, Offices, an_office, sums, two_offices
from tests.builders_received import MSG_ID, a_document
from tests.fakes_journal_state import FakeTransaction

UNKNOWN_SERVICE = a_document(receiver=a_party(enterprise="910000", service="910999"))


def one_office() -> tuple[Offices, Desk]:
    offices = two_offices()
    offices.carry = False
    return offices, offices.hospital


def wired_anew(offices: Offices, **changes: object) -> None:
    """The hospital after its settings have changed, on the journal it had."""
    desk = offices.hospital
    office = replace(desk.office, **changes)  # type: ignore[arg-type]  # checked by replace
    clock, new_id = offices.clock, offices.new_id
    desk.processes = wire(office, desk.journal, desk.post, clock=clock, new_id=new_id)


def without_their_certificates(offices: Offices) -> None:
    """No partner has a certificate that a document could be sealed for."""
    known = offices.hospital.office.book.enterprises
    wired_anew(offices, book=AddressBook(tuple(replace(one, sealing=()) for one in known)))


def without_the_key(offices: Offices) -> None:
    """The key that earlier mail was sealed for has been taken away."""
    wired_anew(offices, keys=an_office(MUNICIPALITY).keys)


@pytest.mark.parametrize("fault", [ZeroDivisionError("01815000036"), InternalFault("no key k1")])
async def test_a_fault_of_our_own_ends_one_mail_that_can_be_read_again(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    offices, hospital = one_office()

    async def broken(transaction: FakeTransaction, arrival_id: str) -> bytes:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(FakeTransaction, "raw", broken)
        await hospital.take_in(a_mail(a_document()))
        await offices.settle()
    ((letter_id, code),) = await hospital.letters()
    (letter,) = await hospital.journal.dead_letters()

    assert code == "GW-999"
    assert "01815000036" not in (letter.detail or "")
    assert (await sums(hospital))[1].dead == 1
    assert hospital.post.mails == []
    assert await hospital.replay(letter_id)
    await offices.settle()
    assert [message.message_id for message in hospital.delivered] == [MSG_ID]
    assert (await sums(hospital))[1].in_flight == 1


class TestRefusalThatCannotBeSealed:
    async def refused(self) -> tuple[Offices, Desk, str]:
        offices, hospital = one_office()
        without_their_certificates(offices)
        await hospital.take_in(a_mail(UNKNOWN_SERVICE))
        await offices.settle()
        wired_anew(offices)
        ((letter_id, code),) = await hospital.letters()
        assert code == "GW-305"
        return offices, hospital, letter_id

    async def test_it_is_dead_and_not_rejected_while_the_sender_does_not_know(self) -> None:
        _, hospital, _ = await self.refused()

        assert (await sums(hospital))[1].dead == 1
        assert kinds_said(hospital) == ["acknowledgment"]
        (entry,) = await hospital.incoming(MSG_ID)
        assert entry.reasons[-1].text_en == CannotSeal.text_en

    async def test_replay_tells_the_sender_when_there_is_a_certificate(self) -> None:
        offices, hospital, letter_id = await self.refused()

        assert await hospital.replay(letter_id)
        await offices.settle()

        assert kinds_said(hospital) == ["acknowledgment", "apprec"]
        assert all_said(hospital)[1].receipt().answer is Answer.REJECTED
        assert (await sums(hospital))[1].rejected == 1
        assert await hospital.letters() == []

    async def test_replay_after_the_key_was_taken_away_is_a_letter_again(self) -> None:
        offices, hospital, letter_id = await self.refused()
        without_the_key(offices)

        assert await hospital.replay(letter_id)
        await offices.settle()

        assert await hospital.letters() == [(letter_id, "GW-303")]
        assert hospital.state.incoming[letter_id].state is State.DEAD
        assert (await sums(hospital))[1].dead == 1
        assert kinds_said(hospital) == ["acknowledgment"]


async def test_a_receipt_read_again_after_the_key_was_taken_away_is_a_letter_again() -> None:
    offices, hospital = one_office()
    await hospital.take_in(an_apprec_mail(b"broken"))
    await offices.settle()
    ((letter_id, _),) = await hospital.letters()
    without_the_key(offices)

    assert await hospital.replay(letter_id)
    await offices.settle()

    assert await hospital.letters() == [(letter_id, "GW-303")]
    assert (await sums(hospital))[1].accepted == 0
    assert kinds_said(hospital) == ["acknowledgment"]
