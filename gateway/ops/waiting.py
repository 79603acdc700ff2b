"""What waits for a receipt, or for the EPJ: since when, how long still, and who must act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.delivery import Delivery, Transport
from gateway.domain.ledger import Incoming, Outgoing
from gateway.errors import Who
from gateway.ops.wording import utc_text

_HAND_OVER = "hand-over"
_ACKNOWLEDGMENT = "acknowledgment"
_APPREC = "apprec"
_CONFIRMATION = "confirmation"
WAITS_FOR = {
    _HAND_OVER: "overlevering / hand-over",
    _ACKNOWLEDGMENT: "transportkvittering / acknowledgment",
    _APPREC: "applikasjonskvittering / AppRec",
    _CONFIRMATION: "bekreftelse fra EPJ / the EPJ's confirmation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One outgoing message in flight. ``who`` is None while nobody need act."""

    entry: Outgoing
    delivery: Delivery | None

    @property
    def waits_for(self) -> str:
        """The next thing that must happen: ``hand-over``, ``acknowledgment`` or ``apprec``."""
        if self.delivery is None or self.delivery.transport is Transport.WAITING:
            return _HAND_OVER
        return _ACKNOWLEDGMENT if self.delivery.transport is Transport.SENT else _APPREC

    @property
    def next_look(self) -> datetime | None:
        """When the gateway does something about it by itself."""
        dues = (self.entry.due_at, None if self.delivery is None else self.delivery.due_at)
        return min((due for due in dues if due is not None), default=None)

    @property
    def attempts(self) -> int:
        """Times handed to the transport."""
        return 0 if self.delivery is None else self.delivery.attempts

    @property
    def who(self) -> Who | None:
        """Our transport is the administrator's, a late answer the operator's."""
        if self.delivery is not None and self.delivery.failures:
            return Who.ADMINISTRATOR
        return Who.OPERATOR if self.entry.overdue is not None else None

    def as_json(self) -> dict[str, object]:
        entry, delivery = self.entry, self.delivery
        return {
            "entry_id": entry.entry_id,
            "msg_id": entry.msg_id,
            "message_id": entry.message_id,
            "conversation_id": entry.conversation_id,
            "receiver_her": entry.receiver_her,
            "service_code": entry.service_code,
            "message_type": entry.message_type,
            "transport": None if delivery is None else delivery.transport.value,
            "waits_for": self.waits_for,
            "since": utc_text(entry.accepted_at),
            "next_look": utc_text(self.next_look),
            "attempts": self.attempts,
            "failures": 0 if delivery is None else delivery.failures,
            "overdue": entry.overdue,
            "who_acts": None if self.who is None else self.who.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EpjWait:
    """One incoming message that the EPJ has said nothing about."""

    entry: Incoming

    @property
    def who(self) -> Who | None:
        """Nobody before the first warning."""
        return None if self.entry.overdue is None else Who.ADMINISTRATOR

    def as_json(self) -> dict[str, object]:
        entry = self.entry
        return {
            "entry_id": entry.entry_id,
            "msg_id": entry.msg_id,
            "message_id": entry.message_id,
            "conversation_id": entry.conversation_id,
            "sender_her": entry.sender_her,
            "receiver_her": entry.receiver_her,
            "message_type": entry.message_type,
            "waits_for": _CONFIRMATION,
            "since": utc_text(entry.handed_at),
            "next_look": utc_text(entry.due_at),
            "overdue": entry.overdue,
            "who_acts": None if self.who is None else self.who.value,
        }


def waits_from(rows: Sequence[tuple[Outgoing, Delivery | None]]) -> list[Wait]:
    """What ``Journal.unconfirmed`` gives, for people."""
    return [Wait(entry=entry, delivery=delivery) for entry, delivery in rows]
