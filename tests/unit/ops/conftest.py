"""What the tests of operation share."""

from pathlib import Path

import pytest

from gateway.office import Office
from gateway.ops.demo_config import write_demo
from tests.unit.ops.running import Running, a_running_gateway, read_office


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and configurations of the demonstration, for reading only."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


@pytest.fixture(scope="session")
def office(demo_folder: Path) -> Office:
    return read_office(demo_folder)


@pytest.fixture
async def running(office: Office) -> Running:
    return a_running_gateway(office)
