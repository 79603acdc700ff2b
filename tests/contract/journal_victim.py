"""A process for tests to kill: it writes to a journal and says on stdout how far it came."""

import asyncio
import resource
import sys

from gateway.adapters.journal.engine import open_journal
from gateway.domain.identifiers import MessageId
from gateway.errors import JournalUnavailable
from gateway.ports import Journal, JournalEvent
from tests.contract.journals import KEYS, NOON, a_delivery, a_message, an_outgoing
from tests.fakes_journal import HandClock


async def write(journal: Journal, name: str, *, stop_inside: bool = False) -> None:
    """One message: entry, envelope with 50 kB, event, outbox row."""
    async with journal.transaction() as tx:
        await tx.add_outgoing(an_outgoing(name))
        await tx.add_delivery(a_delivery(name, entry_id=name), b"x" * 50_000)
        await tx.record(JournalEvent(at=NOON, name="accepted", entry_id=name))
        await tx.put(a_message(name))
        if stop_inside:
            assert await tx.delivery(MessageId(name))  # all of it has reached the database
            print("inside", flush=True)  # noqa: T201
            await asyncio.Event().wait()


async def endless(journal: Journal) -> None:
    """Print each name once its commit has returned."""
    for number in range(1_000_000):
        await write(journal, f"n-{number}")
        print(f"n-{number}", flush=True)  # noqa: T201


async def full(journal: Journal) -> None:
    """Run into a limit of the file size, which SQLite sees as a full disk, and recover."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    await write(journal, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, unlimited[1]))
    written = 0
    try:
        for number in range(100):
            await write(journal, f"n-{number}")
            written += 1
    except JournalUnavailable as error:
        print(f"unavailable after {written}: {error}", flush=True)  # noqa: T201
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    await write(journal, "after")


async def group(journal: Journal) -> None:
    """Four transactions that share a commit; the last of them never ends."""

    async def tell(name: str, *, stop_inside: bool = False) -> None:
        await write(journal, name, stop_inside=stop_inside)
        print(name, flush=True)  # noqa: T201

    await asyncio.gather(tell("n-0"), tell("n-1"), tell("n-2"), tell("n-3", stop_inside=True))


async def full_group(journal: Journal, *, large: bool) -> None:
    """Print how each of four that share a commit ends on a full disk, and recover.

    ``large``: the last is more than SQLite keeps in memory, so that it runs
    into the limit before the commit.
    """
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    await write(journal, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, unlimited[1]))

    async def write_large() -> None:
        async with journal.transaction() as tx:
            await tx.add_document("n-3", bytes(8_000_000))
            await tx.document("n-3")

    outcomes = await asyncio.gather(
        *(write(journal, f"n-{number}") for number in range(3)),
        write_large() if large else write(journal, "n-3"),
        return_exceptions=True,
    )
    for outcome in outcomes:
        print(type(outcome).__name__, flush=True)  # noqa: T201
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    await write(journal, "after")


async def main(url: str, act: str) -> None:
    async with open_journal(url, keys=KEYS, clock=HandClock(), exclusive=True) as journal:
        match act:
            case "inside":
                await write(journal, "n-0", stop_inside=True)
            case "endless":
                await endless(journal)
            case "full":
                await full(journal)
            case "group":
                await group(journal)
            case "full-at-commit":
                await full_group(journal, large=False)
            case "full-in-last":
                await full_group(journal, large=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
