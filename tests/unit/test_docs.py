"""The documents say what the code does: links, commands, keys, codes, metrics, queues, states."""

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml
from pydantic import BaseModel
from typer.core import TyperGroup

from gateway.config.load import ENVIRONMENT_PREFIX
from gateway.config.settings import Settings
from gateway.config.waits import AnswerSettings, ConfirmationSettings
from gateway.domain.delivery import (
    Acknowledged,
    Answered,
    Delivery,
    Event,
    GivenUp,
    HandedOver,
    Rejected,
    Reopened,
    Transport,
    advance,
)
from gateway.domain.receipt import Answer
from gateway.errors import ContradictingReceipt
from gateway.office import Office
from gateway.ops.cli import commands  # noqa: F401  # registers every command on ``app``
from gateway.ops.cli.shell import app
from gateway.ops.error_advice import ADVICE
from gateway.ops.errors_page import error_types, render
from gateway.ops.health import CHECKS, Health
from gateway.ops.metrics import Metrics
from gateway.queues import Queue
from tests.builders_delivery import a_delivery

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = (
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/standards.md",
)

"""Written by hand; pages that are made from the code have tests of their own."""
PAGES = tuple(sorted({*WRITTEN, *(f"docs/{path.name}" for path in DOCS.glob("*.md"))}))
ALERTS = ROOT / "config" / "alerts" / "dialog-gateway.yml"
DASHBOARD = ROOT / "config" / "dashboards" / "dialog-gateway.json"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors_in(page: str) -> set[str]:
    """Anchors of the headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        missing = not file.exists()
        if missing or (anchor and anchor not in anchors_in(str(file.resolve()))):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", WRITTEN)
def test_every_file_that_is_named_exists(page: str) -> None:
    paths = r"`((?:config|docs|schemas|gateway|tests|tools)/[\w./-]+)`"
    made_by_hand = ("config/compose/keys", "config/compose/secrets", "docs/performance.md")
    named = [one for one in re.findall(paths, text_of(page)) if not one.startswith(made_by_hand)]

    assert [one for one in named if not (ROOT / one).exists()] == []


# --- commands ----------------------------------------------------------------------------------


def commands_in(page: str) -> Iterator[list[str]]:
    """Words after each ``dialog-gateway`` that is written as code."""
    text = text_of(page)
    code = re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in code for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    for line in lines:
        # One blank: in a drawing there are more.
        match = re.search(r"(?:^|[/ ])dialog-gateway ([a-z-].*)$", line.partition("  #")[0])
        if match is not None:
            yield match[1].split()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_exists_with_its_options(page: str) -> None:
    unknown = []
    for words in commands_in(page):
        command = typer.main.get_command(app)
        rest = list(words)
        while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
            found = command.commands.get(rest.pop(0))
            if found is None:
                unknown.append(" ".join(words))
                break
            command = found
        else:
            options = {name for parameter in command.params for name in parameter.opts}
            wanted = {word for word in rest if word.startswith("--")}
            if isinstance(command, TyperGroup) and rest and not wanted:
                unknown.append(" ".join(words))
            unknown += [f"{' '.join(words)}: {option}" for option in wanted - options]

    assert unknown == []


def test_the_operators_commands_are_all_explained() -> None:
    """A command that nobody on duty reads about might as well not be there."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    text = "".join(text_of(page) for page in WRITTEN)

    assert [name for name in root.commands if f"dialog-gateway {name}" not in text] == []


@pytest.mark.parametrize("page", WRITTEN)
def test_every_make_target_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), flags=re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text_of(page), flags=re.MULTILINE)

    assert set(named) <= targets


