"""``check``: every fault at once, a line each, and nothing changed by looking."""

import base64
import os
import re
import shutil
import socket
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate

from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.schema import upgrade
from gateway.adapters.keys import load_content_keys
from gateway.adapters.rabbitmq.connection import Connections
from gateway.ops import checks
from gateway.ops.check_keys import CERTIFICATES, KEYS
from gateway.ops.check_lines import Line, Mark
from gateway.ops.check_ports import HTTP, LISTENER
from gateway.ops.checks import check_all
from gateway.ops.demo_config import free_seats, write_demo
from gateway.ports import ContentKeys
from tests.fakes_journal import HandClock

NOBODY = "amqp://guest:secret@127.0.0.1:1/"  # no broker listens on port 1


@pytest.fixture
def folder(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demonstration's folder, for changing; without a broker."""
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)
    write_demo(tmp_path, broker_url=NOBODY, seats=free_seats())
    return tmp_path


def change(folder: Path, *changes: tuple[str, str]) -> None:
    """Change lines of the configuration, each named by how it begins; a key stands once only."""
    path = folder / "hospital.toml"
    text = path.read_text()
    for pattern, line in changes:
        text, count = re.subn(rf"(?m)^{pattern}.*$", line, text)
        assert count == 1, pattern
    path.write_text(text)


def port_of(folder: Path, section: str, key: str = "port") -> int:
    port = tomllib.loads((folder / "hospital.toml").read_text())[section][key]
    assert isinstance(port, int)
    return port


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
        LISTENER,
        HTTP,
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


@pytest.mark.parametrize(
    ("days_left", "own", "partners"),
    [
        (61, Mark.OK, Mark.OK),
        (59, Mark.WARNING, Mark.OK),
        (29, Mark.WARNING, Mark.WARNING),
    ],
)
async def test_ours_is_told_60_days_before_its_end_and_a_partners_30(
    folder: Path, days_left: int, own: Mark, partners: Mark
) -> None:
    certificate = load_pem_x509_certificate((folder / "hospital-signing.cert.pem").read_bytes())
    at = certificate.not_valid_after_utc - timedelta(days=days_left)

    told = [line for line in await lines_of(folder, at=at) if line.what == CERTIFICATES]

    assert {line.mark for line in told if "egen" in line.text} == {own}
    assert {line.mark for line in told if "egen" not in line.text} == {partners}


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


async def test_an_address_of_the_other_environment_is_a_fault(folder: Path) -> None:
    book = folder / "hospital-partners.toml"
    book.write_text(book.read_text().replace("municipality@demo.invalid", "kommune@edi.nhn.no"))

    lines = [line for line in await lines_of(folder) if line.what == checks.PARTNERS]

    assert lines[0].mark is Mark.FAULT
    assert "edi.nhn.no" in lines[0].text


async def test_a_journal_of_this_version_is_opened(folder: Path) -> None:
    await upgrade(f"sqlite:///{folder / 'hospital.sqlite'}")

    assert marks(await lines_of(folder), checks.JOURNAL) == [Mark.OK]


async def test_a_content_key_that_is_gone_is_a_fault_and_named(folder: Path) -> None:
    url = f"sqlite:///{folder / 'hospital.sqlite'}"
    [old] = load_content_keys(folder / "hospital-content.key")
    keys = ContentKeys(old.key_id, {old.key_id: old.key})
    async with open_journal(url, keys=keys, clock=HandClock(), exclusive=True):
        pass
    new = base64.b64encode(b"n" * 32).decode()
    (folder / "hospital-content.key").write_text(f"new-key {new}\n")

    [line, *_] = [line for line in await lines_of(folder) if line.what == checks.JOURNAL]

    assert line.mark is Mark.FAULT
    assert line.text.startswith("GW-904")
    assert line.text.endswith(old.key_id)


@pytest.mark.parametrize("made", [False, True])
async def test_a_journal_without_room_is_a_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    if made:
        await upgrade(f"sqlite:///{folder / 'hospital.sqlite'}")
    monkeypatch.setattr(checks, "too_little_room", lambda _: 5_000_000)

    lines = [line for line in await lines_of(folder) if line.what == checks.JOURNAL]

    assert lines[0].mark is Mark.FAULT
    assert "5 MB" in lines[0].text


