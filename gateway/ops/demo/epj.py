"""A simulated EPJ of one party: asks, stores, confirms, answers, and watches its status events."""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from gateway.codecs.document import read_document
from gateway.domain.message import REQUEST
from gateway.ops.demo.letters import answer_to, written
from gateway.queues import Queue

_EVENT = "no.dialoggateway.message."


@dataclass(slots=True, kw_only=True)
class Epj:
    """One party's EPJ, speaking to its gateway through the queues alone.

    ``events`` holds the status events by MsgId in the order they came, ``stored``
    the messages that arrived, by MsgId, and ``answers_to`` which answer was given
    to which question.
    """

    connection: AbstractConnection
    prefix: str
    changed: Callable[[], None] = lambda: None
    answers: bool = True  # whether a question gets an answer
    silent_to: str = ""  # HER-id whose questions get none
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    codes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    removed: dict[str, int] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)  # removed attachments by MsgId
    answers_to: dict[str, str] = field(default_factory=dict)
    twice: int = 0  # messages handed over a second time, dropped by their message_id
    _channel: AbstractChannel | None = None

    async def start(self) -> None:
        """Begin to read ``epj.incoming`` and ``epj.status``."""
        channel = await self.connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.set_qos(prefetch_count=20)
        self._channel = channel
        for queue, handle in (
            (Queue.EPJ_INCOMING, self._store),
            (Queue.EPJ_STATUS, self._watch),
        ):
            name = await channel.get_queue(self.prefix + queue, ensure=False)
            await name.consume(handle)

    async def send(self, document: bytes, *, content_type: str = "application/xml") -> str:
        """Hand one message to the gateway; returns its AMQP message_id."""
        message_id = str(uuid.uuid4())
        await self._publish(Queue.EPJ_OUTGOING, document, content_type, message_id)
        return message_id

    async def _store(self, message: AbstractIncomingMessage) -> None:
        """File a message once, confirm it every time, and answer a question once."""
        msg_id = message.message_id or ""
        known = msg_id in self.stored
        self.twice += known
        self.stored[msg_id] = message.body
        self.marked[msg_id] = int(str(message.headers.get("x-removed-attachments", 0)))
        confirmation = json.dumps({"msg_id": msg_id, "outcome": "stored"}).encode()
        await self._publish(
            Queue.EPJ_CONFIRMATIONS, confirmation, "application/json", str(uuid.uuid4())
        )
        asked_by = str(message.headers.get("x-sender-her"))
        wants_answer = self.answers and asked_by != self.silent_to
        if wants_answer and message.type == REQUEST and not known:
            question = read_document(message.body).message
            answer = answer_to(
                question,
                msg_id=str(uuid.uuid4()),
                at=datetime.now(UTC).replace(microsecond=0),
                serial=len(self.stored),
            )
            self.answers_to[msg_id] = answer.msg_id
            await self.send(written(answer))
        await message.ack()
        self.changed()

    async def _watch(self, message: AbstractIncomingMessage) -> None:
        event: dict[str, Any] = json.loads(message.body)
        name = str(event["type"]).removeprefix(_EVENT).removesuffix(".v1")
        subject = str(event["subject"])
        self.events[subject].append(name)
        self.codes[subject] += [reason["code"] for reason in event["data"]["reasons"]]
        self.removed[subject] = max(self.removed.get(subject, 0), len(event["data"]["removed"]))
        await message.ack()
        self.changed()

    async def _publish(self, queue: Queue, body: bytes, content_type: str, message_id: str) -> None:
        assert self._channel is not None, "start() comes first"
        await self._channel.default_exchange.publish(
            aio_pika.Message(
                body,
                content_type=content_type,
                message_id=message_id,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            routing_key=self.prefix + queue,
            mandatory=True,
        )

    async def stop(self) -> None:
        """Stop reading; what is not settled goes back to its queue."""
        if self._channel is not None:
            with suppress(Exception):
                async with asyncio.timeout(5):
                    await self._channel.close()
