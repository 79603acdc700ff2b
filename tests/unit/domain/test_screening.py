"""Order of the stages, what decides, and that content never rejects an incoming message."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.findings import Finding, FindingClass, Stage, Verdict
from gateway.domain.identifiers import MsgId
from gateway.domain.message import ANSWER, REQUEST, Code, DialogMessage, Markup
from gateway.domain.rules.catalogue import BY_ID
from gateway.domain.screening import (
    EpjFacts,
    PatientStatus,
    ScreeningPolicy,
    ThreadFacts,
    screen,
)
from tests.builders_message import a_question, an_answer
from tests.builders_screening import (
    IN,
    OUT,
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

STRICT = ScreeningPolicy(
    synthetic_allowed=True,
    outgoing_attachments="reject",
    deviation_incoming="reject",
    window_outgoing="reject",
    author_missing="reject",
    author_in_text=True,
    confirmation_only="reject",
    text_limit=1,
    document_length=1,
    abbreviations=("takk",),
    odd_pairs=True,
)
BAD_FACTS = EpjFacts(status=PatientStatus.NONE, last_contact=date(2000, 1, 1))
BAD_THREAD = ThreadFacts(parent_known=False, same_patient=False, same_services=False)
# Stage by stage, a change that makes the message refused there.
FAULTS = {
    Stage.FORMAT: {"type": Code(value="DIALOG_NOTAT")},
    Stage.IDENTIFIER: {"msg_id": MsgId("1")},
    Stage.PATIENT: {"patient": None},
    Stage.ATTACHMENT: {"attachments": (an_attachment_of(),)},
}


def a_finding(stage: Stage, cls: FindingClass = FindingClass.REJECT) -> Finding:
    return Finding(
        rule="R-66", cls=cls, stage=stage, code="EPJ_RECEIVER", text_nb="nb.", text_en="en."
    )


def faulty(*stages: Stage) -> DialogMessage:
    message = a_clean_request()
    for stage in stages:
        message = replace(message, **FAULTS[stage])  # type: ignore[arg-type]  # checked by replace
    return message


@pytest.mark.parametrize("first", FAULTS, ids=lambda stage: stage.name)
def test_the_first_stage_that_rejects_ends_the_screening(first: Stage) -> None:
    later = [stage for stage in FAULTS if stage >= first]

    screening = incoming(faulty(*later))

    assert screening.verdict is Verdict.REJECT
    assert {f.stage for f in screening.rejections} == {first}
    assert {f.stage for f in screening.findings} == {first}


def test_every_rejection_of_the_stage_is_reported() -> None:
    message = replace(
        faulty(Stage.ATTACHMENT), attachments=(an_attachment_of(), an_attachment_of())
    )

    assert len(incoming(message).rejections) == 2


@pytest.mark.parametrize(
    ("stage", "rules"),
    [(Stage.ADDRESS, {"R-66"}), (Stage.SIGNATURE, {"R-66"}), (Stage.ATTACHMENT, {"R-01"})],
)
def test_findings_of_others_take_their_place_in_the_order(stage: Stage, rules: set[str]) -> None:
    screening = screen(faulty(Stage.PATIENT), direction=IN, policy=TEST, more=(a_finding(stage),))

    assert {f.rule for f in screening.rejections} == rules


def test_tasks_of_others_do_not_decide() -> None:
    more = (a_finding(Stage.ADDRESS, FindingClass.FOLLOW_UP),)

    screening = screen(a_clean_request(), direction=IN, policy=TEST, more=more)

    assert (screening.verdict, screening.findings) == (Verdict.PASS, more)


def test_a_removal_with_remarks_is_still_a_removal() -> None:
    message = replace(with_text("akutt"), attachments=(an_attachment_of(),))

    screening = outgoing(message)

    assert screening.verdict is Verdict.STRIP
    assert {f.rule for f in screening.findings} >= {"R-36", "R-12"}


def test_the_screening_names_kind_and_id() -> None:
    screening = incoming(a_clean_request())

    assert (screening.kind, screening.msg_id) == (REQUEST, a_clean_request().msg_id)
    assert outgoing(an_answer()).kind == ANSWER


def test_remarks_can_be_silenced_by_rule_and_rejections_cannot() -> None:
    policy = replace(TEST, advice_off=frozenset({"R-32", "R-36", "R-12"}))
    message = with_text("Skal dosen økes straks?")

    assert of_rule(outgoing(message).findings, "R-32") != []
    assert outgoing(message, policy).findings == ()
    assert of_rule(incoming(message, policy).findings, "R-12") != []
    attached = replace(message, attachments=(an_attachment_of(),))
    assert outgoing(attached, policy).verdict is Verdict.STRIP


def test_remarks_of_others_can_be_silenced_too() -> None:
    remark = replace(a_finding(Stage.ADVICE, FindingClass.ADVISE), rule="R-30")
    policy = replace(TEST, advice_off=frozenset({"R-30"}))

    screening = screen(a_clean_request(), direction=OUT, policy=policy, more=(remark,))

    assert screening.findings == ()


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "Takk, mottatt.", "akutt", "EPIKRISE\nlang", "a" * 20_000),
        *("<b>fet</b>", "\x00", "Hvem?", "13116900216"),
    ],
)
@pytest.mark.parametrize("markup", Markup)
def test_nothing_that_a_message_says_rejects_it_when_it_comes_in(text: str, markup: Markup) -> None:
    """HIS 80415 §3.3.2, with every switch at its strictest."""
    question = replace(a_question(text), roles=(), urgency=Code(value="1"))
    message = a_clean_request(
        questions=(question,), markup=markup, conversation=an_answer().conversation
    )

    screening = incoming(message, STRICT, epj=BAD_FACTS, thread=BAD_THREAD)

    assert screening.verdict is not Verdict.REJECT
    assert not any(f.cls is FindingClass.ADVISE for f in screening.findings)


@given(text=st.text(max_size=300), outgoing_=st.booleans())
def test_any_text_is_screened_and_never_quoted(text: str, outgoing_: bool) -> None:
    message = a_clean_request(questions=(a_question(f"{text} Zxqv Zxqv"),))

    screening = (outgoing if outgoing_ else incoming)(message, STRICT, epj=BAD_FACTS)

    if not outgoing_:
        assert screening.verdict is Verdict.PASS
    assert not any("Zxqv" in f"{f.text_nb}{f.text_en}{f.where}" for f in screening.findings)


def test_every_finding_is_one_that_its_rule_may_have() -> None:
    messages = [
        a_clean_request(),
        with_text(""),
        with_text("Takk, mottatt."),
        with_text("akutt " * 2_000, roles=()),
        an_answer(None),
        replace(an_answer(), conversation=None, type=Code(value="DIALOG_AVVIK")),
        replace(an_answer(), type=Code(value="DIALOG_NOTAT")),
        a_clean_request(markup=Markup.LOSSY, attachments=(an_attachment_of(),)),
        a_clean_request(patient=None),
        a_clean_request(patient=a_named_patient(an_ident("25436000305", "HNR"))),
        a_clean_request(patient=a_named_patient(an_ident("01015000299"))),
        a_clean_request(msg_id=MsgId("x")),
    ]
    seen: set[str] = set()

    for message in messages:
        for direction in (OUT, IN):
            for policy in (TEST, STRICT):
                screening = screen(
                    message, direction=direction, policy=policy, epj=BAD_FACTS, thread=BAD_THREAD
                )
                for finding in screening.findings:
                    rule = BY_ID[finding.rule or ""]
                    seen.add(rule.id)
                    allowed = rule.outgoing if direction is OUT else rule.incoming
                    assert finding.cls in allowed
                    assert finding.code in rule.codes
                    assert finding.stage is rule.stage
                    refused = direction is IN and finding.cls is FindingClass.REJECT
                    assert (finding.apprec in rule.apprec) if refused else finding.apprec is None

    assert len(seen) > 12
