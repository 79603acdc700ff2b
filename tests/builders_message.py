"""Dialogue messages for tests: values, and documents as text with one place to change.

Everybody in them is invented; the patient's number is synthetic (month + 80).
"""

from dataclasses import replace
from datetime import UTC, date, datetime

from lxml import etree

from gateway.codecs.xml import parse_untrusted
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    ANSWER,
    HER_SYSTEM,
    PERSON_ID_SYSTEM,
    REQUEST,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    HealthcareProfessional,
    Ident,
    Note,
    Organisation,
    Party,
    Person,
    Question,
    Role,
    TeleCom,
)

XHTML = "http://www.w3.org/1999/xhtml"
REQUEST_ID = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01")
ANSWER_ID = MsgId("6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a02")
GEN_DATE_TEXT = "2026-03-04T10:15:30+01:00"
GEN_DATE = datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC)


def a_her(number: str) -> Ident:
    """The Ident of a communication party."""
    return Ident(id=number, type=Code(value="HER", name="HER-id", system=HER_SYSTEM))


def a_party(
    *,
    enterprise: str = "920000",
    service: str = "920001",
    name: str = "Hjemmetjenesten",
    owner: str = "Granvik kommune",
) -> Party:
    """An enterprise with one service, both with HER-ids."""
    return Party(
        organisation=Organisation(
            name=owner,
            idents=(a_her(enterprise),),
            part=Organisation(name=name, idents=(a_her(service),)),
        )
    )


def a_personal_party(*, enterprise: str, person: str, beside: Organisation | None = None) -> Party:
    """A general practitioner who is the communication party, and a department beside her."""
    doctor = HealthcareProfessional(family_name="Prøve", given_name="Nora", idents=(a_her(person),))
    return Party(
        organisation=Organisation(
            name="Bakkegata legesenter",
            idents=(a_her(enterprise),),
            part=beside,
            professional=doctor,
        )
    )


def a_patient(*, number: str = "01815012345") -> Person:
    """A patient with a synthetic number."""
    kind = Code(value="FNR", name="Fødselsnummer", system=PERSON_ID_SYSTEM)
    return Person(
        family_name="Åsnes",
        given_name="Prøve",
        date_of_birth=date(1950, 1, 1),
        sex=Code(value="2", name="Kvinne"),
        idents=(Ident(id=number, type=kind),),
    )


def an_author() -> Role:
    """A nurse who answers for the text and can be called (HITS 1174)."""
    return Role(
        role_to_patient=Code(value="9", name="Primærkontakt", system="2.16.578.1.12.4.1.1.9034"),
        person=HealthcareProfessional(
            profession=Code(value="SP", name="Sykepleier"),
            family_name="Bøe",
            given_name="Kari",
            telecoms=(TeleCom(address="tel:69000000"),),
        ),
    )


def a_question(text: str | None = "Kan dere ta imot pasienten i morgen?") -> Question:
    """A question of type 99, free text."""
    kind = Code(value="99", name="Annen henvendelse", system="2.16.578.1.12.4.1.1.9152")
    return Question(type=kind, text=text, roles=(an_author(),))


