"""Commands about one mail, offline: ``wrap`` and ``open``."""

import os
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, echo

from gateway.adapters.clock import SystemClock, new_uuid
from gateway.domain.findings import Direction, Verdict
from gateway.errors import UnsupportedFormat
from gateway.ops.cli.message import FileArgument, read_input, verdict_lines
from gateway.ops.cli.shell import (
    ConfigOption,
    JsonOption,
    app,
    cannot_write,
    explained,
    fail,
    has_config,
    office_from,
    print_json,
)
from gateway.ops.opened import opened_lines
from gateway.ops.opening import open_mail
from gateway.ops.verdicts import judge
from gateway.ops.wrapping import wrap_mail

MailArgument = Annotated[Path, Argument(metavar="MAIL", show_default=False)]


@app.command()
def wrap(
    file: FileArgument,
    output: Annotated[Path, Option("--output", "-o", help="The mail to write.")],
    config: ConfigOption = None,
) -> None:
    """Lag én ebXML-e-post av en melding, uten å sende den. / Make one mail; sends nothing.

    Screens with addresses, strips as configured, seals, signs. Exit 0 written, 1 refused,
    2 no such file.
    """
    body = read_input(file)
    office = office_from(config)
    judged = judge(
        body,
        direction=Direction.OUTGOING,
        policy=office.screening,
        book=office.book,
        limits=office.xml_limits,
    )
    if judged.screening.verdict is Verdict.REJECT:
        echo(verdict_lines(judged.screening), err=True)
        raise Exit(1)
    if judged.document is None:
        fail(UnsupportedFormat("an AppRec is made by the gateway, not wrapped"))
    with explained():
        made = wrap_mail(body, judged, office, clock=SystemClock(), new_id=new_uuid)
    write_output(output, made.mail)
    echo(verdict_lines(judged.screening))
    echo(f"eb:MessageId {made.message_id}, {len(made.mail)} bytes: {output}")


@app.command("open")
def open_(
    mail: MailArgument,
    as_json: JsonOption = False,
    output: Annotated[
        Path | None, Option("--output", "-o", help="Write the document that was sealed.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Vis hva en ebXML-e-post sier, og om signaturen holder. / What a mail says, and if it holds.

    Without a configuration nothing is unsealed and no trust is checked. Exit 0 good, 1 signature,
    digest, seal or trust fails, 2 not ebXML or no such file.
    """
    raw = read_input(mail)
    office = office_from(config) if has_config(config) else None
    opened = open_mail(raw, office=office, at=SystemClock().now())
    if as_json:
        print_json(opened.as_json())
    else:
        echo(opened_lines(opened))
    if output is None:
        raise Exit(opened.exit_code)
    if opened.document is None:
        echo("Ikke noe dokument å skrive / no document to write", err=True)
        raise Exit(opened.exit_code or 1)
    write_output(output, opened.document)
    raise Exit(opened.exit_code)


def write_output(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, or exit 1; it may hold a document in clear."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
    except OSError as error:
        cannot_write(file, error)
