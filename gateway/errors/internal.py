"""9xx: this gateway itself."""

from gateway.errors.base import GatewayError


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
