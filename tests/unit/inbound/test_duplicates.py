"""A duplicate gets the first answer and goes no further (HITS 1172 §5.8.2, HIS 80415)."""

import codecs
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from gateway.codecs.xml import EB
from gateway.domain.delivery import Transport
from gateway.domain.identifiers import MessageId
from gateway.domain.receipt import Answer
from gateway.errors import LeaseLost, TransportRefused, TransportUnavailable
from tests.builders_mails import a_header, a_mail, all_said, an_acknowledgment, kinds_said, said
from tests.builders_message import a_party
from tests.builders_offices import WARD, Offices, sums, two_offices
from tests.builders_received import MSG_ID, a_document
from tests.fakes_journal_state import FakeTransaction

OTHER_ENVELOPE = a_header(message_id=MessageId("e0000000-0000-4000-8000-000000000002"))


def one_office() -> Offices:
    offices = two_offices()
    offices.carry = False
    return offices


async def read(offices: Offices, *mails: bytes) -> None:
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()


async def test_the_same_mail_from_a_mailbox_is_stored_once() -> None:
    offices = one_office()

    for _ in range(3):
        await offices.hospital.take_in(a_mail(a_document()), transport_id="uid-7")
    await offices.settle()

    assert len(offices.hospital.state.arrivals) == 1
    assert kinds_said(offices.hospital) == ["acknowledgment"]


async def test_a_duplicate_gets_the_first_answer_byte_for_byte_in_a_new_mail() -> None:
    offices = one_office()
    mail = a_mail(a_document())

    await read(offices, mail, mail)

    first, second = all_said(offices.hospital)
    assert first.mail.soap == second.mail.soap
    raw = [mail.raw for mail in offices.hospital.post.mails]
    assert raw[0].split(b"\r\n\r\n", 1)[1] == raw[1].split(b"\r\n\r\n", 1)[1]
    ids = {attempt.mail_message_id for attempt in offices.hospital.state.attempts.values()}
    assert len(ids) == 2
    assert len(offices.hospital.delivered) == 1
    assert (await sums(offices.hospital))[1].accepted == 1


async def test_every_duplicate_gets_its_answer_also_when_the_first_one_still_waits() -> None:
    offices = one_office()
    mail = a_mail(a_document())

    for _ in range(5):
        await offices.hospital.take_in(mail)
    await offices.settle()

    assert kinds_said(offices.hospital) == ["acknowledgment"] * 5
    assert len({one.mail.soap for one in all_said(offices.hospital)}) == 1


@pytest.mark.parametrize("seconds", [1, 80 * 3600, 20 * 24 * 3600])
async def test_a_duplicate_is_answered_however_late_it_comes(seconds: float) -> None:
    offices = one_office()
    mail = a_mail(a_document())
    await read(offices, mail)
    await offices.pass_time(seconds=seconds)

    await read(offices, mail)

    assert kinds_said(offices.hospital) == ["acknowledgment", "acknowledgment"]


async def test_a_duplicate_of_a_rejected_envelope_repeats_the_rejection() -> None:
    offices = one_office()
    mail = a_mail(a_document(), sealed_for="municipality")

    await read(offices, mail, mail)

    first, second = all_said(offices.hospital)
    assert first.code == "SecurityFailure Error"
    assert first.mail.soap == second.mail.soap
    assert (await sums(offices.hospital))[1].accepted == 1


async def test_a_duplicate_of_a_refused_document_repeats_the_acknowledgment_only() -> None:
    offices = one_office()
    mail = a_mail(b"broken")

    await read(offices, mail, mail)

    assert kinds_said(offices.hospital) == ["acknowledgment", "apprec", "acknowledgment"]


async def test_the_same_message_id_with_other_content_is_inconsistent() -> None:
    offices = one_office()

    await read(offices, a_mail(a_document()), a_mail(a_document(conversation=None) + b"\n"))

    assert all_said(offices.hospital)[1].code == "Inconsistent Error"
    assert len(offices.hospital.delivered) == 1
    assert (await sums(offices.hospital))[1].rejected == 1


