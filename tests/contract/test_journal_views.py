"""Ledger, trail, measures and leases: what operators and instances rely on."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.delivery import Purpose, Transport
from gateway.domain.identifiers import ConversationId, MessageId, MsgId, mail_id_digest
from gateway.domain.ledger import Side, State, Sums
from gateway.errors import GatewayError, LeaseLost
from gateway.ports import Attempt, DeadLetter, Journal, JournalEvent, Orphan
from tests.contract.journals import (
    NOON,
    Store,
    a_delivery,
    a_message,
    a_seen,
    an_arrival,
    an_incoming,
    an_outgoing,
)
from tests.fakes_journal import FakeJournal, HandClock


def an_event(name: str, entry_id: str | None = "out-1", **changes: object) -> JournalEvent:
    event = JournalEvent(at=NOON, name=name, entry_id=entry_id)
    return replace(event, **changes)  # type: ignore[arg-type]  # a builder


async def test_ledger_counts_arrivals_and_states_apart(journal: Journal) -> None:
    assert (await journal.ledger()).balanced
    async with journal.transaction() as tx:
        for number, state in enumerate([State.IN_FLIGHT, State.CONFIRMED, State.DEAD]):
            await tx.add_outgoing(an_outgoing(f"out-{number}", state=state))
            arrived = an_event("accepted", f"out-{number}", side=Side.OUTGOING, arrived=True)
            await tx.record(arrived, replace(arrived, name="sent", arrived=False))
        await tx.add_incoming(an_incoming(state=State.REJECTED))

    ledger = await journal.ledger()

    assert ledger.outgoing == Sums(accepted=3, in_flight=1, confirmed=1, dead=1)
    assert ledger.incoming == Sums(accepted=0, rejected=1)
    assert ledger.outgoing.balanced
    assert not ledger.balanced, "an incoming message without its arrival shows"


async def test_unconfirmed_lists_the_longest_wait_first_with_its_envelope(journal: Journal) -> None:
    young = an_outgoing("out-2", accepted_at=NOON + timedelta(hours=1))
    old = an_outgoing("out-1", message_id=MessageId("m-1"))
    async with journal.transaction() as tx:
        await tx.add_outgoing(young)
        await tx.add_outgoing(old)
        await tx.add_outgoing(an_outgoing("out-3", state=State.CONFIRMED))
        await tx.add_delivery(a_delivery(), b"")

    assert await journal.unconfirmed() == [(old, a_delivery()), (young, None)]
    assert await journal.unconfirmed(limit=1) == [(old, a_delivery())]


async def test_what_waits_for_the_epj_is_listed_longest_wait_first(journal: Journal) -> None:
    old, young = (
        an_incoming(f"in-{name}", handed_at=NOON + timedelta(minutes=minutes))
        for name, minutes in (("old", 0), ("young", 1))
    )
    async with journal.transaction() as tx:
        await tx.add_incoming(young)
        await tx.add_incoming(old)
        await tx.add_incoming(an_incoming("in-refused", handed_at=NOON, state=State.REJECTED))
        await tx.add_incoming(
            an_incoming("in-answered", handed_at=NOON, receipt_id=MessageId("r-1"))
        )
        await tx.add_incoming(an_incoming("in-unread"))

    assert await journal.unconfirmed_by_epj() == [old, young]
    assert await journal.unconfirmed_by_epj(limit=1) == [old]


@pytest.mark.parametrize(
    "any_id", ["out-1", "msg-1", "m-1", "ack-1", "conversation-1", "amqp-1", "<1@x>", "envid-1"]
)
async def test_outgoing_message_is_traced_by_any_of_its_ids(journal: Journal, any_id: str) -> None:
    entry = an_outgoing(
        msg_id=MsgId("msg-1"),
        amqp_message_id="amqp-1",
        conversation_id=ConversationId("conversation-1"),
    )
    attempt = Attempt(
        message_id=MessageId("m-1"),
        number=1,
        mail_message_id="<1@x>",
        envelope_id="envid-1",
        at=NOON,
    )
    accepted = an_event("accepted", side=Side.OUTGOING, arrived=True, detail={"size": 1, "x": None})
    sent = an_event("sent", None, message_id=MessageId("m-1"), code="GW-101", actor="kari")
    async with journal.transaction() as tx:
        await tx.add_outgoing(entry)
        await tx.add_delivery(a_delivery(), b"")
        await tx.add_delivery(a_delivery("ack-1"), b"")
        await tx.add_attempt(attempt)
        await tx.add_outgoing(an_outgoing("out-2", msg_id=MsgId("msg-2")))
        await tx.record(accepted)
        await tx.record(an_event("accepted", "out-2"), sent)

    assert await journal.trail(any_id) == [accepted, sent]


@pytest.mark.parametrize("any_id", ["in-1", "arrival-1", "<mail@x>", "msg-1", "m-1", "ack-1"])
async def test_incoming_message_is_traced_by_any_of_its_ids(journal: Journal, any_id: str) -> None:
    entry = an_incoming(arrival_id="arrival-1", msg_id=MsgId("msg-1"), message_id=MessageId("m-1"))
    event = an_event("received", "in-1", side=Side.INCOMING, arrived=True)
    async with journal.transaction() as tx:
        await tx.add_arrival(an_arrival(transport_id="<mail@x>"), b"")
        await tx.add_incoming(entry)
        await tx.add_seen(a_seen(entry_id="in-1"))
        await tx.add_delivery(a_delivery("ack-1", entry_id="in-1"), b"")
        await tx.record(event, an_event("other", "in-2"))

    assert await journal.trail(any_id) == [event]
    assert await journal.trail("unknown") == []


@pytest.mark.parametrize("any_id", ["arrival-1", "ack-1", "<mail@x>", "mail@x"])
async def test_receipt_is_traced_to_what_it_is_about(journal: Journal, any_id: str) -> None:
    sent, orphan = an_event("sent", "out-1"), an_event("orphan", None, arrival_id="arrival-1")
    heard = an_event("acknowledged", "out-1", arrival_id="arrival-1")
    async with journal.transaction() as tx:
        await tx.add_arrival(an_arrival(), b"")
        await tx.record(sent, orphan, heard, an_event("sent", "out-2", arrival_id="arrival-2"))
        await tx.save_arrival(
            an_arrival(
                kind="signal", message_id=MessageId("ack-1"), mail_digest=mail_id_digest("<mail@x>")
            )
        )

    assert await journal.trail(any_id) == [sent, orphan, heard]


async def test_arrival_that_became_no_entry_is_traced_by_its_mail(journal: Journal) -> None:
    event = an_event("bounce", "arrival-1")
    async with journal.transaction() as tx:
        await tx.add_arrival(an_arrival(transport_id="<mail@x>"), b"")
        await tx.record(event)

    assert await journal.trail("<mail@x>") == [event]


async def test_measures_tell_what_waits_and_since_when(journal: Journal, clock: HandClock) -> None:
    async with journal.transaction() as tx:
        await tx.add_outgoing(an_outgoing("out-1", waits_from=NOON + timedelta(seconds=10)))
        await tx.add_outgoing(an_outgoing("out-2", state=State.DEAD))
        await tx.add_incoming(an_incoming("in-1", handed_at=NOON))
        await tx.add_incoming(an_incoming("in-2", handed_at=NOON, receipt_id="r"))
        await tx.add_delivery(a_delivery("m-1", transport=Transport.SENT), b"")
        await tx.add_delivery(a_delivery("m-2", transport=Transport.ACKNOWLEDGED), b"")
        await tx.add_delivery(a_delivery("s-1", purpose=Purpose.SIGNAL), b"")
        await tx.add_arrival(an_arrival("a-1"), b"")
        await tx.add_arrival(an_arrival("a-2", kind="signal"), b"")
        await tx.put(a_message())
        await tx.add_dead_letter(DeadLetter(letter_id="x", side=None, code="GW-112", since=NOON))
        await tx.add_orphan(
            Orphan(
                arrival_id="a-2",
                original_msg_id=None,
                ref_to_message_id=None,
                sender_her="9",  # type: ignore[arg-type]  # any text will do
                due_at=NOON,
            )
        )
    clock.move(seconds=60)

    measures = await journal.measures()

    expected = {
        "outgoing_in_flight": 1,
        "outgoing_in_flight_oldest_seconds": 60,
        "outgoing_dead": 1,
        "outgoing_confirmed": 0,
        "incoming_in_flight": 2,
        "unacknowledged": 1,
        "unacknowledged_oldest_seconds": 60,
        "signals_waiting": 1,
        "unanswered": 1,
        "unanswered_oldest_seconds": 50,
        "unconfirmed_by_epj": 1,
        "unconfirmed_by_epj_oldest_seconds": 60,
        "arrivals_unread": 1,
        "outbox": 1,
        "outbox_oldest_seconds": 60,
        "dead_letters": 1,
        "orphans": 1,
    }
    assert {name: measures[name] for name in expected} == expected
    assert all(isinstance(value, float) for value in measures.values())


async def test_measures_have_the_same_names_on_every_journal(journal: Journal) -> None:
    measures = await journal.measures()

    assert measures == await FakeJournal(HandClock()).measures()
    assert set(measures.values()) == {0.0}


async def test_lease_is_held_by_one_and_passes_on_when_its_time_is_up(
    store: Store, clock: HandClock
) -> None:
    """F14: a node killed for ever is replaced within the length of the lease."""
    one, other = await store.open(), await store.open()
    first = await one.acquire_lease("mailbox", "one", 30)
    assert first is not None
    assert await other.acquire_lease("mailbox", "other", 30) is None
    assert await other.acquire_lease("another mailbox", "other", 30) is not None
    clock.move(seconds=20)
    await one.renew_lease(first, 30)
    clock.move(seconds=20)
    assert await other.acquire_lease("mailbox", "other", 30) is None
    clock.move(seconds=10)

    second = await other.acquire_lease("mailbox", "other", 30)

    assert second is not None
    assert second.fence > first.fence


async def test_late_writer_with_an_old_fence_changes_nothing(
    store: Store, clock: HandClock
) -> None:
    """F15: it was only slow, and comes back after its lease was given to another."""
    slow, quick = await store.open(), await store.open()
    old = await slow.acquire_lease("mailbox", "slow", 30)
    assert old is not None
    clock.move(seconds=31)
    new = await quick.acquire_lease("mailbox", "quick", 30)
    assert new is not None

    async def write_late() -> None:
        async with slow.transaction() as tx:
            await tx.add_arrival(an_arrival(), b"")
            with suppress(LeaseLost):
                await tx.require_lease(old)

    with pytest.raises(GatewayError):
        await write_late()
    with pytest.raises(LeaseLost):
        await slow.renew_lease(old, 30)
    await slow.release_lease(old)

    async with quick.transaction() as tx:
        await tx.require_lease(new)
        assert await tx.arrival("arrival-1") is None
    assert await slow.acquire_lease("mailbox", "slow", 30) is None


async def test_released_lease_is_free_at_once_and_its_fence_is_never_used_again(
    journal: Journal,
) -> None:
    first = await journal.acquire_lease("mailbox", "one", 30)
    assert first is not None
    await journal.release_lease(first)

    second = await journal.acquire_lease("mailbox", "other", 30)

    assert second is not None
    assert second.fence == first.fence + 1


async def test_the_same_holder_starts_anew_and_ends_its_older_lease(journal: Journal) -> None:
    first = await journal.acquire_lease("mailbox", "one", 30)
    second = await journal.acquire_lease("mailbox", "one", 30)
    assert first is not None
    assert second is not None

    with pytest.raises(LeaseLost):
        await journal.renew_lease(first, 30)
    await journal.renew_lease(second, 30)
