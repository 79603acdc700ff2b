"""PostgreSQL for tests: a private server of the distribution's programs, one database a test.

Its tests are skipped where the programs are missing, and are an error there
with ``GATEWAY_TESTS_REQUIRE=all``.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from gateway.adapters.journal.schema import upgrade

_START_SECONDS = 30.0
_TEMPLATE = "journal_template"


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The folder with the socket of a running server; its user is ``gateway``, without password."""
    programs = _programs()
    if programs is None:
        message = "PostgreSQL's programs initdb and postgres are not installed"
        if os.environ.get("GATEWAY_TESTS_REQUIRE") == "all":
            pytest.fail(message)
        pytest.skip(message)
    # Not below pytest's own folder: that is closed to the user the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    try:
        as_user = _as_unprivileged(folder)
        data = folder / "data"
        initdb = [programs / "initdb", "-D", data, "-U", "gateway", "-A", "trust", "-N"]
        subprocess.run(
            [*as_user, *map(str, initdb), "-E", "UTF8", "--locale=C"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        options = {"listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off"}
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [*as_user, str(programs / "postgres"), "-D", str(data), *arguments],
                stdout=log,
                stderr=log,
                cwd=folder,
            ) as server,
        ):
            try:
                _await_socket(folder, server)
                yield folder
            finally:
                server.send_signal(signal.SIGINT)  # fast shutdown
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def postgres_template(postgres_folder: Path) -> str:
    """Name of a database with the journal's schema and nothing in it."""
    await _command(postgres_folder, f"CREATE DATABASE {_TEMPLATE}")
    await upgrade(_url(postgres_folder, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture
async def empty_postgres_url(postgres_folder: Path) -> AsyncIterator[str]:
    """A database of one test without any schema."""
    name = f"t_{uuid4().hex[:12]}"
    await _command(postgres_folder, f"CREATE DATABASE {name}")
    yield _url(postgres_folder, name)
    await _command(postgres_folder, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def postgres_url(postgres_folder: Path, postgres_template: str) -> AsyncIterator[str]:
    """A database of one test with the journal's schema."""
    name = f"t_{uuid4().hex[:12]}"
    await _command(postgres_folder, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield _url(postgres_folder, name)
    await _command(postgres_folder, f"DROP DATABASE {name} WITH (FORCE)")


def _url(folder: Path, database: str) -> str:
    return f"postgresql://gateway@/{database}?host={folder}"


async def _command(folder: Path, sql: str) -> None:
    connection = await asyncpg.connect(_url(folder, "postgres"))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _programs() -> Path | None:
    """The folder with initdb and postgres of the newest version there is."""
    debian = Path("/usr/lib/postgresql")
    versions = sorted(debian.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
    return next(
        (c for c in candidates if (c / "initdb").exists() and (c / "postgres").exists()), None
    )


def _as_unprivileged(folder: Path) -> list[str]:
    """The words before a command that run it as a user PostgreSQL accepts: it refuses root."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _await_socket(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    ready = folder / "data" / "postmaster.pid"
    while not (ready.exists() and "ready" in ready.read_text()):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        time.sleep(0.02)
