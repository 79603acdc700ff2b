"""Writing application receipts: errors, roles, and the addresses mirrored."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.apprec import render_apprec
from gateway.domain.identifiers import HerId
from gateway.domain.message import (
    Address,
    Code,
    HealthcareProfessional,
    Ident,
    Organisation,
    Party,
)
from gateway.domain.mirror import mirror
from gateway.domain.receipt import (
    APPREC_ERRORS,
    ERROR_SYSTEM,
    Answer,
    ApplicationReceipt,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
    receipt_error,
)
from gateway.errors import InternalFault
from tests.builders_apprec import (
    HOSPITAL,
    NAMESPACES,
    NOON,
    ORGANISATION,
    SURGERY,
    V1_1,
    a_receipt,
    element,
    enh,
    her,
    read,
    rejected,
)


class TestWrite:
    def test_elements_stand_in_the_order_of_the_schema(self) -> None:
        body = render_apprec(
            replace(
                a_receipt(answer=Answer.REJECTED, errors=(receipt_error("E21"),)),
                software_name="dialog-gateway",
                software_version="0.1.0",
            )
        )

        assert [etree.QName(child).localname for child in etree.fromstring(body)] == [
            "MsgType",
            "MIGversion",
            "SoftwareName",
            "SoftwareVersion",
            "GenDate",
            "Id",
            "Sender",
            "Receiver",
            "Status",
            "Error",
            "OriginalMsgId",
        ]

    @pytest.mark.parametrize(
        ("version", "text"),
        [(ReceiptVersion.V1_0, "1.0 2004-11-21"), (ReceiptVersion.V1_1, "v1.1 2012-02-15")],
    )
    def test_version_stands_in_namespace_and_mig_version(
        self, version: ReceiptVersion, text: str
    ) -> None:
        body = render_apprec(a_receipt(version=version))

        assert element(body, "MIGversion").text == text
        assert etree.fromstring(body).tag == f"{{{NAMESPACES[version]}}}AppRec"
        assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")

    def test_software_is_left_out_when_not_given(self) -> None:
        assert b"Software" not in render_apprec(a_receipt())

    def test_type_id_has_no_code_system(self) -> None:
        """It is a CS here, where MsgHead has a CV."""
        with_system = Ident(id="1", type=Code(value="HER", system="2.16.578.1.12.4.1.1.9051"))
        body = render_apprec(
            replace(
                a_receipt(),
                sender=ReceiptParty(organisation=Organisation(idents=(with_system,))),
            )
        )

        assert dict(element(body, "Sender", "HCP", "Inst", "TypeId").attrib) == {"V": "HER"}

    def test_issue_date_is_the_senders_own_string(self) -> None:
        issued = element(render_apprec(a_receipt()), "OriginalMsgId", "IssueDate")

        assert issued.text == "2026-03-01T12:59:58.1234567"

    @pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=1), timedelta(seconds=2572)])
    def test_gen_date_is_written_in_utc(self, offset: timedelta) -> None:
        local = NOON.astimezone(timezone(offset))
        body = render_apprec(replace(a_receipt(), generated_at=local))

        assert element(body, "GenDate").text == "2026-03-01T12:00:00Z"

    @pytest.mark.parametrize("code", APPREC_ERRORS)
    def test_error_gets_its_text_and_code_system(self, code: str) -> None:
        error = element(rejected(ReceiptError(code=code, text="derfor")), "Error")

        assert dict(error.attrib) == {
            "V": code,
            "S": ERROR_SYSTEM,
            "DN": APPREC_ERRORS[code],
            "OT": "derfor",
        }

    def test_unknown_code_becomes_x99_with_the_text(self) -> None:
        error = element(rejected(ReceiptError(code="E77", text="derfor")), "Error")

        assert (error.get("V"), error.get("OT")) == ("X99", "derfor")

    def test_code_of_another_list_is_left_as_it_is(self) -> None:
        error = element(
            rejected(ReceiptError(code="53", system="2.16.578.1.12.4.1.1.8223")), "Error"
        )

        assert dict(error.attrib) == {"V": "53", "S": "2.16.578.1.12.4.1.1.8223"}

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("a\x00b\x08c\x1f", "abc"),
            ("\ud800kan ikke\udfff", "kan ikke"),
            ("\ufffe\uffff", ""),
            ("<Status V='1'/> & \"æøå\"", "<Status V='1'/> & \"æøå\""),
            ("linje 1\nlinje 2\r\n\tslutt", "linje 1\nlinje 2\r\n\tslutt"),
            ("😀", "😀"),
        ],
    )
    def test_no_text_makes_the_receipt_impossible(self, text: str, written: str) -> None:
        receipt = read(rejected(ReceiptError(code="E36", text=text)))

        assert receipt.errors[0].text == written

    @given(st.text(st.characters(exclude_categories=())))
    @example("\x00")
    def test_any_text_and_any_name_can_be_written(self, text: str) -> None:
        party = ReceiptParty(
            organisation=Organisation(name=text, idents=(Ident(id=text, type=Code(value=text)),)),
            role=text,
        )
        error = ReceiptError(code=text, text=text)
        receipt = a_receipt(answer=Answer.REJECTED, errors=(error,))

        assert read(render_apprec(replace(receipt, sender=party))).answer is Answer.REJECTED

    @pytest.mark.parametrize(
        "receipt",
        [
            pytest.param(a_receipt(errors=(receipt_error("E21"),)), id="OK with an error"),
            pytest.param(a_receipt(answer=Answer.REJECTED), id="rejected without error"),
            pytest.param(a_receipt(answer=Answer.OK_WITH_ERRORS), id="with errors, without error"),
            pytest.param(replace(a_receipt(), generated_at=None), id="without date"),
            pytest.param(
                replace(a_receipt(), generated_at=NOON.replace(tzinfo=None)), id="without zone"
            ),
        ],
    )
    def test_receipt_that_contradicts_itself_is_not_written(
        self, receipt: ApplicationReceipt
    ) -> None:
        with pytest.raises(InternalFault):
            render_apprec(receipt)


class TestReceiptError:
    def test_known_code_is_kept_and_named(self) -> None:
        assert receipt_error("E35", "ukjent her") == ReceiptError(
            code="E35",
            text="ukjent her",
            name="Pasienten finnes ikke i mottakersystemet",
            system=ERROR_SYSTEM,
        )

    @pytest.mark.parametrize("code", ["e35", " E35 "])
    def test_case_and_blanks_of_a_code_do_not_count(self, code: str) -> None:
        assert receipt_error(code).code == "E35"

    @pytest.mark.parametrize("code", [None, "", " ", "E77", "EPJ_PATIENT_ID", "35"])
    def test_unknown_or_missing_code_becomes_x99_with_the_text(self, code: str | None) -> None:
        error = receipt_error(code, " fordi ")

        assert (error.code, error.text, error.name) == ("X99", "fordi", "Annen feil")

    @pytest.mark.parametrize("code", ["T99", "S99", "X99", None])
    @pytest.mark.parametrize("text", [None, "", " \n", "\x00\x01"])
    def test_general_code_never_goes_without_a_text(
        self, code: str | None, text: str | None
    ) -> None:
        assert receipt_error(code, text).text == "Mottakersystemet har ikke oppgitt årsak."

    def test_unknown_code_without_text_is_named_in_the_text(self) -> None:
        assert (receipt_error("EPJ_42").text or "").endswith("Feilkode: EPJ_42")

    @pytest.mark.parametrize("code", ["01815000232", "Kari Prøve", "<x>", "E" * 40])
    def test_what_is_not_shaped_as_a_code_is_not_repeated(self, code: str) -> None:
        assert code not in (receipt_error(code).text or "")

    @pytest.mark.parametrize("code", ["E21", "T02", "S01"])
    def test_precise_code_needs_no_text(self, code: str) -> None:
        assert receipt_error(code).text is None


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("Ring oss.", "Mottaker finnes ikke", "Ring oss. (Mottaker finnes ikke)"),
        ("Mottaker finnes ikke hos oss.", "Mottaker finnes ikke", "Mottaker finnes ikke hos oss."),
        ("Ring oss.", None, "Ring oss."),
        (" ", " Mottaker finnes ikke ", "Mottaker finnes ikke"),
        (None, None, ""),
    ],
)
def test_an_error_tells_its_own_text_and_that_of_its_code(
    text: str | None, name: str | None, words: str
) -> None:
    assert ReceiptError(code="E21", text=text, name=name).words == words


class TestMirror:
    def test_sender_and_receiver_change_places(self) -> None:
        sender, receiver = mirror(Party(organisation=SURGERY), Party(organisation=HOSPITAL), V1_1)

        assert (sender.enterprise_her, sender.her) == ("100100", "100123")
        assert (receiver.enterprise_her, receiver.her) == ("200200", "200217")

    @pytest.mark.parametrize(
        ("version", "copy_receiver", "roles"),
        [
            (ReceiptVersion.V1_0, False, ("SPR", "RECEIVER")),
            (ReceiptVersion.V1_1, False, ("PRIM", "AVS")),
            (ReceiptVersion.V1_0, True, ("COP", "RECEIVER")),
            (ReceiptVersion.V1_1, True, ("COP", "AVS")),
        ],
    )
    def test_roles_follow_version_and_place(
        self, version: ReceiptVersion, copy_receiver: bool, roles: tuple[str, str]
    ) -> None:
        sender, receiver = mirror(
            Party(organisation=SURGERY),
            Party(organisation=HOSPITAL),
            version,
            copy_receiver=copy_receiver,
        )

        assert (sender.role, receiver.role) == roles

    def test_all_idents_come_back_with_the_her_id_first(self) -> None:
        local = Ident(id="L-1", type=Code(value="LOK"))
        organisation = replace(HOSPITAL, idents=(enh("310123455"), local, her("100100")))

        sender, _ = mirror(Party(organisation=SURGERY), Party(organisation=organisation), V1_1)

        assert [i.id for i in sender.organisation.idents] == ["100100", "310123455", "L-1"]

    def test_empty_idents_are_left_out(self) -> None:
        organisation = Organisation(idents=(enh(" "), her("")))

        sender, _ = mirror(Party(organisation=SURGERY), Party(organisation=organisation), V1_1)

        assert sender.organisation.idents == ()

    def test_department_comes_back_with_all_its_idents(self) -> None:
        part = Organisation(name="Poliklinikken", idents=(enh("310123463"), her("100123")))

        sender, _ = mirror(
            Party(organisation=SURGERY), Party(organisation=replace(HOSPITAL, part=part)), V1_1
        )

        assert sender.organisation.part == Organisation(
            name="Poliklinikken", idents=(her("100123"), enh("310123463"))
        )

    def test_person_who_is_the_communication_party_comes_back_with_one_name(self) -> None:
        person = HealthcareProfessional(
            given_name="Nils",
            middle_name="Oddvar",
            family_name="Prøve",
            idents=(Ident(id="7654321", type=Code(value="HPR")), her("200217")),
            profession=Code(value="LE"),
        )

        _, receiver = mirror(
            Party(organisation=replace(SURGERY, professional=person)),
            Party(organisation=HOSPITAL),
            V1_1,
        )

        assert receiver.organisation.professional == HealthcareProfessional(
            family_name="Nils Oddvar Prøve",
            idents=(her("200217"), Ident(id="7654321", type=Code(value="HPR"))),
        )

    def test_person_with_a_her_id_beside_a_department_without_one_comes_back(self) -> None:
        part = Organisation(name="Lab", idents=(Ident(id="974", type=Code(value="LOK")),))

        sender, _ = mirror(
            Party(organisation=SURGERY), Party(organisation=replace(SURGERY, part=part)), V1_1
        )

        assert sender.organisation == replace(SURGERY, part=part)
        assert sender.her == "200217"

    def test_person_beside_a_department_with_a_her_id_of_its_own_comes_back_when_named(
        self,
    ) -> None:
        party = Party(organisation=replace(SURGERY, part=HOSPITAL.part))

        for_person, _ = mirror(Party(organisation=SURGERY), party.named_by(HerId("200217")), V1_1)
        for_department, _ = mirror(Party(organisation=SURGERY), party, V1_1)

        assert for_person.organisation == party.organisation
        assert for_department.organisation == replace(party.organisation, professional=None)

    def test_of_two_her_ids_the_one_named_comes_first(self) -> None:
        part = Organisation(name="Poliklinikken", idents=(her("100122"), her("100123")))
        party = Party(organisation=replace(HOSPITAL, part=part)).named_by(HerId("100123"))

        sender, _ = mirror(Party(organisation=SURGERY), party, V1_1)

        assert sender.hers == ("100123", "100122")

    @pytest.mark.parametrize("idents", [(), (her(""),), (enh(" "),)])
    def test_department_of_which_nothing_is_left_is_not_written(
        self, idents: tuple[Ident, ...]
    ) -> None:
        empty = Organisation(name=" ", idents=idents)

        sender, receiver = mirror(
            Party(organisation=replace(SURGERY, part=empty)),
            Party(organisation=replace(HOSPITAL, part=empty)),
            V1_1,
        )

        body = render_apprec(replace(a_receipt(), sender=sender, receiver=receiver))
        assert receiver.organisation == SURGERY
        assert b"<Dept" not in body

    @pytest.mark.parametrize("level", [1, 2])
    def test_person_who_signs_beside_a_department_does_not_come_back(self, level: int) -> None:
        signer = HealthcareProfessional(
            family_name="Prøve", idents=(Ident(id="7654321", type=Code(value="HPR")),)
        )
        part = Organisation(name="Kontoret", professional=signer if level == 2 else None)
        organisation = Organisation(part=part, professional=signer if level == 1 else None)

        _, receiver = mirror(Party(organisation=organisation), Party(organisation=HOSPITAL), V1_1)

        body = render_apprec(replace(a_receipt(), receiver=receiver))
        inst = element(body, "Receiver", "HCP", "Inst")
        assert [etree.QName(child).localname for child in inst] == ["Dept"]

    def test_only_what_an_apprec_has_room_for_comes_back(self) -> None:
        organisation = replace(
            HOSPITAL, type=Code(value="1"), address=Address(city="Fjordvik"), telecoms=()
        )

        sender, _ = mirror(Party(organisation=SURGERY), Party(organisation=organisation), V1_1)

        assert sender.organisation == HOSPITAL

    @settings(deadline=None)  # large values on a busy machine
    @given(ORGANISATION, ORGANISATION, st.sampled_from(ReceiptVersion))
    def test_mirrored_addresses_survive_the_wire(
        self, one: Organisation, other: Organisation, version: ReceiptVersion
    ) -> None:
        sender, receiver = mirror(Party(organisation=one), Party(organisation=other), version)
        receipt = replace(a_receipt(version=version), sender=sender, receiver=receiver)

        assert read(render_apprec(receipt)) == receipt
