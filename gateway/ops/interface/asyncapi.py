"""The AsyncAPI 3 document: every queue, both ends of it, and what passes through.

Operations of the EPJ and of the gateway stand side by side; their tag says whose
they are. Queues that only the gateway uses carry the tag ``internal``: they are
described for who operates the broker, and may change.
"""

from typing import Any, Final

from gateway.codecs.epj_events import EVENTS
from gateway.ops.interface import examples
from gateway.ops.interface.examples import Example
from gateway.queues import Queue

INTERFACE_VERSION: Final = "1.0.0"
"""Of the interface, not of the gateway: it changes when an EPJ has to."""

_EPJ: Final = "epj"
_GATEWAY: Final = "gateway"
_OPERATOR: Final = "operator"
_INTERNAL: Final = "internal"

_PERSISTENT: Final = 2  # AMQP delivery mode

# id -> (queue, summary, internal, messages)
_CHANNELS: Final[dict[str, tuple[Queue, str, bool, tuple[str, ...]]]] = {
    "epjOutgoing": (
        Queue.EPJ_OUTGOING,
        "Dialogue messages that shall be sent.",
        False,
        ("dialogueDocument", "dialogueRequest", "dialogueAnswer"),
    ),
    "epjStatus": (
        Queue.EPJ_STATUS,
        "What became of each message handed in.",
        False,
        ("statusEvent",),
    ),
    "epjIncoming": (
        Queue.EPJ_INCOMING,
        "Dialogue messages that came in; each waits for a confirmation.",
        False,
        ("incomingDocument",),
    ),
    "epjConfirmations": (
        Queue.EPJ_CONFIRMATIONS,
        "The EPJ's word that a message is stored, or why not; becomes the AppRec.",
        False,
        ("confirmation",),
    ),
    "transportSend": (
        Queue.TRANSPORT_SEND,
        "Orders to make one attempt to send a recorded envelope; ids only.",
        True,
        ("sendOrder",),
    ),
    "transportReceived": (
        Queue.TRANSPORT_RECEIVED,
        "Notices that bytes from a transport are stored; ids only.",
        True,
        ("arrivalNotice",),
    ),
    "deadLetters": (
        Queue.DEAD_LETTERS,
        "Notices for people, one for each message that needs a person; never content.",
        True,
        ("deadLetterNotice",),
    ),
    "parked": (
        Queue.PARKED,
        "Queue messages that could not be settled, as they came; RabbitMQ's dead-letter target.",
        True,
        ("parkedMessage",),
    ),
}

# id -> (channel, action, whose, summary)
_OPERATIONS: Final[dict[str, tuple[str, str, str, str]]] = {
    "epjSendsDialogue": ("epjOutgoing", "send", _EPJ, "Hand in a message."),
    "gatewayTakesDialogue": (
        "epjOutgoing",
        "receive",
        _GATEWAY,
        "Take it over, or refuse it with every reason; acknowledged after the commit.",
    ),
    "gatewayTellsStatus": ("epjStatus", "send", _GATEWAY, "Tell what became of a message."),
    "epjFollowsStatus": ("epjStatus", "receive", _EPJ, "Follow the messages handed in."),
    "gatewayHandsOverDialogue": ("epjIncoming", "send", _GATEWAY, "Hand over what came in."),
    "epjStoresDialogue": (
        "epjIncoming",
        "receive",
        _EPJ,
        "Store it in the patient's record, confirm it, and only then acknowledge the delivery.",
    ),
    "epjConfirmsDialogue": (
        "epjConfirmations",
        "send",
        _EPJ,
        "Confirm, once for each message (again does no harm).",
    ),
    "gatewayAnswersPartner": (
        "epjConfirmations",
        "receive",
        _GATEWAY,
        "Make the AppRec of it.",
    ),
    "gatewayOrdersSending": ("transportSend", "send", _GATEWAY, "Order an attempt."),
    "gatewaySends": ("transportSend", "receive", _GATEWAY, "Make the attempt."),
    "gatewayNoticesArrival": ("transportReceived", "send", _GATEWAY, "Tell of an arrival."),
    "gatewayReadsArrival": ("transportReceived", "receive", _GATEWAY, "Read what arrived."),
    "gatewayWarnsOperator": ("deadLetters", "send", _GATEWAY, "Ask for a person."),
    "operatorSeesDeadLetters": (
        "deadLetters",
        "receive",
        _OPERATOR,
        "Look, by `dialog-gateway dead-letters`; replay and discard remove the notice.",
    ),
    "operatorSeesParked": (
        "parked",
        "receive",
        _OPERATOR,
        "Look, by the same command; replay puts a message back where it came from.",
    ),
}


