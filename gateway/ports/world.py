"""Time, new names, and the way out: what every process needs of its surroundings."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class NewId(Protocol):
    def __call__(self) -> str:
        """A new UUID as text, never given before."""


class OutgoingTransport(Protocol):
    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        """Hand over one mail; returning means the far side is responsible.

        A repeat must be harmless. Raises:
            TransportUnavailable: not known to be handed over; try again later.
            TransportRefused: refused for good.
        """
