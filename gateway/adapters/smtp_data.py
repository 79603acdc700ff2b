"""The bytes of one mail while it comes in after DATA (RFC 5321 §4.5.2), and how many we hold.

Bytes above a limit are dropped as they come, but read to the end: only then does
the sender look for our answer.
"""

from dataclasses import dataclass

END_MARK = b"\r\n.\r\n"


@dataclass(slots=True, kw_only=True)
class Allowance:
    """Limits for one mail and for all together; ``under_way`` counts what is held now."""

    max_mail_bytes: int
    max_line_bytes: int
    max_bytes_under_way: int
    under_way: int = 0


class IncomingData:
    """One mail in blocks. Call :meth:`let_go` when done, whatever happened."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._blocks: list[bytes] = []
        self._held = 0
        self._seen = 0
        self.refusal = ""  # the SMTP answer, once a limit is exceeded

    def add(self, block: bytes) -> None:
        """Take the next block; the first begins with the line end before the mail."""
        limits = self._allowance
        self._seen += len(block)
        if self.refusal:
            return
        if self._seen > limits.max_mail_bytes + len(END_MARK):
            self._refuse("552 5.3.4 Mail too large")
        elif limits.under_way + len(block) > limits.max_bytes_under_way:
            self._refuse("452 4.3.1 Too much mail at once, try again later")
        else:
            self._blocks.append(block)
            self._held += len(block)
            limits.under_way += len(block)

    def mail(self) -> bytes | None:
        """The mail without end mark and transparency dots; None when ``refusal`` says why not."""
        if self.refusal:
            return None
        stream = b"".join(self._blocks)[: -len(b".\r\n")]
        self._blocks.clear()
        mail = stream.replace(b"\r\n.", b"\r\n")[len(b"\r\n") :]
        if _has_line_above(mail, self._allowance.max_line_bytes):
            self.refusal = "500 5.5.2 Line too long"
            return None
        return mail

    def let_go(self) -> None:
        """Give the room back."""
        self._blocks.clear()
        self._allowance.under_way -= self._held
        self._held = 0

    def _refuse(self, answer: str) -> None:
        self.refusal = answer
        self.let_go()


def _has_line_above(mail: bytes, limit: int) -> bool:
    """Whether a line of ``mail`` is longer than ``limit`` bytes; quick, since lines are short."""
    start = 0
    while len(mail) - start > limit:
        line_end = mail.rfind(b"\n", start, start + limit + 1)
        if line_end < 0:
            return True
        start = line_end + 1
    return False
