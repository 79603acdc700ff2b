"""``docs/conformance-content.md``: what is asked, and the test that proves it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.receipt import APPREC_ERRORS
from gateway.domain.rules.catalogue import CATALOGUE
from gateway.domain.services import ServiceType, Side
from tests.builders_screening import SERVICES
from tests.conformance.evidence import Proof, in_words
from tests.conformance.official import SYSTEM_TESTS
from tests.conformance.proofs import NO_TEST
from tests.conformance.test_addresses import SENDER_ONLY, address_id

PAGE = Path(__file__).parents[2] / "docs" / "conformance-content.md"
Evidence = dict[str, list[Proof]]

# 8221: when the gateway itself sends a code; the others go on the EPJ's word alone.
SENT_BY_US = {
    "T01": "the document is not XML",
    "T02": "it does not follow its schema",
    "T10": "another message kind, version or document",
    "T99": "an attachment, a DOCTYPE, another kind than on the envelope",
    "S01": "a personal signature does not hold, or is of a form not allowed",
    "S02": "its certificate was not valid at GenDate, or is not for signatures",
    "S99": "its algorithm or key is too weak or unknown, or it has several certificates",
    "E10": "MsgId is no UUID",
    "E21": "no such receiver here, or other parties than on the envelope",
    "E36": "no patient, one who could be anybody, or only a hjelpenummer",
}

_HEAD = """# Conformance: content

> **Kort:** Hver regel i retningslinjen, hver offisielle systemtest av applikasjonskvittering, hver
> kode i 8221 og hver av de 59 adressene, med testen som viser det. Siden lages av testene.

Every rule of the guideline, every official system test of the application receipt (HIS 80415),
every code of 8221 and every one of the 59 addresses, with the test that proves it. Where there is
no test, the reason stands in its place.

`pytest tests/conformance --write-conformance` writes this page from the marks of the tests, and
a test fails when it is not current. `make test` runs every test named here, but those marked
*not yet*: they describe what is still to be built, and fail the run on the day they pass.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to be proven. ``reason`` stands where no test can be."""

    id: str
    cells: tuple[str, ...]
    reason: str = ""


def rules() -> list[Row]:
    """The rules of the guideline."""
    return [Row(rule.id, (rule.nb, rule.en), NO_TEST.get(rule.id, "")) for rule in CATALOGUE]


def system_tests() -> list[Row]:
    """The official system tests of the receipt."""
    return [Row(one.id, (one.situation, one.expected), one.not_ours) for one in SYSTEM_TESTS]


def codes() -> list[Row]:
    """The codes of 8221; each is sent on the EPJ's word, and read and shown."""
    return [
        Row(code, (text, SENT_BY_US.get(code, "never by the gateway itself")))
        for code, text in APPREC_ERRORS.items()
    ]


def addresses() -> list[Row]:
    """The 59 addresses, and the one that nobody writes to."""
    return [
        *(Row(address_id(one), (one.name, _who_has(one))) for one in SERVICES),
        Row(address_id(SENDER_ONLY), (SENDER_ONLY.name, "only sends: never a receiver")),
    ]


def everything() -> list[Row]:
    """All rows of the page."""
    return [*rules(), *system_tests(), *codes(), *addresses()]


def render(evidence: Evidence) -> str:
    """The page."""
    tables = (
        ("The rules of the guideline", ("Rule", "Regel", "In English"), rules()),
        (
            "The official system tests of the receipt",
            ("Test", "Situation", "Expected"),
            system_tests(),
        ),
        ("The codes of 8221", ("Code", "Tekst", "Sent by the gateway when"), codes()),
        ("The addresses", ("Address", "Navn", "Side"), addresses()),
    )
    parts = [_HEAD, _summary([(title, rows) for title, _, rows in tables], evidence)]
    for title, heads, rows in tables:
        parts.append(f"## {title}\n")
        if title == "The codes of 8221":
            parts.append(
                "Every code may be said by the receiving EPJ (`epj.confirmations`), becomes the "
                "AppRec, and is\nshown to the author at the other end with its text.\n"
            )
        if rows[0].id == "apprec-1":
            parts.append(
                "Numbers follow the official test cases. Our sources describe some of them as "
                "groups (1-4, 5-6, 7-11,\n14 with 15 and 27): the order within a group is ours. "
                "A personal signature inside a document (29-31)\nis not verified by the gateway: "
                "the bytes that were signed reach the EPJ, and its word becomes the receipt.\n"
            )
        parts.append(_table(heads, rows, evidence))
    parts.append(_index(evidence))
    return "\n".join(parts)


def nodes_of(rows: Iterable[Row], evidence: Evidence) -> list[str]:
    """All tests named for these rows, each once, in order."""
    return sorted({proof.node for row in rows for proof in evidence.get(row.id, ())})


def _summary(tables: Sequence[tuple[str, list[Row]]], evidence: Evidence) -> str:
    lines = ["| | Listed | Proven | Not yet | Without a test |", "| --- | --- | --- | --- | --- |"]
    for title, rows in tables:
        waiting = sum(any(p.waits_for for p in evidence.get(row.id, ())) for row in rows)
        without = sum(not evidence.get(row.id) for row in rows)
        proven = len(rows) - waiting - without
        lines.append(f"| {title} | {len(rows)} | {proven} | {waiting} | {without} |")
    return "\n".join(lines) + "\n"


def _table(heads: tuple[str, ...], rows: list[Row], evidence: Evidence) -> str:
    heads = (*heads, "Proven by")
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows:
        cells = (f"**{row.id}**", *row.cells, _proven(row, evidence))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _proven(row: Row, evidence: Evidence) -> str:
    proofs = evidence.get(row.id, [])
    if not proofs:
        return f"*no test:* {row.reason}"
    return "<br>".join(
        in_words(proof.node) + (f" – *not yet:* {proof.waits_for}" if proof.waits_for else "")
        for proof in proofs
    )


def _index(evidence: Evidence) -> str:
    """Where each test stands: the tables name them in words."""
    lines = ["## Where the tests stand\n"]
    file = ""
    for node in sorted({n.partition("[")[0] for n in nodes_of(everything(), evidence)}):
        path, _, name = node.partition("::")
        if path != file:
            lines.append(f"\n`{path}`\n" if file else f"`{path}`\n")
            file = path
        lines.append(f"- `{name}`")
    return "\n".join(lines) + "\n"


def _who_has(service: ServiceType) -> str:
    return "the hospital" if service.side is Side.HOSPITAL else "the municipality"
