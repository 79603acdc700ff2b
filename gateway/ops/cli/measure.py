"""``bench``: the measured figures of docs/performance.md."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

from typer import Option, echo

from gateway.ops.bench.floor import Cost, measure_floor
from gateway.ops.bench.page import performance_page, summary
from gateway.ops.bench.sample import make_sample
from gateway.ops.bench.stages import measure_adapters, measure_codecs
from gateway.ops.bench.whole import Whole, measure_whole
from gateway.ops.broker import find_or_start_broker
from gateway.ops.cli.shell import app, cannot_write, explained
from gateway.ops.demo_config import free_seats, write_demo
from gateway.ops.logs import configure_logging


@app.command()
def bench(
    messages: Annotated[
        int, Option("--messages", min=10, help="Messages sent through the whole gateway.")
    ] = 500,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="Write the page here, as docs/performance.md."),
    ] = None,
) -> None:
    """Mål gatewayen mot ren kryptografi / Measure the gateway beside the bare cryptography."""
    configure_logging("warning", "console", file=sys.stderr)
    if output is not None:
        _require_writable(output)
    with (
        explained(),
        tempfile.TemporaryDirectory(prefix="dialog-gateway-bench-") as folder,
        find_or_start_broker(say=echo) as broker,
    ):
        directory = Path(folder)
        write_demo(directory, seats=free_seats(), broker_url=broker.url)
        sample = make_sample(directory)
        floor, codecs = measure_floor(sample), measure_codecs(sample)

        async def run() -> tuple[tuple[Cost, ...], Whole]:
            adapters = await measure_adapters(directory, sample, broker.url)
            return adapters, await measure_whole(directory, sample, broker.url, messages)

        adapters, whole = asyncio.run(run())
    for line in summary(floor, whole):
        echo(line)
    page = performance_page(floor, (*codecs, *adapters), whole, document_bytes=len(sample.document))
    if output is not None:
        output.write_text(page, encoding="utf-8")
        echo(f"written: {output}")
    else:
        echo(page)


def _require_writable(output: Path) -> None:
    """Before minutes of measuring, not after."""
    try:
        output.open("ab").close()
    except OSError as error:
        cannot_write(output, error)