async def test_a_folder_that_is_not_there_is_a_fault_of_the_journal(folder: Path) -> None:
    path = folder / "hospital.toml"
    path.write_text(path.read_text().replace("hospital.sqlite", "nowhere/hospital.sqlite"))

    assert marks(await lines_of(folder), checks.JOURNAL) == [Mark.FAULT]


async def test_a_mail_server_that_says_nothing_is_a_warning(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wanted = port_of(folder, "smtp")
        change(folder, (f"port = {wanted}", f"port = {silent.getsockname()[1]}"))

        assert marks(await lines_of(folder), checks.MAIL_SERVER) == [Mark.WARNING]


async def test_the_usual_cause_stands_beside_the_name_of_the_error(folder: Path) -> None:
    lines = await lines_of(folder)

    for what in (checks.BROKER, checks.MAIL_SERVER):
        [line] = [line for line in lines if line.what == what]
        assert "ConnectionRefusedError (ingen svarer på porten" in line.text
        assert "nothing listens on the port" in line.text


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param(
            ["tls_certificate_file = 'no'", "tls_key_file = 'no'"], "no such file", id="none"
        ),
        pytest.param(
            [
                "tls_certificate_file = 'hospital-signing.cert.pem'",
                "tls_key_file = 'hospital-sealing.key.pem'",
            ],
            "KEY_VALUES_MISMATCH",
            id="of two pairs",
        ),
    ],
)
async def test_a_listener_without_a_usable_certificate_is_a_fault(
    folder: Path, lines: list[str], told: str
) -> None:
    change(folder, (r"\[listener\]", "\n".join(["[listener]", *lines])))

    [fault] = [line for line in await lines_of(folder) if line.mark is Mark.FAULT][:1]

    assert fault.what == LISTENER
    assert told in fault.text


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
@pytest.mark.parametrize(("section", "what"), [("listener", LISTENER), ("runtime", HTTP)])
async def test_a_host_that_is_not_ours_is_a_fault(
    folder: Path, host: str, section: str, what: str
) -> None:
    key = "host" if section == "listener" else "http_host"
    text = re.sub(
        rf'(?ms)^(\[{section}\].*?)^{key} = "[^"]*"$',
        rf'\1{key} = "{host}"',
        (folder / "hospital.toml").read_text(),
    )
    if f'{key} = "{host}"' not in text:
        text = text.replace(f"[{section}]", f'[{section}]\n{key} = "{host}"')
    (folder / "hospital.toml").write_text(text)

    assert marks(await lines_of(folder), what) == [Mark.FAULT]


@pytest.mark.parametrize(
    ("section", "key", "what"), [("listener", "port", LISTENER), ("runtime", "http_port", HTTP)]
)
async def test_a_port_that_is_taken_is_a_warning_since_the_daemon_may_have_it(
    folder: Path, section: str, key: str, what: str
) -> None:
    with socket.create_server(("127.0.0.1", port_of(folder, section, key))):
        assert marks(await lines_of(folder), what) == [Mark.WARNING]


async def test_one_port_for_mail_and_http_is_a_fault(folder: Path) -> None:
    change(folder, ("http_port", f"http_port = {port_of(folder, 'listener')}"))

    assert Mark.FAULT in marks(await lines_of(folder), LISTENER)


@pytest.mark.broker
async def test_missing_queues_are_told_and_other_queues_are_a_fault(
    folder: Path, connections: Connections, broker_url: str, prefix: str
) -> None:
    write_demo(folder, broker_url=broker_url, seats=free_seats())
    path = folder / "hospital.toml"
    path.write_text(path.read_text().replace('prefix = "hospital."', f'prefix = "{prefix}"'))
    channel = await connections.consuming.channel()
    await channel.declare_queue(f"{prefix}epj.status", durable=True)

    lines = await lines_of(folder)

    assert marks(lines, checks.BROKER) == [Mark.OK]
    told = {line.mark: line.text for line in lines if line.what == checks.TOPOLOGY}
    assert told[Mark.FAULT].startswith(f"{prefix}epj.status: x-")
    assert f"{prefix}epj.outgoing" in told[Mark.OK]
