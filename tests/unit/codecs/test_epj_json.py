"""A dialogue message as JSON becomes the MsgHead that the EPJ could have written itself."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.document import read_document
from gateway.codecs.epj_json import (
    MAX_BYTES,
    document_from_json,
    document_of,
    facts_of,
    parse_epj_json,
    peek_msg_id,
    reply_to_of,
)
from gateway.domain.identifiers import MsgId
from gateway.domain.message import ConversationRef, DialogMessage, Ident, Organisation
from gateway.domain.rules.facts import EpjFacts, PatientStatus
from gateway.errors import GatewayError, MalformedMessage, NoRoute, NotOurSender, TooLarge
from tests.builders_epj import (
    ANSWER_ID,
    BOOK,
    HOSPITAL,
    MUNICIPALITY,
    OUR_HER,
    REQUEST_ID,
    SENDER_ONLY,
    SERVICES,
    THEIR_HER,
    answer_json,
    encoded,
    request_json,
)
from tests.builders_message import a_party, a_request, an_answer

NOW = datetime(2026, 3, 4, 23, 30, 15, 999_000, tzinfo=UTC)
SECRET = "Hemmelig Navnesen"  # stands for whatever an EPJ writes


def made(data: dict[str, Any], *questions: DialogMessage) -> DialogMessage:
    """The document of ``data``, read as the gateway reads every document."""
    document = document_from_json(
        encoded(data), book=BOOK, services=SERVICES, now=NOW, questions_of=lambda _: questions
    )
    return read_document(document).message


def a_question_to_us() -> DialogMessage:
    """What the municipality asked."""
    return a_request(
        sender=a_party(service=THEIR_HER),
        receiver=a_party(enterprise="910000", service=OUR_HER, name="Gammelt navn"),
    )


# --- requests --------------------------------------------------------------------------------


def test_request_has_what_the_standard_wants_of_it() -> None:
    """HITS 1174 and the field list of HIS 1152: nothing of it has to come from the EPJ twice."""
    message = made(request_json())

    assert (message.type.value, message.msg_id) == ("DIALOG_FORESPORSEL", REQUEST_ID)
    assert message.gen_date_text == message.document.issue_date == "2026-03-04T23:30:15Z"
    assert (message.sender.enterprise_her, message.sender.her) == ("910000", OUR_HER)
    assert (message.receiver.enterprise_her, message.receiver.her) == ("920000", THEIR_HER)
    assert message.conversation is None
    (question,) = message.questions
    assert question.text == request_json()["text"]
    (role,) = question.roles
    assert role.role_to_patient is not None
    assert role.role_to_patient.value == "21"
    assert role.person is not None
    assert [one.address for one in role.person.telecoms] == ["tel:69000000"]


def test_names_of_both_levels_come_from_the_address_book() -> None:
    """R-82: the EPJ gives an address, the register the names."""
    message = made(request_json(to="920000/8663:KP02"))

    levels = message.receiver.organisation
    assert levels.part is not None
    assert (levels.name, levels.part.name) == ("Granvik kommune", "Sykepleietjeneste")
    assert all(i.type.system == "2.16.578.1.12.4.1.1.9051" for i in levels.idents)


@pytest.mark.parametrize(
    ("address", "her"),
    [
        pytest.param(THEIR_HER, THEIR_HER, id="HER-id"),
        pytest.param("920000/8663:KP02", THEIR_HER, id="enterprise by HER-id and code"),
        pytest.param("920000000/Sykepleietjeneste", THEIR_HER, id="organisation number and name"),
        pytest.param("granvik kommune/sykepleietjeneste", THEIR_HER, id="names, small letters"),
        pytest.param("Saksbehandling", "920001", id="service that only one has"),
        pytest.param("920099", "920099", id="person"),
    ],
)
def test_receiver_is_found_by_every_way_to_write_it(address: str, her: str) -> None:
    assert made(request_json(to=address)).receiver.her == her


def test_person_as_receiver_stands_beside_the_enterprise() -> None:
    organisation = made(request_json(to="920099")).receiver.organisation

    assert organisation.part is None
    assert organisation.professional is not None
    assert organisation.professional.family_name == "Legesen"


@pytest.mark.parametrize("address", ["Blodsykdommer", "8668:S0304", "910000/S0304"])
def test_own_service_may_be_named_by_what_it_is(address: str) -> None:
    assert made(request_json(from_=address)).sender.her == OUR_HER


def test_own_service_is_looked_for_among_ours_alone() -> None:
    """What is ambiguous in the whole book may be clear among our own."""
    ours = replace(MUNICIPALITY, own=True)
    book = replace(BOOK, enterprises=(HOSPITAL, ours, *BOOK.enterprises[2:]))
    model = parse_epj_json(encoded(request_json(from_="Sykepleietjeneste", to="910001")))

    document = document_of(model, book=book, services=SERVICES, now=NOW)

    assert read_document(document).message.sender.her == THEIR_HER


def test_address_that_only_sends_may_send() -> None:
    (her,) = (s.her for s in HOSPITAL.services if s.type == SENDER_ONLY)

    assert made(request_json(from_=her)).sender.her == her


@pytest.mark.parametrize("address", [THEIR_HER, "910000", "999999", "Sykepleietjeneste", "???"])
def test_sender_that_is_not_ours_is_refused(address: str) -> None:
    with pytest.raises(NotOurSender) as refusal:
        made(request_json(from_=address))

    assert refusal.value.epj_code == "EPJ_SENDER"
    assert refusal.value.where == "$.from"


def test_ambiguous_receiver_is_refused_with_its_candidates() -> None:
    with pytest.raises(NoRoute) as refusal:
        made(request_json(to="Sykepleietjeneste"))

    (fault,) = refusal.value.faults
    assert fault.where == "$.to"
    assert "920002" in fault.detail
    assert "930001" in fault.detail


def test_unknown_receiver_is_refused_without_repeating_it() -> None:
    with pytest.raises(NoRoute) as refusal:
        made(request_json(to=SECRET))

    assert SECRET not in str(refusal.value) + str(refusal.value.faults)


@pytest.mark.parametrize(
    ("sender", "receiver", "code_list"),
    [
        pytest.param(OUR_HER, THEIR_HER, "9154", id="hospital"),
        pytest.param("910099", THEIR_HER, "9153", id="person"),
    ],
)
def test_type_is_99_of_the_list_that_the_sender_uses(
    sender: str, receiver: str, code_list: str
) -> None:
    (question,) = made(request_json(from_=sender, to=receiver)).questions

    assert question.type.value == "99"
    assert question.type.name == "Annen henvendelse"
    assert (question.type.system or "").endswith(code_list)


def test_municipality_asks_by_its_own_list() -> None:
    book = replace(BOOK, enterprises=(replace(MUNICIPALITY, own=True), HOSPITAL))
    model = parse_epj_json(encoded(request_json(from_=THEIR_HER, to=OUR_HER, type="7")))

    (question,) = read_document(
        document_of(model, book=book, services=SERVICES, now=NOW)
    ).message.questions

    assert (question.type.value, question.type.system) == ("7", "2.16.578.1.12.4.1.1.9152")


def test_type_of_another_list_is_refused_with_the_right_ones() -> None:
    """7 (time til undersøkelse) is what a municipality asks a hospital, never the reverse."""
    with pytest.raises(MalformedMessage, match=r"\$\.type: .*9154: 1, 4, 8, 99"):
        made(request_json(type="7"))


def test_reference_is_the_last_line_of_the_text() -> None:
    """R-32: who reads the message must see it."""
    (question,) = made(request_json(text="Ny dose?", reference="epikrise 12.11.2026")).questions

    assert question.text == "Ny dose?\n\nReferanse: epikrise 12.11.2026"


def test_reference_makes_no_text_of_an_empty_one() -> None:
    """Rule R-34 refuses it, by its own code."""
    (question,) = made(request_json(text=" ", reference="epikrise 12.11.2026")).questions

    assert question.text == " "


def test_text_comes_out_exactly_as_it_went_in() -> None:
    """R-37: a pasted list keeps its tabs, blanks and line breaks."""
    text = "  Liste:\r\n\tMetoprolol 50 mg  x 1\n\n<b>æøå</b> & ]]> \U0001f600\n "

    (question,) = made(request_json(text=text)).questions

    assert question.text == text


def test_sent_at_is_gen_date() -> None:
    message = made(request_json(sent_at="2026-03-04T10:15:30+01:00", priority="H"))

    assert message.gen_date_text == "2026-03-04T09:15:30Z"
    assert message.priority is not None
    assert message.priority.value == "H"


def test_facts_go_to_screening_and_not_into_the_message() -> None:
    facts = {"status": "discharged", "last_contact": "2025-12-31", "has_service_decision": False}
    data = request_json(facts=facts)

    assert facts_of(parse_epj_json(encoded(data))) == EpjFacts(
        status=PatientStatus.DISCHARGED,
        last_contact=date(2025, 12, 31),
        has_service_decision=False,
    )
    assert facts_of(parse_epj_json(encoded(request_json()))) is None
    assert made(data) == made(request_json())


# --- answers ---------------------------------------------------------------------------------


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


# --- refused JSON ----------------------------------------------------------------------------


def patient_with(**changes: Any) -> dict[str, Any]:
    return request_json(patient=request_json()["patient"] | changes)


def author_with(**changes: Any) -> dict[str, Any]:
    return request_json(author=request_json()["author"] | changes)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (request_json(kind=None), "$.kind: must be request or answer"),
        (request_json(kind="note"), "$.kind: must be request or answer"),
        (request_json(kind=["request"]), "$.kind: must be request or answer"),
        (request_json(msg_id=None), "$.msg_id: is missing"),
        (request_json(msg_id="1"), "$.msg_id: has the wrong form"),
        (request_json(msg_id=REQUEST_ID + "\n"), "$.msg_id: has the wrong form"),
        (request_json(from_=None), "$.from: is missing"),
        (request_json(from_=910004), "$.from: must be a text"),
        (request_json(to=None), "$.to: is missing"),
        (request_json(to=""), "$.to: is too short"),
        (request_json(to="9" * 301), "$.to: is too long"),
        (request_json(patient=None), "$.patient: is missing"),
        (request_json(patient=[]), "$.patient: must be an object"),
        (patient_with(family_name=""), "$.patient.family_name: is too short"),
        (patient_with(family_name=" "), "$.patient.family_name: must be one line and not blank"),
        (patient_with(given_name="a\nb"), "$.patient.given_name: must be one line and not blank"),
        (patient_with(date_of_birth="1.1.1950"), "$.patient.date_of_birth: must be a date, as"),
        (patient_with(date_of_birth=0), "$.patient.date_of_birth: must be a date, as"),
        (patient_with(sex="K"), "$.patient.sex: is not one of the values allowed"),
        (patient_with(idents={}), "$.patient.idents: must be a list"),
        (patient_with(idents=[{"type": "FNR"}]), "$.patient.idents[0].id: is missing"),
        (
            patient_with(idents=[{"type": "HPR", "id": "01815012345"}]),
            "$.patient.idents[0].type: is not one of the values allowed",
        ),
        (
            patient_with(idents=[{"type": "FNR", "id": "018150 12345"}]),
            "$.patient.idents[0].id: has the wrong form",
        ),
        (
            patient_with(idents=[{"type": "FNR", "id": "01815012345"}] * 6),
            "$.patient.idents: has too many entries",
        ),
        (request_json(author=None), "$.author: is missing"),
        (author_with(phone=""), "$.author.phone: has the wrong form"),
        (author_with(phone="ring meg"), "$.author.phone: has the wrong form"),
        (author_with(role="lege"), "$.author.role: has the wrong form"),
        (author_with(profession="sykepleier"), "$.author.profession: has the wrong form"),
        (author_with(hpr="12345678901"), "$.author.hpr: has the wrong form"),
        (request_json(text=None), "$.text: is missing"),
        (request_json(text="a\x0bb"), "$.text: holds a control character that XML 1.0 forbids"),
        (request_json(text="a" * 100_001), "$.text: is too long"),
        (request_json(reference="a\nb"), "$.reference: must be one line and not blank"),
        (request_json(priority="A"), "$.priority: is not one of the values allowed"),
        (request_json(sent_at="2026-03-04T10:15:30"), "$.sent_at: must be a time with zone"),
        (request_json(sent_at=1772615730), "$.sent_at: must be a time with zone"),
        (request_json(sent_at="0001-01-01T00:00:00+14:00"), "$.sent_at: lies outside the years"),
        (request_json(facts={"status": "frisk"}), "$.facts.status: is not one of the values"),
        (request_json(facts={"increased_need": 1}), "$.facts.increased_need: must be true or"),
        (request_json(receiver="1"), "$: an unknown field"),
        (patient_with(familyname="x"), "$.patient: an unknown field; perhaps family_name was"),
        (answer_json(reply_to=None), "$.reply_to: is missing"),
        (answer_json(reference="x"), "$: an unknown field; perhaps reference was meant"),
    ],
)
def test_json_of_another_shape_is_refused_at_its_place(data: dict[str, Any], fault: str) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parse_epj_json(encoded(data))

    assert refusal.value.epj_code == "EPJ_SCHEMA"
    assert refusal.value.faults[0].detail.startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parse_epj_json(encoded(request_json(msg_id="1", to=None, text=3)))

    assert [fault.where for fault in refusal.value.faults] == ["$.msg_id", "$.to", "$.text"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<MsgHead/>", id="XML"),
        pytest.param(b"\xef\xbb\xbf" + encoded(request_json()), id="byte order mark"),
        pytest.param(json.dumps(request_json()).encode("utf-16"), id="UTF-16"),
        pytest.param('{"text": "\u00e6"}'.encode("latin-1"), id="ISO-8859-1"),
        pytest.param(b'{"kind": NaN}', id="NaN"),
        pytest.param(b'{"kind": -Infinity}', id="Infinity"),
        pytest.param(b'{"kind": "request", "kind": "answer"}', id="name twice"),
        pytest.param(b'{"a": {"kind": 1, "kind": 1}}', id="name twice, deeper"),
        pytest.param(b'{"kind": "request",}', id="trailing comma"),
        pytest.param(b'{"kind": "request"} {}', id="two documents"),
        pytest.param(b"[" * 200_000, id="nested beyond all reason"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b'"request"', id="a text"),
        pytest.param(b'{"a": ' + b"9" * 5_000 + b"}", id="a number of 5000 digits"),
        pytest.param(
            encoded(request_json(text="TEXT")).replace(b"TEXT", b"\\ud800"), id="half a character"
        ),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_epj_json(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b" " * (MAX_BYTES + 1), id="bytes"),
        pytest.param(b'{"a": ' + b"[" * 9 + b"]" * 9 + b"}", id="depth"),
    ],
)
def test_what_exceeds_a_limit_is_refused(body: bytes) -> None:
    with pytest.raises(TooLarge):
        parse_epj_json(body)


@pytest.mark.parametrize(
    ("body", "msg_id"),
    [
        (encoded(request_json(to=None)), REQUEST_ID),
        (encoded(request_json(msg_id=SECRET)), None),
        (encoded(request_json(msg_id=[REQUEST_ID])), None),
        (b"[]", None),
        (b"{", None),
        (b" " * (MAX_BYTES + 1), None),
    ],
)
def test_refused_message_is_known_by_its_msg_id_where_it_has_one(
    body: bytes, msg_id: str | None
) -> None:
    assert peek_msg_id(body) == msg_id


def _spoilt(place: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(encoded(request_json(facts={})))
    place(data)
    return data


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just(SECRET), inner),
    max_leaves=4,
)


@given(
    where=st.sampled_from(["", "patient", "author", "facts"]),
    name=st.sampled_from([*request_json(), "sex", "phone", "status", SECRET]),
    value=JSON_VALUES,
)
def test_no_refusal_repeats_anything_of_the_message(where: str, name: str, value: Any) -> None:
    def put(data: dict[str, Any]) -> None:
        (data[where] if where else data)[name] = value

    refusal: GatewayError | None = None
    try:
        document_from_json(
            encoded(_spoilt(put)),
            book=BOOK,
            services=SERVICES,
            now=NOW,
            questions_of=lambda _: (),
        )
    except GatewayError as error:
        refusal = error
    if refusal is not None:
        told = f"{refusal} {refusal.detail} {refusal.where} {refusal.faults}"
        assert "Navnesen" not in told
        assert refusal.__suppress_context__ or refusal.__context__ is None


@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises((MalformedMessage, TooLarge)):
        parse_epj_json(body)
    peek_msg_id(body)
