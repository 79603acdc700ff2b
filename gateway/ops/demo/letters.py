"""Dialogue messages of the demonstration. Everybody in them is invented.

The patients' numbers are synthetic (month + 80), made here with right control
digits, and belong to nobody.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from gateway.codecs.msghead import render_answer, render_request
from gateway.codecs.replying import party_of
from gateway.codecs.xml import DIALOG_1_0
from gateway.domain.addressbook import Entry
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.message import (
    ANSWER,
    HER_SYSTEM,
    NOTE,
    PERSON_ID_SYSTEM,
    REQUEST,
    Code,
    ConversationRef,
    DialogMessage,
    DocumentInfo,
    HealthcareProfessional,
    Ident,
    Note,
    Party,
    Person,
    Question,
    Role,
    TeleCom,
)
from gateway.domain.persons import is_valid

_OID = "2.16.578.1.12.4.1.1"
_QUESTIONS = (
    "Kan dere vurdere dosen før helgen? Siste kontakt var 12.11.",
    "Vi ber om oppdatert medisinliste etter polikliniske kontroller i høst.",
    "Pasienten spør om videre oppfølging. Hvem er kontaktperson hos dere?",
    "Såret gror langsomt. Ønsker dere ny kontroll, eller fortsetter vi som avtalt?",
)
_ANSWERS = (
    "Dosen beholdes til kontrollen i desember. Ta ny prøve om to uker.",
    "Medisinlisten er gjennomgått; ingen endringer siden epikrisen.",
    "Kontaktperson er sykepleier på poliklinikken, telefon i foten av meldingen.",
    "Fortsett som avtalt. Ring oss ved feber eller økende smerter.",
)


def synthetic_numbers() -> Iterator[str]:
    """National numbers of the synthetic series (month + 80), valid and never issued."""
    for serial in range(100, 500):
        for day in range(1, 29):
            stem = f"{day:02d}8550{serial:03d}"
            for control in range(100):
                number = f"{stem}{control:02d}"
                if is_valid(number):
                    yield number
                    break


def request(
    sender: Entry, receiver: Entry, *, msg_id: str, at: datetime, number: str, serial: int
) -> DialogMessage:
    """A question from ``sender`` to ``receiver`` about an invented patient."""
    system = "9154" if sender.own else "9152"
    question = Question(
        type=Code(value="99", name="Annen henvendelse", system=f"{_OID}.{system}"),
        text=f"Til {receiver.name}.\n{_QUESTIONS[serial % len(_QUESTIONS)]}\n\nHilsen {_AUTHOR}",
        roles=(_author(sender),),
    )
    return DialogMessage(
        type=Code(value=REQUEST, name="Forespørsel"),
        msg_id=MsgId(msg_id),
        gen_date=at,
        gen_date_text=_text(at),
        sender=_party(sender),
        receiver=_party(receiver),
        patient=_patient(number, serial),
        content_namespace=DIALOG_1_0,
        dialog_version="1.0",
        document=DocumentInfo(issue_date=_text(at)),
        questions=(question,),
    )


def answer_to(question: DialogMessage, *, msg_id: str, at: datetime, serial: int) -> DialogMessage:
    """The answer that the receiver of ``question`` gives, with the question repeated."""
    note = Note(
        theme=Code(value="5", name="Svar på forespørsel", system=f"{_OID}.9069"),
        text=f"{_ANSWERS[serial % len(_ANSWERS)]}\n\nHilsen {_AUTHOR}",
        written_on=at.date(),
        question=question.questions[0],
        roles=question.questions[0].roles,
    )
    return replace(
        question,
        type=Code(value=ANSWER, name="Svar på forespørsel"),
        msg_id=MsgId(msg_id),
        gen_date=at,
        gen_date_text=_text(at),
        sender=question.receiver,
        receiver=question.sender,
        conversation=ConversationRef(parent=question.msg_id, conversation=question.msg_id),
        document=DocumentInfo(issue_date=_text(at)),
        questions=(),
        notes=(note,),
    )


def written(message: DialogMessage) -> bytes:
    """The document of a request or an answer."""
    return render_request(message) if message.questions else render_answer(message)


def with_attachment(document: bytes) -> bytes:
    """The same document with a PDF beside its text."""
    attachment = (
        "<Document><RefDoc>"
        '<MsgType V="A" DN="Vedlegg"/><MimeType>application/pdf</MimeType>'
        "<Description>Vedlegg</Description><Content>"
        '<b64:Base64Container xmlns:b64="http://www.kith.no/xmlstds/base64container">'
        "JVBERi0xLjQKJSBpbnRldCBpbm5ob2xkCg==</b64:Base64Container>"
        "</Content></RefDoc></Document>"
    )
    return _before_end(document, attachment.encode())


def with_help_number(message: DialogMessage) -> DialogMessage:
    """The same about a patient who has nothing but a hjelpenummer."""
    assert message.patient is not None
    ident = Ident(
        id="25435000305",
        type=Code(value="HNR", name="H-nummer", system=PERSON_ID_SYSTEM),
    )
    return replace(message, patient=replace(message.patient, idents=(ident,)))


def to_unknown_service(message: DialogMessage, her: str) -> DialogMessage:
    """The same to a service that its enterprise does not have."""
    level_1 = message.receiver.organisation
    assert level_1.part is not None
    ident = Ident(id=HerId(her), type=Code(value="HER", name="HER-id", system=HER_SYSTEM))
    part = replace(level_1.part, idents=(ident,))
    return replace(message, receiver=Party(organisation=replace(level_1, part=part)))


def as_note(document: bytes) -> bytes:
    """The same request, calling itself a Notat: a kind that is not permitted."""
    return document.replace(REQUEST.encode(), NOTE.encode())


def broken(document: bytes) -> bytes:
    """The same with its end cut off: no XML any more."""
    return document[: len(document) * 2 // 3]


def _before_end(document: bytes, insertion: bytes) -> bytes:
    at = document.rindex(b"</")
    return document[:at] + insertion + document[at:]


_AUTHOR = "sykepleier Prøve Testesen"


def _party(entry: Entry) -> Party:
    party = party_of(entry)
    level_1 = party.organisation
    part = level_1.part

    def known(ident: Ident) -> Ident:
        return replace(ident, type=replace(ident.type, system=HER_SYSTEM))

    return Party(
        organisation=replace(
            level_1,
            idents=tuple(known(i) for i in level_1.idents),
            part=None
            if part is None
            else replace(part, idents=tuple(known(i) for i in part.idents)),
        )
    )


def _patient(number: str, serial: int) -> Person:
    return Person(
        family_name="Oppdiktet",
        given_name=f"Pasient{serial}",
        date_of_birth=date(1950, 5, int(number[:2])),
        sex=Code(value="2", name="Kvinne"),
        idents=(
            Ident(id=number, type=Code(value="FNR", name="Fødselsnummer", system=PERSON_ID_SYSTEM)),
        ),
    )


def _author(entry: Entry) -> Role:
    return Role(
        role_to_patient=Code(value="9", name="Primærkontakt", system=f"{_OID}.9034"),
        person=HealthcareProfessional(
            profession=Code(value="SP", name="Sykepleier"),
            family_name="Testesen",
            given_name="Prøve",
            telecoms=(TeleCom(address="tel:00000000"),),
        ),
    )


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
