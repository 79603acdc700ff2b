"""What each envelope was answered, so that every copy of it gets the same again.

An envelope whose signature held is known by its ids (HITS 1172 §5.8.2). A copy
that did not hold is known by its bytes alone: an id that nobody vouches for must
not keep the true message out.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.domain.delivery import Transport
from gateway.domain.identifiers import HerId, MessageId
from gateway.domain.resend import ResendPolicy
from gateway.errors import LeaseLost
from gateway.ports import Clock, JournalEvent, NewId, Seen, Transaction
from gateway.queues import send_order
from gateway.sending import send_again


class CopyKey(NamedTuple):
    """By what copies of one envelope are told from others."""

    sender_her: HerId
    receiver_her: HerId
    message_id: MessageId

    def by_bytes(self, fingerprint: str) -> "CopyKey":
        """The key of a copy that the ids do not stand for."""
        return self._replace(message_id=MessageId(f"sha256:{fingerprint}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswers:
    """Always inside the transaction of ``receive``."""

    clock: Clock
    new_id: NewId
    resend: ResendPolicy

    async def to(self, tx: Transaction, key: CopyKey) -> Seen | None:
        """How the first of its copies was answered; None when this is the first."""
        return await tx.seen(*key)

    async def remember(
        self,
        tx: Transaction,
        key: CopyKey,
        *,
        fingerprint: str,
        reply_id: MessageId,
        arrival_id: str,
        entry_id: str | None,
    ) -> None:
        """Record the answer to the first copy.

        Raises:
            LeaseLost: a copy was read a moment ago by another; undo all, and read again.
        """
        seen = Seen(
            sender_her=key.sender_her,
            receiver_her=key.receiver_her,
            message_id=key.message_id,
            fingerprint=fingerprint,
            reply_id=reply_id,
            at=self.clock.now(),
            arrival_id=arrival_id,
            entry_id=entry_id,
        )
        if not await tx.add_seen(seen):
            raise LeaseLost("another copy of this envelope was read a moment ago")

    async def repeat(
        self, tx: Transaction, seen: Seen, arrival_id: str, message_id: MessageId
    ) -> None:
        """Give a copy the first answer again, byte for byte (HITS 1172 §5.8.2)."""
        reply, now = await tx.delivery(seen.reply_id), self.clock.now()
        if reply is not None and reply.transport is Transport.GIVEN_UP:
            await send_again(tx, reply, self.new_id(), now=now, resend=self.resend)
        elif reply is not None:
            await tx.put(send_order(self.new_id(), seen.reply_id, None))
        await tx.record(
            JournalEvent(
                at=now,
                name="duplicate",
                entry_id=seen.entry_id,
                message_id=message_id,
                arrival_id=arrival_id,
            )
        )
