"""Fixtures that every kind of test may use."""

import os
from pathlib import Path

import pytest

from tests.broker_fixture import broker_url, connections, prefix  # noqa: F401  # fixtures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--run-full-faults",
        action="store_true",
        help="fault tests with 200 messages each way and many kills, as `make faults` runs them",
    )
    parser.addoption(
        "--write-conformance",
        action="store_true",
        help="write docs/conformance-content.md from the marks of the tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "proves(*ids): rules, receipt codes, system tests and addresses that the test proves",
    )


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder with captured messages and official schemas; tests that need it skip without it."""
    folder = os.environ.get("GATEWAY_REFERENCE_DIR")
    if not folder:
        pytest.skip("GATEWAY_REFERENCE_DIR is not set")
    return Path(folder)
