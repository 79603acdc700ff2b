"""Content lies sealed in the database, and opens with its own key in its own place only."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.store import SqlJournal
from gateway.domain.identifiers import MessageId
from gateway.domain.reasons import Reason
from gateway.errors import ContentKeyMissing
from gateway.ports import ContentKeys, Unreadable
from tests.contract.journals import (
    KEYS,
    NOON,
    a_delivery,
    a_message,
    an_arrival,
    an_incoming,
    an_outgoing,
)
from tests.fakes_journal import HandClock

REASON = Reason(code="GW-201", text_nb="Feil", text_en="Fault", who_acts="sender")
NEW_KEYS = ContentKeys("2026-09", {"2026-09": b"n" * 32, **KEYS.by_id})


def opened(url: str, keys: ContentKeys = KEYS) -> AbstractAsyncContextManager[SqlJournal]:
    return open_journal(url, keys=keys, clock=HandClock(), exclusive=False)


def database_files(url: str) -> Iterator[bytes]:
    path = Path(url.removeprefix("sqlite:///"))
    for file in path.parent.glob("journal.db*"):
        yield file.read_bytes()


async def test_no_plain_content_is_found_in_the_files(sqlite_url: str) -> None:
    secret = "Kari Nordmann har vondt i hodet"
    reason = Reason(code="X99", text_nb=secret, text_en=secret, who_acts="sender")
    async with opened(sqlite_url) as journal:
        async with journal.transaction() as tx:
            await tx.add_outgoing(an_outgoing(reasons=(reason,), last_event=secret))
            await tx.add_incoming(an_incoming(reasons=(reason,)))
            await tx.add_delivery(a_delivery(), secret.encode())
            await tx.add_arrival(an_arrival(), secret.encode())
            await tx.add_document("in-1", secret.encode())
            await tx.put(a_message(body=secret.encode()))
        during = b"".join(database_files(sqlite_url))
    after = b"".join(database_files(sqlite_url))

    assert b"m-1" in during, "the row is there"
    for word in ("Kari", "Nordmann", "vondt", "hodet"):
        assert word.encode() not in during + after


async def test_changed_key_seals_anew_and_the_old_one_still_opens(real_url: str) -> None:
    async with opened(real_url) as journal, journal.transaction() as tx:
        await tx.add_document("in-1", b"old")
    async with opened(real_url, NEW_KEYS) as journal, journal.transaction() as tx:
        assert await tx.document("in-1") == b"old"
        await tx.add_document("in-2", b"new")
    async with opened(real_url) as journal, journal.transaction() as tx:
        assert await tx.document("in-1") == b"old"
        with pytest.raises(ContentKeyMissing, match="2026-09 is not configured"):
            await tx.document("in-2")


async def test_missing_key_is_said_and_keeps_no_other_row_back(real_url: str) -> None:
    other = ContentKeys("2026-03", {"2026-03": b"x" * 32})
    async with opened(real_url) as journal, journal.transaction() as tx:
        await tx.put(a_message())
        await tx.add_outgoing(an_outgoing(last_event="x"))
        await tx.add_delivery(a_delivery(), b"")
    async with opened(real_url, other) as journal:
        with capture_logs() as logs:
            assert await journal.claim_outbox(1) == []
        assert [line["event"] for line in logs] == ["journal_row_unreadable"]
        with pytest.raises(ContentKeyMissing, match="does not open"):
            await journal.unconfirmed()
        async with journal.transaction() as tx:
            assert await tx.delivery(MessageId("m-1")) == a_delivery()


async def test_the_sweep_goes_past_an_entry_under_a_missing_key(real_url: str) -> None:
    other = ContentKeys("2026-03", {"2026-03": b"x" * 32})
    async with opened(real_url) as journal, journal.transaction() as tx:
        await tx.add_outgoing(an_outgoing("out-1", key="k-1", last_event="x", due_at=NOON))
        await tx.add_outgoing(an_outgoing("out-2", key="k-2", due_at=NOON))
    async with opened(real_url, other) as journal, journal.transaction() as tx:
        with capture_logs() as logs:
            due = await tx.outgoing_due(NOON, 9)
    assert [entry.entry_id for entry in due] == ["out-1", "out-2"]
    assert due[0] == Unreadable(entry_id="out-1")
    assert [line["event"] for line in logs] == ["journal_row_unreadable"]


async def test_entries_under_a_missing_key_do_not_fill_the_sweep_for_ever(real_url: str) -> None:
    other = ContentKeys("2026-03", {"2026-03": b"x" * 32})
    later = NOON + timedelta(minutes=1)
    async with opened(real_url) as journal, journal.transaction() as tx:
        for number in range(3):
            await tx.add_outgoing(
                an_outgoing(
                    f"out-{number}",
                    key=f"k-{number}",
                    digest=f"{number}",
                    last_event="x",
                    due_at=NOON,
                )
            )
            await tx.add_incoming(an_incoming(f"in-{number}", reasons=(REASON,), due_at=NOON))
        await tx.add_outgoing(an_outgoing("out-9", key="k-9", due_at=later))
        await tx.add_incoming(an_incoming("in-9", due_at=later))
    found: list[str] = []
    async with opened(real_url, other) as journal:
        for _ in range(2):
            async with journal.transaction() as tx:
                sent, received = await tx.outgoing_due(later, 2), await tx.incoming_due(later, 2)
                for entry_id in [entry.entry_id for entry in sent]:
                    found.append(entry_id)
                    await tx.postpone("outgoing", entry_id, later + timedelta(hours=1))
                for entry_id in [entry.entry_id for entry in received]:
                    found.append(entry_id)
                    await tx.postpone("incoming", entry_id, later + timedelta(hours=1))
    assert sorted(found) == ["in-0", "in-1", "in-2", "in-9", "out-0", "out-1", "out-2", "out-9"]


async def as_daemon(url: str, keys: ContentKeys) -> list[str]:
    """Start and stop on a journal; what is missing while it runs."""
    async with open_journal(url, keys=keys, clock=HandClock(), exclusive=True) as journal:
        return list(await journal.missing_keys())


async def test_a_key_that_content_was_sealed_with_and_is_gone_is_named(real_url: str) -> None:
    alone = ContentKeys("2027-01", {"2027-01": b"a" * 32})
    assert await as_daemon(real_url, KEYS) == []
    assert await as_daemon(real_url, NEW_KEYS) == []
    assert await as_daemon(real_url, KEYS) == ["2026-09"]

    assert await as_daemon(real_url, alone) == ["2026-03", "2026-09"]
    assert await as_daemon(real_url, alone) == ["2026-03", "2026-09"]
    async with opened(real_url, NEW_KEYS) as journal:
        assert await journal.missing_keys() == ["2027-01"]


async def test_another_key_under_the_same_id_counts_as_missing(real_url: str) -> None:
    other = ContentKeys("2026-03", {"2026-03": b"x" * 32})
    assert await as_daemon(real_url, KEYS) == []

    assert await as_daemon(real_url, other) == ["2026-03"]


async def test_commands_leave_no_key_behind(real_url: str) -> None:
    async with opened(real_url, NEW_KEYS):
        pass

    assert await as_daemon(real_url, KEYS) == []


async def test_instances_that_start_at_once_note_their_keys_both(real_url: str) -> None:
    async with opened(real_url) as first, opened(real_url, NEW_KEYS) as second:
        await asyncio.gather(first.record_key(), second.record_key())

    async with opened(real_url, ContentKeys("2027-01", {"2027-01": b"a" * 32})) as journal:
        assert sorted(await journal.missing_keys()) == ["2026-03", "2026-09"]


async def test_content_moved_to_another_row_does_not_open(sqlite_url: str) -> None:
    async with opened(sqlite_url) as journal:
        async with journal.transaction() as tx:
            await tx.add_document("in-1", b"of one patient")
        with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE content SET content_id = 'document:in-2'")
        async with journal.transaction() as tx:
            with pytest.raises(ContentKeyMissing):
                await tx.document("in-2")


def test_equal_content_is_never_sealed_equally() -> None:
    sealer = Sealer(KEYS)

    assert sealer.seal(b"x", "a") != sealer.seal(b"x", "a")
    assert sealer.unpack(sealer.pack(b"x", "a"), "a") == b"x"


def test_damaged_seal_does_not_open() -> None:
    sealer = Sealer(KEYS)
    key_id, nonce, sealed = sealer.seal(b"content", "a")

    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(ContentKeyMissing):
            sealer.open(key_id, nonce, bytes(damaged), "a")


def test_keys_do_not_show_in_their_representation() -> None:
    assert str(KEYS.by_id["2026-03"]) not in repr(KEYS)
