"""``trace``, ``unconfirmed``, ``dead-letters``: what is found, said, decided, and by whom."""

import asyncio
import json
import os
import pwd
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import gateway
from gateway.adapters.journal.schema import upgrade
from gateway.adapters.rabbitmq.parked import ParkedMessage
from gateway.config.load import load_settings
from gateway.domain.delivery import Delivery, Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Outgoing, Side, State
from gateway.domain.patients import Trait
from gateway.domain.receipt import Answer
from gateway.domain.thread import Lateness, Reply, Turn
from gateway.errors import AnswerOverdue, GatewayError, InternalFault, ReceiptWithoutMessage, Who
from gateway.office import open_office
from gateway.ops.cli.audit import actor
from gateway.ops.cli.content import audited_content
from gateway.ops.cli.operator import event_json, event_line, wait_lines
from gateway.ops.cli.shell import print_json
from gateway.ops.cli.threads import question_json, question_line
from gateway.ops.desk import Desk, Letter, is_named
from gateway.ops.journal import opened_journal
from gateway.ops.letters import letter_json, letter_lines, parked_json, parked_line
from gateway.ops.parked import hindrance_of, origin
from gateway.ops.waiting import Wait, waits_from
from gateway.ops.wording import EVENTS, error_class, level_text, local_time
from gateway.ports import Arrival, DeadLetter, JournalEvent
from gateway.queues import Queue
from gateway.wiring import wire
from tests import builders_delivery
from tests.builders_cli import demo_config, demo_office, run_cli
from tests.builders_keys import NOON
from tests.fakes_journal import FakeJournal, HandClock

PROCESSES = Path(gateway.__file__).parent


class NoTransport:
    async def send(self, mail: bytes, *, sender: str, recipient: str, envelope_id: str) -> None:
        raise AssertionError("a command sends nothing")


def an_entry(number: int = 1, **changes: object) -> Outgoing:
    entry = Outgoing(
        entry_id=f"e-{number}",
        key=f"910001/m-{number}",
        digest=f"{number:064}",
        accepted_at=NOON,
        state=State.DEAD,
        msg_id=MsgId(f"m-{number}"),
        sender_her=HerId("910001"),
        receiver_her=HerId("920001"),
        conversation_id=ConversationId("c-1"),
        message_id=MessageId(f"eb-{number}"),
        waits_from=NOON,
    )
    return replace(entry, **changes)  # type: ignore[arg-type]  # names are checked by replace


def a_delivery(number: int = 1, **changes: object) -> Delivery:
    usual = {"entry_id": f"e-{number}", "transport": Transport.GIVEN_UP, "attempts": 2}
    return builders_delivery.a_delivery(f"eb-{number}", **(usual | changes))


def a_letter(number: int = 1, **changes: object) -> DeadLetter:
    letter = DeadLetter(
        letter_id=f"e-{number}",
        side=Side.OUTGOING,
        code=AnswerOverdue.code,
        since=NOON + timedelta(hours=number),
        entry_id=f"e-{number}",
        message_id=MessageId(f"eb-{number}"),
    )
    return replace(letter, **changes)  # type: ignore[arg-type]  # names are checked by replace


AN_ORPHAN = a_letter(
    3,
    letter_id="a-3",
    side=None,
    code=ReceiptWithoutMessage.code,
    entry_id=None,
    message_id=None,
    arrival_id="a-3",
)


def a_parked_message(**changes: object) -> ParkedMessage:
    one = ParkedMessage(
        parked_id="parked-1", message_id=None, queue=None, reason="rejected", since=None, bytes=7
    )
    return replace(one, **changes)  # type: ignore[arg-type]  # names are checked by replace


async def a_desk() -> Desk:
    """Two dead messages of one conversation and an orphan receipt."""
    clock = HandClock(NOON + timedelta(hours=5))
    journal = FakeJournal(clock)
    async with journal.transaction() as tx:
        for number in (1, 2):
            await tx.add_outgoing(an_entry(number))
            await tx.add_delivery(a_delivery(number), b"entity")
            await tx.record(JournalEvent(at=NOON, name="accepted", entry_id=f"e-{number}"))
            await tx.add_dead_letter(a_letter(number))
            await tx.record(
                JournalEvent(
                    at=NOON,
                    name="dead_lettered",
                    entry_id=f"e-{number}",
                    detail={"letter_id": f"e-{number}"},
                )
            )
        arrival = Arrival(
            arrival_id="a-3", account="smtp", transport_id="t-3", received_at=NOON, bytes=3
        )
        await tx.add_arrival(replace(arrival, kind="orphan"), b"raw")
        await tx.add_dead_letter(AN_ORPHAN)
    processes = wire(demo_office("hospital"), journal, NoTransport(), clock=clock)
    return Desk(journal=journal, decisions=processes.decisions)


def state_of(desk: Desk) -> dict[str, str]:
    assert isinstance(desk.journal, FakeJournal)
    return {name: letter.state for name, letter in desk.journal.state.letters.items()}


