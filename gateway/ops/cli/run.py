"""``run``: the daemon; ``check``: everything it needs, looked at beforehand."""

import asyncio
import sys
from pathlib import Path

from typer import Exit, echo

from gateway.app import require_secrets
from gateway.config.load import load_settings
from gateway.office import Office, open_office
from gateway.ops.check_lines import Mark
from gateway.ops.checks import check_all
from gateway.ops.cli.shell import ConfigOption, app, config_path, explained, run_async
from gateway.ops.daemon import StoppedAtOnce, run_daemon
from gateway.ops.logs import configure_logging
from gateway.ops.tracing import tracing


@app.command()
def run(config: ConfigOption = None) -> None:
    """Kjør meldingstjenesten til SIGTERM / Run the gateway until SIGTERM.

    SIGTERM and SIGINT drain; a second one stops at once. SIGHUP reads keys, address
    book and services anew. Exit 0: drained. Exit 1: could not start, or failed.
    """
    path = config_path(config)
    with explained():
        office = _read(path)
        runtime = office.settings.runtime
        configure_logging(runtime.log_level, runtime.log_format)
        try:
            with tracing():
                asyncio.run(run_daemon(office, read_again=lambda: _read_anew(path)))
        except (StoppedAtOnce, KeyboardInterrupt):
            raise Exit(1) from None


def _read(path: Path) -> Office:
    return open_office(load_settings(path))


def _read_anew(path: Path) -> Office:
    """The same, with the secrets that only a start uses: a file that it would refuse is none."""
    office = _read(path)
    require_secrets(office.settings)
    return office


@app.command()
def check(config: ConfigOption = None) -> None:
    """Kontroller alt gatewayen trenger, uten å endre noe. / Check all it needs; changes nothing.

    One line a thing: ok, obs (a warning) or feil (a fault). Exit 0: no fault. Exit 1: a fault.
    """

    async def look() -> bool:
        good = True
        async for line in check_all(config_path(config)):
            echo(str(line))
            good = good and line.mark is not Mark.FAULT
        return good

    configure_logging("error", "console", file=sys.stderr)
    if not run_async(look()):
        raise Exit(1)
