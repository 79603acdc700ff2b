"""Finding the programs that serve as oracles."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """Path of a program; without it the test is skipped, or fails where all are required."""
    path = shutil.which(name)
    if path is None and os.environ.get("GATEWAY_TESTS_REQUIRE") == "all":
        pytest.fail(f"{name} is not installed")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
