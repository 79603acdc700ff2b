"""AppRec: what is read, what is refused, what is written, and the addresses that come back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec, render_apprec
from gateway.codecs.xml import APPREC_1_0, APPREC_1_1, parse_untrusted
from gateway.domain.identifiers import MsgId
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
    OriginalMessage,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
    receipt_error,
)
from gateway.errors import BadReceipt, InternalFault

V1_1 = ReceiptVersion.V1_1
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMESPACES = {ReceiptVersion.V1_0: APPREC_1_0, ReceiptVersion.V1_1: APPREC_1_1}


def her(number: str) -> Ident:
    return Ident(id=number, type=Code(value="HER", name="HER-id"))


def enh(number: str) -> Ident:
    return Ident(id=number, type=Code(value="ENH", name="Organisasjonsnummer"))


HOSPITAL = Organisation(
    name="Fjordvik sykehus",
    idents=(her("100100"), enh("310123455")),
    part=Organisation(name="Fjordvik poliklinikk", idents=(her("100123"),)),
)
SURGERY = Organisation(
    name="Bakkegata legesenter",
    idents=(her("200200"),),
    professional=HealthcareProfessional(
        family_name="Nils Oddvar Prøve",
        idents=(her("200217"), Ident(id="7654321", type=Code(value="HPR"))),
    ),
)


def a_receipt(
    *,
    version: ReceiptVersion = ReceiptVersion.V1_1,
    answer: Answer = Answer.OK,
    errors: tuple[ReceiptError, ...] = (),
) -> ApplicationReceipt:
    return ApplicationReceipt(
        version=version,
        receipt_id="6b1c5b1e-70a5-4f0c-9a39-0d6a2c7f1a11",
        generated_at=NOON,
        answer=answer,
        original=OriginalMessage(
            msg_id=MsgId("0a5e3d6c-3c53-4c39-8f53-8a1f6d1f4b22"),
            type="DIALOG_FORESPORSEL",
            type_name="Forespørsel",
            issue_date_text="2026-03-01T12:59:58.1234567",
        ),
        sender=ReceiptParty(organisation=HOSPITAL, role="PRIM"),
        receiver=ReceiptParty(organisation=SURGERY, role="AVS"),
        errors=errors,
    )


def rejected(*errors: ReceiptError, version: ReceiptVersion = ReceiptVersion.V1_1) -> bytes:
    return render_apprec(a_receipt(version=version, answer=Answer.REJECTED, errors=errors))


def read(body: bytes) -> ApplicationReceipt:
    return parse_apprec(parse_untrusted(body))


def element(body: bytes, *path: str) -> etree._Element:
    """The first element at ``path`` below the root."""
    node = etree.fromstring(body)
    for name in path:
        node = next(child for child in node if etree.QName(child).localname == name)
    return node


def an_apprec(
    *,
    version: ReceiptVersion = ReceiptVersion.V1_1,
    status: str = '<Status V="1"/>',
    errors: str = "",
    original: str = "<OriginalMsgId><Id>m-1</Id></OriginalMsgId>",
    gen_date: str = "<GenDate>2026-03-01T12:00:00Z</GenDate>",
    parties: str = "",
) -> bytes:
    """A hand-written AppRec with as little in it as a test wants."""
    body = f"{gen_date}<Id>r-1</Id>{parties}{status}{errors}{original}"
    return f'<AppRec xmlns="{NAMESPACES[version]}">{body}</AppRec>'.encode()


class TestRead:
    @pytest.mark.parametrize("version", ReceiptVersion)
    def test_namespace_tells_the_version(self, version: ReceiptVersion) -> None:
        assert read(an_apprec(version=version)).version is version

    @pytest.mark.parametrize(
        "root",
        [
            b"<AppRec/>",
            b'<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2020-01-01"/>',
            b'<MsgHead xmlns="http://www.kith.no/xmlstds/apprec/2012-02-15"/>',
        ],
    )
    def test_other_document_is_no_apprec(self, root: bytes) -> None:
        assert not is_apprec(parse_untrusted(root))
        with pytest.raises(BadReceipt):
            read(root)

    def test_apprec_is_known_even_when_it_cannot_be_read(self) -> None:
        assert is_apprec(parse_untrusted(f'<a:AppRec xmlns:a="{APPREC_1_0}"/>'.encode()))

    @pytest.mark.parametrize(
        ("status", "answer"),
        [
            ('<Status V="1" DN="OK"/>', Answer.OK),
            ('<Status V=" 2 "/>', Answer.REJECTED),
            ('<Status V="3"/>', Answer.OK_WITH_ERRORS),
        ],
    )
    def test_status_is_the_answer(self, status: str, answer: Answer) -> None:
        assert read(an_apprec(status=status)).answer is answer

    @pytest.mark.parametrize(
        "status",
        [
            pytest.param("", id="absent"),
            pytest.param("<Status/>", id="without value"),
            pytest.param('<Status V=""/>', id="empty"),
            pytest.param('<Status V="4"/>', id="unknown"),
            pytest.param('<Status DN="OK"/>', id="name only"),
            pytest.param('<Status V="1"/><Status V="2"/>', id="twice"),
        ],
    )
    def test_answer_that_is_not_clear_is_refused(self, status: str) -> None:
        with pytest.raises(BadReceipt, match="Status"):
            read(an_apprec(status=status))

    @pytest.mark.parametrize(
        "original",
        [
            pytest.param("", id="absent"),
            pytest.param("<OriginalMsgId/>", id="without id"),
            pytest.param("<OriginalMsgId><Id> </Id></OriginalMsgId>", id="blank"),
            pytest.param("<OriginalMsgId><Id>a</Id></OriginalMsgId>" * 2, id="twice"),
        ],
    )
    def test_answer_to_nothing_is_refused(self, original: str) -> None:
        with pytest.raises(BadReceipt, match="OriginalMsgId"):
            read(an_apprec(original=original))

    def test_refusal_tells_nothing_of_the_content(self) -> None:
        with pytest.raises(BadReceipt) as caught:
            read(an_apprec(status='<Status V="Kari Prøve"/>'))

        assert "Kari" not in f"{caught.value} {caught.value.where}"
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_least_receipt_is_read_with_empty_parties(self) -> None:
        receipt = read(an_apprec())

        assert receipt.original == OriginalMessage(msg_id=MsgId("m-1"), type="", issue_date_text="")
        assert receipt.sender == ReceiptParty(organisation=Organisation())
        assert (receipt.sender.her, receipt.sender.enterprise_her) == (None, None)
        assert receipt.findings == ()

    @pytest.mark.parametrize(
        ("text", "instant"),
        [
            ("2026-03-01T12:00:00Z", NOON),
            ("2026-03-01T13:00:00+01:00", NOON),
            ("2026-03-01T13:00:00", NOON),
            ("2026-07-01T14:00:00", datetime(2026, 7, 1, 12, 0, tzinfo=UTC)),
            ("2026-03-01T12:00:00.1Z", NOON + timedelta(milliseconds=100)),
            ("2026-03-01T12:00:00.0004679Z", NOON + timedelta(microseconds=467)),
            ("2026-03-01T12:00:00.000467912+00:00", NOON + timedelta(microseconds=467)),
            (" 2026-03-01T12:00:00Z\n", NOON),
        ],
    )
    def test_gen_date_is_read_in_all_its_forms(self, text: str, instant: datetime) -> None:
        assert read(an_apprec(gen_date=f"<GenDate>{text}</GenDate>")).generated_at == instant

    @pytest.mark.parametrize("gen_date", ["", "<GenDate/>", "<GenDate>i går</GenDate>"])
    def test_unreadable_gen_date_does_not_lose_the_answer(self, gen_date: str) -> None:
        receipt = read(an_apprec(gen_date=gen_date))

        assert (receipt.answer, receipt.generated_at) == (Answer.OK, None)
        assert receipt.findings == ("gen_date_unreadable",)

    @pytest.mark.parametrize(
        ("error", "read_as"),
        [
            pytest.param(
                f'<Error V="E21" S="{ERROR_SYSTEM}" DN="Mottaker finnes ikke" OT="ukjent"/>',
                ReceiptError(
                    code="E21", text="ukjent", name="Mottaker finnes ikke", system=ERROR_SYSTEM
                ),
                id="as the standard has it",
            ),
            pytest.param('<Error V="X99"/>', ReceiptError(code="X99"), id="without S"),
            pytest.param(
                f'<Error V="{ERROR_SYSTEM}" S="E35"/>',
                ReceiptError(code="E35", system=ERROR_SYSTEM),
                id="V and S swapped",
            ),
            pytest.param(
                '<Error V="53" S="2.16.578.1.12.4.1.1.8223" OT="3"/>',
                ReceiptError(code="53", text="3", system="2.16.578.1.12.4.1.1.8223"),
                id="other code list",
            ),
            pytest.param('<Error OT="nei"/>', ReceiptError(code="", text="nei"), id="without V"),
            pytest.param(
                f'<Error V="{ERROR_SYSTEM}" OT="nei"/>',
                ReceiptError(code="", text="nei", system=ERROR_SYSTEM),
                id="code list only",
            ),
        ],
    )
    def test_error_is_read_as_senders_write_it(self, error: str, read_as: ReceiptError) -> None:
        receipt = read(an_apprec(status='<Status V="2"/>', errors=error))

        assert receipt.errors == (read_as,)

    def test_errors_keep_their_order(self) -> None:
        receipt = read(
            an_apprec(status='<Status V="2"/>', errors='<Error V="E36"/><Error V="E21"/>')
        )

        assert [error.code for error in receipt.errors] == ["E36", "E21"]

    @pytest.mark.parametrize(
        ("status", "errors", "finding"),
        [
            ("1", '<Error V="E21"/>', "ok_with_errors"),
            ("2", "", "refused_without_error"),
            ("2", f'<Error V="{ERROR_SYSTEM}" S="E35"/>', "error_code_swapped"),
            ("2", "<Error/>", "error_without_code"),
        ],
    )
    def test_oddity_is_a_finding(self, status: str, errors: str, finding: str) -> None:
        receipt = read(an_apprec(status=f'<Status V="{status}"/>', errors=errors))

        assert receipt.findings == (finding,)

    @given(st.permutations(range(8)))
    def test_order_of_elements_does_not_matter(self, order: Sequence[int]) -> None:
        root = etree.fromstring(render_apprec(a_receipt()))
        children = list(root)
        assert len(children) == len(order)

        root[:] = [children[position] for position in order]

        assert parse_apprec(root) == a_receipt()

    def test_comment_does_not_cut_an_id_short(self) -> None:
        original = "<OriginalMsgId><Id>m-1<!-- x -->7<?y z?>8</Id></OriginalMsgId>"

        assert read(an_apprec(original=original)).original.msg_id == "m-178"

    def test_person_at_the_place_of_the_institution_is_read(self) -> None:
        parties = (
            "<Sender><HCP><HCProf><Name>Nils Prøve</Name><Id>200217</Id>"
            '<TypeId V="HER"/></HCProf></HCP></Sender>'
        )

        sender = read(an_apprec(parties=parties)).sender

        assert sender.her == "200217"
        assert sender.organisation.professional is not None
        assert sender.organisation.professional.family_name == "Nils Prøve"

    @pytest.mark.parametrize("level", ["Dept", "HCPerson"])
    def test_of_several_on_level_2_the_first_with_her_id_stands(self, level: str) -> None:
        parties = (
            f"<Sender><HCP><Inst><{level}><Name>En</Name></{level}>"
            f'<{level}><Id>7</Id><TypeId V="HER"/></{level}>'
            f'<{level}><Id>8</Id><TypeId V="HER"/></{level}></Inst></HCP></Sender>'
        )

        receipt = read(an_apprec(parties=parties))

        assert receipt.sender.her == "7"
        assert receipt.findings == ("several_on_level_2",)

    def test_person_answers_where_the_department_has_no_her_id(self) -> None:
        organisation = replace(SURGERY, part=Organisation(name="Kontoret"))

        assert ReceiptParty(organisation=organisation).her == "200217"

    def test_her_id_among_the_further_ids_is_found(self) -> None:
        parties = (
            '<Sender><HCP><Inst><Id>310123455</Id><TypeId V="ENH"/><AdditionalId><Id>100100</Id>'
            '<Type V="HER"/></AdditionalId></Inst></HCP></Sender>'
        )

        assert read(an_apprec(parties=parties)).sender.enterprise_her == "100100"


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


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12
)
WORD = TEXT.map(str.strip).filter(bool)
IDENT = st.builds(
    Ident,
    id=WORD,
    type=st.builds(Code, value=st.sampled_from(["HER", "ENH", "LOK"]), name=st.none() | TEXT),
)
IDENTS = st.lists(IDENT, max_size=3).map(tuple)
PROFESSIONAL = st.builds(HealthcareProfessional, family_name=st.none() | WORD, idents=IDENTS)
PART = st.builds(Organisation, name=TEXT.map(str.strip), idents=IDENTS)
ORGANISATION = st.builds(
    Organisation,
    name=TEXT.map(str.strip),
    idents=IDENTS,
    part=st.none() | PART,
    professional=st.none() | PROFESSIONAL,
)
PARTY = st.builds(
    ReceiptParty,
    organisation=ORGANISATION,
    role=st.none() | st.sampled_from(["PRIM", "AVS", "SPR", "REQ", "COP", "RECEIVER"]),
)
ERROR = st.builds(
    ReceiptError,
    code=st.sampled_from(sorted(APPREC_ERRORS)),
    text=st.none() | TEXT,
    name=TEXT,
    system=st.just(ERROR_SYSTEM),
)
RECEIPT = st.builds(
    ApplicationReceipt,
    version=st.sampled_from(ReceiptVersion),
    receipt_id=WORD,
    generated_at=st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        datetime(2100, 1, 1),  # noqa: DTZ001
        # An hour that a zone has twice equals no other (PEP 495); XML has offsets only.
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    ),
    answer=st.just(Answer.OK),
    original=st.builds(
        OriginalMessage,
        msg_id=WORD.map(MsgId),
        type=st.sampled_from(["DIALOG_FORESPORSEL", "DIALOG_SVAR"]),
        type_name=st.none() | TEXT,
        issue_date_text=st.just("2026-03-01T12:00:00"),
    ),
    sender=PARTY,
    receiver=PARTY,
    errors=st.just(()),
    software_name=st.none() | WORD,
    software_version=st.none() | WORD,
    findings=st.just(()),
)


class TestRoundTrip:
    @settings(deadline=None)  # large values on a busy machine
    @given(RECEIPT, st.lists(ERROR, max_size=3).map(tuple))
    def test_what_is_written_is_read_back(
        self, receipt: ApplicationReceipt, errors: tuple[ReceiptError, ...]
    ) -> None:
        answer = Answer.REJECTED if errors else Answer.OK
        receipt = replace(receipt, answer=answer, errors=errors)

        assert read(render_apprec(receipt)) == receipt


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

    @pytest.mark.parametrize("level", [1, 2])
    def test_person_who_signs_beside_a_department_does_not_come_back(self, level: int) -> None:
        signer = SURGERY.professional
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
