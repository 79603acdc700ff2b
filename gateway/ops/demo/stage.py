"""Everything that runs while the demonstration does; what the display shows."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.app import Gateway
from gateway.domain.addressbook import Entry
from gateway.domain.ledger import Ledger
from gateway.ops.demo.epj import Epj
from gateway.ops.demo.progress import Conversations, Refusal
from gateway.ops.demo_config import Seat
from gateway.ports import JournalEvent

PATIENCE_SECONDS = 60.0
PARTIES = 2


@dataclass(slots=True, kw_only=True)
class Stage:
    """The running demonstration. ``changed`` is set whenever something happened."""

    directory: Path
    broker_url: str
    gateways: dict[str, Gateway] = field(default_factory=dict)
    epjs: dict[str, Epj] = field(default_factory=dict)
    conversations: list[Conversations] = field(default_factory=list)
    refusals: Sequence[Refusal] = ()
    partner: list[str] = field(default_factory=list)  # the partner switched off and on
    partner_done: bool = False
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    timeline: list[tuple[str, JournalEvent]] = field(default_factory=list)
    mails: int = 0
    seconds: float = 0.0
    seats: dict[str, Seat] = field(default_factory=dict)
    post_office_port: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def balanced(self) -> bool:
        """Whether both ledgers balance and nothing is under way any more."""
        return len(self.ledgers) == PARTIES and all(
            ledger.balanced and ledger.outgoing.in_flight == ledger.incoming.in_flight == 0
            for ledger in self.ledgers.values()
        )

    @property
    def complete(self) -> bool:
        """Whether all ended as it must."""
        return (
            all(one.done for one in self.conversations)
            and bool(self.refusals)
            and all(refusal.ok for refusal in self.refusals)
            and self.partner_done
            and self.balanced
        )

    def services(self, name: str) -> list[Entry]:
        """The services of a party that messages may go to, in the order of its address book."""
        book = self.gateways[name].office.book
        return [
            entry
            for entry in book.entries
            if entry.own and entry.service is not None and entry.service.type.is_receiver
        ]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until ``reached``; TimeoutError when nothing happens for ``PATIENCE_SECONDS``."""
        while not reached():
            self.changed.clear()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.changed.wait()

    def as_json(self, dialogs: int) -> dict[str, object]:
        """The JSON of ``demo --json`` (design §7)."""
        return {
            "dialogs": dialogs,
            "seconds": round(self.seconds, 1),
            "sides": {name: ledger.as_json() for name, ledger in self.ledgers.items()},
            "refusals": [refusal.as_json() for refusal in self.refusals],
            "balanced": self.balanced,
        }
