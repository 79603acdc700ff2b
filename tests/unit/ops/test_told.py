"""What people are told: events, errors, times, letters, waits and parked messages, in words."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import gateway
from gateway.domain.delivery import Transport
from gateway.domain.identifiers import MessageId, MsgId
from gateway.domain.ledger import State
from gateway.errors import AnswerOverdue, GatewayError, InternalFault, Who
from gateway.ops.cli.operator import event_json, event_line, wait_lines
from gateway.ops.cli.shell import print_json
from gateway.ops.desk import Letter
from gateway.ops.letters import letter_json, letter_lines, parked_json, parked_line
from gateway.ops.waiting import Wait, waits_from
from gateway.ops.wording import EVENTS, error_class, level_text, local_time
from gateway.ports import JournalEvent
from tests.builders_desk import a_delivery, a_desk, a_letter, a_parked_message, an_entry
from tests.builders_keys import NOON

PROCESSES = Path(gateway.__file__).parent


def test_every_recorded_event_has_words() -> None:
    """The names are read from the processes, so that a new one cannot be forgotten here."""
    call = re.compile(
        r'(?:event\(|_by_hand\(|\bname=|about\((?:\s*\w+,)+)\s*"([a-z_]+)"'
        r'(?: if \w+ else "([a-z_]+)")?'
    )
    names = {
        name
        for folder in ("outbound", "inbound", "receipts")
        for file in (PROCESSES / folder).glob("*.py")
        for match in call.finditer(file.read_text(encoding="utf-8"))
        for name in match.groups()
        if name is not None
    }

    assert len(names) > 20
    assert names <= EVENTS.keys()


def test_every_error_code_is_found() -> None:
    def below(base: type[GatewayError]) -> list[type[GatewayError]]:
        return [cls for sub in base.__subclasses__() for cls in (sub, *below(sub))]

    ours = [cls for cls in below(GatewayError) if cls.__module__.startswith("gateway.errors.")]
    assert {cls.code: error_class(cls.code) for cls in ours} == {cls.code: cls for cls in ours}
    assert error_class("GW-000-unknown") is InternalFault


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), "2026-03-02 13:00:00+0100"),
        (datetime(2026, 7, 2, 12, tzinfo=UTC), "2026-07-02 14:00:00+0200"),
    ],
)
def test_time_is_that_of_a_norwegian_clock(at: datetime, shown: str) -> None:
    assert local_time(at) == shown


def test_event_is_told_in_words_with_its_name_and_code() -> None:
    event = JournalEvent(
        at=NOON,
        name="attempt_failed",
        message_id=MessageId("eb-1"),
        code="GW-101",
        actor="kari",
        arrival_id="a-1",
        detail={"attempt": 2, "detail": None},
    )

    assert event_line(event) == (
        "2026-03-02 13:00:00+0100  Forsøk på overlevering mislyktes (attempt_failed)"
        "  GW-101  kari  eb:eb-1  mail:a-1  [attempt=2]"
    )
    told = json.loads(json.dumps(event_json(event)))
    assert (told["at"], told["arrival_id"]) == ("2026-03-02T12:00:00.000000Z", "a-1")


def test_id_that_would_forge_a_line_or_steer_a_terminal_does_neither() -> None:
    forged = "x\n2026-01-01  Bekreftet\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"
    told = [
        event_line(JournalEvent(at=NOON, name="sent", message_id=MessageId(forged))),
        parked_line(a_parked_message(message_id=forged)),
    ]

    assert all(line.isprintable() for line in told)


NUMBER = "01815010260"  # synthetic (month + 80)


def test_a_national_number_in_an_id_or_a_text_is_not_shown_to_people() -> None:
    message_id, msg_id = MessageId(f"x-{NUMBER}@example.net"), MsgId(f"pas-{NUMBER}")
    letter = a_letter(letter_id=f"confirmation/{msg_id}", message_id=message_id, detail=NUMBER)
    delivery = a_delivery(transport=Transport.SENT)
    wait = Wait(entry=an_entry(msg_id=msg_id, state=State.IN_FLIGHT), delivery=delivery)
    told = [
        event_line(JournalEvent(at=NOON, name="x", message_id=message_id, detail={"a": NUMBER})),
        parked_line(a_parked_message(message_id=message_id)),
        letter_lines(Letter(letter=letter, msg_id=msg_id)),
        wait_lines(wait),
    ]

    assert [text for text in told if NUMBER in text] == []
    assert wait_lines(wait).startswith("e-1  ")


async def test_a_letter_whose_id_may_not_be_shown_goes_by_the_one_that_is() -> None:
    desk = await a_desk()
    async with desk.journal.transaction() as tx:
        await tx.add_dead_letter(a_letter(letter_id=f"confirmation/{NUMBER}", entry_id=None))
    (hidden,) = await desk.chosen([f"confirmation/{NUMBER}"])
    shown = letter_lines(hidden).split()[0]

    assert shown.startswith("letter-")
    assert await desk.chosen([shown]) == [hidden]
    assert await desk.letter(shown) == hidden


def test_json_masks_texts_and_leaves_ids_to_those_who_act_on_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    letter = a_letter(letter_id=f"confirmation/{NUMBER}", detail=f"about {NUMBER}")
    event = JournalEvent(at=NOON, name="x", detail={"letter_id": NUMBER, "reason": NUMBER})

    print_json([letter_json(Letter(letter=letter)), event_json(event)])

    told, trail = json.loads(capsys.readouterr().out)
    assert told["letter_id"] == f"confirmation/{NUMBER}"
    assert NUMBER not in told["detail"]
    assert trail["detail"]["letter_id"] == NUMBER
    assert NUMBER not in trail["detail"]["reason"]


def test_unknown_event_is_told_by_its_name() -> None:
    assert "tomorrow (tomorrow)" in event_line(JournalEvent(at=NOON, name="tomorrow"))


@pytest.mark.parametrize(
    ("transport", "waits_for"),
    [
        (Transport.WAITING, "hand-over"),
        (Transport.SENT, "acknowledgment"),
        (Transport.ACKNOWLEDGED, "apprec"),
    ],
)
def test_wait_says_what_comes_next(transport: Transport, waits_for: str) -> None:
    (wait,) = waits_from([(an_entry(), a_delivery(transport=transport))])

    assert wait.waits_for == waits_for
    assert wait.as_json()["waits_for"] == waits_for
    assert "m-1" in wait_lines(wait)


@pytest.mark.parametrize(
    ("overdue", "failures", "who"),
    [
        (None, 0, None),
        ("warning", 0, Who.OPERATOR),
        (None, 1, Who.ADMINISTRATOR),
        ("critical", 3, Who.ADMINISTRATOR),
    ],
)
def test_wait_says_who_must_act(overdue: str | None, failures: int, who: Who | None) -> None:
    wait = Wait(entry=an_entry(overdue=overdue), delivery=a_delivery(failures=failures))

    assert wait.who is who
    if overdue is not None:
        assert level_text(overdue) in wait_lines(wait)


def test_wait_says_the_nearest_due_time() -> None:
    soon, late = NOON + timedelta(minutes=1), NOON + timedelta(hours=1)

    assert Wait(entry=an_entry(due_at=late), delivery=a_delivery(due_at=soon)).next_look == soon
    assert Wait(entry=an_entry(due_at=late), delivery=None).next_look == late
    assert Wait(entry=an_entry(), delivery=None).next_look is None


async def test_letter_is_told_with_cause_and_who_acts() -> None:
    (letter,) = await (await a_desk()).chosen(["m-1"])

    told, shown = letter_json(letter), letter_lines(letter)

    assert told["code"] == "GW-113"
    assert told["text_nb"] == AnswerOverdue.text_nb
    assert told["who_acts"] == "operator"
    assert told["msg_id"] == "m-1"
    assert AnswerOverdue.text_nb in shown
    assert "meldingsansvarlig / the operator" in shown


def test_parked_message_is_told_by_its_headers() -> None:
    parked = a_parked_message(queue="epj.outgoing", since=NOON)

    assert parked_line(parked) == (
        "parked-1  fra / from epj.outgoing  siden / since 2026-03-02 13:00:00+0100"
        "  rejected  7 bytes  message_id -"
    )
    assert parked_json(parked)["queue"] == "epj.outgoing"
    assert parked_json(parked)["since"] == "2026-03-02T12:00:00.000000Z"
