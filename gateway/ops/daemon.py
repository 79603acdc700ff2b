"""The daemon: the gateway, its web server, its signals."""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Self

import structlog

from gateway.app import Gateway, Observe, run_gateway
from gateway.config.settings import Settings
from gateway.errors import GatewayError, InternalFault
from gateway.office import Office
from gateway.ops.health import Health
from gateway.ops.http import make_app, serving
from gateway.ops.logs import log_events
from gateway.ops.metrics import Metrics
from gateway.ports import JournalEvent

log = structlog.get_logger(__name__)

ReadOffice = Callable[[], Office]

# What is opened once: a new value counts from the next start.
FIXED_SECTIONS: Final = ("environment", "broker", "journal", "smtp", "listener", "runtime")
CONTENT_KEYS: Final = "journal.content_key_file"  # what stands in it, whatever its path


class StoppedAtOnce(Exception):
    """A second signal came before the drain was done."""


async def run_daemon(office: Office, *, read_again: ReadOffice) -> None:
    """Run until SIGTERM or SIGINT, then drain; a second one stops at once, SIGHUP reads anew.

    Args:
        office: the configuration, read.
        read_again: reads it once more; called in a thread.

    Raises:
        GatewayError: it cannot start, or a process of it has failed; the code says why.
        StoppedAtOnce: by a second signal. What was under way is repeated after the next start.
    """
    health = Health()
    metrics = Metrics(office, health.ready)
    stopping = asyncio.Event()
    runtime = office.settings.runtime

    async def started(gateway: Gateway) -> None:
        health.gateway = metrics.gateway = gateway
        signals.started(gateway)
        gc.collect()
        gc.freeze()  # code and schemas stay; looking through them at each collection finds nothing

    app = make_app(metrics=metrics.render, live=health.live, ready=health.ready)
    signals = _Signals(stopping, health, read_again)
    with signals:
        async with serving(app, host=runtime.http_host, port=runtime.http_port) as port:
            log.info("http_started", host=runtime.http_host, port=port)
            observe = _all(log_events, metrics.observe, health.observe)
            work = asyncio.create_task(
                run_gateway(office, stopping=stopping, observe=observe, started=started),
                name="gateway",
            )
            signals.work = work
            try:
                await work
            except asyncio.CancelledError:
                if not signals.at_once:
                    work.cancel()
                    raise
                raise StoppedAtOnce from None
            except BaseExceptionGroup as group:
                raise _cause(group) from None


class _Signals:
    """What the signals of the process do while the daemon runs."""

    def __init__(self, stopping: asyncio.Event, health: Health, read_again: ReadOffice) -> None:
        self.gateway: Gateway | None = None
        self.work: asyncio.Task[None] | None = None
        self.at_once = False
        self._stopping = stopping
        self._health = health
        self._read_again = read_again
        self._reload: asyncio.Task[None] | None = None
        self._asked = False  # to read anew, and not done yet
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, signal.Signals(number).name)
        self._loop.add_signal_handler(signal.SIGHUP, self._start_reload)
        self._loop.set_exception_handler(_loop_fault)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)
        self._loop.set_exception_handler(None)

    def _stop(self, name: str) -> None:
        if not self._stopping.is_set():
            log.info("stopping", signal=name)
            self._health.draining = True
            self._stopping.set()
        elif self.work is not None:
            log.warning("stopped_at_once", signal=name)
            self.at_once = True
            self.work.cancel()
            self._loop.remove_signal_handler(signal.SIGINT)  # a third one ends the process
            self._loop.remove_signal_handler(signal.SIGTERM)

    def started(self, gateway: Gateway) -> None:
        """From now on there is something that a reload can reach."""
        self.gateway = gateway
        if self._asked:
            self._start_reload()

    def _start_reload(self) -> None:
        self._asked = True
        if self.gateway is not None and (self._reload is None or self._reload.done()):
            self._reload = self._loop.create_task(self._reload_all(self.gateway), name="reload")

    async def _reload_all(self, gateway: Gateway) -> None:
        """Files may have changed again while they were read: the last signal counts too."""
        while self._asked:
            self._asked = False
            await self._read_and_use(gateway)

    async def _read_and_use(self, gateway: Gateway) -> None:
        try:
            office = await asyncio.to_thread(self._read_again)
            settings, left = keep_fixed(gateway.office.settings, office.settings)
            if office.content_keys != gateway.office.content_keys:
                left.append(CONTENT_KEYS)
            # The journal keeps the keys that it was opened with.
            keys = gateway.office.content_keys
            gateway.reload(replace(office, settings=settings, content_keys=keys))
        except GatewayError as error:
            faults = [{"where": fault.where, "detail": fault.detail} for fault in error.faults]
            log.error("reload_refused", code=error.code, faults=faults or error.detail)
        except Exception as error:  # the daemon goes on with what it has, and says so
            log.exception("reload_refused", error=type(error).__name__)
        else:
            log.info("reloaded", needs_restart=left)


def keep_fixed(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The new settings with the sections of the old that only a start can change.

    Returns:
        Also the names of such sections that have changed.
    """
    changed = [name for name in FIXED_SECTIONS if getattr(old, name) != getattr(new, name)]
    return new.model_copy(update={name: getattr(old, name) for name in changed}), changed


def _all(*observers: Observe) -> Observe:
    """One observer of several; a fault of one does not keep the events from the others."""

    def observe(events: Sequence[JournalEvent]) -> None:
        for one in observers:
            try:
                one(events)
            except Exception:
                log.exception("observer_failed")

    return observe


def _cause(group: BaseExceptionGroup[BaseException]) -> GatewayError:
    """What to tell of a group: its first error of ours, else that there was a fault."""
    found = group.subgroup(GatewayError)
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]  # type: ignore[assignment]
    if isinstance(found, GatewayError):
        return found
    log.error("stopped_by_fault", exc_info=group)
    return InternalFault("a process of the gateway has failed; see the log")


def _loop_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's own handler would print the texts of exceptions."""
    log.error("task_failed", reason=context.get("message"), exc_info=context.get("exception"))