async def test_a_forged_copy_cannot_block_the_true_message() -> None:
    offices = one_office()

    await read(offices, a_mail(b"evil", signer="foreign"), a_mail(a_document()))

    assert [m.message_id for m in offices.hospital.delivered] == [MSG_ID]


async def test_a_known_document_in_a_new_envelope_is_acknowledged_and_not_passed_on() -> None:
    offices = one_office()

    await read(offices, a_mail(a_document()), a_mail(a_document(), OTHER_ENVELOPE))

    assert kinds_said(offices.hospital) == ["acknowledgment", "acknowledgment"]
    refs = [one.envelope.acknowledgment for one in all_said(offices.hospital)]
    assert refs[1] is not None
    assert refs[1].ref_to_message_id == OTHER_ENVELOPE.message_id
    assert len(offices.hospital.delivered) == 1
    assert (await sums(offices.hospital))[1].accepted == 1


async def test_a_receipt_without_its_acknowledgment_goes_again_as_it_was() -> None:
    offices = one_office()
    hospital = offices.hospital
    await read(offices, a_mail(a_document()))
    await hospital.confirm(MSG_ID)
    await offices.settle()

    await read(offices, a_mail(a_document(), OTHER_ENVELOPE))

    assert sorted(kinds_said(hospital)) == ["acknowledgment"] * 2 + ["apprec"] * 2
    receipts = [one for one in all_said(hospital) if one.kind == "apprec"]
    assert receipts[0].mail.soap == receipts[1].mail.soap
    assert receipts[0].receipt().answer is Answer.OK


async def test_a_receipt_that_was_acknowledged_does_not_go_again() -> None:
    offices = one_office()
    hospital = offices.hospital
    await read(offices, a_mail(a_document()))
    await hospital.confirm(MSG_ID)
    await offices.settle()
    receipt = next(one for one in all_said(hospital) if one.kind == "apprec")
    await read(offices, an_acknowledgment(receipt.envelope, receipt.references))

    await read(offices, a_mail(a_document(), OTHER_ENVELOPE))

    assert kinds_said(hospital).count("apprec") == 1
    assert (await sums(hospital))[1].confirmed == 1


async def test_a_repeated_receipt_is_swept_when_its_order_is_lost() -> None:
    offices = one_office()
    hospital = offices.hospital
    await read(offices, a_mail(a_document()))
    await hospital.confirm(MSG_ID)
    await offices.settle()
    hospital.holding = frozenset({"transport.send"})
    await read(offices, a_mail(a_document(), OTHER_ENVELOPE))
    hospital.held.clear()  # the queue is lost
    hospital.holding = frozenset()

    await offices.pass_time(minutes=11)

    assert kinds_said(hospital).count("apprec") == 2
    assert kinds_said(hospital).count("acknowledgment") == 2


WRITTEN_OTHERWISE: list[Callable[[bytes], bytes]] = [
    lambda document: document + b"\r\n",
    lambda document: document + b"<!-- made anew -->",
    lambda document: codecs.BOM_UTF8 + document,
    lambda document: document.replace(b"\n", b"\r\n"),
    lambda document: re.sub(rb"<([^\s>/]+)([^>]*)/>", rb"<\1\2></\1>", document),
    lambda document: document.decode().replace("UTF-8", "ISO-8859-1").encode("latin-1"),
]


@pytest.mark.parametrize("written", WRITTEN_OTHERWISE)
async def test_a_document_written_otherwise_is_no_other_document(
    written: Callable[[bytes], bytes],
) -> None:
    offices = one_office()
    hospital = offices.hospital
    await read(offices, a_mail(a_document()))
    await hospital.confirm(MSG_ID)
    await offices.settle()
    receipt = next(one for one in all_said(hospital) if one.kind == "apprec")
    await read(offices, an_acknowledgment(receipt.envelope, receipt.references))

    await read(offices, a_mail(written(a_document()), OTHER_ENVELOPE))

    assert kinds_said(hospital) == ["acknowledgment", "apprec", "acknowledgment"]
    assert len(hospital.delivered) == 1


