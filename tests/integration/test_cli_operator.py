"""The operator's commands against a SQLite journal and a real broker, as a person types them."""

import asyncio
from dataclasses import replace
from pathlib import Path

import aio_pika
import pytest

from gateway.adapters.journal.store import SqlJournal
from gateway.adapters.rabbitmq.connection import open_channel
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Incoming, Outgoing, State
from gateway.errors import AnswerOverdue
from gateway.ports import Arrival, DeadLetter, QueueMessage
from gateway.queues import Queue
from gateway.wiring import Processes
from tests.broker_fixture import eventually
from tests.builders_cli import (
    PATIENT_NUMBER,
    a_hospital_document,
    demo_office,
    json_of,
    wrapped,
)
from tests.builders_hospital import Hospital, is_there, relayed, take
from tests.builders_keys import NOON
from tests.builders_message import REQUEST_ID, a_party

pytestmark = pytest.mark.broker


def a_file(folder: Path, document: bytes) -> Path:
    file = folder / "message.xml"
    file.write_bytes(document)
    return file


async def accepted(
    hospital: Hospital, processes: Processes, document: bytes, *, message_id: str = "q-1"
) -> None:
    message = QueueMessage(body=document, content_type="application/xml", message_id=message_id)
    await processes.accept(message)


async def entry_in(journal: SqlJournal) -> Outgoing:
    ((entry, _),) = await journal.unconfirmed()
    return entry


async def buried(hospital: Hospital, journal: SqlJournal, processes: Processes) -> Outgoing:
    """A message that was taken over and never confirmed, its notice on ``dead.letters``."""
    await accepted(hospital, processes, a_hospital_document())
    entry = await entry_in(journal)
    async with journal.transaction() as tx:
        held = await tx.outgoing(entry.entry_id)
        assert held is not None
        await processes.letters.answer(tx, held, AnswerOverdue())
    await relayed(hospital, journal)
    return entry


# --- send ----------------------------------------------------------------------------------------


async def test_sent_file_stands_on_the_queue_as_it_is(hospital: Hospital, tmp_path: Path) -> None:
    result = await hospital.type("send", a_file(tmp_path, a_hospital_document()))

    assert result.exit_code == 0
    message = await take(hospital, Queue.EPJ_OUTGOING)
    assert message.body == a_hospital_document()
    assert message.content_type == "application/xml"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.message_id is not None
    assert message.message_id in result.stdout


async def test_queue_that_is_missing_is_told(hospital: Hospital, tmp_path: Path) -> None:
    name = Queue.EPJ_OUTGOING.under(hospital.office.settings.broker.prefix)
    async with open_channel(hospital.connections.consuming) as channel:
        await channel.queue_delete(name)

    result = await hospital.type("send", a_file(tmp_path, a_hospital_document()))

    assert result.exit_code == 1
    assert "GW-902" in result.stderr


@pytest.mark.parametrize(
    ("document", "state", "exit_code"),
    [
        pytest.param(a_hospital_document(), State.CONFIRMED, 0, id="confirmed"),
        pytest.param(
            a_hospital_document(receiver=a_party(enterprise="9", service="99")), None, 1, id="no"
        ),
        pytest.param(a_hospital_document(), None, 3, id="still open"),
        pytest.param(a_hospital_document(), State.DEAD, 3, id="dead letter"),
    ],
)
async def test_waiting_ends_with_what_the_journal_says(
    hospital: Hospital, tmp_path: Path, document: bytes, state: State | None, exit_code: int
) -> None:
    seconds = 1 if exit_code == 3 else 20
    async with hospital.running() as (journal, processes):
        typed = asyncio.create_task(
            hospital.type("send", a_file(tmp_path, document), "--wait", "--timeout", seconds)
        )
        message = await take(hospital, Queue.EPJ_OUTGOING)
        await accepted(hospital, processes, message.body, message_id=message.message_id or "")
        if state is not None:
            entry = await entry_in(journal)
            async with journal.transaction() as tx:
                await tx.save_outgoing(replace(entry, state=state))
        result = await typed

    assert result.exit_code == exit_code, result.output
    assert REQUEST_ID in result.stdout


# --- trace, unconfirmed --------------------------------------------------------------------------


