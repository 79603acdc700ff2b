"""Which patients, and how long after the last contact (R-10, R-11)."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Final

from gateway.domain.calendar import local_day
from gateway.domain.rules.facts import EpjFacts, PatientStatus
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


def months_after(day: date, months: int) -> date:
    """The same day some calendar months later; the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def in_window(day: date, facts: EpjFacts, *, months: int) -> bool:
    """Whether dialogue messages may be used on ``day``, as far as is known.

    From the referral on, while the patient is in a course, and until the last
    contact plus ``months``, that day included. A referral after the last
    contact opens a window of its own.
    """
    referral, last = facts.referral_date, facts.last_contact
    end = None if last is None else months_after(last, months)
    if referral is not None and (last is None or last < referral):
        return day >= referral or (end is not None and day <= end)
    if referral is not None and day < referral:
        return False
    if facts.status is PatientStatus.OUTPATIENT or end is None:
        return True
    return day <= end


def _patient_group(case: Case) -> Iterator[Hit]:
    if case.epj.status is PatientStatus.NONE:
        yield Hit(
            nb="Pasienten er verken henvist, i poliklinisk forløp eller nylig utskrevet. "
            "Dialogmelding er ment for disse.",
            en="The patient is neither referred, an outpatient nor recently discharged. "
            "Dialogue messages are meant for those.",
            where=PATIENT,
        )


def _window(case: Case) -> Iterator[Hit]:
    if case.admitted:
        return  # the rules for admitted patients apply instead
    months = case.policy.window_months
    if in_window(local_day(case.message.gen_date), case.epj, months=months):
        return
    if case.outgoing:
        yield Hit(
            cls=REJECT if case.policy.window_outgoing == "reject" else ADVISE,
            nb="Pasienten er utenfor perioden for dialogmelding: fra henvisning er sendt til "
            f"{months} måneder etter siste kontakt. Vurder ny henvisning.",
            en="The patient is outside the period for dialogue messages: from the referral until "
            f"{months} months after the last contact. Consider a new referral.",
            where=PATIENT,
        )
    else:
        yield Hit(
            nb="Meldingen gjelder en pasient utenfor perioden for dialogmelding. Avklar med "
            "avsenderen hvordan saken følges opp.",
            en="The message is about a patient outside the period for dialogue messages. Settle "
            "with the sender how to go on.",
            where=PATIENT,
        )


RULES: Final = (
    Rule(
        id="R-10",
        section=Section.SCOPE,
        nb="Dialogmelding brukes for pasienter i polikliniske forløp eller nylig utskrevne.",
        en="For outpatients and patients discharged recently. Without the EPJ's word on the "
        "patient there is no remark.",
        outgoing=(ADVISE,),
        codes=("EPJ_ADVICE_SCOPE",),
        check=_patient_group,
    ),
    Rule(
        id="R-11",
        section=Section.SCOPE,
        nb="Dialogmelding kan brukes fra henvisning er sendt, mens pasienten er i forløpet, og "
        "inntil 12 måneder etter siste kontakt.",
        en="From the day the referral was sent, during the course, and until 12 calendar months "
        "after the last contact, that day included. Unknown dates give no remark, nor do admitted "
        "patients, by the EPJ's word or by an address of PLO Innleggelse.",
        outgoing=(ADVISE, REJECT),
        incoming=(FOLLOW_UP,),
        codes=("EPJ_WINDOW",),
        switches=("window_months", "window_outgoing"),
        check=_window,
    ),
)
