"""Rules of the guideline that only the whole way of a message can show."""

import pytest

from gateway.domain.addressing import address_outgoing
from gateway.domain.findings import FindingClass
from gateway.domain.receipt import Answer
from tests.builders_mails import a_header, a_mail, kinds_said
from tests.builders_offices import HOSPITAL, MUNICIPALITY, two_offices, written
from tests.builders_received import a_document
from tests.builders_screening import (
    MUNICIPAL_TYPES,
    SERVICES,
    a_book,
    a_clean_request,
    between,
    outgoing,
    the_entry,
)
from tests.conformance.scenes import a_question_of, desks, handed_over, receipts_of

NO_PRECONDITION = ("KP01", "KF0103", "KX07", "KX06")


@pytest.mark.proves("R-42", "T99")
@pytest.mark.parametrize("action", ["DIALOG_SVAR", "DIALOG_NOTAT"])
async def test_another_kind_on_the_envelope_than_in_the_message_is_refused(action: str) -> None:
    offices = two_offices()
    offices.carry = False

    await offices.hospital.take_in(a_mail(a_document(), a_header(action)))
    await offices.settle()

    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    assert (receipt.answer, [e.code for e in receipt.errors]) == (Answer.REJECTED, ["T99"])
    assert offices.hospital.delivered == []


@pytest.mark.proves("R-51")
@pytest.mark.parametrize("asking", [HOSPITAL, MUNICIPALITY])
async def test_the_gateway_says_nothing_of_its_own_but_receipts(asking: str) -> None:
    """Whatever the question, and however long nobody answers it."""
    offices = two_offices()
    asker, asked = desks(offices, asking)
    question = a_question_of(asking)
    await handed_over(offices, asking, written(question))
    await asked.confirm(question.msg_id)
    for _ in range(15):
        await offices.pass_time(hours=24)

    assert kinds_said(asker).count("payload") == 1
    assert set(kinds_said(asked)) == {"acknowledgment", "apprec"}
    assert asker.delivered == []


@pytest.mark.proves("R-78")
@pytest.mark.parametrize("code", NO_PRECONDITION)
def test_some_services_are_written_to_without_any_condition(code: str) -> None:
    book = a_book()
    sender, receiver = the_entry(book, "S0304"), the_entry(book, code)

    found = address_outgoing(between(sender, receiver, a_clean_request()), book).findings

    assert FindingClass.REJECT not in {finding.cls for finding in found}
    assert "EPJ_ADVICE_ADDR" not in {finding.code for finding in found}


@pytest.mark.proves("R-79")
def test_every_address_says_who_answers_and_each_municipal_one_when_to_use_it() -> None:
    """The two inpatient addresses stand in no table of the guideline: nobody is named for them."""
    assert [one.code for one in SERVICES if not one.answered_by] == ["1", "2"]
    assert [one.name for one in MUNICIPAL_TYPES if not one.use_when] == []


@pytest.mark.proves("R-37")
def test_a_clean_message_gets_no_remark_at_all() -> None:
    assert outgoing(a_clean_request()).findings == ()
