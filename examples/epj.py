"""A small EPJ: asks a question, follows it, stores what comes, confirms it, answers questions.

    python examples/epj.py --prefix municipality.                          # answers questions
    python examples/epj.py --prefix hospital. --from 910004 --to 920002    # asks one, and ends

Exit 0: confirmed and answered; 1: refused. docs/epj-interface.md explains each step.
"""

import argparse
import asyncio
import json
import logging
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

IDENTS = [{"type": "FNR", "id": "01855010069"}]
PATIENT = {"family_name": "Oppdiktet", "given_name": "Pasient", "idents": IDENTS}
AUTHOR = {"family_name": "Testesen", "given_name": "Prøve", "profession": "SP", "phone": "00000000"}
Handler = Callable[[AbstractIncomingMessage], Awaitable[None]]


class Epj:
    def __init__(self, channel: AbstractChannel, args: argparse.Namespace) -> None:
        self.channel, self.args, self.question = channel, args, str(uuid.uuid4())
        self.open = {"confirmed", "answered"}  # what the question still waits for
        self.over: asyncio.Future[int] = asyncio.Future()

    async def put(self, queue: str, body: dict[str, object]) -> None:
        """Publish: returns when RabbitMQ has it on disk, raises when there is no such queue."""
        message = aio_pika.Message(json.dumps(body).encode(), content_type="application/json")
        message.delivery_mode = aio_pika.DeliveryMode.PERSISTENT
        await self.channel.default_exchange.publish(message, self.args.prefix + queue)

    async def follow(self, message: AbstractIncomingMessage) -> None:
        """One status event: show it, and see whether the question is settled."""
        event = json.loads(message.body)
        name, reasons = event["type"].split(".")[-2], event["data"]["reasons"]
        logging.info("%s %s %s", event["subject"], name, [one["text_nb"] for one in reasons])
        self.settle(event["subject"], name)

    async def store(self, message: AbstractIncomingMessage) -> None:
        """One message: file it, answer a question, confirm it; all of it may happen twice."""
        sender, receiver = message.headers["x-sender-her"], message.headers["x-receiver-her"]
        key = uuid.uuid5(uuid.NAMESPACE_OID, f"{sender} {message.message_id} {receiver}")
        (self.args.store / f"{key}.xml").write_bytes(message.body)
        logging.info("%s stored %s", message.message_id, message.type)
        if message.type == "DIALOG_FORESPORSEL":
            # An id made from the question's: the same answer again is the same message.
            head = {"msg_id": str(uuid.uuid5(key, "answer")), "reply_to": message.message_id}
            content = {"author": AUTHOR, "text": self.args.text}
            await self.put("epj.outgoing", {"kind": "answer", **head, **content})
        await self.put("epj.confirmations", {"msg_id": message.message_id, "outcome": "stored"})
        self.settle(message.headers.get("x-ref-to-parent"), "answered")

    def settle(self, msg_id: object, what: str) -> None:
        if msg_id == self.question:
            self.open -= {what}
            failed = what in ("rejected", "refused", "dead-lettered")
            if not self.over.done() and (failed or not self.open):
                self.over.set_result(int(failed))

    async def consume(self, queue: str, handle: Handler) -> None:
        source = await self.channel.get_queue(self.args.prefix + queue, ensure=False)
        async with source.iterator() as deliveries:
            async for message in deliveries:
                await handle(message)
                await message.ack()  # only now: what was not dealt with comes again


async def main(args: argparse.Namespace) -> int:
    async with await aio_pika.connect_robust(args.url) as connection, asyncio.TaskGroup() as work:
        epj = Epj(await connection.channel(on_return_raises=True), args)
        queues = {"epj.status": epj.follow, "epj.incoming": epj.store}
        tasks = [work.create_task(epj.consume(*one)) for one in queues.items()]
        if args.to:
            head = {"msg_id": epj.question, "from": args.sender, "to": args.to}
            content = {"patient": PATIENT, "author": AUTHOR, "text": args.text}
            await epj.put("epj.outgoing", {"kind": "request", **head, **content})
        result = await epj.over
        for task in tasks:
            task.cancel()
    return result


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    options = argparse.ArgumentParser(description="A small EPJ for dialog-gateway.")
    options.add_argument("--url", default="amqp://guest:guest@localhost/")
    options.add_argument("--prefix", default="", help="of the gateway's queues")
    options.add_argument("--from", dest="sender", help="own service: HER-id or name")
    options.add_argument("--to", help="receiver; without it, only answer")
    options.add_argument("--text", default="Gjelder epikrise 12.11. Hilsen sykepleier Testesen")
    options.add_argument("--store", type=Path, default=Path(), help="folder for what comes in")
    sys.exit(asyncio.run(main(options.parse_args())))
