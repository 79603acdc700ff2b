"""A message as the EPJ gets it on ``epj.incoming`` (design §3)."""

from collections.abc import Sequence

from gateway.domain.addressbook import Entry
from gateway.domain.envelope import MessageHeader
from gateway.domain.findings import FindingClass, Screening
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage
from gateway.ports import OutboundMessage
from gateway.queues import Queue


def for_the_epj(
    outbox_id: str,
    message: DialogMessage,
    body: bytes,
    header: MessageHeader,
    *,
    receiver: Entry,
    others: Sequence[HerId],
    screening: Screening,
    is_urgent: bool,
    removed: int,
) -> OutboundMessage:
    """``others`` are the further receivers of ours, ``removed`` counts attachments taken out."""
    headers: dict[str, str | int | bool] = {
        "x-sender-her": header.sender.her,
        "x-receiver-her": header.receiver.her,
        "x-urgent": is_urgent,
        "x-removed-attachments": removed,
    }
    if others:
        headers["x-other-receivers"] = ",".join(others)
    if receiver.service_code is not None:
        headers["x-service-code"] = receiver.service_code
    if message.conversation is not None:
        headers["x-ref-to-parent"] = message.conversation.parent
    follow_up = [f.rule for f in screening.findings if f.cls is FindingClass.FOLLOW_UP]
    if rules := [rule for rule in dict.fromkeys(follow_up) if rule is not None]:
        headers["x-follow-up"] = ",".join(rules)
    return OutboundMessage(
        outbox_id=outbox_id,
        queue=Queue.EPJ_INCOMING,
        body=body,
        content_type="application/xml",
        message_id=message.msg_id,
        correlation_id=header.conversation_id,
        type=message.type.value,
        headers=headers,
    )
