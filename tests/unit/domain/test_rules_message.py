"""Message kind, content, identifier, patient, attachments and markup (R-01, R-03, R-35-R-44)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.findings import Screening, Verdict
from gateway.domain.identifiers import MsgId
from gateway.domain.message import Carrier, Code, DialogMessage, Ident, Markup
from gateway.domain.rules.attachments import RULES as ATTACHMENT_RULES
from gateway.domain.screening import ScreeningPolicy
from tests.builders_message import a_question, an_answer
from tests.builders_screening import (
    PRODUCTION,
    SHARED_HELP,
    SYNTHETIC,
    SYNTHETIC_LOCAL_HELP,
    TEST,
    a_clean_request,
    a_named_patient,
    an_attachment_of,
    an_ident,
    incoming,
    of_rule,
    outgoing,
    with_text,
)

Screened = Callable[..., Screening]
BOTH = pytest.mark.parametrize("screened", [outgoing, incoming], ids=["outgoing", "incoming"])
OTHER_KINDS = (
    "DIALOG_NOTAT",
    "DIALOG_HELSEFAGLIG",
    "DIALOG_STATUS_HENVISNING",
    "DIALOG_TIL_ARKIVERING",
    "DIALOG",
    "APPREC",
    "",
    "dialog_svar",
)


def of_kind(kind: str, message: DialogMessage) -> DialogMessage:
    return replace(message, type=Code(value=kind))


def a_deviation() -> DialogMessage:
    message = of_kind("DIALOG_AVVIK", an_answer(patient=a_clean_request().patient))
    theme = Code(value="1", system="2.16.578.1.12.4.1.1.8117")
    return replace(message, notes=(replace(message.notes[0], theme=theme, question=None),))


class TestKind:
    @pytest.mark.parametrize("kind", OTHER_KINDS)
    def test_only_request_and_answer_are_permitted(self, kind: str) -> None:
        message = of_kind(kind, a_clean_request())
        sent, received = outgoing(message), incoming(message)

        assert of_rule(sent.findings, "R-40") == [("reject", "EPJ_MSGTYPE")]
        assert sent.rejections[0].apprec is None
        assert [f.apprec for f in received.rejections] == ["T10"]
        assert received.kind == kind

    @BOTH
    @pytest.mark.parametrize("message", [a_clean_request(), an_answer()], ids=["request", "answer"])
    def test_a_dialogue_may_start_on_either_side(
        self, screened: Screened, message: DialogMessage
    ) -> None:
        assert screened(message).verdict is Verdict.PASS

    @pytest.mark.parametrize("kind", ["DIALOG-FORESPORSEL", "DIALOG-Forespørsel"])
    def test_the_hyphen_is_read_only_when_configured_and_only_incoming(self, kind: str) -> None:
        message = of_kind(kind, a_clean_request())
        tolerant = replace(TEST, hyphen_kinds=True)

        assert incoming(message).verdict is Verdict.REJECT
        assert incoming(message, tolerant).verdict is Verdict.PASS
        assert outgoing(message, tolerant).verdict is Verdict.REJECT

    def test_an_old_spelling_of_another_kind_stays_refused(self) -> None:
        message = of_kind("DIALOG-NOTAT", a_clean_request())

        assert incoming(message, replace(TEST, hyphen_kinds=True)).verdict is Verdict.REJECT

    def test_a_deviation_is_taken_in_for_the_message_responsible_and_not_sent(self) -> None:
        received, sent = incoming(a_deviation()), outgoing(a_deviation())

        assert received.verdict is Verdict.PASS
        assert of_rule(received.findings, "R-44") == [("follow-up", "EPJ_ADVICE_DEVIATION")]
        assert of_rule(sent.findings, "R-44") == [("reject", "EPJ_MSGTYPE")]

    def test_deviations_can_be_refused_by_configuration(self) -> None:
        policy = replace(TEST, deviation_incoming="reject")

        assert [f.apprec for f in incoming(a_deviation(), policy).rejections] == ["T10"]


class TestContent:
    @BOTH
    @pytest.mark.parametrize(
        "message",
        [
            pytest.param(of_kind("DIALOG_SVAR", a_clean_request()), id="answer with a question"),
            pytest.param(of_kind("DIALOG_FORESPORSEL", an_answer()), id="request with a note"),
            pytest.param(
                replace(a_clean_request(), notes=an_answer().notes), id="question and note"
            ),
            pytest.param(a_clean_request(questions=()), id="nothing in it"),
        ],
    )
    def test_content_that_does_not_fit_the_kind_is_refused(
        self, screened: Screened, message: DialogMessage
    ) -> None:
        screening = screened(replace(message, patient=a_clean_request().patient))

        assert of_rule(screening.findings, "R-41") == [("reject", "EPJ_SCHEMA")]
        assert screening.rejections[0].apprec in (None, "T99")

    def test_an_answer_cannot_have_the_theme_of_a_deviation(self) -> None:
        message = of_kind("DIALOG_SVAR", a_deviation())

        assert [(f.rule, f.apprec) for f in incoming(message).rejections] == [("R-41", "T99")]

    def test_version_1_1_is_another_format_unless_agreed(self) -> None:
        message = a_clean_request(
            content_namespace="http://www.kith.no/xmlstds/dialog/2013-01-23", dialog_version="1.1"
        )

        assert [(f.rule, f.apprec) for f in incoming(message).rejections] == [("R-41", "T10")]
        assert incoming(message, replace(TEST, dialog_1_1_allowed=True)).verdict is Verdict.PASS

    @pytest.mark.parametrize("namespace", ["urn:something", None])
    def test_content_that_is_no_dialogmelding_is_another_format(
        self, namespace: str | None
    ) -> None:
        message = a_clean_request(
            content_namespace=namespace, dialog_version=None, questions=(), attachments=()
        )

        assert [f.apprec for f in incoming(message).rejections] == ["T10"]

    @pytest.mark.parametrize(
        "msg_id",
        ["", "1", "6f2f4c0e7a514b0e9c390d9a5b0f1a01", "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a0g"],
    )
    def test_a_msg_id_that_is_no_uuid_is_refused(self, msg_id: str) -> None:
        received = incoming(a_clean_request(msg_id=MsgId(msg_id)))

        assert [(f.rule, f.apprec) for f in received.rejections] == [("R-67", "E10")]
        assert of_rule(outgoing(a_clean_request(msg_id=MsgId(msg_id))).findings, "R-67")

    def test_a_msg_id_in_capital_letters_is_a_uuid(self) -> None:
        message = a_clean_request(msg_id=MsgId("6F2F4C0E-7A51-4B0E-9C39-0D9A5B0F1A01"))

        assert incoming(message).findings == ()


class TestPatient:
    @BOTH
    @pytest.mark.parametrize(
        ("idents", "changes"),
        [
            pytest.param((), {"family_name": "", "given_name": ""}, id="no names"),
            pytest.param((an_ident(""),), {"sex": None}, id="emptied number, no sex"),
            pytest.param((), {"date_of_birth": None}, id="no birth date"),
            pytest.param((an_ident(SYNTHETIC),), {"given_name": " "}, id="number without names"),
        ],
    )
    def test_a_patient_who_could_be_anybody_is_refused(
        self,
        screened: Screened,
        idents: tuple[Ident, ...],
        changes: dict[str, object],
    ) -> None:
        screening = screened(a_clean_request(patient=a_named_patient(*idents, **changes)))

        assert of_rule(screening.findings, "R-01") == [("reject", "EPJ_PATIENT_ID")]
        assert screening.rejections[0].apprec in (None, "E36")

    @BOTH
    def test_a_message_about_nobody_is_refused(self, screened: Screened) -> None:
        screening = screened(a_clean_request(patient=None))

        assert of_rule(screening.findings, "R-01") == [("reject", "EPJ_PATIENT_COUNT")]

    @BOTH
    def test_name_birth_date_and_sex_are_enough(self, screened: Screened) -> None:
        assert screened(a_clean_request(patient=a_named_patient()), PRODUCTION).findings == ()

    @BOTH
    @pytest.mark.parametrize(
        "idents",
        [
            pytest.param((an_ident("25436000305", "HNR"),), id="H-nummer"),
            pytest.param((an_ident(SYNTHETIC_LOCAL_HELP, "FNR"),), id="month 41 declared as FNR"),
            pytest.param((an_ident(SHARED_HELP, "FHN"),), id="felles hjelpenummer"),
        ],
    )
    def test_only_a_hjelpenummer_is_refused(
        self, screened: Screened, idents: tuple[Ident, ...]
    ) -> None:
        screening = screened(a_clean_request(patient=a_named_patient(*idents)), PRODUCTION)

        assert of_rule(screening.findings, "R-03") == [("reject", "EPJ_PATIENT_ID")]
        assert screening.rejections[0].apprec in (None, "E36")
        assert "kun hjelpenummer" in screening.rejections[0].text_nb

    @BOTH
    def test_a_hjelpenummer_beside_a_national_number_is_fine(self, screened: Screened) -> None:
        patient = a_named_patient(an_ident(SYNTHETIC), an_ident("25436000305", "HNR"))

        assert screened(a_clean_request(patient=patient)).findings == ()

    def test_felles_hjelpenummer_can_be_allowed(self) -> None:
        message = a_clean_request(patient=a_named_patient(an_ident(SHARED_HELP, "FHN")))

        assert outgoing(message, replace(TEST, fhn_is_help_number=False)).verdict is Verdict.PASS

    def test_a_test_number_is_refused_in_production(self) -> None:
        assert incoming(a_clean_request(), PRODUCTION).verdict is Verdict.REJECT

    @pytest.mark.parametrize(
        "patient",
        [
            pytest.param(a_named_patient(an_ident("01015000299")), id="wrong control digits"),
            pytest.param(
                a_named_patient(an_ident(SYNTHETIC), date_of_birth=date(1951, 1, 1)),
                id="another birth date",
            ),
            pytest.param(a_named_patient(date_of_birth=date(2030, 1, 1)), id="not yet born"),
        ],
    )
    def test_a_doubtful_identity_is_remarked_and_passes(self, patient: object) -> None:
        message = a_clean_request(patient=patient)

        assert of_rule(outgoing(message).findings, "R-01") == [("advise", "EPJ_ADVICE_PATIENT")]
        assert of_rule(incoming(message).findings, "R-01") == [("follow-up", "EPJ_ADVICE_PATIENT")]

    def test_no_finding_quotes_the_patient(self) -> None:
        patient = a_named_patient(an_ident("25436000305", "HNR"))
        screening = outgoing(a_clean_request(patient=patient))

        said = " ".join(f"{f.text_nb} {f.text_en} {f.where}" for f in screening.findings)
        assert not any(word in said for word in ("25436000305", "Åsnes", "Prøve", "1950"))


class TestAttachments:
    @pytest.mark.parametrize("carrier", Carrier)
    def test_outgoing_attachments_are_removed_and_incoming_refused(self, carrier: Carrier) -> None:
        message = a_clean_request(attachments=(an_attachment_of(carrier),))
        sent, received = outgoing(message), incoming(message)

        assert (sent.verdict, received.verdict) == (Verdict.STRIP, Verdict.REJECT)
        assert of_rule(sent.findings, "R-36") == [("strip", "EPJ_ATTACH")]
        assert [f.apprec for f in received.rejections] == ["T99"]

    def test_the_other_policy_refuses_outgoing_and_removes_incoming(self) -> None:
        policy = replace(TEST, outgoing_attachments="reject", incoming_attachments="strip")
        message = a_clean_request(attachments=(an_attachment_of(),))

        assert outgoing(message, policy).verdict is Verdict.REJECT
        received = incoming(message, policy)
        assert received.verdict is Verdict.STRIP
        assert [f.who_acts.value for f in received.findings] == ["operator"]

    def test_each_attachment_has_a_finding_of_its_own(self) -> None:
        message = a_clean_request(attachments=(an_attachment_of(),) * 3)

        assert len(of_rule(incoming(message).findings, "R-36")) == 3

    @pytest.mark.parametrize("text", [None, "", " \n\t", "\u200b\u00a0"])
    def test_nothing_but_an_attachment_is_refused_both_ways(self, text: str | None) -> None:
        message = a_clean_request(questions=(a_question(text),), attachments=(an_attachment_of(),))
        policy = replace(TEST, incoming_attachments="strip")

        assert of_rule(outgoing(message).findings, "R-36") == [("reject", "EPJ_ATTACH")]
        assert [f.apprec for f in incoming(message, policy).rejections] == ["T99"]

    def test_what_counts_is_the_text_that_is_left(self) -> None:
        policy = replace(TEST, incoming_attachments="strip")
        attachments = (an_attachment_of(Carrier.PICTURE),)
        gone = a_clean_request(attachments=attachments, text_left=" \n\n ")
        kept = a_clean_request(attachments=attachments, text_left="Se her")

        assert of_rule(outgoing(gone).findings, "R-36") == [("reject", "EPJ_ATTACH")]
        assert [f.apprec for f in incoming(gone, policy).rejections] == ["T99"]
        assert (outgoing(kept).verdict, incoming(kept, policy).verdict) == (
            Verdict.STRIP,
            Verdict.STRIP,
        )

    def test_a_document_that_is_only_an_attachment_is_refused_as_one(self) -> None:
        message = a_clean_request(
            questions=(),
            content_namespace="http://www.kith.no/xmlstds/base64container",
            dialog_version=None,
            attachments=(an_attachment_of(Carrier.BASE64),),
        )

        assert [(f.rule, f.apprec) for f in incoming(message).rejections] == [("R-36", "T99")]
        assert [f.code for f in outgoing(message).rejections] == ["EPJ_ATTACH"]

    def test_removal_that_would_break_a_signature_refuses(self) -> None:
        message = a_clean_request(signed=True, attachments=(an_attachment_of(),))

        assert outgoing(message).verdict is Verdict.REJECT
        assert incoming(message, replace(TEST, incoming_attachments="strip")).strips


class TestMarkup:
    def test_markup_that_loses_nothing_is_turned_into_text(self) -> None:
        message = a_clean_request(markup=Markup.FLATTENED)

        assert of_rule(outgoing(message).findings, "R-35") == [("strip", "EPJ_MARKUP")]
        assert of_rule(incoming(message).findings, "R-35") == [("strip", "EPJ_MARKUP")]

    def test_markup_that_text_cannot_carry_refuses_only_outgoing(self) -> None:
        message = a_clean_request(markup=Markup.LOSSY)

        assert of_rule(outgoing(message).findings, "R-35") == [("reject", "EPJ_MARKUP")]
        assert of_rule(incoming(message).findings, "R-35") == [("strip", "EPJ_MARKUP")]

    def test_markup_in_a_signed_message_cannot_be_turned_into_text(self) -> None:
        message = a_clean_request(markup=Markup.FLATTENED, signed=True)

        assert outgoing(message).verdict is Verdict.REJECT
        assert incoming(message).verdict is Verdict.STRIP

    def test_both_rules_speak_of_one_stage(self) -> None:
        assert len({rule.stage for rule in ATTACHMENT_RULES}) == 1


class TestEmptyText:
    @pytest.mark.parametrize(
        "text",
        [
            *(None, "", " ", "\r\n\t \n", "\u00a0\u200b"),
            *("\u2003", "\u2028", "\u0085", "\u00ad", "\u202f", "\u3000\ufeff"),
        ],
    )
    def test_an_empty_request_is_not_sent_and_followed_up_when_received(
        self, text: str | None
    ) -> None:
        message = with_text(text)

        assert of_rule(outgoing(message).findings, "R-34") == [("reject", "EPJ_EMPTY")]
        received = incoming(message)
        assert received.verdict is Verdict.PASS
        assert of_rule(received.findings, "R-34") == [("follow-up", "EPJ_EMPTY")]

    def test_one_empty_question_of_several_is_remarked_and_sent(self) -> None:
        questions = (a_question("Viser til epikrise. Skal dosen økes?"), a_question(" \n"))
        message = a_clean_request(questions=questions)
        sent = outgoing(message)

        assert of_rule(sent.findings, "R-34") == [("advise", "EPJ_EMPTY")]
        assert sent.verdict is Verdict.PASS
        assert of_rule(incoming(message).findings, "R-34") == [("follow-up", "EPJ_EMPTY")]

    def test_an_answer_without_text_is_treated_the_same(self) -> None:
        message = an_answer("  ", patient=a_clean_request().patient)

        assert of_rule(outgoing(message).findings, "R-34") == [("reject", "EPJ_EMPTY")]
        assert of_rule(incoming(message).findings, "R-34") == [("follow-up", "EPJ_EMPTY")]

    @pytest.mark.parametrize(
        ("code", "system", "points_to_text"),
        [
            ("99", "9152", True),
            ("5", "8331", True),
            ("5", "9153", False),  # tilstandsvurdering: the code is the question
            ("1", "9152", False),
        ],
    )
    def test_an_incoming_code_may_say_it_all(
        self, code: str, system: str, points_to_text: bool
    ) -> None:
        kind = Code(value=code, system=f"2.16.578.1.12.4.1.1.{system}")
        message = a_clean_request(questions=(replace(a_question(None), type=kind),))

        assert bool(of_rule(incoming(message).findings, "R-34")) is points_to_text


def test_the_clean_message_of_these_tests_has_no_findings() -> None:
    assert outgoing(a_clean_request()).findings == ()
    assert incoming(a_clean_request()).findings == ()


def test_the_defaults_are_the_guidelines() -> None:
    policy = ScreeningPolicy()

    assert (policy.outgoing_attachments, policy.incoming_attachments) == ("strip", "reject")
    assert (policy.fhn_is_help_number, policy.synthetic_allowed) == (True, False)
    assert (policy.window_months, policy.text_limit, policy.confirmation_words) == (12, 4_000, 12)
