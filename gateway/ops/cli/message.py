"""Commands about one message: ``screen``, ``send``, ``route``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, echo

from gateway.adapters.clock import new_uuid
from gateway.domain.findings import Direction, Finding, Screening, Verdict
from gateway.domain.routing import Candidate, Resolution, resolve
from gateway.ops.cli.shell import (
    ConfigOption,
    JsonOption,
    app,
    has_config,
    office_from,
    print_json,
    run_async,
)
from gateway.ops.sending import Outcome, Package, follow, package_of, published
from gateway.ops.verdicts import judge
from gateway.ops.wording import on_one_line, verdict_text

FileArgument = Annotated[Path, Argument(metavar="FILE", show_default=False)]


class Way(StrEnum):
    """The values of ``--direction``."""

    OUTGOING = Direction.OUTGOING.value
    INCOMING = Direction.INCOMING.value


def read_input(file: Path) -> bytes:
    """The bytes of a file named on the command line, or exit 2."""
    try:
        return file.read_bytes()
    except OSError as error:
        echo(f"{file}: kan ikke leses / cannot be read: {error.strerror}", err=True)
        raise Exit(2) from None


@app.command()
def screen(
    file: FileArgument,
    direction: Annotated[Way, Option("--direction", help="Which way the message would go.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Si hva reglene sier om en melding; send ingenting. / What the rules say; sends nothing.

    Exit 0 pass or strip, 1 reject, 2 no such file. Addresses are looked at only with a
    configuration.
    """
    body = read_input(file)
    way = Direction(direction.value)
    if has_config(config):
        office = office_from(config)
        judged = judge(
            body,
            direction=way,
            policy=office.screening,
            book=office.book,
            limits=office.xml_limits,
        )
    else:
        judged = judge(body, direction=way)
    screening = judged.screening
    if as_json:
        print_json(verdict_json(screening))
    else:
        echo(verdict_lines(screening))
    raise Exit(1 if screening.verdict is Verdict.REJECT else 0)


def verdict_json(screening: Screening) -> dict[str, object]:
    """The names of design §7."""
    return {
        "verdict": screening.verdict.value,
        "kind": screening.kind,
        "msg_id": screening.msg_id,
        "findings": [finding.as_json() for finding in screening.findings],
    }


def verdict_lines(screening: Screening) -> str:
    """The verdict, then each finding with its rule, both texts, and where it is."""
    known = " ".join(part for part in (screening.kind, screening.msg_id) if part)
    head = verdict_text(screening.verdict) + (f"  ({on_one_line(known)})" if known else "")
    return "\n".join([head, *(_finding_lines(finding) for finding in screening.findings)])


def _finding_lines(finding: Finding) -> str:
    codes = " ".join(c for c in (finding.rule, finding.code, finding.apprec) if c)
    lines = [f"- {codes} [{finding.cls.value}] {finding.text_nb}", f"    {finding.text_en}"]
    if finding.where:
        lines.append(f"    {on_one_line(finding.where)}")
    return "\n".join(lines)


@app.command()
def route(
    address: Annotated[str, Argument(metavar="ADDRESS", help="HER-id, service or both.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Vis hvordan en adresse slås opp, steg for steg. / How an address resolves, step by step.

    ADDRESS is a HER-id, ENTERPRISE/SERVICE or SERVICE. Exit 0 one receiver, 1 none or several.
    """
    office = office_from(config)
    resolution = resolve(address, office.book, office.services)
    if as_json:
        print_json(_route_json(resolution))
    else:
        echo(_route_lines(resolution))
    raise Exit(0 if resolution.entry is not None else 1)


def _route_json(resolution: Resolution) -> dict[str, object]:
    entry = resolution.entry
    found = None
    if entry is not None:
        enterprise = entry.enterprise
        found = {
            "her": entry.her,
            "name": entry.name,
            "service_code": entry.service_code,
            "place": entry.service.type.place if entry.service is not None else "",
            "enterprise": {
                "her": enterprise.her,
                "name": enterprise.name,
                "orgnr": enterprise.orgnr,
            },
            "own": entry.own,
            "edi": entry.edi,
        }
    return {
        "address": resolution.address,
        "entry": found,
        "reason": resolution.reason,
        "steps": [
            {"looked_up": step.looked_up, "source": step.source, "result": step.result}
            for step in resolution.steps
        ],
        "candidates": [_candidate_json(candidate) for candidate in resolution.candidates],
    }


def _candidate_json(candidate: Candidate) -> dict[str, str | None]:
    return {
        "her": candidate.her,
        "name": candidate.name,
        "enterprise": candidate.enterprise,
        "service_code": candidate.service_code,
        "place": candidate.place,
    }


def _route_lines(resolution: Resolution) -> str:
    lines = [
        on_one_line(f"{step.source}: {step.looked_up}: {step.result}") for step in resolution.steps
    ]
    entry = resolution.entry
    if entry is not None:
        code = f" ({entry.service_code})" if entry.service_code else ""
        lines.append(
            f"Mottaker / receiver: HER-id {entry.her}, {entry.name}{code}, "
            f"{entry.enterprise.name}, {entry.edi}"
        )
        return "\n".join(lines)
    lines.append("Ingen entydig mottaker / no one receiver")
    return "\n".join([*lines, *(f"  {candidate.text}" for candidate in resolution.candidates)])


@app.command()
def send(
    file: FileArgument,
    wait: Annotated[bool, Option("--wait", help="Follow it in the journal.")] = False,
    timeout: Annotated[float, Option("--timeout", min=0, help="Seconds that --wait waits.")] = 120,
    config: ConfigOption = None,
) -> None:
    """Legg en melding på køen fra EPJ. / Put a message on the queue epj.outgoing.

    Exit 0 published, or confirmed with --wait; 1 refused, or not published; 2 no such file;
    3 still open.
    """
    body = read_input(file)
    office = office_from(config)
    package = package_of(body, amqp_message_id=new_uuid())

    def told(sent: Package) -> None:
        echo(f"Lagt på køen / published: message_id {sent.amqp_message_id}")

    if not wait:
        run_async(published(office, package))
        told(package)
        return
    outcome = run_async(follow(office, package, seconds=timeout, told=told))
    echo(outcome_line(outcome))
    raise Exit(outcome.exit_code)


def outcome_line(outcome: Outcome) -> str:
    """What became of a message that was followed, with the reasons of a refusal."""
    lines = [f"{outcome.text_nb} / {outcome.text_en}"]
    if outcome.entry is not None:
        known = outcome.entry.msg_id or outcome.entry.entry_id
        lines[0] += f": {known}"
        # A partner's own words are for the author in the EPJ: they may quote the message.
        lines += [f"- {reason.code}" for reason in outcome.entry.reasons]
    return "\n".join(map(on_one_line, lines))
