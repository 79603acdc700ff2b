"""Threads: same patient, same services, known parent, repeated question (R-39, R-43, R-83)."""

from dataclasses import replace

import pytest

from gateway.domain.findings import Verdict
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage
from gateway.domain.screening import ThreadFacts
from tests.builders_message import an_answer
from tests.builders_screening import a_clean_request, incoming, of_rule, outgoing


def a_clean_answer() -> DialogMessage:
    """An answer in a thread that no rule remarks on."""
    return an_answer("Ja, kl. 10.", patient=a_clean_request().patient)


def a_follow_up_question() -> DialogMessage:
    return a_clean_request(conversation=a_clean_answer().conversation)


def test_unknown_facts_and_good_ones_give_no_remark() -> None:
    good = ThreadFacts(
        parent_known=True,
        same_conversation=True,
        same_patient=True,
        same_services=True,
        asked_service=HerId("910001"),
        question_added=False,
    )

    for thread in (None, ThreadFacts(), good):
        assert outgoing(a_clean_answer(), thread=thread).findings == ()
        assert incoming(a_clean_answer(), thread=thread).findings == ()


@pytest.mark.parametrize(
    "thread",
    [
        pytest.param(ThreadFacts(same_patient=False), id="another patient"),
        pytest.param(ThreadFacts(same_services=False), id="another service"),
        pytest.param(ThreadFacts(same_conversation=False), id="another conversation"),
    ],
)
@pytest.mark.parametrize("message", [a_clean_answer(), a_follow_up_question()])
def test_another_matter_in_a_thread_is_not_sent_and_flagged_when_received(
    thread: ThreadFacts, message: DialogMessage
) -> None:
    received = incoming(message, thread=thread)

    assert of_rule(outgoing(message, thread=thread).findings, "R-39") == [("reject", "EPJ_THREAD")]
    assert received.verdict is Verdict.PASS
    assert of_rule(received.findings, "R-39") == [("follow-up", "EPJ_THREAD")]


@pytest.mark.parametrize("message", [a_clean_answer(), a_follow_up_question()])
def test_patients_that_cannot_be_compared_are_remarked_on_and_never_refused(
    message: DialogMessage,
) -> None:
    thread = ThreadFacts(parent_known=True, same_patient=None, same_services=True)

    assert of_rule(outgoing(message, thread=thread).findings, "R-39") == [("advise", "EPJ_THREAD")]
    assert of_rule(incoming(message, thread=thread).findings, "R-39") == [
        ("follow-up", "EPJ_THREAD")
    ]
    assert outgoing(message, thread=thread).verdict is Verdict.PASS
    assert incoming(message, thread=thread).verdict is Verdict.PASS


def test_all_mismatches_are_reported_at_once() -> None:
    thread = ThreadFacts(same_patient=False, same_services=False, same_conversation=False)

    assert len(outgoing(a_clean_answer(), thread=thread).rejections) == 3


def test_an_unknown_parent_makes_a_new_thread_with_a_flag() -> None:
    thread = ThreadFacts(parent_known=False)
    sent, received = (
        outgoing(a_clean_answer(), thread=thread),
        incoming(a_clean_answer(), thread=thread),
    )

    assert (sent.verdict, received.verdict) == (Verdict.PASS, Verdict.PASS)
    assert of_rule(sent.findings, "R-39") == [("advise", "EPJ_THREAD")]
    assert of_rule(received.findings, "R-39") == [("follow-up", "EPJ_THREAD")]


def test_a_new_thread_has_nothing_to_keep_to() -> None:
    thread = ThreadFacts(same_patient=False, same_services=False, parent_known=False)

    assert outgoing(a_clean_request(), thread=thread).findings == ()


def test_an_answer_comes_from_the_service_that_got_the_request() -> None:
    asked = ThreadFacts(asked_service=HerId("910002"))

    assert of_rule(outgoing(a_clean_answer(), thread=asked).findings, "R-83") == [
        ("reject", "EPJ_THREAD")
    ]
    assert incoming(a_clean_answer(), thread=asked).findings == ()
    assert outgoing(a_follow_up_question(), thread=asked).findings == ()


def test_an_answer_without_reference_is_remarked() -> None:
    message = replace(a_clean_answer(), conversation=None)

    assert of_rule(outgoing(message).findings, "R-43") == [("advise", "EPJ_THREAD")]
    assert of_rule(incoming(message).findings, "R-43") == [("follow-up", "EPJ_THREAD")]
    assert incoming(message).verdict is Verdict.PASS


def test_an_answer_that_does_not_repeat_the_question_is_remarked() -> None:
    answer = a_clean_answer()
    message = replace(answer, notes=(replace(answer.notes[0], question=None),))

    assert of_rule(outgoing(message).findings, "R-43") == [("advise", "EPJ_THREAD")]
    assert of_rule(incoming(message).findings, "R-43") == [("follow-up", "EPJ_THREAD")]
    added = ThreadFacts(question_added=True)
    assert outgoing(message, thread=added).findings == ()
