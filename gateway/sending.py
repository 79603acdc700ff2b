"""Envelopes of ours recorded and ordered: the first attempt, and the same bytes once more.

Always inside the caller's transaction; ``outbound.dispatch`` makes the attempts.
"""

from dataclasses import replace
from datetime import datetime

from gateway.domain.delivery import Delivery, Purpose, Reopened, advance
from gateway.domain.resend import ResendPolicy
from gateway.envelopes import Made
from gateway.ports import Transaction
from gateway.queues import send_order


async def send(tx: Transaction, made: Made, outbox_id: str) -> None:
    """Record an envelope of ours and order its first attempt."""
    await tx.add_delivery(made.delivery, made.entity)
    await tx.put(send_order(outbox_id, made.delivery.message_id, 1))


async def send_again(
    tx: Transaction, delivery: Delivery, outbox_id: str, *, now: datetime, resend: ResendPolicy
) -> Delivery | None:
    """Order the recorded bytes of an envelope once more; None when it has been answered.

    A message keeps the lifetime it was given. An AppRec gets a new one: it may
    only ever be sent as it was (HIS 80415).
    """
    opened = advance(delivery, Reopened())
    if opened is delivery:
        return None
    lives_until = delivery.time_to_live
    if delivery.purpose is not Purpose.MESSAGE:
        lives_until = max(lives_until, resend.lives_until(now))
    opened = replace(opened, time_to_live=lives_until, due_at=now + resend.attempt_guard)
    await tx.save_delivery(opened)
    await tx.put(send_order(outbox_id, delivery.message_id, delivery.tries + 1))
    return opened


async def was_handed_over(tx: Transaction, delivery: Delivery) -> bool:
    """Whether the transport ever took this envelope, or one that it replaces."""
    if delivery.sent_at is not None:
        return True
    replaced = None if delivery.parent is None else await tx.delivery(delivery.parent)
    return replaced is not None and await was_handed_over(tx, replaced)
