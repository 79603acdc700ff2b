"""Two offices with a post office between them, in memory or on SQLite, moved by hand.

The hospital and the municipality are wired as the daemon wires them; only queues
and mail are played here. Nothing moves until ``Offices.settle`` is called, and
after every step both ledgers must balance.
"""

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, Literal

from gateway.adapters.journal.engine import open_journal
from gateway.codecs.msghead import render_answer, render_request
from gateway.config.load import load_settings
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Incoming, Outgoing, Sums
from gateway.domain.message import ANSWER, DialogMessage
from gateway.errors import Disposition, GatewayError
from gateway.office import Office, OwnKeys, open_office
from gateway.ops.demo_config import write_demo
from gateway.ops.demo_keys import make_demo_keys
from gateway.ports import Journal, KeyPair, OutboundMessage, QueueMessage
from gateway.queues import Queue
from gateway.wiring import Processes, wire
from tests.builders_keys import a_certificate
from tests.builders_message import a_party, a_request
from tests.fakes_journal import FakeJournal, HandClock

MORNING = datetime(2026, 3, 4, 9, 20, tzinfo=UTC)  # five minutes after a_request() was written
HOSPITAL, MUNICIPALITY = "hospital", "municipality"
WARD, NURSES = HerId("910004"), HerId("920001")  # a service of each
Policy = Literal["strip", "reject"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail between the offices, as it lies in the post office."""

    raw: bytes
    sender: str
    recipient: str
    envelope_id: str


@dataclass(slots=True)
class Post:
    """The outgoing transport of one office. ``fault`` is raised instead of taking a mail."""

    mails: list[Mail] = field(default_factory=list)  # all that were taken, in order
    waiting: list[Mail] = field(default_factory=list)  # not yet carried to the other office
    fault: Exception | None = None
    lose_answer: bool = False  # takes the mail and raises all the same
    meanwhile: Callable[[], Awaitable[None]] | None = None  # done while the mail is handed over

    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        if self.fault is not None and not self.lose_answer:
            raise self.fault
        taken = Mail(mail, sender, recipient, envelope_id)
        self.mails.append(taken)
        self.waiting.append(taken)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fault is not None:
            raise self.fault


@dataclass(slots=True)
class Desk:
    """One office: its processes, and what its EPJ and its operators got to see."""

    name: str
    office: Office
    journal: Journal
    post: Post
    processes: Processes
    status: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[OutboundMessage] = field(default_factory=list)
    notices: list[OutboundMessage] = field(default_factory=list)
    held: list[OutboundMessage] = field(default_factory=list)  # orders kept back by ``holding``
    holding: frozenset[str] = frozenset()  # queues whose messages wait in ``held``

    @property
    def state(self) -> Any:
        """What the journal in memory holds."""
        assert isinstance(self.journal, FakeJournal)
        return self.journal.state

    async def hand_in(
        self, document: bytes, *, content_type: str = "application/xml", name: str = "amqp-1"
    ) -> None:
        """Put a document on ``epj.outgoing``."""
        await self.processes.accept(
            QueueMessage(body=document, content_type=content_type, message_id=name)
        )

    async def confirm(self, msg_id: str, outcome: str = "stored", **more: object) -> None:
        """Say on ``epj.confirmations`` what became of a message."""
        body = json.dumps({"msg_id": msg_id, "outcome": outcome, **more}).encode()
        await self.processes.confirm(QueueMessage(body=body))

    async def take_in(self, raw: bytes, *, transport_id: str | None = None) -> None:
        """Hand over a mail to the listener."""
        await self.processes.intake(raw, account="smtp", transport_id=transport_id)

    async def handle(self, message: OutboundMessage, *, redelivered: bool = False) -> None:
        """Do what the consumer of the message's queue does."""
        given = QueueMessage(
            body=message.body,
            content_type=message.content_type,
            message_id=message.message_id,
            redelivered=redelivered,
        )
        match message.queue:
            case Queue.TRANSPORT_SEND:
                await self.processes.dispatch(given)
            case Queue.TRANSPORT_RECEIVED:
                await self.processes.receive(given)
            case Queue.EPJ_CONFIRMATIONS:
                await self.processes.confirm(given)
            case Queue.EPJ_STATUS:
                self.status.append(json.loads(message.body))
            case Queue.EPJ_INCOMING:
                self.delivered.append(message)
            case Queue.DEAD_LETTERS:
                self.notices.append(message)
            case _:
                raise AssertionError(f"nobody reads {message.queue}")

    @property
    def events(self) -> list[str]:
        """Names of the status events, in order."""
        return [str(event["type"]).split(".")[-2] for event in self.status]

    @property
    def last(self) -> Mapping[str, Any]:
        """Data of the last status event."""
        data: Mapping[str, Any] = self.status[-1]["data"]
        return data

    async def outgoing(self, msg_id: str, receiver: HerId = NURSES) -> Outgoing:
        """The entry of a message that was sent."""
        async with self.journal.transaction() as tx:
            entry = await tx.outgoing_by_msg_id(MsgId(msg_id), receiver, WARD)
        assert entry is not None
        return entry

    async def incoming(self, msg_id: str) -> list[Incoming]:
        """The entries that carried a document."""
        async with self.journal.transaction() as tx:
            return list(await tx.incoming_by_msg_id(MsgId(msg_id)))

    async def trail(self, any_id: str) -> list[str]:
        """Names of the journal events, in order."""
        return [event.name for event in await self.journal.trail(any_id)]

    async def letters(self) -> list[tuple[str, str]]:
        """Open dead letters: what each is about, and its code."""
        return [(letter.letter_id, letter.code) for letter in await self.journal.dead_letters()]

    async def replay(self, letter_id: str) -> bool:
        """An operator's replay."""
        async with self.journal.transaction() as tx:
            decisions = self.processes.decisions
            return await decisions.replay(tx, letter_id, actor="kari", reason="checked")

    async def discard(self, letter_id: str) -> bool:
        """An operator's discard."""
        async with self.journal.transaction() as tx:
            decisions = self.processes.decisions
            return await decisions.discard(tx, letter_id, actor="kari", reason="telephoned")


@dataclass(slots=True)
class Offices:
    """Both offices; one clock for both."""

    clock: HandClock
    hospital: Desk
    municipality: Desk
    carry: bool = True  # whether mail reaches the other side
    new_id: Any = None

    @property
    def both(self) -> tuple[Desk, Desk]:
        return self.hospital, self.municipality

    async def settle(self) -> None:
        """Move queue messages and mail until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for desk in self.both:
                moved |= await self._work_off(desk)
            if self.carry:
                moved |= await self.carry_mail()

    async def carry_mail(self) -> bool:
        """Carry all waiting mail to the listeners it is addressed to."""
        moved = False
        for desk in self.both:
            waiting, desk.post.waiting = desk.post.waiting, []
            for mail in waiting:
                name = mail.recipient.partition("@")[0]
                for other in self.both:
                    if other.name == name:
                        await persistently(partial(other.take_in, mail.raw))
                        moved = True
        return moved

    async def sweep(self) -> None:
        """One sweep in both offices, and what follows from it."""
        for desk in self.both:
            await persistently(desk.processes.sweep)
        await self.settle()

    async def pass_time(self, **by: float) -> None:
        """Move the clock, then sweep."""
        self.clock.move(**by)
        await self.sweep()

    async def _work_off(self, desk: Desk) -> bool:
        rows = await desk.journal.claim_outbox(200)
        for row in rows:
            if row.queue in desk.holding:
                desk.held.append(row)
                continue
            await persistently(partial(desk.handle, row))
            await require_balance(desk)
        await desk.journal.outbox_published([row.outbox_id for row in rows])
        return bool(rows)


async def persistently(call: Callable[[], Awaitable[object]]) -> None:
    """Do something as a consumer does: what is temporary is tried again."""
    for _ in range(50):
        try:
            await call()
        except GatewayError as error:
            if error.disposition is not Disposition.RETRY:
                raise
            await asyncio.sleep(0)
        else:
            return
    raise AssertionError("a fault that was temporary did not pass")


async def require_balance(desk: Desk) -> None:
    """Both sides of the ledger balance."""
    ledger = await desk.journal.ledger()
    assert ledger.balanced, (desk.name, ledger.as_json())


async def sums(desk: Desk) -> tuple[Sums, Sums]:
    """The ledger, balanced: outgoing, incoming."""
    await require_balance(desk)
    ledger = await desk.journal.ledger()
    return ledger.outgoing, ledger.incoming


@cache
def an_office(name: str, outgoing: Policy = "strip", incoming: Policy = "reject") -> Office:
    """The office of a demo party, with keys valid at ``MORNING``; read from files once."""
    office = open_office(load_settings(demo_folder() / f"{name}.toml"))
    settings = office.settings
    changed = {
        "outgoing": settings.outgoing.model_copy(update={"attachments": outgoing}),
        "incoming": settings.incoming.model_copy(update={"attachments": incoming}),
    }
    return replace(office, settings=settings.model_copy(update=changed))


def signing_within(office: Office, not_before: datetime, not_after: datetime) -> Office:
    """The same office, its signing certificate issued anew for these dates."""
    key = office.keys.signing.private_key
    certificate = a_certificate(key, not_before=not_before, not_after=not_after)
    return replace(office, keys=OwnKeys(KeyPair(key, certificate), office.keys.unsealing))


@cache
def demo_folder() -> Path:
    """Configurations and keys of the demo's parties, written once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="offices-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_demo_keys(folder, at=MORNING)
    write_demo(folder)
    return folder


def counting_ids() -> Any:
    """A source of UUIDs that gives the same ones in every run."""
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012x}"


