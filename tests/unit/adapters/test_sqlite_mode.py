"""How a SQLite journal is opened: by several at once, and by one that has to wait in vain."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Final

import pytest

from gateway.adapters.journal.sqlite_mode import is_busy, keep_on_disk

AT_ONCE: Final = 4
NEW_DATABASES: Final = 60


def test_all_that_open_a_new_database_at_once_are_served(tmp_path: Path) -> None:
    # Without waiting about one database in twenty-five was told to be locked.
    for number in range(NEW_DATABASES):
        path = tmp_path / f"{number}.db"
        together = Barrier(AT_ONCE)

        def opened(path: Path = path, together: Barrier = together) -> tuple[str, int]:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                together.wait()
                keep_on_disk(connection, busy_seconds=30.0)
                (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
                (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            return mode, synchronous

        with ThreadPoolExecutor(AT_ONCE) as threads:
            asked = [threads.submit(opened) for _ in range(AT_ONCE)]
        assert [one.result() for one in asked] == [("wal", 2)] * AT_ONCE


def test_one_that_waits_in_vain_is_told_that_the_database_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as holder,
        closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as raised:
            keep_on_disk(other, busy_seconds=0.05)
        holder.execute("COMMIT")
        assert is_busy(raised.value)

        keep_on_disk(other, busy_seconds=0.05)


def test_what_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database, and longer than the header of one would be " * 4)

    with (
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
        pytest.raises(sqlite3.DatabaseError) as raised,
    ):
        keep_on_disk(connection, busy_seconds=3600.0)

    assert not is_busy(raised.value)
