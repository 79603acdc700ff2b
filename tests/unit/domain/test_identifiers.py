"""Ids: the one that people see of what has none they may see."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identifiers import short_id
from gateway.domain.persons import contains_national_number


def test_the_same_facts_have_the_same_short_id() -> None:
    assert short_id(b"one") == short_id(b"one")
    assert short_id(b"one") != short_id(b"other")


@given(st.binary(max_size=40))
def test_no_short_id_looks_like_a_national_number(facts: bytes) -> None:
    made = short_id(facts)

    assert re.fullmatch(r"([0-9a-f]{4}-){3}[0-9a-f]{4}", made)
    assert re.search(r"[0-9]{5}", made) is None  # the least that any way of writing one has


def test_not_even_one_of_digits_alone() -> None:
    assert not contains_national_number("letter-0101-5000-2320-0102")
