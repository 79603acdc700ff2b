"""What all parts of a transaction share: writes that wait, and reads that take them along."""

from collections.abc import Sequence

from gateway.adapters.journal.content import Sealer
from gateway.adapters.journal.rows import Row
from gateway.adapters.journal.session import Session
from gateway.adapters.journal.statements import Call, Statement, Values


class Work:
    """A transaction under way.

    Writes whose outcome nobody asks for are kept back and sent in order, with
    the next read or with the commit, so reads see them all. It saves most of
    the journeys to the database.
    """

    def __init__(self, session: Session, sealer: Sealer) -> None:
        self._session = session
        self._sealer = sealer
        self._pending: list[Call] = []
        self._failed = False

    def void(self) -> None:
        """Let nothing of this transaction be committed, whatever the block does now."""
        self._failed = True

    def write(self, statement: Statement, *values: str | int | bytes | None) -> None:
        self._pending.append((statement, values))

    async def rows(self, statement: Statement, *values: str | int | bytes | None) -> Sequence[Row]:
        try:
            return await self._session.rows(self._with_pending(statement, values))
        except BaseException:
            self.void()
            raise

    async def row(self, statement: Statement, *values: str | int | bytes | None) -> Row | None:
        rows = await self.rows(statement, *values)
        return rows[0] if rows else None

    async def affected(self, statement: Statement, *values: str | int | bytes | None) -> int:
        try:
            return await self._session.affected(self._with_pending(statement, values))
        except BaseException:
            self.void()
            raise

    def _with_pending(self, statement: Statement, values: Values) -> Sequence[Call]:
        calls = self._pending
        self._pending = []
        calls.append((statement, values))
        return calls
