"""The code lists that the JSON of an EPJ uses: from a bare value to value, name and system.

Values and names are those of the national code systems (Volven); the number is
the last arc of the OID.
"""

from typing import Final

from gateway.domain.addressbook import Entry
from gateway.domain.message import Code
from gateway.domain.services import Side

_OID: Final = "2.16.578.1.12.4.1.1"

REQUEST_FROM_MUNICIPALITY: Final = "9152"
REQUEST_FROM_GP: Final = "9153"
REQUEST_FROM_HOSPITAL: Final = "9154"
ANSWER_THEME: Final = "9069"
ROLE_TO_PATIENT: Final = "9034"
PROFESSION: Final = "9060"
SEX: Final = "3101"
PRIORITY: Final = "8115"
PERSON_IDENT: Final = "8116"

_OTHER: Final = "Annen henvendelse"
_LISTS: Final[dict[str, dict[str, str]]] = {
    REQUEST_FROM_MUNICIPALITY: {
        "1": "Helseopplysninger",
        "4": "Legemiddelopplysninger",
        "6": "Fornye resept(er).",
        "7": "Time til undersøkelse/behandling",
        "8": "Status/plan for utskrivning",
        "99": _OTHER,
    },
    REQUEST_FROM_GP: {"3": "Tjenestetilbud", "5": "Tilstandsvurdering", "99": _OTHER},
    REQUEST_FROM_HOSPITAL: {
        "1": "Helseopplysninger",
        "4": "Legemiddelopplysninger",
        "8": "Status/plan om utskrivning",
        "99": _OTHER,
    },
    ANSWER_THEME: {
        "1": "De etterspurte opplysningene er inkludert i meldingen",
        "2": "Forespørselen avvist uten begrunnelse",
        "3": "Har ikke ønskede opplysninger",
        "4": "Kan ikke besvares. Krever pasientens samtykke",
        "5": "Svar på forespørsel",
        "9": "Annet, svar angitt i fritekst",
    },
    ROLE_TO_PATIENT: {
        "3": "Behandlingsansvarlig lege",
        "4": "Journalansvarlig",
        "5": "Informasjonsansvarlig",
        "6": "Fastlege",
        "7": "Faglig ansvarlig for vedtak i psykisk helsevern",
        "8": "Koordinator Individuell plan",
        "9": "Primærkontakt",
        "10": "Utskrivende lege",
        "11": "Utskrivende sykepleier",
        "12": "Instituerende lege",
        "13": "Innleggende lege",
        "14": "Ansvarlig jordmor",
        "15": "Vikar for fastlege",
        "16": "Turnuslege",
        "17": "Forløpskoordinator kreft",
        "18": "Koordinator (spesialisthelsetjenesteloven)",
        "19": "Kontaktlege",
        "20": "Kontaktpsykolog",
        "21": "Helsefaglig kontakt",
        "22": "Kontakt i primærhelseteam",
        "23": "Ønsket behandler",
        "24": "Kontakt hos mottaker",
    },
    PROFESSION: {
        "AA": "Ambulansearbeider",
        "BI": "Bioingeniør",
        "ET": "Ergoterapeut",
        "FT": "Fysioterapeut",
        "HE": "Helsesekretær",
        "HF": "Helsefagarbeider",
        "HP": "Hjelpepleier",
        "JO": "Jordmor",
        "KE": "Klinisk ernæringsfysiolog",
        "LE": "Lege",
        "OA": "Omsorgsarbeider",
        "PS": "Psykolog",
        "RA": "Radiograf",
        "SP": "Sykepleier",
        "TL": "Tannlege",
        "VP": "Vernepleier",
        "XX": "Ukjent/uspesifisert",
    },
    SEX: {"0": "Ikke kjent", "1": "Mann", "2": "Kvinne", "9": "Ikke spesifisert"},
    PRIORITY: {"L": "Lav", "N": "Normal", "H": "Høy"},
    PERSON_IDENT: {
        "FNR": "Fødselsnummer",
        "DNR": "D-nummer",
        "HNR": "H-nummer",
        "FHN": "Felles hjelpenummer",
        "HPR": "HPR-nummer",
    },
}


def request_list(sender: Entry) -> str:
    """The list that TypeForesp of a request from ``sender`` is taken from."""
    if sender.service is None:
        return REQUEST_FROM_GP  # the only persons that are communication parties (HIS 1153)
    if sender.service.type.side is Side.MUNICIPALITY:
        return REQUEST_FROM_MUNICIPALITY
    return REQUEST_FROM_HOSPITAL


def values_of(code_list: str) -> tuple[str, ...]:
    """The values of a list, in its order."""
    return tuple(_LISTS[code_list])


def simple(code_list: str, value: str) -> Code:
    """A CS: value and, where the value is known, its name."""
    return Code(value=value, name=_LISTS[code_list].get(value))


def coded(code_list: str, value: str) -> Code:
    """A CV: the same with the code system's OID."""
    return Code(value=value, name=_LISTS[code_list].get(value), system=f"{_OID}.{code_list}")
