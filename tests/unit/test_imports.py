"""Imports point one way, read from the source itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent
PROCESSES = ("outbound", "inbound", "receipts")
CORE = {"domain", "errors"}

ALLOWED: dict[str, set[str]] = {
    "domain": CORE,
    "errors": {"errors"},
    "codecs": CORE | {"codecs"},
    "ports": CORE | {"ports"},
    "queues": CORE | {"ports", "queues"},
    "addresses": {"addresses"},
    "secret_files": {"secret_files"},
    "config": CORE | {"addresses", "secret_files", "config"},
    "envelopes": CORE | {"codecs", "ports", "queues", "envelopes"},
    "sending": CORE | {"ports", "queues", "envelopes", "sending"},
    "threads": CORE | {"ports", "threads"},
    **{
        process: CORE | {"codecs", "ports", "queues", "envelopes", "sending", "threads", process}
        for process in PROCESSES
    },
    "adapters": CORE | {"ports", "queues", "config", "secret_files", "adapters"},
}
"""What each part of the gateway may import of the gateway; ``app`` and ``ops`` anything."""

TIED: dict[str, set[str]] = {
    "aio_pika": {"adapters/rabbitmq", "ops"},
    "aiosmtplib": {"adapters", "ops"},
    "aiosmtpd": {"adapters", "ops"},
    "sqlalchemy": {"adapters/journal"},
    "alembic": {"adapters/journal"},
    "signxml": {"codecs"},
    "asn1crypto": {"codecs"},
    "lxml": {"codecs", "adapters/registers.py", "inbound", "ops"},
    "cryptography": {
        "ports/keys.py",
        "codecs",
        "envelopes.py",
        "adapters/keys.py",
        "adapters/registers.py",
        "adapters/journal",
        "ops",
    },
    "structlog": {*PROCESSES, "adapters", "app.py", "ops"},
    "tenacity": {"adapters"},
    "pydantic": {"config", "codecs", "adapters", "ops"},
}
"""Libraries that only some places may know."""


def imports_of(file: Path) -> Iterator[str]:
    """Full names of the modules that ``file`` imports anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{file}: relative import"
            yield node.module
            if node.module == "gateway":
                yield from (f"gateway.{alias.name}" for alias in node.names)


FILES = sorted(ROOT.rglob("*.py"))


def part_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def test_there_is_something_to_check() -> None:
    assert {part_of(file) for file in FILES} >= {*ALLOWED, "app", "ops"}


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_it_stands_on(part: str) -> None:
    known = {part_of(file) for file in FILES}
    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in FILES
        if part_of(file) == part
        for name in imports_of(file)
        if name.startswith("gateway.")
        and name.split(".")[1] in known
        and name.split(".")[1] not in ALLOWED[part]
    ]

    assert wrong == []


@pytest.mark.parametrize("library", TIED)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    wrong = [
        str(file.relative_to(ROOT))
        for file in FILES
        if any(name.split(".")[0] == library for name in imports_of(file))
        and not any(
            file.relative_to(ROOT).as_posix() == place
            or file.relative_to(ROOT).as_posix().startswith(f"{place}/")
            for place in TIED[library]
        )
    ]

    assert wrong == []


@pytest.mark.parametrize("part", ["domain", "errors"])
def test_the_core_knows_the_standard_library_alone(part: str) -> None:
    import sys

    wrong = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in FILES
        if part_of(file) == part
        for name in imports_of(file)
        if name.split(".")[0] not in {*sys.stdlib_module_names, "gateway"}
    ]

    assert [line for line in wrong if "holidays" not in line] == []


def test_only_the_command_line_imports_the_operators_part() -> None:
    wrong = [
        str(file.relative_to(ROOT))
        for file in FILES
        if part_of(file) not in ("ops", "__main__")
        and any(name.startswith("gateway.ops") for name in imports_of(file))
    ]

    assert wrong == []
