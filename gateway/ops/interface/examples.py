"""One example of everything that crosses the EPJ interface. Everybody in them is invented."""

from typing import Any, Final

from gateway.codecs.epj_events import EVENTS
from gateway.domain.delivery import Transport
from gateway.errors import AnswerOverdue, NoRoute

Example = dict[str, Any]

QUESTION_ID: Final = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a01"
ANSWER_ID: Final = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1a02"
_MESSAGE_ID: Final = "b0d4f3c8-52a4-4c7e-8d86-7c3f3f1f9a10"
_CONVERSATION_ID: Final = "4a1f7f0e-1f43-4f6b-a7b0-0a4b8a3c2d55"

REQUEST: Final[Example] = {
    "kind": "request",
    "msg_id": QUESTION_ID,
    "from": "8668:S0304",
    "to": "920000/Sykepleietjeneste",
    "patient": {
        "family_name": "Oppdiktet",
        "given_name": "Pasient",
        "date_of_birth": "1950-05-01",
        "sex": "2",
        "idents": [{"type": "FNR", "id": "01855010069"}],
    },
    "author": {
        "family_name": "Testesen",
        "given_name": "Prøve",
        "role": "21",
        "profession": "SP",
        "phone": "+47 00 00 00 00",
    },
    "text": "Kan dere ta blodprøve på torsdag?\n\n"
    "Hilsen sykepleier Prøve Testesen, Blodsykdommer, Demo sykehus",
    "reference": "epikrise 12.11.2026",
}
ANSWER: Final[Example] = {
    "kind": "answer",
    "msg_id": ANSWER_ID,
    "reply_to": QUESTION_ID,
    "author": {
        "family_name": "Prøvesen",
        "given_name": "Test",
        "profession": "SP",
        "phone": "+47 00 00 00 00",
    },
    "text": "Ja, prøven tas torsdag før kl. 10.\n\n"
    "Hilsen sykepleier Test Prøvesen, Sykepleietjenesten, Demo kommune",
}
STORED: Final[Example] = {"msg_id": ANSWER_ID, "outcome": "stored"}
REFUSED: Final[Example] = {
    "msg_id": ANSWER_ID,
    "outcome": "refused",
    "errors": [{"code": "E35", "text": "Pasienten finnes ikke i vårt system."}],
}
NOTICE: Final[Example] = {
    "letter_id": "0a4f2a57-4a0b-4b7e-bb0e-1f7d5f3f9d01",
    "reason": AnswerOverdue.code,
    "since": "2026-11-27T09:00:01Z",
}
SEND_ORDER: Final[Example] = {"message_id": _MESSAGE_ID}
ARRIVAL: Final[Example] = {"arrival_id": "7d7f0d6e-6f0b-4f4d-9d6f-5a0e4f6f2b11"}
INCOMING_HEADERS: Final[Example] = {
    "x-sender-her": "920002",
    "x-receiver-her": "910004",
    "x-other-receivers": "910005",
    "x-service-code": "8668:S0304",
    "x-ref-to-parent": QUESTION_ID,
    "x-urgent": False,
    "x-removed-attachments": 0,
    "x-follow-up": "R-39",
}
NOTICE_HEADERS: Final[Example] = {
    "x-reason": AnswerOverdue.code,
    "x-message-id": _MESSAGE_ID,
    "x-since": "2026-11-27T09:00:01Z",
}

_OVERDUE: Final[Example] = {
    "code": AnswerOverdue.code,
    "rule": None,
    "text_nb": AnswerOverdue.text_nb,
    "text_en": AnswerOverdue.text_en,
    "who_acts": AnswerOverdue.who_acts.value,
}
_PARTNERS_WORD: Final[Example] = {
    "code": "E35",
    "rule": None,
    "text_nb": "Pasienten finnes ikke i vårt system.",
    "text_en": "Pasienten finnes ikke i vårt system.",
    "who_acts": "sender",
}
_NO_ROUTE: Final[Example] = {
    "code": NoRoute.epj_code,
    "rule": "R-82",
    "text_nb": NoRoute.text_nb,
    "text_en": NoRoute.text_en,
    "who_acts": NoRoute.who_acts.value,
}
# Of each event: where the message stands then. What is left out is as in _event.
_STANDS: Final[dict[str, Example]] = {
    "accepted": {"transport": Transport.WAITING.value, "attempts": 0},
    "rejected": {
        "transport": None,
        "message_id": None,
        "conversation_id": None,
        "receiver_her": None,
        "service_code": None,
        "attempts": 0,
        "due_at": None,
        "reasons": [_NO_ROUTE],
    },
    "sent": {"transport": Transport.SENT.value},
    "acknowledged": {},
    "confirmed": {"answer": "ok", "due_at": None},
    "refused": {"answer": "refused", "due_at": None, "reasons": [_PARTNERS_WORD]},
    "unconfirmed": {"due_at": None, "reasons": [_OVERDUE]},
    "dead-lettered": {"due_at": None, "reasons": [_OVERDUE]},
    "replayed": {"transport": Transport.WAITING.value, "attempts": 0},
    "discarded": {"due_at": None},
    "reply-due": {"answer": "ok", "due_at": None},
    "reply-overdue": {"answer": "ok", "due_at": None},
    "replied": {"answer": "ok", "due_at": None},
}


def status_event(name: str) -> Example:
    """The status event ``name`` about :data:`REQUEST`."""
    number = list(EVENTS).index(name)
    data: Example = {
        "msg_id": QUESTION_ID,
        "message_id": _MESSAGE_ID,
        "conversation_id": _CONVERSATION_ID,
        "receiver_her": "920002",
        "service_code": "8663:KP02",
        "transport": Transport.ACKNOWLEDGED.value,
        "answer": None,
        "removed": [],
        "reasons": [],
        "attempts": 1,
        "due_at": "2026-11-23T09:30:00.000000Z",
    }
    return {
        "specversion": "1.0",
        "id": f"e3c1a7d2-0000-4000-8000-0000000000{number:02d}",
        "source": "/dialog-gateway/910000",
        "type": f"no.dialoggateway.message.{name}.v1",
        "subject": QUESTION_ID,
        "time": "2026-11-23T09:00:00.125000Z",
        "datacontenttype": "application/json",
        "data": data | _STANDS[name],
    }
