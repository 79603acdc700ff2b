"""What all commands share: the tree, the configuration option, errors in words."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from typer import Exit, Option, Typer, echo

from gateway import VERSION
from gateway.config import Settings, load_settings
from gateway.errors import GatewayError
from gateway.office import Office, open_office
from gateway.ops.logs import configure_logging

T = TypeVar("T")

app = Typer(
    name="dialog-gateway",
    help="Meldingstjeneste for dialogmeldinger / Gateway for dialogue messages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)

ConfigOption = Annotated[
    Path | None,
    Option(
        "--config",
        help="Configuration file; default $GATEWAY_CONFIG, then gateway.toml in this folder.",
    ),
]
JsonOption = Annotated[bool, Option("--json", help="One JSON document, for machines.")]


def config_path(given: Path | None) -> Path:
    """The configuration file: as given, else ``$GATEWAY_CONFIG``, else ``gateway.toml``."""
    if given is not None:
        return given
    return Path(os.environ.get("GATEWAY_CONFIG") or "gateway.toml")


def has_config(given: Path | None) -> bool:
    """Whether there is a configuration to use; commands that can do without ask first."""
    return given is not None or bool(os.environ.get("GATEWAY_CONFIG")) or config_path(None).exists()


def settings_from(given: Path | None) -> Settings:
    """The settings, or an explained exit 1."""
    with explained():
        return load_settings(config_path(given))


def office_from(given: Path | None) -> Office:
    """All that the configuration names, or an explained exit 1."""
    with explained():
        return open_office(load_settings(config_path(given)))


class explained:
    """Turn a GatewayError into its text on standard error and exit 1, every fault on its line."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GatewayError):
            fail(error)


def fail(error: GatewayError, code: int = 1) -> NoReturn:
    """Say what is wrong, in Norwegian first, and leave."""
    echo(f"{error.code}: {error.text_nb} / {error.text_en}", err=True)
    for fault in error.faults:
        echo(f"  {fault.where}: {fault.detail}", err=True)
    if not error.faults and error.detail != error.text_en:
        echo(f"  {error.detail}", err=True)
    raise Exit(code)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine; a GatewayError is explained, Ctrl-C leaves with 130."""
    try:
        with explained():
            return asyncio.run(work)
    except KeyboardInterrupt:
        raise Exit(130) from None


def print_json(value: object) -> None:
    """One JSON document on standard output; Norwegian letters as they are."""
    echo(json.dumps(value, ensure_ascii=False, indent=2))


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"dialog-gateway {VERSION}")
        raise Exit


@app.callback()
def _root(
    version: Annotated[
        bool, Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Meldingstjeneste for dialogmeldinger / Gateway for dialogue messages."""
    # Standard output belongs to what a command says; ``run`` puts its own log there.
    configure_logging("warning", "console", file=sys.stderr)


def main() -> None:
    """Entry point of ``dialog-gateway`` and ``python -m gateway``."""
    from gateway.ops.cli import commands  # noqa: F401  # registers itself on ``app``

    app(prog_name="dialog-gateway")
    sys.exit(0)
