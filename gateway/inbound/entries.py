"""The incoming side of the ledger: the entry of a mail, its arrival, and the letter about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.codecs.msghead import MessagePeek
from gateway.domain.envelope import APPREC_ACTION, MessageHeader
from gateway.domain.ledger import Incoming, Side, State
from gateway.domain.message import kind_word
from gateway.domain.reasons import reason_for
from gateway.errors import GatewayError
from gateway.ports import Arrival, DeadLetter, GiveUp, JournalEvent, Transaction


def entry_for(arrival: Arrival, **facts: str | None) -> Incoming:
    """The entry of a mail, with what is known of its envelope. One mail, one entry id."""
    return Incoming(
        entry_id=arrival.arrival_id,
        arrival_id=arrival.arrival_id,
        arrived_at=arrival.received_at,
        **facts,  # type: ignore[arg-type]  # ids of the header, each under its own name
    )


def entry_of(arrival: Arrival, header: MessageHeader) -> Incoming:
    """The entry of a mail whose header was verified."""
    return entry_for(
        arrival,
        message_id=header.message_id,
        sender_her=header.sender.her,
        receiver_her=header.receiver.her,
        conversation_id=header.conversation_id,
        cpa_id=header.cpa_id,
        service=header.service,
        action=header.action,
    )


def letter_about(
    arrival: Arrival, error: GatewayError, at: datetime, entry: Incoming | None = None
) -> DeadLetter:
    """The letter about a mail; outside the ledger when it has no entry."""
    return DeadLetter.about(
        error,
        arrival.arrival_id if entry is None else entry.entry_id,
        since=at,
        side=None if entry is None else Side.INCOMING,
        arrival_id=arrival.arrival_id,
        entry_id=None if entry is None else entry.entry_id,
    )


def facts_of(entry: Incoming) -> dict[str, str | None]:
    """Whose message it is and of what kind, as the trail tells it."""
    return {
        "partner": entry.sender_her,
        "type": kind_word(entry.message_type or entry.action),
    }


async def arrive(
    tx: Transaction,
    entry: Incoming,
    at: datetime,
    *,
    peek: MessagePeek | None = None,
    findings: Sequence[str] = (),
) -> bool:
    """Count a message in; False when its bytes are read once more: it arrived only once."""
    if await tx.incoming(entry.entry_id) is not None:
        return False
    kind = None if peek is None or peek.type is None else peek.type.value
    await tx.record(
        JournalEvent.about(
            entry,
            "arrived",
            at=at,
            detail={
                "partner": entry.sender_her,
                "type": kind_word(kind or entry.action),
                **dict.fromkeys(findings, True),
            },
            arrived=True,
        )
    )
    return True


async def save(tx: Transaction, entry: Incoming, *, is_new: bool) -> None:
    """Record the entry; ``is_new`` is what :func:`arrive` said."""
    if is_new:
        await tx.add_incoming(entry)
    else:
        await tx.save_incoming(entry)


async def bury(
    tx: Transaction,
    give_up: GiveUp,
    arrival: Arrival,
    entry: Incoming,
    error: GatewayError,
    at: datetime,
) -> None:
    """End a message as a dead letter: in the ledger, and before a person."""
    is_new = await arrive(tx, entry, at)
    entry = replace(entry, state=State.DEAD, due_at=None, reasons=(reason_for(error),))
    await save(tx, entry, is_new=is_new)
    await give_up.letter(tx, letter_about(arrival, error, at, entry))


async def set_apart(
    tx: Transaction, give_up: GiveUp, arrival: Arrival, error: GatewayError, at: datetime
) -> None:
    """Lay a signal or receipt that cannot be used before a person, outside the ledger."""
    await give_up.letter(tx, letter_about(arrival, error, at))


async def still_unusable(
    tx: Transaction,
    give_up: GiveUp,
    arrival: Arrival,
    entry: Incoming,
    error: GatewayError,
    at: datetime,
) -> None:
    """Lay bytes before a person again: they were read once more, and cannot be used even now."""
    if entry.action == APPREC_ACTION:  # no message of the ledger
        await set_apart(tx, give_up, arrival, error, at)
    else:
        await bury(tx, give_up, arrival, entry, error, at)


async def close_if_no_message(tx: Transaction, arrival: Arrival, at: datetime) -> None:
    """End the entry of a mail that was read once more and is no message after all.

    It was counted while nobody knew what it was; now it is a copy of another
    message, or a receipt, and nothing else would ever move it.
    """
    entry = await tx.incoming(arrival.arrival_id)
    if entry is None or entry.state is not State.IN_FLIGHT or entry.reply_id is not None:
        return
    await tx.save_incoming(replace(entry, state=State.DISCARDED, due_at=None))
    await tx.record(
        JournalEvent.about(
            entry, "no_message", at=at, detail={"became": arrival.kind, "partner": entry.sender_her}
        )
    )
