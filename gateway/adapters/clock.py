"""UTC clock and source of ids."""

import uuid
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock; NTP keeps it true (HITS 1216 §2.1.6 names ntp.nhn.no)."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


def new_uuid() -> str:
    """A random UUID (version 4) in lower case."""
    return str(uuid.uuid4())
