"""A message may name several receivers of ours, and each answers once (HIS 80415 §3.1)."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.envelope import EbParty, MessageHeader
from gateway.domain.identifiers import HerId, MessageId, cpa_id_without_agreement
from gateway.domain.ledger import State
from gateway.domain.message import DEVIATION, Code, OtherReceiver, Party
from gateway.domain.receipt import Answer
from tests.builders_mails import Said, a_header, a_mail, all_said, an_acknowledgment, kinds_said
from tests.builders_message import a_party
from tests.builders_offices import (
    NURSES,
    WARD,
    Desk,
    Offices,
    offices_on_sqlite,
    sums,
    two_offices,
)
from tests.builders_received import MSG_ID, a_document, broken
from tests.conformance.scenes import offices_with_rules

SECOND, THIRD, FOREIGN = HerId("910005"), HerId("910006"), HerId("930001")


def a_copy(her: HerId, enterprise: str = "910000") -> OtherReceiver:
    party = a_party(enterprise=enterprise, service=her, name=f"Avdeling {her}")
    return OtherReceiver(role=Code(value="COP", name="Kopimottaker"), party=party)


def to_wards(*copies: HerId, **changes: object) -> bytes:
    """A request to the ward, with copies to further services."""
    return a_document(other_receivers=tuple(a_copy(her) for her in copies), **changes)


def envelope(to: HerId) -> MessageHeader:
    """The header of an envelope from the nurses to one of the hospital's services."""
    return a_header(
        message_id=MessageId("e0000000-0000-4000-8000-000000000002"),
        receiver=EbParty(her=to, role="DIALOG_FORESPORSELreceiver"),
    )


async def at_the_hospital(*mails: bytes, offices: Offices | None = None) -> Offices:
    offices = offices or two_offices()
    offices.carry = False
    for mail in mails:
        await offices.hospital.take_in(mail)
        await offices.settle()
    return offices


async def confirm(offices: Offices, *receivers: HerId | None, outcome: str = "stored") -> None:
    for her in receivers:
        more = {} if her is None else {"receiver_her": her}
        await offices.hospital.confirm(MSG_ID, outcome, **more)
        await offices.settle()


def apprecs(desk: Desk) -> list[Said]:
    return [one for one in all_said(desk) if one.kind == "apprec"]


def answering(desk: Desk) -> list[tuple[HerId | None, str | None, Answer]]:
    """Who has answered, in which role and how, in order."""
    receipts = [one.receipt() for one in apprecs(desk)]
    return [(one.sender.her, one.sender.role, one.answer) for one in receipts]


async def heard(offices: Offices, one: Said) -> None:
    """The partner acknowledges an AppRec."""
    number = len(offices.hospital.state.arrivals)
    await offices.hospital.take_in(
        an_acknowledgment(
            one.envelope,
            one.references,
            message_id=MessageId(f"50000000-0000-4000-8000-{number:012}"),
        )
    )
    await offices.settle()


# --- handed over once ------------------------------------------------------------------------


async def test_it_is_handed_over_once_for_all_of_them() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND, THIRD)))

    (delivered,) = offices.hospital.delivered
    assert delivered.message_id == MSG_ID
    assert delivered.headers["x-receiver-her"] == WARD
    assert delivered.headers["x-other-receivers"] == f"{SECOND},{THIRD}"
    (entry,) = await offices.hospital.incoming(MSG_ID)
    assert entry.receivers == (WARD, SECOND, THIRD)


@pytest.mark.parametrize(
    "copies",
    [
        pytest.param((), id="nobody else"),
        pytest.param((a_copy(WARD),), id="the receiver once more"),
        pytest.param((a_copy(FOREIGN, "930000"),), id="a partner"),
        pytest.param((a_copy(HerId("999999")),), id="nobody we know"),
        pytest.param((OtherReceiver(role=Code(value="COP")),), id="no organisation"),
    ],
)
async def test_who_is_not_ours_or_named_already_does_not_answer(
    copies: tuple[OtherReceiver, ...],
) -> None:
    offices = await at_the_hospital(a_mail(a_document(other_receivers=copies)))
    await confirm(offices, None)

    (delivered,) = offices.hospital.delivered
    assert "x-other-receivers" not in delivered.headers
    assert answering(offices.hospital) == [(WARD, "SPR", Answer.OK)]


