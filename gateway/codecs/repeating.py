"""The original question put into an answer that does not repeat it (R-43, HIS 1152)."""

from copy import deepcopy

from lxml import etree

from gateway.codecs.xml import DIALOG_1_0

_NOTE = f"{{{DIALOG_1_0}}}Notat"
_QUESTION = f"{{{DIALOG_1_0}}}Foresporsel"
_ROLE = f"{{{DIALOG_1_0}}}RollerRelatertNotat"


def with_question(answer: etree._Element, question: etree._Element) -> bytes | None:
    """The answer's document with the question of another document repeated in its first note.

    Args:
        answer: a MsgHead with Dialogmelding 1.0; left as it is.
        question: the MsgHead that was asked.

    Returns:
        The new document in UTF-8; None when there is no note without a question,
        or nothing to repeat. All else in it stays as it was; a ds:Signature would
        break, so the caller leaves signed answers alone.
    """
    asked = next(question.iter(_QUESTION), None)
    work = deepcopy(answer.getroottree()).getroot()
    note = next(work.iter(_NOTE), None)
    if asked is None or note is None or note.find(_QUESTION) is not None:
        return None
    copy = deepcopy(asked)
    copy.tail = None
    role = note.find(_ROLE)
    if role is None:
        note.append(copy)
    else:
        role.addprevious(copy)  # the schema wants the question before the roles
    return etree.tostring(work.getroottree(), encoding="UTF-8", xml_declaration=True)
