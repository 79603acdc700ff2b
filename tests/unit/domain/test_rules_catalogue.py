"""The list of rules is complete, agrees with itself, and is what the page of rules says."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.domain.findings import Direction, FindingClass, Stage
from gateway.domain.rules.catalogue import ADVICE, BY_ID, CATALOGUE, CHECKED
from gateway.domain.rules.model import Hit, Rule, Section
from gateway.domain.screening import ScreeningPolicy
from gateway.ops.rules_page import main, render

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
NUMBERS = [
    *range(1, 8),
    *range(10, 16),
    *range(20, 23),
    *range(30, 45),
    *range(50, 52),
    *range(60, 68),
    *range(70, 85),
]
# What may refuse an incoming message: identity, format, address, attachment, a reused MsgId.
REFUSE_INCOMING = {
    *("R-01", "R-03", "R-36", "R-40", "R-41", "R-42", "R-44", "R-66", "R-67", "R-70"),
}
APPREC_CODES = {"T01", "T02", "T10", "T99", "E10", "E21", "E36", "S01", "S02", "S99"}

every_rule = pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)


def test_every_rule_of_the_guideline_is_listed_once_in_order() -> None:
    assert [rule.id for rule in CATALOGUE] == [f"R-{number:02}" for number in NUMBERS]
    assert len(BY_ID) == len(CATALOGUE)


def test_every_section_has_rules() -> None:
    assert {rule.section for rule in CATALOGUE} == set(Section)


def test_no_rule_of_content_rejects_an_incoming_message() -> None:
    """HIS 80415 §3.3.2: no negative AppRec for what a message says."""
    refusing = {rule.id for rule in CATALOGUE if FindingClass.REJECT in rule.incoming}

    assert refusing == REFUSE_INCOMING
    assert all(BY_ID[name].stage is not Stage.ADVICE for name in refusing)


@every_rule
def test_a_rule_is_checked_or_says_how_it_is_kept(rule: Rule) -> None:
    assert (rule.check is None) is bool(rule.elsewhere)
    assert rule.nb.endswith(".")
    assert rule.en.endswith(".")


@every_rule
def test_a_rule_that_finds_something_has_classes_and_codes(rule: Rule) -> None:
    if rule.check is not None:
        assert rule.outgoing or rule.incoming
        assert rule.codes
        assert rule in CHECKED[rule.stage]
    assert all(code.startswith("EPJ_") for code in rule.codes)
    assert set(rule.apprec) <= APPREC_CODES
    assert bool(rule.apprec) is (FindingClass.REJECT in rule.incoming)


@every_rule
def test_remarks_are_for_authors_and_tasks_for_the_receiving_side(rule: Rule) -> None:
    assert FindingClass.ADVISE not in rule.incoming
    if rule.check is not None:
        assert FindingClass.FOLLOW_UP not in rule.outgoing


@every_rule
def test_an_apprec_code_goes_only_with_a_refused_incoming_message(rule: Rule) -> None:
    hit = Hit(nb="nb", en="en")
    for direction, classes in (
        (Direction.OUTGOING, rule.outgoing),
        (Direction.INCOMING, rule.incoming),
    ):
        if classes and rule.codes:
            finding = rule.finding(direction, hit)
            refused = direction is Direction.INCOMING and classes[0] is FindingClass.REJECT
            assert finding.apprec == (rule.apprec[0] if refused else None)
            assert finding.ebxml is None


def test_every_switch_belongs_to_a_rule_and_every_rule_names_real_ones() -> None:
    named = {name for rule in CATALOGUE for name in rule.switches}

    assert named | {"advice_off"} == {field.name for field in fields(ScreeningPolicy)}


def test_only_rules_with_remarks_can_be_silenced() -> None:
    assert {"R-05", "R-30", "R-32", "R-81"} <= ADVICE
    assert not {"R-03", "R-36", "R-40", "R-72"} & ADVICE


def test_the_page_of_rules_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "run: python -m gateway.ops.rules_page -o docs/rules.md"
    )


def test_the_page_has_a_row_for_each_rule_with_all_its_cells() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| **R-")]

    assert [row[4:8] for row in rows] != []
    assert sorted(row[4:8] for row in rows) == [rule.id for rule in CATALOGUE]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}


def test_the_page_can_be_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    assert main(["-o", str(tmp_path / "rules.md")]) == 0
    assert capsys.readouterr().out == (tmp_path / "rules.md").read_text(encoding="utf-8")
    assert main(["--nonsense"]) == 2
