"""What is written is read back the same."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.apprec import render_apprec
from gateway.domain.receipt import (
    Answer,
    ApplicationReceipt,
    ReceiptError,
)
from tests.builders_apprec import (
    ERROR,
    RECEIPT,
    read,
)


class TestRoundTrip:
    @settings(deadline=None)  # large values on a busy machine
    @given(RECEIPT, st.lists(ERROR, max_size=3).map(tuple))
    def test_what_is_written_is_read_back(
        self, receipt: ApplicationReceipt, errors: tuple[ReceiptError, ...]
    ) -> None:
        answer = Answer.REJECTED if errors else Answer.OK
        receipt = replace(receipt, answer=answer, errors=errors)

        assert read(render_apprec(receipt)) == receipt
