"""The lines of ``check``."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Fault, GatewayError


class Mark(StrEnum):
    """How a thing stands. Only a fault makes ``check`` fail."""

    OK = "ok"
    WARNING = "obs"
    FAULT = "feil"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report, Norwegian first."""

    mark: Mark
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.mark:<5} {self.what}: {self.text}"


def fault_lines(what: str, error: GatewayError) -> Iterator[Line]:
    for fault in error.faults or (Fault("", error.detail),):
        text = f"{fault.where}: {fault.detail}" if fault.where else fault.detail
        yield Line(Mark.FAULT, what, text)
