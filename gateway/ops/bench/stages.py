"""Where the time goes: each stage by itself, and how often a confirmed message passes it."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.adapters.clock import SystemClock
from gateway.adapters.journal.engine import open_journal
from gateway.adapters.rabbitmq.connection import open_connections
from gateway.adapters.rabbitmq.consumer import consume
from gateway.adapters.rabbitmq.publisher import Publisher
from gateway.adapters.rabbitmq.topology import declare
from gateway.adapters.smtp_listen import SmtpListener
from gateway.adapters.smtp_listen_settings import ListenerSettings
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.codecs.document import read_document
from gateway.codecs.ebxml import parse_envelope
from gateway.codecs.mime import parse_mail
from gateway.codecs.sealing import seal, unseal
from gateway.codecs.signing import sign_envelope
from gateway.codecs.verifying import signed_envelope
from gateway.codecs.xml import DS, parse_untrusted
from gateway.domain.addressing import address_outgoing
from gateway.domain.findings import Direction
from gateway.domain.ledger import Outgoing
from gateway.domain.screening import screen
from gateway.envelopes import sealing_certificate
from gateway.ops.bench.floor import Cost, cpu_milliseconds
from gateway.ops.bench.sample import Sample, parties
from gateway.ports import JournalEvent, OutboundMessage, QueueMessage
from gateway.queues import Queue

_ROUNDS = 150
_PREFIX = "bench."


def measure_codecs(sample: Sample) -> tuple[Cost, ...]:
    """The pure stages: document, rules, seal, signature, mail."""
    office, pair = sample.hospital, sample.hospital.keys.signing
    now = datetime.now(UTC)
    document = read_document(sample.document)
    receiver = sealing_certificate(parties(office)[1], now)
    attachments = {part.content_id: part.data for part in sample.parsed.parts}
    unsigned = parse_untrusted(sample.soap)
    for signature in list(unsigned.iter(f"{{{DS}}}Signature")):
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    unsealing = [(one.private_key, one.certificate) for one in sample.municipality.keys.unsealing]

    def screened() -> None:
        addressing = address_outgoing(document.message, office.book)
        screen(
            document.message,
            direction=Direction.OUTGOING,
            policy=office.screening,
            more=addressing.findings,
        )

    def verified() -> None:
        mail = parse_mail(sample.mail)
        signed = signed_envelope(
            parse_untrusted(mail.soap),
            certificate=pair.certificate,
            attachments={part.content_id: part.data for part in mail.parts},
            at=now,
        )
        parse_envelope(signed.root)

    return (
        _cost("parse: XML, schema, MsgHead", lambda: read_document(sample.document), 1),
        _cost("screen: addresses and all rules", screened, 1),
        _cost("seal", lambda: seal(sample.document, certificate=receiver), 1),
        _cost(
            "sign",
            lambda: sign_envelope(
                unsigned,
                private_key=pair.private_key,
                certificate=pair.certificate,
                attachments=attachments,
            ),
            2,
        ),
        _cost("read and verify a mail", verified, 2),
        _cost("unseal", lambda: unseal(sample.sealed, keys=unsealing, max_bytes=35_000_000), 1),
    )


async def measure_adapters(directory: Path, sample: Sample, broker_url: str) -> tuple[Cost, ...]:
    """The journal, RabbitMQ and SMTP, each with nothing else going on."""
    smtp_out, smtp_in = await _smtp(sample)
    return (
        await _journal(directory, sample),
        *(await _broker(broker_url)),
        smtp_out,
        smtp_in,
    )


def _cost(name: str, work: Callable[[], object], times: int) -> Cost:
    return Cost(name=name, milliseconds=cpu_milliseconds(work), times=times)


async def _cpu_each(work: Callable[[int], Awaitable[object]]) -> float:
    await work(-1)
    began = time.process_time()
    for number in range(_ROUNDS):
        await work(number)
    return (time.process_time() - began) / _ROUNDS * 1000


async def _journal(directory: Path, sample: Sample) -> Cost:
    """One transaction of the usual shape: lock and read one row, save it, 2 events, 2 messages."""
    clock = SystemClock()
    entry = Outgoing(entry_id="bench", key="bench", digest="bench", accepted_at=clock.now())
    async with open_journal(
        f"sqlite:///{directory / 'bench.sqlite'}",
        keys=sample.hospital.content_keys,
        clock=clock,
        exclusive=True,
    ) as journal:
        async with journal.transaction() as tx:
            await tx.add_outgoing(entry)

        async def step(number: int) -> None:
            async with journal.transaction() as tx:
                found = await tx.outgoing("bench")
                assert found is not None
                await tx.save_outgoing(replace(found, last_event=f'{{"number":{number}}}'))
                event = JournalEvent(at=clock.now(), name="bench", entry_id="bench")
                await tx.record(event, event)
                await tx.put(_message(), _message())

        milliseconds = await _cpu_each(step)
    return Cost(name="journal: one transaction", milliseconds=milliseconds, times=9)


async def _broker(broker_url: str) -> tuple[Cost, Cost]:
    async with open_connections(broker_url, name="bench") as connections:
        await declare(connections.consuming, _PREFIX)
        async with Publisher(connections.publishing, _PREFIX) as publisher:
            publishing = await _cpu_each(lambda _: publisher.publish(_message()))
        stopping, seen = asyncio.Event(), 0

        async def handle(_: QueueMessage) -> None:
            nonlocal seen
            seen += 1
            if seen == _ROUNDS:
                stopping.set()

        began = time.process_time()
        await consume(connections.consuming, _PREFIX + Queue.EPJ_STATUS, handle, stopping=stopping)
        consuming = (time.process_time() - began) / _ROUNDS * 1000
        async with await connections.publishing.channel() as channel:
            for queue in Queue:
                await channel.queue_delete(_PREFIX + queue)
    return (
        Cost(name="broker: publish and confirm", milliseconds=publishing, times=8),
        Cost(name="broker: consume and acknowledge", milliseconds=consuming, times=5),
    )


async def _smtp(sample: Sample) -> tuple[Cost, Cost]:
    """Both ends run here; half of the cost is counted to each."""

    async def store(_: bytes) -> None:
        return None

    recipient = sample.municipality.own.edi
    listener = SmtpListener(
        ListenerSettings(host="127.0.0.1", port=0),
        own_addresses=lambda: (recipient,),
        store=store,
    )
    await listener.start()
    transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=listener.port, security="none"))
    both = await _cpu_each(
        lambda number: transport.send(
            sample.mail,
            sender=sample.hospital.own.edi,
            recipient=recipient,
            envelope_id=f"bench{number}",
        )
    )
    await transport.close()
    await listener.stop(1.0)
    return (
        Cost(name="SMTP: send a mail", milliseconds=both / 2, times=2),
        Cost(name="SMTP: take a mail", milliseconds=both / 2, times=2),
    )


def _message() -> OutboundMessage:
    name = str(uuid.uuid4())
    return OutboundMessage(
        outbox_id=name,
        queue=Queue.EPJ_STATUS,
        body=b"{}" * 300,
        content_type="application/json",
        message_id=name,
    )