def a_request(**changes: object) -> DialogMessage:
    """A request from a municipality to a hospital; ``changes`` as to ``dataclasses.replace``."""
    message = DialogMessage(
        type=Code(value=REQUEST, name="Forespørsel"),
        msg_id=REQUEST_ID,
        gen_date=GEN_DATE,
        gen_date_text=GEN_DATE_TEXT,
        sender=a_party(),
        receiver=a_party(enterprise="910000", service="910001", name="Kirurgi, Felles"),
        patient=a_patient(),
        content_namespace="http://www.kith.no/xmlstds/dialog/2006-10-11",
        dialog_version="1.0",
        document=DocumentInfo(issue_date=GEN_DATE_TEXT),
        questions=(a_question(),),
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # names are checked by replace


def an_answer(text: str | None = "Ja, kl. 10.", **changes: object) -> DialogMessage:
    """The hospital's answer to :func:`a_request`, with the question repeated."""
    request = a_request()
    theme = Code(value="5", name="Svar på forespørsel", system="2.16.578.1.12.4.1.1.9069")
    message = replace(
        request,
        type=Code(value=ANSWER, name="Svar på forespørsel"),
        msg_id=ANSWER_ID,
        sender=request.receiver,
        receiver=request.sender,
        conversation=ConversationRef(parent=REQUEST_ID, conversation=REQUEST_ID),
        questions=(),
        notes=(
            Note(
                theme=theme,
                text=text,
                written_on=date(2026, 3, 4),
                question=request.questions[0],
                roles=(an_author(),),
            ),
        ),
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # names are checked by replace


def a_request_document(
    *,
    question: str = "<Sporsmal>Kan dere ta imot pasienten?</Sporsmal>",
    version: str = "2006-10-11",
    info: str = "",
    gen_date: str = GEN_DATE_TEXT,
    refdoc: str = '<MsgType V="XML" DN="XML-instans"/>',
    beside: str = "",
    after: str = "",
    before: str = "",
) -> bytes:
    """A request as a partner may write it.

    Args:
        question: what stands in Foresporsel after TypeForesp.
        version: date in the namespace of the Dialogmelding.
        info: what stands in MsgInfo before Sender.
        gen_date: the text of GenDate.
        refdoc: what stands in RefDoc before Content.
        beside: what stands in Content after the Dialogmelding.
        after: what follows the Document.
        before: what precedes the root element.
    """
    return f"""<?xml version="1.0" encoding="UTF-8"?>
{before}<mh:MsgHead xmlns:mh="http://www.kith.no/xmlstds/msghead/2006-05-24" \
xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <MsgInfo>
    <Type V="DIALOG_FORESPORSEL" DN="Forespørsel"/>
    <MIGversion>v1.2 2006-05-24</MIGversion>
    <GenDate>{gen_date}</GenDate>
    <MsgId>{REQUEST_ID}</MsgId>{info}
    <Sender><Organisation><OrganisationName>Granvik kommune</OrganisationName>
      <Ident><Id>920000</Id><TypeId V="HER" DN="HER-id" S="{HER_SYSTEM}"/></Ident>
      <Organisation><OrganisationName>Hjemmetjenesten</OrganisationName>
        <Ident><Id>920001</Id><TypeId V="HER" DN="HER-id" S="{HER_SYSTEM}"/></Ident>
      </Organisation></Organisation></Sender>
    <Receiver><Organisation><OrganisationName>Fjordby sykehus</OrganisationName>
      <Ident><Id>910000</Id><TypeId V="HER" DN="HER-id" S="{HER_SYSTEM}"/></Ident>
      <Organisation><OrganisationName>Kirurgi, Felles</OrganisationName>
        <Ident><Id>910001</Id><TypeId V="HER" DN="HER-id" S="{HER_SYSTEM}"/></Ident>
      </Organisation></Organisation></Receiver>
    <Patient><FamilyName>Åsnes</FamilyName><GivenName>Prøve</GivenName>
      <Ident><Id>01815012345</Id><TypeId V="FNR" S="{PERSON_ID_SYSTEM}"/></Ident></Patient>
  </MsgInfo>
  <Document><RefDoc>{refdoc}
    <Content><Dialogmelding xmlns="http://www.kith.no/xmlstds/dialog/{version}">
      <Foresporsel><TypeForesp V="99" DN="Annen henvendelse" S="2.16.578.1.12.4.1.1.9152"/>
        {question}</Foresporsel>
    </Dialogmelding>{beside}</Content></RefDoc></Document>{after}
</mh:MsgHead>
""".encode()


def an_attachment(
    *, content: str = "JVBERi0xLjQK", mime: str = "application/pdf", kind: str = "A"
) -> str:
    """A further Document with a Base64Container, as text."""
    return (
        f'<Document><RefDoc><MsgType V="{kind}" DN="Vedlegg"/><MimeType>{mime}</MimeType>'
        "<Description>Et vedlegg</Description><Content>"
        f'<b:Base64Container xmlns:b="http://www.kith.no/xmlstds/base64container">{content}'
        "</b:Base64Container></Content></RefDoc></Document>"
    )


def tree_of(document: bytes) -> etree._Element:
    """The root of a document, by the parser for untrusted bytes."""
    return parse_untrusted(document)
