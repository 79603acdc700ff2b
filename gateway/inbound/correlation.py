"""What ``receive`` asks of the receipts: to find whom an answer is about."""

from typing import Protocol

from gateway.codecs.mime import Bounce
from gateway.domain.envelope import Envelope, MessageHeader
from gateway.domain.receipt import ApplicationReceipt
from gateway.ports import Arrival, Transaction


class Correlation(Protocol):
    """``receipts.correlate``, as ``inbound`` needs it; each returns the kind of the mail."""

    async def signal(self, tx: Transaction, arrival: Arrival, envelope: Envelope) -> str: ...
    async def receipt(
        self, tx: Transaction, arrival: Arrival, receipt: ApplicationReceipt, header: MessageHeader
    ) -> str: ...
    async def bounce(self, tx: Transaction, arrival: Arrival, bounce: Bounce) -> str: ...
    async def fault(self, tx: Transaction, arrival: Arrival, mail_ids: tuple[str, ...]) -> str: ...
