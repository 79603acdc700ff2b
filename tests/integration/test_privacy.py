"""No patient data outside of the message: everything two gateways left behind is searched."""

import asyncio
import json
import re
import sqlite3
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import islice
from pathlib import Path
from typing import Any, Final

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from typer.testing import CliRunner

from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.domain.persons import contains_national_number
from gateway.ops.cli import commands  # noqa: F401  # registers itself on ``app``
from gateway.ops.cli.shell import app
from gateway.ops.demo import letters
from gateway.ops.demo.neighbour import Neighbour
from gateway.ops.demo.refusals import Refusals
from gateway.ops.demo_config import Pace
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.ops.private_broker import PrivateBroker
from gateway.queues import Queue
from tests.broker_fixture import eventually
from tests.builders_neighbour import a_neighbour
from tests.faults.pair import EDI, NAMES, Pair, demo_keys, running_pair  # noqa: F401  # fixture

pytestmark = [pytest.mark.broker, pytest.mark.slow]

PACE: Final = Pace(resend=2.0, max_resends=4, lifetime=600.0, retry=0.3, answer=60.0, sweep=0.3)
ATTACHMENTS: Final = {HOSPITAL.name: ("strip", "reject"), MUNICIPALITY.name: ("reject", "strip")}
REST_SECONDS: Final = 60.0
NUMBER: Final = next(islice(letters.synthetic_numbers(), 77, None))
USED: Final = frozenset(letters.synthetic_numbers())
HELP_NUMBER: Final = (
    "80000000098"  # felles hjelpenummer: any eleven digits from 8 on, but for controls
)
OURS: Final = "this test"  # marks what the test itself put onto the gateway's own queues
WORDS: Final = re.compile(r"Oppdiktet|Pasient\d|Testesen|sår\w* gror|dosen før|dosen beholdes")
RANDOM: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?<![0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{32,}(?![0-9a-f])"
    r"|(?<=process_start_time_seconds )\d\.\d+e\+\d+"  # eleven decimals: hundredths of a second
)
CONTENT: Final = frozenset({Queue.EPJ_OUTGOING, Queue.EPJ_INCOMING, Queue.PARKED})
"""Queues whose bodies are messages, or what an EPJ wrote instead."""


@dataclass(slots=True, kw_only=True)
class Left:
    """What was left behind: where, and the text."""

    pieces: list[tuple[str, str]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)

    def add(self, where: str, text: str | bytes) -> None:
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="replace")
        self.pieces.append((where, text))

    def add_raw(self, where: str, pages: bytes) -> None:
        """Pages of a database: deleted rows as well, but random digits next to other digits.

        So only numbers that were used are looked for, and the words.
        """
        text = pages.decode("latin-1")
        if WORDS.search(text) or not USED.isdisjoint(re.findall(r"(?=(\d{11}))", text)):
            self.raw.append(where)

    def found(self) -> list[str]:
        """Every place with a national number or words of a message; not the words themselves."""
        return sorted({*self.raw, *(where for where, text in self.pieces if _tells(text))})

    def masked(self) -> list[str]:
        """Every place where the net had to mask something, with what stands around it."""
        return [
            f"{where}: {around}"
            for where, text in self.pieces
            for around in re.findall(r".{0,200}\[masked.{0,100}", text)
        ]


def _tells(text: str) -> bool:
    # Eleven digits in the middle of random hexadecimal ones happen to be valid now and then.
    return bool(WORDS.search(text)) or contains_national_number(RANDOM.sub("(random)", text))