OTHER_DOCUMENT = a_document(receiver=a_party(enterprise="910000", service=WARD, name="Annet navn"))


async def test_the_same_msg_id_with_other_content_is_inconsistent_and_gets_no_receipt() -> None:
    """An AppRec would speak of the message that had the MsgId first (HIS 80415)."""
    offices = one_office()
    hospital = offices.hospital

    await read(offices, a_mail(a_document()), a_mail(OTHER_DOCUMENT, OTHER_ENVELOPE))
    await hospital.confirm(MSG_ID)
    await offices.settle()

    acknowledgment, error, receipt = all_said(hospital)
    assert acknowledgment.kind == "acknowledgment"
    assert error.code == "Inconsistent Error"
    assert error.envelope.header.ref_to_message_id == OTHER_ENVELOPE.message_id
    assert receipt.receipt().answer is Answer.OK
    assert len(hospital.delivered) == 1
    incoming = (await sums(hospital))[1]
    assert (incoming.accepted, incoming.rejected) == (2, 1)


async def test_a_document_recorded_by_the_digest_of_its_bytes_is_known_too() -> None:
    """As entries of the first schema are."""
    offices = one_office()
    hospital = offices.hospital
    await read(offices, a_mail(a_document()))
    (entry,) = await hospital.incoming(MSG_ID)
    old = hashlib.sha256(a_document()).hexdigest()
    hospital.state.incoming[entry.entry_id] = replace(entry, document_digest=old)

    await read(offices, a_mail(a_document(), OTHER_ENVELOPE))

    assert kinds_said(hospital) == ["acknowledgment", "acknowledgment"]
    assert len(hospital.delivered) == 1


async def test_both_digests_of_a_reused_msg_id_are_in_the_trail() -> None:
    offices = one_office()
    await read(offices, a_mail(a_document()), a_mail(OTHER_DOCUMENT, OTHER_ENVELOPE))

    (event,) = (one for one in offices.hospital.state.events if one.name == "message_error")
    first, second = re.findall(r"\b[0-9a-f]{64}\b", str(event.detail["reason"]))
    assert first != second


async def test_a_duplicate_of_a_reused_msg_id_gets_the_same_error() -> None:
    offices = one_office()
    other = a_mail(OTHER_DOCUMENT, OTHER_ENVELOPE)

    await read(offices, a_mail(a_document()), other, other)

    _, first, second = all_said(offices.hospital)
    assert first.mail.soap == second.mail.soap
    assert (await sums(offices.hospital))[1].accepted == 2


def wants_no_signed_receipt(root: etree._Element) -> None:
    block = root.find(f".//{{{EB}}}AckRequested")
    assert block is not None
    block.set(f"{{{EB}}}signed", "false")


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(a_mail(a_document(), edit=wants_no_signed_receipt), id="contradicts itself"),
        pytest.param(a_mail(a_document(), signer="foreign"), id="signed by a stranger"),
    ],
)
async def test_a_duplicate_of_a_refused_envelope_gets_the_same_error(mail: bytes) -> None:
    offices = one_office()

    await read(offices, mail, mail, mail)

    assert [one.kind for one in all_said(offices.hospital)] == ["error"] * 3
    assert len({one.mail.soap for one in all_said(offices.hospital)}) == 1
    assert (await sums(offices.hospital))[1].accepted == 1


async def test_a_duplicate_of_what_reused_a_message_id_gets_the_same_error() -> None:
    offices = one_office()
    other = a_mail(OTHER_DOCUMENT)

    await read(offices, a_mail(a_document()), other, other)

    _, first, second = all_said(offices.hospital)
    assert first.code == "Inconsistent Error"
    assert first.mail.soap == second.mail.soap
    assert (await sums(offices.hospital))[1].accepted == 2


async def test_a_forged_copy_draws_no_error_about_a_message_that_was_acknowledged() -> None:
    offices = one_office()

    await read(offices, a_mail(a_document()), a_mail(b"evil", signer="foreign"))

    assert kinds_said(offices.hospital) == ["acknowledgment"]
    assert [code for _, code in await offices.hospital.letters()] == ["GW-302"]
    assert (await sums(offices.hospital))[1].accepted == 1


