"""The original question put into an answer that does not repeat it (R-43, HIS 1152)."""

from copy import deepcopy
from dataclasses import replace

from lxml import etree

from gateway.codecs.msghead_write import question_element
from gateway.codecs.xml import DIALOG_1_0
from gateway.domain.message import DialogMessage, Question

_NOTE = f"{{{DIALOG_1_0}}}Notat"
_QUESTION = f"{{{DIALOG_1_0}}}Foresporsel"
_ROLE = f"{{{DIALOG_1_0}}}RollerRelatertNotat"


def repeated_question(asked: DialogMessage) -> Question | None:
    """The question of a message as version 1.0 can repeat it; None when it asks nothing.

    Several asked at once become one text. An answer that is answered lends the
    question that it repeats.
    """
    questions = asked.questions or tuple(n.question for n in asked.notes if n.question)
    if not questions:
        return None
    first = questions[0]
    text = "\n\n".join(one.text for one in questions if one.text) or None
    return replace(
        first,
        text=text,
        subject=None,
        coded_information=None,
        journal_info=first.journal_info[:1],
        roles=tuple(replace(r, unit=None) for r in first.roles if r.person is not None),
    )


def with_question(answer: etree._Element, asked: DialogMessage) -> bytes | None:
    """The answer's document with the question of another message repeated in its first note.

    Args:
        answer: a MsgHead with Dialogmelding 1.0; left as it is.
        asked: the message that was asked.

    Returns:
        The new document in UTF-8; None when there is no note without a question,
        or nothing to repeat. All else in it stays as it was; a ds:Signature would
        break, so the caller leaves signed answers alone.

    Raises:
        MalformedMessage: the question has what version 1.0 cannot say.
    """
    question = repeated_question(asked)
    work = deepcopy(answer.getroottree()).getroot()
    note = next(work.iter(_NOTE), None)
    if question is None or note is None or note.find(_QUESTION) is not None:
        return None
    copy = question_element(question)
    role = note.find(_ROLE)
    if role is None:
        note.append(copy)
    else:
        role.addprevious(copy)  # the schema wants the question before the roles
    return etree.tostring(work.getroottree(), encoding="UTF-8", xml_declaration=True)
