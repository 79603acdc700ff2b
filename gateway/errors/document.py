"""2xx: the message, as a document and as an envelope."""

from gateway.errors.base import Disposition, GatewayError, Who


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
