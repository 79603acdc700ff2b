"""Content lies sealed in the database, and opens with its own key in its own place only."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.store import SqlJournal
from gateway.domain.identifiers import MessageId
from gateway.domain.reasons import Reason
from gateway.errors import ContentKeyMissing
from gateway.ports import ContentKeys
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
    assert [entry.entry_id for entry in due] == ["out-2"]
    assert [line["event"] for line in logs] == ["journal_row_unreadable"]


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
