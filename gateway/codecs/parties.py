"""Organisations and persons, as MsgHead and Dialogmelding both carry them.

The two schemas have the same shapes in other namespaces: within MsgHead the
children of Ident, Address and TeleCom are MsgHead's own, within Dialogmelding
they belong to felleskomponent1. Every reader therefore takes the namespace of
the element's children, and ``inner``, that of theirs.
"""

from lxml import etree

from gateway.codecs.reading import BLANKS, Children, Reading, children_of, code_of
from gateway.domain.message import (
    Address,
    Code,
    HealthcareProfessional,
    Ident,
    Organisation,
    Party,
    Person,
    TeleCom,
)


def read_party(element: etree._Element | None, reading: Reading, *, namespace: str) -> Party | None:
    """Read a Sender or Receiver of MsgHead; None when it, or the Organisation in it, is absent."""
    if element is None:
        return None
    children = children_of(element, namespace)
    organisation = reading.only(children, "Organisation")
    if organisation is None:
        return None
    return Party(
        organisation=read_organisation(organisation, reading, namespace=namespace, inner=namespace),
        com_method=reading.code(children, "ComMethod"),
    )


def read_organisation(
    element: etree._Element, reading: Reading, *, namespace: str, inner: str
) -> Organisation:
    """Read one level of an organisation and what is below it; an empty one gives no idents."""
    children = children_of(element, namespace)
    part = reading.only(children, "Organisation")
    professional = reading.only(children, "HealthcareProfessional")
    return Organisation(
        name=reading.text(children, "OrganisationName") or "",
        type=reading.code(children, "TypeOrganisation"),
        idents=_idents(children, reading, inner),
        address=_address(children, reading, inner),
        telecoms=_telecoms(children, reading, inner),
        part=None
        if part is None
        else read_organisation(part, reading, namespace=namespace, inner=inner),
        professional=None
        if professional is None
        else read_professional(professional, reading, namespace=namespace, inner=inner),
    )


def read_professional(
    element: etree._Element, reading: Reading, *, namespace: str, inner: str
) -> HealthcareProfessional:
    """Read a HealthcareProfessional."""
    children = children_of(element, namespace)
    return HealthcareProfessional(
        family_name=reading.text(children, "FamilyName"),
        middle_name=reading.text(children, "MiddleName"),
        given_name=reading.text(children, "GivenName"),
        date_of_birth=reading.day(children, "DateOfBirth"),
        sex=reading.code(children, "Sex"),
        nationality=reading.code(children, "Nationality"),
        idents=_idents(children, reading, inner),
        address=_address(children, reading, inner),
        telecoms=_telecoms(children, reading, inner),
        profession=reading.code(children, "TypeHealthcareProfessional"),
        role_to_patient=reading.code(children, "RoleToPatient"),
    )


def read_person(element: etree._Element, reading: Reading, *, namespace: str, inner: str) -> Person:
    """Read a Person or a Patient."""
    children = children_of(element, namespace)
    return Person(
        family_name=reading.text(children, "FamilyName"),
        middle_name=reading.text(children, "MiddleName"),
        given_name=reading.text(children, "GivenName"),
        date_of_birth=reading.day(children, "DateOfBirth"),
        sex=reading.code(children, "Sex"),
        nationality=reading.code(children, "Nationality"),
        idents=_idents(children, reading, inner),
        address=_address(children, reading, inner),
        telecoms=_telecoms(children, reading, inner),
    )


def read_person_choice(
    children: Children, reading: Reading, *, namespace: str, inner: str
) -> Person | None:
    """Read the choice between HealthcareProfessional and Person; None when neither is there."""
    professional = reading.only(children, "HealthcareProfessional")
    person = reading.only(children, "Person")
    if professional is not None:
        if person is not None:
            reading.fault(person, "beside a HealthcareProfessional")
        return read_professional(professional, reading, namespace=namespace, inner=inner)
    return (
        None if person is None else read_person(person, reading, namespace=namespace, inner=inner)
    )


def _idents(children: Children, reading: Reading, namespace: str) -> tuple[Ident, ...]:
    return tuple(_ident(element, reading, namespace) for element in children.get("Ident", ()))


def _ident(element: etree._Element, reading: Reading, namespace: str) -> Ident:
    children = children_of(element, namespace)
    kind = reading.only(children, "TypeId")
    return Ident(
        id=reading.token(children, "Id") or "",
        type=Code(value="") if kind is None else code_of(kind),
    )


def _address(children: Children, reading: Reading, namespace: str) -> Address | None:
    element = reading.only(children, "Address")
    if element is None:
        return None
    fields = children_of(element, namespace)
    return Address(
        type=reading.code(fields, "Type"),
        street=reading.text(fields, "StreetAdr"),
        postal_code=reading.text(fields, "PostalCode"),
        city=reading.text(fields, "City"),
        postbox=reading.text(fields, "Postbox"),
        county=reading.code(fields, "County"),
        country=reading.code(fields, "Country"),
    )


def _telecoms(children: Children, reading: Reading, namespace: str) -> tuple[TeleCom, ...]:
    return tuple(_telecom(element, reading, namespace) for element in children.get("TeleCom", ()))


def _telecom(element: etree._Element, reading: Reading, namespace: str) -> TeleCom:
    fields = children_of(element, namespace)
    address = reading.only(fields, "TeleAddress")
    return TeleCom(
        address="" if address is None else (address.get("V") or "").strip(BLANKS),
        type=reading.code(fields, "TypeTelecom"),
    )
