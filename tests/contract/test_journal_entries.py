"""What is written through a transaction is what is read, on every journal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.delivery import Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Removed, State
from gateway.domain.reasons import Reason
from gateway.domain.receipt import Answer
from gateway.errors import GatewayError
from gateway.ports import Attempt, DeadLetter, Journal, JournalEvent, Orphan, Receipt
from tests.contract.journals import (
    NOON,
    SOON,
    a_delivery,
    an_arrival,
    an_incoming,
    an_outgoing,
)

REASON = Reason(
    code="E36", text_nb="Manglar opplysningar – æøå", text_en="Incomplete", who_acts="sender"
)
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


async def test_instants_keep_their_microseconds_far_from_now(journal: Journal) -> None:
    early = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    late = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    entry = an_outgoing(accepted_at=early, due_at=late)
    async with journal.transaction() as tx:
        await tx.add_outgoing(entry)
        assert await tx.outgoing("out-1") == entry


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