def asyncapi() -> dict[str, Any]:
    """The document as plain data; schemas of JSON bodies are files beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "dialog-gateway: EPJ interface",
            "version": INTERFACE_VERSION,
            "description": "Dialogue messages (dialogmeldinger) between an EPJ and the partners "
            "of the health network, through RabbitMQ. An EPJ hands in MsgHead documents or JSON, "
            "follows what becomes of them, takes in what comes, and confirms that it is stored. "
            "docs/epj-interface.md explains it, examples/epj.py does it.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "rabbitmq.example.invalid:5671",
                "protocol": "amqps",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ; plain amqp on loopback only. Queues stand when the "
                "gateway has started once; an EPJ declares none.",
            }
        },
        "channels": {name: _channel(name) for name in _CHANNELS},
        "operations": {name: _operation(name) for name in _OPERATIONS},
        "components": {
            "messages": {name: one | {"traits": [_TRACED]} for name, one in _messages().items()},
            "messageTraits": {"traced": _traced()},
        },
    }


_TRACED: Final = {"$ref": "#/components/messageTraits/traced"}


def _channel(name: str) -> dict[str, Any]:
    queue, summary, internal, messages = _CHANNELS[name]
    return {
        "address": "{prefix}" + queue.value,
        "summary": summary,
        "parameters": {
            "prefix": {
                "description": "Configured for each gateway (`broker.prefix`), with its final dot; "
                "may be empty.",
                "examples": ["hospital."],
            }
        },
        "messages": {one: {"$ref": f"#/components/messages/{one}"} for one in messages},
        "tags": [{"name": _INTERNAL if internal else _EPJ}],
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {
                    "name": "{prefix}" + queue.value,
                    "durable": True,
                    "exclusive": False,
                    "autoDelete": False,
                },
                "bindingVersion": "0.3.0",
            }
        },
        "x-queue-type": "quorum",
    }


def _operation(name: str) -> dict[str, Any]:
    channel, action, whose, summary = _OPERATIONS[name]
    binding: dict[str, Any] = (
        {"deliveryMode": _PERSISTENT, "mandatory": True} if action == "send" else {"ack": True}
    )
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "tags": [{"name": whose}],
        "messages": [
            {"$ref": f"#/channels/{channel}/messages/{one}"} for one in _CHANNELS[channel][3]
        ],
        "bindings": {"amqp": binding | {"bindingVersion": "0.3.0"}},
    }


def _messages() -> dict[str, Any]:
    handed_in = {"message_id": "A new UUID; only named where the message has no readable msg_id."}
    return {
        "dialogueDocument": {
            "title": "MsgHead document",
            "contentType": "application/xml",
            "summary": "MsgHead 1.2 with Dialogmelding 1.0 (HIS 80601, HIS 80603), unsigned.",
            "payload": _xml("A DIALOG_FORESPORSEL or DIALOG_SVAR; schemas/msghead.xsd."),
            "x-amqp-properties": handed_in,
        },
        "dialogueRequest": {
            "title": "Request as JSON",
            "contentType": "application/json",
            "summary": "A question; the gateway makes the MsgHead.",
            "payload": {"$ref": "./schemas/dialogue-request.json"},
            "x-amqp-properties": handed_in,
            "examples": [{"name": "request", "payload": examples.REQUEST}],
        },
        "dialogueAnswer": {
            "title": "Answer as JSON",
            "contentType": "application/json",
            "summary": "An answer; parties, patient and question are taken from the thread.",
            "payload": {"$ref": "./schemas/dialogue-answer.json"},
            "x-amqp-properties": handed_in,
            "examples": [{"name": "answer", "payload": examples.ANSWER}],
        },
        "statusEvent": {
            "title": "Status event",
            "contentType": "application/cloudevents+json",
            "summary": "CloudEvents 1.0. "
            + " ".join(f"{name}: {text}" for name, text in EVENTS.items()),
            "payload": {"$ref": "./schemas/status-event.json"},
            "x-amqp-properties": {
                "message_id": "The event's id: drop a second one with the same.",
                "correlation_id": "eb:ConversationId; absent when the message never got one.",
                "type": "The event's type.",
            },
            "examples": [
                {"name": name, "summary": text, "payload": examples.status_event(name)}
                for name, text in EVENTS.items()
            ],
        },
        "incomingDocument": {
            "title": "MsgHead that came in",
            "contentType": "application/xml",
            "summary": "As the partner sent it, verified and unsealed; attachments and markup "
            "taken out where the gateway is configured to.",
            "headers": _incoming_headers(),
            "payload": _xml("A DIALOG_FORESPORSEL or DIALOG_SVAR as plain text."),
            "x-amqp-properties": {
                "message_id": "MsgId: drop, but confirm, a second one with the same.",
                "correlation_id": "eb:ConversationId.",
                "type": "Kind of the message, kodeverk 8279.",
            },
            "examples": [
                {
                    "name": "incoming",
                    "headers": examples.INCOMING_HEADERS,
                    "payload": '<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24">…'
                    "</MsgHead>",
                }
            ],
        },
        "confirmation": {
            "title": "Confirmation",
            "contentType": "application/json",
            "summary": "Stored, or refused and why.",
            "payload": {"$ref": "./schemas/confirmation.json"},
            "examples": [
                {"name": "stored", "payload": examples.STORED},
                {"name": "refused", "payload": examples.REFUSED},
            ],
        },
        "sendOrder": _ids_only("Order to send", "message_id", examples.SEND_ORDER),
        "arrivalNotice": _ids_only("Notice of an arrival", "arrival_id", examples.ARRIVAL),
        "deadLetterNotice": {
            "title": "Notice of a dead letter",
            "contentType": "application/json",
            "summary": "Which letter, why, since when; the content stays in the journal.",
            "headers": _texts("x-reason", "x-message-id", "x-since"),
            "payload": _texts("letter_id", "reason", "since"),
            "x-amqp-properties": {"message_id": "The letter's id."},
            "examples": [
                {
                    "name": "overdue",
                    "headers": examples.NOTICE_HEADERS,
                    "payload": examples.NOTICE,
                }
            ],
        },
        "parkedMessage": {
            "title": "Parked message",
            "contentType": "application/octet-stream",
            "summary": "Any queue message, unchanged; x-death, set by RabbitMQ, says where from "
            "and why. It may hold patient content.",
            "payload": {"type": "string", "format": "binary"},
        },
    }


def _incoming_headers() -> dict[str, Any]:
    her = {"type": "string", "pattern": "^[0-9]+$"}
    return {
        "type": "object",
        "required": ["x-sender-her", "x-receiver-her", "x-urgent", "x-removed-attachments"],
        "properties": {
            "x-sender-her": her | {"description": "HER-id of the service or person that sent it."},
            "x-receiver-her": her | {"description": "HER-id of our service."},
            "x-other-receivers": {
                "type": "string",
                "pattern": "^[0-9]+(,[0-9]+)*$",
                "description": "HER-ids of our other services that the message names, with a "
                "comma between them; absent when there are none. Each of them is to be "
                "confirmed as well, with receiver_her.",
            },
            "x-service-code": {
                "type": "string",
                "description": "Type of our service, such as 8668:S0304; absent for a person.",
            },
            "x-follow-up": {
                "type": "string",
                "pattern": "^R-[0-9]+(,R-[0-9]+)*$",
                "description": "Rules of the guideline by which somebody should look at it, such "
                "as R-39 for another patient than that of its thread; absent when there is none.",
            },
            "x-ref-to-parent": {
                "type": "string",
                "description": "MsgId of the message answered; absent in a new dialogue.",
            },
            "x-urgent": {
                "type": "boolean",
                "description": "It may be urgent: show it at once (R-12).",
            },
            "x-removed-attachments": {
                "type": "integer",
                "minimum": 0,
                "description": "Attachments taken out; the reader must be told when above 0.",
            },
        },
    }


def _traced() -> dict[str, Any]:
    return {
        "headers": {
            "type": "object",
            "properties": {
                "traceparent": {
                    "type": "string",
                    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
                    "description": "W3C Trace Context: what follows from the message carries the "
                    "trace on. Not needed; a malformed one is ignored.",
                }
            },
        }
    }


def _ids_only(title: str, name: str, example: Example) -> dict[str, Any]:
    return {
        "title": title,
        "contentType": "application/json",
        "summary": "An id and nothing else; losing it costs nothing.",
        "payload": _texts(name),
        "examples": [{"name": "example", "payload": example}],
    }


def _texts(*names: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": "string"} for name in names},
        "additionalProperties": False,
    }


def _xml(description: str) -> dict[str, Any]:
    return {
        "type": "string",
        "contentMediaType": "application/xml",
        "description": description,
    }
