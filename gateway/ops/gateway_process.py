"""One ``dialog-gateway run`` as a process of its own, to measure, stop and kill."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.config.load import ENVIRONMENT_PREFIX
from gateway.errors import InternalFault

START_SECONDS = 60.0
_LOOK_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class GatewayProcess:
    """A gateway that is started, stopped, killed and started again; also an async context manager.

    What it writes is appended to ``log_file``, all runs one after the other.

    Args:
        config: its configuration file.
        log_file: gets its standard output and error.
        settings: overrides such as ``GATEWAY__BROKER__PREFIX``; those of our own
            environment are not handed on.
    """

    config: Path
    log_file: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None, "start() comes first"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, and return when it runs.

        Raises:
            InternalFault: it ended, or did not run in a minute; its log says why.
        """
        begin = await self.launch()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.running(begin)
        except TimeoutError:
            raise InternalFault("the gateway did not start in a minute") from None

    async def launch(self) -> int:
        """Start it without waiting; returns where in the log this run begins."""
        assert not self.is_running, "it runs already"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(ENVIRONMENT_PREFIX)
        }
        command = (sys.executable, "-m", "gateway", "run", "--config", str(self.config))
        with self.log_file.open("ab") as output:
            begin = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=inherited | dict(self.settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return begin

    async def running(self, begin: int) -> None:
        """Wait until the run that began at ``begin`` in the log says that it runs.

        Raises:
            InternalFault: it ended instead.
        """
        while b'"running"' not in await asyncio.to_thread(self.log_since, begin):
            if not self.is_running:
                code = None if self._process is None else self._process.returncode
                raise InternalFault(f"the gateway ended with exit status {code}")
            await asyncio.sleep(_LOOK_SECONDS)

    def log_since(self, begin: int = 0) -> bytes:
        """What it has written from byte ``begin`` on."""
        with self.log_file.open("rb") as written:
            written.seek(begin)
            return written.read()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self._process is not None and self.is_running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """Let it drain; returns its exit status."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; returns the exit status, negative for a signal."""
        assert self._process is not None, "start() comes first"
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        if kind is None:
            await self.stop()
        else:
            await self.kill()
