"""Do the HER-ids of a message fit the address book? (R-65, R-66, R-70, R-72, R-82, R-84, HIS 1153).

Remarks on whether the chosen service suits the patient come with the findings
(``rules.service_choice``): both need the two parties as the book has them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.findings import Direction, Finding, FindingClass
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage, Party
from gateway.domain.rules.facts import EpjFacts
from gateway.domain.rules.model import OTHER_RECEIVER, RECEIVER, SENDER, Hit
from gateway.domain.rules.policy import DEFAULT_POLICY, ScreeningPolicy
from gateway.domain.rules.receivers import (
    FILED,
    LEVELS_AGREE,
    OUR_SERVICE,
    PERMITTED_TYPE,
    REACHABLE,
    RESOLVABLE,
    about_admitted,
    may_receive,
)
from gateway.domain.rules.service_choice import advise_incoming, advise_outgoing
from gateway.domain.services import fold

_SHOWN = 60  # services listed to somebody who addressed an unknown one


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """The parties of a message as the address book has them; None where it has not."""

    sender: Entry | None
    receiver: Entry | None
    findings: tuple[Finding, ...] = ()

    @property
    def admitted(self) -> bool:
        """Whether one of the two is an address for admitted patients (R-15)."""
        return about_admitted(self.sender, self.receiver)


def address_outgoing(
    message: DialogMessage,
    book: AddressBook,
    *,
    policy: ScreeningPolicy = DEFAULT_POLICY,
    epj: EpjFacts | None = None,
) -> Addressing:
    """Look up both parties of a message from the EPJ: ours must send, another's receive."""
    sender = _outgoing_entry(message.sender, book)
    receiver = _outgoing_entry(message.receiver, book)
    findings = tuple(_outgoing_faults(message, book, sender, receiver, policy))
    if sender is not None and receiver is not None and not findings:
        findings = (
            *_other_names(message.sender, sender, SENDER),
            *_other_names(message.receiver, receiver, RECEIVER),
            *advise_outgoing(message, sender, receiver, policy=policy, facts=epj),
        )
    return Addressing(sender=sender, receiver=receiver, findings=findings)


def _outgoing_faults(
    message: DialogMessage,
    book: AddressBook,
    sender: Entry | None,
    receiver: Entry | None,
    policy: ScreeningPolicy,
) -> Iterator[Finding]:
    out = Direction.OUTGOING
    if sender is None or not sender.own:
        hit = Hit(
            code="EPJ_SENDER",
            nb="Avsenderadressen er ikke en av våre tjenester.",
            en="The sender is not one of our services.",
            where=SENDER,
        )
        yield RESOLVABLE.finding(out, hit)
    if receiver is None:
        known = _known_enterprise(message, book)
        hit = Hit(
            nb="Mottakeren finnes ikke i adresseboken" + known,
            en="The receiver is not in the address book" + known,
            where=RECEIVER,
        )
        yield RESOLVABLE.finding(out, hit)
    elif receiver.service is not None and not receiver.service.type.is_receiver:
        hit = Hit(
            nb="Adressen brukes bare som avsender, ikke som mottaker.",
            en="The address is only sent from, never to.",
            where=RECEIVER,
        )
        yield RESOLVABLE.finding(out, hit)
    elif sender is not None and sender.own and not may_receive(sender, receiver, policy):
        hit = Hit(
            nb="Denne tjenesten er ikke mottaker av dialogmeldinger etter retningslinjen.",
            en="By the guideline this service does not receive dialogue messages from here.",
            where=RECEIVER,
        )
        yield PERMITTED_TYPE.finding(out, hit)
    if receiver is not None and not (receiver.edi and receiver.sealing):
        hit = Hit(
            nb="Mottakeren kan ikke nås elektronisk: adresse eller krypteringssertifikat mangler "
            "i adresseboken.",
            en="The receiver cannot be reached: address or sealing certificate is missing in the "
            "address book.",
            where=RECEIVER,
        )
        yield REACHABLE.finding(out, hit)


def _other_names(party: Party, entry: Entry, where: str) -> Iterator[Finding]:
    """A remark where a name is not the register's: its author may mean somebody else."""
    one = party.organisation
    written = [(one.name, entry.enterprise.name)]
    if entry.service is not None and one.part is not None:
        written.append((one.part.name, entry.name))
    if entry.person is not None and (person := one.professional) is not None:
        names = (person.given_name, person.family_name)
        written.append((" ".join(name for name in names if name), entry.name))
    if all(fold(name) in ("", fold(registered)) for name, registered in written):
        return
    hit = Hit(
        cls=FindingClass.ADVISE,
        code="EPJ_ADVICE_ADDR",
        nb=f"HER-id {entry.her} har et annet navn i adresseboken enn i meldingen. Det er HER-id "
        "som gjelder: kontroller at adressen er den rette.",
        en=f"HER-id {entry.her} has another name in the address book than in the message. The "
        "HER-id decides: check that the address is the right one.",
        where=where,
    )
    yield RESOLVABLE.finding(Direction.OUTGOING, hit)


