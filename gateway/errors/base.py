"""The base of all errors: what follows from one, who must act, and where a document is wrong."""

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
