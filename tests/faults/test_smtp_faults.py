"""The mail server says 451, 550, nothing at all, or hangs up after DATA."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.domain.ledger import Sums
from gateway.errors import TransportRefused
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY, NEIGHBOUR
from tests.broker_fixture import eventually
from tests.faults.claims import nothing_is_lost
from tests.faults.conftest import Size
from tests.faults.mailserver import Choose, Fault, MailServer, mail_server
from tests.faults.pair import EDI, NAMES, Pair, quiet_ports, running_pair

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.xdist_group("smtp faults")]

SHARE = 0.4  # of the mails that something happens to
SETTINGS = {"GATEWAY__SMTP__TIMEOUT_SECONDS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    pair: Pair
    server: MailServer


@asynccontextmanager
async def a_scene(directory: Path, demo_keys: Path, broker_url: str) -> AsyncIterator[Scene]:
    """Both gateways with the bad server between them and the post office."""
    (port,) = quiet_ports(1)
    async with (
        running_pair(directory, demo_keys, broker_url, smtp_port=port, settings=SETTINGS) as pair,
        mail_server(port, onward_port=pair.post_office_port) as server,
    ):
        yield Scene(pair=pair, server=server)


@pytest.fixture(scope="module")
async def shared_scene(
    tmp_path_factory: pytest.TempPathFactory, demo_keys: Path, broker_url: str
) -> AsyncIterator[Scene]:
    """The scene of all tests that leave nothing behind; what they claim adds up."""
    async with a_scene(tmp_path_factory.mktemp("smtp"), demo_keys, broker_url) as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """The shared scene with a mail server that behaves."""
    shared_scene.server.happened.clear()
    shared_scene.server.choose = lambda recipient: None
    return shared_scene


def some_of_the_mails(faults: tuple[Fault, ...], most: int, chance: random.Random) -> Choose:
    """A fault for a share of the mails, until there were ``most`` of them."""
    happened = 0

    def choose(recipient: str) -> Fault | None:
        nonlocal happened
        if happened >= most or chance.random() > SHARE:
            return None
        happened += 1
        return chance.choice(faults)

    return choose


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((Fault.LATER,), id="451"),
        pytest.param((Fault.SILENCE, Fault.SILENCE_AFTER), id="hangs"),
        pytest.param((Fault.HANG_UP, Fault.HANG_UP_AFTER), id="hangs up after DATA"),
    ],
)
async def test_nothing_is_lost_when_the_mail_server(
    faults: tuple[Fault, ...], scene: Scene, size: Size, seed: int
) -> None:
    pair, server = scene.pair, scene.server
    server.choose = some_of_the_mails(faults, size.messages, random.Random(seed))

    for name in NAMES:
        await pair.send(name, size.messages // 2)
    await pair.come_to_rest(seconds=size.seconds)

    await nothing_is_lost(pair)
    assert set(server.happened) == set(faults), "not every fault came up: nothing was shown"


async def test_a_mail_that_was_taken_without_an_answer_goes_out_again_and_is_dropped(
    scene: Scene, size: Size
) -> None:
    """The one case in which the receiver sees a repeat: its EPJ still gets one message."""
    pair, server = scene.pair, scene.server
    handed_over = 0

    def choose(recipient: str) -> Fault | None:
        nonlocal handed_over
        if recipient == EDI[HOSPITAL.name]:  # with its receipts the sender would know
            return Fault.LATER if handed_over < 2 else None
        handed_over += 1
        return Fault.HANG_UP_AFTER if handed_over == 1 else None

    server.choose = choose
    (msg_id,) = await pair.send(HOSPITAL.name)
    await pair.come_to_rest(seconds=size.seconds)

    await nothing_is_lost(pair)
    assert server.happened[Fault.HANG_UP_AFTER] == 1
    async with pair.journal(MUNICIPALITY.name) as journal:
        names = [event.name for event in await journal.trail(msg_id)]
    assert names.count("duplicate") == 1
    assert names.count("handed_to_epj") == 1


async def test_a_refused_recipient_is_given_up_at_once_and_stops_nobody_else(
    tmp_path: Path, demo_keys: Path, broker_url: str, size: Size
) -> None:
    async with a_scene(tmp_path, demo_keys, broker_url) as scene:
        await _refuse_one_recipient(scene, size)


async def _refuse_one_recipient(scene: Scene, size: Size) -> None:
    pair, server = scene.pair, scene.server
    neighbour = next(
        entry
        for entry in pair.offices[HOSPITAL.name].book.entries
        if entry.edi.startswith(NEIGHBOUR.name)
    )
    server.choose = lambda recipient: Fault.NEVER if recipient == neighbour.edi else None
    epj = pair.epjs[HOSPITAL.name]

    refused, document = pair.a_request(HOSPITAL.name, to=neighbour)
    await pair.hand_over(HOSPITAL.name, document)
    await pair.send(HOSPITAL.name, 3)

    async def told() -> bool:
        return "dead-lettered" in epj.events.get(refused, ()) and not pair.unconfirmed()

    await eventually(told, seconds=size.seconds)
    assert server.happened[Fault.NEVER] == 1
    assert epj.events[refused] == ["accepted", "dead-lettered"]
    assert epj.codes[refused] == [TransportRefused.code]
    async with pair.journal(HOSPITAL.name) as journal:
        (letter,) = await journal.dead_letters()
        ledger = await journal.ledger()
    assert letter.code == TransportRefused.code
    assert ledger.outgoing == Sums(accepted=4, confirmed=3, dead=1)
