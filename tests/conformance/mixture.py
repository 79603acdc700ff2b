"""Messages of every kind, at random: what passes, what is refused, what comes twice.

Everything here follows from the seed, but for the identifiers.
"""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.domain.addressbook import Entry
from gateway.domain.identifiers import MsgId
from gateway.domain.message import NOTE, REQUEST, DialogMessage, Ident
from gateway.ops.demo import letters
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from tests.conformance.texts import TEXTS

# Outgoing and incoming policy for attachments: each side has the other's (as the demonstration).
ATTACHMENTS = {HOSPITAL.name: ("strip", "reject"), MUNICIPALITY.name: ("reject", "strip")}
NAMES = (HOSPITAL.name, MUNICIPALITY.name)
OTHER = {HOSPITAL.name: MUNICIPALITY.name, MUNICIPALITY.name: HOSPITAL.name}
_LETTERS = "abcdefghijklmnopqrstuvwxyzæøåÆØÅ      \n\t\r,.?<>&\"'«»é\u030a\u00a0\u200b😀"
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing that an EPJ hands over, and what must come of it.

    ``codes`` are all reasons of its one refusal; () where it passes. ``subject`` is
    what its status events are about; "" where only the AMQP message_id is known.
    """

    kind: str
    side: str
    body: bytes
    subject: str = ""
    codes: tuple[str, ...] = ()
    text: str = ""
    as_it_is: bool = True  # whether the document must arrive byte for byte
    message: DialogMessage | None = None
    content_type: str = "application/xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail of a partner that has no gateway; ``code`` is its refusal, "" where it passes."""

    kind: str
    to: Entry
    side: str
    body: bytes
    msg_id: str
    text: str
    message_type: str = REQUEST
    on_purpose: str | None = None
    code: str = ""

    @property
    def by_envelope(self) -> bool:
        """Whether its refusal names the envelope and not the document."""
        return self.on_purpose is not None


@dataclass(slots=True)
class Mixture:
    """A source of pieces. ``services`` are those that each side writes from and to."""

    chance: random.Random
    services: dict[str, list[Entry]]
    neighbour: Entry
    _numbers: Iterator[str] = field(default_factory=letters.synthetic_numbers)
    _copies: int = 0

    def piece(self) -> Piece:
        """Something new for one EPJ to hand over: two of three pass."""
        side = self.chance.choice(NAMES)
        if self.chance.random() < 0.67:
            return self.chance.choice((self._request, self._request, self._as_json))(side)
        return self.chance.choice(_REFUSED)(self, side)

    def answer(self, to: Piece) -> Piece:
        """The answer of the other side to a request that arrived there."""
        assert to.message is not None
        text = self.text()
        message = letters.answer_to(to.message, msg_id=_new_id(), at=_now(), serial=0)
        message = replace(message, notes=(replace(message.notes[0], text=text),))
        return self._passing("answer", OTHER[to.side], message, text)

    def changed_copy(self, of: Piece) -> Piece:
        """Other bytes under a MsgId that was used."""
        self._copies += 1  # equal copies of a copy would be one message handed in again
        more = b" " if of.content_type == _JSON else b"<!-- more -->"
        body = of.body + more * self._copies
        return replace(of, kind="used MsgId", body=body, codes=("EPJ_DUPLICATE",))

    def letter(self) -> Letter:
        """Something of the partner without a gateway."""
        side = self.chance.choice(NAMES)
        text = self.text()
        to = self.chance.choice(self.services[side])
        message = self._message(self.neighbour, to, text)
        plain = Letter(
            kind="from a partner",
            to=to,
            side=side,
            body=letters.written(message),
            msg_id=message.msg_id,
            text=text,
        )
        return self.chance.choice(_FROM_PARTNERS)(plain, message)

    def text(self) -> str:
        """A text that is easily spoiled."""
        if self.chance.random() < 0.4:
            return self.chance.choice(list(TEXTS.values()))
        drawn = "".join(self.chance.choices(_LETTERS, k=self.chance.randrange(1, 400)))
        return f"{drawn} spørsmål? {drawn[::-1]}"

    def draft(self, side: str) -> tuple[DialogMessage, str]:
        """A request that would pass, and its text."""
        text = self.text()
        sender = self.chance.choice(self.services[side])
        receiver = self.chance.choice(self.services[OTHER[side]])
        return self._message(sender, receiver, text), text

    def _message(self, sender: Entry, receiver: Entry, text: str) -> DialogMessage:
        message = letters.request(
            sender, receiver, msg_id=_new_id(), at=_now(), number=next(self._numbers), serial=0
        )
        return replace(message, questions=(replace(message.questions[0], text=text),))

    def _request(self, side: str) -> Piece:
        message, text = self.draft(side)
        return self._passing("request", side, message, text)

    def _as_json(self, side: str) -> Piece:
        message, text = self.draft(side)
        assert message.patient is not None
        body = {
            "kind": "request",
            "msg_id": message.msg_id,
            "from": message.sender.her,
            "to": message.receiver.her,
            "patient": {
                "family_name": "Oppdiktet",
                "given_name": "Pasient",
                "idents": [{"type": "FNR", "id": message.patient.idents[0].id}],
            },
            "author": {"family_name": "Testesen", "given_name": "Prøve", "phone": "00000000"},
            "text": text,
        }
        return Piece(
            kind="request in JSON",
            side=side,
            body=json.dumps(body, ensure_ascii=self.chance.random() < 0.5).encode(),
            subject=message.msg_id,
            text=text,
            as_it_is=False,
            content_type=_JSON,
        )

    def _passing(self, kind: str, side: str, message: DialogMessage, text: str) -> Piece:
        return Piece(
            kind=kind,
            side=side,
            body=letters.written(message),
            subject=message.msg_id,
            text=text,
            message=message,
        )


Refused = Callable[[Mixture, str], Piece]


def _changed(kind: str, change: Callable[[DialogMessage], DialogMessage], *codes: str) -> Refused:
    def make(mixture: Mixture, side: str) -> Piece:
        message = change(mixture.draft(side)[0])
        body = letters.written(message)
        return Piece(kind=kind, side=side, body=body, subject=message.msg_id, codes=codes)

    return make


def _rewritten(
    kind: str, rewrite: Callable[[bytes], bytes], *codes: str, known: bool = False
) -> Refused:
    """``known`` where the MsgId can still be made out."""

    def make(mixture: Mixture, side: str) -> Piece:
        message, _ = mixture.draft(side)
        body = rewrite(letters.written(message))
        subject = message.msg_id if known else ""
        return Piece(kind=kind, side=side, body=body, subject=subject, codes=codes)

    return make


def _with_attachments(mixture: Mixture, side: str) -> Piece:
    """Removed at the hospital; at the municipality refused, with one reason for each."""
    message, text = mixture.draft(side)
    body = letters.with_attachment(letters.with_attachment(letters.written(message)))
    if ATTACHMENTS[side][0] == "reject":
        codes = ("EPJ_ATTACH", "EPJ_ATTACH")
        return Piece(kind="attachments", side=side, body=body, subject=message.msg_id, codes=codes)
    return Piece(
        kind="attachments removed",
        side=side,
        body=body,
        subject=message.msg_id,
        text=text,
        as_it_is=False,
    )


def _from_stranger(message: DialogMessage) -> DialogMessage:
    swapped = replace(message, sender=message.receiver, receiver=message.sender)
    return replace(letters.to_unknown_service(swapped, "999999"))


def _without_name(message: DialogMessage) -> DialogMessage:
    assert message.patient is not None
    idents: tuple[Ident, ...] = ()
    return replace(message, patient=replace(message.patient, idents=idents, date_of_birth=None))


_REFUSED: tuple[Refused, ...] = (
    _with_attachments,
    _changed("help number", letters.with_help_number, "EPJ_PATIENT_ID"),
    _changed("no number", _without_name, "EPJ_PATIENT_ID"),
    _changed("no patient", lambda m: replace(m, patient=None), "EPJ_PATIENT_COUNT"),
    _changed("unknown", lambda m: letters.to_unknown_service(m, "999999"), "EPJ_RECEIVER"),
    _changed("stranger to nobody", _from_stranger, "EPJ_SENDER", "EPJ_RECEIVER"),
    _changed(
        "no text",
        lambda m: replace(m, questions=(replace(m.questions[0], text=" \n\t "),)),
        "EPJ_EMPTY",
    ),
    _changed("no UUID", lambda m: replace(m, msg_id=MsgId(f"{m.msg_id}-17")), "EPJ_SCHEMA"),
    _rewritten("note", letters.as_note, "EPJ_MSGTYPE", known=True),
    _rewritten(
        "deviation",
        lambda body: body.replace(REQUEST.encode(), b"DIALOG_AVVIK"),
        "EPJ_MSGTYPE",
        "EPJ_SCHEMA",
        known=True,
    ),
    _rewritten("broken", letters.broken, "EPJ_SCHEMA"),
    _rewritten(
        "control character", lambda b: b.replace(b"</Sporsmal>", b"\x07</Sporsmal>"), "EPJ_SCHEMA"
    ),
    _rewritten("DOCTYPE", lambda b: b"<!DOCTYPE a>" + b.partition(b"?>")[2], "EPJ_SCHEMA"),
    _rewritten(
        "other version",
        lambda b: b.replace(b"dialog/2006-10-11", b"dialog/1999-01-01"),
        "EPJ_SCHEMA",
        known=True,
    ),
)


def _refused_letter(
    kind: str, code: str, change: Callable[[DialogMessage], DialogMessage]
) -> Callable[[Letter, DialogMessage], Letter]:
    return lambda plain, message: replace(
        plain, kind=kind, code=code, body=letters.written(change(message))
    )


def _on_purpose(purpose: str, code: str) -> Callable[[Letter, DialogMessage], Letter]:
    return lambda plain, _: replace(plain, kind=purpose, on_purpose=purpose, code=code)


def _attached(plain: Letter, _: DialogMessage) -> Letter:
    code = "T99" if ATTACHMENTS[plain.side][1] == "reject" else ""
    return replace(plain, kind="attachment", code=code, body=letters.with_attachment(plain.body))


_FROM_PARTNERS: tuple[Callable[[Letter, DialogMessage], Letter], ...] = (
    lambda plain, _: plain,
    _attached,
    _refused_letter("help number", "E36", letters.with_help_number),
    _refused_letter("unknown", "E21", lambda m: letters.to_unknown_service(m, "999999")),
    lambda plain, _: replace(
        plain, kind="note", code="T10", body=letters.as_note(plain.body), message_type=NOTE
    ),
    _on_purpose("tampered", "SecurityFailure"),
    _on_purpose("foreign-certificate", "SecurityFailure"),
    lambda plain, _: replace(
        plain,
        kind="broken",
        code="T01",
        on_purpose="broken-xml",
        body=letters.broken(plain.body),
    ),
)


def _new_id() -> str:
    return str(uuid.uuid4())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
