"""Which tests prove what: read from their marks and from ``proofs``, without running them."""

import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.conformance.proofs import PROOFS

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """One test, or one case of it. ``waits_for`` says why it cannot pass yet, else ""."""

    node: str
    waits_for: str = ""


def evidence() -> dict[str, list[Proof]]:
    """Every id that a test claims, with the tests in the order of their files."""
    found: dict[str, list[Proof]] = {}
    for claimed, node in PROOFS.items():
        found[claimed] = [Proof(one) for one in node]
    for module in _modules():
        for claimed, proof in _marked(module):
            proofs = found.setdefault(claimed, [])
            if proof not in proofs:
                proofs.append(proof)
    return {claimed: sorted(proofs) for claimed, proofs in found.items()}


def is_test(node: str) -> bool:
    """Whether pytest would collect this node id (without the name of a case)."""
    path, *names = node.partition("[")[0].split("::")
    target = _target(path, names)
    in_class = all(name.startswith("Test") for name in names[:-1])
    file = TESTS.parent / path
    return (
        file.is_file()
        and file.name.startswith("test_")
        and in_class
        and names[-1].startswith("test_")
        and callable(target)
    )


def is_about(node: str, claimed: str) -> bool:
    """Whether a test speaks of the rule it is named for: in its code, its cases or its class."""
    path, *names = node.partition("[")[0].split("::")
    target = _target(path, names)
    cases = [m.args for m in getattr(target, "pytestmark", ()) if m.name == "parametrize"]
    around = inspect.getdoc(_target(path, names[:-1])) if len(names) > 1 else None
    return claimed in f"{inspect.getsource(target)}{cases}{around}"  # type: ignore[arg-type]


def _target(path: str, names: Sequence[str]) -> object:
    target: object = None
    try:
        target = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    except ImportError:
        return None
    for name in names:
        target = getattr(target, name, None)
    return target


def _modules() -> Iterator[ModuleType]:
    for file in sorted((TESTS / "conformance").glob("test_*.py")):
        yield importlib.import_module(f"tests.conformance.{file.stem}")


def _marked(module: ModuleType) -> Iterator[tuple[str, Proof]]:
    assert module.__file__ is not None
    path = Path(module.__file__).relative_to(TESTS.parent).as_posix()
    for name, function in vars(module).items():
        if name.startswith("test_") and getattr(function, "__module__", "") == module.__name__:
            marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
            yield from _claims(f"{path}::{name}", marks)


def _claims(node: str, marks: list[pytest.Mark]) -> Iterator[tuple[str, Proof]]:
    waits = next((str(m.kwargs["reason"]) for m in marks if m.name == "xfail"), "")
    for mark in marks:
        if mark.name == "proves":
            yield from ((str(claimed), Proof(node, waits)) for claimed in mark.args)
        elif mark.name == "parametrize":
            # Cases are named whole only where one list of parameters makes them all.
            alone = sum(other.name == "parametrize" for other in marks) == 1
            for case in mark.args[1]:
                for inner in getattr(case, "marks", ()):
                    if inner.name == "proves":
                        own = f"{node}[{case.id}]" if alone else node
                        yield from ((str(claimed), Proof(own, waits)) for claimed in inner.args)


def in_words(node: str) -> str:
    """The claim that a test's name makes, as a sentence, with its case."""
    name, _, case = node.partition("[")
    words = re.sub(r"^test_", "", name.rpartition("::")[2]).replace("_", " ")
    return f"{words} ({case[:-1]})" if case else words
