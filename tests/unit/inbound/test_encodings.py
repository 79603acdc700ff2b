"""Documents in other encodings than UTF-8: read, answered, and handed on as they came."""

import pytest

from gateway.codecs.document import read_document
from gateway.codecs.document_signature import signature_findings
from gateway.domain.findings import Direction
from tests.builders_mails import a_mail, all_said, an_apprec_document, an_apprec_mail, kinds_said
from tests.builders_offices import LETTER_ID, a_letter, two_offices
from tests.builders_personal import personally_signed
from tests.builders_received import MSG_ID, a_document, received, with_attachment

ENCODINGS = pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf8", "utf-8"),
        ("ISO8859-1", "latin-1"),
        ("ISO-8859-15", "iso8859-15"),
        ("windows-1252", "cp1252"),
        ("UTF-16", "utf-16"),
        ("utf-16", "utf-16-be"),
    ],
)


def written_in(label: str, codec: str, document: bytes) -> bytes:
    text = document.decode()
    assert text.count("encoding='UTF-8'") == 1
    return text.replace("encoding='UTF-8'", f"encoding='{label}'").encode(codec)


@ENCODINGS
async def test_a_document_is_delivered_in_the_bytes_it_came_in(label: str, codec: str) -> None:
    document = written_in(label, codec, a_document())
    assert not document.isascii()

    offices = await received(a_mail(document))

    (delivered,) = offices.hospital.delivered
    assert (delivered.message_id, delivered.body) == (MSG_ID, document)
    assert kinds_said(offices.hospital) == ["acknowledgment"]


@ENCODINGS
async def test_an_apprec_confirms_the_message_it_answers(label: str, codec: str) -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()

    receipt = written_in(label, codec, an_apprec_document(LETTER_ID))
    await hospital.take_in(an_apprec_mail(receipt))
    await offices.settle()

    assert hospital.events[-1] == "confirmed"


@ENCODINGS
async def test_what_is_left_without_its_attachment_is_in_the_encoding_it_declares(
    label: str, codec: str
) -> None:
    offices = two_offices()
    await offices.hospital.hand_in(written_in(label, codec, with_attachment(a_letter())))
    await offices.settle()

    sent = all_said(offices.hospital)[0].document()
    assert read_document(sent).message == read_document(a_letter()).message
    assert sent.startswith(b"<?xml version='1.0' encoding='UTF-8'")


@ENCODINGS
def test_a_personal_signature_holds_in_any_encoding(label: str, codec: str) -> None:
    """It is over the canonical form, which is UTF-8 (Canonical XML 1.0 §1.1)."""
    signed = personally_signed(a_document())
    head = b"" if signed.startswith(b"<?xml") else b"<?xml version='1.0' encoding='UTF-8'?>\n"

    document = read_document(written_in(label, codec, head + signed))

    assert document.message.signed
    assert signature_findings(document, Direction.INCOMING) == ()


async def test_a_document_whose_bytes_contradict_its_declaration_is_refused() -> None:
    offices = await received(a_mail(written_in("UTF-16", "utf-8", a_document())))

    assert offices.hospital.delivered == []
    (receipt,) = [said.receipt() for said in all_said(offices.hospital) if said.kind == "apprec"]
    assert [error.code for error in receipt.errors] == ["T01"]
