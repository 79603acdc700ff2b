"""The demonstration from the first queue to the last ledger (design §11)."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from aio_pika.abc import AbstractRobustConnection

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import load_key_pair
from gateway.adapters.rabbitmq.connection import open_connections
from gateway.adapters.rabbitmq.topology import depths
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import ConfigurationError, Fault
from gateway.office import OwnKeys
from gateway.ops.demo import letters
from gateway.ops.demo.epj import Epj
from gateway.ops.demo.gateways import gateways
from gateway.ops.demo.neighbour import Neighbour
from gateway.ops.demo.postoffice import PostOffice
from gateway.ops.demo.progress import Conversations
from gateway.ops.demo.refusals import Refusals
from gateway.ops.demo.stage import PATIENCE_SECONDS, Stage
from gateway.ops.demo_config import NEIGHBOUR_HER, Pace, edi_of, free_seats, write_demo
from gateway.ops.demo_keys import FOREIGN, HOSPITAL, MUNICIPALITY, NEIGHBOUR, DemoParty
from gateway.ops.free_ports import free_ports
from gateway.ports import JournalEvent
from gateway.queues import Queue

PACE = Pace(resend=3.0, max_resends=2, lifetime=600.0, retry=0.5, answer=60.0, sweep=0.25)
AT_ONCE = 10  # dialogues of each side that are under way
ATTACHMENTS = {HOSPITAL.name: ("strip", "reject"), MUNICIPALITY.name: ("reject", "strip")}


@asynccontextmanager
async def play(
    directory: Path, broker_url: str, *, dialogs: int, mails: Path | None
) -> AsyncIterator[Stage]:
    """Run the main job; the stage is still running while the block has it.

    Args:
        directory: for configurations, keys and journals.
        broker_url: an AMQP broker; its ``hospital.`` and ``municipality.`` queues
            must not exist or be empty, and are deleted in the end.
        dialogs: how many dialogues each side begins.
        mails: folder that keeps every mail, or None.

    Raises:
        ConfigurationError: the broker's queues are in use, or keys cannot be written.
        GatewayError: a gateway cannot start.
    """
    stage = Stage(directory=directory, broker_url=broker_url)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(open_connections(broker_url, name="demo EPJ"))
        await _require_free_queues(stage, connections.consuming)
        stack.push_async_callback(_delete_queues, connections.publishing)
        post_office = PostOffice(kept=mails)
        await _configure(stage, broker_url)
        await post_office.start(stage.post_office_port)
        stack.push_async_callback(post_office.stop)
        await stack.enter_async_context(gateways(stage))
        for party in (HOSPITAL, MUNICIPALITY):
            post_office.serve(edi_of(party), stage.seats[party.name].listener_port)
            epj = Epj(
                connection=connections.publishing,
                prefix=f"{party.name}.",
                changed=stage.changed.set,
                silent_to=NEIGHBOUR_HER,  # two municipalities do not write to each other
            )
            await epj.start()
            stack.push_async_callback(epj.stop)
            stage.epjs[party.name] = epj
        neighbour = _neighbour(stage, post_office)
        stack.push_async_callback(neighbour.transport.close)
        acts = asyncio.create_task(_acts(stage, neighbour, dialogs, began))
        try:
            yield stage
        finally:
            acts.cancel()
            with suppress(asyncio.CancelledError):
                await acts


async def _acts(stage: Stage, neighbour: Neighbour, dialogs: int, began: float) -> None:
    """All that happens, side by side; when nothing happens any more it shows what is missing."""
    try:
        async with asyncio.TaskGroup() as acts:
            acts.create_task(_dialogues(stage, dialogs))
            acts.create_task(_refused(stage, neighbour))
            acts.create_task(_watch(stage, began))
    except* TimeoutError:
        stage.partner.append(
            f"ingenting har hendt på {PATIENCE_SECONDS:.0f} sekunder / "
            f"nothing has happened for {PATIENCE_SECONDS:.0f} seconds"
        )
    finally:
        stage.mails = neighbour.post_office.carried
        stage.over.set()


async def _configure(stage: Stage, broker_url: str) -> None:
    (stage.post_office_port,) = free_ports(1)
    stage.seats = free_seats(post_office_port=stage.post_office_port)
    await asyncio.to_thread(
        write_demo,
        stage.directory,
        seats=stage.seats,
        pace=PACE,
        broker_url=broker_url,
        attachments=ATTACHMENTS,
    )


def _neighbour(stage: Stage, post_office: PostOffice) -> Neighbour:
    folder = stage.directory

    def pair(party: DemoParty, use: str) -> tuple[Path, Path]:
        return folder / f"{party.name}-{use}.key.pem", folder / f"{party.name}-{use}.cert.pem"

    sealing = load_key_pair(*pair(NEIGHBOUR, "sealing"))
    book = stage.gateways[HOSPITAL.name].office.book
    me = next(entry for entry in book.entries if entry.edi == edi_of(NEIGHBOUR))
    neighbour = Neighbour(
        keys=OwnKeys(load_key_pair(*pair(NEIGHBOUR, "signing")), (sealing,)),
        foreign_keys=OwnKeys(load_key_pair(*pair(FOREIGN, "signing")), (sealing,)),
        book=book,
        clock=SystemClock(),
        transport=SmtpTransport(
            SmtpSettings(host="127.0.0.1", port=stage.post_office_port, security="none")
        ),
        post_office=post_office,
        address=edi_of(NEIGHBOUR),
        me=me,
        changed=stage.changed.set,
    )
    post_office.box(neighbour.address, neighbour.take)
    return neighbour


async def _dialogues(stage: Stage, count: int) -> None:
    """Every service of each side asks in turn; the other side's EPJ answers by itself."""
    numbers = letters.synthetic_numbers()
    hospital, municipality = (
        stage.services(HOSPITAL.name),
        stage.services(MUNICIPALITY.name),
    )
    plan = (
        (HOSPITAL.name, MUNICIPALITY.name, hospital, municipality),
        (MUNICIPALITY.name, HOSPITAL.name, municipality, hospital),
    )
    stage.conversations = [
        Conversations(
            name=asks, asking=stage.epjs[asks], answering=stage.epjs[answers], expected=count
        )
        for asks, answers, _, _ in plan
    ]
    for serial in range(count):
        # As many as two gateways on one machine keep up with: no mail waits for so long that
        # its sender sends it again, which is what it should do when nobody answers.
        await stage.until(lambda: all(one.under_way() < AT_ONCE for one in stage.conversations))
        for conversation, (_, _, ours, theirs) in zip(stage.conversations, plan, strict=True):
            request = letters.request(
                ours[serial % len(ours)],
                theirs[serial % len(theirs)],
                msg_id=str(uuid.uuid4()),
                at=datetime.now(UTC).replace(microsecond=0),
                number=next(numbers),
                serial=serial,
            )
            conversation.ask(request.msg_id)
            await conversation.asking.send(letters.written(request))