async def test_message_is_traced_by_any_of_its_ids(hospital: Hospital) -> None:
    async with hospital.running() as (journal, processes):
        await accepted(hospital, processes, a_hospital_document())
        entry = await entry_in(journal)
        for any_id in (REQUEST_ID, entry.message_id, entry.conversation_id, "q-1", entry.entry_id):
            result = await hospital.type("trace", any_id, "--json")
            assert result.exit_code == 0
            names = [event["name"] for event in json_of(result)["events"]]
            assert names == ["arrived", "accepted"]
        shown = await hospital.type("trace", REQUEST_ID)

    assert "Overtatt fra EPJ (accepted)" in shown.stdout
    assert PATIENT_NUMBER not in shown.output


async def test_unknown_id_is_exit_1(hospital: Hospital) -> None:
    assert (await hospital.type("trace", "unknown")).exit_code == 1


async def test_message_in_flight_is_listed_as_unconfirmed(hospital: Hospital) -> None:
    nothing = await hospital.type("unconfirmed", "--json")
    async with hospital.running() as (_, processes):
        await accepted(hospital, processes, a_hospital_document())
        listed = await hospital.type("unconfirmed", "--json")
        shown = await hospital.type("unconfirmed")

    assert (nothing.exit_code, json_of(nothing)) == (
        0,
        {"unconfirmed": [], "unconfirmed_by_epj": []},
    )
    (wait,) = json_of(listed)["unconfirmed"]
    assert (wait["msg_id"], wait["waits_for"], wait["attempts"]) == (REQUEST_ID, "hand-over", 0)
    assert REQUEST_ID in shown.stdout


async def test_message_that_the_epj_has_not_confirmed_is_listed(hospital: Hospital) -> None:
    async with hospital.running() as (journal, _):
        entry = Incoming(
            entry_id="a-1",
            arrival_id="a-1",
            arrived_at=NOON,
            msg_id=MsgId(REQUEST_ID),
            sender_her=HerId("920001"),
            receiver_her=HerId("910001"),
            handed_at=NOON,
            overdue="alarm",
        )
        async with journal.transaction() as tx:
            await tx.add_incoming(entry)
        listed = await hospital.type("unconfirmed", "--json")
        shown = await hospital.type("unconfirmed")

    (wait,) = json_of(listed)["unconfirmed_by_epj"]
    assert (wait["msg_id"], wait["waits_for"], wait["overdue"]) == (
        REQUEST_ID,
        "confirmation",
        "alarm",
    )
    assert wait["who_acts"] == "administrator"
    assert f"{REQUEST_ID}  HER-id 920001 -> 910001  FORSINKET" in shown.stdout


# --- dead letters --------------------------------------------------------------------------------


async def test_letter_is_listed_and_explained_without_content(hospital: Hospital) -> None:
    async with hospital.running() as (journal, processes):
        entry = await buried(hospital, journal, processes)
        listed = await hospital.type("dead-letters", "list", "--json")
        other = await hospital.type("dead-letters", "list", "--code", "GW-101", "--json")
        shown = await hospital.type("dead-letters", "show", REQUEST_ID, "--json")
        text = await hospital.type("dead-letters", "show", entry.entry_id)

    assert [letter["msg_id"] for letter in json_of(listed)["letters"]] == [REQUEST_ID]
    assert (json_of(listed)["parked"], json_of(listed)["note"]) == ([], None)
    assert json_of(other)["letters"] == []
    assert json_of(shown)["can_replay"] is True
    assert [event["name"] for event in json_of(shown)["trail"]][-1] == "dead_lettered"
    for result in (listed, shown, text):
        assert result.exit_code == 0
        assert PATIENT_NUMBER not in result.output
    assert (await hospital.type("dead-letters", "show", "unknown")).exit_code == 1


async def test_letter_about_a_mail_says_who_sent_it(hospital: Hospital) -> None:
    mail = wrapped(a_hospital_document(), demo_office("hospital"))
    async with hospital.running() as (journal, processes):
        arrival = Arrival(
            arrival_id="a-1", account="smtp", transport_id="t-1", received_at=NOON, bytes=len(mail)
        )
        letter = DeadLetter(letter_id="a-1", side=None, code="GW-304", since=NOON, arrival_id="a-1")
        async with journal.transaction() as tx:
            await tx.add_arrival(replace(arrival, kind="unknown"), mail)
            await processes.letters.letter(tx, letter)
        shown = await hospital.type("dead-letters", "show", "a-1", "--json")
        text = await hospital.type("dead-letters", "show", "a-1")

    assert json_of(shown)["mail"]["from"]["her"] == "910001"
    assert "eb:From: 910001" in text.stdout
    assert PATIENT_NUMBER not in shown.output + text.output


