"""Who may send to whom, and does the service suit the patient (R-15, R-30, R-38, R-65-R-84)."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.addressing import Addressing, address_incoming, address_outgoing
from gateway.domain.findings import Verdict
from gateway.domain.identifiers import HerId
from gateway.domain.message import (
    Code,
    DialogMessage,
    HealthcareProfessional,
    Organisation,
    OtherReceiver,
    Party,
)
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.domain.rules.receivers import is_inpatient_address
from gateway.domain.screening import EpjFacts, PatientStatus, screen
from gateway.domain.services import Side
from tests.builders_message import a_her, a_party, a_personal_party, an_answer
from tests.builders_screening import (
    CLEAN_TEXT,
    HOSPITAL_TYPES,
    IN,
    MUNICIPAL_TYPES,
    OUT,
    TEST,
    a_book,
    a_clean_request,
    a_named_patient,
    an_enterprise,
    at,
    between,
    of_rule,
    the_entry,
    with_text,
)

HOSPITAL = a_book(ours=Side.HOSPITAL)
MUNICIPALITY = a_book(ours=Side.MUNICIPALITY)
ADMITTED = EpjFacts(status=PatientStatus.INPATIENT)


def sent(
    sender: str,
    receiver: str,
    message: DialogMessage | None = None,
    *,
    book: AddressBook = HOSPITAL,
    policy: ScreeningPolicy = TEST,
    epj: EpjFacts | None = None,
) -> Addressing:
    """A message between the first services of these codes, from ours."""
    message = between(the_entry(book, sender), the_entry(book, receiver), message or a_clean())
    return address_outgoing(message, book, policy=policy, epj=epj)


def received(
    message: DialogMessage,
    *,
    from_her: str | None = None,
    to_her: str | None = None,
    book: AddressBook = HOSPITAL,
    policy: ScreeningPolicy = TEST,
    epj: EpjFacts | None = None,
) -> Addressing:
    """A message in an envelope, by default with the HER-ids of the message."""
    return address_incoming(
        message,
        book,
        from_her=HerId(from_her or message.sender.her or ""),
        to_her=HerId(to_her or message.receiver.her or ""),
        policy=policy,
        epj=epj,
    )


def a_clean() -> DialogMessage:
    return with_text(CLEAN_TEXT)


def from_municipality(receiver: Entry | None = None) -> DialogMessage:
    sender = the_entry(HOSPITAL, "KP02")
    return between(sender, receiver or the_entry(HOSPITAL, "S0304"), a_clean())


def without_level_2(party: Party) -> Party:
    return Party(organisation=replace(party.organisation, part=None))


def without_level_1(party: Party) -> Party:
    return Party(organisation=replace(party.organisation, idents=()))


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


class TestOutgoingAddress:
    @pytest.mark.parametrize(
        "receiver",
        [
            pytest.param(a_party(enterprise="920000", service="999999"), id="unknown"),
            pytest.param(a_party(enterprise="930000", service="920001"), id="other parent"),
            pytest.param(without_level_2(a_party()), id="level 1 only"),
        ],
    )
    def test_a_receiver_that_cannot_be_resolved_is_refused(self, receiver: Party) -> None:
        message = between(the_entry(HOSPITAL, "S0304"), the_entry(HOSPITAL, "KP02"), a_clean())
        addressing = address_outgoing(replace(message, receiver=receiver), HOSPITAL)

        assert of_rule(addressing.findings, "R-82") == [("reject", "EPJ_RECEIVER")]
        assert addressing.receiver is None

    def test_a_sender_that_is_not_ours_is_refused(self) -> None:
        findings = sent("KP02", "S0304").findings

        assert ("reject", "EPJ_SENDER") in of_rule(findings, "R-82")

    @pytest.mark.parametrize(
        ("receiver", "remarked"),
        [
            pytest.param({}, False, id="the register's names"),
            pytest.param({"name": "  SYKEPLEIETJENESTE "}, False, id="spelt otherwise"),
            pytest.param({"name": ""}, False, id="no name"),
            pytest.param({"name": "Onkologi"}, True, id="another service"),
            pytest.param({"owner": "Granvik kommune"}, True, id="another enterprise"),
        ],
    )
    def test_another_name_than_the_registers_is_remarked(
        self, receiver: dict[str, str], remarked: bool
    ) -> None:
        nurses = the_entry(HOSPITAL, "KP02")
        names = {"name": nurses.name, "owner": nurses.enterprise.name} | receiver
        party = a_party(enterprise=nurses.enterprise.her, service=nurses.her, **names)
        message = between(the_entry(HOSPITAL, "S0304"), nurses, a_clean())

        addressing = address_outgoing(replace(message, receiver=party), HOSPITAL)

        assert of_rule(addressing.findings, "R-82") == (
            [("advise", "EPJ_ADVICE_ADDR")] if remarked else []
        )
        assert [f.where for f in addressing.findings] == ["/MsgHead/MsgInfo/Receiver"] * remarked

    def test_the_name_of_a_person_is_compared_too(self) -> None:
        doctor = HOSPITAL.by_her("920099")
        assert doctor is not None
        message = between(the_entry(HOSPITAL, "S0304"), doctor, a_clean())

        def written_to(given: str) -> list[tuple[str, str]]:
            professional = HealthcareProfessional(
                given_name=given, family_name="Lege", idents=(a_her("920099"),)
            )
            receiver = replace(message.receiver.organisation, part=None, professional=professional)
            named = replace(message, receiver=Party(organisation=receiver))
            return of_rule(address_outgoing(named, HOSPITAL).findings, "R-82")

        assert written_to("Ola") == []
        assert written_to("Kari") == [("advise", "EPJ_ADVICE_ADDR")]

    @pytest.mark.parametrize("lacking", [{"sealing": ()}, {"edi": ""}], ids=["key", "address"])
    def test_a_receiver_that_cannot_be_reached_is_refused(self, lacking: dict[str, object]) -> None:
        partner = replace(an_enterprise(920000, MUNICIPAL_TYPES), **lacking)  # type: ignore[arg-type]
        book = AddressBook((an_enterprise(910000, HOSPITAL_TYPES, own=True), partner))

        assert of_rule(sent("S0304", "KP02", book=book).findings, "R-84") == [
            ("reject", "EPJ_RECEIVER")
        ]

    def test_all_faults_of_an_address_are_reported_at_once(self) -> None:
        message = replace(a_clean(), sender=a_party(service="1"), receiver=a_party(service="2"))

        codes = {f.code for f in address_outgoing(message, HOSPITAL).findings}

        assert codes == {"EPJ_SENDER", "EPJ_RECEIVER"}


class TestIncomingAddress:
    def test_a_message_to_one_of_our_services_is_fine(self) -> None:
        addressing = received(from_municipality())

        assert addressing.findings == ()
        assert addressing.receiver == the_entry(HOSPITAL, "S0304")

    @pytest.mark.parametrize(
        "receiver",
        [
            pytest.param(without_level_2(a_party(enterprise="910000")), id="level 1 only"),
            pytest.param(without_level_1(a_party(service="910004")), id="level 2 only"),
            pytest.param(a_party(enterprise="910000", service="910999"), id="unknown service"),
            pytest.param(a_party(enterprise="920000", service="910004"), id="other parent"),
            pytest.param(a_party(enterprise="920000", service="920001"), id="not ours"),
        ],
    )
    def test_a_receiver_that_is_no_service_of_ours_is_answered_with_e21(
        self, receiver: Party
    ) -> None:
        addressing = received(replace(from_municipality(), receiver=receiver), to_her="910004")

        assert [(f.rule, f.code, f.apprec) for f in addressing.findings] == [
            ("R-70", "EPJ_RECEIVER", "E21")
        ]
        assert addressing.receiver is None

    def test_another_receiver_than_on_the_envelope_is_answered_with_e21(self) -> None:
        addressing = received(from_municipality(), to_her="910005")

        assert [(f.rule, f.apprec) for f in addressing.findings] == [("R-66", "E21")]

    @pytest.mark.parametrize(
        ("sender", "from_her"),
        [
            pytest.param(a_party(service="920001"), "920002", id="other service"),
            pytest.param(a_party(enterprise="910000", service="920001"), "920001", id="parent"),
        ],
    )
    def test_another_sender_than_on_the_envelope_or_in_the_register_is_answered_with_e21(
        self, sender: Party, from_her: str
    ) -> None:
        addressing = received(replace(from_municipality(), sender=sender), from_her=from_her)

        assert [(f.rule, f.code, f.apprec) for f in addressing.findings] == [
            ("R-66", "EPJ_SENDER", "E21")
        ]

    @pytest.mark.parametrize("lacking", [without_level_1, without_level_2])
    def test_a_sender_without_her_id_is_followed_up(self, lacking: object) -> None:
        assert callable(lacking)
        message = from_municipality()
        addressing = received(
            replace(message, sender=lacking(message.sender)), from_her=message.sender.her
        )

        assert of_rule(addressing.findings, "R-66") == [("follow-up", "EPJ_SENDER")]

    def test_e21_can_be_switched_off(self) -> None:
        policy = replace(TEST, answer_e21=False)
        message = replace(from_municipality(), receiver=a_party(service="1"))
        addressing = received(message, to_her="910004", from_her="920003", policy=policy)
        screening = screen(message, direction=IN, policy=policy, more=addressing.findings)

        assert {f.cls.value for f in addressing.findings} == {"follow-up"}
        assert screening.verdict is Verdict.PASS

    def test_a_person_of_ours_is_filed_by_the_message_responsible(self) -> None:
        book = a_book(ours=Side.MUNICIPALITY)
        doctor = book.by_her("920099")
        assert doctor is not None
        message = between(the_entry(book, "S0304"), doctor, a_clean())

        addressing = received(message, book=book)

        assert of_rule(addressing.findings, "R-65") == [("follow-up", "EPJ_RECEIVER")]
        assert addressing.receiver == doctor

    def test_a_person_is_found_by_the_her_id_of_the_professional(self) -> None:
        organisation = Organisation(
            name="Legekontor",
            idents=(a_her("920000"),),
            professional=HealthcareProfessional(idents=(a_her("920099"),)),
        )
        message = replace(from_municipality(), sender=Party(organisation=organisation))

        assert received(message).findings == ()


def with_a_second_her(party: Party, other: str) -> Party:
    """Level 2 has another HER-id before its own."""
    part = party.organisation.part
    assert part is not None
    part = replace(part, idents=(a_her(other), *part.idents))
    return Party(organisation=replace(party.organisation, part=part))


def under_two_numbers(party: Party) -> Party:
    organisation = party.organisation
    idents = (a_her("999998"), *organisation.idents)
    return Party(organisation=replace(organisation, idents=idents))


def in_lower_case(party: Party) -> Party:
    def lower(organisation: Organisation) -> Organisation:
        idents = tuple(replace(i, type=Code(value="her")) for i in organisation.idents)
        return replace(organisation, idents=idents)

    part = party.organisation.part
    assert part is not None
    return Party(organisation=lower(replace(party.organisation, part=lower(part))))


def a_doctor_of(enterprise: str, person: str) -> Party:
    beside = Organisation(name="Lab", idents=(a_her("999999"),))
    return a_personal_party(enterprise=enterprise, person=person, beside=beside)


class TestSeveralHerIds:
    """The envelope chooses among those of level 2 (HIS 80415: E21 when the two disagree)."""

    @pytest.mark.parametrize(
        "sender",
        [
            pytest.param(a_doctor_of("920000", "920001"), id="a person beside a department"),
            pytest.param(with_a_second_her(a_party(), "999999"), id="two of the department"),
            pytest.param(under_two_numbers(a_party()), id="two of the enterprise"),
            pytest.param(in_lower_case(a_party()), id="type in lower case"),
        ],
    )
    def test_the_sender_is_the_one_that_the_envelope_names(self, sender: Party) -> None:
        addressing = received(replace(from_municipality(), sender=sender), from_her="920001")

        assert addressing.findings == ()
        assert addressing.sender is not None
        assert addressing.sender.her == "920001"

    @pytest.mark.parametrize("is_copy", [False, True])
    @pytest.mark.parametrize(
        "party",
        [
            pytest.param(a_doctor_of("910000", "910004"), id="a person beside a department"),
            pytest.param(
                with_a_second_her(a_party(enterprise="910000", service="910004"), "910005"),
                id="two of the department",
            ),
            pytest.param(
                under_two_numbers(a_party(enterprise="910000", service="910004")),
                id="two of the enterprise",
            ),
            pytest.param(
                in_lower_case(a_party(enterprise="910000", service="910004")),
                id="type in lower case",
            ),
        ],
    )
    def test_the_receiver_is_the_one_that_the_envelope_names(
        self, party: Party, is_copy: bool
    ) -> None:
        copy = OtherReceiver(role=Code(value="COP"), party=party)
        message = replace(from_municipality(), receiver=party)
        if is_copy:
            message = replace(from_municipality(), receiver=a_party(), other_receivers=(copy,))

        addressing = received(message, to_her="910004")

        assert addressing.findings == ()
        assert addressing.receiver == the_entry(HOSPITAL, "S0304")

    @pytest.mark.parametrize("of_sender", [True, False])
    def test_one_that_is_not_among_them_is_answered_with_e21(self, of_sender: bool) -> None:
        sender, receiver = a_doctor_of("920000", "920002"), a_doctor_of("910000", "910005")
        change = {"sender": sender} if of_sender else {"receiver": receiver}
        message = replace(from_municipality(), **change)  # type: ignore[arg-type]

        from_her = "920001" if of_sender else None
        addressing = received(message, from_her=from_her, to_her="910004")

        assert [f.apprec for f in addressing.findings] == ["E21"]

    @pytest.mark.parametrize("change", [in_lower_case, under_two_numbers])
    def test_what_partners_might_not_read_is_refused_outgoing(self, change: object) -> None:
        assert callable(change)
        message = between(the_entry(HOSPITAL, "S0304"), the_entry(HOSPITAL, "KP02"), a_clean())
        message = replace(message, receiver=change(message.receiver))

        addressing = address_outgoing(message, HOSPITAL)

        assert of_rule(addressing.findings, "R-82") == [("reject", "EPJ_RECEIVER")]


class TestCopyReceivers:
    def with_copy(self, message: DialogMessage, copy: Party) -> DialogMessage:
        other = OtherReceiver(role=Code(value="COP"), party=copy)
        return replace(message, other_receivers=(other,))

    def test_a_copy_receiver_is_refused_outgoing_and_tolerated_incoming(self) -> None:
        message = self.with_copy(a_clean(), a_party())

        out = screen(message, direction=OUT, policy=TEST)
        into = screen(message, direction=IN, policy=TEST)

        assert of_rule(out.findings, "R-38") == [("reject", "EPJ_RECEIVER")]
        assert of_rule(into.findings, "R-38") == [("follow-up", "EPJ_RECEIVER")]
        assert into.verdict is Verdict.PASS

    def test_an_envelope_for_the_copy_receiver_is_ours(self) -> None:
        copy = a_party(enterprise="910000", service="910004")
        message = replace(from_municipality(), receiver=a_party(enterprise="1", service="2"))

        addressing = received(self.with_copy(message, copy), to_her="910004")

        assert addressing.findings == ()
        assert addressing.receiver == the_entry(HOSPITAL, "S0304")

    def test_a_copy_receiver_that_is_not_the_envelopes_changes_nothing(self) -> None:
        message = self.with_copy(from_municipality(), a_party())

        assert received(message, to_her="910005").findings != ()


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
