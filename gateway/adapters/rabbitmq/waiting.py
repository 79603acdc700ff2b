"""Waiting that a shutdown can end, and back-off with jitter."""

import asyncio
import random


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Return when one of the events is set, or after so many seconds."""
    if any(event.is_set() for event in events):
        return
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


class Backoff:
    """Seconds to wait after the n-th failure in a row: doubling up to a cap, half of it random.

    Several instances that lost the same broker must not all come back at once.
    """

    def __init__(self, *, first_seconds: float = 0.5, cap_seconds: float = 30.0) -> None:
        self._first = first_seconds
        self._cap = cap_seconds
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def next_seconds(self) -> float:
        # The exponent is bounded too: 2.0 ** 1024 is an OverflowError after a week of failures.
        longest = min(self._cap, self._first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
