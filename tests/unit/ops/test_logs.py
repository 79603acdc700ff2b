"""Logs: one JSON line each, identifiers and codes, never content."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import Side
from gateway.errors import MalformedMessage
from gateway.ops.logs import configure_logging, log_events
from gateway.ports import JournalEvent

SYNTHETIC = "15919010077"  # nobody's: the month is 80 too high
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

log = structlog.get_logger()


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.file = io.StringIO()

    @property
    def text(self) -> str:
        return self.file.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.all[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logging goes to memory, and is as it was afterwards."""
    root = logging.getLogger()
    before, level, old = root.handlers[:], root.level, structlog.get_config()
    lines = Lines()
    configure_logging("info", "json", file=lines.file)
    yield lines
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**old)


def test_a_line_is_one_json_object_with_level_and_utc_time(lines: Lines) -> None:
    log.info("sent", queue="epj.status", count=3)

    assert lines.last.items() >= {"event": "sent", "queue": "epj.status", "count": 3}.items()
    assert lines.last["level"] == "info"
    assert lines.last["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "value",
    [
        SYNTHETIC,
        f"{SYNTHETIC[:6]} {SYNTHETIC[6:]}",
        int(SYNTHETIC),
        {"deep": [{"er": SYNTHETIC}]},
        {SYNTHETIC: 1},
        (SYNTHETIC,),
    ],
)
def test_a_national_number_is_masked_wherever_it_stands(lines: Lines, value: object) -> None:
    log.warning("odd", value=value)

    assert SYNTHETIC not in lines.text.replace(" ", "")
    assert "masked" in lines.text


def test_a_national_number_in_the_event_or_in_the_context_is_masked(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(amqp_message_id=SYNTHETIC):
        log.info(f"about {SYNTHETIC}")

    assert SYNTHETIC not in lines.text


def test_bytes_and_unknown_errors_are_named_and_not_shown(lines: Lines) -> None:
    log.info("odd", body=b"Hilsen Kari", error=ValueError("Hilsen Kari"))

    assert "Kari" not in lines.text
    assert lines.last["body"] == "(11 bytes)"
    assert lines.last["error"] == "ValueError"


def test_an_exception_tells_types_and_places_without_texts_and_variables(lines: Lines) -> None:
    secret = "Hilsen Kari"
    try:
        try:
            int(secret)
        except ValueError as error:
            raise RuntimeError(f"because of {secret}") from error
    except RuntimeError:
        log.exception("crashed")

    assert "Kari" not in lines.text
    assert "test_logs.py" in lines.last["exception"]
    assert "ValueError" in lines.last["exception"]
    assert lines.last["exception"].endswith("RuntimeError")


def test_the_text_of_an_error_of_ours_is_told(lines: Lines) -> None:
    try:
        raise ExceptionGroup("both", [MalformedMessage("line 7"), KeyError("Kari")])
    except ExceptionGroup:
        log.exception("crashed")

    assert "GW-202 line 7" in lines.last["exception"]
    assert "Kari" not in lines.text


def test_a_library_comes_through_the_same_way_from_warning_on(lines: Lines) -> None:
    library = logging.getLogger("some.library")
    library.info("about %s", SYNTHETIC)
    library.warning("about %s", SYNTHETIC)

    assert len(lines.all) == 1
    assert lines.last["logger"] == "some.library"
    assert SYNTHETIC not in lines.text


def test_a_library_cannot_tell_the_text_of_an_exception(lines: Lines) -> None:
    try:
        raise ValueError("Hilsen Kari")
    except ValueError:
        logging.getLogger("some.library").exception("failed")

    assert "Kari" not in lines.text


@pytest.mark.parametrize("name", ["aiormq", "aio_pika", "signxml", "sqlalchemy.engine"])
def test_libraries_that_tell_content_stay_quiet_even_when_all_is_asked_for(
    lines: Lines, name: str
) -> None:
    configure_logging("debug", "json", file=lines.file)

    logging.getLogger(name).debug("<xml>")
    logging.getLogger(name).info("<xml>")

    assert lines.text == ""


def test_a_reader_that_is_gone_stops_nothing(lines: Lines) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    configure_logging("info", "json", file=Gone())

    log.info("sent")
    logging.getLogger("some.library").warning("odd")


def test_the_console_form_is_masked_as_well(lines: Lines) -> None:
    configure_logging("info", "console", file=lines.file)

    log.info("sent", value=SYNTHETIC)

    assert "sent" in lines.text
    assert SYNTHETIC not in lines.text


def test_an_event_of_the_journal_is_one_line_with_its_ids(lines: Lines) -> None:
    event = JournalEvent(
        at=AT,
        name="sent",
        entry_id="e-1",
        message_id=MessageId("m-1"),
        side=Side.OUTGOING,
        detail={"attempt": 2, "level": "alarm"},
        actor="kari",
    )

    log_events([event])

    line = lines.last
    assert (line["event"], line["level"]) == ("sent", "info")
    assert (line["side"], line["entry_id"], line["message_id"]) == ("outgoing", "e-1", "m-1")
    assert line["detail"] == {"attempt": 2, "level": "alarm"}
    assert "kari" not in lines.text


@pytest.mark.parametrize(
    ("name", "code", "level"),
    [
        ("rejected", "EPJ_ATTACH", "warning"),
        ("attempt_failed", "GW-101", "warning"),
        ("dead_lettered", "GW-112", "error"),
        ("contradicted", "GW-115", "error"),
        ("accepted", None, "info"),
    ],
)
def test_the_level_of_an_event_follows_from_what_it_means(
    lines: Lines, name: str, code: str | None, level: str
) -> None:
    log_events([JournalEvent(at=AT, name=name, code=code)])

    assert lines.last["level"] == level
