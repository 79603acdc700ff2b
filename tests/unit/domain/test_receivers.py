"""Who of ours owes the sender an AppRec (HIS 80415 §3.1)."""

import pytest

from gateway.domain.identifiers import HerId
from gateway.domain.receivers import own_receivers
from tests.builders_offices import HOSPITAL, an_office

WARD, SECOND, THIRD = HerId("910004"), HerId("910005"), HerId("910006")
THEIRS, NOBODY, LEVEL_1 = HerId("920001"), HerId("999999"), HerId("910000")


@pytest.mark.parametrize(
    ("to", "receiver", "copies", "found"),
    [
        pytest.param(WARD, WARD, [], [WARD], id="one"),
        pytest.param(WARD, WARD, [SECOND, THIRD], [WARD, SECOND, THIRD], id="copies"),
        pytest.param(WARD, WARD, [SECOND, WARD, SECOND], [WARD, SECOND], id="each once"),
        pytest.param(SECOND, WARD, [SECOND], [SECOND, WARD], id="for a copy receiver"),
        pytest.param(SECOND, THEIRS, [SECOND], [SECOND], id="the primary one is a partner"),
        pytest.param(WARD, SECOND, [THIRD], [WARD, THIRD], id="envelope and message differ"),
        pytest.param(WARD, None, [None], [WARD], id="without HER-ids"),
        pytest.param(WARD, WARD, [THEIRS, NOBODY, LEVEL_1], [WARD], id="not services of ours"),
    ],
)
def test_each_receiver_of_ours_that_is_named_answers(
    to: HerId, receiver: HerId | None, copies: list[HerId | None], found: list[HerId]
) -> None:
    book = an_office(HOSPITAL).book

    assert list(own_receivers(book, to, receiver, copies)) == found
