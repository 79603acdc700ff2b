"""Whether an Acknowledgment or MessageError can be about one of our envelopes.

Parties swapped and the same ConversationId; that of an Acknowledgment also the same
CPAId (HIS 1037 §7.2.1), and digests, where it repeats them, equal to ours (HITS 1171
§5.2.3.3).
"""

from gateway.domain.delivery import Delivery
from gateway.domain.envelope import Envelope, SignedReference


def mismatch(envelope: Envelope, delivery: Delivery) -> str | None:
    """Why a signal cannot be about ``delivery``; None when it fits."""
    header, acknowledgment = envelope.header, envelope.acknowledgment
    if header.sender.her != delivery.receiver_her or header.receiver.her != delivery.sender_her:
        return "the parties of the receipt are not those of the message"
    if header.conversation_id != delivery.conversation_id:
        return "ConversationId of the receipt differs from the message"
    if acknowledgment is None:
        return None  # a MessageError may be about the CPAId itself, and repeats nothing
    if header.cpa_id != delivery.cpa_id:
        return "CPAId of the receipt differs from the message"
    ours = {r.uri: r.digest for r in delivery.references}
    if ours and any(not _same_digest(ours, r) for r in acknowledgment.references):
        return "the digests in the receipt are not those of what was sent"
    return None


def _same_digest(ours: dict[str, str], theirs: SignedReference) -> bool:
    # Real acknowledgments leave references or digests out; what is there must fit.
    return not theirs.digest or ours.get(theirs.uri) == theirs.digest