async def test_a_copy_receiver_s_envelope_is_for_the_primary_receiver_too() -> None:
    """The order in which envelopes of one document arrive makes no difference."""
    document = to_wards(SECOND)
    offices = await at_the_hospital(a_mail(document, envelope(SECOND)), a_mail(document))
    await confirm(offices, None, WARD)

    (delivered,) = offices.hospital.delivered
    assert delivered.headers["x-receiver-her"] == SECOND
    assert delivered.headers["x-other-receivers"] == WARD
    assert answering(offices.hospital) == [(SECOND, "COP", Answer.OK), (WARD, "SPR", Answer.OK)]
    assert kinds_said(offices.hospital).count("acknowledgment") == 2


async def test_on_a_real_journal_it_goes_the_same_way(tmp_path: Path) -> None:
    async with offices_on_sqlite(tmp_path) as offices:
        await at_the_hospital(a_mail(to_wards(SECOND)), offices=offices)
        await confirm(offices, WARD, SECOND)
        offices.carry = True
        await offices.settle()

        assert answering(offices.hospital) == [
            (WARD, "SPR", Answer.OK),
            (SECOND, "COP", Answer.OK),
        ]
        assert (await sums(offices.hospital))[1].confirmed == 1


# --- answered once each ----------------------------------------------------------------------


async def test_each_answers_from_its_own_address_to_the_sender() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    await confirm(offices, None, SECOND)

    first, second = apprecs(offices.hospital)
    assert [one.envelope.header.sender.her for one in (first, second)] == [WARD, SECOND]
    assert {one.envelope.header.receiver.her for one in (first, second)} == {NURSES}
    assert {one.receipt().original.msg_id for one in (first, second)} == {MSG_ID}
    assert first.envelope.header.conversation_id == second.envelope.header.conversation_id
    part = second.receipt().sender.organisation.part
    assert part is not None
    assert part.name == f"Avdeling {SECOND}"


async def test_the_cpa_of_the_envelope_is_that_of_its_own_parties_only() -> None:
    mail = a_mail(to_wards(SECOND), a_header(cpa_id="a-cpa-of-nurses-and-ward"))
    offices = await at_the_hospital(mail)
    await confirm(offices, WARD, SECOND)

    cpas = [one.envelope.header.cpa_id for one in apprecs(offices.hospital)]
    assert cpas == ["a-cpa-of-nurses-and-ward", cpa_id_without_agreement(SECOND, NURSES)]


@pytest.mark.parametrize("order", [(WARD, SECOND), (SECOND, WARD)], ids=["primary first", "last"])
async def test_the_entry_is_confirmed_when_all_have_been_heard(order: tuple[HerId, HerId]) -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    for her in order:
        await confirm(offices, her)
        assert (await sums(hospital))[1].in_flight == 1

    first, second = apprecs(hospital)
    await heard(offices, first)
    assert (await sums(hospital))[1].in_flight == 1
    await heard(offices, second)
    assert (await sums(hospital))[1].confirmed == 1


async def test_one_that_is_heard_before_the_other_has_spoken_ends_nothing() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    await confirm(offices, WARD)
    await heard(offices, apprecs(hospital)[0])
    (entry,) = await hospital.incoming(MSG_ID)
    assert (entry.state, entry.receipt_id) == (State.IN_FLIGHT, None)

    await offices.pass_time(hours=5)
    await offices.pass_time(hours=20)
    assert (await hospital.trail(MSG_ID)).count("confirmation_late") == 2  # warning and alarm
    await confirm(offices, SECOND)
    await heard(offices, apprecs(hospital)[1])

    (entry,) = await hospital.incoming(MSG_ID)
    assert (entry.state, entry.due_at, entry.overdue) == (State.CONFIRMED, None, None)


@pytest.mark.parametrize("order", [(WARD, SECOND), (SECOND, WARD)], ids=["primary", "copy"])
async def test_the_refusal_of_one_rejects_when_all_is_settled(order: tuple[HerId, HerId]) -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    hospital = offices.hospital
    refusing, storing = order
    await confirm(offices, refusing, outcome="refused")
    assert (await sums(hospital))[1].in_flight == 1
    await confirm(offices, storing)
    assert (await sums(hospital))[1].in_flight == 1  # the other one is not heard yet

    for one in apprecs(hospital):
        await heard(offices, one)
    assert (await sums(hospital))[1].rejected == 1
    assert [answer for _, _, answer in answering(hospital)] == [Answer.REJECTED, Answer.OK]


