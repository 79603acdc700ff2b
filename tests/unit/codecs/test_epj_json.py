"""A dialogue message as JSON becomes the MsgHead that the EPJ could have written itself."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.codecs.document import read_document
from gateway.codecs.epj_json import document_of, facts_of, parse_epj_json
from gateway.domain.rules.facts import EpjFacts, PatientStatus
from gateway.errors import MalformedMessage, NoRoute, NotOurSender
from tests.builders_epj import (
    BOOK,
    HOSPITAL,
    MUNICIPALITY,
    NOW,
    OUR_HER,
    REQUEST_ID,
    SECRET,
    SENDER_ONLY,
    SERVICES,
    THEIR_HER,
    encoded,
    made,
    request_json,
)


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
