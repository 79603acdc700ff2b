"""Questions and their answers: which messages belong together, and when a reply is due.

A thread is what ConversationRef holds together (R-39): one patient, one pair of
services. A question waits for its answer 3 working days before a reminder and 5
before it is overdue (R-20); a person may close it, because the answer came by
telephone (R-22).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.domain.calendar import (
    ReplyTimePolicy,
    holidays_for,
    local_day,
    reply_deadlines,
)
from gateway.domain.identifiers import ConversationId, HerId, MessageId, MsgId, msg_id_key
from gateway.domain.ledger import Side
from gateway.domain.message import ANSWER, REQUEST, DialogMessage
from gateway.domain.patients import Mark, same_patient
from gateway.domain.rules.facts import ThreadFacts

_OSLO = ZoneInfo("Europe/Oslo")


class Reply(StrEnum):
    """What became of a question."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"  # by a person, with a reason


class Lateness(StrEnum):
    DUE = "due"  # 3 working days have passed: a reminder
    OVERDUE = "overdue"  # 5 working days have passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a thread, as far as the thread needs it.

    ``patient_marks`` are keyed hashes of what identifies the patient: nothing can be
    read from them. ``root`` is the first message of the dialogue, as this one names it.
    ``reply`` is set on questions only; ``due_at`` is when the sweep looks at an open
    one again. ``lateness`` is the last reminder: each is given once, also when
    day 0 moves after it.
    """

    msg_id: MsgId
    root: MsgId
    side: Side  # OUTGOING: our EPJ asked or answered
    entry_id: str
    own_her: HerId
    partner_her: HerId
    patient_marks: frozenset[Mark]
    message_type: str
    message_id: MessageId | None
    conversation_id: ConversationId | None
    at: datetime
    parent: MsgId | None = None
    reply: Reply | None = None
    due_at: datetime | None = None
    lateness: Lateness | None = None
    counted_from: datetime | None = None  # day 0 of the reply time; None: it has none


def opened_turn(
    message: DialogMessage,
    *,
    side: Side,
    entry_id: str,
    own_her: HerId,
    partner_her: HerId,
    patient_marks: frozenset[Mark],
    message_id: MessageId | None,
    conversation_id: ConversationId | None,
    reply_expected: bool,
    at: datetime,
    policy: ReplyTimePolicy,
) -> Turn:
    """The turn that ``message`` makes; a question is open from GenDate, and at the latest
    from ``at``, until told otherwise.

    Where no reply is expected within the days of R-20, as about admitted patients
    (R-15), an open question has no reply time: ``counted_from`` is None.
    A message that names another root than its parent did is remarked (R-39), but
    the answers to it name that one too, and are right to do so.
    """
    ref = message.conversation
    turn = Turn(
        msg_id=message.msg_id,
        root=message.msg_id if ref is None else ref.conversation,
        side=side,
        entry_id=entry_id,
        own_her=own_her,
        partner_her=partner_her,
        patient_marks=patient_marks,
        message_type=message.type.value,
        message_id=message_id,
        conversation_id=conversation_id,
        at=at,
        parent=None if ref is None else ref.parent,
    )
    if message.type.value != REQUEST:
        return turn
    turn = replace(turn, reply=Reply.OPEN)
    # No reply time begins in the future, whatever the sender's clock says.
    return _counting(turn, min(message.gen_date, at), policy) if reply_expected else turn


def thread_facts(
    message: DialogMessage,
    parent: Turn | None,
    *,
    own_her: HerId,
    partner_her: HerId,
    patient_marks: Collection[Mark],
    question_added: bool | None = None,
) -> ThreadFacts:
    """What the rules need to know of the thread that ``message`` names (R-39, R-43, R-83).

    ``patient_marks`` are the patient's marks under every key still in use.
    """
    ref = message.conversation
    if ref is None:
        return ThreadFacts()
    if parent is None:
        return ThreadFacts(parent_known=False, question_added=question_added)
    is_answer = message.type.value == ANSWER
    return ThreadFacts(
        parent_known=True,
        same_patient=same_patient(parent.patient_marks, patient_marks),
        same_conversation=msg_id_key(ref.conversation) == msg_id_key(parent.root),
        same_services={parent.own_her, parent.partner_her} == {own_her, partner_her},
        asked_service=parent.own_her if is_answer and parent.side is Side.INCOMING else None,
        question_added=question_added,
    )


def counted(turn: Turn, day0: datetime, policy: ReplyTimePolicy) -> Turn:
    """An open question that has a reply time, now counted from ``day0``; others as they are."""
    if turn.reply is not Reply.OPEN or turn.counted_from is None:
        return turn
    return _counting(turn, day0, policy)


def _counting(turn: Turn, day0: datetime, policy: ReplyTimePolicy) -> Turn:
    reminder, _ = _deadlines(day0, policy)
    return replace(turn, counted_from=day0, due_at=reminder)


def looked_at(turn: Turn, now: datetime, policy: ReplyTimePolicy) -> Turn:
    """The turn after the sweep has looked at it at ``now``: its lateness, and the next look."""
    if turn.reply is not Reply.OPEN or turn.counted_from is None:
        return replace(turn, due_at=None)
    reminder, overdue = _deadlines(turn.counted_from, policy)
    if now >= overdue:
        return replace(turn, lateness=Lateness.OVERDUE, due_at=None)
    if now >= reminder:
        return replace(turn, lateness=turn.lateness or Lateness.DUE, due_at=overdue)
    return replace(turn, due_at=reminder)


def answered(turn: Turn) -> Turn:
    """The question after an answer came; the same object if it had one."""
    if turn.reply is not Reply.OPEN:
        return turn
    return replace(turn, reply=Reply.ANSWERED, due_at=None)


def closed(turn: Turn) -> Turn:
    """The question after a person closed it; the same object if it is not open."""
    if turn.reply is not Reply.OPEN:
        return turn
    return replace(turn, reply=Reply.CLOSED, due_at=None)


def _deadlines(day0: datetime, policy: ReplyTimePolicy) -> tuple[datetime, datetime]:
    """The instants when the third and the fifth working day are over, in Oslo."""
    first_day = local_day(day0)
    days = reply_deadlines(first_day, holidays_for(first_day, policy), policy)
    reminder, overdue = (
        datetime.combine(day + timedelta(days=1), time(), _OSLO).astimezone(UTC)
        for day in (days.reminder, days.overdue)
    )
    return reminder, overdue
