"""Questions, answers and reply times, kept in the journal (R-20, R-22, R-39, R-43, R-83).

Shared by the three processes: what is sent and what is received take their turn
in the same thread. A patient is known by a keyed hash only.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.calendar import ReplyTimePolicy
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId
from gateway.domain.ledger import Side
from gateway.domain.message import ANSWER, DialogMessage, Person
from gateway.domain.patients import Mark, traits_of
from gateway.domain.rules.facts import NO_THREAD, ThreadFacts
from gateway.domain.thread import (
    Lateness,
    Reply,
    Turn,
    answered,
    closed,
    counted,
    looked_at,
    opened_turn,
    thread_facts,
)
from gateway.ports import Clock, ContentKeys, JournalEvent, Report, Transaction

_PURPOSE = b"dialog-gateway patient mark"
EVENTS: Mapping[Lateness, str] = {
    Lateness.DUE: "reply-due",
    Lateness.OVERDUE: "reply-overdue",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMarks:
    """Keyed hashes of what identifies a patient; from the keys that seal content at rest."""

    keys: ContentKeys

    def to_keep(self, patient: Person | None) -> frozenset[Mark]:
        """The patient's marks under the current key."""
        return _marks(patient, self.keys.by_id[self.keys.current])

    def to_compare(self, patient: Person | None) -> frozenset[Mark]:
        """The patient's marks under every key, for those that an earlier key made."""
        return frozenset().union(*(_marks(patient, key) for key in self.keys.by_id.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Keep turns; always inside the caller's transaction."""

    clock: Clock
    marks: PatientMarks
    report: Report
    policy: ReplyTimePolicy

    async def parent(
        self, tx: Transaction, message: DialogMessage, partner_her: HerId | None
    ) -> Turn | None:
        """The turn that ``message`` names as its parent; None when it is not known here.

        Two partners may use the same MsgId: that of the party written to, or from, is meant.
        """
        if message.conversation is None:
            return None
        return await _turn(tx, message.conversation.parent, partner_her)

    def facts(
        self,
        message: DialogMessage,
        parent: Turn | None,
        *,
        own_her: HerId | None,
        partner_her: HerId | None,
        question_added: bool | None = None,
    ) -> ThreadFacts:
        """What the rules need to know of the thread; nothing where a party is not known."""
        if own_her is None or partner_her is None:
            return NO_THREAD
        return thread_facts(
            message,
            parent,
            own_her=own_her,
            partner_her=partner_her,
            patient_marks=self.marks.to_compare(message.patient),
            question_added=question_added,
        )

    async def join(
        self,
        tx: Transaction,
        message: DialogMessage,
        *,
        side: Side,
        entry_id: str,
        own_her: HerId,
        partner_her: HerId,
        message_id: MessageId | None,
        conversation_id: ConversationId | None,
        reply_expected: bool,
    ) -> None:
        """Record the turn that a message makes; an answer ends the wait of its question.

        Where its RefToParent names nothing known here, that is the one that RefToConversation
        names (R-20): some systems put the answer's own id into the first.
        Only between the same two services (R-83), and not about another patient. Where the
        patients cannot be compared, the reference to the question decides; R-39 remarks on
        it. Of a question without ``reply_expected`` nobody is reminded (R-15).
        """
        parent = await self.parent(tx, message, partner_her)
        await tx.add_turn(
            opened_turn(
                message,
                side=side,
                entry_id=entry_id,
                own_her=own_her,
                partner_her=partner_her,
                patient_marks=self.marks.to_keep(message.patient),
                message_id=message_id,
                conversation_id=conversation_id,
                reply_expected=reply_expected,
                at=self.clock.now(),
                policy=self.policy,
            )
        )
        if parent is None and message.conversation is not None:
            asked = await _turn(tx, message.conversation.conversation, partner_her)
        else:
            asked = parent
        if asked is None or asked.side is side or message.type.value != ANSWER:
            return
        facts = self.facts(message, asked, own_her=own_her, partner_her=partner_her)
        if not facts.same_services or facts.same_patient is False:
            return  # somebody else's words, or about somebody else: the question still waits
        # Once more, and locked: another answer may be taken in at the same time.
        question = await tx.turn(asked.entry_id)
        assert question is not None, "turns are never removed"
        if (ended := answered(question)) is not question:
            await tx.save_turn(ended)
            await self._tell(tx, ended, "replied")

    async def taken_in(self, tx: Transaction, entry_id: str, at: datetime) -> None:
        """Count a question's reply time from its positive AppRec (R-20)."""
        turn = await tx.turn(entry_id)
        if turn is not None and self.policy.count_from == "receipt":
            counted_turn = counted(turn, at, self.policy)
            if counted_turn is not turn:
                await tx.save_turn(counted_turn)

    async def dropped(self, tx: Transaction, entry_id: str) -> None:
        """A question that was refused, or closed as undelivered, waits for no answer."""
        turn = await tx.turn(entry_id)
        if turn is not None and turn.reply is Reply.OPEN:
            await tx.save_turn(replace(turn, reply=None, due_at=None))

    async def remind(self, tx: Transaction, turn: Turn, now: datetime) -> None:
        """Look at a question that is due, and tell when it is more late than before."""
        seen = looked_at(turn, now, self.policy)
        await tx.save_turn(seen)
        if seen.lateness is not None and seen.lateness is not turn.lateness:
            await self._tell(tx, seen, EVENTS[seen.lateness])

    async def close(self, tx: Transaction, entry_id: str, *, actor: str, reason: str) -> bool:
        """End a question by a person's decision; False when it is not open."""
        turn = await tx.turn(entry_id)
        if turn is None:
            return False
        ended = closed(turn)
        if ended is turn:
            return False
        await tx.save_turn(ended)
        await self._record(tx, ended, "thread_closed", actor=actor, detail={"reason": reason})
        return True

    async def _tell(self, tx: Transaction, turn: Turn, event: str) -> None:
        """Tell the EPJ about a question: its own, or one it has not answered."""
        await self._record(tx, turn, event.replace("-", "_"))
        if turn.side is Side.OUTGOING:
            entry = await tx.outgoing(turn.entry_id)
            if entry is not None:
                delivery = None if entry.message_id is None else await tx.delivery(entry.message_id)
                entry = await self.report.tell(tx, event, entry, delivery=delivery)
                await tx.save_outgoing(entry)
        else:
            incoming = await tx.incoming(turn.entry_id)
            if incoming is not None:
                await self.report.tell_received(tx, event, incoming)

    async def _record(
        self,
        tx: Transaction,
        turn: Turn,
        name: str,
        *,
        actor: str | None = None,
        detail: Mapping[str, str | int | bool | None] | None = None,
    ) -> None:
        await tx.record(
            JournalEvent(
                at=self.clock.now(),
                name=name,
                side=turn.side,
                entry_id=turn.entry_id,
                message_id=turn.message_id,
                actor=actor,
                detail=detail or {},
            )
        )


async def _turn(tx: Transaction, msg_id: MsgId, partner_her: HerId | None) -> Turn | None:
    """The turn of a MsgId, best the one with this partner; None when it is not known here."""
    turns = await tx.turns_by_msg_id(msg_id)
    with_partner = (turn for turn in turns if turn.partner_her == partner_her)
    return next(with_partner, next(iter(turns), None))


def _marks(patient: Person | None, key: bytes) -> frozenset[Mark]:
    # A key of its own, so that the marks say nothing about the key that seals content.
    own = hmac.new(key, _PURPOSE, hashlib.sha256).digest()
    return frozenset(
        (trait, hmac.new(own, f"{trait} {value}".encode(), hashlib.sha256).hexdigest())
        for trait, value in traits_of(patient)
    )
