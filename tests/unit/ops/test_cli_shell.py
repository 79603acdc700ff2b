"""The entry point: what nobody foresaw is told by its place, never by its text."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.ops.cli import commands, shell

assert commands, "importing it registers them all"

SECRET = "s3cr"


def a_command(*arguments: object, output: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """``dialog-gateway`` as a process of its own, its output in a file if one is given."""
    with (output or Path("/dev/null")).open("w") as file:
        return subprocess.run(
            [sys.executable, "-m", "gateway", *map(str, arguments)],
            stdout=file if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


def test_fault_of_ours_is_told_by_its_place_and_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise ValueError(f"invalid literal: {SECRET}")

    monkeypatch.setattr(shell, "app", fails)

    with pytest.raises(SystemExit) as exit_:
        shell.main()

    told = capsys.readouterr().err
    assert exit_.value.code == 1
    assert told.startswith("GW-999: ")
    assert told.rstrip().endswith("ValueError")
    assert f"{Path(__file__).name}:" in told
    assert SECRET not in told


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_output_that_cannot_be_written_is_told_as_that(arguments: list[str]) -> None:
    result = a_command(*arguments, output=Path("/dev/full"))

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "the output could not be written: No space left on device" in result.stderr


@pytest.mark.parametrize("command", ["check", "run"])
def test_password_in_a_broken_address_is_never_shown(
    demo_folder: Path, tmp_path: Path, command: str
) -> None:
    config = tmp_path / "hospital.toml"
    text = (demo_folder / "hospital.toml").read_text()
    url = f'[broker]\nurl = "amqp://guest:{SECRET}/et@127.0.0.1:5672/"\n'
    config.write_text(text.replace("[broker]\n", url))

    result = a_command(command, "--config", config)

    told = result.stdout + result.stderr
    assert result.returncode == 1
    assert "broker.url: cannot be read" in told
    assert SECRET not in told
    assert "Traceback" not in told
