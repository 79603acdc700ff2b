"""What is due, open or unread is found, and nothing else, on every journal."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.delivery import Purpose, Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import State
from gateway.ports import Journal, Orphan
from tests.contract.journals import NOON, SOON, a_delivery, an_arrival, an_incoming, an_outgoing


async def test_orphan_is_matched_once_its_message_or_envelope_is_there(journal: Journal) -> None:
    """F3: a receipt that overtakes the row of what it answers."""
    apprec = Orphan(
        arrival_id="a-1",
        original_msg_id=MsgId("msg-1"),
        ref_to_message_id=None,
        sender_her=HerId("920001"),
        due_at=SOON,
    )
    signal = replace(
        apprec, arrival_id="a-2", original_msg_id=None, ref_to_message_id=MessageId("m-1")
    )
    stranger = replace(apprec, arrival_id="a-3", sender_her=HerId("930001"))
    async with journal.transaction() as tx:
        for orphan in (apprec, signal, stranger):
            await tx.add_orphan(orphan)
        assert await tx.orphans_matched(9) == []
        assert await tx.orphans_due(NOON, 9) == []

    async with journal.transaction() as tx:
        refused = an_outgoing("out-0", msg_id=MsgId("msg-1"), receiver_her=HerId("920001"))
        await tx.add_outgoing(refused)
        assert await tx.orphans_matched(9) == [], "it was never sent"
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), HerId("910001")) is None
        sent = an_outgoing(
            msg_id=MsgId("msg-1"), receiver_her=HerId("920001"), message_id=MessageId("m-1")
        )
        await tx.add_outgoing(sent)
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), HerId("910001")) == sent
        await tx.add_delivery(a_delivery(), b"")
    async with journal.transaction() as tx:
        matched = {orphan.arrival_id for orphan in await tx.orphans_matched(9)}
        assert matched == {"a-1", "a-2"}
        await tx.remove_orphan("a-1")
        await tx.remove_orphan("a-2")
    async with journal.transaction() as tx:
        assert await tx.orphans_due(SOON, 9) == [stranger]


async def test_due_entries_come_earliest_first_and_only_while_in_flight(journal: Journal) -> None:
    async with journal.transaction() as tx:
        for number, due in enumerate((SOON, NOON, None, SOON + timedelta(days=1))):
            await tx.add_outgoing(an_outgoing(f"out-{number}", due_at=due))
            await tx.add_incoming(an_incoming(f"in-{number}", due_at=due))
        await tx.add_outgoing(an_outgoing("out-9", due_at=NOON, state=State.DEAD))
        await tx.add_incoming(an_incoming("in-9", due_at=NOON, state=State.REJECTED))
    async with journal.transaction() as tx:
        outgoing = await tx.outgoing_due(SOON, 9)
        incoming = await tx.incoming_due(SOON, 9)
        assert [entry.entry_id for entry in outgoing] == ["out-1", "out-0"]
        assert [entry.entry_id for entry in incoming] == ["in-1", "in-0"]
        assert [entry.entry_id for entry in await tx.outgoing_due(SOON, 1)] == ["out-1"]


async def test_due_deliveries_are_those_that_may_still_be_sent(journal: Journal) -> None:
    deliveries = [
        a_delivery("waiting", due_at=NOON),
        a_delivery("sent", due_at=NOON, transport=Transport.SENT),
        a_delivery("signal", due_at=NOON, purpose=Purpose.SIGNAL),
        a_delivery("done", due_at=NOON, purpose=Purpose.SIGNAL, transport=Transport.SENT),
        a_delivery("known", due_at=NOON, transport=Transport.ACKNOWLEDGED),
        a_delivery("later", due_at=SOON),
        a_delivery("never"),
    ]
    async with journal.transaction() as tx:
        for delivery in deliveries:
            await tx.add_delivery(delivery, b"")
        due = await tx.deliveries_due(NOON, 9)

    assert {delivery.message_id for delivery in due} == {"waiting", "sent", "signal"}


async def test_unanswered_deliveries_of_a_conversation_are_those_begun_and_open(
    journal: Journal,
) -> None:
    deliveries = [
        a_delivery("begun", tries=1),
        a_delivery("sent", tries=1, transport=Transport.SENT),
        a_delivery("receipt", tries=1, transport=Transport.SENT, purpose=Purpose.RECEIPT),
        a_delivery("never tried"),
        a_delivery("signal", tries=1, purpose=Purpose.SIGNAL),
        *(
            a_delivery(state.value + " already", tries=1, transport=state)
            for state in (Transport.ACKNOWLEDGED, Transport.REJECTED, Transport.GIVEN_UP)
        ),
        a_delivery("other conversation", tries=1, conversation_id=ConversationId("conversation-2")),
        a_delivery("other sender", tries=1, sender_her=HerId("910002")),
        a_delivery("other receiver", tries=1, receiver_her=HerId("920002")),
    ]
    async with journal.transaction() as tx:
        for delivery in deliveries:
            await tx.add_delivery(delivery, b"")
    async with journal.transaction() as tx:
        found = await tx.deliveries_unanswered(
            ConversationId("conversation-1"), HerId("910001"), HerId("920001")
        )

    assert {delivery.message_id for delivery in found} == {"begun", "sent", "receipt"}
    assert all(delivery in deliveries for delivery in found)


async def test_unread_arrivals_are_found_by_their_last_notice(journal: Journal) -> None:
    async with journal.transaction() as tx:
        await tx.add_arrival(an_arrival("old"), b"")
        await tx.add_arrival(an_arrival("told", notified_at=SOON), b"")
        await tx.add_arrival(an_arrival("read", kind="payload"), b"")
        await tx.add_arrival(an_arrival("new", received_at=SOON), b"")

        unread = await tx.arrivals_unread(SOON, 9)

    assert [arrival.arrival_id for arrival in unread] == ["old"]


async def test_postponing_moves_the_due_time_of_what_is_still_due_and_nothing_else(
    journal: Journal,
) -> None:
    """Whoever postpones may have read the rest a moment too early."""
    later = NOON + timedelta(hours=1)
    read = an_arrival("a-2", kind="payload")
    async with journal.transaction() as tx:
        for name, due in (("1", NOON), ("2", None)):
            await tx.add_outgoing(an_outgoing(f"out-{name}", due_at=due))
            await tx.add_incoming(an_incoming(f"in-{name}", due_at=due))
            await tx.add_delivery(a_delivery(f"m-{name}", due_at=due), b"")
        await tx.add_arrival(an_arrival("a-1"), b"")
        await tx.add_arrival(read, b"")
    async with journal.transaction() as tx:
        for name in ("1", "2"):
            await tx.postpone("outgoing", f"out-{name}", later)
            await tx.postpone("incoming", f"in-{name}", later)
            await tx.postpone("delivery", f"m-{name}", later)
            await tx.postpone("arrival", f"a-{name}", later)
    async with journal.transaction() as tx:
        assert await tx.outgoing("out-1") == an_outgoing("out-1", due_at=later)
        assert await tx.outgoing("out-2") == an_outgoing("out-2")
        assert await tx.incoming("in-1") == an_incoming("in-1", due_at=later)
        assert await tx.incoming("in-2") == an_incoming("in-2")
        assert await tx.delivery(MessageId("m-1")) == a_delivery("m-1", due_at=later)
        assert await tx.delivery(MessageId("m-2")) == a_delivery("m-2")
        assert await tx.arrival("a-1") == an_arrival("a-1", notified_at=later)
        assert await tx.arrival("a-2") == read
