"""Where an incoming message stands, by what became of our AppRecs to it (design §4).

One document may name several receivers of ours, and each has an AppRec of its
own. The message ends when the last of them has spoken and was heard.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.domain.delivery import Delivery, Transport
from gateway.domain.identifiers import HerId
from gateway.domain.ledger import Incoming, Side, State
from gateway.domain.reasons import reason_for
from gateway.errors import AttemptsUsedUp, GatewayError, PartnerRefused
from gateway.ports import DeadLetter, GiveUp, Receipt, Transaction

_FAILED = (Transport.GIVEN_UP, Transport.REJECTED)


def word_letter_id(entry: Incoming, receiver: HerId) -> str:
    """The letter about a word of the EPJ that no AppRec could be made of: one a receiver.

    Never that of the entry, which is about an AppRec that was made and not heard.
    """
    return f"{entry.entry_id}/{receiver}"


async def settled(
    tx: Transaction,
    give_up: GiveUp,
    entry: Incoming,
    receipts: Sequence[Receipt],
    news: Delivery,
    now: datetime,
) -> Incoming:
    """Return the entry as it stands; letters are written and resolved to fit it.

    Dead while an AppRec to it has failed, or the EPJ's word could not be made
    into one; in flight while a receiver has not spoken, or a positive AppRec is
    not acknowledged; then discarded if a person closed one of these matters,
    rejected if any of them refused, else confirmed.

    Args:
        tx: the caller's transaction; the caller saves the entry.
        give_up: writes and resolves letters.
        entry: the entry as it was.
        receipts: all AppRecs to it, with the one at hand.
        news: the delivery at hand, as it is by now.
        now: from when the wait for the EPJ goes on after a letter about it.
    """
    if not (entry.state.is_open or entry.state is State.REJECTED):
        return entry  # a person's discard is final
    sent = [await _delivery(tx, receipt, news) for receipt in receipts]
    failed = [one for one in sent if one is not None and one.transport in _FAILED]
    letter = await tx.dead_letter(entry.entry_id) if failed else None
    closed = [one for one in failed if _says(letter, "discarded", one)]
    failed = [one for one in failed if one not in closed]
    if news in failed:
        return await _dead(tx, give_up, entry, news, now)
    if failed:
        if entry.state is State.DEAD and any(_says(letter, "open", one) for one in failed):
            return entry
        return await _dead(tx, give_up, entry, failed[0], now)
    spoken = {receipt.receiver_her for receipt in receipts}
    if entry.state is State.DEAD:
        for her in spoken:
            await give_up.resolve(tx, word_letter_id(entry, her))
    words = [
        await tx.dead_letter(word_letter_id(entry, her))
        for her in entry.receivers
        if her not in spoken
    ]
    if any(word is not None and word.state == "open" for word in words):
        return replace(entry, state=State.DEAD, due_at=None)
    if entry.state is State.DEAD:
        await give_up.resolve(tx, entry.entry_id)
    dropped = [word for word in words if word is not None and word.state == "discarded"]
    if len(words) > len(dropped):
        return replace(entry, state=State.IN_FLIGHT, due_at=entry.due_at or now)
    end = _end(receipts, [None if one in closed else one for one in sent])
    if end is not State.IN_FLIGHT and (closed or dropped):
        end = State.DISCARDED
    return replace(entry, state=end, due_at=None, overdue=None)


async def has_open_letter(tx: Transaction, entry: Incoming, *, but: str) -> bool:
    """Whether a letter about the message is open, that of the id ``but`` left aside."""
    letter_ids = {entry.entry_id, *(word_letter_id(entry, her) for her in entry.receivers)}
    letters = [await tx.dead_letter(letter_id) for letter_id in sorted(letter_ids - {but})]
    return any(letter is not None and letter.state == "open" for letter in letters)


def _says(letter: DeadLetter | None, state: str, delivery: Delivery) -> bool:
    return letter is not None and letter.state == state and letter.message_id == delivery.message_id


def _end(receipts: Sequence[Receipt], sent: Sequence[Delivery | None]) -> State:
    for receipt, delivery in zip(receipts, sent, strict=True):
        if receipt.outcome == "refused" or delivery is None:
            continue  # told to be not received, or closed: nothing hangs on its being heard
        if delivery.transport is not Transport.ACKNOWLEDGED:
            return State.IN_FLIGHT
    refused = any(receipt.outcome == "refused" for receipt in receipts)
    return State.REJECTED if refused else State.CONFIRMED


async def _delivery(tx: Transaction, receipt: Receipt, news: Delivery) -> Delivery | None:
    if receipt.message_id is None or receipt.message_id == news.message_id:
        return None if receipt.message_id is None else news
    return await tx.delivery(receipt.message_id)


async def _dead(
    tx: Transaction, give_up: GiveUp, entry: Incoming, failed: Delivery, now: datetime
) -> Incoming:
    """One letter an entry, about one AppRec; when that is heard, the next that failed follows."""
    error: GatewayError = AttemptsUsedUp()
    if failed.transport is Transport.REJECTED:
        error = PartnerRefused("our AppRec was answered by a MessageError")
    await give_up.letter(
        tx,
        DeadLetter.about(
            error,
            entry.entry_id,
            since=now,
            side=Side.INCOMING,
            entry_id=entry.entry_id,
            message_id=failed.message_id,
        ),
    )
    return replace(entry, state=State.DEAD, due_at=None, reasons=(reason_for(error),))
