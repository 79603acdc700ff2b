"""A RabbitMQ node of our own: the distribution's server in a temporary folder, for demo and tests.

Nothing outside that folder is read or written, every port is a free one on
loopback, and no root is needed. When the process that started the node dies,
however it dies, a watching shell ends the node and removes the folder.
"""

import asyncio
import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote
from uuid import uuid4

from gateway.errors import BrokerUnavailable, ConfigurationError
from gateway.ops.free_ports import free_ports

# The launcher in sbin refuses other users than root and rabbitmq; these are the real programs.
PROGRAM_FOLDERS = (
    Path("/usr/lib/rabbitmq/bin"),
    Path("/opt/homebrew/opt/rabbitmq/sbin"),
    Path("/usr/local/opt/rabbitmq/sbin"),
)

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

# Reads process groups, one a line; the last one counts when its standard input ends, which the
# kernel sees to when the process at the other end dies. An empty line is the orderly end.
_WATCH = """
while read -r line; do groups=$line; done
[ -n "$groups" ] || exit 0
for group in $groups; do kill -KILL "-$group"; done
sleep 0.3
rm -rf "$1"
"""

_CONF = """\
max_message_size = 134217728
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
log.console.level = info
heartbeat = 30
"""


def server_programs() -> Path | None:
    """The folder with ``rabbitmq-server`` and ``rabbitmqctl``; None when not installed."""
    for folder in PROGRAM_FOLDERS:
        if (folder / "rabbitmq-server").is_file() and shutil.which("epmd"):
            return folder
    return None


class PrivateBroker:
    """One node; ``start`` once, then ``restart`` or ``kill`` and ``resume`` as a test wants.

    Ports, folder and therefore all durable queues survive ``kill`` and
    ``restart``; ``stop`` removes them. Also an (asynchronous) context manager.

    A quorum queue declared within half a second before ``kill`` never gets a
    leader again on RabbitMQ 3.10: wait three seconds between the two.
    """

    def __init__(self, *, extra_conf: str = "", plugins: Sequence[str] = ()) -> None:
        programs = server_programs()
        if programs is None:
            raise ConfigurationError("rabbitmq-server and epmd are not installed")
        self._programs = programs
        self._extra_conf = extra_conf
        self._plugins = tuple(plugins)
        self._folder: Path | None = None
        self._environment: dict[str, str] = {}
        self._port = 0
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """AMQP address of the default virtual host."""
        return self.url_of("/")

    def url_of(self, vhost: str) -> str:
        """AMQP address of one virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/{quote(vhost, safe='')}"

    @property
    def log_file(self) -> Path:
        """What the node wrote on standard output."""
        return self._require_folder() / "node.log"

    def start(self, *, timeout_seconds: float = 90.0) -> None:
        """Start the node and wait until it answers AMQP (6 to 15 seconds).

        Raises:
            BrokerUnavailable: it ended, or did not answer in time; the text has its last lines.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-broker-"))
        self._port, dist_port, epmd_port = free_ports(3)
        self._environment = self._prepare(self._folder, dist_port, epmd_port)
        atexit.register(self.stop)
        # Started by hand and not by the node, which would make a daemon of it that outlives us.
        self._epmd = self._spawn(["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"])
        self._watcher = self._spawn(
            ["/bin/sh", "-c", _WATCH, "watch", str(self._folder)], stdin=subprocess.PIPE
        )
        self._watch()
        self.resume(timeout_seconds=timeout_seconds)

    def resume(self, *, timeout_seconds: float = 90.0) -> None:
        """Start the node again after ``kill``: same port, same queues."""
        with self.log_file.open("ab") as output:
            self._node = self._spawn([str(self._programs / "rabbitmq-server")], output=output)
        self._watch()
        try:
            self._wait_until_ready(time.monotonic() + timeout_seconds)
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """End the node as a power cut does (SIGKILL to all of its processes)."""
        node, self._node = self._node, None
        if node is not None:
            _signal_group(node, SIGKILL)
            node.wait()

    def signal(self, number: Signals) -> None:
        """Send a signal to all processes of the node: SIGSTOP makes it hang, SIGCONT go on."""
        if self._node is not None:
            _signal_group(self._node, number)

    def restart(self, *, kill: bool = False) -> None:
        """Stop in order (or kill) and start again in the same folder, on the same port."""
        if kill:
            self.kill()
        else:
            self._terminate()
        self.resume()

    def stop(self) -> None:
        """End the node and everything that belongs to it, and remove the folder; idempotent."""
        atexit.unregister(self.stop)
        self._terminate()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        if self._watcher is not None:
            self._watcher.communicate(b"\n")
            self._watcher = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against this node and return its standard output.

        Raises:
            BrokerUnavailable: the command failed; the text is its own.
        """
        result = subprocess.run(  # noqa: S603  # fixed program, no shell
            [str(self._programs / "rabbitmqctl"), "--quiet", *arguments],
            env=self._environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if result.returncode:
            raise BrokerUnavailable(f"rabbitmqctl {arguments[0]}: {result.stderr.strip()}")
        return result.stdout

    def fresh_vhost(self, name: str) -> str:
        """Make an empty virtual host and return its AMQP address."""
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return self.url_of(name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _require_folder(self) -> Path:
        if self._folder is None:
            raise BrokerUnavailable("the private broker is not running")
        return self._folder

    def _prepare(self, folder: Path, dist_port: int, epmd_port: int) -> dict[str, str]:
        (folder / "rabbitmq.conf").write_text(_CONF + self._extra_conf)
        (folder / "enabled_plugins").write_text(f"[{','.join(self._plugins)}].\n")
        (folder / "env.conf").write_text("")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_"))
        }
        return inherited | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"gateway-{uuid4().hex[:12]}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # A node with few and idle schedulers leaves a small machine to the program under test.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +SDio 4 +A 4"
                " +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }

    def _spawn(
        self,
        arguments: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        output: IO[bytes] | int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        # A group of its own: a Ctrl-C meant for us does not reach it, and it can be ended whole.
        return subprocess.Popen(  # noqa: S603  # fixed programs, no shell around our arguments
            arguments,
            env=self._environment,
            cwd=self._folder,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def _watch(self) -> None:
        """Tell the watcher which process groups to end should we die."""
        if self._watcher is None or self._watcher.stdin is None:
            return
        groups = [str(process.pid) for process in (self._node, self._epmd) if process is not None]
        self._watcher.stdin.write((" ".join(groups) + "\n").encode())
        self._watcher.stdin.flush()

    def _wait_until_ready(self, deadline: float) -> None:
        assert self._node is not None
        while not _answers_amqp(self._port):
            if self._node.poll() is not None or time.monotonic() > deadline:
                lines = self.log_file.read_text(errors="replace").splitlines()[-20:]
                raise BrokerUnavailable("\n".join(["rabbitmq-server did not start:", *lines]))
            time.sleep(0.1)

    def _terminate(self) -> None:
        node, self._node = self._node, None
        if node is None:
            return
        node.terminate()
        with suppress(subprocess.TimeoutExpired):
            node.wait(timeout=30)
        _signal_group(node, SIGKILL)  # whatever of the node is left
        node.wait()


def _signal_group(leader: subprocess.Popen[bytes], number: Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, number)


def _answers_amqp(port: int) -> bool:
    """True when the port speaks AMQP 0-9-1, which an open port alone does not show."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return connection.recv(1) == b"\x01"  # a method frame: Connection.Start
    except OSError:
        return False
