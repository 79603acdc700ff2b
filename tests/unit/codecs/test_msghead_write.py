"""What is written is read back as the same values, in the order and namespaces of the schemas."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.msghead import parse_msghead, render_answer, render_request
from gateway.codecs.xml import DIALOG_1_0, FK1, MSGHEAD
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    Address,
    Attachment,
    Carrier,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    HealthcareProfessional,
    Ident,
    Note,
    Organisation,
    OtherReceiver,
    Party,
    Person,
    Question,
    RelatedUnit,
    Role,
    TeleCom,
)
from gateway.errors import MalformedMessage, UnsupportedFormat
from tests.builders_message import a_party, a_question, a_request, an_answer, tree_of

# --- any message of version 1.0 -----------------------------------------------------------------

_characters = st.one_of(
    st.sampled_from("abc æøå ÆØÅ\u0301\u030a\u00a0\t\n\r<>&\"'«»–\U0001f489"),
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
)
_texts = st.text(_characters, max_size=12)
_maybe_text = st.none() | _texts
_tokens = _texts.map(lambda text: text.strip(" \t\r\n"))
_maybe_token = st.none() | _tokens
_codes = st.builds(
    Code, value=_tokens, name=_maybe_text, system=_maybe_token, original_text=_maybe_text
)
_maybe_code = st.none() | _codes
_maybe_date = st.none() | st.dates(min_value=date(1, 1, 1))
_idents = st.builds(Ident, id=_tokens, type=_codes)
_maybe_address = st.none() | st.builds(
    Address,
    type=_maybe_code,
    street=_maybe_text,
    postal_code=_maybe_text,
    city=_maybe_text,
    postbox=_maybe_text,
    county=_maybe_code,
    country=_maybe_code,
)
_telecoms = st.lists(st.builds(TeleCom, address=_tokens, type=_maybe_code), max_size=2).map(tuple)
_person_fields = {
    "family_name": _maybe_text,
    "middle_name": _maybe_text,
    "given_name": _maybe_text,
    "date_of_birth": _maybe_date,
    "sex": _maybe_code,
    "nationality": _maybe_code,
    "address": _maybe_address,
    "telecoms": _telecoms,
}
_some_idents = st.lists(_idents, min_size=1, max_size=2).map(tuple)
_maybe_idents = st.lists(_idents, max_size=2).map(tuple)
_persons = st.builds(Person, idents=_maybe_idents, **_person_fields)
_professionals = st.builds(
    HealthcareProfessional,
    idents=_some_idents,
    profession=_maybe_code,
    role_to_patient=_maybe_code,
    **_person_fields,
)


def _organisation(
    part: st.SearchStrategy[Organisation | None],
) -> st.SearchStrategy[Organisation]:
    return st.builds(
        Organisation,
        name=_texts,
        type=_maybe_code,
        idents=_some_idents,
        address=_maybe_address,
        telecoms=_telecoms,
        part=part,
        professional=st.none() | _professionals,
    )


_organisations = st.just(Organisation()) | _organisation(
    st.none() | st.just(Organisation()) | _organisation(st.none())
)
_parties = st.builds(Party, organisation=_organisations, com_method=_maybe_code)
_roles = st.lists(
    st.builds(
        Role,
        role_in_note=_maybe_code,
        role_to_patient=_maybe_code,
        person=_persons | _professionals,
    ),
    max_size=2,
).map(tuple)
_questions = st.builds(
    Question,
    type=_codes,
    text=_maybe_text,
    purpose=_maybe_code,
    reason=_maybe_text,
    urgency=_maybe_code,
    from_date=_maybe_date,
    to_date=_maybe_date,
    journal_info=st.lists(_codes, max_size=1).map(tuple),
    document_id=_maybe_token,
    roles=_roles,
)
_notes = st.builds(
    Note,
    theme=_codes,
    theme_text=_maybe_text,
    text=_maybe_text,
    remark=_maybe_text,
    document_id=_maybe_token,
    written_on=_maybe_date,
    question=st.none() | _questions,
    roles=_roles,
)
_instants = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  the zone comes with ``timezones``
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


_REPEATABLE = settings(
    max_examples=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # large values, and a busy machine
)


@st.composite
def _messages(draw: st.DrawFn, *, answer: bool) -> DialogMessage:
    written = draw(_instants)
    copies = st.builds(
        OtherReceiver,
        role=_codes,
        party=st.none() | _organisations.map(lambda o: Party(organisation=o)),
        com_method=_maybe_code,
    ) | st.builds(OtherReceiver, role=_codes, person=_persons | _professionals)
    return DialogMessage(
        type=draw(_codes),
        msg_id=MsgId(draw(_tokens)),
        gen_date=written.astimezone(UTC),
        gen_date_text=written.isoformat(),
        sender=draw(_parties),
        receiver=draw(_parties),
        patient=draw(st.none() | _persons),
        conversation=draw(
            st.none()
            | st.builds(ConversationRef, parent=_tokens.map(MsgId), conversation=_tokens.map(MsgId))
        ),
        other_receivers=tuple(draw(st.lists(copies, max_size=2))),
        processing_status=draw(_maybe_code),
        priority=draw(_maybe_code),
        content_namespace=DIALOG_1_0,
        dialog_version="1.0",
        document=draw(
            st.builds(
                DocumentInfo,
                connection=_maybe_code,
                content_type=_maybe_code,
                content_description=_maybe_text,
                content_category=_maybe_code,
                consent=_maybe_code,
                annotation=_maybe_text,
                from_date=_maybe_token,
                to_date=_maybe_token,
                oid_ref=_maybe_token,
                enquiry_ref_id=_maybe_token,
                issue_date=_maybe_token,
                document_id=_maybe_token,
                mime=_maybe_token,
                description=_maybe_text,
            )
        ),
        case_type=draw(_maybe_code),
        case=draw(_maybe_text),
        questions=() if answer else tuple(draw(st.lists(_questions, min_size=1, max_size=2))),
        notes=tuple(draw(st.lists(_notes, min_size=1, max_size=2))) if answer else (),
    )


@_REPEATABLE
@given(_messages(answer=False))
def test_any_request_is_read_back_as_it_was_written(message: DialogMessage) -> None:
    assert parse_msghead(tree_of(render_request(message))) == message


@_REPEATABLE
@given(_messages(answer=True))
def test_any_answer_is_read_back_as_it_was_written(message: DialogMessage) -> None:
    assert parse_msghead(tree_of(render_answer(message))) == message


# --- form ---------------------------------------------------------------------------------------


def _names(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


def test_a_request_and_an_answer_survive_writing() -> None:
    assert parse_msghead(tree_of(render_request(a_request()))) == a_request()
    assert parse_msghead(tree_of(render_answer(an_answer()))) == an_answer()


def test_the_document_is_utf_8_and_says_so() -> None:
    document = render_request(a_request())

    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert "Åsnes".encode() in document


def test_children_of_common_components_are_in_the_namespace_of_their_place() -> None:
    root = tree_of(render_request(a_request()))

    inside_head = root.find(f".//{{{MSGHEAD}}}Patient/{{{MSGHEAD}}}Ident")
    inside_dialog = root.find(f".//{{{DIALOG_1_0}}}TeleCom")

    assert inside_head is not None
    assert {etree.QName(child).namespace for child in inside_head} == {MSGHEAD}
    assert inside_dialog is not None
    assert {etree.QName(child).namespace for child in inside_dialog} == {FK1}


def test_elements_stand_in_the_order_of_the_schema() -> None:
    message = an_answer(
        processing_status=Code(value="P"),
        priority=Code(value="N"),
        other_receivers=(OtherReceiver(role=Code(value="COP"), party=a_party()),),
    )
    root = tree_of(render_answer(message))

    assert _names(root[0]) == [
        "Type",
        "MIGversion",
        "GenDate",
        "MsgId",
        "ProcessingStatus",
        "RequestedPriority",
        "ConversationRef",
        "Sender",
        "Receiver",
        "OtherReceiver",
        "Patient",
    ]
    note = root.find(f".//{{{DIALOG_1_0}}}Notat")
    assert note is not None
    assert _names(note) == [
        "TemaKodet",
        "TekstNotatInnhold",
        "DatoNotat",
        "Foresporsel",
        "RollerRelatertNotat",
    ]
    assert root.findtext(f".//{{{MSGHEAD}}}MIGversion") == "v1.2 2006-05-24"


def test_the_given_name_comes_first_in_a_person_of_the_dialogue_only() -> None:
    person = Person(family_name="B", middle_name="M", given_name="A")
    question = replace(a_question(), roles=(Role(person=person),))
    root = tree_of(render_request(a_request(questions=(question,), patient=person)))

    inside_dialog = root.find(f".//{{{DIALOG_1_0}}}Person")
    inside_head = root.find(f".//{{{MSGHEAD}}}Patient")

    assert inside_dialog is not None
    assert _names(inside_dialog) == ["GivenName", "MiddleName", "FamilyName"]
    assert inside_head is not None
    assert _names(inside_head) == ["FamilyName", "MiddleName", "GivenName"]


def test_codes_carry_their_system_and_name() -> None:
    root = tree_of(render_request(a_request()))

    kind = root.find(f".//{{{DIALOG_1_0}}}TypeForesp")

    assert kind is not None
    assert dict(kind.attrib) == {
        "V": "99",
        "S": "2.16.578.1.12.4.1.1.9152",
        "DN": "Annen henvendelse",
    }


def test_no_ack_is_ever_written() -> None:
    document = render_request(replace(a_request(), findings=("ack_present",)))

    assert b"Ack" not in document


def test_a_text_of_100_000_characters_with_tabs_and_line_ends_survives() -> None:
    text = " A\tå\r\ne\u0301\n" * 10_000 + "  "

    read = parse_msghead(tree_of(render_request(a_request(questions=(a_question(text),)))))

    assert read.questions[0].text == text


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character", ["\x00", "\x01", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff", "\ud800"]
)
def test_a_character_that_xml_forbids_is_refused_by_place_only(character: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        render_request(a_request(questions=(a_question(f"hemmelig{character}"),)))

    assert caught.value.where is not None
    assert caught.value.where.endswith("/Dialogmelding/Foresporsel/Sporsmal")
    assert "hemmelig" not in str(caught.value)


def test_forbidden_characters_are_found_in_codes_ids_and_addresses_too() -> None:
    party = a_party(service="9\x00")
    kind = Code(value="\x01", name="\x02", system="\x03", original_text="\x04")
    author = Person(telecoms=(TeleCom(address="\x05"),))

    with pytest.raises(MalformedMessage) as caught:
        render_request(
            a_request(
                type=kind,
                sender=party,
                patient=author,
                document=DocumentInfo(issue_date="\x06"),
            )
        )

    assert len(caught.value.faults) == 7


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(a_request(questions=()), id="no question"),
        pytest.param(a_request(notes=an_answer().notes), id="a note beside"),
        pytest.param(
            a_request(sender=Party(organisation=Organisation(name="x"))), id="no ident of sender"
        ),
        pytest.param(
            a_request(
                sender=Party(organisation=Organisation(professional=HealthcareProfessional()))
            ),
            id="no ident of person",
        ),
        pytest.param(
            a_request(questions=(replace(a_question(), roles=(Role(),)),)), id="role of nobody"
        ),
        pytest.param(
            a_request(
                questions=(
                    replace(
                        a_question(),
                        roles=(Role(person=Person(), unit=RelatedUnit(unit=Organisation())),),
                    ),
                )
            ),
            id="unit",
        ),
        pytest.param(
            a_request(questions=(replace(a_question(), subject="x"),)), id="subject of 1.1"
        ),
        pytest.param(
            a_request(questions=(replace(a_question(), journal_info=(Code(value="1"),) * 2),)),
            id="two kinds of journal information",
        ),
        pytest.param(a_request(gen_date_text=""), id="no GenDate"),
        pytest.param(a_request(gen_date_text="2026-03-04T10:15:31+01:00"), id="other GenDate"),
        pytest.param(a_request(signed=True), id="signed"),
        pytest.param(
            a_request(
                attachments=(
                    Attachment(carrier=Carrier.PART, mime="text/plain", bytes=1, where="2"),
                )
            ),
            id="attachment",
        ),
        pytest.param(
            a_request(
                other_receivers=(
                    OtherReceiver(role=Code(value="COP"), party=a_party(), person=Person()),
                )
            ),
            id="two receivers in one",
        ),
    ],
)
def test_what_version_1_0_cannot_carry_is_refused(message: DialogMessage) -> None:
    with pytest.raises(MalformedMessage):
        render_request(message)


@pytest.mark.parametrize(
    "message", [an_answer(notes=()), an_answer(questions=a_request().questions)]
)
def test_an_answer_holds_notes_only(message: DialogMessage) -> None:
    with pytest.raises(MalformedMessage):
        render_answer(message)


def test_version_1_1_is_not_written() -> None:
    with pytest.raises(UnsupportedFormat):
        render_request(a_request(dialog_version="1.1"))