# --- configuration -----------------------------------------------------------------------------


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> set[str]:
    """Every key with its section: ``broker``, ``broker.prefix``, …"""
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(prefix + name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if inspect.isclass(part) and issubclass(part, BaseModel):
                keys |= known_keys(part, f"{prefix}{name}.")
    return keys


@pytest.mark.parametrize("page", PAGES)
def test_every_configuration_key_that_is_named_exists(page: str) -> None:
    text, keys = text_of(page), known_keys()
    sections = {key for key in keys if any(other.startswith(f"{key}.") for other in keys)}
    files = {*_names_of_files(), *(queue.value for queue in Queue)}
    dotted = [
        one
        for one in re.findall(r"`([a-z_]+\.[a-z_]+)`", text)
        if one.partition(".")[0] in sections and one not in files
    ]
    tables = re.findall(r"`\[\[?([a-z_.]+)\]\]?`", text)
    overrides = re.findall(rf"\b{ENVIRONMENT_PREFIX}([A-Z_]+)", text)

    assert [one for one in dotted if one not in keys and not _is_code(one)] == []
    assert [one for one in tables if one not in keys and not one.startswith("enterprise")] == []
    assert [
        one
        for one in overrides
        if one.lower().replace("__", ".") not in keys and one != "SECTION__KEY"
    ] == []


def _names_of_files() -> set[str]:
    return {path.name for folder in ("config", "gateway") for path in (ROOT / folder).rglob("*.*")}


def _is_code(dotted: str) -> bool:
    try:
        _resolve(dotted)
    except AttributeError:
        return False
    return True


# --- codes, metrics, log -----------------------------------------------------------------------


def test_the_page_of_error_codes_is_current() -> None:
    current = render()

    assert text_of("docs/errors.md") == current, (
        "run: python -m gateway.ops.errors_page -o docs/errors.md"
    )


def test_every_error_code_has_advice_in_both_languages() -> None:
    codes = [kind.code for kind in error_types()]

    assert len(codes) == len(set(codes))
    assert set(ADVICE) == set(codes)
    assert [code for code, (nb, en) in ADVICE.items() if not nb or not en or nb == en] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_error_code_that_is_named_exists(page: str) -> None:
    assert set(re.findall(r"GW-\d{3}", text_of(page))) <= set(ADVICE)


@pytest.fixture(scope="module")
def metric_names() -> set[str]:
    """Names of all series, as Prometheus sees them."""
    metrics = Metrics(cast(Office, None), Health().ready)  # only rendering looks at the office
    names = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
        names |= {family.name + suffix for suffix in suffixes.get(family.type, ("",))}
        names.add(family.name)
    return names


@pytest.mark.parametrize("page", [*WRITTEN, str(ALERTS), str(DASHBOARD)])
def test_every_metric_that_is_named_exists(page: str, metric_names: set[str]) -> None:
    named = set(re.findall(r"\bgateway_[a-z_]+", text_of(page)))

    assert named <= metric_names


def test_alert_rules_are_whole_and_lead_to_a_chapter() -> None:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
    chapters = re.findall(r"^##+ (.+)$", text_of("docs/operations.md"), flags=re.MULTILINE)

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")"), rule["alert"]
        named = re.findall(r'See "([^"]+)"', rule["annotations"]["description"])
        assert [one for one in named if not any(c.startswith(one) for c in chapters)] == []


def test_alert_rules_and_dashboard_ask_for_queues_and_waits_that_exist() -> None:
    text = ALERTS.read_text(encoding="utf-8") + DASHBOARD.read_text(encoding="utf-8")
    text = text.replace("\\", "")
    queues = {one for group in re.findall(r'queue=~?"([^"]+)"', text) for one in group.split("|")}
    waits = set(re.findall(r'what="([^"]+)"', text))
    source = inspect.getsource(import_module("gateway.ops.metrics"))

    assert queues <= {queue.value for queue in Queue}
    assert waits
    assert [one for one in waits if f'"{one}":' not in source] == []


def test_alarms_of_late_receipts_come_when_the_gateway_itself_counts_them_late() -> None:
    answers, confirmations = AnswerSettings(), ConfirmationSettings()
    wanted = {
        ("unanswered", "warning", answers.alarm_seconds),
        ("unanswered", "critical", answers.critical_seconds),
        ("unconfirmed_by_epj", "warning", confirmations.warning_seconds),
        ("unconfirmed_by_epj", "critical", confirmations.alarm_seconds),
    }
    pattern = r'max\(gateway_waiting_oldest_seconds\{what="(\w+)"\}\) > (\d+)'
    found = set()
    for rule in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]:
        if match := re.fullmatch(pattern, rule["expr"]):
            found.add((match[1], rule["labels"]["severity"], float(match[2])))

    assert wanted <= found


