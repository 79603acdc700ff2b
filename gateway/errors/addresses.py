"""4xx: where a message goes, and whom it is from."""

from gateway.errors.base import Disposition, GatewayError, Who


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
