"""Envelopes of ours, the attempts to send them, and the envelopes of others that were seen."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from gateway.adapters.journal import tables
from gateway.adapters.journal.rows import (
    Row,
    instant,
    instant_or_none,
    micros,
    micros_or_none,
    references_from,
    references_json,
)
from gateway.adapters.journal.statements import (
    Statement,
    Values,
    claim_due,
    constant,
    find,
    insert_new,
    insert_row,
    update_tail,
)
from gateway.adapters.journal.stored import StoredContent
from gateway.domain.delivery import Delivery, Purpose, Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId
from gateway.domain.receipt import Answer
from gateway.errors import InternalFault
from gateway.ports import Attempt, Seen

_d, _a = tables.delivery.c, tables.attempt.c

_ADD_DELIVERY = insert_row(tables.delivery)
_SAVE_DELIVERY = update_tail(tables.delivery, "mail_from")
_DELIVERY = find(tables.delivery, "message_id", lock=True)
# Written out as in the partial index, so that both databases use it.
_MAY_BE_SENT = _d.transport.in_([constant(Transport.WAITING), constant(Transport.SENT)])
_DELIVERIES_DUE = claim_due(
    select(tables.delivery)
    .where(
        _MAY_BE_SENT,
        or_(
            _d.transport == constant(Transport.WAITING),
            _d.purpose != constant(Purpose.SIGNAL),
        ),
        _d.due_at <= bindparam("now"),
    )
    .order_by(_d.due_at),
    "now",
)
_DELIVERIES_UNANSWERED = Statement(
    ("conversation_id", "sender_her", "receiver_her"),
    select(tables.delivery)
    .where(
        _d.conversation_id == bindparam("conversation_id"),
        _d.sender_her == bindparam("sender_her"),
        _d.receiver_her == bindparam("receiver_her"),
        _MAY_BE_SENT,
        _d.purpose != constant(Purpose.SIGNAL),
        _d.tries > 0,
    )
    .with_for_update(),
)
_ADD_ATTEMPT = insert_row(tables.attempt)
_SAVE_ATTEMPT = update_tail(tables.attempt, "mail_message_id")
_ATTEMPT_BY_MAIL = Statement(
    ("mail_id",),
    select(tables.attempt)
    .where(or_(_a.mail_message_id == bindparam("mail_id"), _a.envelope_id == bindparam("mail_id")))
    .order_by(_a.at.desc())
    .limit(1),
)
_ADD_SEEN = insert_new(tables.seen)
_SEEN = find(tables.seen, "message_id", "sender_her", "receiver_her", lock=True)


def delivery_from(row: Row) -> Delivery:
    """Read a row of ``delivery``."""
    return Delivery(
        message_id=row[0],
        purpose=Purpose(row[1]),
        entry_id=row[2],
        conversation_id=row[3],
        cpa_id=row[4],
        sender_her=row[5],
        receiver_her=row[6],
        service=row[7],
        action=row[8],
        created_at=instant(row[9]),
        time_to_live=instant(row[10]),
        references=references_from(row[11]),
        mail_from=row[12],
        mail_to=row[13],
        transport=Transport(row[14]),
        answer=None if row[15] is None else Answer(row[15]),
        attempts=row[16],
        tries=row[17],
        failures=row[18],
        due_at=instant_or_none(row[19]),
        sent_at=instant_or_none(row[20]),
        parent=row[21],
    )


def _delivery_head(delivery: Delivery) -> Values:
    return (
        delivery.message_id,
        delivery.purpose.value,
        delivery.entry_id,
        delivery.conversation_id,
        delivery.cpa_id,
        delivery.sender_her,
        delivery.receiver_her,
        delivery.service,
        delivery.action,
        micros(delivery.created_at),
        micros(delivery.time_to_live),
        references_json(delivery.references),
    )


def _delivery_tail(delivery: Delivery) -> Values:
    return (
        delivery.mail_from,
        delivery.mail_to,
        delivery.transport.value,
        None if delivery.answer is None else delivery.answer.value,
        delivery.attempts,
        delivery.tries,
        delivery.failures,
        micros_or_none(delivery.due_at),
        micros_or_none(delivery.sent_at),
        delivery.parent,
    )


class Envelopes(StoredContent):
    """The part of ``Transaction`` about envelopes."""

    async def add_delivery(self, delivery: Delivery, entity: bytes) -> None:
        self.write(_ADD_DELIVERY, *_delivery_head(delivery), *_delivery_tail(delivery))
        await self._store(f"entity:{delivery.message_id}", entity)

    async def delivery(self, message_id: MessageId) -> Delivery | None:
        row = await self.row(_DELIVERY, message_id)
        return None if row is None else delivery_from(row)

    async def save_delivery(self, delivery: Delivery) -> None:
        self.write(_SAVE_DELIVERY, *_delivery_tail(delivery), delivery.message_id)

    async def deliveries_due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        rows = await self.rows(_DELIVERIES_DUE, micros(now), limit)
        return [delivery_from(row) for row in rows]

    async def deliveries_unanswered(
        self, conversation_id: ConversationId, sender_her: HerId, receiver_her: HerId
    ) -> Sequence[Delivery]:
        found = await self.rows(_DELIVERIES_UNANSWERED, conversation_id, sender_her, receiver_her)
        return [delivery_from(row) for row in found]

    async def entity(self, message_id: MessageId) -> bytes:
        entity = await self._stored(f"entity:{message_id}")
        if entity is None:
            raise InternalFault(f"no wire bytes are recorded for {message_id}")
        return entity

    async def add_attempt(self, attempt: Attempt) -> None:
        self.write(_ADD_ATTEMPT, attempt.message_id, attempt.number, *_attempt_tail(attempt))

    async def save_attempt(self, attempt: Attempt) -> None:
        self.write(_SAVE_ATTEMPT, *_attempt_tail(attempt), attempt.message_id, attempt.number)

    async def attempt_by_mail(self, mail_id: str) -> Attempt | None:
        row = await self.row(_ATTEMPT_BY_MAIL, mail_id)
        if row is None:
            return None
        return Attempt(
            message_id=row[0],
            number=row[1],
            mail_message_id=row[2],
            envelope_id=row[3],
            at=instant(row[4]),
            outcome=row[5],
        )

    async def add_seen(self, seen: Seen) -> bool:
        added = await self.affected(
            _ADD_SEEN,
            seen.message_id,
            seen.sender_her,
            seen.receiver_her,
            seen.fingerprint,
            seen.reply_id,
            micros(seen.at),
            seen.arrival_id,
            seen.entry_id,
        )
        return added == 1

    async def seen(
        self, sender_her: HerId, receiver_her: HerId, message_id: MessageId
    ) -> Seen | None:
        row = await self.row(_SEEN, message_id, sender_her, receiver_her)
        if row is None:
            return None
        return Seen(
            message_id=row[0],
            sender_her=row[1],
            receiver_her=row[2],
            fingerprint=row[3],
            reply_id=row[4],
            at=instant(row[5]),
            arrival_id=row[6],
            entry_id=row[7],
        )


def _attempt_tail(attempt: Attempt) -> Values:
    return (attempt.mail_message_id, attempt.envelope_id, micros(attempt.at), attempt.outcome)
