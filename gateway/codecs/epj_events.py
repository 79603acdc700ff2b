"""What else passes between gateway and EPJ as JSON: status events out, confirmations in.

The gateway writes and reads these in ``receipts``; the models describe them for
the interface documents, and the tests hold both to each other.
"""

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from gateway.domain.delivery import Transport
from gateway.errors import Who

EVENTS: Final[dict[str, str]] = {
    "accepted": "Taken over: from now on the message is the gateway's. data.removed lists "
    "attachments that the receiver will not get, data.reasons holds remarks.",
    "rejected": "Refused by the gateway and not sent; data.reasons holds every reason.",
    "sent": "Handed to the transport for the first time; told once, also when it is replayed.",
    "acknowledged": "The partner's message handler has it (ebXML Acknowledgment).",
    "confirmed": "The receiving application has stored it (AppRec 1, or 3 with errors).",
    "refused": "The partner refused it (AppRec 2 or MessageError); data.reasons holds its codes.",
    "unconfirmed": "The wait for an acknowledgment or AppRec ran out; dead-lettered follows.",
    "dead-lettered": "An operator must look at it; a late receipt may still settle it.",
    "replayed": "An operator has sent it again.",
    "discarded": "An operator has closed it for good.",
    "reply-due": "Three working days without an answer to the question.",
    "reply-overdue": "Five working days without an answer to the question.",
    "replied": "An answer to the question has come.",
}
"""Every status event, by the name that stands in its ``type``, and when it is sent."""

EventType: TypeAlias = Literal[
    "no.dialoggateway.message.accepted.v1",
    "no.dialoggateway.message.rejected.v1",
    "no.dialoggateway.message.sent.v1",
    "no.dialoggateway.message.acknowledged.v1",
    "no.dialoggateway.message.confirmed.v1",
    "no.dialoggateway.message.refused.v1",
    "no.dialoggateway.message.unconfirmed.v1",
    "no.dialoggateway.message.dead-lettered.v1",
    "no.dialoggateway.message.replayed.v1",
    "no.dialoggateway.message.discarded.v1",
    "no.dialoggateway.message.reply-due.v1",
    "no.dialoggateway.message.reply-overdue.v1",
    "no.dialoggateway.message.replied.v1",
]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RemovedAttachment(_Told):
    """An attachment that was taken out: its type and size, nothing else."""

    mime: str
    bytes: int = Field(ge=0)


class StatusReason(_Told):
    """Why, for machines and for people. ``code`` is stable: EPJ_*, GW-* or the partner's own."""

    code: str
    rule: str | None = Field(description="Rule of the guideline, such as R-36.")
    text_nb: str = Field(description="Shown to the user.")
    text_en: str
    who_acts: Who


class StatusData(_Told):
    """The message as it stands at the event. Never any content of it."""

    msg_id: str | None = Field(description="MsgId; null when it could not be read.")
    message_id: str | None = Field(description="eb:MessageId of the envelope.")
    conversation_id: str | None = Field(description="eb:ConversationId.")
    receiver_her: str | None
    service_code: str | None = Field(description="Type of the receiving service: 8668:S0304.")
    transport: Transport | None = Field(description="Null before there is an envelope.")
    answer: Literal["ok", "refused", "ok_with_errors"] | None
    removed: tuple[RemovedAttachment, ...]
    reasons: tuple[StatusReason, ...]
    attempts: int = Field(ge=0, description="Times handed to the transport.")
    due_at: AwareDatetime | None = Field(description="When the gateway looks at it next.")


class StatusEvent(_Told):
    """A CloudEvents 1.0 event in structured JSON; ``id`` is the key to drop a repetition."""

    model_config = ConfigDict(title="StatusEvent")

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: Annotated[str, Field(pattern=r"^/dialog-gateway/[0-9]+$")]
    type: EventType
    subject: str = Field(
        min_length=1,
        description="MsgId; the AMQP message_id, else an id of ours, when that was unreadable.",
    )
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    data: StatusData


class ConfirmationError(_Told):
    """Why a message was refused. ``code`` is a value of kodeverk 8221; another becomes X99."""

    model_config = ConfigDict(strict=True)

    code: str | None = None
    text: str | None = Field(default=None, description="Shown to the sender as it stands.")


class Confirmation(_Told):
    """The EPJ's word on a message that it got; becomes the AppRec to the sender.

    ``stored`` only when the message is safely filed in the patient's record.
    """

    model_config = ConfigDict(title="Confirmation", strict=True)

    msg_id: str = Field(
        min_length=1,
        max_length=255,
        description="The AMQP property message_id of the message on epj.incoming.",
    )
    receiver_her: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")] | None = Field(
        default=None,
        description="Who of ours says so: x-receiver-her, which is also meant when this is left "
        "out, or one of x-other-receivers. Each of them has an AppRec of its own.",
    )
    sender_her: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")] | None = Field(
        default=None,
        description="x-sender-her; needed only where two partners have used the same MsgId.",
    )
    outcome: Literal["stored", "refused"]
    errors: tuple[ConfirmationError, ...] | None = Field(
        default=None, max_length=20, description="Only with refused."
    )

    @model_validator(mode="after")
    def _stored_has_no_errors(self) -> Self:
        if self.outcome == "stored" and self.errors:
            raise ValueError("a stored message has no errors")
        return self
