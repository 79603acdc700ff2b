"""Logs: one JSON object a line on standard output, with identifiers and codes and no content.

The masking of national numbers here is a net below the rule, not the rule:
nothing that could hold one belongs into a log line in the first place. For the
same reason an exception is told by its type and its frames; its text only
where it is one of ours, since the text of a library's error may quote what it
was working on.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TextIO

import structlog
from structlog.types import EventDict, ExcInfo, Processor, WrappedLogger

from gateway.domain.persons import mask_national_numbers
from gateway.errors import GatewayError
from gateway.ports import JournalEvent

log = structlog.get_logger(__name__)

Level = Literal["debug", "info", "warning", "error"]

_LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_ALARMING: Final = frozenset({"dead_lettered", "contradicted"})
_DEEPEST: Final = 8  # of nested values and of chained exceptions


def configure_logging(
    level: Level = "info", form: Literal["json", "console"] = "json", *, file: TextIO | None = None
) -> None:
    """Send all logs, ours and the libraries', to ``file`` (standard output when None).

    Libraries are heard from WARNING on, whatever ``level`` is: below that some of
    them write SQL with its values, addresses, or the documents they sign.
    """
    out = _Careful(file or sys.stdout)
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_frames_only),
        redact,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,  # module-level loggers must follow a later call
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("aiosmtpd", "aiormq", "aio_pika", "signxml", "sqlalchemy", "alembic", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)


def log_events(events: Sequence[JournalEvent]) -> None:
    """Write one line for each event that the journal has recorded.

    Who did something by hand is in the trail, and not here: the technical log is
    read by more people.
    """
    for event in events:
        given = {
            "side": event.side and event.side.value,
            "entry_id": event.entry_id,
            "message_id": event.message_id,
            "code": event.code,
            "detail": dict(event.detail) or None,
        }
        log.log(
            _level_of(event),
            event.name,
            **{name: value for name, value in given.items() if value is not None},
        )


def _level_of(event: JournalEvent) -> int:
    if event.name in _ALARMING:
        return logging.ERROR
    return logging.INFO if event.code is None else logging.WARNING


def redact(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Mask national numbers in all values, and name what is no plain value by its type."""
    return {name: _plain(value, _DEEPEST) for name, value in event_dict.items()}


def _plain(value: object, depth: int) -> object:
    match value:
        case None | bool() | float():
            return value
        case str():
            return mask_national_numbers(str(value))
        case int():
            text = mask_national_numbers(str(value))
            return value if text == str(value) else text
        case GatewayError():
            return mask_national_numbers(f"{value.code} {value.detail}")
        case BaseException():
            return type(value).__name__
        case bytes() | bytearray() | memoryview():
            return f"({len(value)} bytes)"
        case _ if depth == 0:
            return f"({type(value).__name__})"
        case Mapping():
            return {
                mask_national_numbers(str(key)): _plain(one, depth - 1)
                for key, one in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_plain(one, depth - 1) for one in value]
    return mask_national_numbers(str(value))


def frames_of(error: BaseException | None) -> str:
    """An exception with its causes: types and places, and the text of our own errors only."""
    return "\n".join(_told(error, _DEEPEST))


def _frames_only(exc_info: ExcInfo) -> str:
    return frames_of(exc_info[1])


def _told(error: BaseException | None, depth: int) -> list[str]:
    if error is None or depth == 0:
        return []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _told(before, depth - 1)
    lines += [
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    text = ""
    if isinstance(error, GatewayError):
        text = f": {error.code} {error.detail}"
    elif isinstance(error, OSError) and error.strerror:
        text = f": {error.strerror}"
    lines.append(type(error).__name__ + text)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            lines += _told(one, depth - 1)
    return lines


class _Careful:
    """A text file whose loss is no fault: a gone reader of the log must not stop a message."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except UnicodeEncodeError:
            return self._file.write(text.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        try:
            self._file.flush()
        except (OSError, ValueError):
            return

    def isatty(self) -> bool:
        return self._file.isatty()
