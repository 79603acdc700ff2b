"""The queues by name, and the small messages that carry only ids (design §3)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.identifiers import MessageId
from gateway.errors import MalformedMessage
from gateway.ports import OutboundMessage, QueueMessage


class Queue(StrEnum):
    """Base names; configuration may put a prefix before them."""

    EPJ_OUTGOING = "epj.outgoing"
    EPJ_STATUS = "epj.status"
    EPJ_INCOMING = "epj.incoming"
    EPJ_CONFIRMATIONS = "epj.confirmations"
    TRANSPORT_SEND = "transport.send"
    TRANSPORT_RECEIVED = "transport.received"
    DEAD_LETTERS = "dead.letters"
    PARKED = "parked"

    def under(self, prefix: str) -> str:
        """The name on the broker. The prefix is taken as it is, its final dot included."""
        return prefix + self.value


@dataclass(frozen=True, slots=True)
class SendOrder:
    """One entry of ``transport.send``.

    ``attempt`` is the number of the attempt it asks for, so that orders which
    pile up while the broker is away make one attempt and not many. None asks
    for one more copy at any rate: a duplicate gets the first answer again.
    """

    message_id: MessageId
    attempt: int | None


def send_order(outbox_id: str, message_id: MessageId, attempt: int | None) -> OutboundMessage:
    """Order one attempt to send a recorded envelope. Losing it costs nothing: the sweep looks."""
    ids = {"message_id": message_id, "attempt": attempt}
    return _ids_only(outbox_id, Queue.TRANSPORT_SEND, ids)


def arrival_notice(outbox_id: str, arrival_id: str) -> OutboundMessage:
    """Tell that raw bytes from a transport are stored and want to be read."""
    return _ids_only(outbox_id, Queue.TRANSPORT_RECEIVED, {"arrival_id": arrival_id})


def read_send_order(message: QueueMessage) -> SendOrder:
    """The order on ``transport.send``.

    Raises:
        MalformedMessage: not what :func:`send_order` writes.
    """
    fields = _fields(message)
    attempt = fields.get("attempt")
    if attempt is not None and not (type(attempt) is int and attempt > 0):
        raise MalformedMessage("a send order whose attempt is no number")
    return SendOrder(MessageId(_id(fields, "message_id")), attempt)


def read_arrival_notice(message: QueueMessage) -> str:
    """The arrival that a message on ``transport.received`` names.

    Raises:
        MalformedMessage: not what :func:`arrival_notice` writes.
    """
    return _id(_fields(message), "arrival_id")


def _ids_only(outbox_id: str, queue: Queue, ids: Mapping[str, str | int | None]) -> OutboundMessage:
    return OutboundMessage(
        outbox_id=outbox_id,
        queue=queue,
        body=json.dumps(ids).encode(),
        content_type="application/json",
        message_id=outbox_id,
    )


def _fields(message: QueueMessage) -> Mapping[str, object]:
    try:
        fields = json.loads(message.body)
    except (ValueError, RecursionError):
        fields = None
    return fields if isinstance(fields, dict) else {}


def _id(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedMessage(f"a queue message without {name}")
    return value