# --- finding letters -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "code", "found"),
    [
        pytest.param(["e-1"], None, ["e-1"], id="letter id"),
        pytest.param(["m-2"], None, ["e-2"], id="MsgId"),
        pytest.param(["eb-2"], None, ["e-2"], id="eb:MessageId"),
        pytest.param(["a-3"], None, ["a-3"], id="arrival"),
        pytest.param(["m-2", "e-1", "unknown"], None, ["e-1", "e-2"], id="several"),
        pytest.param(["c-1"], None, [], id="a conversation names no one letter"),
        pytest.param(["M-1"], None, [], id="other case"),
        pytest.param([], "GW-113", ["e-1", "e-2"], id="code"),
        pytest.param(["m-1"], "GW-114", [], id="id and code must both fit"),
        pytest.param([], None, [], id="nothing asked for is nothing found"),
    ],
)
async def test_letters_are_chosen_by_any_of_their_ids(
    ids: list[str], code: str | None, found: list[str]
) -> None:
    chosen = await (await a_desk()).chosen(ids, code=code)

    assert [one.letter.letter_id for one in chosen] == found


def test_letter_is_named_by_its_msg_id_in_any_letter_case_and_exactly_by_its_other_ids() -> None:
    one = Letter(letter=a_letter(), msg_id=MsgId("6F2F4C0E-7A51-4B0E-9C39-0D9A5B0F1C01"))

    assert is_named(one, "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1c01")
    assert not is_named(one, "EB-1")


@pytest.mark.parametrize("any_id", ["e-1", "m-1", "eb-1"])
async def test_closed_letter_is_still_shown(any_id: str) -> None:
    desk = await a_desk()
    (letter,) = await desk.chosen(["e-1"])
    await desk.discard(letter, actor="kari", reason="sendt i posten")

    found = await desk.letter(any_id)

    assert found is not None
    assert found.letter.state == "discarded"
    assert await desk.hindrance(found) == "ikke åpen lenger / not open any more (discarded)"
    assert [event.name for event in await desk.trail(found.letter)][-1] == "discarded"


async def test_unknown_id_names_no_letter() -> None:
    assert await (await a_desk()).letter("unknown") is None


# --- decisions -----------------------------------------------------------------------------------


async def test_dry_run_changes_nothing() -> None:
    desk = await a_desk()
    assert isinstance(desk.journal, FakeJournal)
    before = desk.journal.state.copy()

    for letter in await desk.open_letters():
        assert await desk.hindrance(letter) is None

    assert desk.journal.state == before


async def test_decision_is_kept_with_its_actor_and_reason() -> None:
    desk = await a_desk()
    (letter,) = await desk.chosen(["m-1"])

    assert await desk.replay(letter, actor="kari", reason="nabo oppe igjen")

    assert state_of(desk) == {"e-1": "replayed", "e-2": "open", "a-3": "open"}
    assert isinstance(desk.journal, FakeJournal)
    event = next(e for e in desk.journal.state.events if e.name == "replayed")
    assert (event.actor, event.detail["reason"]) == ("kari", "nabo oppe igjen")


async def test_orphan_can_be_read_again() -> None:
    desk = await a_desk()
    (letter,) = await desk.chosen(["a-3"])

    assert await desk.hindrance(letter) is None
    assert await desk.replay(letter, actor="kari", reason="prøv igjen")


async def test_decision_is_made_once() -> None:
    desk = await a_desk()
    (letter,) = await desk.chosen(["m-1"])

    assert await desk.discard(letter, actor="kari", reason="ringt")
    assert not await desk.discard(letter, actor="ola", reason="ringt")
    assert not await desk.replay(letter, actor="ola", reason="prøv igjen")


async def test_replay_of_what_the_partner_answered_would_come_to_nothing() -> None:
    desk = await a_desk()
    async with desk.journal.transaction() as tx:
        await tx.save_delivery(a_delivery(1, answer=Answer.OK))
    (letter,) = await desk.chosen(["m-1"])

    assert await desk.hindrance(letter) is not None
    assert state_of(desk)["e-1"] == "open"


