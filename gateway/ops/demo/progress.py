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
    """The dialogues that one side begins: its questions, and the other side's answers."""

    name: str
    asking: Epj
    answering: Epj
    expected: int  # how many there must be
    questions: list[str] = field(default_factory=list)
    _under_way: list[str] = field(default_factory=list)

    def ask(self, msg_id: str) -> None:
        """Another question is handed in."""
        self.questions.append(msg_id)
        self._under_way.append(msg_id)

    def rows(self) -> Iterator[tuple[str, dict[str, int], int]]:
        """For questions and answers: name, how many reached each stage, how many there must be."""
        answers = [a for q in self.questions if (a := self.answering.answers_to.get(q))]
        yield "forespørsel / request", _reached(self.asking, self.questions), self.expected
        yield "svar / answer", _reached(self.answering, answers), self.expected

    def under_way(self) -> int:
        """How many questions have not been confirmed, and answered by a confirmed answer."""
        self._under_way = [one for one in self._under_way if not self._is_over(one)]
        return len(self._under_way)

    @property
    def done(self) -> bool:
        """Whether every question and every answer is confirmed."""
        return len(self.questions) == self.expected and not self.under_way()

    def _is_over(self, question: str) -> bool:
        answer = self.answering.answers_to.get(question)
        return (
            answer is not None
            and "confirmed" in self.asking.events.get(question, ())
            and "confirmed" in self.answering.events.get(answer, ())
        )


def _reached(epj: Epj, msg_ids: list[str]) -> dict[str, int]:
    return {
        stage: sum(1 for msg_id in msg_ids if stage in epj.events.get(msg_id, ()))
        for stage in STAGES
    }
