"""Message kind, content and identifier (R-40, R-41, R-42, R-44, R-67)."""

from collections.abc import Iterator
from typing import Final

from gateway.domain.findings import Stage
from gateway.domain.identifiers import is_uuid
from gateway.domain.message import ANSWER, DEVIATION, REQUEST
from gateway.domain.rules.model import (
    CONTENT,
    FOLLOW_UP,
    KIND,
    MSG_ID,
    REJECT,
    Case,
    Hit,
    Rule,
    Section,
)

_NAMESPACES: Final = "http://www.kith.no/xmlstds/dialog/"
_DIALOG_1_0: Final = _NAMESPACES + "2006-10-11"
_DIALOG_1_1: Final = _NAMESPACES + "2013-01-23"
_BASE64: Final = "http://www.kith.no/xmlstds/base64container"
_DEVIATION_THEMES: Final = ".8117"


def _message_kind(case: Case) -> Iterator[Hit]:
    if case.kind not in (REQUEST, ANSWER, DEVIATION):
        yield Hit(
            nb="Meldingstypen er ikke tillatt. Bare Forespørsel og Svar på forespørsel brukes.",
            en="The message kind is not permitted. Only request and answer are used.",
            where=KIND,
        )


def _deviation(case: Case) -> Iterator[Hit]:
    if case.kind != DEVIATION:
        return
    if case.outgoing or case.policy.deviation_incoming == "reject":
        yield Hit(
            cls=REJECT,
            nb="Tilbakemelding om feil (avviksmelding) brukes ikke her. "
            "Ta kontakt med den andre parten på annen måte.",
            en="A report of a fault in a message is not used here. "
            "Contact the other party by other means.",
            where=KIND,
        )
    else:
        yield Hit(
            code="EPJ_ADVICE_DEVIATION",
            nb="Tilbakemelding om feil i mottatt melding: til meldingsansvarlig.",
            en="Report of a fault in a message received: for the message responsible.",
            where=KIND,
        )


def _content_fits_kind(case: Case) -> Iterator[Hit]:
    message, kind = case.message, case.kind
    if kind not in (REQUEST, ANSWER, DEVIATION):
        return
    namespace = message.content_namespace
    allowed = (_DIALOG_1_0, _DIALOG_1_1) if case.policy.dialog_1_1_allowed else (_DIALOG_1_0,)
    if namespace in (None, _BASE64) and message.attachments:
        return  # nothing but an attachment: R-36 says it
    if namespace not in allowed:
        yield Hit(
            apprec="T10",
            nb="Innholdet er ikke Dialogmelding 1.0.",
            en="The content is not Dialogmelding 1.0.",
            where=CONTENT,
        )
    elif not message.questions and not message.notes:
        yield Hit(nb="Dialogmeldingen er tom.", en="The dialogue message is empty.", where=CONTENT)
    elif kind == REQUEST and (message.notes or not message.questions):
        yield Hit(
            nb="En forespørsel skal inneholde Foresporsel og ikke noe Notat.",
            en="A request must hold Foresporsel and no Notat.",
            where=CONTENT,
        )
    elif kind != REQUEST and (message.questions or not message.notes):
        yield Hit(
            nb="Et svar skal inneholde Notat og ingen egen Foresporsel.",
            en="An answer must hold Notat and no Foresporsel of its own.",
            where=CONTENT,
        )
    elif kind == ANSWER and any(
        (note.theme.system or "").endswith(_DEVIATION_THEMES) for note in message.notes
    ):
        yield Hit(
            nb="Et svar kan ikke ha tema fra kodeverket for avvik (8117).",
            en="An answer cannot have a theme of the deviation code list (8117).",
            where=CONTENT,
        )


def _message_identifier(case: Case) -> Iterator[Hit]:
    if not is_uuid(case.message.msg_id):
        yield Hit(
            apprec="E10",
            nb="Meldingsidentifikatoren (MsgId) er ikke en UUID.",
            en="The message identifier (MsgId) is not a UUID.",
            where=MSG_ID,
        )


RULES: Final = (
    Rule(
        id="R-40",
        section=Section.KIND,
        stage=Stage.FORMAT,
        nb="Bare Forespørsel og Svar på forespørsel kan sendes. Andre meldingstyper "
        "(som Notat) avvises.",
        en="Only request and answer may be sent. Other message kinds (such as a note) "
        "are refused. Inbound, the old spelling with hyphens can be allowed.",
        outgoing=(REJECT,),
        incoming=(REJECT,),
        codes=("EPJ_MSGTYPE",),
        apprec=("T10",),
        switches=("hyphen_kinds",),
        check=_message_kind,
    ),
    Rule(
        id="R-41",
        section=Section.KIND,
        stage=Stage.FORMAT,
        nb="Innholdet må passe til meldingstypen: en forespørsel inneholder spørsmål, et svar "
        "inneholder svar, og meldingen kan ikke være tom.",
        en="The content fits the kind: a request holds questions only, an answer notes only; "
        "Dialogmelding 1.0 (1.1 only by agreement); never empty.",
        outgoing=(REJECT,),
        incoming=(REJECT,),
        codes=("EPJ_SCHEMA",),
        apprec=("T99", "T10"),
        switches=("dialog_1_1_allowed",),
        check=_content_fits_kind,
    ),
    Rule(
        id="R-42",
        section=Section.KIND,
        stage=Stage.FORMAT,
        nb="Meldingstypen utenpå konvolutten må være den samme som i meldingen, og tjenesten "
        "må passe til den.",
        en="eb:Action of the envelope equals the message kind in MsgInfo/Type, and eb:Service "
        "fits it: S- and the kind.",
        incoming=(REJECT,),
        codes=("EPJ_SCHEMA",),
        apprec=("T99",),
        elsewhere="compared where the envelope is at hand, when the message is received",
    ),
    Rule(
        id="R-44",
        section=Section.KIND,
        stage=Stage.FORMAT,
        nb="Tilbakemelding om feil (avvik) sendes ikke. Kommer en slik melding inn, lagres den og "
        "meldingsansvarlig får beskjed.",
        en="A deviation message (DIALOG_AVVIK) is not sent. One that comes in is stored, and "
        "the message responsible is told.",
        outgoing=(REJECT,),
        incoming=(FOLLOW_UP, REJECT),
        codes=("EPJ_MSGTYPE", "EPJ_ADVICE_DEVIATION"),
        apprec=("T10",),
        switches=("deviation_incoming",),
        check=_deviation,
    ),
    Rule(
        id="R-67",
        section=Section.SHARED,
        stage=Stage.IDENTIFIER,
        nb="Meldingen må være lesbar: gyldig XML etter standardens skjema, en gyldig "
        "meldingsidentifikator og, om den er signert av en person, en signatur som stemmer.",
        en="The document is XML and follows its schema, has no DOCTYPE, its MsgId is a UUID, "
        "and a personal signature, where there is one, holds over the whole document under the "
        "certificate in it. Whose certificate that is, and whether it was revoked (S03), is for "
        "the receiving system.",
        outgoing=(REJECT,),
        incoming=(REJECT,),
        codes=("EPJ_SCHEMA",),
        apprec=("T01", "T02", "T10", "T99", "E10", "S01", "S02", "S99"),
        check=_message_identifier,
    ),
)
