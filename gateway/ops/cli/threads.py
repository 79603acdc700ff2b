"""Commands about conversations: ``threads list | close``."""

from typing import Annotated

from typer import Argument, BadParameter, Exit, Option, Typer, echo

from gateway.domain.identifiers import MsgId
from gateway.domain.ledger import Side
from gateway.domain.thread import Lateness, Reply, Turn
from gateway.office import Office
from gateway.ops.cli.audit import ByOption, ReasonOption, actor
from gateway.ops.cli.dead_letters import processes_of
from gateway.ops.cli.shell import ConfigOption, JsonOption, app, office_from, print_json, run_async
from gateway.ops.journal import opened_journal
from gateway.ops.wording import local_time, on_one_line, utc_text

threads_app = Typer(
    help="Spørsmål som venter på svar. / Questions that wait for an answer.",
    no_args_is_help=True,
)
app.add_typer(threads_app, name="threads")

_WHO = {Side.OUTGOING: "partneren / the partner", Side.INCOMING: "vi / we"}
_LATE = {
    None: "",
    Lateness.DUE: "påminnelse / reminder",
    Lateness.OVERDUE: "FORSINKET / OVERDUE",
}


@threads_app.command("list")
def list_threads(
    overdue: Annotated[
        bool, Option("--overdue", help="Only those whose reply time has run out.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List spørsmål uten svar, eldste først. / Open questions, oldest first; exit 0.

    Never shows content or patients.
    """
    office = office_from(config)

    async def read() -> list[Turn]:
        async with opened_journal(office) as journal:
            return list(await journal.open_questions())

    turns = [turn for turn in run_async(read()) if not overdue or turn.lateness is Lateness.OVERDUE]
    if as_json:
        print_json({"questions": [question_json(turn) for turn in turns]})
        return
    for turn in turns:
        echo(question_line(turn))
    if not turns:
        echo("Ingen spørsmål venter på svar / no question waits for an answer")


@threads_app.command()
def close(
    msg_id: Annotated[str, Argument(metavar="ID", help="MsgId of the question.")],
    reason: ReasonOption,
    by: ByOption = None,
    yes: Annotated[
        bool, Option("--yes", help="Do it; otherwise only say what would be done.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Avslutt et spørsmål som er besvart på annen måte. / Close; exit 0 if it was open, else 1.

    A dry run until --yes. Reminders end, the message itself stays as it is.
    """
    if not msg_id.strip():
        raise BadParameter("tom id / empty id")
    closed = run_async(_close(office_from(config), msg_id.strip(), reason, actor(by), yes))
    for turn in closed:
        echo(question_line(turn))
    done = "avsluttet / closed" if yes else "ville avsluttet / would close (add --yes)"
    echo(f"{done}: {len(closed)}")
    raise Exit(0 if closed else 1)


async def _close(office: Office, msg_id: str, reason: str, who: str, yes: bool) -> list[Turn]:
    async with opened_journal(office) as journal:
        threads = processes_of(office, journal).threads
        async with journal.transaction() as tx:
            turns = [
                turn for turn in await tx.turns_by_msg_id(MsgId(msg_id)) if turn.reply is Reply.OPEN
            ]
            if not yes:
                return turns
            # Another operator may have been a moment faster.
            return [
                turn
                for turn in turns
                if await threads.close(tx, turn.entry_id, actor=who, reason=reason)
            ]


def question_json(turn: Turn) -> dict[str, object]:
    """One open question, for machines."""
    return {
        "msg_id": turn.msg_id,
        "side": turn.side.value,
        "own_her": turn.own_her,
        "partner_her": turn.partner_her,
        "asked_at": utc_text(turn.at),
        "counted_from": None if turn.counted_from is None else utc_text(turn.counted_from),
        "due_at": None if turn.due_at is None else utc_text(turn.due_at),
        "lateness": None if turn.lateness is None else turn.lateness.value,
    }


def question_line(turn: Turn) -> str:
    """The same for people: since when, who owes the answer, which services."""
    late = _LATE[turn.lateness]
    return (
        f"{local_time(turn.at)}  {on_one_line(turn.msg_id)}  "
        f"{turn.own_her} <-> {turn.partner_her}  svar skyldes av / owed by {_WHO[turn.side]}"
        + (f"  {late}" if late else "")
    )
