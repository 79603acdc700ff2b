"""Rules that no check of one message can answer for, each with the reason or the place.

They are people's, or they are kept by the way the gateway works; the list of
rules is complete with them.
"""

from typing import Final

from gateway.domain.findings import Stage
from gateway.domain.rules.model import FOLLOW_UP, Rule, Section
from gateway.errors import Who

_COMPOSING: Final = "only the author can know; the EPJ reminds of it where the text is written"
_HUMAN: Final = "organisational: a matter for people's routines"


RULES: Final = (
    Rule(
        id="R-02",
        section=Section.NATURE,
        nb="Dialogen kan starte i kommunen eller på sykehuset.",
        en="A dialogue may start on either side.",
        elsewhere="forbids nothing: a request is accepted in either direction",
    ),
    Rule(
        id="R-04",
        section=Section.NATURE,
        nb="Hver melding blir et dokument i pasientens journal; mottatt kvitteres først når den "
        "er lagret.",
        en="Each message becomes a document in the record; a positive AppRec goes only after the "
        "EPJ has confirmed that it is stored.",
        elsewhere="kept by the order of work: confirmation first, receipt after",
    ),
    Rule(
        id="R-07",
        section=Section.NATURE,
        nb="Dialogmeldinger skal kunne erstatte telefoner og brev.",
        en="Dialogue messages are to replace telephone calls and letters.",
        elsewhere="states the purpose; forbids nothing",
    ),
    Rule(
        id="R-13",
        section=Section.SCOPE,
        nb="Ikke til generelle råd som ikke gjelder den aktuelle pasienten.",
        en="Not for general advice that is not about the patient.",
        who=Who.SENDER,
        elsewhere=_COMPOSING,
    ),
    Rule(
        id="R-14",
        section=Section.SCOPE,
        nb="Ikke til administrative diskusjoner om arbeidsfordeling.",
        en="Not for administrative discussions on who does what.",
        who=Who.SENDER,
        elsewhere=_COMPOSING,
    ),
    Rule(
        id="R-20",
        section=Section.REPLY_TIME,
        nb="Forventet svartid er 3-5 virkedager: påminnelse etter 3, forfalt etter 5.",
        en="Expected reply time is 3-5 working days: a reminder after 3, overdue after 5. Day 0 "
        "is the day of the positive AppRec. Not for PLO Innleggelse (R-15).",
        outgoing=(FOLLOW_UP,),
        incoming=(FOLLOW_UP,),
        codes=("EPJ_ADVICE_REMIND", "EPJ_ADVICE_OVERDUE"),
        switches=("reply_time",),
        elsewhere="kept by the open threads, counted by domain/calendar.py",
    ),
    Rule(
        id="R-21",
        section=Section.REPLY_TIME,
        nb="Virkedag er mandag til fredag, unntatt helligdager og 1. og 17. mai.",
        en="A working day is Monday to Friday and no public holiday. Saturdays, 24 and 31 "
        "December and the Wednesday before Easter can be decided locally.",
        switches=("reply_time",),
        elsewhere="counted by domain/calendar.py",
    ),
    Rule(
        id="R-22",
        section=Section.REPLY_TIME,
        nb="En forespørsel som er avklart på annen måte, kan lukkes av en person.",
        en="A request that was settled by other means can be closed by a person.",
        outgoing=(FOLLOW_UP,),
        incoming=(FOLLOW_UP,),
        elsewhere="an operator's act on the thread",
    ),
    Rule(
        id="R-37",
        section=Section.TEXT,
        nb="Enkle fagrapporter og legemiddellister kan kopieres inn i teksten.",
        en="Simple reports and lists of medicines may be pasted into the text.",
        elsewhere="forbids nothing: line breaks and blanks pass as they are",
    ),
    Rule(
        id="R-51",
        section=Section.CONFIRMATION,
        nb="Meldingstjenesten skriver aldri svar på egen hånd, bare kvitteringer.",
        en="The gateway never writes answers of its own, only receipts.",
        elsewhere="nothing in the gateway makes a dialogue message that the EPJ did not send",
    ),
    Rule(
        id="R-60",
        section=Section.SHARED,
        nb="Informasjon utveksles i hovedsak gjennom henvisning, poliklinisk notat og epikrise.",
        en="Information is exchanged mainly by referral, outpatient note and discharge letter.",
        who=Who.SENDER,
        elsewhere=_HUMAN,
    ),
    Rule(
        id="R-61",
        section=Section.SHARED,
        nb="Kommunen søker avklaring internt, også med fastlegen, før den spør sykehuset.",
        en="The municipality seeks an answer within, with the GP, before it asks the hospital.",
        who=Who.SENDER,
        elsewhere=_COMPOSING,
    ),
    Rule(
        id="R-62",
        section=Section.SHARED,
        nb="Sykehuset søker avklaring internt før det spør kommunen.",
        en="The hospital seeks an answer within before it asks the municipality.",
        who=Who.SENDER,
        elsewhere=_COMPOSING,
    ),
    Rule(
        id="R-63",
        section=Section.SHARED,
        nb="Sendte meldinger følges til mottakeren har kvittert; uteblir kvitteringen, får "
        "meldingsansvarlig beskjed.",
        en="Each message sent is followed until its AppRec; negative, late (96 hours) or missing "
        "receipts go to the message responsible.",
        outgoing=(FOLLOW_UP,),
        who=Who.OPERATOR,
        elsewhere="kept by the due times of each delivery",
    ),
    Rule(
        id="R-64",
        section=Section.SHARED,
        stage=Stage.IDENTIFIER,
        nb="Hver mottatte melding får nøyaktig én applikasjonskvittering.",
        en="Exactly one AppRec for each message received; none for an AppRec or a duplicate. A "
        "MsgId that returns with other content is refused by a MessageError.",
        elsewhere="kept when a message is received and when it is confirmed",
    ),
    Rule(
        id="R-71",
        section=Section.ADDRESS,
        nb="Meldingen adresseres til sykdomsgruppen eller fagområdet pasienten hører til.",
        en="The address is the group of diseases or the specialty that the patient belongs to.",
        incoming=(FOLLOW_UP,),
        elsewhere="no program can decide it; the service that gets it passes it on in the house",
    ),
    Rule(
        id="R-78",
        section=Section.ADDRESS,
        nb="Legetjeneste ved sykehjem, Helsestasjon for ungdom, Demenskoordinator og "
        "Kreftkoordinator brukes til avklaringer uten særlige vilkår.",
        en="Services without a precondition: KP01, KF0103, KX07, KX06.",
        elsewhere="forbids nothing",
    ),
    Rule(
        id="R-79",
        section=Section.ADDRESS,
        nb="Tjenestelisten viser hvem som får og svarer på meldingen.",
        en="The service list shows who gets and answers the message.",
        elsewhere="information for the user (config/services.toml, `route`)",
    ),
    Rule(
        id="R-80",
        section=Section.ADDRESS,
        nb="Listen over hvem i kommunen som starter dialog, er eksempler; andre kan også starte.",
        en="The list of those who start a dialogue in the municipality is of examples.",
        elsewhere="forbids nothing: a request from any municipal service is accepted",
    ),
)