async def test_no_patient_data_outside_of_the_message(
    tmp_path: Path,
    demo_keys: Path,  # noqa: F811  # fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ordinary traffic, every refusal, a dead letter, and numbers where none belongs."""
    left = Left()
    async with (
        PrivateBroker() as node,
        _everything_published(node, left),
        running_pair(
            tmp_path,
            demo_keys,
            node.url,
            pace=PACE,
            attachments=ATTACHMENTS,
            settings={"GATEWAY__RUNTIME__LOG_LEVEL": "debug"},
        ) as pair,
        a_neighbour(pair) as neighbour,
    ):
        await _ordinary_traffic(pair)
        await _every_refusal(pair, neighbour)
        await _a_dead_letter(pair, neighbour)
        await _numbers_where_none_belongs(pair)
        await _look_into_queues(pair, left)
        for name in NAMES:
            await _look_at_http(pair, name, left)
            monkeypatch.setenv("GATEWAY__BROKER__PREFIX", pair.queues_of(name))
            for where, text in await asyncio.to_thread(_ask, pair, name):
                left.add(where, text)
        for gateway in pair.gateways.values():
            assert await gateway.stop() == 0
        _look_at_files(pair, left)

    places = {where.partition(" ")[0] for where, _ in left.pieces}
    assert places == {"body", "command", "file", "http", "log", "mail", "name", "properties"}
    assert left.found() == []
    # The masking of logs is a net: nothing may have needed it.
    assert left.masked() == []


async def test_the_search_finds_what_it_looks_for() -> None:
    left = Left()
    left.add("number", f"x{NUMBER[:6]} {NUMBER[6:]}y".encode())
    left.add("name", '{"family": "Oppdiktet"}')
    left.add("nothing", json.dumps({"her": "910001", "id": str(uuid.uuid4()), "no": "31000010"}))
    left.add("boundary", "=_cf05459056660a0db0d1553417dcd535")
    left.add("a start in January 2027", f"process_start_time_seconds 1.{HELP_NUMBER}e+09")
    left.add("other metric", f"messages_total 1.{HELP_NUMBER}e+09")
    left.add_raw("pages", f"\x00\x07{NUMBER}7\xff".encode("latin-1"))
    left.add_raw("deleted name", b"\xff0Oppdiktet")
    left.add_raw("hash", b"f989f389f14422195578acedb340492c6ec80eddd9bf64922e9519d0ad8952ab4")

    assert left.found() == ["deleted name", "name", "number", "other metric", "pages"]


# --- what happens -------------------------------------------------------------------------------


async def _ordinary_traffic(pair: Pair) -> None:
    for epj in pair.epjs.values():
        epj.answers = True
    for name in NAMES:
        await pair.send(name, 5)
    await _until_confirmed(pair)


async def _every_refusal(pair: Pair, neighbour: Neighbour) -> None:
    refusals = Refusals(
        hospital=pair.epjs[HOSPITAL.name],
        municipality=pair.epjs[MUNICIPALITY.name],
        neighbour=neighbour,
        hospital_service=pair.services(HOSPITAL.name)[3],
        municipality_service=pair.services(MUNICIPALITY.name)[1],
        numbers=letters.synthetic_numbers(),
    )
    await refusals.send_all()

    async def all_seen() -> bool:
        return refusals.look()

    await eventually(all_seen, seconds=REST_SECONDS)


async def _a_dead_letter(pair: Pair, neighbour: Neighbour) -> None:
    neighbour.on = False
    msg_id, document = pair.a_request(HOSPITAL.name, to=neighbour.me)
    await pair.hand_over(HOSPITAL.name, document)

    async def dead() -> bool:
        return "dead-lettered" in pair.epjs[HOSPITAL.name].events.get(msg_id, ())

    await eventually(dead, seconds=REST_SECONDS)


async def _numbers_where_none_belongs(pair: Pair) -> None:
    """Faulty messages whose faults lie in what they say about the patient."""
    name, epj = HOSPITAL.name, pair.epjs[HOSPITAL.name]
    n = NUMBER.encode()
    changes: list[tuple[bytes, bytes]] = [
        (rb"<GenDate>[^<]*", b"<GenDate>" + n),
        (rb"<DateOfBirth>[^<]*", b"<DateOfBirth>" + n),
        (rb'<Sex V="\d"', b'<Sex V="' + n + b'"'),
        (rb"<Patient>", b"<Patient><n" + n + b">Oppdiktet</n" + n + b">"),
        (rb"<Patient>", b"<Patient><!-- " + n + b" --><Oppdiktet/>"),
        (rb"</Patient>", n + b"</Patient>"),
        (rb'V="FNR"', b'V="' + n + b'"'),
        (rb"(?s).*", b"<" + n + b"/>"),
        (rb"(?s).*", b'<!DOCTYPE m [<!ENTITY n "' + n + b'">]><m>&n;</m>'),
    ]
    # Each with a MsgId of its own: a known one is refused before anything is looked at.
    faulty = [re.sub(there, here, pair.a_request(name)[1], count=1) for there, here in changes]
    wrong_json = [
        json.dumps({NUMBER: "Oppdiktet", "patient": {"id": NUMBER, "name": ["Oppdiktet"]}}),
        json.dumps({"msg_id": [NUMBER], "outcome": NUMBER}),
        json.dumps(
            {"msg_id": "x", "outcome": NUMBER, "errors": [{"code": NUMBER, "text": NUMBER}]}
        ),
    ]
    before = _verdicts(pair)
    for body in faulty:
        assert NUMBER.encode() in body
        await epj.send(body)
    for text in wrong_json:
        await epj.send(text.encode(), content_type="application/json")
        for queue in (Queue.EPJ_CONFIRMATIONS, Queue.TRANSPORT_SEND, Queue.TRANSPORT_RECEIVED):
            await _publish(pair, queue, text.encode())
    await _publish(
        pair,
        Queue.EPJ_CONFIRMATIONS,
        json.dumps(
            {
                "msg_id": next(iter(epj.stored)),
                "outcome": "refused",
                "errors": [{"code": "E36", "text": f"Oppdiktet {NUMBER}"}],
            }
        ).encode(),
    )
    await _mail(
        pair, f"From: Oppdiktet {NUMBER} <{NUMBER}@demo.invalid>\r\nSubject: {NUMBER}\r\n\r\n"
    )
    await _mail(
        pair, f"Message-ID: <{NUMBER}>\r\nContent-Type: text/xml; name={NUMBER}\r\n\r\n<x/>"
    )

    async def all_looked_at() -> bool:
        return _verdicts(pair) == before + len(faulty) + len(wrong_json)

    await eventually(all_looked_at, seconds=REST_SECONDS)
    await pair.send(name)
    await _until_confirmed(pair)


def _verdicts(pair: Pair) -> int:
    """How many messages of the hospital's EPJ were taken over or refused; some faults are none."""
    told = pair.epjs[HOSPITAL.name].told
    return sum(len(ids) for (_, name), ids in told.items() if name in ("accepted", "rejected"))


async def _until_confirmed(pair: Pair) -> None:
    async def confirmed() -> bool:
        return not pair.unconfirmed()

    await eventually(confirmed, seconds=REST_SECONDS)


async def _publish(pair: Pair, queue: Queue, body: bytes) -> None:
    async with await aio_pika.connect(pair.broker_url) as connection:
        channel = await connection.channel()
        message = aio_pika.Message(body, content_type="application/json", app_id=OURS)
        where = queue.under(pair.queues_of(HOSPITAL.name))
        await channel.default_exchange.publish(message, where)


async def _mail(pair: Pair, mail: str) -> None:
    port = pair.seats[HOSPITAL.name].listener_port
    transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none"))
    await transport.send(
        mail.encode(), sender="x@demo.invalid", recipient=EDI[HOSPITAL.name], envelope_id="x"
    )
    await transport.close()


# --- where is looked ----------------------------------------------------------------------------


@asynccontextmanager
async def _everything_published(node: PrivateBroker, left: Left) -> AsyncIterator[None]:
    """The broker's own trace: each message that anyone publishes, its properties and headers."""
    await asyncio.to_thread(node.control, "trace_on")
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(await aio_pika.connect(node.url))
        channel = await connection.channel()
        queue = await channel.declare_queue("everything", exclusive=True)
        await queue.bind("amq.rabbitmq.trace", "publish.#")

        async def look(message: AbstractIncomingMessage) -> None:
            headers: dict[str, Any] = dict(message.headers)
            routed_to = str(headers["routing_keys"][0])
            base = routed_to.rpartition("hospital.")[2].rpartition("municipality.")[2]
            left.add(f"properties {base}", json.dumps(headers["properties"], default=str))
            if (
                base not in {*CONTENT, Queue.EPJ_CONFIRMATIONS}
                and headers["properties"].get("app_id") != OURS
            ):
                left.add(f"body {base}", message.body)

        await queue.consume(look, no_ack=True)
        yield


async def _look_into_queues(pair: Pair, left: Left) -> None:
    """What is left in the queues for people, broker's headers included."""
    async with await aio_pika.connect(pair.broker_url) as connection:
        channel = await connection.channel()
        for name in NAMES:
            for base in (Queue.PARKED, Queue.DEAD_LETTERS):
                queue = await channel.get_queue(base.under(pair.queues_of(name)), ensure=False)
                while (message := await queue.get(fail=False)) is not None:
                    left.add(
                        f"properties {base} at {name}", json.dumps(message.info(), default=str)
                    )
                    if base is Queue.DEAD_LETTERS:
                        left.add(f"body {base} at {name}", message.body)


async def _look_at_http(pair: Pair, name: str, left: Left) -> None:
    def read(path: str) -> bytes:
        url = f"http://127.0.0.1:{pair.seats[name].http_port}{path}"
        with urllib.request.urlopen(url) as answer:
            return bytes(answer.read())

    for path in ("/metrics", "/health/live", "/health/ready"):
        left.add(f"http {name} {path}", await asyncio.to_thread(read, path))


def _ask(pair: Pair, name: str) -> Iterator[tuple[str, str]]:
    """What the operator's commands show."""
    runner = CliRunner()

    def run(*words: str) -> str:
        command = [*words, "--config", str(pair.config(name))]
        return runner.invoke(app, command, catch_exceptions=False).output

    listed = json.loads(run("dead-letters", "list", "--json"))
    found = [("list", json.dumps(listed))]
    shown = re.findall(r'"letter_id": "([^"]+)"', json.dumps(listed))
    subjects = list(pair.epjs[name].events)[:4] + list(pair.epjs[name].stored)[:2] + shown
    questions = [("ledger",), ("unconfirmed",), ("dead-letters", "list")]
    questions += [("dead-letters", "show", letter) for letter in shown]
    questions += [("trace", subject) for subject in subjects]
    for words in questions:
        found += [(" ".join(words), run(*words)), (f"{words} --json", run(*words, "--json"))]
    assert shown or name != HOSPITAL.name, "the hospital has dead letters"
    return iter([(f"command {name} {what}", text) for what, text in found])


def _texts_in(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield from (str(value) for value in row if not isinstance(value, bytes))


def _look_at_files(pair: Pair, left: Left) -> None:
    for name in NAMES:
        left.add(f"log {name}", pair.gateways[name].log_since())
    for path in pair.directory.rglob("*"):
        left.add("name of a file", path.name)
        if path.name.endswith(".sqlite"):
            for text in _texts_in(path):
                left.add(f"file {path.name}", text)
        if ".sqlite" in path.name:
            left.add_raw(f"file {path.name}", path.read_bytes())
    for path in pair.mails.glob("*.eml"):
        raw = path.read_bytes()
        left.add(f"mail {path.name}", raw)
        for header, value in message_from_bytes(raw).items():
            left.add(f"mail {path.name} {header}", value)