def test_alert_rules_ask_for_checks_of_readiness_that_exist() -> None:
    named = set(re.findall(r'gateway_ready\{check="([^"]+)"', ALERTS.read_text(encoding="utf-8")))

    assert named
    assert named <= set(CHECKS)


def test_the_dashboard_has_every_panel_in_its_place() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_log_event_that_operators_read_about_is_written_somewhere() -> None:
    table = text_of("docs/operations.md").partition("| Event | Level | Means |")[2]
    rows = [line for line in table.splitlines()[2:] if line.startswith("| `")]
    rows = rows[: next((i for i, row in enumerate(rows) if row.count("|") != 4), len(rows))]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}

    assert named
    assert named <= logged_events()


def logged_events() -> set[str]:
    """First arguments of all calls on a module's ``log``."""
    found = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                found |= {
                    one.value
                    for one in node.args[:2]
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


# --- operations, states, standards, changelog ----------------------------------------------------


@pytest.mark.parametrize("queue", list(Queue))
def test_every_queue_has_a_paragraph_for_operators(queue: Queue) -> None:
    chapter = text_of("docs/operations.md").partition(f"### `{queue.value}`\n")[2]
    paragraph = chapter.partition("\n#")[0]

    for word in ("Read by:", "**Healthy:**", "**Growth means**", "**Type:**"):
        assert word in paragraph


def test_every_chapter_for_operators_begins_with_a_norwegian_summary() -> None:
    chapters = re.split(r"^## ", text_of("docs/operations.md"), flags=re.MULTILINE)[1:]

    assert [one.splitlines()[0] for one in chapters if "\n\n> **Kort:** " not in one[:200]] == []


EVENTS: dict[str, Event] = {
    "HandedOver": HandedOver(),
    "Acknowledged": Acknowledged(),
    "Rejected": Rejected(),
    "Answered": Answered(Answer.OK),
    "GivenUp": GivenUp(),
    "Reopened": Reopened(),
}


def test_the_table_of_states_is_what_advance_does() -> None:
    table = text_of("docs/architecture.md").partition("<!-- states -->\n")[2]
    table = table.partition("<!-- /states -->")[0]

    assert table.splitlines() == states_table()


def states_table() -> list[str]:
    states: list[tuple[Transport, Answer | None]] = [
        (Transport.WAITING, None),
        (Transport.SENT, None),
        (Transport.ACKNOWLEDGED, None),
        (Transport.REJECTED, None),
        (Transport.GIVEN_UP, None),
        (Transport.ACKNOWLEDGED, Answer.OK),
    ]
    lines = ["| State | " + " | ".join(EVENTS) + " |", "|---" * (len(EVENTS) + 1) + "|"]
    for transport, answer in states:
        delivery = a_delivery(transport=transport, answer=answer)
        cells = [_state_text(delivery), *(_after(delivery, event) for event in EVENTS.values())]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _after(delivery: Delivery, event: Event) -> str:
    try:
        after = advance(delivery, event)
    except ContradictingReceipt:
        return "contradiction"
    return "–" if _state_text(after) == _state_text(delivery) else _state_text(after)


def _state_text(delivery: Delivery) -> str:
    return delivery.transport.value + ("" if delivery.answer is None else " + answer")


def test_every_function_that_keeps_a_standard_exists() -> None:
    named = set(re.findall(r"`([a-z_]+(?:\.\w+)+)`", text_of("docs/standards.md")))
    missing = [name for name in sorted(named) if not _is_code(name)]

    assert len(named) > 50
    assert missing == []


def _resolve(dotted: str) -> object:
    """What ``dotted`` names below ``gateway``: as much of it as is a module, then attributes."""
    steps = dotted.split(".")
    for count in range(len(steps), 0, -1):
        try:
            found: object = import_module(".".join(["gateway", *steps[:count]]))
        except ModuleNotFoundError:
            continue
        for step in steps[count:]:
            found = getattr(found, step)
        return found
    raise AttributeError(dotted)


def test_the_changelog_keeps_its_form() -> None:
    text = text_of("CHANGELOG.md")
    kinds = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
    lines = re.findall(r"^- (.+)$", text, flags=re.MULTILINE)
    project = tomllib.loads(text_of("pyproject.toml"))["project"]

    assert "## [Unreleased]" in text or f"## [{project['version']}]" in text
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert [line for line in lines if not line.endswith(".")] == []
