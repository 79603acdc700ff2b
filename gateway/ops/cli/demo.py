"""``demo``: the main job on this machine."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.live import Live
from typer import Exit, Option, echo

from gateway.ops.broker import Broker, find_or_start_broker
from gateway.ops.cli.shell import (
    JsonOption,
    app,
    cannot_write,
    explained,
    print_json,
    run_async,
)
from gateway.ops.demo.play import play
from gateway.ops.demo.show import picture, summary
from gateway.ops.demo.stage import Stage
from gateway.ops.logs import configure_logging


@app.command()
def demo(
    dialogs: Annotated[
        int, Option("--dialogs", min=1, max=2_000, help="Dialogues that each side begins.")
    ] = 20,
    as_json: JsonOption = False,
    keep: Annotated[
        bool, Option("--keep", help="Leave it running and print where everything is.")
    ] = False,
    mails: Annotated[
        Path | None, Option("--mails", help="Folder that keeps every mail that crossed the wire.")
    ] = None,
) -> None:
    """Two gateways, real SMTP, one private broker: exit 0 if all ended as it must."""
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = 100
    configure_logging("warning", "console", file=sys.stderr)
    if mails is not None:
        try:
            mails.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            cannot_write(mails, error)
    directory = Path(tempfile.mkdtemp(prefix="dialog-gateway-demo-"))
    try:
        with explained():
            console.print("Starter RabbitMQ … / Starting RabbitMQ …")
            with find_or_start_broker(say=lambda line: console.print(line)) as broker:
                stage = run_async(_show(console, directory, broker, dialogs, mails, keep, as_json))
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
    raise Exit(0 if stage.complete else 1)


async def _show(
    console: Console,
    directory: Path,
    broker: Broker,
    dialogs: int,
    mails: Path | None,
    keep: bool,
    as_json: bool,
) -> Stage:
    async with play(directory, broker.url, dialogs=dialogs, mails=mails) as stage:
        with Live(picture(stage), console=console, auto_refresh=False, transient=True) as live:
            while not stage.over.is_set():
                live.update(picture(stage), refresh=console.is_terminal)
                try:
                    async with asyncio.timeout(0.25):
                        await stage.over.wait()
                except TimeoutError:
                    continue
        summary(stage, console)
        if as_json:
            print_json(stage.as_json(dialogs))
        if keep:
            _addresses(stage, broker)
            await asyncio.Event().wait()
    return stage


def _addresses(stage: Stage, broker: Broker) -> None:
    echo(f"RabbitMQ          {broker.url} ({broker.how}); queues hospital.* and municipality.*")
    echo(f"mail              smtp://127.0.0.1:{stage.post_office_port}")
    echo(f"configuration     {stage.directory}")
    for name, seat in stage.seats.items():
        echo(f"{name:17} http://127.0.0.1:{seat.http_port}/metrics, /health/ready")
    echo("Ctrl-C stops it and removes nothing.")
