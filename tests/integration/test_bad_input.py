"""Whatever comes: refused with a reason, or put before a person; the next message is processed."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aio_pika
import pytest

from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.errors import TransportRefused
from gateway.ops.demo_keys import HOSPITAL
from gateway.ports import DeadLetter
from gateway.queues import Queue
from tests.broker_fixture import eventually
from tests.faults.pair import EDI, NAMES, Pair, demo_keys, running_pair  # noqa: F401  # fixture

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.xdist_group("bad input")]

US: Final = HOSPITAL.name
REST_SECONDS: Final = 60.0

_BOMB = b"".join(
    b'<!ENTITY e%d "%s">' % (number, b"&e%d;" % (number - 1) * 10) for number in range(1, 10)
)
BODIES: Final = {
    "not XML": b"dette er ikke XML",
    "not UTF-8": b'<?xml version="1.0" encoding="UTF-8"?><MsgHead>\xff\xfe\xc3(\xe5</MsgHead>',
    "NUL bytes": bytes(1_000),
    "DTD": b'<!DOCTYPE MsgHead SYSTEM "http://127.0.0.1:1/x.dtd"><MsgHead/>',
    "entity bomb": b'<!DOCTYPE m [<!ENTITY e0 "ha">' + _BOMB + b"]><m>&e9;</m>",
    "outside entity": b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]><m>&x;</m>',
    "deep nesting": b"<a>" * 200_000 + b"</a>" * 200_000,
    "another document": b'<MsgHead xmlns="urn:something-else"/>',
    "cut off JSON": b'{"msg_id": "x", "outcome": ',
    "JSON of another shape": b'{"message_id": ["x"], "arrival_id": {}, "msg_id": 7}',
    "JSON that is no object": b"[1, 2, 3]",
    "JSON with NaN": b'{"message_id": NaN, "arrival_id": NaN, "msg_id": NaN}',
    "deep JSON": b"[" * 200_000,
    "empty": b"",
    "40 MB": b"<MsgHead>" + (b"x" * 78 + b"\r\n") * 500_000 + b"</MsgHead>",
}
PARKING = (Queue.EPJ_CONFIRMATIONS, Queue.TRANSPORT_SEND, Queue.TRANSPORT_RECEIVED)

bodies = pytest.mark.parametrize("body", [pytest.param(BODIES[name], id=name) for name in BODIES])


@pytest.fixture(scope="module")
async def pair(
    tmp_path_factory: pytest.TempPathFactory,
    demo_keys: Path,  # noqa: F811  # fixture
    broker_url: str,
) -> AsyncIterator[Pair]:
    """Both gateways; everything bad comes to the hospital's."""
    folder = tmp_path_factory.mktemp("bad-input")
    async with running_pair(folder, demo_keys, broker_url) as running:
        yield running


@bodies
@pytest.mark.parametrize("content_type", ["application/xml", "application/json", "text/plain"])
async def test_the_epj_is_told_why_its_message_is_refused(
    body: bytes, content_type: str, pair: Pair
) -> None:
    epj = pair.epjs[US]
    before = {subject: len(events) for subject, events in epj.events.items()}

    await _publish(pair, Queue.EPJ_OUTGOING, body, content_type)

    # The same bytes as in another test are told of by the id they had then.
    def told() -> list[str]:
        return [s for s, events in epj.events.items() if len(events) > before.get(s, 0)]

    async def refused() -> bool:
        return bool(told())

    await eventually(refused, seconds=REST_SECONDS)
    (subject,) = told()
    assert set(epj.events[subject]) == {"rejected"}
    assert epj.codes[subject]
    assert all(code.startswith(("EPJ_", "GW-")) for code in epj.codes[subject])
    await _goes_on(pair)


@bodies
@pytest.mark.parametrize("queue", PARKING)
async def test_what_nobody_can_be_told_about_is_parked_as_it_came(
    body: bytes, queue: Queue, pair: Pair
) -> None:
    message_id = await _publish(pair, queue, body, "application/json")

    assert await _parked(pair, message_id) == body
    await _goes_on(pair)


@bodies
@pytest.mark.parametrize("wrapped", [False, True], ids=["as mail", "as SOAP part"])
async def test_a_mail_that_says_nothing_is_a_dead_letter(
    body: bytes, wrapped: bool, pair: Pair
) -> None:
    before = await _dead_letters(pair)
    accepted = (await pair.ledger(US)).incoming.accepted

    await _mail(pair, _soap_mail(body) if wrapped else b"Subject: x\r\n\r\n" + body)

    async def one_more() -> bool:
        return (await _dead_letters(pair)).keys() > before.keys()

    await eventually(one_more, seconds=REST_SECONDS)
    (letter,) = [v for k, v in (await _dead_letters(pair)).items() if k not in before]
    assert letter.code.startswith("GW-2")
    ledger = await pair.ledger(US)
    assert ledger.balanced
    assert ledger.incoming.accepted == accepted + 1
    await _goes_on(pair)


