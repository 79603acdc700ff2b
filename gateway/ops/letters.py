"""Dead letters and parked queue messages in words and in JSON; never any content."""

from gateway.adapters.rabbitmq.parked import ParkedMessage
from gateway.domain.ledger import Side
from gateway.ops.desk import Letter, shown_id
from gateway.ops.wording import actor_text, error_class, local_time, on_one_line, utc_text

_SIDES: dict[Side | None, str] = {
    Side.OUTGOING: "ut / outgoing",
    Side.INCOMING: "inn / incoming",
    None: "-",
}


def letter_json(one: Letter) -> dict[str, object]:
    """One letter, for machines; never content."""
    letter, error = one.letter, error_class(one.letter.code)
    return {
        "letter_id": letter.letter_id,
        "side": None if letter.side is None else letter.side.value,
        "code": letter.code,
        "since": utc_text(letter.since),
        "msg_id": one.msg_id,
        "message_id": letter.message_id,
        "entry_id": letter.entry_id,
        "arrival_id": letter.arrival_id,
        "state": letter.state,
        "text_nb": error.text_nb,
        "text_en": error.text_en,
        "detail": letter.detail,
        "who_acts": error.who_acts.value,
    }


def letter_lines(one: Letter) -> str:
    """One letter, for people."""
    letter, error = one.letter, error_class(one.letter.code)
    known = [
        f"{name} {value}"
        for name, value in (("MsgId", one.msg_id), ("eb:MessageId", letter.message_id))
        if value is not None
    ]
    lines = [
        f"{shown_id(letter)}  {letter.code}  {_SIDES[letter.side]}"
        f"  siden / since {local_time(letter.since)}",
        *([f"    {', '.join(known)}"] if known else []),
        f"    {error.text_nb}",
        f"    {error.text_en}",
    ]
    if letter.detail not in ("", error.text_en):
        lines.append(f"    {letter.detail}")
    lines.append(f"    tiltak / acts: {actor_text(error.who_acts)}")
    return "\n".join(map(on_one_line, lines))


def parked_json(one: ParkedMessage) -> dict[str, object]:
    """One message on ``parked``, for machines."""
    return {
        "parked_id": one.parked_id,
        "message_id": one.message_id,
        "queue": one.queue,
        "reason": one.reason,
        "since": utc_text(one.since),
        "bytes": one.bytes,
    }


def parked_line(one: ParkedMessage) -> str:
    """One message on ``parked``, for people."""
    since = "-" if one.since is None else local_time(one.since)
    return on_one_line(
        f"{one.parked_id}  fra / from {one.queue or '-'}  siden / since {since}"
        f"  {one.reason or '-'}  {one.bytes} bytes  message_id {one.message_id or '-'}"
    )
