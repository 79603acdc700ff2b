"""What can be wrong with a personal signature, in words (R-67; AppRec codes S01, S02, S99)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.domain.findings import Direction, Finding, FindingClass, Stage


class SignatureFault(StrEnum):
    """What can be wrong with a personal signature."""

    SEVERAL = "several-signatures"
    MISPLACED = "signature-misplaced"
    STRUCTURE = "signature-structure"
    CANONICAL_FORM = "canonical-form"
    REFERENCE = "reference"
    TRANSFORM = "transform"
    ALGORITHM = "algorithm"
    NO_CERTIFICATE = "certificate-missing"
    CERTIFICATES = "too-many-certificates"
    UNREADABLE = "certificate-unreadable"
    KEY = "certificate-key"
    VALUE = "signature-value"
    DIGEST = "digest"
    DATES = "certificate-dates"
    USE = "certificate-use"


class _Told(NamedTuple):
    apprec: str
    nb: str
    en: str


_FORM: Final = _Told(
    "S01",
    "Den personlige signaturen har en form som ikke kan godtas.",
    "The personal signature has a form that cannot be accepted.",
)
_TOLD: Final[Mapping[SignatureFault, _Told]] = {
    SignatureFault.SEVERAL: _Told(
        "S01",
        "Meldingen har flere personlige signaturer; den kan ha én.",
        "The message has several personal signatures; it may have one.",
    ),
    SignatureFault.MISPLACED: _Told(
        "S01",
        "Den personlige signaturen står ikke sist i meldingen.",
        "The personal signature does not stand last in the message.",
    ),
    SignatureFault.STRUCTURE: _FORM,
    SignatureFault.CANONICAL_FORM: _FORM,
    SignatureFault.REFERENCE: _Told(
        "S01",
        "Den personlige signaturen dekker noe annet enn hele meldingen.",
        "The personal signature covers something else than the whole message.",
    ),
    SignatureFault.TRANSFORM: _Told(
        "S01",
        "Den personlige signaturen bruker en transformasjon som ikke er tillatt.",
        "The personal signature uses a transform that is not allowed.",
    ),
    SignatureFault.ALGORITHM: _Told(
        "S99",
        "Den personlige signaturen bruker en algoritme som ikke godtas. "
        "Bruk RSA eller ECDSA med SHA-256, SHA-384 eller SHA-512.",
        "The personal signature uses an algorithm that is not accepted. "
        "Use RSA or ECDSA with SHA-256, SHA-384 or SHA-512.",
    ),
    SignatureFault.NO_CERTIFICATE: _Told(
        "S01",
        "Sertifikatet mangler i den personlige signaturen.",
        "There is no certificate in the personal signature.",
    ),
    SignatureFault.CERTIFICATES: _Told(
        "S99",
        "Den personlige signaturen har flere enn ti sertifikater.",
        "The personal signature has more than ten certificates.",
    ),
    SignatureFault.UNREADABLE: _Told(
        "S02",
        "Sertifikatet i den personlige signaturen kan ikke leses.",
        "The certificate in the personal signature cannot be read.",
    ),
    SignatureFault.KEY: _Told(
        "S99",
        "Nøkkelen i sertifikatet til den personlige signaturen er for kort, "
        "eller av et annet slag enn signaturen.",
        "The key in the certificate of the personal signature is too short, "
        "or of another kind than the signature.",
    ),
    SignatureFault.VALUE: _Told(
        "S01",
        "Den personlige signaturen passer ikke til sertifikatet sitt.",
        "The personal signature does not fit its certificate.",
    ),
    SignatureFault.DIGEST: _Told(
        "S01",
        "Meldingen er endret etter at den ble signert personlig.",
        "The message was changed after it was signed personally.",
    ),
    SignatureFault.DATES: _Told(
        "S02",
        "Sertifikatet i den personlige signaturen var ikke gyldig da meldingen ble laget "
        "(GenDate).",
        "The certificate in the personal signature was not valid when the message was made "
        "(GenDate).",
    ),
    SignatureFault.USE: _Told(
        "S02",
        "Sertifikatet i den personlige signaturen er ikke til å signere med.",
        "The certificate in the personal signature is not for signatures.",
    ),
}


def signature_finding(fault: SignatureFault, direction: Direction) -> Finding:
    """A fault as the finding that refuses the message."""
    told = _TOLD[fault]
    return Finding(
        rule="R-67",
        cls=FindingClass.REJECT,
        stage=Stage.SIGNATURE,
        code="EPJ_SCHEMA",
        apprec=told.apprec if direction is Direction.INCOMING else None,
        text_nb=told.nb,
        text_en=told.en,
        where="/MsgHead/Signature",
    )
