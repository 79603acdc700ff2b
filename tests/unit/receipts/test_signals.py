"""Acknowledgments and MessageErrors: which fit what we sent, and what they change."""

from dataclasses import replace

import pytest
from lxml import etree

from gateway.codecs.xml import DS, EB
from gateway.domain.delivery import Purpose, Transport
from gateway.domain.envelope import EbParty, Severity
from gateway.domain.identifiers import ConversationId, CpaId, HerId
from tests.builders_mails import a_mail, a_message_error, all_said, an_acknowledgment, kinds_said
from tests.builders_offices import sums, two_offices
from tests.builders_receipts import ack, delivery_of, read, sent
from tests.builders_received import a_document, remove


async def test_a_message_error_refuses() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope))

    assert hospital.events[-1] == "refused"
    assert hospital.last["transport"] == "rejected"
    assert hospital.last["reasons"][0]["code"] == "SecurityFailure"
    assert (await sums(hospital))[0].rejected == 1
    await offices.pass_time(hours=100)
    assert kinds_said(hospital) == ["payload"]  # neither sent again nor answered


async def test_a_warning_is_an_acknowledgment_with_a_finding() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, "NotSupported", severity=Severity.WARNING))

    assert hospital.events[-1] == "acknowledged"
    assert hospital.last["reasons"][0]["code"] == "NotSupported"
    assert (await sums(hospital))[0].in_flight == 1


async def test_acknowledged_and_then_refused_by_the_message_handler_is_a_contradiction() -> None:
    offices, hospital, mail = await sent()

    await read(offices, ack(mail), a_message_error(mail.envelope))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cpa_id": CpaId("other")}, id="CPAId"),
        pytest.param({"conversation_id": ConversationId("other")}, id="ConversationId"),
        pytest.param({"sender": EbParty(her=HerId("920002"))}, id="another of their services"),
    ],
)
async def test_an_acknowledgment_that_does_not_fit_is_none(change: dict[str, object]) -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references, **change))  # type: ignore[arg-type]

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


async def test_a_message_error_with_a_cpa_id_of_its_own_refuses() -> None:
    """It may be about the CPAId itself, and it names the envelope."""
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, cpa_id=CpaId("unknown")))

    assert hospital.events[-1] == "refused"
    (event,) = (e for e in hospital.state.events if e.name == "refused")
    assert event.detail["cpa_id_differs"] is True


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"conversation_id": ConversationId("other")}, id="ConversationId"),
        pytest.param({"sender": EbParty(her=HerId("920002"))}, id="another of their services"),
    ],
)
async def test_a_message_error_that_does_not_fit_is_none(change: dict[str, object]) -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_message_error(mail.envelope, **change))  # type: ignore[arg-type]

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-115"]


async def test_an_acknowledgment_of_other_digests_is_none() -> None:
    """It acknowledges something else than what we sent."""
    offices, hospital, mail = await sent()
    other = [
        replace(ref, xml=ref.xml.replace(ref.digest.encode(), b"A" * 43 + b"="))
        for ref in mail.references
    ]

    await read(offices, an_acknowledgment(mail.envelope, other))

    assert delivery_of(hospital, mail).transport is Transport.SENT


async def test_an_acknowledgment_that_leaves_references_out_counts() -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references[:1]))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED


async def test_an_acknowledgment_whose_references_have_no_digests_counts() -> None:
    offices, hospital, mail = await sent()

    await read(
        offices, an_acknowledgment(mail.envelope, mail.references, edit=remove("DigestValue", DS))
    )

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
    (event,) = (e for e in hospital.state.events if e.name == "acknowledged")
    assert event.detail["reference-without-digest"] is True


async def test_an_acknowledgment_with_its_reference_in_message_data_counts() -> None:
    offices, hospital, mail = await sent()

    def edit(root: etree._Element) -> None:
        (ref,) = root.iter(f"{{{EB}}}RefToMessageId")
        (data,) = root.iter(f"{{{EB}}}MessageData")
        data.append(ref)

    await read(offices, an_acknowledgment(mail.envelope, mail.references, edit=edit))

    assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED


@pytest.mark.parametrize("signer", ["foreign", "hospital"])
async def test_a_forged_acknowledgment_changes_nothing_and_gets_no_answer(signer: str) -> None:
    offices, hospital, mail = await sent()

    await read(offices, an_acknowledgment(mail.envelope, mail.references, signer=signer))

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert kinds_said(hospital) == ["payload"]
    assert [code for _, code in await hospital.letters()] == ["GW-302"]
    assert (await sums(hospital))[1].accepted == 0


class TestSignalsAboutSignals:
    """They are never answered, and change nothing (HITS 1171 §8.1)."""

    @pytest.mark.parametrize("kind", ["acknowledgment", "error", "warning"])
    async def test_one_about_our_acknowledgment_changes_nothing(self, kind: str) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        mail = a_mail(a_document())
        await read(offices, mail)
        (ours,) = all_said(hospital)
        severity = Severity.WARNING if kind == "warning" else Severity.ERROR
        about = (
            an_acknowledgment(ours.envelope, ours.references)
            if kind == "acknowledgment"
            else a_message_error(ours.envelope, severity=severity)
        )

        await read(offices, about, mail)

        (reply,) = (d for d in hospital.state.deliveries.values() if d.purpose is Purpose.SIGNAL)
        assert reply.transport is Transport.SENT
        assert kinds_said(hospital) == ["acknowledgment", "acknowledgment"]
        assert await hospital.letters() == []

    async def test_one_stands_in_the_trail_of_what_it_is_about(self) -> None:
        offices = two_offices()
        offices.carry = False
        hospital = offices.hospital
        await read(offices, a_mail(a_document()))
        (ours,) = all_said(hospital)

        await read(offices, a_message_error(ours.envelope))

        last = (await hospital.journal.trail(ours.envelope.header.message_id))[-1]
        assert (last.name, last.code) == ("signal_answered", "SecurityFailure")

    async def test_a_signal_for_nobody_here_lies_before_a_person(self) -> None:
        offices, hospital, mail = await sent()
        elsewhere = EbParty(her=HerId("999999"))

        await read(offices, an_acknowledgment(mail.envelope, mail.references, receiver=elsewhere))

        assert [code for _, code in await hospital.letters()] == ["GW-214"]
