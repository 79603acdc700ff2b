"""How large a fault test is, and the randomness it can be repeated with."""

import os
import random
import sys
from dataclasses import dataclass

import pytest

from tests.faults.pair import demo_keys  # noqa: F401  # fixture
from tests.postgres_fixture import (  # noqa: F401  # fixtures
    empty_postgres_url,
    postgres_folder,
    postgres_template,
    postgres_url,
)

SEED_VARIABLE = "GATEWAY_FAULT_SEED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a fault test does. ``seconds``: the longest anything may take to come to rest."""

    messages: int  # each way
    kills: int  # of each thing that is killed
    seconds: float


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    """The small form, or with ``--run-full-faults`` the whole."""
    if request.config.getoption("--run-full-faults"):
        return Size(messages=200, kills=10, seconds=600)
    return Size(messages=25, kills=2, seconds=120)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Where the randomness of one test begins; printed, and so shown when the test fails."""
    number = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))
    sys.stdout.write(f"\n{request.node.name}: repeat with {SEED_VARIABLE}={number}\n")
    return number
