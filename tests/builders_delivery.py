"""An envelope of ours on its way, for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.domain.delivery import Delivery, Purpose
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId

MADE_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_delivery(message_id: str = "m-1", **changes: object) -> Delivery:
    """One question from the hospital to the municipality, not sent yet."""
    delivery = Delivery(
        message_id=MessageId(message_id),
        purpose=Purpose.MESSAGE,
        entry_id="e-1",
        conversation_id=ConversationId("c-1"),
        cpa_id=CpaId("910001_920001"),
        sender_her=HerId("910001"),
        receiver_her=HerId("920001"),
        service="S-DIALOG_FORESPORSEL",
        action="DIALOG_FORESPORSEL",
        mail_from="hospital@demo.invalid",
        mail_to="municipality@demo.invalid",
        created_at=MADE_AT,
        time_to_live=MADE_AT + timedelta(hours=72),
    )
    return replace(delivery, **changes)  # type: ignore[arg-type]  # names are checked by replace
