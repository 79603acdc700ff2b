"""Messages of every kind at once through two running gateways, each with its own end.

``GATEWAY_MIXED`` sets how many, ``GATEWAY_MIXED_SEED`` repeats a run.
"""

import os
import random
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.codecs.document import read_document
from gateway.errors import AttachmentsRemoved
from gateway.ops.demo.neighbour import Neighbour
from tests.broker_fixture import eventually
from tests.builders_neighbour import a_neighbour
from tests.conformance.mixture import ATTACHMENTS, NAMES, OTHER, Letter, Mixture, Piece
from tests.faults.pair import Pair, demo_keys, running_pair  # noqa: F401  # fixture

pytestmark = [pytest.mark.broker, pytest.mark.slow]

SIZE_VARIABLE, SEED_VARIABLE = "GATEWAY_MIXED", "GATEWAY_MIXED_SEED"
ORDINARY_SIZE = 120
PATIENCE = 1.0  # seconds a message, on a machine with other things to do
_SHARE_OF_PARTNERS = 0.15
_SECOND_WAVE = 0.3  # what follows from the first: answers, and what comes twice


@dataclass(slots=True)
class Played:
    """All that was handed over. ``repeated`` counts equal bytes handed in again, by MsgId."""

    pieces: list[Piece] = field(default_factory=list)
    letters: list[tuple[Letter, str]] = field(default_factory=list)  # with the eb:MessageId
    repeated: Counter[str] = field(default_factory=Counter)

    def passing(self, side: str) -> list[Piece]:
        """What one side's EPJ handed over and the other's must have."""
        return [one for one in self.pieces if one.side == side and not one.codes]

    def refused(self, side: str) -> list[Piece]:
        """What one side's gateway must not send."""
        return [one for one in self.pieces if one.side == side and one.codes]


async def test_each_message_of_a_mixed_thousand_has_its_one_end(
    tmp_path: Path,
    demo_keys: Path,  # noqa: F811  # the fixture
    broker_url: str,
) -> None:
    size = int(os.environ.get(SIZE_VARIABLE) or ORDINARY_SIZE)
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))
    sys.stdout.write(f"\n{size} messages: repeat with {SEED_VARIABLE}={seed}\n")
    played = Played()
    async with running_pair(tmp_path, demo_keys, broker_url, attachments=ATTACHMENTS) as pair:
        async with a_neighbour(pair) as neighbour:
            services = {name: pair.services(name) for name in NAMES}
            mixture = Mixture(random.Random(seed), services, neighbour.me)
            await first_wave(pair, neighbour, mixture, played, round(size * (1 - _SECOND_WAVE)))
            await at_rest(pair, neighbour, played, seconds=30 + PATIENCE * size)
            await second_wave(pair, mixture, played, size - len(played.pieces + played.letters))
            await at_rest(pair, neighbour, played, seconds=30 + PATIENCE * size)
        for name in NAMES:
            each_refusal_was_told_once_with_all_reasons(pair, name, played)
            each_text_is_unchanged_at_the_other_epj(pair, name, played)
            each_repeat_was_answered_and_not_sent(pair, name, played)
            await each_is_in_the_ledger(pair, name, played)
    each_letter_was_answered(neighbour, played)
    sys.stdout.write(f"{summary(played)}\n")


async def first_wave(
    pair: Pair, neighbour: Neighbour, mixture: Mixture, played: Played, count: int
) -> None:
    for _ in range(count):
        if mixture.chance.random() < _SHARE_OF_PARTNERS:
            letter = mixture.letter()
            message_id = await neighbour.send(
                letter.body,
                receiver=letter.to,
                message_type=letter.message_type,
                on_purpose=letter.on_purpose,
            )
            played.letters.append((letter, message_id))
        else:
            await hand_over(pair, mixture.piece(), played)


async def second_wave(pair: Pair, mixture: Mixture, played: Played, count: int) -> None:
    """Answers to what arrived; the same again; the same MsgId around something else."""
    arrived = [one for name in NAMES for one in played.passing(name)]
    unanswered = [one for one in arrived if one.message is not None]
    mixture.chance.shuffle(unanswered)
    for _ in range(count):
        match mixture.chance.choice(("answer", "repeat", "changed")):
            case "answer" if unanswered:
                await hand_over(pair, mixture.answer(unanswered.pop()), played)
            case "repeat":
                again = mixture.chance.choice(arrived)
                await pair.epjs[again.side].send(again.body, content_type=again.content_type)
                played.repeated[again.subject] += 1
            case _:
                changed = mixture.changed_copy(mixture.chance.choice(arrived))
                await hand_over(pair, changed, played)


