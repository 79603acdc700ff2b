"""Values and parties of the message schemas, written in the schemas' order; faults are noted.

Within MsgHead everything is in MsgHead's own namespace; within Dialogmelding the
children of Ident, Address and TeleCom belong to felleskomponent1.
"""

import re
from datetime import date
from typing import Final

from lxml import etree

from gateway.codecs.reading import MAX_FAULTS
from gateway.codecs.xml import DIALOG_1_0, MSGHEAD, path_of
from gateway.domain.message import (
    Address,
    Code,
    HealthcareProfessional,
    Ident,
    Organisation,
    OtherReceiver,
    Party,
    Person,
    TeleCom,
)
from gateway.errors import Fault, MalformedMessage

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Writing:
    """Builds the tree. ``namespace`` is that of an element's children, ``inner`` that of theirs."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, element: etree._Element, detail: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(path_of(element), detail))

    def raise_faults(self) -> None:
        """Raise MalformedMessage when something could not be written."""
        if self.faults:
            first = self.faults[0]
            detail = f"{first.where}: {first.detail}"
            raise MalformedMessage(detail, where=first.where, faults=tuple(self.faults))

    def legal(self, element: etree._Element, text: str) -> str:
        if _FORBIDDEN.search(text) is None:
            return text
        self.fault(element, "a character that XML 1.0 forbids")
        return ""

    def text(self, parent: etree._Element, namespace: str, name: str, text: str | None) -> None:
        if text is not None:
            element = etree.SubElement(parent, f"{{{namespace}}}{name}")
            element.text = self.legal(element, text)

    def day(self, parent: etree._Element, namespace: str, name: str, day: date | None) -> None:
        self.text(parent, namespace, name, None if day is None else day.isoformat())

    def time(self, parent: etree._Element, name: str, text: str | None) -> None:
        if text is not None:
            element = etree.SubElement(parent, f"{{{MSGHEAD}}}{name}")
            element.set("V", self.legal(element, text))

    def code(self, parent: etree._Element, namespace: str, name: str, code: Code | None) -> None:
        if code is None:
            return
        element = etree.SubElement(parent, f"{{{namespace}}}{name}")
        element.set("V", self.legal(element, code.value))
        for attribute, value in (
            ("S", code.system),
            ("DN", code.name),
            ("OT", code.original_text),
        ):
            if value is not None:
                element.set(attribute, self.legal(element, value))

    def idents(
        self, parent: etree._Element, namespace: str, inner: str, idents: tuple[Ident, ...]
    ) -> None:
        for ident in idents:
            element = etree.SubElement(parent, f"{{{namespace}}}Ident")
            self.text(element, inner, "Id", ident.id)
            self.code(element, inner, "TypeId", ident.type)

    def reach(
        self,
        parent: etree._Element,
        namespace: str,
        inner: str,
        address: Address | None,
        telecoms: tuple[TeleCom, ...],
    ) -> None:
        if address is not None:
            element = etree.SubElement(parent, f"{{{namespace}}}Address")
            self.code(element, inner, "Type", address.type)
            self.text(element, inner, "StreetAdr", address.street)
            self.text(element, inner, "PostalCode", address.postal_code)
            self.text(element, inner, "City", address.city)
            self.text(element, inner, "Postbox", address.postbox)
            self.code(element, inner, "County", address.county)
            self.code(element, inner, "Country", address.country)
        for telecom in telecoms:
            element = etree.SubElement(parent, f"{{{namespace}}}TeleCom")
            self.code(element, inner, "TypeTelecom", telecom.type)
            target = etree.SubElement(element, f"{{{inner}}}TeleAddress")
            target.set("V", self.legal(target, telecom.address))

    def person(
        self,
        parent: etree._Element,
        name: str,
        person: Person,
        *,
        namespace: str = MSGHEAD,
        inner: str = MSGHEAD,
    ) -> None:
        element = etree.SubElement(parent, f"{{{namespace}}}{name}")
        if isinstance(person, HealthcareProfessional):
            self.code(element, namespace, "TypeHealthcareProfessional", person.profession)
            self.code(element, namespace, "RoleToPatient", person.role_to_patient)
            if namespace == MSGHEAD and not person.idents:
                self.fault(element, "Ident is required")
        names = [
            ("FamilyName", person.family_name),
            ("MiddleName", person.middle_name),
            ("GivenName", person.given_name),
        ]
        if namespace == DIALOG_1_0 and name == "Person":
            names.reverse()  # HIS 80603: the one place where the given name comes first
        for field, text in names:
            self.text(element, namespace, field, text)
        self.day(element, namespace, "DateOfBirth", person.date_of_birth)
        self.code(element, namespace, "Sex", person.sex)
        self.code(element, namespace, "Nationality", person.nationality)
        self.idents(element, namespace, inner, person.idents)
        self.reach(element, namespace, inner, person.address, person.telecoms)

    def organisation(self, parent: etree._Element, organisation: Organisation) -> None:
        element = etree.SubElement(parent, f"{{{MSGHEAD}}}Organisation")
        if organisation == Organisation():
            return  # the schema allows an empty one
        if not organisation.idents:
            self.fault(element, "Ident is required")
        self.text(element, MSGHEAD, "OrganisationName", organisation.name)
        self.code(element, MSGHEAD, "TypeOrganisation", organisation.type)
        self.idents(element, MSGHEAD, MSGHEAD, organisation.idents)
        self.reach(element, MSGHEAD, MSGHEAD, organisation.address, organisation.telecoms)
        if organisation.part is not None:
            self.organisation(element, organisation.part)
        if organisation.professional is not None:
            self.person(element, "HealthcareProfessional", organisation.professional)

    def party(self, parent: etree._Element, name: str, party: Party) -> None:
        element = etree.SubElement(parent, f"{{{MSGHEAD}}}{name}")
        self.code(element, MSGHEAD, "ComMethod", party.com_method)
        self.organisation(element, party.organisation)

    def other_receiver(self, parent: etree._Element, receiver: OtherReceiver) -> None:
        element = etree.SubElement(parent, f"{{{MSGHEAD}}}OtherReceiver")
        self.code(element, MSGHEAD, "ComMethod", receiver.com_method)
        self.code(element, MSGHEAD, "RoleReceiver", receiver.role)
        if receiver.party is not None and receiver.person is not None:
            self.fault(element, "either an organisation or a person")
        if receiver.party is not None:
            self.organisation(element, receiver.party.organisation)
        elif receiver.person is not None:
            self.person(element, person_choice(receiver.person), receiver.person)


def person_choice(person: Person) -> str:
    """Name of the element that holds ``person`` where the schema leaves a choice."""
    return "HealthcareProfessional" if isinstance(person, HealthcareProfessional) else "Person"
