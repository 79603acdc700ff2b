"""Commands that decide what becomes of it: ``dead-letters replay | discard``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from typer import Argument, BadParameter, Exit, Option, echo

from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.parked import ParkedMessage
from gateway.app import take_off_notices
from gateway.errors import GatewayError
from gateway.office import Office
from gateway.ops.cli.audit import ByOption, ReasonOption, actor
from gateway.ops.cli.dead_letters import CodeOption, desk_of, letters_app
from gateway.ops.cli.parked import Settled, operators_connections, settle
from gateway.ops.cli.shell import ConfigOption, office_from, run_async
from gateway.ops.desk import Desk, Letter, is_named
from gateway.ops.journal import opened_journal
from gateway.ops.letters import letter_lines, parked_line
from gateway.ops.parked import Choice, ParkedDesk, hindrance_of
from gateway.ops.wording import on_one_line
from gateway.queues import Queue

Ids = Annotated[
    list[str] | None,
    Argument(
        metavar="ID",
        help="Letter ids, MsgIds, eb:MessageIds, or ids of parked messages.",
        show_default=False,
    ),
]
QueueOption = Annotated[
    Queue | None,
    Option("--queue", help="Only parked queue messages that came from this queue."),
]
YesOption = Annotated[bool, Option("--yes", help="Do it; otherwise only say what would be done.")]


@letters_app.command()
def replay(
    reason: ReasonOption,
    ids: Ids = None,
    code: CodeOption = None,
    queue: QueueOption = None,
    by: ByOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Send, eller les, på nytt. / Send, or read, again; exit 0 if any matched, else 1.

    A dry run until --yes. A message keeps eb:MessageId and bytes while its lifetime lasts, and
    gets a new envelope after that. A parked queue message goes back where it came from.
    """
    _change(office_from(config), _Replay(reason, actor(by)), _chosen(ids, code, queue), yes=yes)


@letters_app.command()
def discard(
    reason: ReasonOption,
    ids: Ids = None,
    code: CodeOption = None,
    queue: QueueOption = None,
    by: ByOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Avslutt uten å sende; ingenting slettes. / Close; exit 0 if any matched, else 1.

    A dry run until --yes. Nothing is deleted: a parked queue message moves into the journal.
    """
    _change(office_from(config), _Discard(reason, actor(by)), _chosen(ids, code, queue), yes=yes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What a decision is about."""

    ids: Sequence[str]
    code: str | None
    queue: Queue | None

    def parked(self, letters: Sequence[Letter], prefix: str) -> Choice | None:
        """Which parked messages are meant beside ``letters``; None: none can be."""
        if self.code is not None:
            return None  # parked messages have no error code of ours
        named = frozenset(
            any_id for any_id in self.ids if not any(is_named(one, any_id) for one in letters)
        )
        if self.queue is None and not named:
            return None
        return Choice(ids=named, queue=self.queue, prefix=prefix)


def _chosen(ids: Sequence[str] | None, code: str | None, queue: Queue | None) -> _Chosen:
    if not ids and code is None and queue is None:
        raise BadParameter("gi ID-er, --code eller --queue / give IDs, --code or --queue")
    if code is not None and queue is not None:
        raise BadParameter(
            "--code gjelder saker, --queue gjelder parked / --code is about letters, "
            "--queue about parked messages"
        )
    return _Chosen(ids=ids or (), code=code, queue=queue)


class _Change(Protocol):
    """A decision about letters and parked messages: its words, whether it can be, the doing."""

    done: str
    would: str

    async def hindrance(self, desk: Desk, letter: Letter) -> str | None: ...
    async def do(self, desk: Desk, letter: Letter) -> bool: ...
    def parked_hindrance(self, one: ParkedMessage, prefix: str) -> str | None: ...
    async def do_parked(self, desk: ParkedDesk, chosen: Sequence[str]) -> list[ParkedMessage]: ...


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

    def parked_hindrance(self, one: ParkedMessage, prefix: str) -> str | None:
        return hindrance_of(one, prefix)

    async def do_parked(self, desk: ParkedDesk, chosen: Sequence[str]) -> list[ParkedMessage]:
        return await desk.replay(chosen, actor=self.by, reason=self.reason)


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

    def parked_hindrance(self, one: ParkedMessage, prefix: str) -> str | None:
        return None

    async def do_parked(self, desk: ParkedDesk, chosen: Sequence[str]) -> list[ParkedMessage]:
        return await desk.discard(chosen, actor=self.by, reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Each letter and parked message with why nothing was done, or None; and what else to say."""

    letters: Sequence[tuple[Letter, str | None]]
    parked: Settled
    notes: Sequence[str | None]

    def lines(self) -> Iterator[str]:
        told = [(letter_lines(letter), why) for letter, why in self.letters]
        told += [(parked_line(one), why) for one, why in self.parked.ends]
        for text, why in told:
            yield text
            if why is not None:
                yield on_one_line(f"    IKKE MULIG / not possible: {why}")

    @property
    def count(self) -> int:
        """How many were, or would be, settled."""
        return sum(why is None for _, why in (*self.letters, *self.parked.ends))


def _change(office: Office, change: _Change, chosen: _Chosen, *, yes: bool) -> None:
    async def work() -> _Outcome:
        async with opened_journal(office) as journal:
            ends = await _letters(desk_of(office, journal), change, chosen, yes=yes)
            changed = [letter for letter, why in ends if why is None]
            notices = await _without_notices(office, journal, changed) if yes and changed else None
            choice = chosen.parked([one for one, _ in ends], office.settings.broker.prefix)
            parked = Settled()
            if choice is not None:
                do = change.do_parked if yes else None
                parked = await settle(office, journal, choice, change.parked_hindrance, do)
            return _Outcome(letters=ends, parked=parked, notes=(notices, parked.note))

    outcome = run_async(work())
    for line in outcome.lines():
        echo(line)
    echo(f"{change.done if yes else change.would}: {outcome.count}")
    for note in outcome.notes:
        if note is not None:
            echo(note, err=True)
    raise Exit(0 if outcome.count else 1)


async def _letters(
    desk: Desk, change: _Change, chosen: _Chosen, *, yes: bool
) -> list[tuple[Letter, str | None]]:
    if chosen.queue is not None:
        return []  # only parked messages came from a queue
    ends: list[tuple[Letter, str | None]] = []
    for letter in await desk.chosen(chosen.ids, code=chosen.code):
        # What cannot be done is tried all the same with --yes: the trail shall say so.
        able = yes and await change.do(desk, letter)
        why = None if able else await change.hindrance(desk, letter)
        if yes and not able:
            why = why or "avgjort av andre imens / settled by others meanwhile"
        ends.append((letter, why))
    return ends


async def _without_notices(
    office: Office, journal: SqlJournal, letters: Sequence[Letter]
) -> str | None:
    """Take the notices off ``dead.letters``; a note when the daemon must do it later."""
    try:
        async with operators_connections(office) as connections:
            await take_off_notices(
                journal, connections, office.settings, [letter.letter for letter in letters]
            )
    except GatewayError as error:
        return (
            f"{error.code}: varslene på dead.letters fjernes av tjenesten senere / "
            "the daemon removes the notices later"
        )
    return None
