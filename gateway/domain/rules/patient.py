"""One named patient, identified well enough, and not by a hjelpenummer alone (R-01, R-03)."""

from collections.abc import Iterator
from typing import Final

from gateway.domain.calendar import local_day
from gateway.domain.findings import Stage
from gateway.domain.persons import IdentityVerdict, PatientIdentity, Remark, judge_identity
from gateway.domain.rules.model import (
    ADVISE,
    FOLLOW_UP,
    PATIENT,
    REJECT,
    Case,
    Hit,
    Rule,
    Section,
)

# What a reader should look at before trusting the identity; the other remarks are ordinary.
_DOUBTS: Final = {
    Remark.INVALID_NUMBER: (
        "Pasientens fødselsnummer eller D-nummer er ikke gyldig. Kontroller det.",
        "The patient's national number is not valid. Check it.",
    ),
    Remark.BIRTH_DATE_DIFFERS: (
        "Pasientens fødselsdato stemmer ikke med fødselsnummeret. Kontroller begge.",
        "The patient's birth date is not that of the national number. Check both.",
    ),
    Remark.BORN_IN_FUTURE: (
        "Pasientens fødselsdato ligger etter meldingens dato. Kontroller den.",
        "The patient's birth date lies after the date of the message. Check it.",
    ),
}


def _identity(case: Case) -> PatientIdentity | None:
    patient = case.message.patient
    if patient is None:
        return None
    return judge_identity(
        patient,
        fhn_is_help_number=case.policy.fhn_is_help_number,
        synthetic_allowed=case.policy.synthetic_allowed,
        today=local_day(case.message.gen_date),
    )


def _one_identified_patient(case: Case) -> Iterator[Hit]:
    identity = _identity(case)
    if identity is None:
        yield Hit(
            code="EPJ_PATIENT_COUNT",
            nb="Meldingen gjelder ingen pasient.",
            en="The message is about no patient.",
            where=PATIENT,
        )
    elif identity.verdict is IdentityVerdict.INSUFFICIENT and _is_test_person(identity, case):
        yield Hit(
            nb="Pasientens nummer er et testnummer. Testpersoner kan ikke brukes i produksjon.",
            en="The patient's number is a test number. Test persons cannot be used in production.",
            where=PATIENT,
        )
    elif identity.verdict is IdentityVerdict.INSUFFICIENT:
        yield Hit(
            nb="Pasienten er ikke tilstrekkelig identifisert: navn og fødselsnummer, "
            "eller navn, fødselsdato og kjønn.",
            en="The patient is not sufficiently identified: name and national number, "
            "or name, birth date and sex.",
            where=PATIENT,
        )
    elif identity.verdict.is_enough:
        for remark in identity.remarks:
            if remark in _DOUBTS:
                nb, en = _DOUBTS[remark]
                cls = ADVISE if case.outgoing else FOLLOW_UP
                yield Hit(cls=cls, code="EPJ_ADVICE_PATIENT", nb=nb, en=en, where=PATIENT)


def _is_test_person(identity: PatientIdentity, case: Case) -> bool:
    return Remark.SYNTHETIC in identity.remarks and not case.policy.synthetic_allowed


def _only_help_number(case: Case) -> Iterator[Hit]:
    identity = _identity(case)
    if identity is not None and identity.verdict is IdentityVerdict.ONLY_HELP_NUMBER:
        yield Hit(
            nb="Pasienten har kun hjelpenummer; dialogmelding kan ikke brukes.",
            en="The patient has only a temporary number (hjelpenummer); "
            "dialogue messages cannot be used.",
            where=PATIENT,
        )


RULES: Final = (
    Rule(
        id="R-01",
        section=Section.NATURE,
        stage=Stage.PATIENT,
        nb="Meldingen gjelder én navngitt pasient, med navn og fødselsnummer, eller navn, "
        "fødselsdato og kjønn.",
        en="The message is about exactly one patient, by name and national number, or by name, "
        "birth date and sex. A doubtful number or date gives a remark.",
        outgoing=(REJECT, ADVISE),
        incoming=(REJECT, FOLLOW_UP),
        codes=("EPJ_PATIENT_ID", "EPJ_PATIENT_COUNT", "EPJ_ADVICE_PATIENT"),
        apprec=("E36",),
        switches=("synthetic_allowed",),
        check=_one_identified_patient,
    ),
    Rule(
        id="R-03",
        section=Section.NATURE,
        stage=Stage.PATIENT,
        nb="Dialogmelding kan ikke brukes for en pasient som kun har hjelpenummer.",
        en="Dialogue messages cannot be used for a patient who has only a temporary number "
        "(H-nummer, and by default also felles hjelpenummer).",
        outgoing=(REJECT,),
        incoming=(REJECT,),
        codes=("EPJ_PATIENT_ID",),
        apprec=("E36",),
        switches=("fhn_is_help_number",),
        check=_only_help_number,
    ),
)