async def hand_over(pair: Pair, piece: Piece, played: Played) -> None:
    amqp_id = await pair.epjs[piece.side].send(piece.body, content_type=piece.content_type)
    if not piece.subject:
        piece = Piece(
            kind=piece.kind, side=piece.side, body=b"", subject=amqp_id, codes=piece.codes
        )
    played.pieces.append(piece)
    if not piece.codes:
        pair.sent[piece.side].append(piece.subject)


async def at_rest(pair: Pair, neighbour: Neighbour, played: Played, *, seconds: float) -> None:
    """Until every message has been confirmed or refused, and nothing is under way."""

    async def all_refusals_told() -> bool:
        return all(told(pair, one) >= 1 for name in NAMES for one in played.refused(name)) and all(
            refusals_of(neighbour, letter, message_id)
            for letter, message_id in played.letters
            if letter.code
        )

    await pair.come_to_rest(seconds=seconds)
    await eventually(all_refusals_told, seconds=seconds)
    await pair.come_to_rest(seconds=seconds)


def told(pair: Pair, piece: Piece) -> int:
    return pair.epjs[piece.side].events[piece.subject].count("rejected")


def refusals_of(neighbour: Neighbour, letter: Letter, message_id: str) -> list[str]:
    return neighbour.refusals.get(message_id if letter.by_envelope else letter.msg_id, [])


def each_refusal_was_told_once_with_all_reasons(pair: Pair, name: str, played: Played) -> None:
    expected: dict[str, list[Piece]] = defaultdict(list)
    for one in played.refused(name):
        expected[one.subject].append(one)
    epj = pair.epjs[name]
    for subject, pieces in expected.items():
        (first, *_) = pieces
        assert told(pair, first) == len(pieces), (first.kind, epj.events[subject])
        if first.kind == "used MsgId":
            assert epj.codes[subject].count("EPJ_DUPLICATE") == len(pieces)
        else:
            assert epj.events[subject] == ["rejected"], first.kind
            assert sorted(epj.codes[subject]) == sorted(first.codes), first.kind
    refused = {subject for subject, names in epj.events.items() if "rejected" in names}
    assert refused == expected.keys()


def each_text_is_unchanged_at_the_other_epj(pair: Pair, name: str, played: Played) -> None:
    other = pair.epjs[OTHER[name]]
    for one in played.passing(name):
        body = other.stored[one.subject]
        assert read_document(body).message.text == one.text, one.kind
        assert not one.as_it_is or body == one.body, one.kind
    for letter, _ in played.letters:
        epj = pair.epjs[letter.side]
        assert (letter.msg_id in epj.stored) is not bool(letter.code), letter.kind
        if not letter.code:
            assert read_document(epj.stored[letter.msg_id]).message.text == letter.text
    letters = {one.msg_id for one, _ in played.letters if one.side == OTHER[name] and not one.code}
    assert set(other.stored) == letters | {one.subject for one in played.passing(name)}


def each_repeat_was_answered_and_not_sent(pair: Pair, name: str, played: Played) -> None:
    epj, other = pair.epjs[name], pair.epjs[OTHER[name]]
    for one in played.passing(name):
        events = Counter(event for event in epj.events[one.subject] if event != "rejected")
        assert {"accepted", "confirmed"} <= events.keys()
        # The answer to a repeat is the last event once more, whichever that is by then.
        assert events.total() - len(events) == played.repeated[one.subject], (one.kind, events)
    assert other.twice == 0


async def each_is_in_the_ledger(pair: Pair, name: str, played: Played) -> None:
    ledger = await pair.ledger(name)
    passing, refused = len(played.passing(name)), len(played.refused(name))
    to_us = [letter for letter, _ in played.letters if letter.side == name]
    refused_in = sum(bool(letter.code) for letter in to_us)
    passing_in = len(played.passing(OTHER[name])) + len(to_us) - refused_in
    out, into = ledger.outgoing, ledger.incoming
    assert ledger.balanced
    assert (out.accepted, out.confirmed, out.rejected) == (passing + refused, passing, refused)
    assert (into.accepted, into.confirmed, into.rejected) == (
        passing_in + refused_in,
        passing_in,
        refused_in,
    )
    stripped = [one for one in to_us if one.kind == "attachment" and not one.code]
    async with pair.journal(name) as journal:
        codes = [letter.code for letter in await journal.dead_letters()]
    assert codes == [AttachmentsRemoved.code] * len(stripped), "each is a person's task"


def each_letter_was_answered(neighbour: Neighbour, played: Played) -> None:
    for letter, message_id in played.letters:
        expected = [letter.code] if letter.code else []
        assert refusals_of(neighbour, letter, message_id) == expected, letter.kind


def summary(played: Played) -> str:
    kinds = Counter(one.kind for one in played.pieces)
    kinds.update(f"partner: {letter.kind}" for letter, _ in played.letters)
    kinds["repeated"] = played.repeated.total()
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