async def test_parked_queue_message_is_listed_and_left_there(hospital: Hospital) -> None:
    prefix = hospital.office.settings.broker.prefix
    async with open_channel(hospital.connections.consuming) as channel:
        await channel.default_exchange.publish(
            aio_pika.Message(b"poison", message_id="q-9"), Queue.PARKED.under(prefix)
        )
    await eventually(lambda: is_there(hospital, Queue.PARKED))

    result = await hospital.type("dead-letters", "list", "--json")

    (one,) = json_of(result)["parked"]
    assert (one["message_id"], one["queue"], one["bytes"]) == ("q-9", None, 6)
    await eventually(lambda: is_there(hospital, Queue.PARKED))


@pytest.mark.parametrize("command", ["replay", "discard"])
async def test_decision_is_a_dry_run_until_yes(hospital: Hospital, command: str) -> None:
    async with hospital.running() as (journal, processes):
        await buried(hospital, journal, processes)
        before = await journal.trail(REQUEST_ID)
        ledger = await journal.ledger()

        result = await hospital.type("dead-letters", command, REQUEST_ID, "--reason", "prøve")

        assert result.exit_code == 0
        assert "--yes" in result.stdout
        assert await journal.trail(REQUEST_ID) == before
        assert await journal.ledger() == ledger
        assert await hospital.depth(Queue.DEAD_LETTERS) == 1


async def test_replayed_letter_flies_again_and_its_notice_is_gone(hospital: Hospital) -> None:
    async with hospital.running() as (journal, processes):
        entry = await buried(hospital, journal, processes)
        sent = await hospital.depth(Queue.TRANSPORT_SEND)

        result = await hospital.type(
            "dead-letters", "replay", entry.message_id, "--reason", "nabo oppe", "--yes"
        )
        await relayed(hospital, journal)

        assert result.exit_code == 0, result.output
        assert await hospital.depth(Queue.TRANSPORT_SEND) == sent + 1
        assert await hospital.depth(Queue.DEAD_LETTERS) == 0
        assert (await entry_in(journal)).state is State.IN_FLIGHT
        event = (await journal.trail(REQUEST_ID))[-1]
        assert (event.name, event.detail["reason"]) == ("replayed", "nabo oppe")
        assert event.actor
        async with journal.transaction() as tx:
            letter = await tx.dead_letter(entry.entry_id)
        assert letter is not None
        assert (letter.state, letter.noticed) == ("replayed", False)


async def test_discarded_letter_is_closed_and_the_ledger_balances(hospital: Hospital) -> None:
    async with hospital.running() as (journal, processes):
        await buried(hospital, journal, processes)

        result = await hospital.type(
            "dead-letters", "discard", "--code", "GW-113", "--reason", "ringt mottaker", "--yes"
        )
        again = await hospital.type(
            "dead-letters", "discard", "--code", "GW-113", "--reason", "ringt mottaker", "--yes"
        )
        ledger = await journal.ledger()

        assert (result.exit_code, again.exit_code) == (0, 1)
        assert ledger.outgoing.discarded == 1
        assert ledger.balanced
        assert await hospital.depth(Queue.DEAD_LETTERS) == 0


async def test_broker_that_is_away_keeps_no_operator_from_deciding(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hospital.running() as (journal, processes):
        await buried(hospital, journal, processes)
        monkeypatch.setenv("GATEWAY__BROKER__URL", "amqp://127.0.0.1:1/")

        listed = await hospital.type("dead-letters", "list", "--json")
        result = await hospital.type(
            "dead-letters", "discard", REQUEST_ID, "--reason", "ringt mottaker", "--yes"
        )
        async with journal.transaction() as tx:
            stale = await tx.letters_with_stale_notice(10)

    assert json_of(listed)["parked"] is None
    assert "GW-103" in json_of(listed)["note"]
    assert result.exit_code == 0
    assert "GW-103" in result.stderr
    assert len(stale) == 1  # the daemon takes its notice off when the broker is back
