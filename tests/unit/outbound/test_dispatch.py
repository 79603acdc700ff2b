"""One attempt for one recorded envelope: same bytes, new mail, no more than were due."""

from datetime import timedelta

import pytest

from gateway.domain.delivery import Delivery, Purpose, Transport
from gateway.domain.identifiers import MessageId
from gateway.errors import (
    JournalUnavailable,
    MalformedMessage,
    TransportRefused,
    TransportUnavailable,
)
from gateway.ports import OutboundMessage, QueueMessage
from gateway.queues import Queue, read_arrival_notice, read_send_order, send_order
from tests.builders_mails import all_said, an_acknowledgment
from tests.builders_offices import LETTER_ID, Desk, Offices, a_letter, sums, two_offices


async def accepted() -> tuple[Offices, Desk, OutboundMessage]:
    """The hospital has accepted a letter; the order for its first attempt is in the hand."""
    offices = two_offices()
    offices.carry = False
    offices.hospital.holding = frozenset({"transport.send"})
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    (order,) = offices.hospital.held
    return offices, offices.hospital, order


def the_delivery(desk: Desk) -> Delivery:
    delivery: Delivery = next(
        d for d in desk.state.deliveries.values() if d.purpose is Purpose.MESSAGE
    )
    return delivery


async def test_the_attempt_is_recorded_before_it_is_made() -> None:
    offices, hospital, order = await accepted()
    recorded: list[int] = []

    async def look() -> None:
        recorded.append(len(hospital.state.attempts))

    hospital.post.meanwhile = look
    await hospital.handle(order)

    assert recorded == [1]
    (attempt,) = hospital.state.attempts.values()
    assert attempt.outcome == "handed_over"
    assert attempt.mail_message_id.endswith("@demo.invalid")
    assert offices.clock.now() == attempt.at


async def test_nothing_is_sent_when_the_attempt_cannot_be_recorded() -> None:
    _, hospital, order = await accepted()
    hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake

    with pytest.raises(JournalUnavailable):
        await hospital.handle(order)

    assert hospital.post.mails == []


async def test_a_resend_has_the_same_bytes_in_a_new_mail() -> None:
    offices, hospital, order = await accepted()
    await hospital.handle(order)
    hospital.holding = frozenset()

    for _ in range(5):
        await offices.pass_time(hours=12)

    assert len(hospital.post.mails) == 6
    entities = {mail.raw.split(b"MIME-Version", 1)[1] for mail in hospital.post.mails}
    assert len(entities) == 1
    heads = {mail.raw.split(b"MIME-Version", 1)[0] for mail in hospital.post.mails}
    assert len(heads) == 6
    assert len({mail.envelope_id for mail in hospital.post.mails}) == 6


async def test_sent_is_told_once() -> None:
    offices, hospital, order = await accepted()
    await hospital.handle(order)
    hospital.holding = frozenset()

    await offices.pass_time(hours=12)

    assert hospital.events.count("sent") == 1
    assert (await hospital.trail(LETTER_ID)).count("sent") == 2


async def test_orders_that_piled_up_make_one_attempt() -> None:
    """A broker that was away for hours leaves an order of every sweep."""
    offices, hospital, _ = await accepted()
    for _ in range(12):
        offices.clock.move(minutes=11)
        await offices.sweep()
    assert len(hospital.held) == 13

    for order in hospital.held:
        await hospital.handle(order)

    assert len(hospital.post.mails) == 1
    assert the_delivery(hospital).attempts == 1
    assert (await sums(hospital))[0].in_flight == 1


async def test_orders_that_piled_up_make_one_attempt_also_when_it_fails() -> None:
    offices, hospital, _ = await accepted()
    for _ in range(3):
        offices.clock.move(minutes=11)
        await offices.sweep()
    hospital.post.fault = TransportUnavailable("away")

    for order in hospital.held:
        await hospital.handle(order)

    assert the_delivery(hospital).tries == 1
    assert the_delivery(hospital).failures == 1


async def test_an_order_that_a_crash_gave_back_repeats_its_attempt() -> None:
    _, hospital, order = await accepted()
    hospital.post.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await hospital.handle(order)
    hospital.post.fault = None

    await hospital.handle(order, redelivered=True)
    await hospital.handle(order, redelivered=True)  # by then it has been handed over

    assert len(hospital.post.mails) == 1


async def test_an_older_order_that_a_crash_gave_back_repeats_nothing() -> None:
    """A later attempt has been made since: this one is not due."""
    offices, hospital, order = await accepted()
    hospital.post.fault = TransportUnavailable("away")
    await hospital.handle(order)
    await offices.pass_time(minutes=1)
    await hospital.handle(hospital.held[-1])
    assert the_delivery(hospital).tries == 2

    await hospital.handle(order, redelivered=True)

    assert the_delivery(hospital).tries == 2


async def test_while_a_hand_over_lasts_no_sweep_orders_another() -> None:
    offices, hospital, order = await accepted()
    offices.clock.move(hours=1)  # its order lay in the queue: the envelope has long been due
    ordered: list[int] = []

    async def sweep() -> None:
        await hospital.processes.sweep()
        ordered.append(len(await hospital.journal.claim_outbox(9)))

    hospital.post.meanwhile = sweep
    await hospital.handle(order)

    assert ordered == [0]


