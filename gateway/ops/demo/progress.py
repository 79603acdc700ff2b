"""What the demonstration has to reach, and how far it has come."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.ops.demo.epj import Epj

STAGES = ("accepted", "sent", "acknowledged", "confirmed")


@dataclass(slots=True, kw_only=True)
class Refusal:
    """One refusal that must happen; ``code`` is what was seen, None until then."""

    what: str
    direction: str
    expected: str
    code: str | None = None

    @property
    def ok(self) -> bool:
        return self.code == self.expected

    def as_json(self) -> dict[str, str | bool | None]:
        """The names of ``demo --json`` (design §7)."""
        return {
            "what": self.what,
            "direction": self.direction,
            "expected": self.expected,
            "code": self.code,
            "ok": self.ok,
        }


@dataclass(slots=True, kw_only=True)
class Conversations:
    """The dialogues that one side began: its questions, and the other side's answers."""

    name: str
    asking: Epj
    answering: Epj
    questions: list[str] = field(default_factory=list)

    @property
    def answers(self) -> list[str]:
        """MsgIds of the answers given so far."""
        asked = set(self.questions)
        return [answer for answer, question in self.answering.asked.items() if question in asked]

    def rows(self) -> Iterator[tuple[str, dict[str, int], int]]:
        """For questions and answers: name, how many reached each stage, how many there must be."""
        total = len(self.questions)
        yield "forespørsel / request", _reached(self.asking, self.questions), total
        yield "svar / answer", _reached(self.answering, self.answers), total

    @property
    def done(self) -> bool:
        """Whether every question and every answer is confirmed."""
        return all(reached["confirmed"] == total for _, reached, total in self.rows())


def _reached(epj: Epj, msg_ids: list[str]) -> dict[str, int]:
    return {
        stage: sum(1 for msg_id in msg_ids if stage in epj.events.get(msg_id, ()))
        for stage in STAGES
    }
