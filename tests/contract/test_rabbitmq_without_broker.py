"""The RabbitMQ adapter's own rules, and the search for a broker; no node needed."""

import asyncio
import logging
import shutil
from pathlib import Path

import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from pamqp import commands
from pamqp.header import ContentHeader

from gateway.adapters.rabbitmq.connection import own_cancellation_only, tame_client_logs
from gateway.adapters.rabbitmq.publisher import _without_repeated_ids
from gateway.adapters.rabbitmq.waiting import Backoff
from gateway.adapters.tracing import handling_span, trace_headers
from gateway.errors import BrokerUnavailable, ConfigurationError
from gateway.ops import broker, private_broker
from gateway.ops.broker import NOT_FOUND, URL_VARIABLE, find_or_start_broker, vhost_of
from gateway.ops.private_broker import PrivateBroker
from tests.broker_fixture import outbound

# --- finding a broker --------------------------------------------------------------------------


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server, no docker, no apt: and nothing is ever executed."""

    def refuse(*command: str, **_: object) -> bool:
        raise AssertionError(f"must not run {command}")

    monkeypatch.setattr(private_broker, "PROGRAM_FOLDERS", ())
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(broker, "_succeeds", refuse)


@pytest.mark.parametrize(
    ("url", "vhost"),
    [
        ("amqp://host", "/"),
        ("amqp://host/", "/"),
        ("amqp://host/%2F", "/"),
        ("amqp://host/gateway-test", "gateway-test"),
        ("amqp://host:5672/a%2Ftest?heartbeat=5", "a/test"),
    ],
)
def test_the_virtual_host_of_an_address(url: str, vhost: str) -> None:
    assert vhost_of(url) == vhost


def test_an_address_in_the_environment_is_used_as_it_is() -> None:
    with find_or_start_broker(environment={URL_VARIABLE: "amqp://host/prod"}) as found:
        assert (found.url, found.private) == ("amqp://host/prod", None)


@pytest.mark.parametrize("url", ["amqp://test:test@host/prod", "amqp://test.example/"])
def test_tests_refuse_a_virtual_host_that_does_not_say_test(url: str) -> None:
    with (
        pytest.raises(ConfigurationError, match="'test'") as refused,
        find_or_start_broker(for_tests=True, environment={URL_VARIABLE: url}),
    ):
        pass

    assert url not in str(refused.value)


def test_tests_take_a_virtual_host_that_says_test() -> None:
    with find_or_start_broker(
        for_tests=True, environment={URL_VARIABLE: "amqp://host/my-test"}
    ) as found:
        assert found.url == "amqp://host/my-test"


@pytest.mark.usefixtures("bare_machine")
def test_without_any_broker_one_sentence_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {}")

    with (
        pytest.raises(ConfigurationError) as refused,
        find_or_start_broker(environment={}, compose_folder=tmp_path),
    ):
        pass

    assert str(refused.value) == NOT_FOUND
    assert "apt-get install rabbitmq-server" in NOT_FOUND


@pytest.mark.usefixtures("bare_machine")
def test_a_private_node_needs_the_programs() -> None:
    with pytest.raises(ConfigurationError):
        PrivateBroker()


# --- what the client library must not do to us -------------------------------------------------


async def test_a_cancellation_by_the_client_is_a_lost_broker() -> None:
    waiting = asyncio.get_running_loop().create_future()
    waiting.cancel()

    with pytest.raises(BrokerUnavailable), own_cancellation_only():
        await waiting


async def test_a_bare_exception_of_the_client_is_a_lost_broker() -> None:
    with pytest.raises(BrokerUnavailable), own_cancellation_only():
        raise Exception  # what the client sets on pending futures


async def test_our_own_cancellation_goes_through() -> None:
    async def wait() -> None:
        with own_cancellation_only():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_returned_message_is_logged_without_its_body(caplog: pytest.LogCaptureFixture) -> None:
    tame_client_logs()
    tame_client_logs()
    message = DeliveredMessage(
        delivery=commands.Basic.Return(),
        header=ContentHeader(),
        body=b"SECRET",
        channel=None,  # type: ignore[arg-type]  # only its text form is of interest
    )

    with caplog.at_level(logging.ERROR):
        logging.getLogger("aiormq.channel").error("Unhandled message %r returning", message)

    assert caplog.messages == ["Unhandled message '(message)' returning"]


# --- order and pace ----------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_no_batch_has_a_message_id_twice_and_none_is_left_out(ids: list[str]) -> None:
    messages = [outbound(str(number), message_id=name) for number, name in enumerate(ids)]

    batches = list(_without_repeated_ids(messages))

    for batch in batches:
        assert len({message.message_id for message in batch}) == len(batch)
    sent = [message for batch in batches for message in batch]
    assert sorted(int(message.outbox_id) for message in sent) == list(range(len(ids)))
    for name in set(ids):
        own = [int(message.outbox_id) for message in sent if message.message_id == name]
        assert own == sorted(own)


def test_back_off_grows_to_its_cap_and_starts_over() -> None:
    backoff = Backoff(first_seconds=1, cap_seconds=8)

    waits = [backoff.next_seconds() for _ in range(2000)]
    backoff.reset()

    for number, wait in enumerate(waits):
        longest = min(8.0, 2.0 ** min(number, 10))
        assert longest / 2 <= wait <= longest
    assert backoff.next_seconds() <= 1


OUR_TRACE = trace.SpanContext(0x11, 0x22, is_remote=False, trace_flags=trace.TraceFlags(1))


def test_a_trace_goes_through_the_headers() -> None:
    with trace.use_span(trace.NonRecordingSpan(OUR_TRACE)):
        headers = trace_headers()

    with handling_span("q", headers):
        inside = trace.get_current_span().get_span_context()

    assert (inside.trace_id, trace_headers()) == (0x11, {})


def test_free_text_of_a_publisher_is_not_carried_on() -> None:
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    with handling_span("q", {"traceparent": parent, "tracestate": "a=b", "baggage": "name=Ola"}):
        assert trace_headers() == {"traceparent": parent}


@pytest.mark.parametrize("parent", ["", "00-nothing", b"\xff", 7, None, ["00"]])
def test_header_that_is_no_trace_is_ignored(parent: object) -> None:
    with handling_span("q", {"traceparent": parent}):
        assert trace_headers() == {}
