"""All rules of the guideline in one list, with and without a check."""

from itertools import chain
from typing import Final

from gateway.domain.findings import FindingClass, Stage
from gateway.domain.rules import (
    attachments,
    confirmation,
    kinds,
    organisational,
    patient,
    receivers,
    scope,
    service_rules,
    text,
    threads,
    urgent,
)
from gateway.domain.rules.model import Rule

CATALOGUE: Final[tuple[Rule, ...]] = tuple(
    sorted(
        chain(
            kinds.RULES,
            patient.RULES,
            attachments.RULES,
            text.RULES,
            urgent.RULES,
            scope.RULES,
            threads.RULES,
            confirmation.RULES,
            receivers.RULES,
            service_rules.RULES,
            organisational.RULES,
        ),
        key=lambda rule: rule.id,
    )
)
"""In the order of their numbers, each number once."""

BY_ID: Final = {rule.id: rule for rule in CATALOGUE}

CHECKED: Final[dict[Stage, tuple[Rule, ...]]] = {
    stage: tuple(rule for rule in CATALOGUE if rule.stage is stage and rule.check is not None)
    for stage in Stage
}

ADVICE: Final = frozenset(rule.id for rule in CATALOGUE if FindingClass.ADVISE in rule.outgoing)
"""Rules with remarks that configuration may silence (``ScreeningPolicy.advice_off``)."""
