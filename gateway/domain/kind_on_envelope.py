"""Whether an envelope says the same of the kind of its document as the document does (R-42)."""

from collections.abc import Iterator

from gateway.domain.envelope import MessageHeader
from gateway.domain.findings import Direction, Finding, FindingClass, Stage
from gateway.domain.screening import ScreeningPolicy, kind_of


def kind_on_envelope(
    header: MessageHeader, kind: str, policy: ScreeningPolicy
) -> Iterator[Finding]:
    """Rejections of a message received: eb:Action is its kind, and eb:Service fits that.

    Args:
        header: of the verified envelope.
        kind: of the document, as a code of 8279.
        policy: says whether old spellings count.
    """
    action = kind_of(header.action, Direction.INCOMING, policy)
    if action != kind:
        yield _rejection(
            nb="Meldingstypen i konvolutten (eb:Action) er en annen enn i meldingen.",
            en="The message kind of the envelope (eb:Action) differs from that of the message.",
        )
    # Old agreements leave out the prefix (HISD 1209 §3); that is no reason to refuse.
    service = header.service.upper().removeprefix("S-")
    if kind_of(service, Direction.INCOMING, policy) != action.upper():
        yield _rejection(
            nb="Tjenesten i konvolutten (eb:Service) passer ikke til meldingstypen (eb:Action).",
            en="The service of the envelope (eb:Service) does not fit its message kind "
            "(eb:Action).",
        )


def _rejection(*, nb: str, en: str) -> Finding:
    return Finding(
        rule="R-42",
        cls=FindingClass.REJECT,
        stage=Stage.FORMAT,
        code="EPJ_SCHEMA",
        apprec="T99",
        text_nb=nb,
        text_en=en,
        where="/MsgHead/MsgInfo/Type",
    )
