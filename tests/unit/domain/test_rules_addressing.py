"""Who may send to whom: addresses, HER-ids and copy receivers (R-65, R-66, R-70, R-82, R-84)."""

from dataclasses import replace

import pytest

from gateway.domain.addressbook import AddressBook
from gateway.domain.addressing import address_outgoing
from gateway.domain.findings import Verdict
from gateway.domain.message import (
    Code,
    DialogMessage,
    HealthcareProfessional,
    Organisation,
    OtherReceiver,
    Party,
)
from gateway.domain.screening import screen
from gateway.domain.services import Side
from tests.builders_addressing import HOSPITAL, a_clean, from_municipality, received, sent
from tests.builders_message import a_her, a_party, a_personal_party
from tests.builders_screening import (
    HOSPITAL_TYPES,
    IN,
    MUNICIPAL_TYPES,
    OUT,
    TEST,
    a_book,
    an_enterprise,
    between,
    of_rule,
    the_entry,
)


def without_level_2(party: Party) -> Party:
    return Party(organisation=replace(party.organisation, part=None))


def without_level_1(party: Party) -> Party:
    return Party(organisation=replace(party.organisation, idents=()))


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
