"""A document that cannot be taken in: one AppRec with the code of the standard, no delivery."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Part
from gateway.domain.identifiers import CpaId, MsgId
from gateway.domain.ledger import State
from gateway.domain.message import Code, DialogMessage, Ident
from gateway.domain.receipt import Answer
from gateway.errors import MalformedMessage
from gateway.inbound import screened
from tests.builders_mails import a_header, a_mail, all_said
from tests.builders_message import a_party, a_patient, an_answer
from tests.builders_offices import NURSES, WARD, Offices, sums, written
from tests.builders_received import (
    MSG_ID,
    a_document,
    broken,
    read_at_the_hospital,
    received,
    with_attachment,
)


def an_answer_to_the_ward(text: str) -> DialogMessage:
    return replace(
        an_answer(text),
        msg_id=MsgId(MSG_ID),
        sender=a_party(enterprise="920000", service=NURSES),
        receiver=a_party(enterprise="910000", service=WARD),
    )


PART = Part("part-2", PAYLOAD_CONTENT_TYPE, b"not signed")

NEGATIVE_RECEIPTS = [
    pytest.param(lambda: broken(a_document()), "T01", id="broken XML"),
    pytest.param(lambda: b"\xff\xfe", "T01", id="no XML at all"),
    pytest.param(
        lambda: (
            a_document()
            .replace(b"<GenDate>", b"<Fremmed/><GenDate>")
            .replace(b"<ns0:GenDate>", b"<ns0:Fremmed/><ns0:GenDate>")
        ),
        "T02",
        id="against the schema",
    ),
    pytest.param(
        lambda: a_document().replace(b"dialog/2006-10-11", b"dialog/2001-01-01"),
        "T10",
        id="unknown version of the content",
    ),
    pytest.param(
        lambda: re.sub(
            rb"<Dialogmelding.*</Dialogmelding>", b'<Henvisning xmlns="urn:x"/>', a_document()
        ),
        "T10",
        id="another content than a Dialogmelding",
    ),
    pytest.param(
        lambda: re.sub(
            rb"<Document>.*</Document>", b"<PatientReport><Annet/></PatientReport>", a_document()
        ),
        "T10",
        id="a report to a register",
    ),
    pytest.param(lambda: b"<ukjent xmlns='urn:x'/>", "T10", id="unknown document"),
    pytest.param(lambda: b"<!DOCTYPE a><a/>", "T99", id="DOCTYPE"),
    pytest.param(lambda: a_document(msg_id=MsgId("17")), "E10", id="MsgId is no UUID"),
    pytest.param(
        lambda: a_document(receiver=a_party(enterprise="910000", service="910999")),
        "E21",
        id="service not ours",
    ),
    pytest.param(
        lambda: a_document(receiver=a_party(enterprise="910000", service="910005")),
        "E21",
        id="receiver other than in the envelope",
    ),
    pytest.param(
        lambda: a_document(sender=a_party(enterprise="920000", service="920002")),
        "E21",
        id="sender other than in the envelope",
    ),
    pytest.param(
        lambda: a_document(
            patient=replace(
                a_patient(),
                date_of_birth=None,
                sex=None,
                idents=(Ident(id="500000001", type=Code(value="FHN")),),
            )
        ),
        "E36",
        id="only a temporary number",
    ),
    pytest.param(lambda: with_attachment(a_document()), "T99", id="attachment"),
]


@pytest.mark.parametrize(("document", "code"), NEGATIVE_RECEIPTS)
async def test_a_document_that_cannot_be_taken_in_gets_one_negative_receipt(
    document: Callable[[], bytes], code: str
) -> None:
    hospital = await read_at_the_hospital(a_mail(document()))

    assert [one.kind for one in all_said(hospital)] == ["acknowledgment", "apprec"]
    receipt = all_said(hospital)[1].receipt()
    assert receipt.answer is Answer.REJECTED
    assert receipt.errors[0].code == code
    assert receipt.errors[0].text
    assert hospital.delivered == []
    assert (await sums(hospital))[1].rejected == 1


@pytest.mark.parametrize(("document", "code"), NEGATIVE_RECEIPTS)
async def test_a_receipt_speaks_for_the_party_that_was_written_to(
    document: Callable[[], bytes], code: str
) -> None:
    hospital = await read_at_the_hospital(a_mail(document()))

    receipt = all_said(hospital)[1].receipt()
    assert (receipt.sender.her, receipt.receiver.her) == (WARD, NURSES)


async def test_an_unreadable_document_is_answered_from_its_envelope() -> None:
    hospital = await read_at_the_hospital(a_mail(b"\xff\xfe"))

    original = all_said(hospital)[1].receipt().original
    assert str(original.msg_id) == a_header().message_id
    assert original.type == "DIALOG_FORESPORSEL"
    assert original.issue_date_text == "2026-03-04T09:20:00Z"


@pytest.mark.parametrize("text", ["i går", "2026-03-04", "2026-13-40T00:00:00", "01815012345"])
async def test_a_gen_date_that_is_no_instant_is_not_repeated(text: str) -> None:
    document = a_document().replace(b"2026-03-04T10:15:30+01:00", text.encode(), 1)

    hospital = await read_at_the_hospital(a_mail(document))

    receipt = all_said(hospital)[1].receipt()
    assert receipt.original.msg_id == MSG_ID
    assert receipt.original.issue_date_text == "2026-03-04T09:20:00Z"


@pytest.mark.parametrize(
    "kind", [pytest.param(b"", id="no Type"), pytest.param(b'<Type DN="x"/>', id="Type without V")]
)
async def test_a_message_of_no_kind_is_answered_by_its_own_id_and_date(kind: bytes) -> None:
    document = re.sub(rb"<Type [^>]*/>", kind, a_document(), count=1)

    hospital = await read_at_the_hospital(a_mail(document))

    original = all_said(hospital)[1].receipt().original
    assert (original.msg_id, original.type) == (MSG_ID, "DIALOG_FORESPORSEL")
    assert original.issue_date_text == "2026-03-04T10:15:30+01:00"


async def test_a_message_without_an_id_is_answered_by_that_of_its_envelope() -> None:
    hospital = await read_at_the_hospital(a_mail(a_document(msg_id=MsgId(""))))

    original = all_said(hospital)[1].receipt().original
    assert str(original.msg_id) == a_header().message_id
    assert original.issue_date_text == "2026-03-04T10:15:30+01:00"


async def test_the_reason_of_a_negative_receipt_never_quotes_the_message() -> None:
    document = a_document().replace(b"2026-03-04T10:15:30+01:00", b"hemmelig", 1)

    hospital = await read_at_the_hospital(a_mail(document))

    assert b"hemmelig" not in all_said(hospital)[1].document()
    assert "hemmelig" not in repr(hospital.state.events)
    assert "hemmelig" not in repr(hospital.state.letters)


class TestAttachments:
    """Design §5, incoming."""

    async def test_stripped_attachment_leaves_the_text_and_a_follow_up(self) -> None:
        mail = a_mail(with_attachment(a_document()))

        hospital = await read_at_the_hospital(mail, incoming="strip")

        (delivered,) = hospital.delivered
        assert delivered.headers["x-removed-attachments"] == 1
        assert b"JVBERi0xLjQK" not in delivered.body
        assert [one.kind for one in all_said(hospital)] == ["acknowledgment"]

    async def test_original_bytes_stay_in_the_journal_when_something_is_stripped(self) -> None:
        document = with_attachment(a_document())

        hospital = await read_at_the_hospital(a_mail(document), incoming="strip")

        (entry,) = await hospital.incoming(MSG_ID)
        async with hospital.journal.transaction() as tx:
            assert await tx.document(entry.entry_id) == document

    @pytest.mark.parametrize("place", ["extra", "part_first"])
    async def test_a_further_signed_part_is_an_attachment_wherever_it_stands(
        self, place: str
    ) -> None:
        part: Any = {place: (PART,)}

        refusing = await read_at_the_hospital(a_mail(a_document(), **part))
        stripping = await read_at_the_hospital(a_mail(a_document(), **part), incoming="strip")

        assert all_said(refusing)[1].receipt().errors[0].code == "T99"
        assert [m.headers["x-removed-attachments"] for m in stripping.delivered] == [1]
        assert stripping.delivered[0].body == a_document()

    @pytest.mark.parametrize(
        ("text", "marked"),
        [
            pytest.param(b"Ja", b'<MsgType V="A"', id="text marked as attachment"),
            pytest.param(b'<img xmlns="" src="x.png"/>', b"", id="picture"),
        ],
    )
    async def test_nothing_is_delivered_when_no_text_is_left(
        self, text: bytes, marked: bytes
    ) -> None:
        plain = b'<MsgType V="XML"'
        document = written(an_answer_to_the_ward("TEKST")).replace(b"TEKST", text)
        assert plain in document

        mail = a_mail(document.replace(plain, marked or plain), a_header("DIALOG_SVAR"))
        hospital = await read_at_the_hospital(mail, incoming="strip")

        assert hospital.delivered == []
        assert all_said(hospital)[1].receipt().errors[0].code == "T99"

    async def test_what_stripping_makes_invalid_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> bytes:
            raise MalformedMessage("not valid")

        monkeypatch.setattr(screened, "text_only", refuse)

        mail = a_mail(with_attachment(a_document()))
        hospital = await read_at_the_hospital(mail, incoming="strip")

        assert hospital.delivered == []
        assert all_said(hospital)[1].receipt().errors[0].code == "T02"


class TestDeviation:
    """R-44: a report of a fault in a message of ours."""

    async def deviation(self) -> Offices:
        # Written by hand: we never write one.
        document = a_document().replace(b"DIALOG_FORESPORSEL", b"DIALOG_AVVIK")
        start, end = document.index(b"<Foresporsel"), document.index(b"</Foresporsel>")
        note = (
            b'<Notat><TemaKodet V="1" DN="Feil" S="2.16.578.1.12.4.1.1.8117"/>'
            b"<TekstNotatInnhold>Feil pasient.</TekstNotatInnhold></Notat>"
        )
        document = document[:start] + note + document[end + len(b"</Foresporsel>") :]
        return await received(a_mail(document, a_header("DIALOG_AVVIK")))

    async def test_it_is_answered_at_once_and_never_reaches_the_epj(self) -> None:
        hospital = (await self.deviation()).hospital

        assert [one.kind for one in all_said(hospital)] == ["acknowledgment", "apprec"]
        assert all_said(hospital)[1].receipt().answer is Answer.OK
        assert hospital.delivered == []

    async def test_an_operator_is_told_and_can_read_it(self) -> None:
        hospital = (await self.deviation()).hospital

        (entry,) = await hospital.incoming(MSG_ID)
        assert await hospital.letters() == [(f"deviation/{entry.entry_id}", "GW-118")]
        async with hospital.journal.transaction() as tx:
            assert b"Feil pasient." in (await tx.document(entry.entry_id) or b"")
        assert b"Feil pasient" not in hospital.notices[0].body

    async def test_it_is_confirmed_when_its_receipt_arrived_and_the_letter_stays(self) -> None:
        offices = await self.deviation()
        offices.carry = True

        await offices.settle()

        assert (await sums(offices.hospital))[1].confirmed == 1
        ((letter_id, _),) = await offices.hospital.letters()
        assert not await offices.hospital.replay(letter_id)
        assert await offices.hospital.discard(letter_id)
        assert (await offices.hospital.incoming(MSG_ID))[0].state is State.CONFIRMED


async def test_the_refusal_travels_under_the_agreement_of_the_envelope() -> None:
    """HIS 1037 §7.2.1: a receipt that names another CPAId is about nothing its reader knows."""
    header = a_header(cpa_id=CpaId("agreement-7"))

    hospital = await read_at_the_hospital(a_mail(with_attachment(a_document()), header))

    answers = [(one.kind, one.envelope.header.cpa_id) for one in all_said(hospital)]
    assert answers == [("acknowledgment", "agreement-7"), ("apprec", "agreement-7")]


# --- what is taken in, and is a person's matter all the same --------------------------------------


async def test_attachments_that_were_taken_out_are_a_task_for_the_operator() -> None:
    offices = await received(a_mail(with_attachment(a_document())), incoming="strip")
    hospital = offices.hospital

    (delivered,) = hospital.delivered
    assert delivered.headers["x-removed-attachments"] == 1
    assert [code for _, code in await hospital.letters()] == ["GW-123"]
    assert (await sums(hospital))[1].in_flight == 1

    await hospital.confirm(MSG_ID)
    await offices.settle()

    assert len(await hospital.letters()) == 1, "the EPJ's word does not tell the sender"


@pytest.mark.parametrize(
    ("document", "rules"),
    [
        pytest.param(a_document(patient=a_patient(number="01815000036")), None, id="nothing"),
        pytest.param(a_document(), "R-01", id="a number that belongs to nobody"),
    ],
)
async def test_what_the_rules_find_to_follow_up_is_said_to_the_epj(
    document: bytes, rules: str | None
) -> None:
    hospital = await read_at_the_hospital(a_mail(document))

    (delivered,) = hospital.delivered
    assert delivered.headers.get("x-follow-up") == rules
