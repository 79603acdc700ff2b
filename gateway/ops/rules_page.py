"""The page of all rules, made from the catalogue: ``python -m gateway.ops.rules_page``.

Prints the page; ``-o docs/rules.md`` writes it. A test keeps the file current.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from gateway.domain.findings import Direction, FindingClass
from gateway.domain.rules.catalogue import CATALOGUE
from gateway.domain.rules.model import Rule, Section, who_acts
from gateway.domain.rules.policy import DEFAULT_POLICY
from gateway.errors import Who

_INTRODUCTION = """\
# Rules for dialogue messages

<!-- Made by `python -m gateway.ops.rules_page -o docs/rules.md`; do not edit. -->

These are the rules of the guideline for dialogue messages between hospital and municipality, and
of the standards that it rests on, as this gateway keeps them. Each finding in `screen`, in a status
event and in the journal names its rule by the number here.

- **reject**: not sent, or not imported; the sender is told why.
- **strip**: a part is removed; the message goes on and says so.
- **advise**: a remark to the author; the message goes on.
- **follow-up**: nothing happens to the message; somebody has a task.

"(or …)" is what a switch, or a graver case of the same rule, makes of it. An incoming message is
never rejected for what it says (HIS 80415 §3.3.2): what refuses it is its format, address, patient
identity, signature or an attachment. `EPJ_…` are the codes that the EPJ sees; those in brackets are
the AppRec codes (8221) that the partner sees when an incoming message is refused.

Checks run in the order: format, identifier, address, signature, patient, attachments and text,
advice. All findings of the first stage that rejects are reported, and no later stage is looked at.
"""
_WHO = {
    Who.SENDER: "the author",
    Who.OPERATOR: "the message responsible",
    Who.ADMINISTRATOR: "the administrator",
    Who.PARTNER: "the partner",
}
_HEADER = (
    "| Rule | What it means | Class | Code | Switch = default | Who acts |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


def render() -> str:
    """The whole page, with a newline at its end."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    for section in Section:
        nb, en = section.value
        yield f"## {nb} ({en})\n"
        yield _HEADER
        yield from (_row(rule) for rule in CATALOGUE if rule.section is section)
        yield ""
    yield "## Switches\n"
    yield (
        "One switch belongs to no single rule: `advice_off` names rules whose remarks (class "
        "advise) are not wanted. Everything else is listed with its rule above.\n"
    )
    yield "| Switch | Default | Rules |\n| --- | --- | --- |"
    for field in fields(DEFAULT_POLICY):
        users = ", ".join(rule.id for rule in CATALOGUE if field.name in rule.switches)
        yield f"| `{field.name}` | {_default(field.name)} | {users or 'all remarks'} |"


def _row(rule: Rule) -> str:
    meaning = f"{rule.nb}<br>*{rule.en}*"
    if rule.elsewhere:
        meaning += f"<br>How it is kept: {rule.elsewhere}."
    cells = (
        f"**{rule.id}**",
        meaning,
        _classes(rule),
        _codes(rule),
        "<br>".join(f"`{name}` = {_default(name)}" for name in rule.switches),
        _actors(rule),
    )
    return "| " + " | ".join(cell or "–" for cell in cells) + " |"


def _classes(rule: Rule) -> str:
    parts = []
    for word, classes in (("out", rule.outgoing), ("in", rule.incoming)):
        if classes:
            first, *others = (cls.value for cls in classes)
            parts.append(f"{word}: {first}" + (f" (or {', '.join(others)})" if others else ""))
    return "<br>".join(parts)


def _codes(rule: Rule) -> str:
    codes = "<br>".join(f"`{code}`" for code in rule.codes)
    return f"{codes}<br>[{', '.join(rule.apprec)}]" if rule.apprec else codes


def _default(name: str) -> str:
    value: object = getattr(DEFAULT_POLICY, name)
    if isinstance(value, tuple | frozenset):
        return ", ".join(f"`{one}`" for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    parts = (f"{f.name} {getattr(value, f.name)}" for f in fields(value))  # type: ignore[arg-type]
    return ", ".join(parts)


def _actors(rule: Rule) -> str:
    if rule.who is not None:
        return _WHO[rule.who]
    pairs: list[tuple[Direction, FindingClass]] = [
        *((Direction.OUTGOING, cls) for cls in rule.outgoing),
        *((Direction.INCOMING, cls) for cls in rule.incoming),
    ]
    return ", ".join(dict.fromkeys(_WHO[who_acts(direction, cls)] for direction, cls in pairs))


def main(arguments: list[str]) -> int:
    """Print the page, or write it to the file after ``-o``; exit status 2 for anything else."""
    match arguments:
        case []:
            sys.stdout.write(render())
        case ["-o", path]:
            Path(path).write_text(render(), encoding="utf-8")
        case _:
            sys.stderr.write("usage: python -m gateway.ops.rules_page [-o FILE]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
