"""What the codec writes is valid by the schemas, with every element that version 1.0 has."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.codecs.msghead import (
    as_plain_text,
    parse_msghead,
    render_answer,
    render_request,
    without_attachments,
)
from gateway.codecs.schema import check_document
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    Address,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    HealthcareProfessional,
    Organisation,
    OtherReceiver,
    Party,
    Person,
    Role,
    TeleCom,
)
from tests.builders_message import (
    GEN_DATE_TEXT,
    XHTML,
    a_her,
    a_party,
    a_question,
    a_request,
    a_request_document,
    an_answer,
    an_attachment,
    tree_of,
)

CODE = Code(value="1", name="navn", system="2.16.578.1.12.4.1.1.9034", original_text="annet")
SIMPLE = Code(value="1", name="navn")  # CS: no system, no original text
PERSON = Person(
    family_name="Åsnes",
    middle_name="Bø",
    given_name="Prøve",
    date_of_birth=date(1950, 1, 1),
    sex=SIMPLE,
    nationality=SIMPLE,
    idents=(a_her("1"), a_her("2")),
    address=Address(
        type=SIMPLE,
        street="Gata 1",
        postal_code="1600",
        city="Fredrikstad",
        postbox="1",
        county=SIMPLE,
        country=SIMPLE,
    ),
    telecoms=(TeleCom(address="tel:69000000", type=SIMPLE), TeleCom(address="")),
)
PROFESSIONAL = HealthcareProfessional(
    family_name=PERSON.family_name,
    middle_name=PERSON.middle_name,
    given_name=PERSON.given_name,
    date_of_birth=PERSON.date_of_birth,
    sex=SIMPLE,
    nationality=SIMPLE,
    idents=PERSON.idents,
    address=PERSON.address,
    telecoms=PERSON.telecoms,
    profession=SIMPLE,
    role_to_patient=CODE,
)
SERVICE = Organisation(
    name="Tjeneste",
    type=CODE,
    idents=(a_her("3"),),
    address=PERSON.address,
    telecoms=PERSON.telecoms,
    part=Organisation(),
    professional=PROFESSIONAL,
)
PARTY = Party(organisation=replace(SERVICE, part=SERVICE), com_method=SIMPLE)
ROLES = (
    Role(role_in_note=CODE, role_to_patient=CODE, person=PERSON),
    Role(role_to_patient=CODE, person=PROFESSIONAL),
)
QUESTION = replace(
    a_question(),
    purpose=CODE,
    reason="fordi",
    urgency=SIMPLE,
    from_date=date(2026, 1, 1),
    to_date=date(2026, 1, 2),
    journal_info=(CODE,),
    document_id="d",
    roles=ROLES,
)
DOCUMENT = DocumentInfo(
    connection=SIMPLE,
    content_type=CODE,
    content_description="beskrivelse",
    content_category=CODE,
    consent=CODE,
    annotation="merknad",
    from_date="2026-01-01",
    to_date="2026",
    oid_ref="1.2.3",
    enquiry_ref_id="e",
    issue_date=GEN_DATE_TEXT,
    document_id="d",
    mime="text/xml",
    description="beskrivelse",
)


def _full(message: DialogMessage) -> DialogMessage:
    return replace(
        message,
        processing_status=SIMPLE,
        priority=SIMPLE,
        conversation=ConversationRef(parent=MsgId("a"), conversation=MsgId("b")),
        sender=PARTY,
        receiver=Party(organisation=Organisation()),
        other_receivers=(
            OtherReceiver(role=SIMPLE, party=a_party(), com_method=SIMPLE),
            OtherReceiver(role=SIMPLE, person=PROFESSIONAL),
            OtherReceiver(role=SIMPLE, person=PERSON),
            OtherReceiver(role=SIMPLE),
        ),
        patient=PERSON,
        document=DOCUMENT,
        case_type=CODE,
        case="sak",
        questions=(QUESTION, a_question(None)) if message.questions else (),
        notes=tuple(
            replace(
                note,
                theme_text="tema",
                remark="merknad",
                document_id="d",
                question=QUESTION,
                roles=ROLES,
            )
            for note in message.notes
        )
        * 2,
    )


@pytest.mark.parametrize(
    "message", [a_request(), an_answer(), _full(a_request()), _full(an_answer())]
)
def test_what_is_written_is_valid_and_complete(message: DialogMessage) -> None:
    document = render_request(message) if message.questions else render_answer(message)

    root = tree_of(document)

    check_document(root)
    assert parse_msghead(root) == message


@pytest.mark.parametrize("version", ["2006-10-11", "2013-01-23"])
def test_a_document_is_valid_without_its_attachments_and_markup(version: str) -> None:
    picture = f'<p xmlns="{XHTML}">Se <img src="x"/> <b>her</b></p>'
    note = f'<Notat><TemaKodet V="5"/><TekstNotatInnhold>{picture}</TekstNotatInnhold></Notat>'
    document = a_request_document(version=version, after=an_attachment()).decode()
    start = document.index("<Foresporsel>")
    end = document.index("</Foresporsel>") + len("</Foresporsel>")
    root = tree_of((document[:start] + note + document[end:]).encode())

    stripped = tree_of(without_attachments(root))
    plain = tree_of(as_plain_text(stripped))

    check_document(stripped)
    check_document(plain)
    assert parse_msghead(plain).text == "Se her"
