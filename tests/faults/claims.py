"""What must hold at rest, whatever was killed on the way there."""

from collections import defaultdict

from gateway.codecs.ebxml import peek_header
from gateway.codecs.mime import parse_mail
from gateway.codecs.xml import EB, parse_untrusted
from gateway.queues import Queue
from tests.faults.pair import NAMES, OTHER, Pair

# What a message that came through may have told its EPJ. The crash that takes away the
# knowledge of a hand-over takes away its event too: the Acknowledgment may be told first.
_ONCE = frozenset({"accepted", "confirmed"})
_AT_MOST_ONCE = frozenset({"sent", "acknowledged"})


async def nothing_is_lost(pair: Pair) -> None:
    """Every message of both sides arrived, was confirmed once, and is accounted for."""
    receipts = receipts_on_the_wire(pair)
    for name in NAMES:
        sent = pair.sent[name]
        everything_arrived_once(pair, name)
        for msg_id in sent:
            told_once(pair, name, msg_id)
        await ledger_holds(pair, name, outgoing=len(sent), incoming=len(pair.sent[OTHER[name]]))
        # One AppRec for each message, however often it crossed the wire.
        assert len(receipts[name]) == len(pair.sent[OTHER[name]])
        assert all(len(ids) == 1 for ids in receipts[name].values())


def everything_arrived_once(pair: Pair, name: str) -> None:
    """The other EPJ has exactly what this one sent; a repeat had the same message_id."""
    assert set(pair.epjs[OTHER[name]].stored) == set(pair.sent[name])


def told_once(pair: Pair, name: str, msg_id: str) -> None:
    """The sending EPJ was told each event by one CloudEvents id, and nothing bad."""
    told = {
        event: ids for (subject, event), ids in pair.epjs[name].told.items() if subject == msg_id
    }
    assert told.keys() <= _ONCE | _AT_MOST_ONCE, told
    assert all(len(ids) == 1 for ids in told.values()), told
    assert told.keys() >= _ONCE, told


async def ledger_holds(pair: Pair, name: str, *, outgoing: int, incoming: int) -> None:
    """All is accounted for as confirmed, and nothing waits for a person."""
    async with pair.journal(name) as journal:
        ledger = await journal.ledger()
        letters = await journal.dead_letters()
    assert ledger.balanced
    assert (ledger.outgoing.accepted, ledger.outgoing.confirmed) == (outgoing, outgoing)
    assert (ledger.incoming.accepted, ledger.incoming.confirmed) == (incoming, incoming)
    assert letters == []
    depths = await pair.depths(name)
    assert (depths[Queue.PARKED], depths[Queue.DEAD_LETTERS]) == (0, 0)


def receipts_on_the_wire(pair: Pair) -> dict[str, dict[str, set[str]]]:
    """By side: the eb:MessageIds of its AppRecs, by the eb:MessageId they answer."""
    found: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in NAMES}
    for path in pair.mails.glob("*-apprec.eml"):
        soap = parse_untrusted(parse_mail(path.read_bytes()).soap)
        ref = soap.findtext(f".//{{{EB}}}MessageHeader/{{{EB}}}MessageData/{{{EB}}}RefToMessageId")
        assert ref is not None
        found[path.name.split("-")[1]][ref].add(peek_header(soap).message_id)
    return found
