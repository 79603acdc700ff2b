"""Move on what is due, batch by batch, so that one thing in the way stops nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from gateway.errors import ContentKeyMissing, Disposition, GatewayError, InternalFault
from gateway.ports import Clock, DeadLetter, GiveUp, Journal, Transaction, Unreadable

T = TypeVar("T")

BATCH = 100
PASSED_OVER_FOR = timedelta(hours=1)  # what cannot be moved on keeps nothing else waiting

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[T]):
    """One kind of thing that falls due: what is due now, what to do, and how to let it wait."""

    kind: str
    due: Callable[[Transaction, datetime, int], Awaitable[Sequence[T | Unreadable]]]
    move: Callable[[Transaction, Sequence[T], datetime], Awaitable[None]]
    name_of: Callable[[T], str]
    entry_of: Callable[[T], str]  # what the letter is about
    postpone: Callable[[Transaction, str, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOn:
    """Take one kind of thing from its due time; each batch is one transaction."""

    journal: Journal
    clock: Clock
    give_up: GiveUp

    async def __call__(self, step: Step[T]) -> int:
        """Move on all that is due of one kind; returns how many things were due.

        What cannot be moved on is passed over for an hour and laid before a person,
        by itself: the rest of its batch goes on.

        Raises:
            JournalUnavailable: what was moved before stays moved; the rest waits.
        """
        moved, size = 0, BATCH
        while True:
            due: Sequence[T | Unreadable] = ()
            try:
                async with self.journal.transaction() as tx:
                    now = self.clock.now()
                    due = await step.due(tx, now, size)
                    readable = [one for one in due if not isinstance(one, Unreadable)]
                    for one in due:
                        if isinstance(one, Unreadable):
                            await self._lay_aside(
                                tx, step, one.entry_id, one.entry_id, ContentKeyMissing.code, now
                            )
                    if readable:
                        await step.move(tx, readable, now)
                    for one in readable:
                        await self.give_up.resolve(tx, _letter_id(step.name_of(one)))
            except Exception as error:
                if isinstance(error, GatewayError) and error.disposition is Disposition.RETRY:
                    raise
                if len(due) > 1:
                    size = 1  # one of them cannot be moved on: each by itself
                    continue
                if not due or isinstance(due[0], Unreadable):
                    raise  # not moving it on has failed, but the journal
                await self._pass_over(step, due[0], error)
            moved += len(due)
            if len(due) < size:
                return moved

    async def _pass_over(self, step: Step[T], item: T, error: Exception) -> None:
        """Let one thing wait that cannot be moved on, and lay it before a person."""
        code = error.code if isinstance(error, GatewayError) else InternalFault.code
        name = step.name_of(item)
        # The kind of error alone: its text may quote what it fell over.
        reason = type(error).__name__
        log.error("sweep_passed_over", step=step.kind, id=name, code=code, reason=reason)
        async with self.journal.transaction() as tx:
            await self._lay_aside(tx, step, name, step.entry_of(item), code, self.clock.now())

    async def _lay_aside(
        self, tx: Transaction, step: Step[T], name: str, entry_id: str, code: str, now: datetime
    ) -> None:
        """The due time alone is moved: a receipt may have come in the meantime.

        There is nothing to replay, since the sweep tries again by itself. A letter that a
        person has closed stays closed.
        """
        await step.postpone(tx, name, now + PASSED_OVER_FOR)
        letter = await tx.dead_letter(_letter_id(name))
        if letter is None or letter.state == "resolved":
            letter = DeadLetter(
                letter_id=_letter_id(name),
                side=None,
                code=code,
                since=now,
                entry_id=entry_id,
                detail=step.kind,
            )
            await self.give_up.letter(tx, letter)


def _letter_id(name: str) -> str:
    return f"sweep/{name}"