async def test_an_answer_that_was_given_up_is_sent_to_the_next_duplicate() -> None:
    offices = one_office()
    hospital = offices.hospital
    hospital.post.fault = TransportRefused("550")
    mail = a_mail(a_document())
    await read(offices, mail)
    assert [code for _, code in await hospital.letters()] == ["GW-111"]
    hospital.post.fault = None

    await read(offices, mail)

    assert kinds_said(hospital) == ["acknowledgment"]
    assert await hospital.letters() == []


async def test_an_answer_that_could_not_be_sent_is_tried_again() -> None:
    offices = one_office()
    hospital = offices.hospital
    hospital.post.fault = TransportUnavailable("away")
    await read(offices, a_mail(a_document()))
    hospital.post.fault = None

    await offices.pass_time(minutes=11)

    assert kinds_said(hospital) == ["acknowledgment"]
    (reply,) = hospital.state.deliveries.values()
    assert reply.transport is Transport.SENT
    await offices.pass_time(hours=100)
    assert kinds_said(hospital) == ["acknowledgment"]


async def test_a_second_notice_for_the_same_mail_is_no_news() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.take_in(a_mail(a_document()))
    (notice,) = await hospital.journal.claim_outbox(9)

    for _ in range(3):
        await hospital.handle(notice)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment"]
    assert len(hospital.delivered) == 1


async def test_a_copy_that_another_instance_read_a_moment_ago_gets_the_first_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two instances may look for one envelope before either has committed."""
    offices = one_office()
    hospital = offices.hospital
    mail = a_mail(a_document())
    await read(offices, mail)
    await hospital.take_in(mail)
    (notice,) = await hospital.journal.claim_outbox(9)

    async def not_yet(transaction: FakeTransaction, *_: str) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(FakeTransaction, "seen", not_yet)
        with pytest.raises(LeaseLost):
            await hospital.handle(notice)
    await hospital.handle(notice)
    await offices.settle()

    first, second = all_said(hospital)
    assert first.mail.soap == second.mail.soap
    assert len(hospital.delivered) == 1


async def test_mail_that_ends_its_reader_again_and_again_is_set_aside() -> None:
    """After a crash RabbitMQ marks the notice as redelivered; the mail counts in the ledger."""
    offices = one_office()
    hospital = offices.hospital
    await hospital.take_in(a_mail(a_document()))
    (notice,) = await hospital.journal.claim_outbox(9)
    arrival = hospital.state.arrivals[next(iter(hospital.state.arrivals))]
    hospital.state.arrivals[arrival.arrival_id] = replace(arrival, crashes=3)

    await hospital.handle(notice, redelivered=True)

    assert await hospital.letters() == [(arrival.arrival_id, "GW-999")]
    assert (await sums(hospital))[1].dead == 1
    await hospital.replay(arrival.arrival_id)
    await offices.settle()
    assert len(hospital.delivered) == 1
    assert (await sums(hospital))[1].in_flight == 1


async def test_a_redelivered_notice_is_read_like_any_other() -> None:
    offices = one_office()
    hospital = offices.hospital
    await hospital.take_in(a_mail(a_document()))
    (notice,) = await hospital.journal.claim_outbox(9)

    await hospital.handle(notice, redelivered=True)
    await offices.settle()

    assert len(hospital.delivered) == 1


async def test_a_backlog_of_hours_is_not_taken_for_poison() -> None:
    offices = one_office()
    hospital = offices.hospital
    hospital.holding = frozenset({"transport.received"})
    await hospital.take_in(a_mail(a_document()))
    for _ in range(24):
        await offices.pass_time(hours=1)
    assert len(hospital.held) < 12

    hospital.holding = frozenset()
    for notice in hospital.held:
        await hospital.handle(notice)
    await offices.settle()

    assert len(hospital.delivered) == 1
    assert await hospital.letters() == []


def test_said_reads_what_a_partner_reads() -> None:
    assert said(a_mail(a_document())).kind == "payload"