async def test_a_mail_of_one_endless_line_is_refused_while_it_comes(pair: Pair) -> None:
    before = await _dead_letters(pair)

    with pytest.raises(TransportRefused, match="SMTP 500"):
        await _mail(pair, b"Subject: x\r\n\r\n" + b"x" * 40_000_000)

    assert await _dead_letters(pair) == before
    await _goes_on(pair)


async def test_confirmation_of_a_message_that_never_came_is_a_dead_letter(pair: Pair) -> None:
    unknown = str(uuid.uuid4())
    body = b'{"msg_id": "%s", "outcome": "stored"}' % unknown.encode()

    await _publish(pair, Queue.EPJ_CONFIRMATIONS, body, "application/json")

    async def there() -> bool:
        return f"confirmation/{unknown}" in await _dead_letters(pair)

    await eventually(there, seconds=REST_SECONDS)
    await _goes_on(pair)


async def test_orders_and_notices_for_nothing_are_no_news(pair: Pair) -> None:
    """Ids that nobody knows: left over after a journal was set back, for instance."""
    for queue, name in (
        (Queue.TRANSPORT_SEND, "message_id"),
        (Queue.TRANSPORT_RECEIVED, "arrival_id"),
    ):
        body = b'{"%s": "%s", "attempt": 1}' % (name.encode(), uuid.uuid4().hex.encode())
        await _publish(pair, queue, body, "application/json")
    await _goes_on(pair)

    assert (await pair.depths(US))[Queue.PARKED] == 0


async def _goes_on(pair: Pair) -> None:
    """A good message each way uses every queue of the gateway."""
    await asyncio.gather(*(pair.send(name) for name in NAMES))

    async def confirmed() -> bool:
        return not pair.unconfirmed()

    await eventually(confirmed, seconds=REST_SECONDS)
    assert pair.gateways[US].is_running


async def _publish(pair: Pair, queue: Queue, body: bytes, content_type: str) -> str:
    message_id = str(uuid.uuid4())
    message = aio_pika.Message(
        body,
        message_id=message_id,
        content_type=content_type or None,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with _channel(pair) as channel:
        await channel.default_exchange.publish(message, queue.under(pair.queues_of(US)))
    return message_id


async def _parked(pair: Pair, message_id: str) -> bytes:
    """Take the one message off ``parked``."""
    found: list[bytes] = []
    async with _channel(pair) as channel:
        parked = await channel.get_queue(Queue.PARKED.under(pair.queues_of(US)), ensure=False)

        async def there() -> bool:
            message = await parked.get(fail=False)
            if message is not None:
                assert message.message_id == message_id
                found.append(message.body)
                await message.ack()
            return bool(found)

        await eventually(there, seconds=REST_SECONDS)
    return found[0]


@asynccontextmanager
async def _channel(pair: Pair) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with (
        await aio_pika.connect(pair.broker_url) as connection,
        connection.channel(publisher_confirms=True, on_return_raises=True) as channel,
    ):
        yield channel


async def _dead_letters(pair: Pair) -> dict[str, DeadLetter]:
    async with pair.journal(US) as journal:
        return {letter.letter_id: letter for letter in await journal.dead_letters()}


async def _mail(pair: Pair, mail: bytes) -> None:
    port = pair.seats[US].listener_port
    transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none"))
    try:
        await transport.send(
            mail, sender="nobody@demo.invalid", recipient=EDI[US], envelope_id=uuid.uuid4().hex
        )
    finally:
        await transport.close()


def _soap_mail(soap: bytes) -> bytes:
    return b"\r\n".join(
        (
            b"From: nobody@demo.invalid",
            b"To: " + EDI[US].encode(),
            b"Subject: ebXML",
            b"Message-ID: <" + uuid.uuid4().hex.encode() + b"@demo.invalid>",
            b"SOAPAction: ebXML",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/related; type="text/xml"; boundary="b-b"; start="<soap>"',
            b"",
            b"--b-b",
            b"Content-Type: text/xml; charset=UTF-8",
            b"Content-ID: <soap>",
            b"Content-Transfer-Encoding: 8bit",
            b"",
            soap,
            b"--b-b--",
            b"",
        )
    )
