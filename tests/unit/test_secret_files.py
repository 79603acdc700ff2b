"""Every file with a secret is read by one rule: nobody else may read it, or it is refused."""

import shutil
from pathlib import Path

import pytest

from gateway import secret_files
from gateway.adapters.smtp_listen import SmtpListener
from gateway.adapters.smtp_listen_settings import ListenerSettings
from gateway.app import smtp_settings
from gateway.config.load import load_settings
from gateway.config.settings import Settings
from gateway.errors import ConfigurationError
from gateway.secret_files import read_secret, read_secret_text
from tests.builders_cli import demo_folder

SECRET = "s3cret"


def a_file(folder: Path, content: bytes = SECRET.encode(), *, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        read_secret_text(file)
    return str(refused.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_secret_of_owner_and_group_is_read_without_its_line_end(tmp_path: Path, mode: int) -> None:
    assert read_secret_text(a_file(tmp_path, b"s3cret\n", mode=mode)) == SECRET


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o660, 0o601])
def test_secret_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    assert f"mode {mode:04o}" in refusal(a_file(tmp_path, mode=mode))


def test_secret_mounted_in_a_container_may_be_readable_and_never_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_files, "MOUNTED", tmp_path)

    assert read_secret(a_file(tmp_path, mode=0o444)) == SECRET.encode()
    assert "mode 0666" in refusal(a_file(tmp_path, mode=0o666))


def test_what_is_no_readable_text_is_told_without_its_content(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing") == "no such file"
    assert refusal(tmp_path).startswith("cannot be read")
    assert refusal(a_file(tmp_path, "s3cretø".encode("latin-1"))) == "not UTF-8 text"


def settings_with(folder: Path, old: str, new: str) -> Settings:
    """The hospital's configuration with one change, read."""
    text = (demo_folder() / "hospital.toml").read_text()
    assert old in text
    path = folder / "hospital.toml"
    path.write_text(text.replace(old, new))
    return load_settings(path, {})


@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_address_of_the_broker_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    a_file(tmp_path, b"amqp://guest:s3cret@127.0.0.1/", mode=mode)

    with pytest.raises(ConfigurationError, match=r"broker: url_file: open to other users") as error:
        settings_with(tmp_path, "[broker]\n", '[broker]\nurl_file = "secret"\n')

    assert SECRET not in error.value.detail


def test_address_of_the_journal_that_others_can_read_is_refused(tmp_path: Path) -> None:
    a_file(tmp_path, b"postgresql://u:s3cret@127.0.0.1/x", mode=0o644)
    settings = settings_with(tmp_path, 'path = "hospital.sqlite"', 'url_file = "secret"')

    with pytest.raises(ConfigurationError, match=r"journal\.url_file: open to other users"):
        _ = settings.journal.url


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (SECRET.encode(), 0o644, "open to other users"),
        ("s3cretø".encode("latin-1"), 0o600, "not UTF-8"),
    ],
)
def test_password_of_the_mail_server_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes, mode: int, told: str
) -> None:
    a_file(tmp_path, content, mode=mode)
    login = 'security = "none"\nusername = "gateway"\npassword_file = "secret"'
    settings = settings_with(tmp_path, 'security = "none"', login)

    with pytest.raises(ConfigurationError, match=rf"smtp\.password_file: {told}") as error:
        smtp_settings(settings)

    assert SECRET not in error.value.detail


async def test_key_of_the_mail_listener_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    shutil.copy(demo_folder() / "hospital-signing.key.pem", key)
    key.chmod(0o644)

    async def store(_: bytes) -> None:
        raise AssertionError("nothing is received")

    with pytest.raises(ConfigurationError, match="open to other users"):
        await SmtpListener(
            ListenerSettings(
                host="127.0.0.1",
                port=0,
                certificate_file=demo_folder() / "hospital-signing.cert.pem",
                key_file=key,
            ),
            own_addresses=lambda: frozenset(),
            store=store,
        ).start()
