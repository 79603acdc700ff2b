"""Every code of 8221 can be said by our EPJ and is understood by the other one."""

import pytest

from gateway.domain.receipt import APPREC_ERRORS, ERROR_SYSTEM, GENERAL_ERRORS, Answer
from tests.builders_offices import HOSPITAL, LETTER_ID, a_letter, two_offices
from tests.conformance.scenes import handed_over, receipts_of

TEXT = "Kontroller «opplysningene» & send på nytt."


@pytest.mark.parametrize("text", [TEXT, None], ids=["with a text", "without"])
@pytest.mark.parametrize(
    "code",
    [pytest.param(code, id=code, marks=pytest.mark.proves(code)) for code in APPREC_ERRORS],
)
async def test_a_code_goes_from_one_epj_to_the_author_at_the_other(
    code: str, text: str | None
) -> None:
    offices = two_offices()
    await handed_over(offices, HOSPITAL, a_letter())
    said = {"code": code} if text is None else {"code": code, "text": text}

    await offices.municipality.confirm(LETTER_ID, "refused", errors=[said])
    await offices.settle()

    (receipt,) = receipts_of(offices.municipality, HOSPITAL)
    (error,) = receipt.errors
    assert receipt.answer is Answer.REJECTED
    assert (error.code, error.name, error.system) == (code, APPREC_ERRORS[code], ERROR_SYSTEM)
    assert error.text == text or (text is None and code in GENERAL_ERRORS)
    (reason,) = offices.hospital.last["reasons"]
    assert offices.hospital.events[-1] == "refused"
    assert reason["code"] == code
    assert (text or error.text or APPREC_ERRORS[code]) in reason["text_nb"]
