"""The content of a dialogue message: Dialogmelding 1.0 (2006-10-11) and 1.1 (2013-01-23).

One reader for both: 1.1 only adds elements (EmneSporsmal, KodetOpplysning,
TilknyttetEnhet), repeats one (TypeJournalinfo), and lets the question carry
markup. Which version may hold what is the schema's business.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.codecs.attachments import attachments_in_text
from gateway.codecs.parties import read_organisation, read_person_choice
from gateway.codecs.plaintext import plain_text_of, words_beside_objects
from gateway.codecs.reading import Children, Reading, children_of
from gateway.codecs.xml import DIALOG_1_0, DIALOG_1_1, FK1, namespace_of
from gateway.domain.message import (
    Attachment,
    Code,
    Markup,
    Note,
    Question,
    RelatedUnit,
    Role,
)

VERSIONS: Final = {DIALOG_1_0: "1.0", DIALOG_1_1: "1.1"}
ROOTS: Final = {f"{{{namespace}}}Dialogmelding": namespace for namespace in VERSIONS}
TEXT_FIELDS: Final = ("Sporsmal", "TekstNotatInnhold")

_LOSS: Final = (Markup.NONE, Markup.FLATTENED, Markup.LOSSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """A Dialogmelding: what is asked, what is said, and what came inside the texts."""

    case_type: Code | None
    case: str | None
    questions: tuple[Question, ...]
    notes: tuple[Note, ...]
    markup: Markup
    attachments: tuple[Attachment, ...]
    text_left: str | None  # the words beside what is embedded; None when nothing is


def read_dialog(element: etree._Element, reading: Reading, *, where: str) -> Dialog:
    """Read a Dialogmelding of either version; ``where`` is its path."""
    reader = _DialogReader(reading, namespace_of(element))
    children = children_of(element, reader.namespace)
    questions = tuple(
        reader.question(child, f"{where}/Foresporsel[{number}]")
        for number, child in enumerate(children.get("Foresporsel", ()), 1)
    )
    notes = tuple(
        reader.note(child, f"{where}/Notat[{number}]")
        for number, child in enumerate(children.get("Notat", ()), 1)
    )
    return Dialog(
        case_type=reading.code(children, "SakstypeKodet"),
        case=reading.text(children, "Sakstype"),
        questions=questions,
        notes=notes,
        markup=reader.markup,
        attachments=tuple(reader.attachments),
        text_left=_words_left(element) if reader.attachments else None,
    )


def _words_left(dialog: etree._Element) -> str:
    """What the questions and notes say beside embedded objects; a repeated question is no text."""
    fields = tuple(f"{{{namespace_of(dialog)}}}{name}" for name in TEXT_FIELDS)
    return "\n\n".join(
        words_beside_objects(field) for item in dialog for field in item.iterchildren(*fields)
    )


def text_fields_of(dialog: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements that hold professional text: Sporsmal and TekstNotatInnhold."""
    namespace = namespace_of(dialog)
    yield from _named(dialog, namespace, TEXT_FIELDS)


def _named(
    element: etree._Element, namespace: str, names: Iterable[str]
) -> Iterator[etree._Element]:
    # Only where the schema has them: an element of that name inside markup is markup.
    wanted = tuple(f"{{{namespace}}}{name}" for name in names)
    nested = tuple(f"{{{namespace}}}{name}" for name in ("Foresporsel", "Notat"))
    for child in element:
        if child.tag in nested:
            yield from _named(child, namespace, names)
        elif child.tag in wanted:
            yield child


class _DialogReader:
    def __init__(self, reading: Reading, namespace: str) -> None:
        self.reading = reading
        self.namespace = namespace
        self.markup = Markup.NONE
        self.attachments: list[Attachment] = []

    def question(self, element: etree._Element, where: str) -> Question:
        reading, children = self.reading, children_of(element, self.namespace)
        return Question(
            type=self.required_code(element, children, "TypeForesp"),
            text=self.anytype(children, "Sporsmal", where),
            subject=reading.text(children, "EmneSporsmal"),
            purpose=reading.code(children, "Formål"),
            reason=reading.text(children, "Begrunnelse"),
            urgency=reading.code(children, "Hastegrad"),
            from_date=reading.day(children, "FraDato"),
            to_date=reading.day(children, "TilDato"),
            journal_info=reading.codes(children, "TypeJournalinfo"),
            coded_information=reading.code(children, "KodetOpplysning"),
            document_id=reading.token(children, "DokIdForesp"),
            roles=self.roles(children),
        )

    def note(self, element: etree._Element, where: str) -> Note:
        reading, children = self.reading, children_of(element, self.namespace)
        question = reading.only(children, "Foresporsel")
        return Note(
            theme=self.required_code(element, children, "TemaKodet"),
            theme_text=reading.text(children, "Tema"),
            text=self.anytype(children, "TekstNotatInnhold", where),
            remark=reading.text(children, "Merknad"),
            document_id=reading.token(children, "DokIdNotat"),
            written_on=reading.day(children, "DatoNotat"),
            question=None if question is None else self.question(question, f"{where}/Foresporsel"),
            roles=self.roles(children),
        )

    def anytype(self, children: Children, name: str, where: str) -> str | None:
        field = self.reading.only(children, name)
        if field is None:
            return None
        if not len(field) and not field.attrib:  # by far the most common
            return field.text or ""
        plain = plain_text_of(field)
        embedded = attachments_in_text(field, where=f"{where}/{name}")
        self.attachments.extend(embedded)
        markup = Markup.LOSSY if embedded else plain.markup
        self.markup = max(self.markup, markup, key=_LOSS.index)
        return plain.text

    def required_code(self, element: etree._Element, children: Children, name: str) -> Code:
        code = self.reading.code(children, name)
        if code is None:
            self.reading.fault(element, f"{name} is absent")
            return Code(value="")
        return code

    def roles(self, children: Children) -> tuple[Role, ...]:
        return tuple(self.role(element) for element in children.get("RollerRelatertNotat", ()))

    def role(self, element: etree._Element) -> Role:
        reading, children = self.reading, children_of(element, self.namespace)
        unit = reading.only(children, "TilknyttetEnhet")
        return Role(
            role_in_note=reading.code(children, "RolleNotat"),
            role_to_patient=reading.code(children, "RoleToPatient"),
            person=read_person_choice(children, reading, namespace=self.namespace, inner=FK1),
            unit=None if unit is None else self.related_unit(unit),
        )

    def related_unit(self, element: etree._Element) -> RelatedUnit | None:
        reading, children = self.reading, children_of(element, self.namespace)
        unit = reading.only(children, "Kontaktenhet")
        if unit is None:
            reading.fault(element, "Kontaktenhet is absent")
            return None
        return RelatedUnit(
            unit=read_organisation(unit, reading, namespace=FK1, inner=FK1),
            remark=reading.text(children, "Merknad"),
            person=read_person_choice(children, reading, namespace=self.namespace, inner=FK1),
        )
