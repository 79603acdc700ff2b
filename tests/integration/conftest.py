"""A hospital with queues, journal and configuration file of its own."""

from pathlib import Path

import pytest

from gateway.adapters.journal.schema import upgrade
from gateway.adapters.rabbitmq.connection import Connections
from gateway.adapters.rabbitmq.topology import declare
from gateway.config.load import load_settings
from gateway.office import open_office
from gateway.ops.demo_config import write_demo
from tests.builders_hospital import Hospital


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of the demo parties, made once."""
    folder = tmp_path_factory.mktemp("parties")
    write_demo(folder)
    return folder


@pytest.fixture
async def hospital(
    folder: Path, broker_url: str, prefix: str, connections: Connections
) -> Hospital:
    text = (folder / "hospital.toml").read_text(encoding="utf-8")
    text = text.replace('prefix = "hospital."', f'url = "{broker_url}"\nprefix = "{prefix}"')
    text = text.replace('path = "hospital.sqlite"', f'path = "{prefix}sqlite"')
    config = folder / f"{prefix}toml"
    config.write_text(text, encoding="utf-8")
    await declare(connections.consuming, prefix)
    office = open_office(load_settings(config, {}))
    await upgrade(office.settings.journal.url)
    return Hospital(config=config, office=office, connections=connections)
