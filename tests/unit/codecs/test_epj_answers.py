"""An answer as JSON is completed from the question that it answers."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.codecs.epj_json import parse_epj_json, reply_to_of
from gateway.domain.identifiers import MsgId
from gateway.domain.message import ConversationRef, DialogMessage, Ident, Organisation
from gateway.errors import MalformedMessage, NotOurSender
from tests.builders_epj import (
    ANSWER_ID,
    OUR_HER,
    REQUEST_ID,
    THEIR_HER,
    answer_json,
    encoded,
    made,
    request_json,
)
from tests.builders_message import a_party, a_request, an_answer


def a_question_to_us() -> DialogMessage:
    """What the municipality asked."""
    return a_request(
        sender=a_party(service=THEIR_HER),
        receiver=a_party(enterprise="910000", service=OUR_HER, name="Gammelt navn"),
    )


def test_answer_is_completed_from_the_question() -> None:
    """R-43, R-83: parties swapped, the patient kept, the question repeated."""
    question = a_question_to_us()

    message = made(answer_json(), question)

    assert (message.type.value, message.msg_id) == ("DIALOG_SVAR", ANSWER_ID)
    assert (message.sender.her, message.receiver.her) == (OUR_HER, THEIR_HER)
    assert message.sender.organisation.name == "Fjordby sykehus"
    assert message.patient == question.patient
    (note,) = message.notes
    assert note.question == question.questions[0]
    assert (note.theme.value, note.theme.system) == ("5", "2.16.578.1.12.4.1.1.9069")
    assert note.text == "Ja, kl. 10."
    assert note.written_on == date(2026, 3, 5)  # the day it is in Norway
    assert message.conversation == ConversationRef(
        parent=MsgId(REQUEST_ID), conversation=MsgId(REQUEST_ID)
    )


def test_answer_keeps_the_conversation_of_its_question() -> None:
    """HIS 80601: RefToConversation is the first message, RefToParent the one answered."""
    reference = ConversationRef(parent=MsgId("b"), conversation=MsgId("a"))
    question = replace(a_question_to_us(), conversation=reference)

    assert made(answer_json(), question).conversation == ConversationRef(
        parent=MsgId(REQUEST_ID), conversation=MsgId("a")
    )
    assert made(answer_json(conversation="c"), question).conversation == ConversationRef(
        parent=MsgId(REQUEST_ID), conversation=MsgId("c")
    )


def test_what_the_epj_gives_comes_before_what_the_question_has() -> None:
    patient = {"family_name": "Nytt", "given_name": "Navn"}
    data = answer_json(from_="Barnesykdommer", to="930001", patient=patient, theme="3")

    message = made(data, a_question_to_us())

    assert message.sender.her != OUR_HER
    assert message.receiver.her == "930001"
    assert message.patient is not None
    assert message.patient.family_name == "Nytt"
    assert message.notes[0].theme.name == "Har ikke ønskede opplysninger"


def test_answer_to_an_unknown_question_goes_without_it() -> None:
    """R-43 remarks that; threads are older than a gateway."""
    data = answer_json(from_=OUR_HER, to=THEIR_HER, patient=request_json()["patient"])

    message = made(data)

    assert message.notes[0].question is None
    assert message.conversation == ConversationRef(
        parent=MsgId(REQUEST_ID), conversation=MsgId(REQUEST_ID)
    )


def test_answer_refers_to_its_question_as_the_asker_wrote_it() -> None:
    question = replace(a_question_to_us(), msg_id=MsgId(REQUEST_ID.upper()))

    message = made(answer_json(), question)

    assert message.conversation == ConversationRef(
        parent=MsgId(REQUEST_ID.upper()), conversation=MsgId(REQUEST_ID.upper())
    )


def test_answer_that_nothing_completes_is_told_all_that_is_missing() -> None:
    with pytest.raises(MalformedMessage) as refusal:
        made(answer_json())

    assert [fault.where for fault in refusal.value.faults] == ["$.from", "$.to", "$.patient"]


def test_two_partners_with_one_msg_id_are_told_apart_by_the_address() -> None:
    question = a_question_to_us()
    other = replace(question, sender=a_party(enterprise="930000", service="930001"))

    assert made(answer_json(to="930001"), question, other).receiver.her == "930001"
    with pytest.raises(MalformedMessage, match=r"\$\.reply_to: several"):
        made(answer_json(), question, other)


def test_several_questions_are_repeated_as_one() -> None:
    """A Notat has room for one, and none may be lost."""
    question = a_question_to_us()
    first = question.questions[0]
    question = replace(question, questions=(first, replace(first, text="Og når?")))

    repeated = made(answer_json(), question).notes[0].question

    assert repeated is not None
    assert repeated.text == f"{first.text}\n\nOg når?"


def test_question_of_version_1_1_is_repeated_as_1_0_can() -> None:
    question = a_question_to_us()
    newer = replace(
        question.questions[0],
        subject="Emne",
        coded_information=question.questions[0].type,
        journal_info=(question.questions[0].type,) * 2,
    )

    repeated = made(answer_json(), replace(question, questions=(newer,))).notes[0].question

    assert repeated is not None
    assert repeated.text == question.questions[0].text


def test_answer_to_an_answer_repeats_the_question_of_both() -> None:
    earlier = an_answer(sender=a_party(service=THEIR_HER), receiver=a_question_to_us().receiver)

    assert made(answer_json(), earlier).notes[0].question == earlier.notes[0].question


def test_where_the_patient_lives_is_not_repeated() -> None:
    question = a_question_to_us()
    assert question.patient is not None
    patient = replace(question.patient, telecoms=a_telecom(question))

    message = made(answer_json(), replace(question, patient=patient))

    assert message.patient == replace(patient, telecoms=())


def a_telecom(question: DialogMessage) -> Any:
    role = question.questions[0].roles[0]
    assert role.person is not None
    return role.person.telecoms


def test_answer_from_a_service_that_is_ours_no_more_is_refused() -> None:
    question = replace(a_question_to_us(), receiver=a_party(enterprise="910000", service="910077"))

    with pytest.raises(NotOurSender):
        made(answer_json(), question)


def test_question_whose_parties_have_no_her_id_completes_nothing() -> None:
    nobody = replace(
        a_party(), organisation=Organisation(name="x", idents=(Ident(id="", type=_her()),))
    )
    question = a_request(sender=nobody, receiver=nobody)

    with pytest.raises(MalformedMessage) as refusal:
        made(answer_json(), question)

    assert [fault.where for fault in refusal.value.faults] == ["$.from", "$.to"]


def _her() -> Any:
    return a_party().organisation.idents[0].type


def test_unknown_theme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MalformedMessage, match=r"\$\.theme: .*9069: 1, 2, 3, 4, 5, 9"):
        made(answer_json(theme="6"), a_question_to_us())


def test_only_an_answer_replies_to_something() -> None:
    assert reply_to_of(parse_epj_json(encoded(answer_json()))) == REQUEST_ID
    assert reply_to_of(parse_epj_json(encoded(request_json()))) is None
