"""Plain text comes out as it went in, byte for byte, both ways; what XML forbids is refused."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.codecs.document import read_document
from gateway.domain.receipt import Answer
from tests.builders_mails import a_mail
from tests.builders_offices import (
    HOSPITAL,
    MUNICIPALITY,
    a_letter,
    two_offices,
    written,
)
from tests.builders_received import a_document
from tests.conformance.scenes import (
    a_question_of,
    an_answer_to,
    desks,
    handed_over,
    receipts_of,
    with_text,
)
from tests.conformance.texts import TEXTS

OTHER = {HOSPITAL: MUNICIPALITY, MUNICIPALITY: HOSPITAL}
CONTROLS = [*range(9), 11, 12, *range(14, 32)]  # all but tab and line ends

every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
both_ways = pytest.mark.parametrize("asking", [HOSPITAL, MUNICIPALITY])


def text_of(document: bytes) -> str:
    return read_document(document).message.text


@pytest.mark.proves("R-37")
@both_ways
@every_text
async def test_a_text_comes_out_as_it_went_in(text: str, asking: str) -> None:
    """Of a request and of its answer; the document around it is not touched either."""
    offices = two_offices()
    question = with_text(a_question_of(asking), text)
    answer = an_answer_to(question, text)

    asked = await handed_over(offices, asking, written(question))
    answered = await handed_over(offices, OTHER[asking], written(answer))

    assert asked.body == written(question)
    assert answered.body == written(answer)
    assert text_of(asked.body) == text
    assert read_document(answered.body).message.notes[0].text == text
    question_again = read_document(answered.body).message.notes[0].question
    assert question_again is not None
    assert question_again.text == text


@both_ways
@every_text
async def test_a_text_handed_in_as_json_comes_out_as_it_went_in(text: str, asking: str) -> None:
    offices = two_offices()
    asker, asked = desks(offices, asking)

    await asker.hand_in(as_json(text, asking), content_type="application/json")
    await offices.settle()

    (delivered,) = asked.delivered
    assert text_of(delivered.body) == text


def as_json(text: str, asking: str) -> bytes:
    message = a_question_of(asking)
    assert message.patient is not None
    letter = {
        "kind": "request",
        "msg_id": message.msg_id,
        "from": message.sender.her,
        "to": message.receiver.her,
        "patient": {
            "family_name": "Åsnes",
            "given_name": "Prøve",
            "date_of_birth": "1950-01-01",
            "sex": "2",
        },
        "author": {"family_name": "Bøe", "given_name": "Kari", "phone": "69000000"},
        "text": text,
    }
    return json.dumps(letter, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"<?xml version='1.0' encoding='utf-8'?>\r\n", id="carriage returns"),
        pytest.param(b"\xef\xbb\xbf<?xml version='1.0'?>\n", id="byte order mark"),
        pytest.param(b"<!-- skrevet av EPJ -->\n", id="no declaration"),
    ],
)
@both_ways
async def test_a_document_that_passes_is_passed_on_with_every_byte_of_it(
    before: bytes, asking: str
) -> None:
    offices = two_offices()
    document = before + written(a_question_of(asking)).partition(b"?>")[2].lstrip()

    delivered = await handed_over(offices, asking, document)

    assert delivered.body == document


async def test_a_document_in_latin_1_stays_in_latin_1() -> None:
    text = written(with_text(a_question_of(HOSPITAL), "Blåbær på Ålgård")).decode()
    document = ("<?xml version='1.0' encoding='iso-8859-1'?>" + text.partition("?>")[2]).encode(
        "iso-8859-1"
    )

    delivered = await handed_over(two_offices(), HOSPITAL, document)

    assert delivered.body == document
    assert text_of(delivered.body) == "Blåbær på Ålgård"


_XML_TEXT = st.text(
    st.one_of(
        st.sampled_from(" \t\n\r<>&\"'æøåÆØÅ]\u030a\u00a0\u200b"),
        st.characters(
            exclude_categories=["Cs"],
            exclude_characters="".join(
                map(chr, [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
            ),
        ),
    ),
    min_size=1,
    max_size=300,
).filter(lambda text: any(character.isalnum() for character in text))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=_XML_TEXT)
async def test_any_text_that_xml_can_carry_comes_out_as_it_went_in(text: str) -> None:
    document = written(with_text(a_question_of(MUNICIPALITY), text))

    delivered = await handed_over(two_offices(), MUNICIPALITY, document)

    assert delivered.body == document
    assert text_of(delivered.body) == text


# --- what XML forbids ------------------------------------------------------------------------

CONTROL_CHARACTERS = {
    *(bytes([code]) for code in CONTROLS),
    *(f"&#{code};".encode() for code in CONTROLS),
    *(f"&#x{code:x};".encode() for code in CONTROLS),
    *(f"&#x{code:03X};".encode() for code in CONTROLS),
}
FORBIDDEN = {
    **{f"U+{code:04X}": bytes([code]) for code in CONTROLS},
    **{f"U+{code:04X} as a reference": f"&#{code};".encode() for code in (0, 7, 11, 27, 31)},
    **{f"U+{code:04X} in hex": f"&#x{code:x};".encode() for code in (1, 12, 31)},
    "U+000E in hex, with zeros": b"&#x00E;",
    "U+FFFE": "\ufffe".encode(),
    "U+FFFF as a reference": b"&#xFFFF;",
    "half of a pair": b"\xed\xa0\x80",
    "half of a pair as a reference": b"&#xD800;",
    "no UTF-8": b"bl\xe5",
}
MARK = b"pasienten i morgen"  # of the text of both letters


@pytest.mark.parametrize("code", CONTROLS)
@pytest.mark.proves("R-67")
async def test_a_control_character_in_json_is_refused_with_a_reason(code: int) -> None:
    offices = two_offices()

    body = as_json(f"hemmelig{chr(code)}", HOSPITAL)
    await offices.hospital.hand_in(body, content_type="application/json")
    await offices.settle()

    assert offices.hospital.events == ["rejected"]
    (reason,) = offices.hospital.last["reasons"]
    assert reason["code"] == "EPJ_SCHEMA"
    assert "control character" in reason["text_en"]
    assert "hemmelig" not in repr(offices.hospital.status)


@pytest.mark.parametrize("forbidden", FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.proves("R-67", "T01")
async def test_a_control_character_is_refused_with_a_reason_and_not_left_out(
    forbidden: bytes,
) -> None:
    assert MARK in a_letter()
    offices = two_offices()
    offices.carry = False

    await offices.hospital.hand_in(a_letter().replace(MARK, b"hemmelig" + forbidden))
    await offices.hospital.take_in(a_mail(a_document().replace(MARK, b"hemmelig" + forbidden)))
    await offices.settle()

    assert offices.hospital.events == ["rejected"]
    (reason,) = offices.hospital.last["reasons"]
    assert reason["code"] == "EPJ_SCHEMA"
    assert "linje 2, kolonne" in reason["text_nb"]
    assert "line 2, column" in reason["text_en"]
    (receipt,) = receipts_of(offices.hospital, MUNICIPALITY)
    (error,) = receipt.errors
    assert (receipt.answer, error.code) == (Answer.REJECTED, "T01")
    assert error.text
    assert "line 2, column" in error.text
    control = forbidden in CONTROL_CHARACTERS
    assert ("kontrolltegn" in reason["text_nb"]) is control
    assert ("control character" in reason["text_en"]) is control
    assert ("kontrolltegn" in error.text) is control
    assert "hemmelig" not in reason["text_nb"] + reason["text_en"] + error.text
    assert offices.hospital.delivered == []
