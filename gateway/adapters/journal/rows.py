"""What stands in a column for a value of the domain."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from gateway.domain.envelope import SignedReference
from gateway.domain.identifiers import MsgId, msg_id_key
from gateway.domain.ledger import Removed
from gateway.domain.reasons import Reason

Row = tuple[Any, ...]
"""One row as the driver gives it, in the order of the table's columns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def of_msg_id(rows: Iterable[Row], place: int, msg_id: MsgId) -> list[Row]:
    """The rows with this MsgId in column ``place``; SQL leaves letter case out for all ids."""
    key = msg_id_key(msg_id)
    return [row for row in rows if msg_id_key(row[place]) == key]


def micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC; a naive instant is a TypeError."""
    return (instant - _EPOCH) // _MICROSECOND


def micros_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    return _EPOCH + timedelta(microseconds=number)


def instant_or_none(number: int | None) -> datetime | None:
    return None if number is None else _EPOCH + timedelta(microseconds=number)


def flat_json(values: Mapping[str, str | int | bool | None]) -> str | None:
    """A flat object as JSON; None when it is empty."""
    return _to_json(dict(values)) if values else None


def flat(text: str | None) -> dict[str, Any]:
    return {} if text is None else cast(dict[str, Any], json.loads(text))


def removed_json(removed: tuple[Removed, ...]) -> str | None:
    return _to_json([(r.mime, r.bytes) for r in removed]) if removed else None


def removed_from(text: str | None) -> tuple[Removed, ...]:
    if text is None:
        return ()
    return tuple(Removed(mime=mime, bytes=size) for mime, size in json.loads(text))


def references_json(references: tuple[SignedReference, ...]) -> str | None:
    if not references:
        return None
    # Latin-1 maps every byte to one character and back, whatever the bytes are.
    return _to_json(
        [(r.uri, r.digest_method, r.digest, r.xml.decode("latin-1")) for r in references]
    )


def references_from(text: str | None) -> tuple[SignedReference, ...]:
    if text is None:
        return ()
    return tuple(
        SignedReference(uri=uri, digest_method=method, digest=digest, xml=xml.encode("latin-1"))
        for uri, method, digest, xml in json.loads(text)
    )


def notes_json(reasons: tuple[Reason, ...], last_event: str | None = None) -> bytes | None:
    """Reasons and last event as JSON for sealing: a partner's words may quote a message."""
    if not reasons and last_event is None:
        return None
    words = [(r.code, r.text_nb, r.text_en, r.who_acts, r.rule) for r in reasons]
    return _to_json([words, last_event]).encode()


def notes_from(plain: bytes) -> tuple[tuple[Reason, ...], str | None]:
    words, last_event = json.loads(plain)
    reasons = tuple(
        Reason(code=code, text_nb=nb, text_en=en, who_acts=who, rule=rule)
        for code, nb, en, who, rule in words
    )
    return reasons, last_event