async def _refused(stage: Stage, neighbour: Neighbour) -> None:
    """First what must be refused, then the partner that is switched off and on."""
    epj = stage.epjs[HOSPITAL.name]
    numbers = letters.synthetic_numbers()
    hospital = stage.services(HOSPITAL.name)[3]
    refusals = Refusals(
        hospital=epj,
        municipality=stage.epjs[MUNICIPALITY.name],
        neighbour=neighbour,
        hospital_service=hospital,
        municipality_service=stage.services(MUNICIPALITY.name)[1],
        numbers=numbers,
    )
    await refusals.send_all()
    stage.refusals = refusals.expected
    await stage.until(refusals.look)

    def log(what: str) -> None:
        stage.partner.append(what)
        stage.changed.set()

    neighbour.on = False
    log("naboen er slått av / the neighbour is switched off")
    request = letters.request(
        hospital,
        neighbour.me,
        msg_id=str(uuid.uuid4()),
        at=datetime.now(UTC).replace(microsecond=0),
        number=next(numbers),
        serial=1,
    )
    await epj.send(letters.written(request))
    events = epj.events[request.msg_id]
    await stage.until(lambda: "dead-lettered" in events)
    log(
        f"{neighbour.swallowed} forsøk uten svar, i dead.letters / "
        f"{neighbour.swallowed} attempts without a receipt, in dead.letters"
    )
    neighbour.on = True
    log("naboen er slått på; operatøren sender på nytt / switched on; the operator replays")
    await _replay(stage, request.msg_id)
    await stage.until(lambda: "confirmed" in events)
    log("bekreftet / confirmed")
    stage.partner_done = True


async def _replay(stage: Stage, msg_id: str) -> None:
    """What ``dead-letters replay`` does."""
    gateway = stage.gateways[HOSPITAL.name]
    for letter in await gateway.journal.dead_letters():
        async with gateway.journal.transaction() as tx:
            entry = None if letter.entry_id is None else await tx.outgoing(letter.entry_id)
            if entry is not None and entry.msg_id == msg_id:
                await gateway.processes.decisions.replay(
                    tx, letter.letter_id, actor="demo", reason="the neighbour is back"
                )


async def _watch(stage: Stage, began: float) -> None:
    """Follow the ledgers until all is done, then draw the timeline of one dialogue."""

    def all_but_ledgers() -> bool:
        return (
            bool(stage.conversations)
            and all(one.done for one in stage.conversations)
            and stage.partner_done
        )

    await stage.until(all_but_ledgers)
    deadline = time.monotonic() + 30
    while not stage.balanced and time.monotonic() < deadline:
        for name, gateway in stage.gateways.items():
            stage.ledgers[name] = await gateway.journal.ledger()
        stage.changed.set()
        await asyncio.sleep(0.1)
    stage.timeline = await _timeline(stage)
    stage.seconds = time.monotonic() - began


async def _timeline(stage: Stage) -> list[tuple[str, JournalEvent]]:
    """Both sides' events of the hospital's first dialogue, by time."""
    conversation = stage.conversations[0]
    question = conversation.questions[0]
    answer = conversation.answering.answers_to.get(question, "")
    found: list[tuple[str, JournalEvent]] = []
    for name, gateway in stage.gateways.items():
        for msg_id in (question, answer):
            found += [(name, event) for event in await gateway.journal.trail(msg_id)]
    return sorted(found, key=lambda one: one[1].at)


async def _require_free_queues(stage: Stage, connection: AbstractRobustConnection) -> None:
    faults: list[Fault] = []
    for party in (HOSPITAL, MUNICIPALITY):
        for queue, depth in (await depths(connection, f"{party.name}.")).items():
            if depth:
                faults.append(Fault(f"{party.name}.{queue}", f"holds {depth} messages"))
    if faults:
        raise ConfigurationError(
            "the broker's demonstration queues are in use; give another virtual host",
            faults=tuple(faults),
        )


async def _delete_queues(connection: AbstractRobustConnection) -> None:
    async with await connection.channel() as channel:
        for party in (HOSPITAL, MUNICIPALITY):
            for queue in Queue:
                await channel.queue_delete(f"{party.name}.{queue}")
