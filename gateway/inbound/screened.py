"""The verdict on a message that came in, and what of it may pass. Pure."""

from dataclasses import replace

from gateway.codecs.document import text_only
from gateway.codecs.document_signature import signature_findings
from gateway.domain.addressbook import AddressBook
from gateway.domain.addressing import address_incoming
from gateway.domain.envelope import MessageHeader
from gateway.domain.findings import Direction, Screening, Verdict, rejection_from
from gateway.domain.kind_on_envelope import kind_on_envelope
from gateway.domain.message import Attachment, Carrier
from gateway.domain.screening import ScreeningPolicy, ThreadFacts, screen
from gateway.errors import GatewayError
from gateway.inbound.opened import Opened


def screened(
    letter: Opened,
    header: MessageHeader,
    *,
    book: AddressBook,
    policy: ScreeningPolicy,
    extra_parts: tuple[int, ...],
    thread: ThreadFacts | None,
) -> tuple[Screening, bytes]:
    """Screen one message; returns also what the EPJ gets of one that may pass.

    Refused too when nothing valid is left of it.
    """
    if letter.document is None:
        assert letter.error is not None
        return _refused(letter.error), b""
    message = letter.document.message
    if extra_parts:
        parts = tuple(_attached_part(number, size) for number, size in enumerate(extra_parts, 2))
        message = replace(message, attachments=(*message.attachments, *parts))
    addressing = address_incoming(
        message,
        book,
        from_her=header.sender.her,
        to_her=header.receiver.her,
        policy=policy,
    )
    more = list(addressing.findings)
    more += kind_on_envelope(header, message.type.value, policy)
    more += signature_findings(letter.document, Direction.INCOMING)
    screening = screen(
        message,
        direction=Direction.INCOMING,
        policy=policy,
        more=more,
        thread=thread,
        admitted=addressing.admitted,
    )
    if screening.rejections:
        return screening, b""
    try:
        return screening, text_only(letter.body, letter.document, screening)
    except GatewayError as error:
        return _refused(error), b""


def _refused(error: GatewayError) -> Screening:
    return Screening(verdict=Verdict.REJECT, findings=rejection_from(error, Direction.INCOMING))


def _attached_part(number: int, size: int) -> Attachment:
    return Attachment(
        carrier=Carrier.PART,
        mime="application/octet-stream",
        bytes=size,
        where=f"MIME part {number + 1}",
    )
