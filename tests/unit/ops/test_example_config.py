"""The example file: complete, explained, with the defaults, and accepted as it is."""

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gateway.config.load import load_settings
from gateway.config.settings import Settings
from gateway.office import open_office
from gateway.ops.configuration_page import Key, read_example, render
from gateway.ops.demo_config import write_demo

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "gateway.example.toml"

# Exactly one of path and url_file has to be given.
_NOT_DEFAULT = {"journal.path"}


@pytest.fixture(scope="module")
def keys() -> dict[str, Key]:
    text = EXAMPLE.read_text(encoding="utf-8")
    return {key.path: key for section in read_example(text) for key in section.keys}


def test_has_every_key_of_the_model_and_no_other(keys: dict[str, Key]) -> None:
    assert sorted(keys) == sorted(path for path, _ in _fields(Settings))


def test_shows_the_default_of_every_key_that_has_one(keys: dict[str, Key]) -> None:
    for path, default in _fields(Settings):
        if path in _NOT_DEFAULT:
            continue
        if default is None:
            assert not keys[path].is_set, path
        elif default is not PydanticUndefined:
            shown = tomllib.loads(f"x = {keys[path].value}")["x"]
            assert (tuple(shown) if isinstance(shown, list) else shown) == default, path


def test_explains_every_key(keys: dict[str, Key]) -> None:
    assert [key.path for key in keys.values() if not key.text] == []


def test_is_accepted_once_the_keys_are_made(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    write_demo(tmp_path / "keys")

    office = open_office(load_settings(tmp_path / EXAMPLE.name, {}))

    assert office.own.her == "910000"


def test_the_documentation_is_made_from_it() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert page == render(EXAMPLE.read_text(encoding="utf-8"))


def _fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, Any]]:
    """Path and default of every key; sections are walked into."""
    hints = get_type_hints(model)
    for name, field in model.model_fields.items():
        section = _section(hints[name])
        if section is None:
            yield above + name, field.default
        else:
            yield from _fields(section, f"{above}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation names: alone, optional, or as a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, UnionType) or get_args(annotation):
        found = (_section(one) for one in get_args(annotation))
        return next((one for one in found if one is not None), None)
    return None
