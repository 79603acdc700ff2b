"""1xx: the surroundings. They come back, and the same bytes go again; TransportRefused ends it."""

from gateway.errors.base import Disposition, GatewayError, Who


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


class LeaseLost(GatewayError):
    """Another instance has taken over this work; what we were about to write is void."""

    code, disposition = "GW-121", Disposition.RETRY
    text_nb = "En annen instans har overtatt arbeidet."
    text_en = "Another instance has taken over this work."
