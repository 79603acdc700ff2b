"""One message from the EPJ: taken over or refused, and never neither."""

from dataclasses import replace

import pytest

from gateway.domain.identifiers import HerId
from gateway.domain.ledger import State
from gateway.domain.message import Code, Ident
from gateway.errors import JournalUnavailable, LeaseLost, MalformedMessage
from gateway.outbound import reading
from tests.builders_mails import all_said
from tests.builders_message import a_party, a_patient, an_answer
from tests.builders_offices import (
    LETTER_ID,
    NURSES,
    WARD,
    Desk,
    a_letter,
    a_letter_message,
    sums,
    two_offices,
    written,
)
from tests.builders_received import broken, with_attachment
from tests.fakes_journal_state import FakeTransaction


async def handed_in(document: bytes, *, content_type: str = "application/xml") -> Desk:
    offices = two_offices()
    offices.carry = False
    await offices.hospital.hand_in(document, content_type=content_type)
    await offices.settle()
    return offices.hospital


async def test_an_accepted_message_is_told_and_sent() -> None:
    hospital = await handed_in(a_letter())

    assert hospital.events == ["accepted", "sent"]
    assert hospital.last["msg_id"] == LETTER_ID
    assert hospital.last["receiver_her"] == NURSES
    assert hospital.last["transport"] == "sent"
    assert hospital.last["attempts"] == 1
    (mail,) = all_said(hospital)
    header = mail.envelope.header
    assert (header.sender.her, header.receiver.her) == (WARD, NURSES)
    assert (header.service, header.action) == ("S-DIALOG_FORESPORSEL", "DIALOG_FORESPORSEL")
    assert header.cpa_id == "910004_920001"
    assert mail.document() == a_letter()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(broken(a_letter()), "EPJ_SCHEMA", id="broken XML"),
        pytest.param(b"", "EPJ_SCHEMA", id="empty"),
        pytest.param(b"<!DOCTYPE a><a/>", "EPJ_SCHEMA", id="DOCTYPE"),
        pytest.param(b"<a xmlns='urn:b'/>", "EPJ_SCHEMA", id="another document"),
        pytest.param(
            a_letter().replace(b"dialog/2006-10-11", b"dialog/1999-01-01"),
            "EPJ_SCHEMA",
            id="unknown version",
        ),
        pytest.param(
            a_letter(sender=a_party(enterprise="920000", service=NURSES)),
            "EPJ_SENDER",
            id="another's sender",
        ),
        pytest.param(
            a_letter(receiver=a_party(enterprise="920000", service="920999")),
            "EPJ_RECEIVER",
            id="unknown service",
        ),
        pytest.param(
            a_letter().replace(b"DIALOG_FORESPORSEL", b"DIALOG_NOTAT"), "EPJ_MSGTYPE", id="notat"
        ),
        pytest.param(
            a_letter().replace(b"DIALOG_FORESPORSEL", b"DIALOG_AVVIK"), "EPJ_MSGTYPE", id="avvik"
        ),
        pytest.param(
            a_letter(
                patient=replace(
                    a_patient(),
                    date_of_birth=None,
                    sex=None,
                    idents=(Ident(id="500000001", type=Code(value="FHN")),),
                )
            ),
            "EPJ_PATIENT_ID",
            id="only a temporary number",
        ),
        pytest.param(a_letter(patient=None), "EPJ_PATIENT_COUNT", id="no patient"),
    ],
)
async def test_a_refused_message_is_recorded_told_and_not_sent(document: bytes, code: str) -> None:
    hospital = await handed_in(document)

    assert hospital.events == ["rejected"]
    assert code in {reason["code"] for reason in hospital.last["reasons"]}
    assert all(reason["text_nb"] for reason in hospital.last["reasons"])
    assert hospital.post.mails == []
    outgoing, _ = await sums(hospital)
    assert (outgoing.accepted, outgoing.rejected) == (1, 1)


async def test_a_receiver_named_otherwise_than_in_the_register_is_remarked_and_left_alone() -> None:
    document = a_letter(
        receiver=a_party(enterprise="920000", service=NURSES, name="Onkologi", owner="Feil kommune")
    )

    hospital = await handed_in(document)

    assert "R-82" in {reason["rule"] for reason in hospital.status[0]["data"]["reasons"]}
    assert all_said(hospital)[0].document() == document


