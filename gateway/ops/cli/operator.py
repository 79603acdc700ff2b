"""Commands for who watches the messages: ``trace`` and ``unconfirmed``."""

from typing import Annotated

from typer import Argument, Exit, echo

from gateway.domain.identifiers import bare_mail_id
from gateway.domain.ledger import Incoming, Outgoing
from gateway.domain.persons import contains_national_number
from gateway.ops.cli.shell import ConfigOption, JsonOption, app, office_from, print_json, run_async
from gateway.ops.journal import opened_journal
from gateway.ops.waiting import WAITS_FOR, EpjWait, Wait, waits_from
from gateway.ops.wording import (
    actor_text,
    event_text,
    level_text,
    local_time,
    on_one_line,
    utc_text,
)
from gateway.ports import JournalEvent


@app.command()
def trace(
    any_id: Annotated[str, Argument(metavar="ID", help="Any id of the message.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Vis alt som har hendt med en melding, eldste først. / Every event, oldest first.

    ID is a MsgId, eb:MessageId, eb:ConversationId, AMQP message_id, our own, or the Message-ID of
    a mail, whoever sent it; a receipt tells of the message it is about. Exit 0 known, 1 unknown.
    """
    office = office_from(config)

    async def read() -> list[JournalEvent]:
        async with opened_journal(office) as journal:
            return list(await journal.trail(bare_mail_id(any_id)))

    events = run_async(read())
    if as_json:
        print_json({"id": any_id, "events": [event_json(event) for event in events]})
    elif events:
        echo("\n".join(event_line(event) for event in events))
    if not events:
        echo("Ukjent id / unknown id", err=True)
        raise Exit(1)


def event_json(event: JournalEvent) -> dict[str, object]:
    """One line of the trail, for machines."""
    return {
        "at": utc_text(event.at),
        "name": event.name,
        "text_nb": event_text(event.name),
        "side": None if event.side is None else event.side.value,
        "entry_id": event.entry_id,
        "message_id": event.message_id,
        "arrival_id": event.arrival_id,
        "code": event.code,
        "actor": event.actor,
        "detail": dict(event.detail),
    }


def event_line(event: JournalEvent) -> str:
    """One line of the trail, for people: local time, words, the name, and what belongs to it."""
    line = f"{local_time(event.at)}  {event_text(event.name)} ({event.name})"
    if event.code is not None:
        line += f"  {event.code}"
    if event.actor is not None:
        line += f"  {event.actor}"
    if event.message_id is not None:
        line += f"  eb:{event.message_id}"
    if event.arrival_id is not None:
        line += f"  mail:{event.arrival_id}"
    told = [f"{name}={value}" for name, value in event.detail.items() if value is not None]
    return on_one_line(line + (f"  [{', '.join(told)}]" if told else ""))


@app.command()
def unconfirmed(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Vis hva som venter på kvittering, lengst ventetid først. / What waits for a receipt.

    First what was sent, then what the EPJ has not confirmed. Exit 0, also when nothing waits;
    1 when it cannot be read.
    """
    office = office_from(config)

    async def read() -> tuple[list[Wait], list[EpjWait]]:
        async with opened_journal(office) as journal:
            epj = [EpjWait(entry=entry) for entry in await journal.unconfirmed_by_epj()]
            return waits_from(await journal.unconfirmed()), epj

    sent, received = run_async(read())
    if as_json:
        print_json(
            {
                "unconfirmed": [wait.as_json() for wait in sent],
                "unconfirmed_by_epj": [wait.as_json() for wait in received],
            }
        )
        return
    if not sent and not received:
        echo("Ingenting venter på kvittering / nothing waits for a receipt")
    for wait in sent:
        echo(wait_lines(wait))
    for one in received:
        echo(epj_wait_lines(one))


def _shown(entry: Outgoing | Incoming) -> str:
    """The MsgId, which EPJ users know; our own id where it is absent or may not be shown."""
    if entry.msg_id is None or contains_national_number(entry.msg_id):
        return entry.entry_id
    return entry.msg_id


def wait_lines(wait: Wait) -> str:
    """One message that waits, for people."""
    entry = wait.entry
    late = f"  FORSINKET {level_text(entry.overdue)}" if entry.overdue is not None else ""
    due = "-" if wait.next_look is None else local_time(wait.next_look)
    who = "ingen ennå / nobody yet" if wait.who is None else actor_text(wait.who)
    lines = [
        f"{_shown(entry)}  HER-id {entry.receiver_her} {entry.service_code or ''}{late}",
        f"    venter på / waits for: {WAITS_FOR[wait.waits_for]},"
        f" siden / since {local_time(entry.accepted_at)}",
        f"    forsøk / attempts: {wait.attempts}, neste / next: {due}, tiltak / acts: {who}",
    ]
    return "\n".join(map(on_one_line, lines))


def epj_wait_lines(wait: EpjWait) -> str:
    """One message that the EPJ has said nothing about, for people."""
    entry = wait.entry
    late = f"  FORSINKET {level_text(entry.overdue)}" if entry.overdue is not None else ""
    since = "-" if entry.handed_at is None else local_time(entry.handed_at)
    who = "ingen ennå / nobody yet" if wait.who is None else actor_text(wait.who)
    lines = [
        f"{_shown(entry)}  HER-id {entry.sender_her} -> {entry.receiver_her}{late}",
        f"    venter på / waits for: {WAITS_FOR['confirmation']}, siden / since {since}",
        f"    tiltak / acts: {who}",
    ]
    return "\n".join(map(on_one_line, lines))
