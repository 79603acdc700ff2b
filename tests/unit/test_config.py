"""The configuration: each number has bounds that the gateway can live with."""

from pathlib import Path

import pytest

from gateway.config.connections import Broker
from gateway.config.load import load_settings
from gateway.config.waits import AnswerSettings, ConfirmationSettings, ResendSettings
from gateway.errors import ConfigurationError
from gateway.queues import Queue
from tests.builders_cli import demo_folder

FOUR_YEARS = 4 * 366 * 86_400.0
LONGEST_NAME = 255  # bytes of a queue's name in AMQP


def load(folder: Path, section: str, key: str, value: str) -> None:
    """Read the hospital's configuration with one value set through the environment."""
    path = folder / "hospital.toml"
    path.write_text((demo_folder() / "hospital.toml").read_text())
    load_settings(path, {f"GATEWAY__{section}__{key}".upper(): value})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("broker", "prefetch", "65536"),
        ("broker", "heartbeat_seconds", "65536"),
        ("broker", "prefix", "a" * 201),
        ("journal", "lease_seconds", "1e18"),
        ("smtp", "timeout_seconds", "inf"),
        ("smtp", "connections", "100000"),
        ("smtp", "host", "a..b"),
        ("listener", "host", ""),
        ("rules", "window_months", "100000"),
        ("rules", "overdue_after_days", "367"),
        ("rules", "remind_after_days", "0"),
        ("rules", "child_age_limit", "-1"),
        ("resend", "interval_seconds", "1e18"),
        ("resend", "lifetime_seconds", "nan"),
        ("resend", "max_resends", "1001"),
        ("answer", "limit_seconds", "1e12"),
        ("confirmation", "alarm_seconds", "1e12"),
        ("runtime", "sweep_seconds", "0"),
        ("runtime", "http_host", "no such"),
        ("runtime", "http_port", "65536"),
    ],
)
def test_value_out_of_bounds_is_a_fault_at_its_key(
    tmp_path: Path, section: str, key: str, value: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, section, key, value)

    assert [fault.where for fault in refused.value.faults] == [f"{section}.{key}"]


def test_longest_waits_can_be_reckoned_with() -> None:
    resend = ResendSettings(interval_seconds=FOUR_YEARS, lifetime_seconds=FOUR_YEARS)
    answer = AnswerSettings(limit_seconds=FOUR_YEARS, critical_seconds=FOUR_YEARS)

    assert resend.policy().interval.days == 4 * 366
    assert answer.policy().limit.days == 4 * 366
    assert ConfirmationSettings(alarm_seconds=FOUR_YEARS).policy().alarm_after.days == 4 * 366


def test_longest_prefix_leaves_room_for_every_queue() -> None:
    prefix = Broker(prefix="a" * 200).prefix

    assert all(len(queue.under(prefix)) <= LONGEST_NAME for queue in Queue)
