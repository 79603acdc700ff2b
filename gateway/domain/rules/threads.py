"""A thread keeps to one patient, two services and its question (R-39, R-43, R-83)."""

from collections.abc import Iterator
from typing import Final

from gateway.domain.findings import Stage
from gateway.domain.message import ANSWER
from gateway.domain.rules.model import (
    ADVISE,
    CONTENT,
    CONVERSATION,
    FOLLOW_UP,
    PATIENT,
    REJECT,
    SENDER,
    Case,
    Hit,
    Rule,
    Section,
)

_CODES: Final = ("EPJ_THREAD",)


def _same_matter(case: Case) -> Iterator[Hit]:
    if case.message.conversation is None:
        return
    thread = case.thread
    if thread.same_patient is False:
        yield Hit(
            nb="Meldingen gjelder en annen pasient enn tråden. Start en ny tråd.",
            en="The message is about another patient than its thread. Start a new thread.",
            where=PATIENT,
        )
    if thread.parent_known and thread.same_patient is None:
        yield Hit(
            cls=ADVISE if case.outgoing else FOLLOW_UP,
            nb="Pasienten er oppgitt på en annen måte enn i tråden. Se etter at det er den samme.",
            en="The patient is identified in another way than in the thread. "
            "See that it is the same.",
            where=PATIENT,
        )
    if thread.same_services is False:
        yield Hit(
            nb="Avsender eller mottaker er en annen tjeneste enn i tråden. Start en ny tråd.",
            en="Sender or receiver is another service than in the thread. Start a new thread.",
            where=SENDER,
        )
    if thread.same_conversation is False:
        yield Hit(
            nb="RefToConversation viser til en annen tråd enn den som meldingen svarer i "
            "(RefToParent).",
            en="RefToConversation names another thread than that of the message referred to "
            "(RefToParent).",
            where=CONVERSATION,
        )
    if thread.parent_known is False:
        # Also outgoing no reason to refuse: threads are older than a gateway, and
        # may start with a referral that never passed here (HITS 1218).
        yield Hit(
            cls=ADVISE if case.outgoing else FOLLOW_UP,
            nb="Meldingen viser til en tidligere melding som ikke finnes her; den regnes som en "
            "ny tråd.",
            en="The message refers to an earlier one that is not known here; it counts as a "
            "new thread.",
            where=CONVERSATION,
        )


def _answer_has_question(case: Case) -> Iterator[Hit]:
    if case.kind != ANSWER:
        return
    if case.message.conversation is None:
        yield Hit(
            nb="Svaret viser ikke til forespørselen (ConversationRef mangler).",
            en="The answer does not refer to the request (ConversationRef is missing).",
            where=CONVERSATION,
        )
    repeated = any(note.question is not None for note in case.message.notes)
    if case.message.dialog_version == "1.0" and not repeated and not case.thread.question_added:
        yield Hit(
            nb="Svaret gjentar ikke spørsmålet som det svarer på.",
            en="The answer does not repeat the question that it answers.",
            where=CONTENT,
        )


def _answers_from_where_asked(case: Case) -> Iterator[Hit]:
    asked = case.thread.asked_service
    if case.outgoing and case.kind == ANSWER and asked not in (None, case.message.sender.her):
        yield Hit(
            nb="Svaret må sendes fra tjenesten som fikk forespørselen.",
            en="The answer must be sent from the service that got the request.",
            where=SENDER,
        )


RULES: Final = (
    Rule(
        id="R-39",
        section=Section.TEXT,
        stage=Stage.ADDRESS,
        nb="En tråd gjelder samme pasient, samme tjenester og samme problemstilling. "
        "Gjelder det noe annet, start en ny tråd. RefToParent og RefToConversation viser til "
        "samme tråd.",
        en="A thread keeps to its patient and its two services, and RefToConversation to the "
        "thread of RefToParent. National numbers tell patients apart where both messages have "
        "one, else name, birth date and sex; what cannot be compared is remarked on. A message "
        "that refers to an unknown one counts as the start of a new thread.",
        outgoing=(REJECT, ADVISE),
        incoming=(FOLLOW_UP,),
        codes=_CODES,
        check=_same_matter,
    ),
    Rule(
        id="R-43",
        section=Section.KIND,
        nb="Et svar viser til forespørselen og gjentar spørsmålet.",
        en="An answer refers to the request (ConversationRef) and, in version 1.0, repeats it.",
        outgoing=(ADVISE,),
        incoming=(FOLLOW_UP,),
        codes=_CODES,
        check=_answer_has_question,
    ),
    Rule(
        id="R-83",
        section=Section.ADDRESS,
        stage=Stage.ADDRESS,
        nb="Avsender er tjenesten, ikke hele virksomheten, og svar sendes fra tjenesten som fikk "
        "forespørselen.",
        en="The sender is the service, not the enterprise; an answer comes from the service that "
        "got the request.",
        outgoing=(REJECT,),
        codes=_CODES,
        check=_answers_from_where_asked,
    ),
)
