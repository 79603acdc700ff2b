"""The guideline's rules on one dialogue message: which findings, in which order.

Stages run in the order of HIS 80415 and the guideline; every finding of the
first stage that rejects is reported, and no later stage is looked at. The rules
themselves are in ``rules``, listed in ``rules.catalogue``.
"""

from collections.abc import Iterator, Sequence

from gateway.domain.findings import (
    Direction,
    Finding,
    FindingClass,
    Screening,
    Stage,
    verdict_of,
)
from gateway.domain.message import DialogMessage
from gateway.domain.rules.catalogue import CHECKED
from gateway.domain.rules.facts import EpjFacts, PatientStatus, ThreadFacts
from gateway.domain.rules.model import Case, case_of, kind_of
from gateway.domain.rules.policy import DEFAULT_POLICY, ScreeningPolicy
from gateway.domain.rules.urgent import is_urgent

__all__ = [
    "DEFAULT_POLICY",
    "EpjFacts",
    "PatientStatus",
    "ScreeningPolicy",
    "ThreadFacts",
    "is_urgent",
    "kind_of",
    "screen",
]


def screen(
    message: DialogMessage,
    *,
    direction: Direction,
    policy: ScreeningPolicy,
    more: Sequence[Finding] = (),
    epj: EpjFacts | None = None,
    thread: ThreadFacts | None = None,
    admitted: bool = False,
) -> Screening:
    """Apply the rules to one message.

    Args:
        message: a document that could be read and follows its schema.
        direction: the same fault can weigh differently each way.
        policy: the configured decisions.
        more: findings of others (addressing, signature), each of its own stage.
        epj: what the EPJ knows of the patient; what is None gives no remark.
        thread: what the journal knows of the thread; likewise.
        admitted: one of the two addresses is for admitted patients (R-15).

    Returns:
        The verdict with its findings, those of the deciding stage last. An
        incoming message is never rejected for what it says (HIS 80415 §3.3.2).
    """
    case = case_of(message, direction, policy, epj=epj, thread=thread, admitted=admitted)
    found: list[Finding] = []
    for stage in Stage:
        here = [f for f in more if f.stage is stage]
        here += _findings(case, stage)
        found += (f for f in here if not _silenced(f, policy))
        if any(f.cls is FindingClass.REJECT for f in here):
            break
    findings = tuple(found)
    return Screening(
        verdict=verdict_of(findings),
        findings=findings,
        kind=message.type.value,
        msg_id=message.msg_id,
    )


def _findings(case: Case, stage: Stage) -> Iterator[Finding]:
    outgoing = case.outgoing
    for rule in CHECKED[stage]:
        if rule.check is not None and (rule.outgoing if outgoing else rule.incoming):
            for hit in rule.check(case):
                yield rule.finding(case.direction, hit)


def _silenced(finding: Finding, policy: ScreeningPolicy) -> bool:
    return finding.cls is FindingClass.ADVISE and finding.rule in policy.advice_off
