"""3xx: signature, seal, certificate."""

from gateway.errors.base import Disposition, GatewayError, Who


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
