"""``content``: read one message itself; the one command that gives out patient data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

from typer import Argument, Exit, Option, echo

from gateway.adapters.clock import SystemClock
from gateway.office import Office
from gateway.ops.cli.audit import ByOption, ReasonOption, actor
from gateway.ops.cli.shell import ConfigOption, app, cannot_write, office_from, run_async
from gateway.ops.journal import opened_journal
from gateway.ports import Journal, JournalEvent


@app.command()
def content(
    any_id: Annotated[str, Argument(metavar="ID", help="Any id of the message.")],
    output: Annotated[Path, Option("-o", "--output", help="New file, readable by you alone.")],
    reason: ReasonOption,
    by: ByOption = None,
    config: ConfigOption = None,
) -> None:
    """Skriv ut selve meldingen til en fil; føres i revisjonssporet. / One message, audited.

    For what a person must read, such as a report of a fault in a message (GW-118). Who read it
    and why is recorded before the file is written. Exit 0 written, 1 unknown or not kept.
    """
    office = office_from(config)
    with new_file(output) as file:
        document = run_async(_read(office, any_id, actor(by), reason))
        if document is None:
            echo("Ukjent id, eller ikke noe innhold / unknown id, or no content kept", err=True)
            raise Exit(1)
        file.write(document)
    echo(f"Skrevet / written: {output}. Slett filen etter bruk. / Delete it after use.")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read, gone again if the block fails.

    It is opened before the block: what cannot be written is not to be recorded as read.

    Raises:
        Exit: 1, explained; there is such a file, or it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        cannot_write(path, error)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            cannot_write(path, error)
        raise


async def _read(office: Office, any_id: str, who: str, reason: str) -> bytes | None:
    async with opened_journal(office) as journal:
        return await audited_content(journal, any_id, actor=who, reason=reason)


async def audited_content(
    journal: Journal, any_id: str, *, actor: str, reason: str
) -> bytes | None:
    """The business document of the message that ``any_id`` names, None when there is none.

    The reading is in the trail before anybody has seen a byte.
    """
    events = await journal.trail(any_id)
    for entry_id in dict.fromkeys(event.entry_id for event in events if event.entry_id):
        async with journal.transaction() as tx:
            document = await tx.document(entry_id)
            if document is None:
                continue
            await tx.record(
                JournalEvent(
                    at=SystemClock().now(),
                    name="content_read",
                    entry_id=entry_id,
                    actor=actor,
                    detail={"reason": reason},
                )
            )
        return document
    return None
