"""Reading the file: environment overrides, and every fault at once with its path in the file."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config.settings import Settings
from gateway.errors import ConfigurationError, Fault

ENVIRONMENT_PREFIX = "GATEWAY__"


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read ``path``, apply ``GATEWAY__SECTION__KEY`` overrides, and check all of it.

    Raises:
        ConfigurationError: the file cannot be read, or anything in it is wrong;
            ``faults`` holds every fault with its path. Values are not repeated,
            since some are secrets.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigurationError(
            f"{path}: {reason}", faults=(Fault(str(path), str(reason)),)
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{path}: {error}", faults=(Fault(str(path), f"not TOML: {error}"),)
        ) from None
    faults = _override(raw, os.environ if environment is None else environment)
    try:
        settings = Settings.model_validate(raw, context={"folder": path.resolve().parent})
    except ValidationError as error:
        faults += [
            Fault(
                ".".join(str(step) for step in entry["loc"]) or "file",
                entry["msg"].removeprefix("Value error, "),
            )
            for entry in error.errors(include_input=False, include_url=False)
        ]
    if faults:
        listed = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
        raise ConfigurationError(listed, faults=tuple(faults))
    return settings


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> list[Fault]:
    """Apply the environment to the parsed file; return what does not fit the form."""
    faults = []
    for name, value in sorted(environment.items()):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        steps = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
        if len(steps) > 2 or not all(steps):
            faults.append(Fault(name, "must be GATEWAY__SECTION__KEY"))
            continue
        section = raw
        if len(steps) == 2:
            section = raw.setdefault(steps[0], {})
        if not isinstance(section, dict):
            faults.append(Fault(name, f"{steps[0]} is no section"))
            continue
        section[steps[-1]] = value
    return faults
