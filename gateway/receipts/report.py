"""Outcome -> status event for the EPJ: CloudEvents 1.0, structured JSON (design §3)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.delivery import Delivery
from gateway.domain.identifiers import ConversationId, HerId
from gateway.domain.ledger import Incoming, Outgoing
from gateway.domain.reasons import Reason
from gateway.domain.receipt import Answer
from gateway.ports import Clock, NewId, OutboundMessage, Transaction
from gateway.queues import Queue

CONTENT_TYPE = "application/cloudevents+json"
_TYPE = "no.dialoggateway.message.{event}.v1"
_ANSWERS = {Answer.OK: "ok", Answer.REJECTED: "refused", Answer.OK_WITH_ERRORS: "ok_with_errors"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Make status events. They carry ids, codes and texts of the standards, never content."""

    own_her: HerId
    clock: Clock
    new_id: NewId

    async def tell(
        self,
        tx: Transaction,
        event: str,
        entry: Outgoing,
        *,
        delivery: Delivery | None = None,
        reasons: Sequence[Reason] = (),
    ) -> Outgoing:
        """Put one status event about ``entry`` into the outbox of ``tx``.

        Args:
            tx: the transaction that also holds the change told of.
            event: a name of design §3, such as ``accepted``.
            entry: the message; ids that could not be read are null.
            delivery: its current envelope, None when there is none yet.
            reasons: why, for the events that need a reason.

        Returns:
            The entry with this event as its last one; the caller saves it.
        """
        subject = entry.msg_id or entry.amqp_message_id or entry.entry_id
        made = self._event(event, subject, _data(entry, delivery, reasons))
        told = replace(entry, last_event=made.text)
        await tx.put(_message(made.event_id, made, entry.conversation_id))
        return told

    async def tell_received(self, tx: Transaction, event: str, entry: Incoming) -> None:
        """Tell of the conversation about a message that the EPJ received (reply-due and so on).

        ``receiver_her`` is our service that got it; what only sent messages have is null.
        """
        made = self._event(event, entry.msg_id or entry.entry_id, _received_data(entry))
        await tx.put(_message(made.event_id, made, entry.conversation_id))

    async def repeat(self, tx: Transaction, entry: Outgoing) -> None:
        """Put the last event of ``entry`` into the outbox again, as it was.

        It keeps its CloudEvents id, which is the EPJ's key to drop it. The outbox
        row is a new one: two rows may be under way at once.
        """
        if entry.last_event is not None:
            head = json.loads(entry.last_event)
            made = _Event(head["id"], head["type"], entry.last_event)
            await tx.put(_message(self.new_id(), made, entry.conversation_id))

    def _event(self, event: str, subject: str, data: dict[str, object]) -> "_Event":
        event_id, kind = self.new_id(), _TYPE.format(event=event)
        body: dict[str, object] = {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/dialog-gateway/{self.own_her}",
            "type": kind,
            "subject": subject,
            "time": _utc(self.clock.now()),
            "datacontenttype": "application/json",
            "data": data,
        }
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return _Event(event_id, kind, text)


@dataclass(frozen=True, slots=True)
class _Event:
    """One CloudEvent and its JSON."""

    event_id: str
    type: str
    text: str


def _message(
    outbox_id: str, event: _Event, conversation_id: ConversationId | None
) -> OutboundMessage:
    return OutboundMessage(
        outbox_id=outbox_id,
        queue=Queue.EPJ_STATUS,
        body=event.text.encode(),
        content_type=CONTENT_TYPE,
        message_id=event.event_id,
        correlation_id=conversation_id,
        type=event.type,
    )


def _data(
    entry: Outgoing, delivery: Delivery | None, reasons: Sequence[Reason]
) -> dict[str, object]:
    answer = None if delivery is None or delivery.answer is None else _ANSWERS[delivery.answer]
    due = entry.due_at or (None if delivery is None else delivery.due_at)
    return {
        "msg_id": entry.msg_id,
        "message_id": entry.message_id,
        "conversation_id": entry.conversation_id,
        "receiver_her": entry.receiver_her,
        "service_code": entry.service_code,
        "transport": None if delivery is None else delivery.transport.value,
        "answer": answer,
        "removed": [{"mime": r.mime, "bytes": r.bytes} for r in entry.removed],
        "reasons": [reason.as_json() for reason in reasons],
        "attempts": 0 if delivery is None else delivery.attempts,
        "due_at": None if due is None else _utc(due),
    }


def _received_data(entry: Incoming) -> dict[str, object]:
    return {
        "msg_id": entry.msg_id,
        "message_id": entry.message_id,
        "conversation_id": entry.conversation_id,
        "receiver_her": entry.receiver_her,
        "service_code": None,
        "transport": None,
        "answer": None,
        "removed": [],
        "reasons": [],
        "attempts": 0,
        "due_at": None,
    }


def _utc(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
