"""Files that commands write: looked at first, and not left behind half written."""

import asyncio
import errno
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from typer import Exit

from gateway.adapters.journal.schema import upgrade
from gateway.config.load import load_settings
from gateway.domain.ledger import Outgoing
from gateway.office import open_office
from gateway.ops.cli.content import new_file
from gateway.ops.journal import opened_journal
from gateway.ports import JournalEvent
from tests.builders_cli import demo_config, run_cli
from tests.builders_keys import NOON

DOCUMENT = b"<MsgHead/>"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A hospital whose journal holds one document, that of ``e-1``."""
    shutil.copytree(demo_config("hospital").parent, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "hospital.toml"
    office = open_office(load_settings(config, {}))
    entry = Outgoing(entry_id="e-1", key="910001/m-1", digest="0" * 64, accepted_at=NOON)

    async def fill() -> None:
        await upgrade(office.settings.journal.url)
        async with opened_journal(office) as journal, journal.transaction() as tx:
            await tx.add_outgoing(entry)
            await tx.add_document(entry.entry_id, DOCUMENT)
            await tx.record(JournalEvent(at=NOON, name="accepted", entry_id=entry.entry_id))

    asyncio.run(fill())
    return config


def names_of_the_trail(config: Path) -> list[str]:
    office = open_office(load_settings(config, {}))

    async def read() -> list[str]:
        async with opened_journal(office) as journal:
            return [event.name for event in await journal.trail("e-1")]

    return asyncio.run(read())


def read_content(config: Path, output: Path, any_id: str = "e-1") -> int:
    command = ("content", any_id, "-o", output, "--reason", "avvik", "--config", config)
    return run_cli(*command).exit_code


def test_content_is_written_for_its_reader_alone_and_recorded(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.xml"

    assert read_content(config, output) == 0
    assert output.read_bytes() == DOCUMENT
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert names_of_the_trail(config) == ["accepted", "content_read"]


@pytest.mark.parametrize("name", ["there.xml", "nowhere/out.xml"])
def test_content_that_cannot_be_written_is_not_recorded_as_read(
    config: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "there.xml").write_text("another's")

    assert read_content(config, tmp_path / name) == 1
    assert (tmp_path / "there.xml").read_text() == "another's"
    assert names_of_the_trail(config) == ["accepted"]


def test_unknown_content_leaves_no_file(config: Path, tmp_path: Path) -> None:
    assert read_content(config, tmp_path / "out.xml", "nobody") == 1
    assert not (tmp_path / "out.xml").exists()


def test_file_on_a_disk_that_runs_full_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        with new_file(tmp_path / "out.xml") as file:
            file.write(DOCUMENT)
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Exit):
        write()

    assert not (tmp_path / "out.xml").exists()
    assert "No space left on device" in capsys.readouterr().err


def test_demo_with_a_file_for_its_mails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "mails").write_text("a file")

    result = run_cli("demo", "--mails", tmp_path / "mails")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mails"]


def test_bench_looks_at_its_output_before_it_measures(tmp_path: Path) -> None:
    result = run_cli("bench", "-o", tmp_path / "nowhere" / "page.md", "--messages", 10)

    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr
