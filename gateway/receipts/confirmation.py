"""What the EPJ says on ``epj.confirmations``, from its JSON (design §3)."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from gateway.domain.identifiers import LONGEST_ID, HerId, MsgId, fits
from gateway.domain.receipt import Answer, ReceiptError, receipt_error
from gateway.errors import BadConfirmation

_OUTCOMES = {"stored": Answer.OK, "refused": Answer.REJECTED}
_MOST_ERRORS = 20
_LONGEST_TEXT = 2_000
_HER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A message on ``epj.confirmations``, read (design §3)."""

    msg_id: MsgId
    receiver_her: HerId | None  # None: the one that the envelope was for
    sender_her: HerId | None  # needed only where two partners use one MsgId
    outcome: str
    errors: tuple[ReceiptError, ...]

    @property
    def answer(self) -> Answer:
        """What our AppRec says."""
        return _OUTCOMES[self.outcome]

    @property
    def letter_id(self) -> str:
        """Of the letter about it, when it cannot be told which message is meant."""
        sender = f"/from-{self.sender_her}" if self.sender_her else ""
        receiver = f"/to-{self.receiver_her}" if self.receiver_her else ""
        plain = f"confirmation/{self.msg_id}{sender}{receiver}"
        # It is an identifier too, and longer than the one it is made of.
        return plain if fits(plain) else f"confirmation/{sha256(plain.encode()).hexdigest()}"


def read_confirmation(body: bytes) -> Confirmation:
    """Read the JSON of ``epj.confirmations``.

    Raises:
        BadConfirmation: not UTF-8 JSON, an unknown or missing field, a wrong type,
            ``refused`` without a reason, or ``stored`` with errors.
    """
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadConfirmation("not JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise BadConfirmation("not a JSON object")
    unknown = set(data) - {"msg_id", "receiver_her", "sender_her", "outcome", "errors"}
    if unknown:
        raise BadConfirmation(f"{len(unknown)} unknown field(s)")
    msg_id, outcome = data.get("msg_id"), data.get("outcome")
    if not isinstance(msg_id, str) or not msg_id or not fits(msg_id) or not msg_id.isprintable():
        raise BadConfirmation(f"msg_id is not a text of 1 to {LONGEST_ID} bytes")
    receiver, sender = _her(data, "receiver_her"), _her(data, "sender_her")
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        raise BadConfirmation("outcome is neither stored nor refused")
    errors = _errors(data.get("errors") or [])
    if outcome == "stored" and errors:
        raise BadConfirmation("a stored message has no errors")
    if outcome == "refused" and not errors:
        errors = (receipt_error(None, None),)
    return Confirmation(
        msg_id=MsgId(msg_id),
        receiver_her=receiver,
        sender_her=sender,
        outcome=outcome,
        errors=errors,
    )


def confirmation_key(letter_id: str) -> str:
    """Where the journal keeps what the EPJ said, for a letter about one of its confirmations."""
    return f"confirmation/{letter_id}"


def _her(data: dict[str, object], name: str) -> HerId | None:
    her = data.get(name)
    if her is None:
        return None
    if not isinstance(her, str) or not _HER.fullmatch(her):
        raise BadConfirmation(f"{name} is not a HER-id")
    return HerId(her)


def _errors(listed: object) -> tuple[ReceiptError, ...]:
    if not isinstance(listed, list) or len(listed) > _MOST_ERRORS:
        raise BadConfirmation(f"errors is not a list of at most {_MOST_ERRORS}")
    return tuple(_error(item) for item in listed)


def _error(item: object) -> ReceiptError:
    if not isinstance(item, dict) or set(item) - {"code", "text"}:
        raise BadConfirmation("an error is not an object of code and text")
    code, text = item.get("code"), item.get("text")
    if not all(value is None or isinstance(value, str) for value in (code, text)):
        raise BadConfirmation("code and text of an error are texts")
    return receipt_error(_xml_text(code), _xml_text(text))


def _xml_text(text: str | None) -> str | None:
    """As much of an EPJ's words as XML can carry: a lone surrogate of JSON is no character."""
    if text is None:
        return None
    return text[:_LONGEST_TEXT].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
