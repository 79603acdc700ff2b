"""Commands about what a person must look at: ``dead-letters list | show | replay | discard``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from typer import Argument, BadParameter, Exit, Option, Typer, echo

from gateway import PRODUCT
from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import open_connections
from gateway.adapters.rabbitmq.notices import ParkedMessage, parked_messages
from gateway.app import take_off_notices
from gateway.errors import BrokerUnavailable, GatewayError, TransportUnavailable
from gateway.office import Office
from gateway.ops.cli.audit import ByOption, ReasonOption, actor
from gateway.ops.cli.operator import event_json, event_line, opened_journal
from gateway.ops.cli.shell import ConfigOption, JsonOption, app, office_from, print_json, run_async
from gateway.ops.desk import Desk, Letter
from gateway.ops.letters import letter_json, letter_lines, parked_json, parked_line
from gateway.ops.opened import Opened, opened_lines
from gateway.ops.opening import open_mail
from gateway.ops.wording import on_one_line
from gateway.ports import JournalEvent
from gateway.wiring import Processes, wire

_BROKER_SECONDS = 5.0  # a broker that is away must not keep an operator waiting

letters_app = Typer(
    help="Meldinger som må følges opp manuelt. / What a person must look at.",
    no_args_is_help=True,
)
app.add_typer(letters_app, name="dead-letters")

Ids = Annotated[
    list[str] | None,
    Argument(metavar="ID", help="Letter ids, MsgIds or eb:MessageIds.", show_default=False),
]
CodeOption = Annotated[
    str | None, Option("--code", help="Only letters with this error code, such as GW-113.")
]
YesOption = Annotated[bool, Option("--yes", help="Do it; otherwise only say what would be done.")]


class _NoTransport:
    """A command sends nothing: what it puts into the outbox the daemon acts on."""

    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        raise TransportUnavailable("a command has no transport")


def processes_of(office: Office, journal: SqlJournal) -> Processes:
    """The daemon's own processes, for a command that decides something and sends nothing."""
    return wire(office, journal, _NoTransport(), clock=SystemClock())


def desk_of(office: Office, journal: SqlJournal) -> Desk:
    """The operator's desk, with the daemon's own rules for replay and discard."""
    return Desk(journal=journal, decisions=processes_of(office, journal).letters)


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
    parked, note = ((), None) if code is not None else run_async(_parked(office))
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
    any_id: Annotated[str, Argument(metavar="ID", help="Letter id, MsgId or eb:MessageId.")],
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
        echo("Ukjent id / unknown id", err=True)
        raise Exit(1)
    if as_json:
        print_json(shown.as_json())
    else:
        echo(shown.lines())


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
        able = self.hindrance or "mulig / possible"
        lines = [
            letter_lines(self.letter),
            f"    status: {self.letter.letter.state}, replay: {on_one_line(able)}",
        ]
        if self.mail is not None:
            lines += ["  e-posten / the mail:", opened_lines(self.mail)]
        return "\n".join([*lines, *(f"  {event_line(event)}" for event in self.trail)])


@letters_app.command()
def replay(
    reason: ReasonOption,
    ids: Ids = None,
    code: CodeOption = None,
    by: ByOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Send, eller les, på nytt. / Send, or read, again; exit 0 if any matched, else 1.

    A dry run until --yes. A message keeps eb:MessageId and bytes while its lifetime lasts, and
    gets a new envelope after that.
    """

    _change(office_from(config), _Replay(reason, actor(by)), ids or [], code, yes=yes)


@letters_app.command()
def discard(
    reason: ReasonOption,
    ids: Ids = None,
    code: CodeOption = None,
    by: ByOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Avslutt uten å sende; ingenting slettes. / Close; exit 0 if any matched, else 1.

    A dry run until --yes. Nothing is deleted.
    """
    _change(office_from(config), _Discard(reason, actor(by)), ids or [], code, yes=yes)


class _Change(Protocol):
    """A decision about letters: its words, whether it can be, and the doing of it."""

    done: str
    would: str

    async def hindrance(self, desk: Desk, letter: Letter) -> str | None: ...
    async def do(self, desk: Desk, letter: Letter) -> bool: ...


@dataclass
class _Replay:
    reason: str
    by: str
    done: str = "sendt på nytt / replayed"
    would: str = "ville sendt på nytt / would replay (add --yes)"

    async def hindrance(self, desk: Desk, letter: Letter) -> str | None:
        return await desk.hindrance(letter)

    async def do(self, desk: Desk, letter: Letter) -> bool:
        return await desk.replay(letter, actor=self.by, reason=self.reason)


@dataclass
class _Discard:
    reason: str
    by: str
    done: str = "avsluttet / discarded"
    would: str = "ville avsluttet / would discard (add --yes)"

    async def hindrance(self, desk: Desk, letter: Letter) -> str | None:
        return None

    async def do(self, desk: Desk, letter: Letter) -> bool:
        return await desk.discard(letter, actor=self.by, reason=self.reason)


def _change(
    office: Office, change: _Change, ids: Sequence[str], code: str | None, *, yes: bool
) -> None:
    if not ids and code is None:
        raise BadParameter("gi ID-er eller --code / give IDs or --code")

    async def work() -> tuple[list[tuple[Letter, str | None]], str | None]:
        async with opened_journal(office) as journal:
            desk = desk_of(office, journal)
            ends: list[tuple[Letter, str | None]] = []
            for letter in await desk.chosen(ids, code=code):
                # What cannot be done is tried all the same with --yes: the trail shall say so.
                able = yes and await change.do(desk, letter)
                why = None if able else await change.hindrance(desk, letter)
                if yes and not able:
                    why = why or "avgjort av andre imens / settled by others meanwhile"
                ends.append((letter, why))
            changed = [letter for letter, why in ends if why is None]
            if not (yes and changed):
                return ends, None
            return ends, await _without_notices(office, journal, changed)

    ends, note = run_async(work())
    for letter, why in ends:
        echo(letter_lines(letter))
        if why is not None:
            echo(f"    IKKE MULIG / not possible: {why}")
    count = sum(why is None for _, why in ends)
    echo(f"{change.done if yes else change.would}: {count}")
    if note is not None:
        echo(note, err=True)
    raise Exit(0 if count else 1)


async def _without_notices(
    office: Office, journal: SqlJournal, letters: Sequence[Letter]
) -> str | None:
    """Take the notices off ``dead.letters``; a note when the daemon must do it later."""
    broker = office.settings.broker
    try:
        async with open_connections(
            broker.url, name=f"{PRODUCT} operator", connect_seconds=_BROKER_SECONDS
        ) as connections:
            await take_off_notices(
                journal, connections, office.settings, [letter.letter for letter in letters]
            )
    except GatewayError as error:
        return (
            f"{error.code}: varslene på dead.letters fjernes av tjenesten senere / "
            "the daemon removes the notices later"
        )
    return None


async def _parked(office: Office) -> tuple[tuple[ParkedMessage, ...] | None, str | None]:
    """What lies on ``parked``, or None and a note when the broker does not answer."""
    broker = office.settings.broker
    try:
        async with open_connections(
            broker.url, name=f"{PRODUCT} operator", connect_seconds=_BROKER_SECONDS
        ) as connections:
            return await parked_messages(connections.consuming, broker.prefix), None
    except BrokerUnavailable as error:
        return None, f"{error.code}: køen parked er ikke lest / the queue parked was not read"