def test_actor_is_told_by_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert actor() == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(("uid", "name"), [(0, "kari"), (4_000_000_000, "uid 4000000000")])
def test_person_behind_sudo_counts_for_root_only(
    monkeypatch: pytest.MonkeyPatch, uid: int, name: str
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setenv("SUDO_USER", "kari")

    assert actor() == name


def test_name_that_is_given_stands_beside_the_login() -> None:
    assert actor("Kari Vakt") == f"Kari Vakt ({actor()})"


async def test_reading_content_is_in_the_trail_with_who_and_why() -> None:
    journal = FakeJournal(HandClock())
    async with journal.transaction() as tx:
        await tx.add_outgoing(an_entry())
        await tx.add_document("e-1", b"<MsgHead/>")
        await tx.record(JournalEvent(at=NOON, name="arrived", entry_id="e-1"))

    document = await audited_content(journal, "m-1", actor="kari", reason="avvik")

    assert document == b"<MsgHead/>"
    last = (await journal.trail("e-1"))[-1]
    assert (last.name, last.actor, last.detail["reason"]) == ("content_read", "kari", "avvik")


async def test_content_of_an_unknown_message_leaves_no_trace() -> None:
    journal = FakeJournal(HandClock())

    assert await audited_content(journal, "m-1", actor="kari", reason="avvik") is None
    assert journal.state.events == []


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("m-1",), id="no reason"),
        pytest.param(("m-1", "--reason", "  "), id="empty reason"),
        pytest.param(("m-1", "--reason", "gjelder 01815010260"), id="national number"),
        pytest.param(("m-1", "--reason", "gjelder 018150 10260"), id="national number in two"),
        pytest.param(("--reason", "ringt"), id="neither id nor code"),
    ],
)
def test_decision_without_a_proper_reason_or_aim_is_refused(
    command: str, arguments: tuple[str, ...]
) -> None:
    result = run_cli("dead-letters", command, *arguments, "--config", demo_config("hospital"))

    assert result.exit_code == 2
    assert "01815010260" not in result.output


# --- what is said --------------------------------------------------------------------------------


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
        detail={"attempt": 2, "detail": None},
    )

    assert event_line(event) == (
        "2026-03-02 13:00:00+0100  Forsøk på overlevering mislyktes (attempt_failed)"
        "  GW-101  kari  eb:eb-1  [attempt=2]"
    )
    assert json.loads(json.dumps(event_json(event)))["at"] == "2026-03-02T12:00:00.000000Z"


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


@pytest.mark.parametrize(
    ("queue", "goes_back_to"),
    [
        ("h.epj.outgoing", Queue.EPJ_OUTGOING),
        ("h.epj.incoming", Queue.EPJ_INCOMING),
        ("epj.outgoing", None),
        ("h.parked", None),
        ("h.dead.letters", None),
        ("h.somebody.elses", None),
        (None, None),
    ],
)
def test_parked_message_goes_back_to_a_queue_of_this_gateway_only(
    queue: str | None, goes_back_to: Queue | None
) -> None:
    parked = a_parked_message(queue=queue)

    assert origin(parked, "h.") == goes_back_to
    assert (hindrance_of(parked, "h.") is None) == (goes_back_to is not None)


@pytest.mark.parametrize(
    "command",
    [
        ("ledger",),
        ("unconfirmed",),
        ("dead-letters", "list"),
        ("dead-letters", "discard", "m-1", "--reason", "prøve"),
        ("threads", "list"),
        ("trace", "m-1"),
    ],
)
def test_journal_that_is_not_there_is_told_and_never_made(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    """An empty one would say that there is nothing to look at."""
    shutil.copytree(demo_config("hospital").parent, tmp_path, dirs_exist_ok=True)
    before = sorted(tmp_path.iterdir())

    result = run_cli(*command, "--config", str(tmp_path / "hospital.toml"))

    assert result.exit_code == 1
    assert "GW-102" in result.stderr
    assert sorted(tmp_path.iterdir()) == before


class TestThreads:
    TURN = Turn(
        msg_id=MsgId("m-1"),
        root=MsgId("m-1"),
        side=Side.OUTGOING,
        entry_id="e-1",
        own_her=HerId("910001"),
        partner_her=HerId("920001"),
        patient_marks=frozenset({(Trait.NATIONAL, "a-keyed-hash")}),
        message_type="DIALOG_FORESPORSEL",
        message_id=None,
        conversation_id=None,
        at=NOON,
        reply=Reply.OPEN,
        lateness=Lateness.OVERDUE,
        counted_from=NOON,
    )

    def test_question_is_shown_without_the_patient(self) -> None:
        shown = question_line(self.TURN) + json.dumps(question_json(self.TURN))

        assert "m-1" in shown
        assert "FORSINKET" in shown
        assert "a-keyed-hash" not in shown

    def test_closing_is_a_dry_run_until_yes_and_leaves_the_reason(self, tmp_path: Path) -> None:
        shutil.copytree(demo_config("hospital").parent, tmp_path, dirs_exist_ok=True)
        config = tmp_path / "hospital.toml"
        office = open_office(load_settings(config, {}))

        async def ask() -> None:
            await upgrade(office.settings.journal.url)
            async with opened_journal(office) as journal, journal.transaction() as tx:
                await tx.add_turn(self.TURN)

        asyncio.run(ask())
        arguments = ["threads", "close", "m-1", "--reason", "ringte", "--config", str(config)]

        assert run_cli(*arguments).exit_code == 0
        listed = run_cli("threads", "list", "--json", "--config", str(config))
        assert [q["msg_id"] for q in json.loads(listed.stdout)["questions"]] == ["m-1"]
        assert run_cli(*arguments, "--yes").exit_code == 0
        assert run_cli(*arguments, "--yes").exit_code == 1
        again = run_cli("threads", "list", "--json", "--config", str(config))
        assert json.loads(again.stdout) == {"questions": []}
