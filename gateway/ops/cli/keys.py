"""``keys demo``: keys, address books and configurations of invented parties."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Typer, echo

from gateway.ops.cli.shell import app, explained
from gateway.ops.demo_config import write_demo
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY

keys = Typer(no_args_is_help=True, help="Nøkler og sertifikater / Keys and certificates.")
app.add_typer(keys, name="keys")


@keys.command()
def demo(
    directory: Annotated[Path, Argument(metavar="DIR", help="Made when absent.")],
) -> None:
    """Lag oppdiktede parter til prøve og demonstrasjon. / Make invented parties to try with.

    An invented authority, keys and certificates, address books, and a configuration each
    that run, check, wrap and open take as they are. Keys that stand in DIR are kept.
    """
    with explained():
        write_demo(directory)
    echo(f"Alt er oppdiktet; bruk det ikke i produksjon. / All of it is invented: {directory}")
    for party in (HOSPITAL, MUNICIPALITY):
        echo(f"  dialog-gateway check --config {directory / party.name}.toml")
