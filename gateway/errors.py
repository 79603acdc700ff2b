"""What can go wrong, said once: code, what follows from it, who must act, in two languages.

Every error of the gateway is a :class:`GatewayError`. ``code`` is stable:
dashboards count on it and ``docs/errors.md`` explains it. The class texts are
shown to EPJ users and operators; ``detail`` is for the operator's log. Neither
ever holds message content: positions and codes only.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Disposition(StrEnum):
    """What follows from an error, so that no caller needs a ladder of ``except``."""

    RETRY = "retry"  # same bytes, later: the fault is in the surroundings
    REJECT = "reject"  # tell the sender: the fault is in the message
    PARK = "park"  # nobody can be told: a person has to look


class Who(StrEnum):
    """Who must act on an error."""

    SENDER = "sender"  # the author or the EPJ that sent the message
    OPERATOR = "operator"  # the message responsible (meldingsansvarlig)
    ADMINISTRATOR = "administrator"  # who runs this gateway
    PARTNER = "partner"  # the other side's operator or vendor


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a document is wrong: ``where`` is a path or line, never content.

    ``detail_nb`` is ``detail`` in Norwegian, for faults that a person at the EPJ can cure.
    """

    where: str
    detail: str
    detail_nb: str = ""


class GatewayError(Exception):
    """Base class of all errors of the gateway.

    ``ebms_error`` is the eb:Error/@errorCode, ``apprec_error`` the 8221 code and
    ``epj_code`` the reason code of a status event, where the error is reported
    that way; None where it never is.
    """

    code: ClassVar[str] = "GW-000"
    disposition: ClassVar[Disposition] = Disposition.PARK
    ebms_error: ClassVar[str | None] = None
    apprec_error: ClassVar[str | None] = None
    epj_code: ClassVar[str | None] = None
    who_acts: ClassVar[Who] = Who.ADMINISTRATOR
    text_nb: ClassVar[str] = "Uventet feil i meldingstjenesten."
    text_en: ClassVar[str] = "Unexpected fault in the gateway."

    def __init__(
        self, detail: str = "", *, where: str | None = None, faults: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__(detail or self.text_en)
        self.detail = detail or self.text_en
        self.where = where
        self.faults = faults


# --- 1xx: the surroundings; the same bytes again later -----------------------------------------


class TransportUnavailable(GatewayError):
    """The hand-over did not happen, or nobody knows whether it did; send again later."""

    code, disposition = "GW-101", Disposition.RETRY
    text_nb = "Meldingen kunne ikke leveres til transporten nå; den sendes på nytt."
    text_en = "The message could not be handed to the transport now; it will be sent again."


class JournalUnavailable(GatewayError):
    """The database did not answer, or refused for want of room; nothing was recorded."""

    code, disposition = "GW-102", Disposition.RETRY
    text_nb = "Journalen (databasen) er ikke tilgjengelig."
    text_en = "The journal (database) is not available."


class BrokerUnavailable(GatewayError):
    """RabbitMQ is away or did not confirm a publication in time."""

    code, disposition = "GW-103", Disposition.RETRY
    text_nb = "RabbitMQ er ikke tilgjengelig."
    text_en = "RabbitMQ is not available."


class TransportRefused(GatewayError):
    """The mail server refused for good (SMTP 5xx): address, size or policy."""

    code, disposition, who_acts = "GW-111", Disposition.PARK, Who.OPERATOR
    text_nb = "E-posttjeneren avviste meldingen for godt. Kontroller adressen og størrelsen."
    text_en = "The mail server refused the message for good. Check the address and the size."


class AttemptsUsedUp(GatewayError):
    """No acknowledgment after the last attempt (HIS 1037 §5.2)."""

    code, disposition, who_acts = "GW-112", Disposition.PARK, Who.OPERATOR
    text_nb = (
        "Mottakers meldingstjener har ikke bekreftet meldingen etter siste forsøk. "
        "Kontakt mottakeren på annen måte."
    )
    text_en = (
        "The receiver's message handler has not acknowledged the message after the last attempt. "
        "Contact the receiver by other means."
    )


class AnswerOverdue(GatewayError):
    """No application receipt within 96 hours of GenDate (HIS 80415 §3.5)."""

    code, disposition, who_acts = "GW-113", Disposition.PARK, Who.OPERATOR
    text_nb = (
        "Ingen applikasjonskvittering innen fristen: regn meldingen som ikke mottatt "
        "og kontakt mottakeren."
    )
    text_en = (
        "No application receipt within the time limit: treat the message as not received "
        "and contact the receiver."
    )


class ReceiptWithoutMessage(GatewayError):
    """A receipt for something we never sent, unmatched after 24 hours, or that names nothing."""

    code, disposition, who_acts = "GW-114", Disposition.PARK, Who.OPERATOR
    text_nb = "Kvittering for en melding som ikke finnes her."
    text_en = "A receipt for a message that is not known here."


class ContradictingReceipt(GatewayError):
    """A second answer, outcome or acknowledgment that contradicts the first; the first stands."""

    code, disposition, who_acts = "GW-115", Disposition.PARK, Who.OPERATOR
    text_nb = "To kvitteringer sier hver sitt; den første gjelder. Avklar med mottakeren."
    text_en = "Two receipts contradict each other; the first stands. Clarify with the receiver."


class ConfirmationWithoutMessage(GatewayError):
    """The EPJ confirmed a msg_id that was never handed to it."""

    code, disposition = "GW-116", Disposition.PARK
    text_nb = "EPJ bekreftet en melding som ikke finnes her."
    text_en = "The EPJ confirmed a message that is not known here."


class PartnerRefused(GatewayError):
    """The other side refused what we sent (MessageError of severity Error)."""

    code, disposition, who_acts = "GW-117", Disposition.PARK, Who.OPERATOR
    text_nb = "Mottakers meldingstjener avviste meldingen."
    text_en = "The receiver's message handler refused the message."


class DeviationReported(GatewayError):
    """A partner reports a fault in a message of ours after its positive AppRec (DIALOG_AVVIK)."""

    code, disposition, who_acts = "GW-118", Disposition.PARK, Who.OPERATOR
    text_nb = (
        "Tilbakemelding om feil i en melding herfra (DIALOG_AVVIK). "
        "Les den og følg opp overfor avsenderen."
    )
    text_en = (
        "A report of a fault in a message from here (DIALOG_AVVIK). "
        "Read it and follow it up with its sender."
    )


class ReceiverRefused(GatewayError):
    """A negative AppRec without any Error: the receiver's application refused our message."""

    code, disposition, who_acts = "GW-119", Disposition.REJECT, Who.SENDER
    text_nb = "Mottakerens fagsystem avviste meldingen uten å oppgi årsak. Kontakt mottakeren."
    text_en = "The receiver's application refused the message and gave no reason. Ask the receiver."


class NotConfirmedByEpj(GatewayError):
    """The EPJ has not said within 96 hours what became of a message that was handed to it."""

    code, disposition, who_acts = "GW-122", Disposition.PARK, Who.OPERATOR
    text_nb = "EPJ har ikke bekreftet meldingen. Avsenderen regner den nå som ikke mottatt."
    text_en = "The EPJ has not confirmed the message. Its sender now counts it as not received."


class AttachmentsRemoved(GatewayError):
    """A message reached the EPJ without its attachments; its sender believes that all arrived."""

    code, disposition, who_acts = "GW-123", Disposition.PARK, Who.OPERATOR
    text_nb = "Vedlegg er fjernet fra en mottatt melding. Avsenderen vet ikke om det."
    text_en = "Attachments were removed from a message received. Its sender does not know."


class LeaseLost(GatewayError):
    """Another instance has taken over this work; what we were about to write is void."""

    code, disposition = "GW-121", Disposition.RETRY
    text_nb = "En annen instans har overtatt arbeidet."
    text_en = "Another instance has taken over this work."


# --- 2xx: the message, as a document -----------------------------------------------------------


class NotWellFormed(GatewayError):
    """The bytes are not XML 1.0."""

    code, disposition, who_acts = "GW-201", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code, ebms_error = "T01", "EPJ_SCHEMA", "OtherXml"
    text_nb = "Meldingen er ikke lesbar XML."
    text_en = "The message is not readable XML."


class MalformedMessage(GatewayError):
    """XML, but not as the schema or the profile wants it; ``faults`` says where."""

    code, disposition, who_acts = "GW-202", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code, ebms_error = "T02", "EPJ_SCHEMA", "OtherXml"
    text_nb = "Meldingen følger ikke standardens skjema."
    text_en = "The message does not follow the schema of the standard."


class UnsupportedFormat(GatewayError):
    """A document of a namespace or version that dialogue messages do not use."""

    code, disposition, who_acts = "GW-203", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code, ebms_error = "T10", "EPJ_SCHEMA", "OtherXml"
    text_nb = "Meldingsformatet støttes ikke."
    text_en = "The message format is not supported."


class DoctypeForbidden(GatewayError):
    """The document has a DOCTYPE; refused before anything in it is read."""

    code, disposition, who_acts = "GW-204", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code, ebms_error = "T99", "EPJ_SCHEMA", "OtherXml"
    text_nb = "DOCTYPE er ikke tillatt."
    text_en = "DOCTYPE is not allowed."


class TooLarge(GatewayError):
    """A limit of size, depth, count or time is exceeded (design §10)."""

    code, disposition, who_acts = "GW-205", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code, ebms_error = "T99", "EPJ_SCHEMA", "OtherXml"
    text_nb = "Meldingen er større eller dypere enn grensen tillater."
    text_en = "The message is larger or deeper than the limit allows."


class NotEbxml(GatewayError):
    """A mail or request that is no usable ebXML message; nobody can be answered."""

    code, disposition, who_acts = "GW-206", Disposition.PARK, Who.OPERATOR
    text_nb = "Mottatt e-post er ikke en brukbar ebXML-melding."
    text_en = "The mail received is not a usable ebXML message."


class UnsupportedContentType(GatewayError):
    """A queue message of a content type that no consumer reads."""

    code, disposition, who_acts = "GW-207", Disposition.REJECT, Who.SENDER
    epj_code = "EPJ_SCHEMA"
    text_nb = "Innholdstypen støttes ikke på denne køen."
    text_en = "The content type is not supported on this queue."


class BadConfirmation(GatewayError):
    """A message on ``epj.confirmations`` that is not the JSON agreed."""

    code, disposition = "GW-208", Disposition.PARK
    text_nb = "Bekreftelsen fra EPJ er ikke gyldig JSON etter avtalen."
    text_en = "The confirmation from the EPJ is not the JSON agreed."


class BadReceipt(GatewayError):
    """A signed and sealed AppRec that cannot be read, or whose status is unknown."""

    code, disposition, who_acts = "GW-209", Disposition.PARK, Who.OPERATOR
    text_nb = "Applikasjonskvitteringen kan ikke leses. Meldingen regnes ikke som bekreftet."
    text_en = "The application receipt cannot be read. The message does not count as confirmed."


class UnsupportedFeature(GatewayError):
    """An ebMS feature outside the national profile (nextMSH, guaranteed order, unknown block)."""

    code, disposition, who_acts = "GW-211", Disposition.REJECT, Who.PARTNER
    ebms_error = "NotSupported"
    text_nb = "ebXML-konvolutten bruker noe som den norske profilen ikke har."
    text_en = "The ebXML envelope uses something outside the Norwegian profile."


class InconsistentEnvelope(GatewayError):
    """Parts of an envelope contradict each other, or an eb:MessageId returns with other content."""

    code, disposition, who_acts = "GW-212", Disposition.REJECT, Who.PARTNER
    ebms_error = "Inconsistent"
    text_nb = "ebXML-konvolutten motsier seg selv eller en tidligere melding."
    text_en = "The ebXML envelope contradicts itself or an earlier message."


class MissingPart(GatewayError):
    """The Manifest names a part that the mail does not have."""

    code, disposition, who_acts = "GW-213", Disposition.REJECT, Who.PARTNER
    ebms_error = "MimeProblem"
    text_nb = "En del som konvolutten viser til, finnes ikke i e-posten."
    text_en = "A part that the envelope refers to is not in the mail."


class NotAddressedToUs(GatewayError):
    """eb:To is no HER-id of ours, or a value of the envelope is unknown."""

    code, disposition, who_acts = "GW-214", Disposition.REJECT, Who.PARTNER
    ebms_error = "ValueNotRecognized"
    text_nb = "Mottakeradressen i konvolutten er ikke vår."
    text_en = "The receiver in the envelope is not ours."


class TimeToLivePassed(GatewayError):
    """The envelope arrived after its TimeToLive."""

    code, disposition, who_acts = "GW-215", Disposition.REJECT, Who.PARTNER
    ebms_error = "TimeToLiveExpired"
    text_nb = "Meldingen kom fram etter at levetiden var ute."
    text_en = "The message arrived after its time to live."


class UnusualEncoding(GatewayError):
    """An envelope that is not in UTF-8; taken in, but its sender is told (HITS 1172 §8.4)."""

    code, disposition, who_acts = "GW-216", Disposition.REJECT, Who.PARTNER
    ebms_error = "ValueNotRecognized"
    text_nb = "Konvolutten er ikke i UTF-8."
    text_en = "The envelope is not in UTF-8."


# --- 3xx: signature, seal, certificate ----------------------------------------------------------


class UntrustedSignature(GatewayError):
    """Absent, not by the party it names, not in the profile, or not over what was received."""

    code, disposition, who_acts = "GW-301", Disposition.REJECT, Who.PARTNER
    ebms_error = "SecurityFailure"
    text_nb = "Signaturen kunne ikke verifiseres."
    text_en = "The signature could not be verified."


class UnusableCertificate(GatewayError):
    """Expired, not yet valid, for another use, or not the one registered for the party."""

    code, disposition, who_acts = "GW-302", Disposition.REJECT, Who.PARTNER
    ebms_error = "SecurityFailure"
    text_nb = "Sertifikatet kan ikke brukes."
    text_en = "The certificate cannot be used."


class CannotUnseal(GatewayError):
    """Not sealed, not for our keys, or damaged; one error for all causes."""

    code, disposition, who_acts = "GW-303", Disposition.REJECT, Who.PARTNER
    ebms_error = "SecurityFailure"
    text_nb = "Innholdet kunne ikke dekrypteres."
    text_en = "The content could not be decrypted."


class UnknownPartner(GatewayError):
    """eb:From is not in the address book: no answer goes to an address nobody vouches for."""

    code, disposition, who_acts = "GW-304", Disposition.PARK, Who.OPERATOR
    text_nb = "Avsenderen finnes ikke i adresseboken; meldingen er ikke besvart."
    text_en = "The sender is not in the address book; the message was not answered."


class CannotSeal(GatewayError):
    """The receiver has no certificate that may be used for sealing now."""

    code, disposition, who_acts = "GW-305", Disposition.REJECT, Who.ADMINISTRATOR
    epj_code = "EPJ_RECEIVER"
    text_nb = "Mottakeren har ikke noe gyldig krypteringssertifikat."
    text_en = "The receiver has no valid certificate to seal for."


class CannotSign(GatewayError):
    """Our own signing certificate may not be used now; all that must be signed waits for a pair."""

    code, disposition = "GW-306", Disposition.RETRY
    text_nb = "Vårt eget signeringssertifikat kan ikke brukes nå; alt venter til det er byttet."
    text_en = "Our own signing certificate cannot be used now; all waits until it is replaced."


# --- 4xx: addresses ------------------------------------------------------------------------------


class NoRoute(GatewayError):
    """An address is unknown, closed or ambiguous; ``detail`` lists the candidates."""

    code, disposition, who_acts = "GW-401", Disposition.REJECT, Who.SENDER
    apprec_error, epj_code = "E21", "EPJ_RECEIVER"
    text_nb = "Mottakeren finnes ikke eller er ikke entydig."
    text_en = "The receiver is unknown or ambiguous."


class NotOurSender(GatewayError):
    """The sender of an outgoing message is not one of our own services."""

    code, disposition, who_acts = "GW-402", Disposition.REJECT, Who.SENDER
    epj_code = "EPJ_SENDER"
    text_nb = "Avsenderadressen er ikke en av våre tjenester."
    text_en = "The sender is not one of our services."


# --- 9xx: this gateway ---------------------------------------------------------------------------


class ConfigurationError(GatewayError):
    """The configuration is wrong; ``faults`` lists everything that is, with paths."""

    code = "GW-901"
    text_nb = "Konfigurasjonen er feil."
    text_en = "The configuration is wrong."


class TopologyMismatch(GatewayError):
    """A queue stands on the broker with other arguments than ours, or has no leader."""

    code = "GW-902"
    text_nb = "Køene på RabbitMQ er ikke som meldingstjenesten trenger dem."
    text_en = "The queues on RabbitMQ are not as the gateway needs them."


class JournalSchemaMismatch(GatewayError):
    """The journal's schema is not the one this version needs; run ``journal upgrade``."""

    code = "GW-903"
    text_nb = "Journalens skjema passer ikke til denne versjonen."
    text_en = "The journal's schema does not fit this version."


class ContentKeyMissing(GatewayError):
    """Content was sealed at rest with a key that is not configured, or does not open with it."""

    code = "GW-904"
    text_nb = "Nøkkelen til lagret innhold mangler eller passer ikke."
    text_en = "The key to stored content is missing or does not fit."


class InternalFault(GatewayError):
    """A fault of our own while handling one message; the message is kept, the daemon goes on."""

    code = "GW-999"
    text_nb = "Intern feil i meldingstjenesten; meldingen er tatt vare på."
    text_en = "Internal fault in the gateway; the message is kept."
