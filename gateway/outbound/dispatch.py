"""One attempt to hand one recorded envelope to the transport.

First attempt and resend are the same act on the same stored bytes; only the
mail around them is new each time (HITS 1172 §4.2.3).
"""

from dataclasses import dataclass, replace

from gateway.codecs.mime import render_mail
from gateway.domain.delivery import Delivery, HandedOver, Purpose, Transport, advance
from gateway.domain.resend import ResendPolicy
from gateway.errors import AttemptsUsedUp, GatewayError, TransportRefused, TransportUnavailable
from gateway.ports import (
    Attempt,
    Clock,
    GiveUp,
    Journal,
    JournalEvent,
    NewId,
    OutgoingTransport,
    QueueMessage,
    Report,
    Transaction,
)
from gateway.queues import SendOrder, read_send_order
from gateway.sending import was_handed_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Make one attempt for each order on ``transport.send``."""

    journal: Journal
    transport: OutgoingTransport
    clock: Clock
    new_id: NewId
    resend: ResendPolicy
    report: Report
    give_up: GiveUp
    mailer: str  # product and version, for X-Mailer

    async def __call__(self, order: QueueMessage) -> None:
        """Send what the order names, if it still may be sent.

        A temporary fault is recorded with a new due time and is no error here:
        the order is done. A crash after the transport took the mail and before
        that is recorded repeats the send: at least once, never silently none.

        Raises:
            JournalUnavailable: the order must be given again.
            MalformedMessage: the order names nothing.
        """
        begun = await self._begin(read_send_order(order), redelivered=order.redelivered)
        if begun is None:
            return
        delivery, attempt, entity = begun
        mail = render_mail(
            entity,
            sender=delivery.mail_from,
            recipient=delivery.mail_to,
            mail_message_id=attempt.mail_message_id,
            date=attempt.at,
            subject=f"ebXML {delivery.action}",
            mailer=self.mailer,
        )
        try:
            await self.transport.send(
                mail,
                sender=delivery.mail_from,
                recipient=delivery.mail_to,
                envelope_id=attempt.envelope_id,
            )
        except (TransportUnavailable, TransportRefused) as error:
            await self._failed(attempt, error)
        else:
            await self._handed_over(attempt)

    async def _begin(
        self, order: SendOrder, *, redelivered: bool
    ) -> tuple[Delivery, Attempt, bytes] | None:
        """Record the attempt before it is made; None when nothing is to be sent."""
        now = self.clock.now()
        async with self.journal.transaction() as tx:
            delivery = await tx.delivery(order.message_id)
            if delivery is None or not _is_wanted(order, delivery, redelivered=redelivered):
                return None
            if order.attempt is not None and self.resend.is_used_up(delivery, now):
                await self.give_up.delivery(tx, delivery, AttemptsUsedUp())
                return None
            number = delivery.tries + 1
            name = self.new_id()
            attempt = Attempt(
                message_id=delivery.message_id,
                number=number,
                mail_message_id=f"{name}.{number}@{delivery.mail_from.rpartition('@')[2]}",
                envelope_id=name,
                at=now,
            )
            await tx.add_attempt(attempt)
            # A copy beyond the first answer is not repeated by the sweep: it is not open.
            due_at = now + self.resend.attempt_guard if delivery.is_open else delivery.due_at
            delivery = replace(delivery, tries=number, due_at=due_at)
            await tx.save_delivery(delivery)
            return delivery, attempt, await tx.entity(delivery.message_id)

    async def _handed_over(self, attempt: Attempt) -> None:
        now = self.clock.now()
        async with self.journal.transaction() as tx:
            delivery = await self._reload(tx, attempt, "handed_over")
            first = not await was_handed_over(tx, delivery)
            delivery = advance(delivery, HandedOver())
            waits = delivery.is_open
            delivery = replace(
                delivery,
                sent_at=delivery.sent_at or now,
                due_at=self.resend.due_after_hand_over(now) if waits else None,
            )
            await tx.save_delivery(delivery)
            await tx.record(self._event("sent", attempt, delivery))
            if delivery.purpose is Purpose.SIGNAL and attempt.number > 1:
                await self.give_up.resolve(tx, delivery.message_id)  # if it was given up before
            if first and delivery.purpose is Purpose.MESSAGE:
                entry = await tx.outgoing(delivery.entry_id)
                if entry is not None:
                    entry = await self.report.tell(tx, "sent", entry, delivery=delivery)
                    await tx.save_outgoing(entry)

    async def _failed(self, attempt: Attempt, error: GatewayError) -> None:
        now = self.clock.now()
        async with self.journal.transaction() as tx:
            delivery = await self._reload(tx, attempt, error.code)
            await tx.record(self._event("attempt_failed", attempt, delivery, error=error))
            if isinstance(error, TransportRefused):
                await self.give_up.delivery(tx, delivery, error)
                return
            failures = delivery.failures + 1
            due = self.resend.due_after_failure(failures, now)
            delivery = replace(delivery, failures=failures)
            if delivery.is_open:
                delivery = replace(delivery, due_at=due)
            await tx.save_delivery(delivery)

    async def _reload(self, tx: Transaction, attempt: Attempt, outcome: str) -> Delivery:
        await tx.save_attempt(replace(attempt, outcome=outcome))
        delivery = await tx.delivery(attempt.message_id)
        assert delivery is not None, "deliveries are never deleted while open"
        return delivery

    def _event(
        self, name: str, attempt: Attempt, delivery: Delivery, *, error: GatewayError | None = None
    ) -> JournalEvent:
        detail: dict[str, str | int | bool | None] = {
            "attempt": attempt.number,
            "mail_message_id": attempt.mail_message_id,
            "partner": delivery.receiver_her,
            "type": delivery.action,
        }
        if error is not None:
            detail["detail"] = error.detail
        return JournalEvent(
            at=self.clock.now(),
            name=name,
            entry_id=delivery.entry_id,
            message_id=delivery.message_id,
            code=None if error is None else error.code,
            detail=detail,
        )


def _is_wanted(order: SendOrder, delivery: Delivery, *, redelivered: bool) -> bool:
    """Whether an order still asks for something: it may be old, double, or overtaken by a receipt.

    Orders for one attempt pile up while the broker is away; the first of them makes it. One
    that its consumer took with it in a crash comes again, and so does the attempt.
    """
    if order.attempt is None:
        return delivery.purpose is Purpose.SIGNAL
    if not delivery.is_open:
        return False
    if order.attempt > delivery.tries:
        return True
    waiting = delivery.transport is Transport.WAITING
    return redelivered and waiting and order.attempt == delivery.tries
