"""Rules on the choice of a service: what they say (R-15, R-30, R-73-R-77, R-81).

``service_choice`` finds their breaches, which takes both services.
"""

from typing import Final

from gateway.domain.rules.model import ADVISE, FOLLOW_UP, Rule, Section

_BY_ADDRESSING: Final = "looked at where both services are known (domain/addressing.py)"
_ADVICE_ADDR: Final = ("EPJ_ADVICE_ADDR",)


def _rule(number: str, nb: str, en: str, switches: tuple[str, ...] = ()) -> Rule:
    return Rule(
        id=number,
        section=Section.ADDRESS,
        nb=nb,
        en=en,
        outgoing=(ADVISE,),
        codes=_ADVICE_ADDR,
        switches=switches,
        elsewhere=_BY_ADDRESSING,
    )


ADMITTED: Final = Rule(
    id="R-15",
    section=Section.SCOPE,
    nb="Dialog om en innlagt pasient går til PLO Innleggelse og følger samarbeidsavtalen, ikke "
    "disse kjørereglene.",
    en="Dialogue about an admitted patient goes to PLO Innleggelse and follows the cooperation "
    "agreement; period and reply time of these rules do not apply to it.",
    outgoing=(ADVISE,),
    incoming=(FOLLOW_UP,),
    codes=("EPJ_INPATIENT",),
    elsewhere=_BY_ADDRESSING,
)
FIRST_LINE: Final = Rule(
    id="R-30",
    section=Section.TEXT,
    nb="Start meldingen med navn på mottaker eller fagområde hvis behov.",
    en="The text starts with the receiver's name or specialty where several people, or a place, "
    "stand behind the address.",
    outgoing=(ADVISE,),
    codes=("EPJ_ADVICE_TO",),
    switches=("first_line",),
    elsewhere=_BY_ADDRESSING,
)
NURSING: Final = _rule(
    "R-73",
    "Sykepleietjeneste og Psykisk helsetjeneste brukes når pasienten har vedtak om tjenester.",
    "Nursing (KP02) and mental health service (KP03) presuppose a decision on services.",
)
CASE_WORK: Final = _rule(
    "R-74",
    "Saksbehandling brukes for nye pasienter eller ved økt tjenestebehov.",
    "Saksbehandling (KD0501) is for new patients or an increased need of services.",
)
THERAPY: Final = _rule(
    "R-75",
    "Ergoterapi og Fysioterapi, PLO forutsetter at pasienten har vedtak om tjenesten.",
    "Occupational therapy (KR02) and physiotherapy (KR01) presuppose a decision on services.",
)
CHILD: Final = _rule(
    "R-76",
    "Helsestasjons- og skolehelsetjenesten brukes når barnet har en forbindelse til helsestasjon.",
    "Helsestasjon (KF01) presupposes a child with a connection to it: a grown patient gets a "
    "remark.",
    ("child_age_limit",),
)
MOTHER: Final = _rule(
    "R-77",
    "Jordmortjenesten brukes når mor har en forbindelse til kommunal jordmor; mor er pasienten.",
    "The municipal midwife (KF0104) presupposes that the patient is the mother.",
)
ODD_PAIR: Final = _rule(
    "R-81",
    "Noen kommunale tjenester får vanligvis meldinger bare fra bestemte fag på sykehuset.",
    "Pairs of services that are unusual by the guideline's examples; off by default.",
    ("odd_pairs",),
)
RULES: Final = (
    ADMITTED,
    FIRST_LINE,
    NURSING,
    CASE_WORK,
    THERAPY,
    CHILD,
    MOTHER,
    ODD_PAIR,
)
