"""A tolerant look at a document that was refused, so that the refusal can be addressed."""

from dataclasses import dataclass

from lxml import etree

from gateway.codecs.parties import read_party
from gateway.codecs.reading import Reading, children_of
from gateway.codecs.xml import local_name, namespace_of
from gateway.domain.identifiers import HerId, MsgId, fits
from gateway.domain.message import Code, Party


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePeek:
    """What could be made out of a document that cannot be read as a whole.

    Enough to address a negative application receipt. Everything may be absent,
    and nothing has been checked: use an address only where the envelope or the
    address book confirms it.
    """

    type: Code | None = None
    msg_id: MsgId | None = None
    gen_date_text: str | None = None
    sender: Party | None = None
    receiver: Party | None = None

    @property
    def sender_her(self) -> HerId | None:
        """Level 2 of Sender."""
        return None if self.sender is None else self.sender.her

    @property
    def receiver_her(self) -> HerId | None:
        """Level 2 of Receiver."""
        return None if self.receiver is None else self.receiver.her

    @property
    def sender_enterprise_her(self) -> HerId | None:
        """Level 1 of Sender."""
        return None if self.sender is None else self.sender.enterprise_her

    @property
    def receiver_enterprise_her(self) -> HerId | None:
        """Level 1 of Receiver."""
        return None if self.receiver is None else self.receiver.enterprise_her


def peek_message(root: etree._Element) -> MessagePeek:
    """Make out what a refused document says of itself; never raises.

    Other versions of MsgHead are read as if they were 1.2. A document that is no
    MsgHead gives an empty peek.
    """
    if local_name(root) != "MsgHead":
        return MessagePeek()
    namespace, reading = namespace_of(root), Reading()
    info = next(iter(children_of(root, namespace).get("MsgInfo", ())), None)
    if info is None:
        return MessagePeek()
    fields = children_of(info, namespace)
    msg_id = reading.token(fields, "MsgId")
    return MessagePeek(
        type=reading.code(fields, "Type"),
        msg_id=MsgId(msg_id) if msg_id and fits(msg_id) else None,
        gen_date_text=reading.token(fields, "GenDate") or None,
        sender=read_party(reading.only(fields, "Sender"), reading, namespace=namespace),
        receiver=read_party(reading.only(fields, "Receiver"), reading, namespace=namespace),
    )
