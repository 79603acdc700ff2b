"""Fixtures of the contract tests."""

from tests.builders_smtp import pem  # noqa: F401  # a fixture, like all below
from tests.contract.journals import (
    clock,  # noqa: F401
    journal,  # noqa: F401
    real_url,  # noqa: F401
    sqlite_template,  # noqa: F401
    sqlite_url,  # noqa: F401
    store,  # noqa: F401
    store_url,  # noqa: F401
)
from tests.postgres_fixture import (
    empty_postgres_url,  # noqa: F401
    postgres_folder,  # noqa: F401
    postgres_template,  # noqa: F401
    postgres_url,  # noqa: F401
)
