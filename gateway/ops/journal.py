"""The journal as commands open it."""

from contextlib import AbstractAsyncContextManager

from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.journal.store import SqlJournal
from gateway.office import Office


def opened_journal(office: Office) -> AbstractAsyncContextManager[SqlJournal]:
    """The journal, beside a running daemon; what is put into its outbox the daemon publishes."""
    return open_journal(
        office.settings.journal.url,
        keys=office.content_keys,
        clock=SystemClock(),
        exclusive=False,
    )
