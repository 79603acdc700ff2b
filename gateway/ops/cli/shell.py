"""What all commands share: the tree, the configuration option, errors in words."""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeGuard, TypeVar

from typer import Exit, Option, Typer, echo

from gateway import VERSION
from gateway.config.load import load_settings
from gateway.config.settings import Settings
from gateway.errors import GatewayError, InternalFault
from gateway.office import Office, open_office
from gateway.ops.logs import configure_logging, frames_of
from gateway.ops.wording import without_numbers

T = TypeVar("T")

_PRINTING: Final = {"echo", "_write_buffer"}  # of typer and of rich

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


def cannot_write(path: Path, error: OSError) -> NoReturn:
    """Say why a file or folder that was asked for is not written, and leave."""
    echo(f"{path}: kan ikke skrives / cannot be written: {error.strerror}", err=True)
    raise Exit(1) from None


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine; a GatewayError is explained, Ctrl-C leaves with 130."""
    try:
        with explained():
            return asyncio.run(work)
    except KeyboardInterrupt:
        raise Exit(130) from None


def print_json(value: object) -> None:
    """One JSON document on standard output; Norwegian letters as they are."""
    echo(json.dumps(without_numbers(value), ensure_ascii=False, indent=2))


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

    try:
        app(prog_name="dialog-gateway")
    except Exception as error:
        if _is_lost_output(error):
            lost = "Utskriften kunne ikke skrives / the output could not be written"
            echo(f"{lost}: {os.strerror(error.errno or 0)}", err=True)
            # Or the interpreter would try once more at its end, and complain in its own way.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            echo(_unforeseen(error), err=True)
        sys.exit(1)
    sys.exit(0)


def _is_lost_output(error: Exception) -> TypeGuard[OSError]:
    """Whether it is standard output that takes no more, such as a file on a full disk."""
    if not isinstance(error, OSError):
        return False
    *_, innermost = traceback.extract_tb(error.__traceback__)
    return innermost.name in _PRINTING


def _unforeseen(error: Exception) -> str:
    """A fault of ours: where it is, and never its text, which may quote a secret or a message."""
    return (
        f"{InternalFault.code}: Uventet feil i programmet; meld fra med linjene under. / "
        f"Unexpected fault in the program; report it with the lines below.\n{frames_of(error)}"
    )
