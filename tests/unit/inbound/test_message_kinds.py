"""The message kind in document and envelope: which spellings are one, and what must fit (R-42)."""

from dataclasses import replace

import pytest

from gateway.codecs.msghead import render_answer
from gateway.domain.identifiers import MsgId
from gateway.domain.message import Code, ConversationRef
from gateway.domain.receipt import Answer
from tests.builders_mails import a_header, a_mail, all_said, kinds_said
from tests.builders_message import a_party, an_answer
from tests.builders_offices import (
    HOSPITAL,
    MUNICIPALITY,
    NURSES,
    WARD,
    Desk,
    Offices,
    a_letter,
    an_office,
    two_offices,
)
from tests.builders_received import MSG_ID, a_document

ANSWER_ID = MsgId("7f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1c02")
DEVIATION_THEME = Code(value="1", system="2.16.578.1.12.4.1.1.8117")


def offices(*, hyphen_kinds: bool) -> Offices:
    office = an_office(HOSPITAL)
    rules = office.settings.rules.model_copy(update={"hyphen_kinds": hyphen_kinds})
    office = replace(office, settings=office.settings.model_copy(update={"rules": rules}))
    both = two_offices(rooms={HOSPITAL: office, MUNICIPALITY: an_office(MUNICIPALITY)})
    both.carry = False
    return both


def an_answer_of(kind: str, theme: Code | None = None) -> bytes:
    """The nurses' answer to the ward's question, its kind spelt as ``kind``."""
    answer = an_answer(
        msg_id=ANSWER_ID,
        sender=a_party(enterprise="920000", service=NURSES),
        receiver=a_party(enterprise="910000", service=WARD),
        conversation=ConversationRef(parent=MsgId(MSG_ID), conversation=MsgId(MSG_ID)),
    )
    if theme is not None:
        answer = replace(answer, notes=(replace(answer.notes[0], theme=theme),))
    written = render_answer(answer)
    assert b'V="DIALOG_SVAR"' in written
    return written.replace(b'V="DIALOG_SVAR"', f'V="{kind}"'.encode())


async def asked(both: Offices) -> Desk:
    await both.hospital.hand_in(a_letter(msg_id=MSG_ID))
    await both.settle()
    return both.hospital


@pytest.mark.parametrize("action", ["DIALOG_SVAR", "DIALOG-SVAR", "DIALOG-Svar"])
@pytest.mark.parametrize("kind", ["DIALOG_SVAR", "DIALOG-SVAR"])
async def test_hyphen_is_read_alike_in_document_envelope_and_thread(kind: str, action: str) -> None:
    both = offices(hyphen_kinds=True)
    hospital = await asked(both)

    await hospital.take_in(a_mail(an_answer_of(kind), a_header(action)))
    await both.settle()

    (delivered,) = hospital.delivered
    assert delivered.type == "DIALOG_SVAR"
    assert f'V="{kind}"'.encode() in delivered.body, "the document is as it was written"
    assert hospital.events[-1] == "replied"
    (arrived,) = [e for e in await hospital.journal.trail(ANSWER_ID) if e.name == "arrived"]
    assert arrived.detail["type"] == "DIALOG_SVAR"


async def test_receipt_repeats_the_kind_as_it_was_written() -> None:
    both = offices(hyphen_kinds=True)
    hospital = await asked(both)
    await hospital.take_in(a_mail(an_answer_of("DIALOG-SVAR"), a_header("DIALOG-SVAR")))
    await both.settle()

    await hospital.confirm(ANSWER_ID)
    await both.settle()

    said = all_said(hospital)[-1]
    assert said.kind == "apprec"
    assert said.receipt().original.type == "DIALOG-SVAR"
    assert said.envelope.header.service == "S-DIALOG-SVAR"


async def test_deviation_with_a_hyphen_is_for_the_message_responsible() -> None:
    both = offices(hyphen_kinds=True)
    hospital = both.hospital

    document = an_answer_of("DIALOG-AVVIK", DEVIATION_THEME)
    await hospital.take_in(a_mail(document, a_header("DIALOG-AVVIK")))
    await both.settle()

    assert hospital.delivered == []
    assert [code for _, code in await hospital.letters()] == ["GW-118"]
    assert all_said(hospital)[-1].receipt().answer is Answer.OK


async def test_hyphen_stays_refused_where_it_is_not_configured() -> None:
    both = offices(hyphen_kinds=False)

    await both.hospital.take_in(a_mail(an_answer_of("DIALOG-SVAR"), a_header("DIALOG-SVAR")))
    await both.settle()

    assert both.hospital.delivered == []
    assert [e.code for e in all_said(both.hospital)[-1].receipt().errors] == ["T10"]


@pytest.mark.parametrize(
    "service",
    ["S-DIALOG_FORESPORSEL", "DIALOG_FORESPORSEL", "s-dialog_foresporsel", "S-Dialog_Foresporsel"],
)
async def test_service_fits_its_kind_with_or_without_prefix_in_any_letter_case(
    service: str,
) -> None:
    both = offices(hyphen_kinds=False)

    await both.hospital.take_in(a_mail(a_document(), a_header(service=service)))
    await both.settle()

    assert len(both.hospital.delivered) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"service": "S-DIALOG_SVAR"}, "eb:Service", id="service of another kind"),
        pytest.param({"service": "S-DIALOG-FORESPORSEL"}, "eb:Service", id="hyphen in service"),
        pytest.param({"service": "S-"}, "eb:Service", id="prefix alone"),
        pytest.param(
            {"action": "DIALOG_SVAR", "service": "S-DIALOG_SVAR"}, "eb:Action", id="action"
        ),
        pytest.param(
            {"action": "DIALOG-FORESPORSEL", "service": "S-DIALOG-FORESPORSEL"},
            "eb:Action",
            id="hyphen in action",
        ),
    ],
)
async def test_envelope_of_another_kind_than_its_document_is_refused(
    changes: dict[str, str], told: str
) -> None:
    both = offices(hyphen_kinds=False)

    await both.hospital.take_in(a_mail(a_document(), a_header(**changes)))
    await both.settle()

    assert both.hospital.delivered == []
    assert kinds_said(both.hospital) == ["acknowledgment", "apprec"]
    receipt = all_said(both.hospital)[-1].receipt()
    assert receipt.answer is Answer.REJECTED
    assert [error.code for error in receipt.errors] == ["T99"]
    assert told in (receipt.errors[0].text or "")