def two_offices(
    *,
    clock: HandClock | None = None,
    outgoing: Policy = "strip",
    incoming: Policy = "reject",
    journals: Mapping[str, Journal] | None = None,
    rooms: Mapping[str, Office] | None = None,
) -> Offices:
    """Both offices: the demo's unless ``rooms`` are given, with journals in memory likewise."""
    clock = clock or HandClock(MORNING)
    new_id = counting_ids()

    def desk(name: str) -> Desk:
        office = an_office(name, outgoing, incoming) if rooms is None else rooms[name]
        post = Post()
        journal = FakeJournal(clock) if journals is None else journals[name]
        processes = wire(office, journal, post, clock=clock, new_id=new_id)
        return Desk(name, office, journal, post, processes)

    return Offices(clock, desk(HOSPITAL), desk(MUNICIPALITY), new_id=new_id)


@asynccontextmanager
async def offices_on_sqlite(
    folder: Path,
    *,
    outgoing: Policy = "strip",
    incoming: Policy = "reject",
    rooms: Mapping[str, Office] | None = None,
) -> AsyncIterator[Offices]:
    """The same with a SQLite journal each, below ``folder``."""
    clock = HandClock(MORNING)
    async with AsyncExitStack() as stack:
        journals: dict[str, Journal] = {}
        for name in (HOSPITAL, MUNICIPALITY):
            journals[name] = await stack.enter_async_context(
                open_journal(
                    f"sqlite:///{folder / name}.sqlite",
                    keys=an_office(name).content_keys,
                    clock=clock,
                    exclusive=True,
                )
            )
        yield two_offices(
            clock=clock, outgoing=outgoing, incoming=incoming, journals=journals, rooms=rooms
        )


def a_letter(msg_id: str = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1b01", **changes: object) -> bytes:
    """A request from the hospital's ward to the municipality's nurses, as its EPJ hands it in."""
    return written(a_letter_message(msg_id, **changes))


def a_letter_message(
    msg_id: str = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1b01", **changes: object
) -> DialogMessage:
    """The same as values."""
    ward = a_party(
        enterprise="910000",
        service=WARD,
        name="Blodsykdommer",
        owner="Demo sykehus HF (oppdiktet)",
    )
    nurses = a_party(
        enterprise="920000",
        service=NURSES,
        name="Saksbehandling",
        owner="Demo kommune (oppdiktet)",
    )
    message = replace(a_request(), msg_id=MsgId(msg_id), sender=ward, receiver=nurses)
    return replace(message, **changes)  # type: ignore[arg-type]  # names are checked by replace


def written(message: DialogMessage) -> bytes:
    """The document of a request or an answer."""
    return (render_answer if message.type.value == ANSWER else render_request)(message)


LETTER_ID = a_letter_message().msg_id
