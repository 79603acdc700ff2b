"""The ledger balances, or shows that it does not; a partner's words are fit to be passed on."""

import pytest

from gateway.domain.ledger import Ledger, Side, State, Sums, ledger_from
from gateway.domain.reasons import MAX_PARTNER_TEXT, partner_code, partner_reason, reason_for
from gateway.errors import NoRoute, PartnerRefused

NUMBER = "01815000036"  # synthetic (month + 80)


def test_both_counts_come_from_different_places() -> None:
    states = {(Side.OUTGOING, state): number for number, state in enumerate(State, 1)}

    ledger = ledger_from({Side.OUTGOING: 15}, states)

    assert ledger.balanced
    assert ledger.outgoing == Sums(
        accepted=15, in_flight=1, confirmed=2, rejected=3, dead=4, discarded=5
    )


@pytest.mark.parametrize("accepted", [14, 16])
def test_a_lost_row_shows(accepted: int) -> None:
    states = {(Side.INCOMING, state): number for number, state in enumerate(State, 1)}

    assert not ledger_from({Side.INCOMING: accepted}, states).balanced


def test_the_json_has_the_names_of_the_interface() -> None:
    ledger = Ledger(Sums(accepted=1, confirmed=1), Sums())

    assert ledger.as_json() == {
        "outgoing": {
            "accepted": 1,
            "confirmed": 1,
            "rejected": 0,
            "dead": 0,
            "discarded": 0,
            "in_flight": 0,
        },
        "incoming": dict.fromkeys(
            ("accepted", "confirmed", "rejected", "dead", "discarded", "in_flight"), 0
        ),
        "balanced": True,
    }


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (State.IN_FLIGHT, True),
        (State.DEAD, True),
        (State.CONFIRMED, False),
        (State.REJECTED, False),
        (State.DISCARDED, False),
    ],
)
def test_a_late_receipt_may_change_what_is_open(state: State, is_open: bool) -> None:
    assert state.is_open is is_open


def test_a_reason_has_the_epj_code_where_there_is_one() -> None:
    assert reason_for(NoRoute()).code == "EPJ_RECEIVER"
    assert reason_for(PartnerRefused()).code == "GW-117"


def test_a_partner_s_words_are_shown_in_both_languages() -> None:
    reason = partner_reason("E35", "  Ukjent pasient ")

    assert (reason.code, reason.text_nb, reason.text_en) == (
        "E35",
        "Ukjent pasient",
        "Ukjent pasient",
    )


@pytest.mark.parametrize("text", [None, "", "   "])
def test_without_words_the_code_is_shown(text: str | None) -> None:
    assert partner_reason("E35", text).text_nb == "E35"


def test_a_national_number_is_masked_before_the_text_is_cut() -> None:
    text = "x" * (MAX_PARTNER_TEXT - 5) + " " + NUMBER

    shown = partner_reason("X99", text).text_nb

    assert NUMBER[:4] not in shown
    assert len(shown) <= MAX_PARTNER_TEXT


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("E35", "E35"),
        ("SecurityFailure", "SecurityFailure"),
        ("", "unknown"),
        ("to ord", "unknown"),
        (NUMBER, "unknown"),
        ("x" * 41, "unknown"),
        ("<b>", "unknown"),
    ],
)
def test_a_code_is_passed_on_when_it_looks_like_one(written: str, kept: str) -> None:
    assert partner_code(written) == kept
