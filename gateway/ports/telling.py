"""What the processes share: telling the EPJ, and handing a matter to people."""

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.delivery import Delivery
from gateway.domain.ledger import Incoming, Outgoing
from gateway.domain.reasons import Reason
from gateway.errors import GatewayError
from gateway.ports.journal import Transaction
from gateway.ports.records import DeadLetter


class Report(Protocol):
    """Tell the EPJ by a status event; see ``receipts.report``."""

    async def tell(
        self,
        tx: Transaction,
        event: str,
        entry: Outgoing,
        *,
        delivery: Delivery | None = None,
        reasons: Sequence[Reason] = (),
    ) -> Outgoing:
        """Put the event into the outbox; returns the entry that remembers it, for saving."""

    async def tell_received(self, tx: Transaction, event: str, entry: Incoming) -> None:
        """Put an event about the conversation of a received message into the outbox."""

    async def repeat(self, tx: Transaction, entry: Outgoing) -> None:
        """Put the entry's last event into the outbox again, as it was."""


class GiveUp(Protocol):
    """End a delivery, or a wait, as an operator's matter; see ``receipts.dead_letters``."""

    async def delivery(self, tx: Transaction, delivery: Delivery, error: GatewayError) -> None:
        """No more attempts: the ledger entry is dead, the EPJ and an operator are told."""

    async def answer(self, tx: Transaction, entry: Outgoing, error: GatewayError) -> None:
        """The wait for an AppRec ran out."""

    async def letter(self, tx: Transaction, letter: DeadLetter) -> None:
        """Park something as a dead letter and put its notice on ``dead.letters``."""

    async def resolve(self, tx: Transaction, letter_id: str) -> None:
        """Take a letter off the list because the matter settled itself."""
