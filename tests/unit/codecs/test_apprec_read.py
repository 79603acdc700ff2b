"""Reading application receipts, version 1.0 and 1.1."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec, render_apprec
from gateway.codecs.xml import APPREC_1_0, parse_untrusted
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    Organisation,
)
from gateway.domain.receipt import (
    ERROR_SYSTEM,
    Answer,
    OriginalMessage,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
)
from gateway.errors import BadReceipt
from tests.builders_apprec import (
    NOON,
    SURGERY,
    a_receipt,
    an_apprec,
    read,
)


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
