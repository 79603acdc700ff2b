"""``trace``, ``unconfirmed``, ``dead-letters``: what is found, decided, and by whom."""

import asyncio
import json
import os
import pwd
import shutil
from pathlib import Path

import pytest

from gateway.adapters.journal.schema import upgrade
from gateway.config.load import load_settings
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.patients import Trait
from gateway.domain.receipt import Answer
from gateway.domain.thread import Lateness, Reply, Turn
from gateway.office import open_office
from gateway.ops.cli.audit import actor
from gateway.ops.cli.content import audited_content
from gateway.ops.cli.threads import question_json, question_line
from gateway.ops.desk import Letter, is_named
from gateway.ops.journal import opened_journal
from gateway.ops.parked import hindrance_of, origin
from gateway.ports import JournalEvent
from gateway.queues import Queue
from tests.builders_cli import demo_config, run_cli
from tests.builders_desk import a_delivery, a_desk, a_letter, a_parked_message, an_entry, state_of
from tests.builders_keys import NOON
from tests.fakes_journal import FakeJournal, HandClock

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