def address_incoming(
    message: DialogMessage,
    book: AddressBook,
    *,
    from_her: HerId,
    to_her: HerId,
    policy: ScreeningPolicy = DEFAULT_POLICY,
    epj: EpjFacts | None = None,
) -> Addressing:
    """Compare a message from a partner with its envelope and the address book (AppRec E21).

    The receiver, or the copy receiver that the envelope is for, must be a
    service of ours at both levels, and the HER-ids of the envelope among those of
    the message: a level may have several, and a person beside a department. With E21
    switched off (8221: MAY be sent) the same faults are findings to follow up, and the
    message goes to the envelope's receiver.
    """
    sending = message.sender.named_by(from_her)
    sender = _entry(sending.her, sending.organisation.hers, book)
    party, where = _addressed(message, to_her)
    receiver = _entry(party.her, party.organisation.hers, book)
    own = receiver is not None and receiver.own
    cls = FindingClass.REJECT if policy.answer_e21 else FindingClass.FOLLOW_UP
    findings = [
        *_receiver_faults(party, where, to_her, own, cls),
        *_sender_faults(sending, book, from_her, cls),
    ]
    if receiver is not None and own:
        if receiver.service is None:
            findings.append(_unfiled(where))
        findings += advise_incoming(receiver, epj)
    return Addressing(sender=sender, receiver=receiver if own else None, findings=tuple(findings))


def _addressed(message: DialogMessage, to_her: HerId) -> tuple[Party, str]:
    """The receiver; or the copy receiver whose HER-id the envelope has (R-38: tolerated)."""
    if to_her not in message.receiver.hers:
        for other in message.other_receivers:
            if other.party is not None and to_her in other.party.hers:
                return other.party.named_by(to_her), OTHER_RECEIVER
    return message.receiver.named_by(to_her), RECEIVER


def _receiver_faults(
    party: Party, where: str, to_her: HerId, own: bool, cls: FindingClass
) -> Iterator[Finding]:
    into = Direction.INCOMING
    if party.enterprise_her is None or party.her is None:
        hit = Hit(
            cls=cls,
            nb="Mottakerens HER-id mangler på nivå 1 eller nivå 2.",
            en="The receiver's HER-id is missing on level 1 or level 2.",
            where=where,
        )
        yield OUR_SERVICE.finding(into, hit)
    elif not own:
        hit = Hit(
            cls=cls,
            nb="Mottakeren finnes ikke hos oss.",
            en="The receiver does not exist here.",
            where=where,
        )
        yield OUR_SERVICE.finding(into, hit)
    elif party.her != to_her:
        hit = Hit(
            cls=cls,
            nb="Mottakeren i meldingen er en annen enn i konvolutten.",
            en="The receiver in the message differs from that of the envelope.",
            where=where,
        )
        yield LEVELS_AGREE.finding(into, hit)


def _sender_faults(
    party: Party, book: AddressBook, from_her: HerId, cls: FindingClass
) -> Iterator[Finding]:
    known = book.by_her(from_her)
    if party.her is None or party.enterprise_her is None:
        # E21 is about the receiver, and the envelope's signature vouches for the sender.
        hit = Hit(
            cls=FindingClass.FOLLOW_UP,
            code="EPJ_SENDER",
            nb="Avsenderens HER-id mangler på nivå 1 eller nivå 2.",
            en="The sender's HER-id is missing on level 1 or level 2.",
            where=SENDER,
        )
    elif party.her != from_her:
        hit = Hit(
            cls=cls,
            code="EPJ_SENDER",
            nb="Avsenderen i meldingen er en annen enn i konvolutten.",
            en="The sender in the message differs from that of the envelope.",
            where=SENDER,
        )
    elif known is not None and known.enterprise.her not in party.organisation.hers:
        hit = Hit(
            cls=cls,
            code="EPJ_SENDER",
            nb="Avsenderens tjeneste hører ikke til virksomheten som meldingen oppgir.",
            en="The sender's service does not belong to the enterprise that the message names.",
            where=SENDER,
        )
    else:
        return
    yield LEVELS_AGREE.finding(Direction.INCOMING, hit)


def _unfiled(where: str) -> Finding:
    hit = Hit(
        nb="Adressen er vår, men hører ikke til noen tjeneste. Gi meldingen til rett sted.",
        en="The address is ours but belongs to no service. Pass the message on.",
        where=where,
    )
    return FILED.finding(Direction.INCOMING, hit)


def _outgoing_entry(party: Party, book: AddressBook) -> Entry | None:
    """The party of a message of ours; partners need not read it as tolerantly as we do."""
    organisation = party.organisation
    levels = (organisation, organisation.part, organisation.professional)
    idents = [ident for level in levels if level is not None for ident in level.idents]
    if any(ident.is_her and ident.type.value != "HER" for ident in idents):
        return None
    return _entry(party.her, organisation.hers[:1], book)


def _entry(her: HerId | None, enterprises: Collection[HerId], book: AddressBook) -> Entry | None:
    """The party of level 2, when its level 1 is the parent that the book knows."""
    entry = book.by_her(her) if her else None
    return entry if entry is not None and entry.enterprise.her in enterprises else None


def _known_enterprise(message: DialogMessage, book: AddressBook) -> str:
    her = message.receiver.enterprise_her
    enterprise = book.enterprise(her) if her else None
    if enterprise is None:
        return "."
    candidates = [e.her for e in book.entries if e.enterprise is enterprise]
    return f" ({enterprise.her}: {', '.join(candidates[:_SHOWN])})."
