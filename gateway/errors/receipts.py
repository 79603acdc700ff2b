"""1xx: what was said about a message, or never was; a person clears it up."""

from gateway.errors.base import Disposition, GatewayError, Who


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
