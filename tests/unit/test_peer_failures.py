"""How comparable gateways lose, double or hide messages; each fault must be impossible here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.delivery import Purpose, Transport
from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from gateway.errors import JournalUnavailable, TransportUnavailable
from gateway.ports import OutboundMessage
from gateway.wiring import wire
from tests.builders_mails import (
    a_mail,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
    kinds_said,
)
from tests.builders_offices import (
    LETTER_ID,
    Desk,
    Offices,
    a_letter,
    offices_on_sqlite,
    persistently,
    require_balance,
    sums,
    two_offices,
)
from tests.builders_received import MSG_ID, a_document
from tests.fakes_journal import FakeJournal


def alone() -> Offices:
    offices = two_offices()
    offices.carry = False
    return offices


async def sent() -> Offices:
    offices = alone()
    await offices.hospital.hand_in(a_letter())
    await offices.settle()
    return offices


async def read(offices: Offices, *mails: bytes) -> None:
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()


async def test_f1_a_receipt_that_cannot_be_parsed_is_stored_listed_and_told() -> None:
    offices = await sent()
    raw = an_apprec_mail(b"<AppRec xmlns='http://www.kith.no/xmlstds/apprec/2004-11-21'>")

    await read(offices, raw)

    ((letter_id, code),) = await offices.hospital.letters()
    assert code == "GW-209"
    assert len(offices.hospital.notices) == 1
    async with offices.hospital.journal.transaction() as tx:
        assert await tx.raw(letter_id) == raw


async def test_f1_its_notice_is_done_only_after_that_is_committed() -> None:
    offices = await sent()
    hospital = offices.hospital
    await hospital.take_in(an_apprec_mail(b"broken"))
    (notice,) = await hospital.journal.claim_outbox(9)
    hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake

    with pytest.raises(JournalUnavailable):
        await hospital.handle(notice)


async def test_f2_ok_with_errors_and_unknown_statuses_are_seen() -> None:
    errors = (ReceiptError(code="X99", text="Delvis"),)
    partly = await sent()
    document = an_apprec_document(LETTER_ID, Answer.OK_WITH_ERRORS, errors=errors)
    await read(partly, an_apprec_mail(document))
    unknown = await sent()
    document = an_apprec_document(LETTER_ID).replace(b'V="1"', b'V="9"', 1)
    await read(unknown, an_apprec_mail(document))

    assert partly.hospital.last["answer"] == "ok_with_errors"
    assert partly.hospital.last["reasons"][0]["text_nb"] == "Delvis (Annen feil)"
    assert "confirmed" not in unknown.hospital.events
    assert [code for _, code in await unknown.hospital.letters()] == ["GW-209"]


async def test_f3_a_receipt_before_the_message_is_matched_within_one_sweep() -> None:
    offices = alone()
    await read(offices, an_apprec_mail(an_apprec_document(LETTER_ID)))
    await offices.hospital.hand_in(a_letter())

    await offices.sweep()

    assert offices.hospital.events[-1] == "confirmed"


async def test_f3_a_receipt_for_nothing_is_listed_after_a_day() -> None:
    offices = alone()
    await read(offices, an_apprec_mail(an_apprec_document(LETTER_ID)))

    await offices.pass_time(hours=24)

    assert [code for _, code in await offices.hospital.letters()] == ["GW-114"]


async def test_f4_what_cannot_be_recorded_before_the_send_is_not_sent() -> None:
    offices = alone()
    hospital = offices.hospital
    hospital.holding = frozenset({"transport.send"})
    await hospital.hand_in(a_letter())
    await offices.settle()
    hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake

    with pytest.raises(JournalUnavailable):
        await hospital.handle(hospital.held[0])

    assert hospital.post.mails == []


async def test_f4_what_cannot_be_recorded_after_the_send_is_found_again() -> None:
    offices = alone()
    hospital = offices.hospital
    hospital.holding = frozenset({"transport.send"})
    await hospital.hand_in(a_letter())
    await offices.settle()

    async def fill_the_disk() -> None:
        hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake

    hospital.post.meanwhile = fill_the_disk
    with pytest.raises(JournalUnavailable):
        await hospital.handle(hospital.held[0])
    hospital.post.meanwhile = None
    hospital.journal.refuse_commits = False  # type: ignore[attr-defined]  # the fake
    hospital.holding = frozenset()

    await offices.pass_time(minutes=10)

    assert len(hospital.post.mails) == 2  # repeated: nobody knows whether the first arrived
    assert (await hospital.outgoing(LETTER_ID)).state is State.IN_FLIGHT
    assert hospital.events == ["accepted", "sent"]


@asynccontextmanager
async def on(kind: str, folder: Path) -> AsyncIterator[Offices]:
    if kind == "fake":
        yield two_offices()
    else:
        async with offices_on_sqlite(folder) as offices:
            yield offices


@pytest.mark.parametrize("kind", ["fake", "sqlite"])
async def test_f5_64_copies_at_once_are_one_delivery_and_64_equal_answers(
    kind: str, tmp_path: Path
) -> None:
    mail = a_mail(a_document())
    async with on(kind, tmp_path) as offices:
        offices.carry = False
        hospital = offices.hospital
        for _ in range(64):
            await hospital.take_in(mail)
        notices: list[OutboundMessage] = []
        while len(notices) < 64:
            notices += await hospital.journal.claim_outbox(64)

        await asyncio.gather(
            *(persistently(partial(hospital.handle, notice)) for notice in notices)
        )
        await offices.settle()

        assert len(hospital.delivered) == 1
        answers = all_said(hospital)
        assert [one.kind for one in answers] == ["acknowledgment"] * 64
        assert len({one.mail.soap for one in answers}) == 1
        assert (await sums(hospital))[1].accepted == 1


async def test_f6_a_crash_between_seen_and_delivered_leaves_it_to_the_retry() -> None:
    """Both are one transaction; what was not committed was not seen either."""
    offices = alone()
    hospital = offices.hospital
    mail = a_mail(a_document())
    await hospital.take_in(mail)
    (notice,) = await hospital.journal.claim_outbox(9)
    hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake
    with pytest.raises(JournalUnavailable):
        await hospital.handle(notice)
    hospital.journal.refuse_commits = False  # type: ignore[attr-defined]  # the fake
    assert hospital.state.seen == {}

    await read(offices, mail)  # the sender's resend is a mail of its own

    assert [m.message_id for m in hospital.delivered] == [MSG_ID]


async def test_f7_a_duplicate_gets_the_first_outcome_and_no_error() -> None:
    offices = alone()
    mail = a_mail(a_document())

    await read(offices, mail, mail)

    assert kinds_said(offices.hospital) == ["acknowledgment", "acknowledgment"]


async def test_f8_a_duplicate_of_a_rejected_message_repeats_the_rejection() -> None:
    offices = alone()
    mail = a_mail(a_document(), sealed_for="municipality")

    await read(offices, mail, mail)

    assert kinds_said(offices.hospital) == ["error", "error"]


@pytest.mark.parametrize("receipt_first", [True, False])
async def test_f9_a_receipt_that_races_the_giving_up_gives_one_end_and_both_events(
    receipt_first: bool,
) -> None:
    offices = await sent()
    hospital = offices.hospital
    (mail,) = all_said(hospital)
    acknowledgment = an_acknowledgment(mail.envelope, mail.references)
    offices.clock.move(hours=72)
    if receipt_first:
        await read(offices, acknowledgment)
        await offices.sweep()
    else:
        await offices.sweep()
        await read(offices, acknowledgment)
        await offices.sweep()

    delivery = hospital.state.deliveries[mail.envelope.header.message_id]
    assert delivery.transport is Transport.ACKNOWLEDGED
    assert await hospital.letters() == []
    trail = await hospital.trail(LETTER_ID)
    assert "acknowledged" in trail
    assert ("given_up" in trail) is not receipt_first


async def test_f10_all_automatic_attempts_have_one_message_id_and_one_digest() -> None:
    offices = await sent()
    for _ in range(6):
        await offices.pass_time(hours=12)

    mails = all_said(offices.hospital)
    assert len(mails) == 6
    assert len({one.envelope.header.message_id for one in mails}) == 1
    assert len({one.mail.soap for one in mails}) == 1
    assert len({one.mail.parts[0].data for one in mails}) == 1


async def test_f11_a_replay_keeps_the_id_within_the_lifetime_and_links_a_new_one_after() -> None:
    offices = await sent()
    hospital = offices.hospital
    first = await hospital.outgoing(LETTER_ID)
    await offices.pass_time(hours=72)
    ((letter_id, _),) = await hospital.letters()

    await hospital.replay(letter_id)
    await offices.settle()

    second = await hospital.outgoing(LETTER_ID)
    assert second.message_id not in (None, first.message_id)
    assert second.message_id is not None
    assert hospital.state.deliveries[second.message_id].parent == first.message_id
    assert first.message_id is not None
    assert "replaced_by" in await hospital.trail(first.message_id)


async def test_f12_a_dead_letter_keeps_payload_history_and_cause() -> None:
    offices = await sent()
    await offices.pass_time(hours=72)
    hospital = offices.hospital

    ((letter_id, code),) = await hospital.letters()
    assert code == "GW-112"
    async with hospital.journal.transaction() as tx:
        assert await tx.document(letter_id) == a_letter()
    assert {"accepted", "sent", "given_up", "dead_lettered"} <= set(await hospital.trail(LETTER_ID))


async def test_f13_our_own_answer_is_a_delivery_with_attempts_of_its_own() -> None:
    offices = alone()
    hospital = offices.hospital
    hospital.post.fault = TransportUnavailable("away")
    await read(offices, a_mail(a_document()))
    for _ in range(20):
        await offices.pass_time(minutes=30)
    assert hospital.post.mails == []
    hospital.post.fault = None

    await offices.pass_time(hours=1)

    assert kinds_said(hospital) == ["acknowledgment"]


async def test_f13_an_answer_that_never_gets_out_is_told_to_a_person() -> None:
    offices = alone()
    offices.hospital.post.fault = TransportUnavailable("away")
    await read(offices, a_mail(a_document()))

    for _ in range(80):
        await offices.pass_time(hours=1)

    letters = await offices.hospital.letters()
    assert [code for _, code in letters] == ["GW-112"]
    purposes = {d.message_id: d.purpose for d in offices.hospital.state.deliveries.values()}
    assert purposes[MessageId(letters[0][0])] is Purpose.SIGNAL


def another_instance(offices: Offices, desk: Desk) -> Desk:
    """A second gateway of the same party on the same journal and network."""
    journal = desk.journal
    assert isinstance(journal, FakeJournal)
    beside = journal.beside()
    processes = wire(desk.office, beside, desk.post, clock=offices.clock, new_id=offices.new_id)
    return replace(desk, journal=beside, processes=processes)


async def test_f14_another_instance_takes_over_the_outbox_of_a_killed_one() -> None:
    offices = alone()
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    claimed = await hospital.journal.claim_outbox(9)  # and then it was killed for ever
    assert claimed
    other = another_instance(offices, hospital)
    assert await other.journal.claim_outbox(9) == []

    offices.clock.move(seconds=61)
    for row in await other.journal.claim_outbox(9):
        await other.handle(row)
        await require_balance(other)

    assert len(hospital.post.mails) == 1


async def test_f14_another_instance_takes_over_a_mailbox_within_the_lease() -> None:
    offices = alone()
    first, second = offices.hospital.journal, another_instance(offices, offices.hospital).journal
    lease = await first.acquire_lease("mailbox", "one", 30)
    assert lease is not None
    assert await second.acquire_lease("mailbox", "two", 30) is None

    offices.clock.move(seconds=31)

    taken = await second.acquire_lease("mailbox", "two", 30)
    assert taken is not None
    assert taken.fence > lease.fence
    with pytest.raises(Exception, match="lease"):
        async with first.transaction() as tx:
            await tx.require_lease(lease)


async def test_f16_nothing_stays_open_without_a_due_time() -> None:
    offices = await sent()
    for _ in range(40):
        await offices.pass_time(hours=5)
        for delivery in offices.hospital.state.deliveries.values():
            if delivery.is_open:
                assert delivery.due_at is not None
                assert delivery.due_at > offices.clock.now() - timedelta(minutes=1)
        for entry in offices.hospital.state.outgoing.values():
            assert (entry.due_at is not None) == (entry.state is State.IN_FLIGHT)


@pytest.mark.parametrize("name", ["", "7", "not-a-uuid", "æøå", "x" * 300, "' OR 1=1 --", "a/b#c"])
async def test_f26_an_odd_identifier_sets_one_receipt_aside_and_the_next_is_read(name: str) -> None:
    offices = await sent()
    odd = an_apprec_document(LETTER_ID).replace(LETTER_ID.encode(), name.encode() or b" ", 1)

    await read(
        offices,
        an_apprec_mail(odd, message_id=MessageId("e0000000-0000-4000-8000-0000000000ff")),
        an_apprec_mail(an_apprec_document(LETTER_ID)),
    )

    assert offices.hospital.events[-1] == "confirmed"
