"""An operator's desk with dead messages on it, for tests."""

from dataclasses import replace
from datetime import timedelta

from gateway.adapters.rabbitmq.parked import ParkedMessage
from gateway.domain.delivery import Delivery, Transport
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Outgoing, Side, State
from gateway.errors import AnswerOverdue, ReceiptWithoutMessage
from gateway.ops.desk import Desk
from gateway.ports import Arrival, DeadLetter, JournalEvent
from gateway.wiring import wire
from tests import builders_delivery
from tests.builders_cli import demo_office
from tests.builders_keys import NOON
from tests.fakes_journal import FakeJournal, HandClock


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
