"""``journal upgrade``, ``ledger``: the journal as a whole."""

from contextlib import ExitStack

from rich.console import Console
from rich.table import Table
from typer import Exit, Typer, echo

from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import HEAD, upgrade
from gateway.adapters.journal.sqlite import DaemonLock
from gateway.adapters.keys import load_content_keys
from gateway.config.settings import Settings
from gateway.domain.ledger import Ledger
from gateway.ops.cli.shell import (
    ConfigOption,
    JsonOption,
    app,
    explained,
    print_json,
    run_async,
    settings_from,
)
from gateway.ports import ContentKeys

journal = Typer(no_args_is_help=True, help="Journalen (databasen) / The journal (database).")
app.add_typer(journal, name="journal")

_STATES = {
    "accepted": "mottatt / accepted",
    "confirmed": "bekreftet / confirmed",
    "rejected": "avvist / rejected",
    "dead": "lagt til side / dead",
    "discarded": "forkastet / discarded",
    "in_flight": "underveis / in flight",
}


@journal.command(name="upgrade")
def upgrade_journal(config: ConfigOption = None) -> None:
    """Løft journalen til denne versjonens skjema. / Bring the journal to this version's schema.

    Stop the gateway first, and take a copy: there is no way back.
    """
    settings = settings_from(config)
    with explained(), ExitStack() as stack:
        if settings.journal.path is not None:
            # A daemon that runs would meet tables it does not know.
            stack.callback(DaemonLock(settings.journal.path).release)
        before = run_async(upgrade(settings.journal.url))
    if before == HEAD:
        echo(f"Skjemaet er alt {HEAD}. / The schema is {HEAD} already.")
    else:
        echo(f"{before or '(tom / empty)'} -> {HEAD}")


@app.command()
def ledger(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Vis regnskapet: hver melding på ett sted. / Show the ledger: each message in one place.

    Exit 0: it balances. Exit 1: it does not.
    """
    sums = run_async(_ledger(settings_from(config)))
    if as_json:
        print_json(sums.as_json())
    else:
        _show(sums)
    raise Exit(0 if sums.balanced else 1)


async def _ledger(settings: Settings) -> Ledger:
    content = load_content_keys(settings.journal.content_key_file)
    keys = ContentKeys(content[0].key_id, {key.key_id: key.key for key in content})
    url = settings.journal.url
    async with open_journal(url, keys=keys, clock=SystemClock(), exclusive=False) as opened:
        return await opened.ledger()


def _show(sums: Ledger) -> None:
    table = Table()
    table.add_column("")
    table.add_column("ut / outgoing", justify="right")
    table.add_column("inn / incoming", justify="right")
    outgoing, incoming = sums.outgoing.as_json(), sums.incoming.as_json()
    for state, text in _STATES.items():
        end = state == "accepted"
        table.add_row(text, str(outgoing[state]), str(incoming[state]), end_section=end)
    Console().print(table)
    echo(
        "Regnskapet går opp. / Balanced." if sums.balanced else "Det går IKKE opp. / NOT balanced."
    )
