"""One screened document made into one mail, as the gateway would send it, offline."""

from dataclasses import dataclass

from gateway import PRODUCT, VERSION
from gateway.codecs.document import text_only
from gateway.codecs.mime import render_mail
from gateway.domain.identifiers import ConversationId, MessageId
from gateway.office import Office
from gateway.ops.verdicts import Judged
from gateway.ports import Clock, NewId
from gateway.wiring import envelopes_of


@dataclass(frozen=True, slots=True)
class WrappedMail:
    """The mail and the eb:MessageId in it."""

    mail: bytes
    message_id: MessageId


def wrap_mail(
    body: bytes, judged: Judged, office: Office, *, clock: Clock, new_id: NewId
) -> WrappedMail:
    """Strip, seal, sign and pack ``body``; a new conversation, known to no journal.

    Args:
        body: the document that ``judged`` is about; it passed, addresses included.
        judged: the verdict, made with the address book of ``office``.
        office: our keys, address and address book.
        clock: for the timestamps.
        new_id: for the ids of envelope, parts and mail.

    Raises:
        CannotSeal: the receiver has no certificate that may be used now.
        CannotSign: we have none that may sign now.
    """
    document, addressing = judged.document, judged.addressing
    assert document is not None, "only a dialogue message that passed is wrapped"
    assert addressing is not None
    assert addressing.sender is not None
    assert addressing.receiver is not None
    envelopes = envelopes_of(office, clock=clock, new_id=new_id)
    message = document.message
    made = envelopes.message(
        text_only(body, document, judged.screening),
        message_type=message.type.value,
        namespace=message.content_namespace or "",
        version=message.dialog_version or "",
        sender=addressing.sender,
        receiver=addressing.receiver,
        conversation_id=ConversationId(new_id()),
        ref_to_message_id=None,
        entry_id=new_id(),
    )
    delivery = made.delivery
    mail = render_mail(
        made.entity,
        sender=delivery.mail_from,
        recipient=delivery.mail_to,
        mail_message_id=f"{new_id()}@{delivery.mail_from.rpartition('@')[2]}",
        date=delivery.created_at,
        subject=f"ebXML {delivery.action}",
        mailer=f"{PRODUCT} {VERSION}",
    )
    return WrappedMail(mail, delivery.message_id)
