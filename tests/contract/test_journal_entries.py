"""What is written through a transaction is what is read, on every journal."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.adapters.journal.engine import open_journal
from gateway.domain.delivery import Purpose, Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Incoming, Removed, State
from gateway.domain.reasons import Reason
from gateway.domain.receipt import Answer
from gateway.errors import GatewayError
from gateway.ports import Attempt, DeadLetter, Journal, JournalEvent, Orphan, Receipt
from tests.broker_fixture import eventually
from tests.contract.journals import (
    KEYS,
    NOON,
    Store,
    a_delivery,
    a_seen,
    an_arrival,
    an_incoming,
    an_outgoing,
    somebody_waits,
)
from tests.fakes_journal import HandClock

REASON = Reason(
    code="E36", text_nb="Manglar opplysningar – æøå", text_en="Incomplete", who_acts="sender"
)
SOON = NOON + timedelta(seconds=1, microseconds=7)
OWN = HerId("910001")
UUID = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01"


async def test_outgoing_entry_is_read_as_it_was_saved(journal: Journal) -> None:
    plain = an_outgoing()
    full = an_outgoing(
        state=State.DEAD,
        msg_id=MsgId("msg-1"),
        sender_her=HerId("910001"),
        receiver_her=HerId("920001"),
        service_code="8668:S0304",
        message_type="DIALOG_FORESPORSEL",
        amqp_message_id="amqp-1",
        conversation_id=ConversationId("conversation-1"),
        message_id=MessageId("m-1"),
        waits_from=NOON,
        due_at=SOON,
        overdue="alarm",
        removed=(Removed(mime="application/pdf", bytes=123_456),),
        reasons=(REASON, replace(REASON, rule="R-12")),
        last_event='{"id": "row-1"}',
    )

    async with journal.transaction() as tx:
        assert await tx.add_outgoing(plain)
        assert await tx.outgoing("out-1") == plain
    async with journal.transaction() as tx:
        await tx.save_outgoing(full)
        assert await tx.outgoing("out-1") == full
    async with journal.transaction() as tx:
        assert await tx.outgoing("out-1") == full
        assert await tx.outgoing_by_key(plain.key) == full
        assert await tx.outgoing_by_digest(plain.digest) == full
        assert await tx.outgoing_by_digest(plain.key) is None
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), OWN) == full
        assert await tx.outgoing_by_msg_id(MsgId("MSG-1"), HerId("920001"), OWN) is None
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920002"), OWN) is None
        assert await tx.outgoing("out-2") is None


async def test_incoming_entry_is_read_as_it_was_saved(journal: Journal) -> None:
    plain = an_incoming()
    full = an_incoming(
        state=State.CONFIRMED,
        sender_her=HerId("920001"),
        receiver_her=HerId("910001"),
        message_id=MessageId("m-1"),
        conversation_id=ConversationId("conversation-1"),
        cpa_id="910001_920001",
        service="S-DIALOG_FORESPORSEL",
        action="DIALOG_FORESPORSEL",
        msg_id=MsgId("msg-1"),
        message_type="DIALOG_FORESPORSEL",
        document_digest="7" * 64,
        reply_id=MessageId("ack-1"),
        receipt_id=MessageId("apprec-1"),
        handed_at=NOON,
        due_at=SOON,
        overdue="warning",
        receivers=(HerId("910001"), HerId("910002")),
        reasons=(REASON,),
    )

    async with journal.transaction() as tx:
        await tx.add_incoming(plain)
        assert await tx.incoming("in-1") == plain
        await tx.save_incoming(full)
    async with journal.transaction() as tx:
        assert await tx.incoming("in-1") == full
        assert await tx.incoming("in-2") is None


async def test_document_that_came_twice_is_found_oldest_first(journal: Journal) -> None:
    late = an_incoming("in-a", msg_id=MsgId("msg-1"), arrived_at=SOON)
    early = an_incoming("in-b", msg_id=MsgId("msg-1"))

    async with journal.transaction() as tx:
        await tx.add_incoming(late)
        await tx.add_incoming(early)
        await tx.add_incoming(an_incoming("in-c", msg_id=MsgId("msg-2")))

        assert await tx.incoming_by_msg_id(MsgId("msg-1")) == [early, late]


@pytest.mark.parametrize("written", [UUID, UUID.upper(), UUID.title()])
async def test_entry_is_found_in_whatever_letter_case_its_msg_id_is_written(
    journal: Journal, written: str
) -> None:
    """RFC 4122 §3: the letter case of a UUID says nothing."""
    her = HerId("920001")
    sent = an_outgoing(
        msg_id=MsgId(UUID.upper()), sender_her=OWN, receiver_her=her, message_id=MessageId("m-1")
    )
    received = an_incoming(msg_id=MsgId(UUID.title()), sender_her=her, receiver_her=OWN)
    events = [
        JournalEvent(at=NOON, name=name, entry_id=entry_id)
        for name, entry_id in (("accepted", sent.entry_id), ("handed_to_epj", received.entry_id))
    ]
    orphan = Orphan(
        arrival_id="arrival-1",
        original_msg_id=MsgId(written),
        ref_to_message_id=None,
        sender_her=her,
        due_at=SOON,
    )
    async with journal.transaction() as tx:
        assert await tx.add_outgoing(sent)
        await tx.add_incoming(received)
        await tx.add_orphan(orphan)
        await tx.record(*events)

    async with journal.transaction() as tx:
        assert await tx.outgoing_by_msg_id(MsgId(written), her, OWN) == sent
        assert await tx.incoming_by_msg_id(MsgId(written)) == [received]
        assert await tx.orphans_matched(9) == [orphan]
    assert await journal.trail(written) == events


async def test_other_ids_than_uuids_are_compared_letter_by_letter(journal: Journal) -> None:
    entry = an_incoming(msg_id=MsgId("msg-1"))
    async with journal.transaction() as tx:
        await tx.add_incoming(entry)

    async with journal.transaction() as tx:
        assert await tx.incoming_by_msg_id(MsgId("msg-1")) == [entry]
        assert await tx.incoming_by_msg_id(MsgId("MSG-1")) == []


async def test_delivery_and_its_bytes_are_read_as_they_were_saved(journal: Journal) -> None:
    delivery = a_delivery()
    later = replace(
        delivery,
        transport=Transport.ACKNOWLEDGED,
        answer=Answer.OK_WITH_ERRORS,
        attempts=2,
        tries=3,
        failures=1,
        due_at=SOON,
        sent_at=NOON,
        mail_to="new@demo.invalid",
        parent=MessageId("m-0"),
    )

    async with journal.transaction() as tx:
        await tx.add_delivery(delivery, b"\x00wire\xff")
    async with journal.transaction() as tx:
        assert await tx.delivery(MessageId("m-1")) == delivery
        await tx.save_delivery(later)
    async with journal.transaction() as tx:
        assert await tx.delivery(MessageId("m-1")) == later
        assert await tx.entity(MessageId("m-1")) == b"\x00wire\xff"
        assert await tx.delivery(MessageId("M-1")) is None


async def test_bytes_that_were_never_recorded_are_a_fault_of_ours(journal: Journal) -> None:
    async with journal.transaction() as tx:
        with pytest.raises(GatewayError, match="m-9"):
            await tx.entity(MessageId("m-9"))
    async with journal.transaction() as tx:
        with pytest.raises(GatewayError, match="arrival-9"):
            await tx.raw("arrival-9")
        assert await tx.document("out-9") is None


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_arrival_keeps_its_raw_bytes(journal: Journal, size: int) -> None:
    arrival, raw = an_arrival(), b"\xe5" * size

    async with journal.transaction() as tx:
        assert await tx.add_arrival(arrival, raw)
        await tx.add_document("in-1", raw)
    async with journal.transaction() as tx:
        assert await tx.arrival("arrival-1") == arrival
        assert await tx.raw("arrival-1") == raw
        assert await tx.document("in-1") == raw
        read = replace(arrival, kind="payload", notified_at=SOON, notices=2)
        await tx.save_arrival(read)
        assert await tx.arrival("arrival-1") == read


async def test_attempt_is_found_by_mail_and_by_envelope_id(journal: Journal) -> None:
    attempt = Attempt(
        message_id=MessageId("m-1"), number=1, mail_message_id="<1@x>", envelope_id="e1", at=NOON
    )
    second = replace(attempt, number=2, mail_message_id="<2@x>", envelope_id="e2", at=SOON)

    async with journal.transaction() as tx:
        await tx.add_attempt(attempt)
        await tx.add_attempt(second)
        await tx.save_attempt(replace(attempt, outcome="taken"))
    async with journal.transaction() as tx:
        assert await tx.attempt_by_mail("<1@x>") == replace(attempt, outcome="taken")
        assert await tx.attempt_by_mail("e2") == second
        assert await tx.attempt_by_mail("e3") is None


async def test_receipts_orphans_and_letters_are_read_as_they_were_saved(journal: Journal) -> None:
    receipt = Receipt(
        entry_id="in-1",
        receiver_her=HerId("910002"),
        outcome="stored",
        digest="8" * 64,
        message_id=None,
    )
    other = replace(receipt, receiver_her=HerId("910001"), message_id=MessageId("m-2"))
    letter = DeadLetter(letter_id="out-1", side=None, code="GW-112", since=NOON)

    async with journal.transaction() as tx:
        await tx.add_receipt(receipt)
        await tx.add_receipt(other)
        await tx.add_dead_letter(letter)
    async with journal.transaction() as tx:
        assert await tx.receipts("in-1") == [other, receipt]
        assert await tx.dead_letter("out-1") == letter
        await tx.save_dead_letter(replace(letter, state="replayed"))
    assert await journal.dead_letters() == []
    async with journal.transaction() as tx:
        assert await tx.letters_with_stale_notice(9) == [replace(letter, state="replayed")]
        await tx.save_dead_letter(replace(letter, state="replayed", noticed=False))
        assert await tx.letters_with_stale_notice(9) == []
        await tx.add_dead_letter(replace(letter, code="GW-113"))
    assert await journal.dead_letters() == [replace(letter, code="GW-113")]
    assert await journal.dead_letters(code="GW-113", limit=1) == await journal.dead_letters()
    assert await journal.dead_letters(limit=0) == []
    assert await journal.dead_letters(code="GW-112") == []


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
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), OWN) is None
        sent = an_outgoing(
            msg_id=MsgId("msg-1"), receiver_her=HerId("920001"), message_id=MessageId("m-1")
        )
        await tx.add_outgoing(sent)
        assert await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), OWN) == sent
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


async def test_taken_key_refuses_the_second_entry_and_keeps_the_first(journal: Journal) -> None:
    async with journal.transaction() as tx:
        assert await tx.add_outgoing(an_outgoing("out-1", key="k"))
        assert not await tx.add_outgoing(an_outgoing("out-2", key="k"))
        assert not await tx.add_outgoing(an_outgoing("out-2", digest=an_outgoing("out-1").digest))
        assert await tx.add_arrival(an_arrival("a-1", transport_id="7"), b"first")
        assert not await tx.add_arrival(an_arrival("a-2", transport_id="7"), b"second")
        assert await tx.add_arrival(an_arrival("a-3", transport_id="7", account="other"), b"")
        assert await tx.add_seen(a_seen())
        assert not await tx.add_seen(a_seen(fingerprint="0"))
        assert await tx.add_seen(a_seen(sender_her=HerId("920002")))
    async with journal.transaction() as tx:
        assert await tx.outgoing("out-2") is None
        assert await tx.arrival("a-2") is None
        assert await tx.raw("a-1") == b"first"
        assert await tx.seen(HerId("920001"), HerId("910001"), MessageId("m-1")) == a_seen()


async def test_the_same_bytes_at_once_are_one_entry_whatever_their_key(store: Store) -> None:
    journals = [await store.open() for _ in range(2)]

    async def take_over(number: int) -> bool:
        entry = an_outgoing(f"out-{number}", digest="7" * 64)
        async with journals[number % 2].transaction() as tx:
            return await tx.add_outgoing(entry)

    assert sum(await asyncio.gather(*(take_over(number) for number in range(16)))) == 1


async def test_of_64_copies_at_once_exactly_one_is_new(store: Store) -> None:
    """F5: a duplicate is told by a unique key, not by looking first."""
    journals = [await store.open() for _ in range(2)]

    async def arrive(number: int) -> tuple[bool, str]:
        async with journals[number % 2].transaction() as tx:
            new = await tx.add_seen(a_seen(reply_id=MessageId(f"reply-{number}")))
            first = await tx.seen(HerId("920001"), HerId("910001"), MessageId("m-1"))
            assert first is not None
            return new, first.reply_id

    outcomes = await asyncio.gather(*(arrive(number) for number in range(64)))

    assert sum(new for new, _ in outcomes) == 1
    assert len({reply for _, reply in outcomes}) == 1, "every copy gets the first answer"


async def test_instants_keep_their_microseconds_far_from_now(journal: Journal) -> None:
    early = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    late = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    entry = an_outgoing(accepted_at=early, due_at=late)
    async with journal.transaction() as tx:
        await tx.add_outgoing(entry)
        assert await tx.outgoing("out-1") == entry


@pytest.mark.postgres
async def test_who_holds_a_name_goes_first(postgres_url: str) -> None:
    """Two instances that look for a document and then add it do so one after the other."""
    clock, looked, go_on = HandClock(), asyncio.Event(), asyncio.Event()

    async def look_and_add(journal: Journal, name: str) -> int:
        async with journal.transaction() as tx:
            await tx.hold("incoming/920001/msg-1")
            before = len(await tx.incoming_by_msg_id(MsgId("msg-1")))
            looked.set()
            await go_on.wait()
            entry = Incoming(entry_id=name, arrival_id=name, arrived_at=NOON, msg_id=MsgId("msg-1"))
            await tx.add_incoming(entry)
        return before

    async with (
        open_journal(postgres_url, keys=KEYS, clock=clock, exclusive=False) as one,
        open_journal(postgres_url, keys=KEYS, clock=clock, exclusive=False) as other,
    ):
        first = asyncio.create_task(look_and_add(one, "in-1"))
        await looked.wait()
        second = asyncio.create_task(look_and_add(other, "in-2"))
        await eventually(lambda: somebody_waits(postgres_url))
        go_on.set()

        assert (await first, await second) == (0, 1)


async def test_of_several_under_one_msg_id_the_addressed_service_is_meant(
    journal: Journal,
) -> None:
    sent = [
        an_outgoing(
            f"out-{number}",
            msg_id=MsgId("msg-1"),
            sender_her=HerId(f"91000{number}"),
            receiver_her=HerId("920001"),
            key=f"key-{number}",
            message_id=MessageId(f"m-{number}"),
            accepted_at=NOON + timedelta(minutes=number),
        )
        for number in (1, 2)
    ]
    async with journal.transaction() as tx:
        for entry in sent:
            await tx.add_outgoing(entry)

        for entry in sent:
            assert entry.sender_her is not None
            found = await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), entry.sender_her)
            assert found == entry
        last = await tx.outgoing_by_msg_id(MsgId("msg-1"), HerId("920001"), HerId("910009"))
        assert last == sent[1]


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
