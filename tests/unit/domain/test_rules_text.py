"""What the text says and how (R-05, R-06, R-12, R-31-R-33, R-37, R-50), and when (R-10, R-11)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.findings import Verdict
from gateway.domain.message import Code, DialogMessage, HealthcareProfessional, Person, Role
from gateway.domain.rules.scope import in_window, months_after
from gateway.domain.rules.words import Terms
from gateway.domain.screening import EpjFacts, PatientStatus, is_urgent, screen
from tests.builders_message import a_question, an_answer, an_author
from tests.builders_screening import (
    CLEAN_TEXT,
    OUT,
    TEST,
    a_clean_request,
    at,
    incoming,
    of_rule,
    outgoing,
    with_text,
)


def remarks(message: DialogMessage, rule: str) -> list[tuple[str, str]]:
    """What one rule says of an outgoing message, having checked that incoming it says nothing."""
    assert of_rule(incoming(message).findings, rule) == []
    return of_rule(outgoing(message).findings, rule)


def a_clean_note(**changes: Any) -> DialogMessage:
    answer = an_answer("Ja, kl. 10.")
    return replace(answer, notes=(replace(answer.notes[0], **changes),))


def a_clean_question(**changes: Any) -> DialogMessage:
    return a_clean_request(questions=(replace(a_question(CLEAN_TEXT), **changes),))


class TestLength:
    @pytest.mark.parametrize(("length", "found"), [(3_999, False), (4_000, False), (4_001, True)])
    def test_a_text_above_the_limit_is_remarked(self, length: int, found: bool) -> None:
        said = remarks(with_text("a" * length), "R-05")

        assert said == ([("advise", "EPJ_ADVICE_LONG")] if found else [])

    def test_the_limit_and_the_remark_are_configured(self) -> None:
        message = with_text("a" * 200)

        assert of_rule(outgoing(message, replace(TEST, text_limit=100)).findings, "R-05")
        silent = replace(TEST, text_limit=100, advice_off=frozenset({"R-05"}))
        assert not of_rule(outgoing(message, silent).findings, "R-05")


class TestOtherDocuments:
    @pytest.mark.parametrize("heading", ["EPIKRISE", "Henvisning:", "  Poliklinisk notat"])
    def test_such_a_heading_over_a_long_text_is_remarked(self, heading: str) -> None:
        message = with_text(f"{heading}\n{'Langt forløp. ' * 100}")

        assert remarks(message, "R-06") == [("advise", "EPJ_ADVICE_DOC")]

    def test_a_heading_further_down_counts(self) -> None:
        assert remarks(with_text(f"Hei\nEpikrise\n{'Langt. ' * 200}"), "R-06")

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("EPIKRISE\nKort.", id="short"),
            pytest.param(f"Viser til epikrise. {'Langt. ' * 200}", id="inside a line"),
            pytest.param(f"Henvisningen er sendt. {'Langt. ' * 200}", id="another word"),
        ],
    )
    def test_mention_of_one_is_not_one(self, text: str) -> None:
        assert remarks(with_text(text), "R-06") == []


class TestUrgency:
    @pytest.mark.parametrize(
        "text",
        [
            "Øyeblikkelig hjelp!",
            "ØYEBLIKKELIG\nHJELP",
            "Han har akutte brystsmerter.",
            "Akutt forverring",
            "livstruende blødning",
            "Kan dere ringe straks?",
            "Hun har selvmordstanker.",
            "Trenger øyeblikkelig-hjelp-innleggelse",
            "øyeblikkelig\u2011hjelp",
            "Det er ikke akutt.",  # negated: a needless warning is the lesser evil
        ],
    )
    def test_each_term_is_remarked_and_marks_the_message(self, text: str) -> None:
        message = with_text(text)

        assert of_rule(outgoing(message).findings, "R-12") == [("advise", "EPJ_ADVICE_ACUTE")]
        received = incoming(message)
        assert of_rule(received.findings, "R-12") == [("follow-up", "EPJ_ADVICE_ACUTE")]
        assert received.verdict is Verdict.PASS
        assert is_urgent(message)

    @pytest.mark.parametrize(
        "text", ["Akuttmottaket sendte ham hjem.", "straksen", "subakutt", CLEAN_TEXT]
    )
    def test_other_words_are_not(self, text: str) -> None:
        assert not is_urgent(with_text(text))

    @pytest.mark.parametrize(
        "message",
        [
            pytest.param(a_clean_note(theme_text="ØYEBLIKKELIG HJELP"), id="Notat/Tema"),
            pytest.param(a_clean_note(remark="Straks!"), id="Notat/Merknad"),
            pytest.param(a_clean_question(reason="Akutt, livstruende"), id="Begrunnelse"),
            pytest.param(a_clean_question(subject="Øyeblikkelig hjelp"), id="EmneSporsmal"),
            pytest.param(a_clean_request(case="Akutt"), id="Sakstype"),
        ],
    )
    def test_every_field_in_words_is_looked_at(self, message: DialogMessage) -> None:
        assert is_urgent(message)

    def test_the_question_that_an_answer_repeats_is_not(self) -> None:
        assert not is_urgent(a_clean_note(question=a_question("Er det akutt?")))

    def test_the_terms_are_configured(self) -> None:
        policy = replace(TEST, urgent_terms=("haster*",))

        assert is_urgent(with_text("Dette hasteR veldig"), policy)
        assert not is_urgent(with_text("akutt"), policy)
        assert not is_urgent(with_text("akutt"), replace(TEST, urgent_terms=()))

    @pytest.mark.parametrize(("priority", "urgent"), [("H", True), ("N", False), ("L", False)])
    def test_priority_counts(self, priority: str, urgent: bool) -> None:
        assert is_urgent(a_clean_request(priority=Code(value=priority))) is urgent

    @pytest.mark.parametrize(("urgency", "urgent"), [("1", True), ("2", False), ("3", True)])
    def test_hastegrad_counts(self, urgency: str, urgent: bool) -> None:
        question = replace(a_question(CLEAN_TEXT), urgency=Code(value=urgency))

        assert is_urgent(a_clean_request(questions=(question,))) is urgent


class TestAuthor:
    @pytest.mark.parametrize(
        "text",
        [
            "Viser til epikrise. Skal dosen økes?\nMvh Kari Bøe, Granvik",
            "Viser til epikrise.\n\nMed vennlig hilsen\nKari Bøe\nHjemmetjenesten",
            "Viser til notat. Skal dosen økes?\nKari Bøe, sykepleier, Granvik kommune",
            "Skal dosen økes?\nKari Bøe tlf 69000000",
        ],
    )
    def test_a_signature_in_the_last_lines_is_enough(self, text: str) -> None:
        assert remarks(with_text(text, roles=()), "R-31") == []

    def test_a_structured_author_is_enough(self) -> None:
        assert remarks(with_text("Skal dosen økes?", roles=(an_author(),)), "R-31") == []

    @pytest.mark.parametrize(
        "roles",
        [
            pytest.param((), id="none"),
            pytest.param((Role(role_in_note=Code(value="1")),), id="nobody in the role"),
            pytest.param((Role(person=Person(family_name=" ")),), id="no name"),
            pytest.param(
                (
                    Role(
                        role_to_patient=Code(value="24"),
                        person=HealthcareProfessional(family_name="Lie"),
                    ),
                ),
                id="only the contact at the receiver",
            ),
        ],
    )
    def test_nobody_in_either_place_is_remarked(self, roles: tuple[Role, ...]) -> None:
        message = with_text("Viser til epikrise. Skal sykepleier øke dosen?", roles=roles)

        assert remarks(message, "R-31") == [("advise", "EPJ_ADVICE_FROM")]

    def test_the_remark_can_refuse_an_outgoing_message_and_never_an_incoming_one(self) -> None:
        message = with_text("Skal dosen økes?", roles=())
        strict = replace(TEST, author_missing="reject")

        assert outgoing(message, strict).verdict is Verdict.REJECT
        assert incoming(message, strict).verdict is Verdict.PASS

    def test_the_text_itself_can_be_asked_to_say_it(self) -> None:
        strict = replace(TEST, author_in_text=True)

        assert of_rule(outgoing(with_text("Skal dosen økes?"), strict).findings, "R-31")
        assert not of_rule(outgoing(with_text(CLEAN_TEXT), strict).findings, "R-31")


class TestReference:
    @pytest.mark.parametrize(
        "text",
        [
            "Viser til henvisningen.",
            "Ser av epikrisen at",
            "Jf. poliklinisk notat",
            "Han var hos dere 3.4.2026",
            "Time 12/5?",
            "Innlagt 3. mars",
            "Kontroll 2026-03-04",
        ],
    )
    def test_a_document_or_a_date_is_a_reference(self, text: str) -> None:
        assert remarks(with_text(text), "R-32") == []

    def test_a_new_thread_without_any_is_remarked(self) -> None:
        message = with_text("Skal pasienten ha 5 mg daglig?")

        assert remarks(message, "R-32") == [("advise", "EPJ_ADVICE_REF")]

    def test_a_further_question_in_a_thread_is_not(self) -> None:
        message = replace(with_text("Skal dosen økes?"), conversation=an_answer().conversation)

        assert remarks(message, "R-32") == []


class TestAbbreviations:
    def test_listed_words_are_remarked_whole(self) -> None:
        policy = replace(TEST, abbreviations=("ua", "iht"))

        found = outgoing(with_text("Rtg thorax UA."), policy).findings
        assert of_rule(found, "R-33") == [("advise", "EPJ_ADVICE_ABBR")]
        assert not of_rule(outgoing(with_text("Uansett"), policy).findings, "R-33")

    def test_there_is_no_list_by_default(self) -> None:
        assert remarks(with_text("Rtg thorax ua iht prosedyre."), "R-33") == []


class TestConfirmations:
    @pytest.mark.parametrize(
        "text",
        [
            "Takk, mottatt.",
            "Mottatt",
            "OK",
            "Hei! Takk for svar.",
            "Hei Ola Lie, mottatt",
            "Hei Ola,\ntakk for informasjonen. Det er notert.\n\nMvh\nKari Bøe\nHjemmetjenesten",
            "Bekrefter at meldingen er mottatt. Med vennlig hilsen Kari Bøe, tlf 69000000",
            "Oppgaven er utført. Kari Bøe",
        ],
    )
    def test_a_mere_confirmation_is_remarked(self, text: str) -> None:
        assert remarks(with_text(text), "R-50") == [("advise", "EPJ_ADVICE_CONFIRM")]

    @pytest.mark.parametrize(
        "text",
        [
            "Mottatt. Ny dose er 5 mg daglig.",
            "Ok, time er 12.03",
            "Takk, men hvem ringer pasienten?",
            "Mottatt?",
            "Hei ny dose er halvert. Takk.",
            f"Takk. Hilsen fra pasienten, som {'fortsatt har smerter og ' * 5}venter på svar",
            "Takk for svar, vi følger opp med hjemmebesøk.",
            "Nei, takk.",
            "Hei Ola,",
            "Mvh Kari Bøe",
            CLEAN_TEXT,
            " ".join(["takk"] * 13),
        ],
    )
    def test_anything_more_is_a_message(self, text: str) -> None:
        assert remarks(with_text(text), "R-50") == []

    def test_an_answer_that_only_confirms_is_remarked_or_refused(self) -> None:
        message = an_answer("Takk, mottatt.", patient=a_clean_request().patient)
        strict = replace(TEST, confirmation_only="reject")

        assert remarks(message, "R-50") == [("advise", "EPJ_ADVICE_CONFIRM")]
        assert outgoing(message, strict).verdict is Verdict.REJECT
        assert incoming(message, strict).verdict is Verdict.PASS

    def test_the_longest_confirmation_is_configured(self) -> None:
        message = with_text("Takk, mottatt.")

        for words in (0, 1):
            policy = replace(TEST, confirmation_words=words)
            assert not of_rule(outgoing(message, policy).findings, "R-50")


def test_a_pasted_list_with_tabs_and_line_breaks_is_nobodys_business() -> None:
    text = "Viser til epikrise.\n\tParacet\t1 g x 4\n\tFurix\t40 mg x 1\n"

    assert outgoing(with_text(text)).findings == ()
    assert incoming(with_text(text)).findings == ()


class TestPatientGroup:
    @pytest.mark.parametrize(
        ("status", "found"),
        [
            (None, False),
            (PatientStatus.REFERRED, False),
            (PatientStatus.OUTPATIENT, False),
            (PatientStatus.DISCHARGED, False),
            (PatientStatus.INPATIENT, False),
            (PatientStatus.NONE, True),
        ],
    )
    def test_only_a_patient_known_to_be_none_of_them_is_remarked(
        self, status: PatientStatus | None, found: bool
    ) -> None:
        screening = outgoing(a_clean_request(), epj=EpjFacts(status=status))

        expected = [("advise", "EPJ_ADVICE_SCOPE")] if found else []
        assert of_rule(screening.findings, "R-10") == expected
        assert screening.verdict is Verdict.PASS


class TestWindow:
    @pytest.mark.parametrize(
        ("referral", "last", "status", "day", "inside"),
        [
            pytest.param(None, None, None, date(2026, 1, 1), True, id="nothing known"),
            pytest.param(None, date(2025, 3, 10), None, date(2026, 3, 10), True, id="last day"),
            pytest.param(None, date(2025, 3, 10), None, date(2026, 3, 11), False, id="day after"),
            pytest.param(None, date(2024, 2, 29), None, date(2025, 2, 28), True, id="leap day"),
            pytest.param(None, date(2024, 2, 29), None, date(2025, 3, 1), False, id="leap, after"),
            pytest.param(date(2026, 3, 1), None, None, date(2026, 2, 28), False, id="too early"),
            pytest.param(date(2026, 3, 1), None, None, date(2026, 3, 1), True, id="referral day"),
            pytest.param(
                date(2026, 3, 1), date(2026, 4, 1), None, date(2026, 2, 1), False, id="before both"
            ),
            pytest.param(
                date(2020, 1, 1), date(2021, 1, 1), None, date(2026, 1, 1), False, id="long ago"
            ),
            pytest.param(
                date(2020, 1, 1),
                date(2021, 1, 1),
                PatientStatus.OUTPATIENT,
                date(2026, 1, 1),
                True,
                id="still in a course",
            ),
            pytest.param(
                date(2026, 1, 1), date(2021, 1, 1), None, date(2026, 2, 1), True, id="new referral"
            ),
            pytest.param(
                date(2026, 1, 1),
                date(2025, 6, 1),
                None,
                date(2025, 12, 1),
                True,
                id="before a new referral, after an old contact",
            ),
            pytest.param(
                date(2026, 1, 1),
                date(2021, 6, 1),
                None,
                date(2025, 12, 1),
                False,
                id="before a new referral, long after contact",
            ),
        ],
    )
    def test_from_referral_until_twelve_months_after_the_last_contact(
        self,
        referral: date | None,
        last: date | None,
        status: PatientStatus | None,
        day: date,
        inside: bool,
    ) -> None:
        facts = EpjFacts(referral_date=referral, last_contact=last, status=status)
        message = a_clean_request(gen_date=at(day))

        assert in_window(day, facts, months=12) is inside
        sent, received = outgoing(message, epj=facts), incoming(message, epj=facts)
        assert of_rule(sent.findings, "R-11") == ([] if inside else [("advise", "EPJ_WINDOW")])
        assert of_rule(received.findings, "R-11") == (
            [] if inside else [("follow-up", "EPJ_WINDOW")]
        )
        assert received.verdict is Verdict.PASS

    def test_the_rule_can_refuse_an_outgoing_message_and_never_an_incoming_one(self) -> None:
        facts = EpjFacts(last_contact=date(2020, 1, 1))
        strict = replace(TEST, window_outgoing="reject")

        assert outgoing(a_clean_request(), strict, epj=facts).verdict is Verdict.REJECT
        assert incoming(a_clean_request(), strict, epj=facts).verdict is Verdict.PASS

    def test_the_window_is_not_for_admitted_patients(self) -> None:
        facts = EpjFacts(last_contact=date(2020, 1, 1), status=PatientStatus.INPATIENT)

        assert not of_rule(outgoing(a_clean_request(), epj=facts).findings, "R-11")

    def test_the_window_is_not_for_addresses_of_admitted_patients(self) -> None:
        facts = EpjFacts(last_contact=date(2020, 1, 1))

        def found(*, admitted: bool) -> list[tuple[str, str]]:
            screening = screen(
                a_clean_request(), direction=OUT, policy=TEST, epj=facts, admitted=admitted
            )
            return of_rule(screening.findings, "R-11")

        assert found(admitted=False)
        assert not found(admitted=True)

    @given(st.dates(min_value=date(1950, 1, 1), max_value=date(2100, 1, 1)))
    def test_a_year_later_is_the_same_day_or_the_last_of_its_month(self, day: date) -> None:
        later = months_after(day, 12)

        assert (later.year, later.month) == (day.year + 1, day.month)
        assert later.day == day.day or (later.day == 28 and day.day == 29)


class TestTerms:
    @pytest.mark.parametrize(
        ("listed", "text", "found"),
        [
            (("akutt",), "akutt", True),
            (("akutt",), "akutte", False),
            (("akutt*",), "akutte", True),
            (("akutt*",), "subakutt", False),
            (("ø-hjelp",), "er dette ø-hjelp?", True),
            (("to ord",), "to \n ord", True),
            (("to ord",), "to", False),
            (("v/",), "rus v/ lege", True),
            ((), "noe", False),
            (("  ",), "noe", False),
            (("a.b",), "axb", False),
        ],
    )
    def test_whole_words_blanks_and_endings(
        self, listed: tuple[str, ...], text: str, found: bool
    ) -> None:
        assert Terms(listed).found_in(text) is found

    def test_each_term_found_is_given_once(self) -> None:
        names = Terms(("Psykisk helsevern", "Psykisk helsevern for voksne", "Urologi"))

        found = names.all_in("urologi, psykisk  helsevern for voksne og urologi")

        assert found == {"urologi", "psykisk helsevern for voksne"}
