"""Does the service addressed suit the text and the patient (R-15, R-30, R-38, R-65, R-72-R-81)."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.addressing import address_outgoing
from gateway.domain.message import Code
from gateway.domain.rules.receivers import is_inpatient_address
from gateway.domain.screening import EpjFacts, PatientStatus
from tests.builders_addressing import (
    HOSPITAL,
    MUNICIPALITY,
    a_clean,
    from_municipality,
    received,
    sent,
)
from tests.builders_message import an_answer
from tests.builders_screening import (
    HOSPITAL_TYPES,
    MUNICIPAL_TYPES,
    TEST,
    a_clean_request,
    a_named_patient,
    at,
    between,
    of_rule,
    the_entry,
    with_text,
)

ADMITTED = EpjFacts(status=PatientStatus.INPATIENT)


class TestReceivingServices:
    @pytest.mark.parametrize("row", MUNICIPAL_TYPES, ids=lambda row: row.code_text)
    def test_the_hospital_writes_to_each_municipal_service(self, row: object) -> None:
        receiver = next(
            e for e in HOSPITAL.entries if e.service is not None and e.service.type is row
        )
        girl = replace(a_clean(), patient=a_named_patient(date_of_birth=date(2015, 1, 1)))
        message = between(the_entry(HOSPITAL, "S0304"), receiver, girl)

        assert address_outgoing(message, HOSPITAL).findings == ()

    @pytest.mark.parametrize("row", HOSPITAL_TYPES, ids=lambda row: f"{row.code_text} {row.place}")
    def test_each_service_of_the_hospital_can_be_written_to(self, row: object) -> None:
        receiver = next(
            e for e in HOSPITAL.entries if e.service is not None and e.service.type is row
        )
        outgoing = between(the_entry(MUNICIPALITY, "KP02"), receiver, a_clean())

        assert received(from_municipality(receiver)).findings == ()
        assert address_outgoing(outgoing, MUNICIPALITY).findings == ()

    def test_a_general_practitioners_service_is_refused_by_default(self) -> None:
        assert of_rule(sent("S0304", "KA01").findings, "R-72") == [("reject", "EPJ_RECEIVER")]

    def test_further_types_can_be_configured(self) -> None:
        policy = replace(TEST, extra_receiver_types=frozenset({"8663:KA01", "8668:S07"}))

        assert sent("S0304", "KA01", policy=policy).findings == ()
        assert sent("S0304", "S07", policy=policy).findings == ()

    def test_a_person_in_the_address_book_is_permitted(self) -> None:
        doctor = HOSPITAL.by_her("920099")
        assert doctor is not None
        message = between(the_entry(HOSPITAL, "S0304"), doctor, a_clean())

        assert address_outgoing(message, HOSPITAL).findings == ()

    @pytest.mark.parametrize(
        ("book", "sender", "receiver"),
        [(HOSPITAL, "S0304", "S07"), (MUNICIPALITY, "KP02", "KP01")],
        ids=["hospital", "municipality"],
    )
    def test_ones_own_side_is_no_receiver(
        self, book: AddressBook, sender: str, receiver: str
    ) -> None:
        assert of_rule(sent(sender, receiver, book=book).findings, "R-72") == [
            ("reject", "EPJ_RECEIVER")
        ]

    def test_any_municipal_service_may_start_a_dialogue(self) -> None:
        message = between(the_entry(HOSPITAL, "KR01"), the_entry(HOSPITAL, "S0304"), a_clean())

        assert received(message).findings == ()


class TestAdmittedPatients:
    @pytest.mark.parametrize(("sender", "found"), [("S0304", True), ("1", False), ("2", False)])
    def test_the_hospital_uses_the_inpatient_address(self, sender: str, found: bool) -> None:
        findings = sent(sender, "KP02", epj=ADMITTED).findings

        assert of_rule(findings, "R-15") == ([("advise", "EPJ_INPATIENT")] if found else [])

    @pytest.mark.parametrize(("receiver", "found"), [("S0304", True), ("1", False), ("2", False)])
    def test_the_municipality_writes_to_the_inpatient_address(
        self, receiver: str, found: bool
    ) -> None:
        findings = sent("KP02", receiver, book=MUNICIPALITY, epj=ADMITTED).findings

        assert of_rule(findings, "R-15") == ([("advise", "EPJ_INPATIENT")] if found else [])

    @pytest.mark.parametrize(
        ("receiver", "status", "found"),
        [
            ("S0304", PatientStatus.INPATIENT, True),
            ("1", PatientStatus.INPATIENT, False),
            ("1", PatientStatus.DISCHARGED, True),
            ("S0304", PatientStatus.DISCHARGED, False),
            ("1", None, False),
            ("S0304", None, False),
        ],
    )
    def test_a_message_at_the_wrong_one_is_followed_up(
        self, receiver: str, status: PatientStatus | None, found: bool
    ) -> None:
        message = from_municipality(the_entry(HOSPITAL, receiver))
        addressing = received(message, epj=EpjFacts(status=status))

        assert of_rule(addressing.findings, "R-15") == (
            [("follow-up", "EPJ_INPATIENT")] if found else []
        )

    def test_either_end_may_be_the_inpatient_address(self) -> None:
        assert sent("1", "KP02").admitted
        assert sent("KP02", "1", book=MUNICIPALITY).admitted
        assert received(from_municipality(the_entry(HOSPITAL, "2"))).admitted
        assert not sent("S0304", "KP02").admitted

    def test_the_inpatient_addresses_are_the_two_of_plo(self) -> None:
        places = [e.service_code for e in HOSPITAL.entries if is_inpatient_address(e)]

        assert places == ["8668:1", "8668:2"]
        assert not is_inpatient_address(None)


class TestFirstLine:
    @pytest.mark.parametrize(
        ("receiver", "text", "found"),
        [
            ("R", "Skal pasienten fortsette med dosen?", True),
            ("R", "Til Ola Lie\nSkal pasienten fortsette?", False),
            ("R", "Rus Felles: skal pasienten fortsette?", False),
            ("R", "Ola Lie\nSkal pasienten fortsette?", False),
            ("R", "Skal pasienten fortsette?\nSvar snarest.", True),
            ("S0304", "Skal pasienten fortsette med dosen?", True),  # several answer there
        ],
    )
    def test_an_address_with_several_behind_it_wants_a_name(
        self, receiver: str, text: str, found: bool
    ) -> None:
        findings = sent("KP02", receiver, with_text(text), book=MUNICIPALITY).findings

        assert of_rule(findings, "R-30") == ([("advise", "EPJ_ADVICE_TO")] if found else [])

    def test_only_places_can_be_asked_to_be_named(self) -> None:
        policy = replace(TEST, first_line="place")
        message = with_text("Skal pasienten fortsette med dosen?")

        def found(receiver: str) -> bool:
            findings = sent("KP02", receiver, message, book=MUNICIPALITY, policy=policy).findings
            return bool(of_rule(findings, "R-30"))

        assert (found("R"), found("S0304")) == (True, False)

    def test_an_answer_needs_no_name(self) -> None:
        message = an_answer("Ja.", patient=a_clean_request().patient)

        assert not of_rule(sent("KP02", "R", message, book=MUNICIPALITY).findings, "R-30")


class TestMixedSpecialties:
    def test_two_services_in_one_text_are_remarked(self) -> None:
        message = with_text("Til legen\nSpørsmål både til Geriatri og Urologi.")

        findings = sent("KP02", "S0304", message, book=MUNICIPALITY).findings

        assert of_rule(findings, "R-38") == [("advise", "EPJ_ADVICE_MIX")]

    def test_one_service_named_twice_is_not(self) -> None:
        message = with_text("Til Geriatri\nSpørsmål til geriatri.")

        assert not of_rule(sent("KP02", "S0304", message, book=MUNICIPALITY).findings, "R-38")


class TestChoiceOfMunicipalService:
    @pytest.mark.parametrize(
        ("receiver", "decision", "rule"),
        [
            ("KP02", False, "R-73"),
            ("KP03", False, "R-73"),
            ("KR01", False, "R-75"),
            ("KR02", False, "R-75"),
            ("KP02", True, None),
            ("KR01", None, None),
            ("KP01", False, None),
            ("KX07", False, None),
        ],
    )
    def test_some_presuppose_a_decision_on_services(
        self, receiver: str, decision: bool | None, rule: str | None
    ) -> None:
        found = sent("S0304", receiver, epj=EpjFacts(has_service_decision=decision)).findings

        assert [(f.rule, f.code) for f in found] == ([(rule, "EPJ_ADVICE_ADDR")] if rule else [])

    @pytest.mark.parametrize(
        ("decision", "increased", "found"),
        [(True, False, True), (True, True, False), (False, False, False), (True, None, False)],
    )
    def test_case_work_is_for_new_patients_or_increased_need(
        self, decision: bool, increased: bool | None, found: bool
    ) -> None:
        facts = EpjFacts(has_service_decision=decision, increased_need=increased)

        assert bool(of_rule(sent("S0304", "KD0501", epj=facts).findings, "R-74")) is found

    @pytest.mark.parametrize(
        ("born", "found"),
        [
            (date(1986, 1, 1), True),
            (date(2005, 3, 4), True),  # 21 that day
            (date(2005, 3, 5), False),  # still 20
            (date(2015, 1, 1), False),
            (None, False),
        ],
    )
    def test_helsestasjon_is_for_children(self, born: date | None, found: bool) -> None:
        message = replace(
            a_clean(),
            gen_date=at(date(2026, 3, 4)),
            patient=a_named_patient(date_of_birth=born),
        )

        assert bool(of_rule(sent("PB", "KF01", message).findings, "R-76")) is found

    @pytest.mark.parametrize(("sex", "found"), [("1", True), ("2", False), ("0", False)])
    def test_the_midwifes_patient_is_the_mother(self, sex: str, found: bool) -> None:
        message = replace(a_clean(), patient=a_named_patient(sex=Code(value=sex)))

        assert bool(of_rule(sent("S04", "KF0104", message).findings, "R-77")) is found

    @pytest.mark.parametrize(
        ("sender", "receiver", "found"),
        [
            ("PB", "KF01", False),
            ("S04", "KF0104", False),
            ("S0304", "KF0104", True),
            ("S10", "KF01", True),
            ("S0304", "KP02", False),
        ],
    )
    def test_odd_pairs_are_remarked_only_when_configured(
        self, sender: str, receiver: str, found: bool
    ) -> None:
        policy = replace(TEST, odd_pairs=True)

        assert bool(of_rule(sent(sender, receiver, policy=policy).findings, "R-81")) is found
        assert not of_rule(sent(sender, receiver).findings, "R-81")


def test_an_answer_to_the_hospital_is_never_an_odd_pair() -> None:
    policy = replace(TEST, odd_pairs=True)

    assert sent("KF01", "PB", book=MUNICIPALITY, policy=policy).findings == ()
