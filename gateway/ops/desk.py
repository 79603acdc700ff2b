"""What a person does with dead letters: find, look into, replay, discard (design §4, §7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.identifiers import MsgId, msg_id_key, short_id
from gateway.domain.persons import contains_national_number
from gateway.ports import DeadLetter, Journal, JournalEvent
from gateway.receipts.decisions import Decisions

_NOTHING_TO_DO = "det er ingenting å gjøre på nytt / there is nothing to do again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter and the MsgId of its message, where that is known; never its content."""

    letter: DeadLetter
    msg_id: MsgId | None = None


class _OnlyTried(Exception):
    """Rolls a transaction back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The operator's view of one journal. Each letter is changed in a transaction of its own."""

    journal: Journal
    decisions: Decisions

    async def open_letters(self, *, code: str | None = None) -> list[Letter]:
        """Open letters, oldest first."""
        return [await self._known(one) for one in await self.journal.dead_letters(code=code)]

    async def chosen(self, ids: Sequence[str], *, code: str | None = None) -> list[Letter]:
        """Open letters with ``code`` that any of ``ids`` names; all with ``code`` without ids.

        An id is a letter's, whole or as it is shown, a MsgId or an eb:MessageId.
        """
        if not ids and code is None:
            return []
        letters = await self.open_letters(code=code)
        return [one for one in letters if not ids or any(is_named(one, any_id) for any_id in ids)]

    async def letter(self, any_id: str) -> Letter | None:
        """The letter that an id names, whatever has become of it; an open one before others."""
        async with self.journal.transaction() as tx:
            letter = await tx.dead_letter(any_id)
        if letter is not None:
            return await self._known(letter)
        found = await self.chosen([any_id]) or await self._closed(any_id)
        return found[0] if found else None

    async def trail(self, letter: DeadLetter) -> Sequence[JournalEvent]:
        """Every event of the message that the letter is about, oldest first."""
        return await self.journal.trail(
            letter.entry_id or letter.arrival_id or letter.message_id or letter.letter_id
        )

    async def mail(self, letter: DeadLetter) -> bytes | None:
        """The bytes that came in, where the letter is about them."""
        if letter.arrival_id is None:
            return None
        async with self.journal.transaction() as tx:
            if await tx.arrival(letter.arrival_id) is None:
                return None
            return await tx.raw(letter.arrival_id)

    async def hindrance(self, letter: Letter) -> str | None:
        """Why a replay would come to nothing, in words; None when it would be done.

        It is tried and rolled back: no second opinion that could differ from the first.
        """
        was, letter_id = letter.letter, letter.letter.letter_id
        if was.state != "open":
            return f"ikke åpen lenger / not open any more ({was.state})"
        reason: str | None = None
        try:
            async with self.journal.transaction() as tx:
                if not await self.decisions.replay(tx, letter_id, actor="", reason=""):
                    now = await tx.dead_letter(letter_id)
                    cause = "" if now is None or now == was else f": {now.code} {now.detail}"
                    reason = _NOTHING_TO_DO + cause
                raise _OnlyTried
        except _OnlyTried:
            return reason

    async def replay(self, letter: Letter, *, actor: str, reason: str) -> bool:
        """Send, or read, again; False when nothing was done."""
        letter_id = letter.letter.letter_id
        async with self.journal.transaction() as tx:
            return await self.decisions.replay(tx, letter_id, actor=actor, reason=reason)

    async def discard(self, letter: Letter, *, actor: str, reason: str) -> bool:
        """Close by decision; False when it is not open any more. Nothing is deleted."""
        letter_id = letter.letter.letter_id
        async with self.journal.transaction() as tx:
            return await self.decisions.discard(tx, letter_id, actor=actor, reason=reason)

    async def _closed(self, any_id: str) -> list[Letter]:
        """Letters of the message ``any_id``, by the letter ids in its trail."""
        events = await self.journal.trail(any_id)
        ids = dict.fromkeys(str(event.detail.get("letter_id", "")) for event in events)
        async with self.journal.transaction() as tx:
            letters = [await tx.dead_letter(letter_id) for letter_id in ids if letter_id]
        known = [await self._known(letter) for letter in letters if letter is not None]
        return [one for one in known if is_named(one, any_id)]

    async def _known(self, letter: DeadLetter) -> Letter:
        if letter.entry_id is None:
            return Letter(letter=letter)
        # One short transaction a letter: a long one would keep the daemon waiting.
        async with self.journal.transaction() as tx:
            entry = await tx.outgoing(letter.entry_id) or await tx.incoming(letter.entry_id)
        return Letter(letter=letter, msg_id=None if entry is None else entry.msg_id)


def shown_id(letter: DeadLetter) -> str:
    """The id of a letter as lists for people have it, and as commands take it.

    Ids are whatever partners and EPJ wrote: one that holds a national number is not shown.
    """
    if not contains_national_number(letter.letter_id):
        return letter.letter_id
    return f"letter-{short_id(letter.letter_id.encode())}"


def is_named(one: Letter, any_id: str) -> bool:
    """Whether a person who gives ``any_id`` may mean this letter."""
    letter = one.letter
    if any_id in (letter.letter_id, shown_id(letter), letter.message_id, letter.arrival_id):
        return True
    return one.msg_id is not None and msg_id_key(one.msg_id) == msg_id_key(any_id)
