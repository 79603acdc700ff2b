"""Receipts in any order, and a journal, a mail server and a network that fail at any moment.

Each case is one seed; ``pytest 'FILE::TEST[seed]'`` plays it again.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from gateway.domain.delivery import Purpose, Transport
from gateway.domain.envelope import Severity
from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import State
from gateway.domain.receipt import Answer, ReceiptError
from gateway.errors import JournalUnavailable, TransportRefused, TransportUnavailable
from tests.builders_mails import (
    Said,
    a_bounce,
    a_message_error,
    all_said,
    an_acknowledgment,
    an_apprec_document,
    an_apprec_mail,
)
from tests.builders_offices import (
    HOSPITAL,
    LETTER_ID,
    MORNING,
    MUNICIPALITY,
    Desk,
    Mail,
    Offices,
    a_letter,
    persistently,
    require_balance,
    sums,
    two_offices,
)
from tests.fakes_journal import FakeJournal, HandClock
from tests.fakes_journal_state import FakeTransaction

OPEN = (Transport.WAITING, Transport.SENT)


def apprec(serial: int, answer: Answer) -> bytes:
    errors = () if answer is Answer.OK else (ReceiptError(code="E35"),)
    document = an_apprec_document(LETTER_ID, answer, errors=errors)
    return an_apprec_mail(
        document, message_id=MessageId(f"e{serial:07d}-0000-4000-8000-00000000000a")
    )


def require_sense(desk: Desk) -> None:
    """What must hold of one outgoing message at every instant."""
    (entry,) = desk.state.outgoing.values()
    delivery = desk.state.deliveries[entry.message_id]
    letter = desk.state.letters.get(entry.entry_id)
    assert (entry.state is State.DEAD) == (letter is not None and letter.state == "open")
    assert (entry.due_at is not None) == (entry.state is State.IN_FLIGHT)
    assert delivery.transport not in OPEN or delivery.due_at is not None
    told = {event["id"]: event for event in desk.status}.values()  # a repeated one counts once
    sent = [event["data"]["message_id"] for event in told if ".sent." in event["type"]]
    assert len(sent) == len(set(sent))
    assert sum(".confirmed." in event["type"] for event in told) <= 1
    if entry.state is State.CONFIRMED:
        assert delivery.answer in (Answer.OK, Answer.OK_WITH_ERRORS)
    if entry.state is State.REJECTED:
        assert delivery.answer is Answer.REJECTED or delivery.transport is Transport.REJECTED
    if entry.state is State.IN_FLIGHT:
        assert delivery.answer is None
        assert delivery.transport is not Transport.GIVEN_UP


@pytest.mark.parametrize("seed", range(40))
async def test_receipts_in_any_order_leave_one_sensible_end(seed: int) -> None:
    rng = random.Random(seed)
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital
    await hospital.hand_in(a_letter())
    await offices.settle()
    (sent,) = all_said(hospital)

    for serial in range(14):
        await step(rng, offices, sent, serial)
        await offices.settle()
        require_sense(hospital)
        await require_balance(hospital)

    (entry,) = hospital.state.outgoing.values()
    if entry.state is not State.DISCARDED and entry.state.is_open:
        await hospital.take_in(apprec(99, Answer.OK))
        await offices.settle()
        assert (await sums(hospital))[0].confirmed == 1
    require_sense(hospital)


async def step(rng: random.Random, offices: Offices, sent: Said, serial: int) -> None:
    hospital = offices.hospital
    match rng.randrange(12):
        case 0 | 1:
            await hospital.take_in(an_acknowledgment(sent.envelope, sent.references))
        case 2:
            await hospital.take_in(apprec(serial, rng.choice(list(Answer))))
        case 3:
            await hospital.take_in(apprec(0, Answer.OK))
        case 4:
            severity = rng.choice(list(Severity))
            await hospital.take_in(a_message_error(sent.envelope, severity=severity))
        case 5:
            envelope_id = rng.choice(hospital.post.mails).envelope_id
            await hospital.take_in(a_bounce(envelope_id, rng.choice(["5.1.1", "4.2.2"])))
        case 6:
            forged = an_acknowledgment(sent.envelope, sent.references, signer="foreign")
            await hospital.take_in(forged)
        case 7:
            await hospital.hand_in(a_letter())
        case 8:
            hospital.post.fault = rng.choice(
                [None, TransportUnavailable("away"), TransportRefused("550")]
            )
        case 9 | 10:
            await offices.pass_time(hours=rng.choice([0.2, 1, 12, 30]))
        case _:
            for letter_id, _ in await hospital.letters():
                if rng.random() < 0.8:
                    await hospital.replay(letter_id)
                else:
                    await hospital.discard(letter_id)


@dataclass(slots=True)
class Weather:
    """How bad it is at the moment."""

    rng: random.Random
    bad: bool = True
    faults: list[str] = field(default_factory=list)

    def strikes(self, chance: float, what: str) -> bool:
        if not self.bad or self.rng.random() >= chance:
            return False
        self.faults.append(what)
        return True


class FlakyJournal(FakeJournal):
    """Refuses commits, and sometimes commits and says it did not."""

    def __init__(self, clock: HandClock, weather: Weather) -> None:
        super().__init__(clock)
        self.weather = weather

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        async with super().transaction() as tx:
            yield tx
            if self.weather.strikes(0.15, "refused"):
                raise JournalUnavailable("the disk is full")
        if self.weather.strikes(0.1, "unclear"):
            raise JournalUnavailable("the connection broke during the commit")


@pytest.mark.parametrize("seed", range(30))
async def test_in_bad_weather_nothing_is_lost_and_nothing_comes_twice(seed: int) -> None:
    rng = random.Random(1000 + seed)
    weather, clock = Weather(rng), HandClock(MORNING)
    journals = {name: FlakyJournal(clock, weather) for name in (HOSPITAL, MUNICIPALITY)}
    offices = two_offices(clock=clock, journals=journals)
    letters = [f"6f2f4c0e-7a51-4b0e-9c39-{number:012x}" for number in range(4)]

    for letter in letters:
        await persistently(partial(offices.hospital.hand_in, a_letter(letter), name=letter))
        await storm(offices, weather)
    for _ in range(2):
        await storm(offices, weather)
        await offices.pass_time(hours=12)
        await answer_all(offices)
    weather.bad = False
    offices.hospital.post.fault = offices.municipality.post.fault = None
    for _ in range(5):
        await offices.pass_time(hours=1)
        await offices.pass_time(hours=11)
        await answer_all(offices)
        await offices.settle()

    assert [m.message_id for m in offices.municipality.delivered] == sorted(
        letters, key=[m.message_id for m in offices.municipality.delivered].index
    ), weather.faults
    outgoing, _ = await sums(offices.hospital)
    _, incoming = await sums(offices.municipality)
    assert (outgoing.accepted, outgoing.confirmed) == (4, 4), (outgoing, weather.faults)
    assert (incoming.accepted, incoming.confirmed) == (4, 4), (incoming, weather.faults)
    assert await offices.hospital.letters() == await offices.municipality.letters() == []
    for letter in letters:
        told = [e for e in offices.hospital.status if e["data"]["msg_id"] == letter]
        assert len({e["id"] for e in told if ".confirmed." in e["type"]}) == 1
    receipts = [
        d for d in offices.municipality.state.deliveries.values() if d.purpose is Purpose.RECEIPT
    ]
    assert len(receipts) == 4


async def storm(offices: Offices, weather: Weather) -> None:
    """Move things on while mail is lost, doubled and refused for the moment."""
    offices.carry = False
    for _ in range(6):
        for desk in offices.both:
            strikes = weather.strikes(0.3, "mail server away")
            desk.post.fault = TransportUnavailable("away") if strikes else None
            desk.post.lose_answer = weather.strikes(0.5, "answer lost")
        await offices.settle()
        for desk in offices.both:
            desk.post.waiting = [m for mail in desk.post.waiting for m in blown(mail, weather)]
            weather.rng.shuffle(desk.post.waiting)
        await offices.carry_mail()
        offices.clock.move(minutes=1)
    offices.carry = True


def blown(mail: Mail, weather: Weather) -> list[Mail]:
    if weather.strikes(0.2, "mail lost"):
        return []
    return [mail, mail] if weather.strikes(0.2, "mail doubled") else [mail]


async def answer_all(offices: Offices) -> None:
    """The municipality's EPJ confirms what it has; it may do so more than once."""
    for message in list(offices.municipality.delivered):
        assert message.message_id is not None
        await persistently(partial(offices.municipality.confirm, message.message_id))
    await offices.settle()
