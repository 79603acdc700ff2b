"""``check``: every fault at once, a line each, and nothing changed by looking."""

import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.adapters.journal.schema import upgrade
from gateway.adapters.rabbitmq.connection import Connections
from gateway.ops import checks
from gateway.ops.check_keys import CERTIFICATES, KEYS
from gateway.ops.check_lines import Line, Mark
from gateway.ops.checks import check_all
from gateway.ops.demo_config import write_demo
from tests.fakes_journal import HandClock

NOBODY = "amqp://guest:secret@127.0.0.1:1/"  # no broker listens on port 1


@pytest.fixture
def folder(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demonstration's folder, for changing; without a broker."""
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)
    write_demo(tmp_path, broker_url=NOBODY)
    return tmp_path


async def lines_of(folder: Path, *, at: datetime | None = None) -> list[Line]:
    clock = HandClock(at or datetime.now(UTC))
    path = folder / "hospital.toml"
    return [line async for line in check_all(path, connect_seconds=1.0, clock=clock)]


def marks(lines: list[Line], what: str) -> list[Mark]:
    return [line.mark for line in lines if line.what == what]


async def test_everything_of_the_demonstration_is_good_but_broker_and_mail(folder: Path) -> None:
    lines = await lines_of(folder)

    bad = {line.what: line.mark for line in lines if line.mark is not Mark.OK}
    assert bad == {checks.BROKER: Mark.FAULT, checks.MAIL_SERVER: Mark.WARNING}
    assert {line.what for line in lines} >= {
        checks.CONFIGURATION,
        KEYS,
        CERTIFICATES,
        checks.PARTNERS,
        checks.JOURNAL,
    }


async def test_looking_changes_nothing(folder: Path) -> None:
    before = sorted(os.listdir(folder))

    await lines_of(folder)

    assert sorted(os.listdir(folder)) == before


async def test_the_password_of_the_broker_is_never_shown(folder: Path) -> None:
    assert "secret" not in " ".join(map(str, await lines_of(folder)))


async def test_all_faults_of_the_configuration_are_told_at_once(folder: Path) -> None:
    path = folder / "hospital.toml"
    text = path.read_text().replace('environment = "test"', 'environment = "tset"')
    path.write_text(text.replace("prefix =", "prefx ="))

    lines = await lines_of(folder)

    assert [line.mark for line in lines] == [Mark.FAULT, Mark.FAULT]
    assert "environment" in str(lines[0])
    assert "broker.prefx" in str(lines[1])


async def test_faults_of_keys_partners_and_journal_are_told_at_once(folder: Path) -> None:
    (folder / "hospital-signing.key.pem").write_text("no key")
    (folder / "hospital-content.key").unlink()
    (folder / "hospital-partners.toml").write_text("[[enterprise]]\n")
    (folder / "hospital.sqlite").write_text("no database" * 100)

    lines = await lines_of(folder)

    assert len([mark for mark in marks(lines, KEYS) if mark is Mark.FAULT]) >= 2
    assert Mark.FAULT in marks(lines, checks.PARTNERS)
    assert marks(lines, checks.JOURNAL) == [Mark.FAULT]


async def test_a_certificate_near_its_end_is_a_warning(folder: Path) -> None:
    lines = await lines_of(folder, at=datetime.now(UTC) + timedelta(days=1094 - 20))

    assert set(marks(lines, CERTIFICATES)) == {Mark.WARNING}
    assert "utløper / expires" in " ".join(map(str, lines))


async def test_our_expired_certificate_is_a_fault_and_a_partners_a_warning(folder: Path) -> None:
    lines = await lines_of(folder, at=datetime.now(UTC) + timedelta(days=1200))

    own = [line for line in lines if line.what == CERTIFICATES and "egen" in line.text]
    others = [line for line in lines if line.what == CERTIFICATES and line not in own]
    assert {line.mark for line in own} == {Mark.FAULT}
    assert {line.mark for line in others} == {Mark.WARNING}


async def test_certificates_put_to_the_wrong_use_are_a_fault(folder: Path) -> None:
    path = folder / "hospital.toml"
    text = path.read_text().replace("hospital-signing.", "hospital-x.")
    text = text.replace("hospital-sealing.", "hospital-signing.")
    path.write_text(text.replace("hospital-x.", "hospital-sealing."))

    lines = await lines_of(folder)

    assert "key usage does not allow signatures" in " ".join(map(str, lines))
    assert marks(lines, CERTIFICATES)[:2] == [Mark.FAULT, Mark.FAULT]


async def test_services_that_nobody_has_are_named(folder: Path) -> None:
    book = folder / "hospital-partners.toml"
    first, second, *rest = book.read_text().split("[[enterprise.service]]")
    assert second.strip()
    book.write_text("[[enterprise.service]]".join([first, *rest]))

    [line] = [line for line in await lines_of(folder) if "uten adresse" in line.text]

    assert line.mark is Mark.WARNING
    assert "1 av 59" in line.text


async def test_a_journal_of_this_version_is_opened(folder: Path) -> None:
    await upgrade(f"sqlite:///{folder / 'hospital.sqlite'}")

    assert marks(await lines_of(folder), checks.JOURNAL) == [Mark.OK]


async def test_a_folder_that_is_not_there_is_a_fault_of_the_journal(folder: Path) -> None:
    path = folder / "hospital.toml"
    path.write_text(path.read_text().replace("hospital.sqlite", "nowhere/hospital.sqlite"))

    assert marks(await lines_of(folder), checks.JOURNAL) == [Mark.FAULT]


async def test_a_mail_server_that_says_nothing_is_a_warning(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = folder / "hospital.toml"
        port = silent.getsockname()[1]
        path.write_text(path.read_text().replace("port = 2526", f"port = {port}"))

        assert marks(await lines_of(folder), checks.MAIL_SERVER) == [Mark.WARNING]


@pytest.mark.broker
async def test_missing_queues_are_told_and_other_queues_are_a_fault(
    folder: Path, connections: Connections, broker_url: str, prefix: str
) -> None:
    write_demo(folder, broker_url=broker_url)
    path = folder / "hospital.toml"
    path.write_text(path.read_text().replace('prefix = "hospital."', f'prefix = "{prefix}"'))
    channel = await connections.consuming.channel()
    await channel.declare_queue(f"{prefix}epj.status", durable=True)

    lines = await lines_of(folder)

    assert marks(lines, checks.BROKER) == [Mark.OK]
    told = {line.mark: line.text for line in lines if line.what == checks.TOPOLOGY}
    assert told[Mark.FAULT].startswith(f"{prefix}epj.status: x-")
    assert f"{prefix}epj.outgoing" in told[Mark.OK]
