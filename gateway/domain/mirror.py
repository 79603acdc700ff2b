"""Addresses of an AppRec: those of the original, swapped and in full (HIS 80415, "speiling").

The sender of a message must find in the receipt every identification it wrote
itself; some systems match on the organisation number or on an id of their own.
"""

from dataclasses import replace

from gateway.domain.identifiers import HerId
from gateway.domain.message import (
    HealthcareProfessional,
    Ident,
    Organisation,
    Party,
    Person,
)
from gateway.domain.receipt import ReceiptParty, ReceiptVersion

ROLE_NAMES: dict[str, str] = {
    "SPR": "Tjenesteyter",
    "REQ": "Rekvirent",
    "RECEIVER": "Mottaker",
    "PRIM": "Primærmottaker",
    "AVS": "Avsender",
    "COP": "Kopimottaker",
}
"""Role codes of AppRec 1.0 and 1.1 to their names."""

_PRIMARY_ROLE = {ReceiptVersion.V1_0: "SPR", ReceiptVersion.V1_1: "PRIM"}
_COPY_ROLE = "COP"
_ORIGINAL_SENDER_ROLE = {ReceiptVersion.V1_0: "RECEIVER", ReceiptVersion.V1_1: "AVS"}


def mirror(
    message_sender: Party,
    message_receiver: Party,
    version: ReceiptVersion,
    *,
    copy_receiver: bool = False,
) -> tuple[ReceiptParty, ReceiptParty]:
    """Return (Sender, Receiver) of the AppRec that answers a message.

    Args:
        message_sender: Sender of the original; becomes the Receiver.
        message_receiver: the receiver that answers; becomes the Sender.
        version: decides the role codes: SPR and RECEIVER, or PRIM and AVS.
        copy_receiver: the answering party stood in OtherReceiver; its role is COP.

    HER comes first among the idents of each level, as Id and TypeId, the one that
    the envelope names before others; all others follow as AdditionalId. Empty idents
    are left out, and so is a department of which nothing is left. A health professional
    is mapped as the communication party: one beside no department, or whose HER-id,
    not the department's, is that of the party. Another beside a department, or below
    it, merely signs or answers for the text.

    Source: HIS 80415 §3.2 and HITS 1168, mapping from MsgHead.
    """
    role = _COPY_ROLE if copy_receiver else _PRIMARY_ROLE[version]
    return (
        ReceiptParty(organisation=_mirrored(message_receiver), role=role),
        ReceiptParty(
            organisation=_mirrored(message_sender),
            role=_ORIGINAL_SENDER_ROLE[version],
        ),
    )


def _mirrored(party: Party) -> Organisation:
    organisation, her = party.organisation, party.her
    department = _mirrored_department(organisation.part, her)
    person = organisation.professional
    if department is not None and (
        person is None or her not in person.hers or her in department.hers
    ):
        person = None
    return Organisation(
        name=organisation.name,
        idents=_her_first(organisation.idents, organisation.her),
        part=department,
        professional=None if person is None else _mirrored_person(person, her),
    )


def _mirrored_department(part: Organisation | None, her: HerId | None) -> Organisation | None:
    if part is None:
        return None
    mirrored = Organisation(name=part.name, idents=_her_first(part.idents, her))
    # Real senders write an empty one beside the person; as a Dept it would say nothing.
    return mirrored if mirrored.name.strip() or mirrored.idents else None


def _mirrored_person(person: HealthcareProfessional, her: HerId | None) -> HealthcareProfessional:
    # One string is all that an AppRec has room for; reading puts it in the same place.
    return HealthcareProfessional(
        family_name=full_name(person) or None, idents=_her_first(person.idents, her)
    )


def full_name(person: Person) -> str:
    """Given, middle and family name as one string; "" when there is none."""
    names = (person.given_name, person.middle_name, person.family_name)
    return " ".join(name.strip() for name in names if name and name.strip())


def _her_first(idents: tuple[Ident, ...], her: HerId | None) -> tuple[Ident, ...]:
    present = [
        Ident(id=i.id, type=replace(i.type, system=None, original_text=None))
        for i in idents
        if i.id.strip() and i.type.value
    ]
    return tuple(sorted(present, key=lambda ident: (not ident.is_her, ident.id != her)))
