"""Who of ours a message names: each of them owes its sender one AppRec (HIS 80415 §3.1)."""

from collections.abc import Sequence

from gateway.domain.addressbook import AddressBook
from gateway.domain.identifiers import HerId


def own_receivers(
    book: AddressBook, to_her: HerId, receiver: HerId | None, copies: Sequence[HerId | None]
) -> tuple[HerId, ...]:
    """The receivers of ours that a document names, each once; that of the envelope first.

    Args:
        book: decides who is ours.
        to_her: whom the envelope is for; checked to be ours.
        receiver: level 2 of Receiver, None when it cannot be read.
        copies: level 2 of each OtherReceiver.

    A Receiver that is not the envelope's answers only where the envelope is for
    one of the copy receivers. Otherwise envelope and document disagree, and the
    one that was written to speaks for all (AppRec E21).
    """
    named = (receiver, *copies) if to_her in copies else copies
    found = {to_her: None}
    for her in named:
        entry = None if her is None else book.by_her(her)
        if entry is not None and entry.own:
            found[entry.her] = None
    return tuple(found)