async def test_a_temporary_fault_is_tried_again_ever_more_slowly() -> None:
    offices, hospital, order = await accepted()
    hospital.post.fault = TransportUnavailable("away")
    await hospital.handle(order)
    waits = []
    for _ in range(9):
        delivery = the_delivery(hospital)
        assert delivery.due_at is not None
        waits.append((delivery.due_at - offices.clock.now()).total_seconds())
        offices.clock.instant = delivery.due_at
        hospital.held.clear()
        await offices.sweep()
        await hospital.handle(hospital.held[-1])

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert the_delivery(hospital).attempts == 0
    assert hospital.events == ["accepted"]


async def test_an_answer_that_was_lost_repeats_the_mail() -> None:
    """The server may have taken it: absence of proof is not failure."""
    offices, hospital, order = await accepted()
    hospital.post.fault, hospital.post.lose_answer = TransportUnavailable("cut off"), True
    await hospital.handle(order)
    hospital.post.fault, hospital.holding = None, frozenset()

    offices.carry = True
    await offices.pass_time(minutes=1)

    assert len(hospital.post.mails) == 2
    assert len(offices.municipality.delivered) == 1


async def test_a_final_refusal_gives_up_at_once() -> None:
    _, hospital, order = await accepted()
    hospital.post.fault = TransportRefused("550 no such user")
    await hospital.handle(order)

    assert the_delivery(hospital).transport is Transport.GIVEN_UP
    assert (await sums(hospital))[0].dead == 1
    assert [code for _, code in await hospital.letters()] == ["GW-111"]


async def test_after_the_last_resend_one_more_interval_is_waited() -> None:
    offices, hospital, order = await accepted()
    await hospital.handle(order)
    hospital.holding = frozenset()
    for _ in range(5):
        await offices.pass_time(hours=12)
    await offices.pass_time(hours=11, minutes=59)
    assert (await sums(hospital))[0].in_flight == 1

    await offices.pass_time(minutes=1)

    assert len(hospital.post.mails) == 6
    assert hospital.events[-2:] == ["unconfirmed", "dead-lettered"]
    assert [code for _, code in await hospital.letters()] == ["GW-112"]
    assert hospital.last["transport"] == "given_up"


async def test_an_expired_message_is_given_up_and_not_sent() -> None:
    """The lifetime counts at the moment of sending, not of queueing."""
    offices, hospital, order = await accepted()
    offices.clock.move(hours=72)

    await hospital.handle(order)

    assert hospital.post.mails == []
    assert the_delivery(hospital).transport is Transport.GIVEN_UP


async def test_what_was_acknowledged_while_its_order_was_queued_is_not_sent() -> None:
    offices, hospital, order = await accepted()
    await hospital.handle(order)
    (sent,) = all_said(hospital)
    offices.clock.move(hours=12)
    await offices.sweep()
    (resend,) = hospital.held[1:]
    hospital.holding = frozenset()
    await hospital.take_in(an_acknowledgment(sent.envelope, sent.references))
    await offices.settle()

    await hospital.handle(resend)

    assert len(hospital.post.mails) == 1


async def test_a_receipt_may_overtake_our_note_of_the_hand_over() -> None:
    offices, hospital, order = await accepted()

    async def answer() -> None:
        (sent,) = all_said(hospital)
        await hospital.take_in(an_acknowledgment(sent.envelope, sent.references))
        hospital.holding = frozenset()
        await offices.settle()

    hospital.post.meanwhile = answer
    await hospital.handle(order)
    await offices.settle()

    delivery = the_delivery(hospital)
    assert (delivery.transport, delivery.attempts) == (Transport.ACKNOWLEDGED, 1)
    assert delivery.due_at is None
    assert hospital.events == ["accepted", "sent", "acknowledged"]


async def test_an_order_for_something_unknown_is_done() -> None:
    _, hospital, _ = await accepted()

    await hospital.handle(send_order("o-1", MessageId("m-1"), 1))

    assert hospital.post.mails == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"message_id": 7}', b'{"message_id": ""}', b"\xff", b"[" * 9999]
)
def test_an_order_that_names_nothing_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_send_order(QueueMessage(body=body))
    with pytest.raises(MalformedMessage):
        read_arrival_notice(QueueMessage(body=body))


@pytest.mark.parametrize("attempt", ["0", "-1", '"1"', "1.0", "true", "[]"])
def test_the_number_of_an_attempt_is_a_number(attempt: str) -> None:
    body = f'{{"message_id": "m-1", "attempt": {attempt}}}'.encode()

    with pytest.raises(MalformedMessage):
        read_send_order(QueueMessage(body=body))


@pytest.mark.parametrize("attempt", [1, 7, None])
def test_an_order_reads_as_it_was_written(attempt: int | None) -> None:
    written = send_order("o-1", MessageId("m-1"), attempt)

    order = read_send_order(QueueMessage(body=written.body))

    assert (order.message_id, order.attempt) == ("m-1", attempt)
    assert written.queue == Queue.TRANSPORT_SEND


async def test_the_lifetime_begins_with_the_envelope() -> None:
    offices, hospital, _ = await accepted()

    assert the_delivery(hospital).time_to_live == offices.clock.now() + timedelta(hours=72)
