"""Take over raw bytes from a transport: stored and announced before the far side is told so."""

from dataclasses import dataclass

from gateway.ports import Arrival, Clock, Journal, NewId
from gateway.queues import arrival_notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Store what a transport adapter hands over."""

    journal: Journal
    clock: Clock
    new_id: NewId

    async def __call__(self, raw: bytes, *, account: str, transport_id: str | None = None) -> None:
        """Store ``raw``; returning means it is committed and will be read.

        Args:
            raw: the mail as it came, every byte.
            account: which mailbox or listener.
            transport_id: what that account calls it; the same one again is the
                same mail. None where the transport has no such id (SMTP): then
                each hand-over counts, and duplicates are told by their envelope.

        Raises:
            JournalUnavailable: nothing was stored; the far side must keep it.
        """
        now = self.clock.now()
        arrival = Arrival(
            arrival_id=self.new_id(),
            account=account,
            transport_id=transport_id or self.new_id(),
            received_at=now,
            bytes=len(raw),
            notified_at=now,
        )
        async with self.journal.transaction() as tx:
            if await tx.add_arrival(arrival, raw):
                await tx.put(arrival_notice(self.new_id(), arrival.arrival_id))