async def test_a_content_type_that_nobody_reads_is_refused() -> None:
    hospital = await handed_in(a_letter(), content_type="text/plain; charset=utf-8")

    assert hospital.events == ["rejected"]


async def test_a_refusal_names_no_content() -> None:
    hospital = await handed_in(
        a_letter().replace(b'V="2"', b'V="hemmelig"').replace(b"FNR", b"\xff")
    )

    assert "hemmelig" not in repr(hospital.status)
    assert "hemmelig" not in repr(hospital.state.events)


class TestAttachments:
    """Design §5, outgoing."""

    async def test_stripped_attachment_is_listed_and_does_not_leave(self) -> None:
        hospital = await handed_in(with_attachment(a_letter()))

        accepted = hospital.status[0]["data"]
        assert hospital.events[0] == "accepted"
        assert [one["mime"] for one in accepted["removed"]] == ["application/pdf"]
        assert any(reason["rule"] == "R-36" for reason in accepted["reasons"])
        assert b"JVBERi0xLjQK" not in all_said(hospital)[0].document()

    async def test_by_policy_it_is_refused(self) -> None:
        offices = two_offices(outgoing="reject")

        await offices.hospital.hand_in(with_attachment(a_letter()))
        await offices.settle()

        assert offices.hospital.events == ["rejected"]
        assert offices.hospital.last["reasons"][0]["code"] == "EPJ_ATTACH"
        assert offices.hospital.last["removed"] == []

    async def test_a_signed_document_is_not_changed(self) -> None:
        signature = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
        head, end = with_attachment(a_letter()).rsplit(b"</", 1)

        hospital = await handed_in(head + signature + b"</" + end)

        assert hospital.events == ["rejected"]
        assert hospital.post.mails == []

    async def test_what_has_no_text_beside_it_is_refused(self) -> None:
        message = a_letter_message()
        empty = written(replace(message, questions=(replace(message.questions[0], text=" "),)))

        hospital = await handed_in(with_attachment(empty))

        assert hospital.last["reasons"][0]["code"] == "EPJ_ATTACH"

    @pytest.mark.parametrize("kind", [b"A", b"REF"])
    async def test_a_text_that_is_marked_as_an_attachment_is_refused_with_it(
        self, kind: bytes
    ) -> None:
        document = a_letter()
        assert b'<MsgType V="XML"' in document

        hospital = await handed_in(document.replace(b'<MsgType V="XML"', b'<MsgType V="%b"' % kind))

        assert hospital.events == ["rejected"]
        assert [r["code"] for r in hospital.last["reasons"]] == ["EPJ_ATTACH"]
        assert hospital.post.mails == []

    async def test_what_cannot_be_made_plain_text_is_refused_and_not_parked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> bytes:
            raise MalformedMessage("not valid")

        monkeypatch.setattr(reading, "text_only", refuse)

        hospital = await handed_in(with_attachment(a_letter()))

        assert hospital.events == ["rejected"]
        assert [r["code"] for r in hospital.last["reasons"]] == ["EPJ_SCHEMA"]
        assert hospital.last["msg_id"] == LETTER_ID

    async def test_a_message_without_attachment_leaves_byte_for_byte(self) -> None:
        document = b"<?xml version='1.0' encoding='utf-8'?>\r\n" + a_letter().split(b"?>", 1)[1]

        hospital = await handed_in(document)

        assert all_said(hospital)[0].document() == document


async def test_no_certificate_to_seal_for_is_a_refusal() -> None:
    offices = two_offices()
    offices.clock.move(days=1200)  # beyond the demo certificates
    hospital = offices.hospital

    await hospital.hand_in(a_letter())
    await offices.settle()

    assert hospital.events == ["rejected"]
    assert hospital.last["reasons"][0]["code"] == "EPJ_RECEIVER"
    assert hospital.last["removed"] == []


