"""Finding a broker for the demo and the tests, or starting one.

In this order: the address in the environment, the distribution's
``rabbitmq-server`` as a private node, docker compose, and, as root with apt,
the distribution's package installed first. Otherwise one sentence on what was
looked for.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.errors import ConfigurationError
from gateway.ops.private_broker import PrivateBroker, server_programs

URL_VARIABLE = "GATEWAY__BROKER__URL"

# What docker-compose.yml and config/rabbitmq/rabbitmq.conf set up, on loopback only.
COMPOSE_SERVICE = "rabbitmq"
COMPOSE_URL = "amqp://gateway:gateway@127.0.0.1:5672/%2F"

NOT_FOUND = (
    f"No RabbitMQ: {URL_VARIABLE} is not set, the program rabbitmq-server is not installed and"
    " docker compose does not answer; install one with: sudo apt-get install rabbitmq-server"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker that answers, and how it was come by."""

    url: str
    how: str
    private: PrivateBroker | None = None  # ours to stop, kill and restart


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def find_or_start_broker(
    *,
    for_tests: bool = False,
    environment: Mapping[str, str] = os.environ,
    compose_folder: Path | None = None,
    say: Callable[[str], None] = _say,
) -> Iterator[Broker]:
    """Find or start a broker; a private node ends with the block, all others stay.

    Args:
        for_tests: refuse an address from the environment unless the name of its
            virtual host contains "test", since tests delete queues.
        compose_folder: where ``docker-compose.yml`` lies; the current folder if None.
        say: told what is started or installed.

    Raises:
        ConfigurationError: no broker and no way to one, or not a test virtual host.
        BrokerUnavailable: the private node did not start.
    """
    url = environment.get(URL_VARIABLE)
    if url:
        if for_tests and "test" not in vhost_of(url).lower():
            raise ConfigurationError(
                f"{URL_VARIABLE} is set, but its virtual host has no 'test' in its name"
            )
        yield Broker(url=url, how=f"the address in {URL_VARIABLE}")
        return
    if server_programs() is None:
        if _compose_up(compose_folder or Path.cwd(), say):
            yield Broker(url=COMPOSE_URL, how="docker compose")
            return
        _install(say)
    if server_programs() is None:
        raise ConfigurationError(NOT_FOUND)
    with PrivateBroker() as node:
        yield Broker(url=node.url, how="a private rabbitmq-server", private=node)


def vhost_of(url: str) -> str:
    """The virtual host an AMQP address names; ``/`` when it names none."""
    path = urlsplit(url).path
    return unquote(path.removeprefix("/")) or "/"


def _compose_up(folder: Path, say: Callable[[str], None]) -> bool:
    if not (folder / "docker-compose.yml").is_file() or shutil.which("docker") is None:
        return False
    if not _succeeds("docker", "compose", "version"):
        return False
    say("Starting RabbitMQ with docker compose; `docker compose down` removes it.")
    return _succeeds("docker", "compose", "up", "--wait", COMPOSE_SERVICE, folder=folder)


def _install(say: Callable[[str], None]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say("Installing the distribution's rabbitmq-server with apt-get.")
    # RUNLEVEL=1 keeps the package from starting a system-wide broker: ours is private.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    if _succeeds("apt-get", "update", environment=quiet):
        packages = ("--no-install-recommends", "rabbitmq-server")
        _succeeds("apt-get", "install", "--yes", *packages, environment=quiet)


def _succeeds(
    *command: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> bool:
    result = subprocess.run(  # noqa: S603  # fixed programs, no shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return result.returncode == 0
