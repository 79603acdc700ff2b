"""No statement of the daily work reads a whole table of SQLite, however many rows it has."""

import sqlite3
from types import ModuleType

import pytest

from gateway.adapters.journal import (
    answers,
    entries,
    envelopes,
    leases,
    measures,
    outbox,
    store,
    stored,
    threads,
    trail,
)
from gateway.adapters.journal.statements import Statement
from gateway.adapters.journal.tables import metadata

MODULES: list[ModuleType] = [
    answers,
    entries,
    envelopes,
    leases,
    measures,
    outbox,
    store,
    stored,
    threads,
    trail,
]
MAY_SCAN = {
    "FREE",  # in the order of its key, and stops at the limit
    "FREE_ELSEWHERE",  # likewise
    "VOID_CLAIMS",  # once, at the start
    "RELEASE_ALL",  # once, at the end
    "LEDGER",  # counts, from indexes alone
    "MEASURES",
    "_ORPHANS_MATCHED",  # as many as there are orphans
}
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Statement) and name not in MAY_SCAN
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statement_finds_its_rows_by_an_index(sqlite_url: str, name: str) -> None:
    statement = STATEMENTS[name]
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    values = [1] * statement.sqlite.count("?")

    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", values).fetchall()
    connection.close()

    # A scan that follows a partial index (of what is open or due) reads no more than that.
    scans = {row[3].removeprefix("SCAN ") for row in plan if row[3].startswith("SCAN ")}
    assert not scans & set(metadata.tables), plan


def test_ledger_is_counted_from_indexes_alone(sqlite_url: str) -> None:
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    plan = connection.execute(f"EXPLAIN QUERY PLAN {measures.LEDGER.sqlite}").fetchall()
    connection.close()

    scans = [row[3] for row in plan if row[3].startswith(("SCAN", "SEARCH"))]
    assert scans
    assert all("USING COVERING INDEX" in scan for scan in scans), scans