async def test_what_another_instance_took_a_moment_ago_is_not_sent_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two instances may look before either has committed; then the unique columns decide."""
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())

    async def not_yet(transaction: FakeTransaction, key_or_digest: str) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(FakeTransaction, "outgoing_by_key", not_yet)
        patch.setattr(FakeTransaction, "outgoing_by_digest", not_yet)
        with pytest.raises(LeaseLost):
            await hospital.hand_in(a_letter())
    await hospital.hand_in(a_letter())
    await offices.settle()

    assert len(hospital.post.mails) == 1
    assert (await sums(hospital))[0].accepted == 1


async def test_nothing_is_recorded_when_the_journal_refuses_the_commit() -> None:
    offices = two_offices()
    hospital = offices.hospital
    hospital.journal.refuse_commits = True  # type: ignore[attr-defined]  # the fake
    with pytest.raises(JournalUnavailable):
        await hospital.hand_in(a_letter())
    assert hospital.state.outgoing == {}
    assert hospital.state.outbox == {}
    hospital.journal.refuse_commits = False  # type: ignore[attr-defined]  # the fake

    await hospital.hand_in(a_letter())
    await offices.settle()

    assert (await sums(hospital))[0].in_flight == 1


class TestWaiting:
    @pytest.mark.parametrize(
        ("text", "hours"),
        [
            pytest.param("2026-03-04T10:15:30+01:00", 0.0758, id="five minutes ago"),
            pytest.param("2026-03-02T10:15:30+01:00", 0, id="two days ago"),
            pytest.param("2026-03-04T14:15:30+01:00", 0, id="four hours ahead"),
        ],
    )
    async def test_the_wait_counts_from_gen_date_unless_it_is_implausible(
        self, text: str, hours: float
    ) -> None:
        hospital = await handed_in(a_letter().replace(b"2026-03-04T10:15:30+01:00", text.encode()))

        (entry,) = hospital.state.outgoing.values()
        waits_from = entry.waits_from
        assert waits_from is not None
        assert (entry.accepted_at - waits_from).total_seconds() == pytest.approx(
            hours * 3600, abs=5
        )
        (event,) = (e for e in hospital.state.events if e.name == "accepted")
        assert ("GENDATE_IMPLAUSIBLE" in event.detail) == (hours == 0)


class TestConversation:
    async def test_an_answer_joins_the_conversation_of_its_question(self) -> None:
        offices = two_offices()
        await offices.municipality.hand_in(question())
        await offices.settle()
        (asked,) = all_said(offices.municipality)

        await offices.hospital.hand_in(answer())
        await offices.settle()

        header = next(s for s in all_said(offices.hospital) if s.kind == "payload").envelope.header
        assert header.conversation_id == asked.envelope.header.conversation_id
        assert header.ref_to_message_id == asked.envelope.header.message_id
        assert header.action == "DIALOG_SVAR"

    async def test_an_answer_to_something_unknown_begins_a_conversation(self) -> None:
        hospital = await handed_in(answer())

        (mail,) = all_said(hospital)
        assert mail.envelope.header.conversation_id
        assert mail.envelope.header.ref_to_message_id is None

    async def test_the_question_of_the_party_answered_is_meant(self) -> None:
        """Another partner's message under the same MsgId lends nobody its conversation."""
        offices = two_offices()
        other = replace(
            a_letter_message(),
            msg_id=an_answer().conversation.parent,  # type: ignore[union-attr]  # it has one
            sender=a_party(enterprise="920000", service="920002"),
            receiver=a_party(enterprise="910000", service=WARD),
        )
        await offices.municipality.hand_in(written(other))
        offices.clock.move(seconds=1)
        await offices.municipality.hand_in(question())
        await offices.settle()

        await offices.hospital.hand_in(answer())
        await offices.settle()

        header = next(s for s in all_said(offices.hospital) if s.kind == "payload").envelope.header
        questions = {s.envelope.header.message_id: s for s in all_said(offices.municipality)}
        assert header.ref_to_message_id is not None
        assert questions[header.ref_to_message_id].envelope.header.sender.her == NURSES


def question() -> bytes:
    parent = an_answer().conversation
    assert parent is not None
    return written(
        replace(
            a_letter_message(),
            msg_id=parent.parent,
            sender=a_party(enterprise="920000", service=NURSES),
            receiver=a_party(enterprise="910000", service=WARD),
        )
    )


def answer() -> bytes:
    letter = a_letter_message()
    return written(replace(an_answer(), sender=letter.sender, receiver=letter.receiver))


async def test_the_events_name_partner_and_type() -> None:
    hospital = await handed_in(a_letter())

    details = {e.name: e.detail for e in hospital.state.events}
    for name in ("arrived", "accepted", "sent"):
        assert details[name]["partner"] == HerId(NURSES)
        assert details[name]["type"] == "DIALOG_FORESPORSEL"


async def test_a_rejected_message_is_an_end() -> None:
    hospital = await handed_in(broken(a_letter()))

    (entry,) = hospital.state.outgoing.values()
    assert (entry.state, entry.due_at) == (State.REJECTED, None)
