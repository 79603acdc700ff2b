"""The page of conformance names tests that exist, leaves nothing out, and is current."""

import pytest

from gateway.domain.rules.catalogue import CATALOGUE
from tests.conformance.evidence import evidence, in_words, is_about, is_test
from tests.conformance.official import SYSTEM_TESTS
from tests.conformance.page import PAGE, SENT_BY_US, addresses, codes, everything, render
from tests.conformance.proofs import NO_TEST, PROOFS


def test_everything_asked_is_listed_once() -> None:
    ids = [row.id for row in everything()]

    assert len(ids) == len(set(ids))
    assert [one.number for one in SYSTEM_TESTS] == list(range(1, 43))
    assert (len(CATALOGUE), len(codes()), len(addresses())) == (56, 21, 60)


def test_each_has_a_test_or_a_reason_and_never_both() -> None:
    claimed = evidence()
    neither = [row.id for row in everything() if not claimed.get(row.id) and not row.reason]
    both = [row.id for row in everything() if claimed.get(row.id) and row.reason]

    assert (neither, both) == ([], [])


def test_no_test_claims_what_nobody_asks() -> None:
    assert sorted(set(evidence()) - {row.id for row in everything()}) == []


def test_a_rule_that_is_checked_is_never_excused() -> None:
    assert [rule.id for rule in CATALOGUE if rule.check and rule.id in NO_TEST] == []


@pytest.mark.parametrize("rule", [rule.id for rule in CATALOGUE if rule.check])
def test_a_rule_that_is_checked_is_spoken_of_by_one_of_its_tests(rule: str) -> None:
    """So that a name in the table cannot be that of a test about something else."""
    assert [node for node in PROOFS[rule] if is_about(node, rule)] != []


def test_codes_that_the_rules_send_are_those_the_page_names() -> None:
    sent = {code for rule in CATALOGUE for code in rule.apprec}

    assert set(SENT_BY_US) == sent


@pytest.mark.parametrize("node", sorted({node for nodes in PROOFS.values() for node in nodes}))
def test_a_test_named_elsewhere_exists(node: str) -> None:
    assert is_test(node)


@pytest.mark.parametrize(
    "node",
    [
        "tests/unit/domain/test_rules_text.py::test_that_nobody_wrote",
        "tests/unit/domain/test_rules_text.py::TestLength",
        "tests/unit/domain/test_that_is_no_file.py::test_x",
        "tests/builders_offices.py::two_offices",
    ],
)
def test_what_is_no_test_is_found_out(node: str) -> None:
    assert not is_test(node)


def test_a_test_is_told_in_the_words_of_its_name() -> None:
    assert in_words("tests/a.py::TestB::test_it_is_so[this way]") == "it is so (this way)"


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    page = render(evidence())
    if request.config.getoption("--write-conformance"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page, (
        "run: pytest tests/conformance --write-conformance"
    )
