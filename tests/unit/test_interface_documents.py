"""The documents of the EPJ interface say what the gateway does, and nothing else."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

import pytest
import yaml
from pydantic import BaseModel

from gateway.codecs.document import read_document
from gateway.codecs.epj_events import EVENTS, Confirmation, EventType, StatusEvent
from gateway.codecs.epj_json import document_of, parse_epj_json
from gateway.codecs.epj_models import (
    Author,
    DialogueAnswer,
    DialogueRequest,
    Facts,
    Patient,
    PatientIdent,
)
from gateway.domain.delivery import Delivery, Transport
from gateway.domain.findings import Direction
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Outgoing, Removed
from gateway.domain.reasons import reason_for
from gateway.domain.receipt import Answer
from gateway.domain.screening import ScreeningPolicy, screen
from gateway.errors import BadConfirmation, GatewayError, NoRoute
from gateway.ops.interface import examples
from gateway.ops.interface.documents import MODELS, interface_documents
from gateway.ports import OutboundMessage, Transaction
from gateway.queues import Queue
from gateway.receipts.confirmation import read_confirmation
from gateway.receipts.report import StatusReport
from tests import builders_delivery
from tests.builders_epj import BOOK, SERVICES
from tests.fakes_journal import HandClock

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DOCUMENTS = interface_documents()
ASYNCAPI: dict[str, Any] = yaml.safe_load(DOCUMENTS["asyncapi.yaml"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_document_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == DOCUMENTS[name], (
        "run python -m gateway.ops.interface"
    )


# --- AsyncAPI ----------------------------------------------------------------------------------


def test_document_describes_every_queue_and_no_other() -> None:
    addresses = [channel["address"] for channel in ASYNCAPI["channels"].values()]

    assert sorted(addresses) == sorted("{prefix}" + queue for queue in Queue)
    for channel in ASYNCAPI["channels"].values():
        assert channel["bindings"]["amqp"]["queue"]["name"] == channel["address"]


def test_queues_of_the_gateway_alone_are_marked_internal() -> None:
    internal = {
        channel["address"].removeprefix("{prefix}")
        for channel in ASYNCAPI["channels"].values()
        if channel["tags"] == [{"name": "internal"}]
    }

    assert internal == {q.value for q in Queue if not q.value.startswith("epj.")}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def found(document: Any, pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_leads_somewhere() -> None:
    refs = list(references(ASYNCAPI))

    assert refs
    for ref in refs:
        if ref.startswith("#/"):
            assert found(ASYNCAPI, ref)
        else:
            assert ref.removeprefix("./") in DOCUMENTS


def test_every_queue_has_an_operation_at_each_end_and_the_messages_are_its_own() -> None:
    """AsyncAPI 3: an operation names messages of its channel, not of the components."""
    ends: dict[str, set[str]] = {name: set() for name in ASYNCAPI["channels"]}
    for operation in ASYNCAPI["operations"].values():
        name = operation["channel"]["$ref"].removeprefix("#/channels/")
        ends[name].add(operation["action"])
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"#/channels/{name}/messages/")

    # RabbitMQ itself puts messages on "parked".
    assert {name for name, actions in ends.items() if actions != {"send", "receive"}} == {"parked"}


def test_epj_and_gateway_stand_at_opposite_ends() -> None:
    for name, channel in ASYNCAPI["channels"].items():
        if channel["tags"] == [{"name": "epj"}]:
            ends = [
                (operation["tags"][0]["name"], operation["action"])
                for operation in ASYNCAPI["operations"].values()
                if operation["channel"]["$ref"] == f"#/channels/{name}"
            ]
            assert sorted(who for who, _ in ends) == ["epj", "gateway"]
            assert sorted(action for _, action in ends) == ["receive", "send"]


def test_names_are_as_asyncapi_allows() -> None:
    for group in ("channels", "operations"):
        assert all(re.fullmatch(r"[A-Za-z0-9_\-]+", name) for name in ASYNCAPI[group])
    assert ASYNCAPI["asyncapi"] == "3.0.0"


def test_incoming_headers_are_those_that_deliver_sets() -> None:
    """The example has exactly the headers described; the names are those of design §3."""
    described = ASYNCAPI["components"]["messages"]["incomingDocument"]["headers"]["properties"]

    assert set(described) == set(examples.INCOMING_HEADERS)
    sources = (DOCS.parent / "gateway" / "inbound").glob("*.py")
    set_by_us = {
        name
        for path in sources
        for name in re.findall(r'"(x-[a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert set_by_us == set(described)


# --- schemas and examples ----------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_schema_is_of_2020_12_and_closed(name: str) -> None:
    schema = json.loads(DOCUMENTS[f"schemas/{name}.json"])

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    objects = [schema, *schema.get("$defs", {}).values()]
    assert all(one["additionalProperties"] is False for one in objects if "properties" in one)
    for ref in references(schema):
        assert found(schema, ref)


@pytest.mark.parametrize("name", MODELS)
def test_every_example_is_what_its_schema_describes(name: str) -> None:
    model, shown = MODELS[name]

    assert shown
    for example in shown:
        model.model_validate_json(json.dumps(example))
    assert json.loads(DOCUMENTS[f"schemas/{name}.json"])["examples"] == list(shown)


def test_example_request_passes_the_rules() -> None:
    """It is what vendors copy: sent as it stands, it gives no refusal and no remark."""
    request = dict(examples.REQUEST) | {"to": "Granvik kommune/Sykepleietjeneste"}
    model = parse_epj_json(json.dumps(request).encode())
    message = read_document(document_of(model, book=BOOK, services=SERVICES, now=NOW)).message

    screening = screen(
        message,
        direction=Direction.OUTGOING,
        policy=ScreeningPolicy(synthetic_allowed=True),
    )

    assert screening.findings == ()


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def test_page_for_vendors_names_every_field_header_and_event() -> None:
    page = (DOCS / "epj-interface.md").read_text(encoding="utf-8")
    models = (DialogueRequest, DialogueAnswer, Patient, PatientIdent, Author, Facts, Confirmation)
    names = {*EVENTS, *examples.INCOMING_HEADERS, *(n for model in models for n in _fields(model))}

    missing = {name for name in names if f"`{name}`" not in page and f'"{name}"' not in page}

    assert missing == set()


def test_examples_of_the_page_for_vendors_are_read() -> None:
    page = (DOCS / "epj-interface.md").read_text(encoding="utf-8")
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]

    assert len(shown) == 4
    for one in shown:
        if "kind" in one:
            parse_epj_json(json.dumps(one).encode())
        else:
            read_confirmation(json.dumps(one).encode())


# --- status events -----------------------------------------------------------------------------


def an_entry() -> Outgoing:
    return Outgoing(
        entry_id="entry-1",
        key="910001/x",
        digest="0" * 64,
        accepted_at=NOW,
        msg_id=MsgId(examples.QUESTION_ID),
        message_id=MessageId("m-1"),
        conversation_id=ConversationId("c-1"),
        receiver_her=HerId("920002"),
        service_code="8663:KP02",
        due_at=NOW,
        removed=(Removed(mime="application/pdf", bytes=12),),
    )


def a_delivery() -> Delivery:
    return builders_delivery.a_delivery(
        transport=Transport.ACKNOWLEDGED, answer=Answer.OK_WITH_ERRORS, attempts=2
    )


class OutboxOnly:
    """As much of a transaction as a status report uses."""

    def __init__(self) -> None:
        self.rows: list[OutboundMessage] = []

    async def put(self, message: OutboundMessage) -> None:
        self.rows.append(message)


async def told(event: str, entry: Outgoing, delivery: Delivery | None) -> OutboundMessage:
    report = StatusReport(own_her=HerId("910000"), clock=HandClock(), new_id=lambda: "event-1")
    tx = OutboxOnly()
    await report.tell(
        cast(Transaction, tx), event, entry, delivery=delivery, reasons=(reason_for(NoRoute()),)
    )
    (row,) = tx.rows
    return row


@pytest.mark.parametrize("event", EVENTS)
async def test_status_event_is_as_described(event: str) -> None:
    row = await told(event, an_entry(), a_delivery())

    read = StatusEvent.model_validate_json(row.body)
    assert read.type == row.type == f"no.dialoggateway.message.{event}.v1"
    assert (read.id, read.data.answer, read.data.transport) == (
        row.message_id,
        "ok_with_errors",
        "acknowledged",
    )


async def test_status_event_about_what_nobody_could_read_is_as_described() -> None:
    unread = Outgoing(entry_id="entry-1", key="#", digest="0" * 64, accepted_at=NOW)

    row = await told("rejected", unread, None)

    read = StatusEvent.model_validate_json(row.body)
    assert (read.subject, read.data.msg_id, read.data.transport) == ("entry-1", None, None)


async def test_every_field_told_is_described() -> None:
    told_data = json.loads((await told("sent", an_entry(), a_delivery())).body)["data"]

    assert set(told_data) == set(examples.status_event("sent")["data"])


def test_events_described_are_those_of_the_type() -> None:
    types = [f"no.dialoggateway.message.{event}.v1" for event in EVENTS]

    assert list(get_args(EventType)) == types


def test_processes_tell_no_other_event() -> None:
    pattern = re.compile(r'report\.tell\(\s*\w+,\s*"([a-z-]+)"')
    folder = DOCS.parent / "gateway"
    used = {
        name
        for path in folder.rglob("*.py")
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    }

    assert {"accepted", "sent"} <= used <= set(EVENTS)


# --- confirmations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        examples.STORED,
        examples.REFUSED,
        {"msg_id": "a", "outcome": "refused"},
        {"msg_id": "a", "outcome": "refused", "errors": []},
        {"msg_id": "a", "outcome": "refused", "errors": [{}]},
        {"msg_id": "a", "outcome": "stored", "receiver_her": "910001"},
        {"msg_id": "a", "outcome": "stored", "errors": None},
        {"msg_id": "a", "outcome": "stored", "errors": [{"code": "E35"}]},
        {"msg_id": "a", "outcome": "stored", "receiver_her": "x"},
        {"msg_id": "a", "outcome": "stored", "receiver_her": 910001},
        {"msg_id": "a", "outcome": "read"},
        {"msg_id": "", "outcome": "stored"},
        {"msg_id": "a" * 256, "outcome": "stored"},
        {"msg_id": 1, "outcome": "stored"},
        {"outcome": "stored"},
        {"msg_id": "a"},
        {"msg_id": "a", "outcome": "stored", "note": "x"},
        {"msg_id": "a", "outcome": "stored", "sender_her": "920001", "receiver_her": "910005"},
        {"msg_id": "a", "outcome": "stored", "sender_her": "9" * 16},
        {"msg_id": "a", "outcome": "stored", "sender_her": 920001},
        {"msg_id": "a", "outcome": "refused", "errors": {"code": "X99"}},
        {"msg_id": "a", "outcome": "refused", "errors": [{"code": 1}]},
        {"msg_id": "a", "outcome": "refused", "errors": [{"why": "x"}]},
        {"msg_id": "a", "outcome": "refused", "errors": [{"code": "X99"}] * 21},
        ["stored"],
    ],
)
def test_confirmation_is_described_as_it_is_read(body: Any) -> None:
    read = described = False
    with suppress(BadConfirmation):
        read = bool(read_confirmation(json.dumps(body).encode()))
    with suppress(ValueError):
        described = bool(Confirmation.model_validate_json(json.dumps(body)))

    assert read == described


def test_codes_of_the_examples_are_codes_of_errors() -> None:
    """An example that shows a code nobody ever sends would mislead."""
    known = {one.code for one in _all_errors(GatewayError)}
    known |= {one.epj_code for one in _all_errors(GatewayError) if one.epj_code}
    ours = [
        reason["code"]
        for event in EVENTS
        if event != "refused"  # there the code is the partner's
        for reason in examples.status_event(event)["data"]["reasons"]
    ]

    assert ours
    assert set(ours) <= known
    assert (
        replace(reason_for(NoRoute()), rule="R-82").as_json()
        in (examples.status_event("rejected")["data"]["reasons"])
    )


def _all_errors(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield base
    for one in base.__subclasses__():
        yield from _all_errors(one)
