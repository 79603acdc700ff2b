"""Remarks on the chosen service: does it fit the patient and the matter? (R-15, R-30, R-73-R-81).

Never a reason to refuse; the names and places are those of the service list.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from gateway.domain.addressbook import Entry
from gateway.domain.calendar import local_day
from gateway.domain.findings import Direction, Finding
from gateway.domain.message import REQUEST, DialogMessage
from gateway.domain.rules.facts import NOTHING_KNOWN, EpjFacts, PatientStatus
from gateway.domain.rules.model import (
    ADVISE,
    CONTENT,
    PATIENT,
    RECEIVER,
    SENDER,
    Case,
    Hit,
    Rule,
    case_of,
    is_blank,
)
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.domain.rules.receivers import SINGLE_RECEIVER, is_inpatient_address
from gateway.domain.rules.service_rules import (
    ADMITTED,
    CASE_WORK,
    CHILD,
    FIRST_LINE,
    MOTHER,
    NURSING,
    ODD_PAIR,
    THERAPY,
)
from gateway.domain.rules.words import Terms
from gateway.domain.services import ServiceType, Side

# From which hospital services a municipal one is usually written to (guideline, "Når dialogen
# starter i sykehuset"); services that are not named are written to from all.
_USUAL_SENDERS: Final = {
    "KF01": frozenset({"PB", "PV", "S06", "S0202", "S04", "H07"}),
    "KF0104": frozenset({"S04"}),
}
_ADDRESSING_WORDS: Final = Terms(("til", "att", "v/", "hei", "kjære", "c/o"))
_FILLERS: Final = frozenset({"og", "for", "ved", "i", "av", "inkl", "tidl", "mv"})
_WORD: Final = re.compile(r"\w+")
_LONGEST_HEADING: Final = 80  # characters
_LONGEST_LINE: Final = 300


_NEEDS_DECISION: Final = {"KP02": NURSING, "KP03": NURSING, "KR01": THERAPY, "KR02": THERAPY}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """A message with the two services as the address book has them."""

    case: Case
    facts: EpjFacts
    sender: Entry
    receiver: Entry
    type: ServiceType  # the receiver's


def advise_outgoing(
    message: DialogMessage,
    sender: Entry,
    receiver: Entry,
    *,
    policy: ScreeningPolicy,
    facts: EpjFacts | None = None,
) -> tuple[Finding, ...]:
    """Remarks to the author on the address he chose; none for a person as receiver."""
    if receiver.service is None:
        return ()
    choice = _Choice(
        case=case_of(message, Direction.OUTGOING, policy, epj=facts),
        facts=facts or NOTHING_KNOWN,
        sender=sender,
        receiver=receiver,
        type=receiver.service.type,
    )
    return tuple(rule.finding(Direction.OUTGOING, hit) for rule, hit in _remarks(choice))


def advise_incoming(receiver: Entry, facts: EpjFacts | None) -> tuple[Finding, ...]:
    """What is to be followed up when an admitted patient's message came to another service."""
    status = None if facts is None else facts.status
    if status is None or receiver.service is None:
        return ()
    admitted, inpatient = status is PatientStatus.INPATIENT, is_inpatient_address(receiver)
    if admitted is inpatient:
        return ()
    hit = Hit(
        nb="Pasienten er innlagt, men meldingen kom til en vanlig tjeneste. Gi den videre til "
        "avdelingen."
        if admitted
        else "Meldingen kom til PLO Innleggelse, men pasienten er ikke innlagt. Gi den videre til "
        "rett tjeneste.",
        en="The patient is admitted, but the message came to an ordinary service. Pass it on to "
        "the ward."
        if admitted
        else "The message came to PLO Innleggelse, but the patient is not admitted. Pass it on "
        "to the right service.",
        where=RECEIVER,
    )
    return (ADMITTED.finding(Direction.INCOMING, hit),)


def _remarks(choice: _Choice) -> Iterator[tuple[Rule, Hit]]:
    for rule, hit in (
        (ADMITTED, _admitted(choice)),
        (FIRST_LINE, _first_line(choice)),
        (SINGLE_RECEIVER, _mixed(choice)),
        (_NEEDS_DECISION.get(choice.type.code, NURSING), _no_decision(choice)),
        (CASE_WORK, _case_work(choice)),
        (CHILD, _grown(choice)),
        (MOTHER, _no_mother(choice)),
        (ODD_PAIR, _odd_pair(choice)),
    ):
        if hit is not None:
            yield rule, hit


def _admitted(choice: _Choice) -> Hit | None:
    """The hospital's own end of the dialogue must be PLO Innleggelse, whichever way it goes."""
    if choice.facts.status is not PatientStatus.INPATIENT:
        return None
    ours, where = choice.sender, SENDER
    if choice.type.side is Side.HOSPITAL:
        ours, where = choice.receiver, RECEIVER
    if ours.service is None or is_inpatient_address(ours):
        return None
    return Hit(
        nb="Pasienten er innlagt: bruk PLO Innleggelse Somatikk eller PLO Innleggelse Psykiatri.",
        en="The patient is admitted: use PLO Innleggelse Somatikk or PLO Innleggelse Psykiatri.",
        where=where,
    )


