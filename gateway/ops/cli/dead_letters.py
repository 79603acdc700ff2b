"""Commands about what a person must look at: ``dead-letters list | show``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from typer import Argument, Exit, Option, Typer, echo

from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.store import SqlJournal
from gateway.errors import TransportUnavailable
from gateway.office import Office
from gateway.ops.cli.operator import event_json, event_line
from gateway.ops.cli.parked import parked_of
from gateway.ops.cli.shell import ConfigOption, JsonOption, app, office_from, print_json, run_async
from gateway.ops.desk import Desk, Letter
from gateway.ops.journal import opened_journal
from gateway.ops.letters import letter_json, letter_lines, parked_json, parked_line
from gateway.ops.opened import Opened, opened_lines
from gateway.ops.opening import open_mail
from gateway.ops.parked import Choice, hindrance_of
from gateway.ops.wording import on_one_line
from gateway.ports import JournalEvent
from gateway.wiring import Processes, wire

_ABLE = "mulig / possible"

letters_app = Typer(
    help="Meldinger som må følges opp manuelt. / What a person must look at.",
    no_args_is_help=True,
)
app.add_typer(letters_app, name="dead-letters")

CodeOption = Annotated[
    str | None, Option("--code", help="Only letters with this error code, such as GW-113.")
]


class _NoTransport:
    """A command sends nothing: what it puts into the outbox the daemon acts on."""

    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        raise TransportUnavailable("a command has no transport")


def processes_of(office: Office, journal: SqlJournal) -> Processes:
    """The daemon's own processes, for a command that decides something and sends nothing."""
    return wire(office, journal, _NoTransport(), clock=SystemClock())


def desk_of(office: Office, journal: SqlJournal) -> Desk:
    """The operator's desk, with the daemon's own rules for replay and discard."""
    return Desk(journal=journal, decisions=processes_of(office, journal).decisions)


@letters_app.command("list")
def list_letters(
    code: CodeOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """List åpne saker, og det som ligger på køen parked. / Open letters, and the queue parked.

    Exit 0, also when there is nothing; 1 when the journal cannot be read.
    """
    office = office_from(config)

    async def read() -> list[Letter]:
        async with opened_journal(office) as journal:
            return await desk_of(office, journal).open_letters(code=code)

    letters = run_async(read())
    # Parked queue messages have no error code of ours.
    parked, note = ((), None) if code is not None else run_async(parked_of(office))
    if as_json:
        print_json(
            {
                "letters": [letter_json(letter) for letter in letters],
                "parked": None if parked is None else [parked_json(one) for one in parked],
                "note": note,
            }
        )
        return
    for letter in letters:
        echo(letter_lines(letter))
    for one in parked or ():
        echo(parked_line(one))
    if not letters and not parked:
        echo("Ingenting å følge opp / nothing to look at")
    if note is not None:
        echo(note, err=True)


@letters_app.command()
def show(
    any_id: Annotated[
        str,
        Argument(metavar="ID", help="Letter id, MsgId, eb:MessageId, or id of a parked message."),
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Vis én sak: hvorfor, hvem må gjøre noe, og hva som har hendt. / One letter, explained.

    Never shows content. Exit 0 found, 1 unknown.
    """
    office = office_from(config)

    async def read() -> _Shown | None:
        async with opened_journal(office) as journal:
            desk = desk_of(office, journal)
            letter = await desk.letter(any_id)
            if letter is None:
                return None
            mail = await desk.mail(letter.letter)
            return _Shown(
                letter=letter,
                trail=await desk.trail(letter.letter),
                hindrance=await desk.hindrance(letter),
                mail=None
                if mail is None
                else open_mail(mail, office=office, at=SystemClock().now()),
            )

    shown = run_async(read())
    if shown is None:
        _show_parked(office, any_id, as_json=as_json)
    elif as_json:
        print_json(shown.as_json())
    else:
        echo(shown.lines())


def _show_parked(office: Office, any_id: str, *, as_json: bool) -> None:
    parked, note = run_async(parked_of(office))
    prefix = office.settings.broker.prefix
    choice = Choice(ids=frozenset([any_id]), queue=None, prefix=prefix)
    found = [one for one in parked or () if choice.holds(one)]
    if not found:
        echo("Ukjent id / unknown id" if note is None else note, err=True)
        raise Exit(1)
    hindrances = [hindrance_of(one, prefix) for one in found]
    if as_json:
        print_json(
            {
                "parked": [
                    {**parked_json(one), "can_replay": hindrance is None, "hindrance": hindrance}
                    for one, hindrance in zip(found, hindrances, strict=True)
                ]
            }
        )
        return
    for one, hindrance in zip(found, hindrances, strict=True):
        echo(f"{parked_line(one)}\n    replay: {hindrance or _ABLE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """One letter with all that may be told of it: of a mail its envelope, never what it holds."""

    letter: Letter
    trail: Sequence[JournalEvent]
    hindrance: str | None
    mail: Opened | None

    def as_json(self) -> dict[str, object]:
        return {
            **letter_json(self.letter),
            "can_replay": self.hindrance is None,
            "hindrance": self.hindrance,
            "mail": None if self.mail is None else self.mail.as_json(),
            "trail": [event_json(event) for event in self.trail],
        }

    def lines(self) -> str:
        able = self.hindrance or _ABLE
        lines = [
            letter_lines(self.letter),
            f"    status: {self.letter.letter.state}, replay: {on_one_line(able)}",
        ]
        if self.mail is not None:
            lines += ["  e-posten / the mail:", opened_lines(self.mail)]
        return "\n".join([*lines, *(f"  {event_line(event)}" for event in self.trail)])
