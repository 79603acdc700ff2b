"""A new envelope around a message whose first one may not be sent any more (design §4)."""

from dataclasses import dataclass

from gateway.codecs.document import read_document
from gateway.codecs.xml import XmlLimits
from gateway.domain.addressbook import AddressBook
from gateway.domain.delivery import Delivery
from gateway.envelopes import Envelopes, Made
from gateway.errors import NoRoute
from gateway.ports import Transaction
from gateway.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrap:
    """Make a new envelope: new MessageId, the same document, conversation and parties."""

    book: AddressBook
    envelopes: Envelopes
    limits: XmlLimits
    threads: Threads

    async def __call__(self, tx: Transaction, delivery: Delivery, document: bytes) -> Made:
        """Wrap ``document`` anew in place of ``delivery``, which becomes its parent.

        Raises:
            NoRoute: a party has left the address book.
            CannotSeal: no certificate of the receiver may be used now.
        """
        message = read_document(document, limits=self.limits).message
        sender = self.book.by_her(delivery.sender_her)
        receiver = self.book.by_her(delivery.receiver_her)
        if sender is None or not sender.own or receiver is None:
            raise NoRoute("a party of the message has left the address book")
        parent = await self.threads.parent(tx, message, receiver.her)
        return self.envelopes.message(
            document,
            message_type=message.type.value,
            namespace=message.content_namespace or "",
            version=message.dialog_version or "",
            sender=sender,
            receiver=receiver,
            conversation_id=delivery.conversation_id,
            ref_to_message_id=None if parent is None else parent.message_id,
            entry_id=delivery.entry_id,
            parent=delivery.message_id,
        )