def _first_line(choice: _Choice) -> Hit | None:
    case, service = choice.case, choice.type
    several = case.policy.first_line == "several" and "," in service.answered_by
    if case.kind != REQUEST or is_blank(case.text) or not (service.place or several):
        return None
    first, _, rest = case.text.strip().partition("\n")
    is_heading = bool(rest.strip()) and len(first) <= _LONGEST_HEADING and not _ends_sentence(first)
    if is_heading or _ADDRESSING_WORDS.found_in(first.lower()) or _names_service(first, service):
        return None
    return Hit(
        nb="Flere kan motta meldinger på denne adressen. Start gjerne med navn på mottaker eller "
        "fagområde.",
        en="Several people may receive messages at this address. Consider starting with the "
        "receiver's name or specialty.",
        where=CONTENT,
    )


def _ends_sentence(line: str) -> bool:
    return line.rstrip().endswith((".", "?", "!"))


def _names_service(line: str, service: ServiceType) -> bool:
    return not _words_naming(service).isdisjoint(_WORD.findall(line[:_LONGEST_LINE].lower()))


@lru_cache(maxsize=512)
def _words_naming(service: ServiceType) -> frozenset[str]:
    texts = (service.name, service.official, service.place, service.answered_by)
    return frozenset(word for text in texts for word in _WORD.findall(text.lower())) - _FILLERS


def _mixed(choice: _Choice) -> Hit | None:
    hospital = choice.receiver if choice.type.side is Side.HOSPITAL else choice.sender
    names = _service_names(hospital)
    if len(names.all_in(choice.case.lower)) < 2:
        return None
    return Hit(
        cls=ADVISE,
        code="EPJ_ADVICE_MIX",
        nb="Teksten nevner flere fagområder. Send én melding til hvert fagområde.",
        en="The text names several specialties. Send one message to each.",
        where=CONTENT,
    )


def _service_names(hospital: Entry) -> Terms:
    services = hospital.enterprise.services
    return _terms_of(tuple(sorted({service.type.official for service in services})))


@lru_cache(maxsize=256)
def _terms_of(names: tuple[str, ...]) -> Terms:
    return Terms(names)


def _no_decision(choice: _Choice) -> Hit | None:
    if choice.type.code not in _NEEDS_DECISION or choice.facts.has_service_decision is not False:
        return None
    return Hit(
        nb="Pasienten har ikke vedtak om denne tjenesten. Bruk adressen Saksbehandling.",
        en="The patient has no decision on this service. Use the address Saksbehandling.",
        where=RECEIVER,
    )


def _case_work(choice: _Choice) -> Hit | None:
    facts = choice.facts
    known_patient = facts.has_service_decision is True and facts.increased_need is False
    if choice.type.code != "KD0501" or not known_patient:
        return None
    return Hit(
        nb="Saksbehandling er for nye pasienter eller økt tjenestebehov. Bruk tjenesten som "
        "pasienten har vedtak om.",
        en="Saksbehandling is for new patients or increased need. Use the service that the "
        "patient has a decision on.",
        where=RECEIVER,
    )


def _grown(choice: _Choice) -> Hit | None:
    patient = choice.case.message.patient
    born = None if patient is None else patient.date_of_birth
    limit = choice.case.policy.child_age_limit
    if choice.type.code != "KF01" or born is None:
        return None
    if _age(born, local_day(choice.case.message.gen_date)) <= limit:
        return None
    return Hit(
        nb=f"Pasienten er over {limit} år. Helsestasjons- og skolehelsetjenesten er for barn.",
        en=f"The patient is older than {limit} years. Helsestasjon is for children.",
        where=PATIENT,
    )


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _no_mother(choice: _Choice) -> Hit | None:
    patient = choice.case.message.patient
    male = patient is not None and patient.sex is not None and patient.sex.value == "1"
    if choice.type.code != "KF0104" or not male:
        return None
    return Hit(
        nb="Jordmortjenesten brukes når mor er pasienten; denne pasienten er mann.",
        en="The midwife's address is for the mother as patient; this patient is a man.",
        where=PATIENT,
    )


def _odd_pair(choice: _Choice) -> Hit | None:
    usual = _USUAL_SENDERS.get(choice.type.code)
    service = choice.sender.service
    if not choice.case.policy.odd_pairs or usual is None or service is None:
        return None
    if service.type.side is not Side.HOSPITAL or service.type.code in usual:
        return None
    return Hit(
        nb="Denne tjenesten får vanligvis ikke meldinger fra avsenderens fag. Kontroller adressen.",
        en="This service is not usually written to from the sender's specialty. Check it.",
        where=RECEIVER,
    )
