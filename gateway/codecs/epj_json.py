"""A dialogue message as JSON -> the MsgHead document that goes out.

For EPJs that do not write MsgHead themselves. The bytes come from a queue and
are read strictly: UTF-8, bounded, no name twice, nothing that is not JSON.
"""

import difflib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.codecs.epj_compose import compose_answer, compose_request
from gateway.codecs.epj_models import (
    UUID_PATTERN,
    Author,
    Dialogue,
    DialogueAnswer,
    DialogueRequest,
    Facts,
    Patient,
    PatientIdent,
    ShapeFault,
)
from gateway.codecs.msghead import render_answer, render_request
from gateway.domain.addressbook import AddressBook
from gateway.domain.identifiers import MsgId
from gateway.domain.message import DialogMessage
from gateway.domain.rules.facts import EpjFacts
from gateway.domain.services import ServiceType
from gateway.errors import Fault, MalformedMessage, TooLarge

JSON_TYPE: Final = "application/json"
MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 8  # the schema needs 4
MAX_FAULTS: Final = 20

_KINDS: Final[dict[str, type[DialogueRequest] | type[DialogueAnswer]]] = {
    "request": DialogueRequest,
    "answer": DialogueAnswer,
}
# By the library's error types: its texts may quote the message, these never do.
_TEXTS: Final = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "has the wrong form",
    "literal_error": "is not one of the values allowed",
    "enum": "is not one of the values allowed",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "too_long": "has too many entries",
    "model_type": "must be an object",
    "date_type": "must be a date, as 1950-12-31",
    "date_parsing": "must be a date, as 1950-12-31",
    "date_from_datetime_parsing": "must be a date, as 1950-12-31",
    "date_from_datetime_inexact": "must be a date, as 1950-12-31",
    "datetime_type": "must be a time with zone, as 2026-03-04T10:15:30+01:00",
    "datetime_parsing": "must be a time with zone, as 2026-03-04T10:15:30+01:00",
    "datetime_from_date_parsing": "must be a time with zone, as 2026-03-04T10:15:30+01:00",
    "timezone_aware": "must be a time with zone, as 2026-03-04T10:15:30+01:00",
}
_UUID: Final = re.compile(UUID_PATTERN)
_NAMES: Final = frozenset(
    field.alias or name
    for model in (DialogueRequest, DialogueAnswer, Patient, PatientIdent, Author, Facts)
    for name, field in model.model_fields.items()
)


def parse_epj_json(body: bytes, *, max_bytes: int = MAX_BYTES) -> Dialogue:
    """Read a dialogue request or answer.

    Raises:
        TooLarge: more bytes, or deeper, than allowed.
        MalformedMessage: not strict JSON in UTF-8, or not as the schema has it.
            ``faults`` gives every place as a JSON path, and never a value; an
            unknown field is not named either, for it may hold anything.
    """
    data = _read(body, max_bytes)
    kind = data.get("kind")
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        _refuse((Fault("$.kind", "$.kind: must be request or answer"),))
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    _refuse(tuple(_fault(detail) for detail in found[:MAX_FAULTS]))


def reply_to_of(model: Dialogue) -> MsgId | None:
    """MsgId of the question that ``model`` answers, to look it up; None for a request."""
    return MsgId(model.reply_to) if isinstance(model, DialogueAnswer) else None


def facts_of(model: Dialogue) -> EpjFacts | None:
    """What the EPJ said of the patient, for screening; None when it said nothing."""
    return None if model.facts is None else EpjFacts(**dict(model.facts))


def document_of(
    model: Dialogue,
    *,
    book: AddressBook,
    services: Sequence[ServiceType],
    now: datetime,
    questions: Sequence[DialogMessage] = (),
) -> bytes:
    """The MsgHead document that ``model`` asks for, in UTF-8.

    Args:
        model: from :func:`parse_epj_json`.
        book: parties and their names.
        services: for addresses that name a service.
        now: GenDate unless the EPJ gave one.
        questions: the messages that came in under :func:`reply_to_of`, of
            whichever partner; empty when none is known, and for a request.

    Raises:
        NotOurSender, NoRoute, MalformedMessage: see ``epj_compose``.
    """
    if isinstance(model, DialogueAnswer):
        return render_answer(compose_answer(model, questions, book, services, now=now))
    return render_request(compose_request(model, book, services, now=now))


def document_from_json(
    body: bytes,
    *,
    book: AddressBook,
    services: Sequence[ServiceType],
    now: datetime,
    questions_of: Callable[[MsgId], Sequence[DialogMessage]],
) -> bytes:
    """Both steps at once, for callers whose look-up of questions does not wait.

    Raises:
        TooLarge, MalformedMessage, NotOurSender, NoRoute: see the steps.
    """
    model = parse_epj_json(body)
    reply_to = reply_to_of(model)
    questions = () if reply_to is None else questions_of(reply_to)
    return document_of(model, book=book, services=services, now=now, questions=questions)


def peek_msg_id(body: bytes) -> MsgId | None:
    """The msg_id of a body that may be refused, so that the refusal can name it; never raises."""
    try:
        msg_id = _read(body, MAX_BYTES).get("msg_id")
    except (MalformedMessage, TooLarge):
        return None
    if isinstance(msg_id, str) and _UUID.fullmatch(msg_id):
        return MsgId(msg_id)
    return None


def _read(body: bytes, max_bytes: int) -> dict[str, Any]:
    if len(body) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes of JSON")
    try:
        data = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except MalformedMessage:
        raise
    except (ValueError, RecursionError):  # the latter: nested beyond all reason
        _refuse((Fault("$", "$: not JSON in UTF-8"),))
    if _deeper_than(data, MAX_DEPTH):
        raise TooLarge(f"nested deeper than {MAX_DEPTH} levels")
    if not isinstance(data, dict):
        _refuse((Fault("$", "$: must be an object"),))
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse((Fault("$", "$: a name stands twice in one object"),))
    return found


def _no_constant(_: str) -> NoReturn:
    _refuse((Fault("$", "$: NaN and Infinity are not JSON"),))


def _deeper_than(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth == 0 or any(_deeper_than(v, depth - 1) for v in value.values())
    if isinstance(value, list):
        return depth == 0 or any(_deeper_than(v, depth - 1) for v in value)
    return False


def _fault(error: ErrorDetails) -> Fault:
    loc, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        where = _path(loc[:-1])
        near = difflib.get_close_matches(str(loc[-1])[:40], sorted(_NAMES), n=1)
        hint = f"; perhaps {near[0]} was meant" if near else ""
        return Fault(where, f"{where}: an unknown field{hint}")
    ours = error.get("ctx", {}).get("error")
    text = str(ours) if isinstance(ours, ShapeFault) else _TEXTS.get(kind, "is not as agreed")
    return Fault(_path(loc), f"{_path(loc)}: {text}")


def _path(loc: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _refuse(faults: tuple[Fault, ...]) -> NoReturn:
    raise MalformedMessage(faults[0].detail, where=faults[0].where, faults=faults) from None