async def test_the_same_word_twice_is_one_receipt_and_another_one_an_alarm() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    await confirm(offices, SECOND, SECOND, WARD, None)
    assert len(apprecs(offices.hospital)) == 2
    assert await offices.hospital.letters() == []

    await confirm(offices, SECOND, outcome="refused")

    assert len(apprecs(offices.hospital)) == 2
    assert [code for _, code in await offices.hospital.letters()] == ["GW-115"]


async def test_a_party_that_is_not_named_cannot_answer() -> None:
    offices = await at_the_hospital(a_mail(to_wards(SECOND)))
    await confirm(offices, THIRD)

    assert apprecs(offices.hospital) == []
    assert await offices.hospital.letters() == [(f"confirmation/{MSG_ID}/to-{THIRD}", "GW-116")]


async def test_words_that_came_too_early_are_kept_for_each_receiver() -> None:
    offices = two_offices()
    await confirm(offices, WARD, SECOND)
    letters = [letter_id for letter_id, _ in await offices.hospital.letters()]
    assert len(letters) == 2
    await at_the_hospital(a_mail(to_wards(SECOND)), offices=offices)

    for letter_id in letters:
        assert await offices.hospital.replay(letter_id)
    await offices.settle()

    assert {her for her, _, _ in answering(offices.hospital)} == {WARD, SECOND}


# --- refused by the gateway ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(lambda: to_wards(SECOND, patient=None), "E36", id="a rule"),
        pytest.param(
            lambda: to_wards(SECOND).replace(b"Patient>", b"Fremmed>"), "T02", id="the schema"
        ),
    ],
)
async def test_a_refused_document_is_refused_for_each_of_them(document: object, code: str) -> None:
    assert callable(document)
    offices = await at_the_hospital(a_mail(document()))

    assert answering(offices.hospital) == [
        (WARD, "SPR", Answer.REJECTED),
        (SECOND, "COP", Answer.REJECTED),
    ]
    assert {one.receipt().errors[0].code for one in apprecs(offices.hospital)} == {code}
    assert (await sums(offices.hospital))[1].rejected == 1
    for one in apprecs(offices.hospital):
        await heard(offices, one)
    assert (await sums(offices.hospital))[1].rejected == 1


async def test_what_is_no_xml_names_nobody_and_is_refused_once() -> None:
    offices = await at_the_hospital(a_mail(broken(to_wards(SECOND))))

    assert [her for her, _, _ in answering(offices.hospital)] == [WARD]


async def test_a_report_of_a_fault_is_taken_in_at_the_desk_for_each_of_them() -> None:
    # Written by hand: we never write one.
    document = to_wards(SECOND).replace(b"DIALOG_FORESPORSEL", DEVIATION.encode())
    start, end = document.index(b"<Foresporsel"), document.index(b"</Foresporsel>")
    note = (
        b'<Notat><TemaKodet V="1" DN="Feil" S="2.16.578.1.12.4.1.1.8117"/>'
        b"<TekstNotatInnhold>Feil pasient.</TekstNotatInnhold></Notat>"
    )
    document = document[:start] + note + document[end + len(b"</Foresporsel>") :]
    offices = await at_the_hospital(a_mail(document, a_header(DEVIATION)))

    assert [one[0] for one in answering(offices.hospital)] == [WARD, SECOND]
    assert {one[2] for one in answering(offices.hospital)} == {Answer.OK}
    for one in apprecs(offices.hospital):
        await heard(offices, one)
    assert (await sums(offices.hospital))[1].confirmed == 1


# --- the same document in another envelope ---------------------------------------------------


async def test_every_receipt_that_was_not_heard_goes_again_for_a_duplicate() -> None:
    document = to_wards(SECOND, THIRD)
    offices = await at_the_hospital(a_mail(document))
    await confirm(offices, WARD, SECOND, THIRD)
    await heard(offices, apprecs(offices.hospital)[1])

    await at_the_hospital(a_mail(document, envelope(SECOND)), offices=offices)

    counted = [her for her, _, _ in answering(offices.hospital)]
    assert {her: counted.count(her) for her in counted} == {WARD: 2, SECOND: 1, THIRD: 2}
    assert len(offices.hospital.delivered) == 1


