"""Bounces and SOAP Faults: what mail servers and unreadable mails say about what we sent."""

import pytest

from gateway.domain.delivery import Transport
from tests.builders_mails import a_bounce, a_soap_fault, kinds_said
from tests.builders_offices import LETTER_ID, sums
from tests.builders_receipts import ack, apprec, delivery_of, read, sent


class TestBounces:
    async def test_a_final_bounce_gives_up(self) -> None:
        offices, hospital, mail = await sent()
        envelope_id = hospital.post.mails[0].envelope_id

        await read(offices, a_bounce(envelope_id))

        assert delivery_of(hospital, mail).transport is Transport.GIVEN_UP
        assert (await sums(hospital))[0].dead == 1

    @pytest.mark.parametrize(("status", "action"), [("4.2.2", "delayed"), ("4.4.1", "failed")])
    async def test_a_temporary_one_does_not(self, status: str, action: str) -> None:
        offices, hospital, mail = await sent()

        await read(offices, a_bounce(hospital.post.mails[0].envelope_id, status, action))

        assert delivery_of(hospital, mail).transport is Transport.SENT
        assert "bounced" in await hospital.trail(LETTER_ID)

    async def test_a_receipt_after_the_bounce_confirms(self) -> None:
        """It is not signed: it stops attempts, it proves nothing."""
        offices, hospital, mail = await sent()
        await read(offices, a_bounce(hospital.post.mails[0].envelope_id))

        await read(offices, ack(mail))
        assert (await sums(hospital))[0].in_flight == 1
        assert await hospital.letters() == []
        await read(offices, apprec())

        assert (await sums(hospital))[0].confirmed == 1

    async def test_one_for_an_unknown_mail_lies_before_a_person(self) -> None:
        offices, hospital, _ = await sent()

        await read(offices, a_bounce("nobody"))

        assert [code for _, code in await hospital.letters()] == ["GW-111"]
        assert (await sums(hospital))[1].accepted == 0

    async def test_a_bounce_after_the_receipt_is_no_news(self) -> None:
        offices, hospital, mail = await sent()
        await read(offices, ack(mail), a_bounce(hospital.post.mails[0].envelope_id))

        assert delivery_of(hospital, mail).transport is Transport.ACKNOWLEDGED
        assert await hospital.letters() == []


async def test_a_soap_fault_about_a_mail_of_ours_gives_up() -> None:
    offices, hospital, mail = await sent()
    (attempt,) = hospital.state.attempts.values()

    await read(offices, a_soap_fault(attempt.mail_message_id))

    assert delivery_of(hospital, mail).transport is Transport.GIVEN_UP
    assert [code for _, code in await hospital.letters()] == ["GW-117"]
    assert kinds_said(hospital) == ["payload"]


async def test_a_soap_fault_about_nothing_lies_before_a_person() -> None:
    offices, hospital, mail = await sent()

    await read(offices, a_soap_fault("nobody@nowhere"))

    assert delivery_of(hospital, mail).transport is Transport.SENT
    assert [code for _, code in await hospital.letters()] == ["GW-117"]
