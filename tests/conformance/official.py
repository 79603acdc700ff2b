"""The 42 official system tests of the application receipt: what each is about, and whose it is.

Numbers and situations are those of the official test cases of HIS 80415. Where
only a group of them is known to us, its numbers share one situation, and the
order within the group is ours. They are never left out: a number without a test
says why there is none.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SystemTest:
    """One official test. ``not_ours`` is the reason why no test stands for it, else ""."""

    number: int
    situation: str
    expected: str
    not_ours: str = ""

    @property
    def id(self) -> str:
        return f"apprec-{self.number}"


_UNKNOWN: Final = (
    "not described in the sources at hand; to be filled in when the official test cases are "
    "run with the test service"
)
_GOOD: Final = "good message"
_EQUAL: Final = "status 1; Id, MsgType and IssueDate of OriginalMsgId equal to the original"
_MANUAL: Final = "matched to receiver and patient by a person"
_DECIDED: Final = "positive or negative when it is decided, and not before"
_FIRST: Final = "only the first copy is receipted"

SYSTEM_TESTS: Final = (
    SystemTest(1, f"{_GOOD}: a request of the hospital", _EQUAL),
    SystemTest(2, f"{_GOOD}: a request of the municipality", _EQUAL),
    SystemTest(3, f"{_GOOD}: the municipality's answer", _EQUAL),
    SystemTest(4, f"{_GOOD}: the hospital's answer", _EQUAL),
    SystemTest(5, "all addresses of the original", "status 1; all come back, swapped"),
    SystemTest(6, "a person who only signs stands below level 2", "status 1; not mirrored"),
    SystemTest(7, "the primary receiver answers (version 1.1)", "Role PRIM"),
    SystemTest(8, "the receiver answers as requester (version 1.0)", "Role REQ is taken in"),
    SystemTest(9, "the receiver answers as service provider (version 1.0)", "Role SPR"),
    SystemTest(10, "a copy receiver answers", "Role COP"),
    SystemTest(11, "two receivers in the same enterprise", "one AppRec each"),
    SystemTest(12, "the same message comes twice", _FIRST),
    SystemTest(13, "two receipts come for one message", "the original sender ignores the last one"),
    SystemTest(14, _MANUAL, _DECIDED),
    SystemTest(15, f"{_MANUAL}, and refused", _DECIDED),
    SystemTest(16, "unreadable XML", "status 2, T01, T02 or T99"),
    SystemTest(17, "HER-id missing on level 1", "status 2, E21"),
    SystemTest(18, "HER-id missing on level 2", "status 2, E21"),
    SystemTest(19, "level 1 known, service on level 2 unknown", "status 2, E21"),
    SystemTest(20, "level 1 known, person on level 2 unknown", "status 2, E21"),
    SystemTest(21, "both levels unknown", "no AppRec"),
    SystemTest(22, "HER-id in the envelope differs from that in the message", "status 2, E21"),
    SystemTest(23, "patient not in the receiving system", "status 2, E35"),
    SystemTest(24, "unknown patient, or too little data", "status 2, E36"),
    SystemTest(25, "", "", _UNKNOWN),
    SystemTest(26, "several faults", "status 2, one Error a fault"),
    SystemTest(27, f"{_MANUAL}, after a long wait", _DECIDED),
    SystemTest(28, "invalid message id", "status 2, E10"),
    SystemTest(29, "personal signature is wrong", "status 2, S01"),
    SystemTest(30, "personal certificate is invalid", "status 2, S02"),
    SystemTest(31, "personal certificate is revoked", "status 2, S03 (on the EPJ's word)"),
    SystemTest(32, "schema invalid", "may: status 2, T02"),
    SystemTest(33, "unknown schema", "may: status 2, T10"),
    SystemTest(34, "not well-formed", "may: status 2, T01"),
    *(SystemTest(number, "", "", _UNKNOWN) for number in range(35, 41)),
    SystemTest(41, "the same document comes again in a new envelope", _FIRST),
    SystemTest(42, "no receipt within 96 hours", "the sender times out and is told at once"),
)
"""In the order of their numbers, each once."""