def addressed_to(her: HerId) -> Party:
    return a_party(enterprise="910000", service=her)


async def test_a_document_sent_to_another_service_on_its_own_is_a_message_of_its_own() -> None:
    """Where envelope and message may differ (E21 off), and neither copy names the other."""
    offices = offices_with_rules(answer_e21=False)
    hospital = offices.hospital
    document = a_document()
    await at_the_hospital(a_mail(document), a_mail(document, envelope(SECOND)), offices=offices)

    assert [m.headers["x-receiver-her"] for m in hospital.delivered] == [WARD, SECOND]
    assert {m.message_id for m in hospital.delivered} == {MSG_ID}
    assert (await sums(hospital))[1].accepted == 2
    await confirm(offices, WARD, SECOND)
    assert [her for her, _, _ in answering(hospital)] == [WARD, SECOND]
    for one in apprecs(hospital):
        await heard(offices, one)
    assert (await sums(hospital))[1].confirmed == 2


async def test_with_several_entries_a_word_without_receiver_is_nobody_s() -> None:
    offices = offices_with_rules(answer_e21=False)
    document = a_document()
    await at_the_hospital(a_mail(document), a_mail(document, envelope(SECOND)), offices=offices)

    await confirm(offices, None)

    assert apprecs(offices.hospital) == []
    (letter,) = await offices.hospital.journal.dead_letters()
    assert (letter.letter_id, letter.code) == (f"confirmation/{MSG_ID}", "GW-116")
    assert "sender_her and receiver_her" in letter.detail


async def test_an_envelope_to_the_wrong_service_does_not_block_the_right_one() -> None:
    document = a_document()
    offices = await at_the_hospital(a_mail(document, envelope(SECOND)), a_mail(document))
    await confirm(offices, None)

    assert [(her, answer) for her, _, answer in answering(offices.hospital)] == [
        (SECOND, Answer.REJECTED),
        (WARD, Answer.OK),
    ]
    (error,) = apprecs(offices.hospital)[0].receipt().errors
    assert error.code == "E21"


async def test_a_copy_receiver_that_was_answered_for_answers_no_second_time() -> None:
    document = to_wards(SECOND)
    offices = await at_the_hospital(a_mail(document, envelope(THIRD)), a_mail(document))
    await confirm(offices, None)

    assert [(her, answer) for her, _, answer in answering(offices.hospital)] == [
        (THIRD, Answer.REJECTED),
        (SECOND, Answer.REJECTED),
        (WARD, Answer.OK),
    ]


async def test_other_content_for_another_receiver_is_an_identifier_used_twice() -> None:
    other = a_document(receiver=addressed_to(SECOND))
    offices = await at_the_hospital(a_mail(a_document()), a_mail(other, envelope(SECOND)))

    assert all_said(offices.hospital)[-1].code == "Inconsistent Error"
    assert len(offices.hospital.delivered) == 1


# --- two partners, one MsgId -----------------------------------------------------------------


async def from_two_services() -> Offices:
    nurse = HerId("920002")
    theirs = a_document(sender=a_party(enterprise="920000", service=nurse))
    sender = EbParty(her=nurse, role="DIALOG_FORESPORSELsender")
    return await at_the_hospital(
        a_mail(a_document()), a_mail(theirs, replace(envelope(WARD), sender=sender))
    )


async def test_one_msg_id_of_two_partners_is_confirmed_by_its_sender() -> None:
    offices = await from_two_services()
    await offices.hospital.confirm(MSG_ID, sender_her="920002")
    await offices.hospital.confirm(MSG_ID, "refused", sender_her=NURSES)
    await offices.settle()

    told = {one.envelope.header.receiver.her: one.receipt() for one in apprecs(offices.hospital)}
    assert told[HerId("920002")].answer is Answer.OK
    assert told[NURSES].answer is Answer.REJECTED


async def test_one_msg_id_of_two_partners_is_ambiguous_without_its_sender() -> None:
    offices = await from_two_services()
    await confirm(offices, None, WARD)

    assert apprecs(offices.hospital) == []
    letters = await offices.hospital.journal.dead_letters()
    assert {letter.letter_id for letter in letters} == {
        f"confirmation/{MSG_ID}",
        f"confirmation/{MSG_ID}/to-{WARD}",
    }
    assert all("several messages" in letter.detail for letter in letters)
