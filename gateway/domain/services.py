"""The service addresses of the guideline: what they are called, and how a written name is read.

A service address is a type of service (code system and code) and, where one
enterprise has several of a type, a place (HIS 1153, Sted/funksjon). People and
EPJs write names with other letters, spaces and small slips; :func:`find_services`
reads those. It never chooses between two services: a dialogue message at the
wrong service is a breach of confidentiality, a refused one is a correction.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

SENDER_ONLY = frozenset({("8668", "4")})
"""Types that only ever send (8668 code 4, Fellesfaglig avsenderadresse); never a receiver."""

_TYPE_CODE = re.compile(r"(?:(?P<system>\d{4}):)?(?P<code>[A-Za-z]{0,2}\d{0,4})")

_SHORTEST_NAME_WITH_SLIPS = 6  # letters; below this one slip makes another word
_LETTERS_FOR_TWO_SLIPS = 12
_TOO_MANY_SLIPS = 4
_CANDIDATES_SHOWN = 12
_FILLERS = frozenset({"og", "for", "ved", "i", "mv"})


class Side(StrEnum):
    HOSPITAL = "hospital"
    MUNICIPALITY = "municipality"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceType:
    """One row of ``services.toml``.

    ``name`` is the guideline's, ``official`` the code system's text, ``aliases``
    other names of exactly this service, ``former`` codes it had before, as text.
    """

    side: Side
    group: str
    system: str  # "8668", the last arc of the code system's OID
    code: str
    name: str
    official: str
    place: str = ""
    answered_by: str = ""
    use_when: str = ""
    aliases: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What an address book joins on: system, code, place."""
        return (self.system, self.code, self.place)

    @property
    def code_text(self) -> str:
        """System and code as text: ``8668:S0304``."""
        return f"{self.system}:{self.code}"

    @property
    def is_receiver(self) -> bool:
        """Whether messages may be sent to this type at all."""
        return (self.system, self.code) not in SENDER_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMatch:
    """What a written service may mean.

    One type in ``found``: that is it. Several: ambiguous. None: unknown, and
    ``near`` holds what may have been meant, never to be used without asking.
    ``how`` says in words by which reading it was found; ``slip`` that letters were
    forgiven, so that several found are rivals and not one type at several places.
    """

    found: tuple[ServiceType, ...]
    how: str
    near: tuple[ServiceType, ...] = ()
    slip: bool = False


@lru_cache(maxsize=2_000)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name, folded: lower case, ``æ ø å`` as ``ae o a``, no punctuation.

    ``oe`` and ``aa``, as keyboards without Norwegian letters write ``ø`` and ``å``,
    fold to the same; other accents are dropped and ``&`` reads as ``og``.
    """
    text = unicodedata.normalize("NFC", text).casefold().replace("&", " og ")
    for letters, plain in (("æ", "ae"), ("ø", "o"), ("å", "a"), ("oe", "o"), ("aa", "a")):
        text = text.replace(letters, plain)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return tuple(re.findall(r"[^\W_]+", text))


def fold(text: str) -> str:
    """A name without anything that spelling varies in; equal folds are the same name."""
    return "".join(words_of(text))


def find_services(text: str, services: Sequence[ServiceType]) -> ServiceMatch:
    """Read ``text`` as a service: a code, a code and a place, or a name.

    Codes are compared exactly (but for case). Names: exactly; then without what
    spelling varies in; then as the register's text and a place; then with one
    slip (two from 12 letters on) if no other service is nearly as near.
    """
    text = text.strip()
    receivers = [service for service in services if service.is_receiver]
    match = _by_code(text, receivers) or _by_name(text, receivers)
    return match or ServiceMatch(found=(), how="unknown service", near=_near(text, receivers))


def _by_code(text: str, services: Sequence[ServiceType]) -> ServiceMatch | None:
    head = re.split(r"[\s,]", text, maxsplit=1)[0]
    place = text[len(head) :].strip(" ,")
    written = _TYPE_CODE.fullmatch(head)
    if written is None or not written["code"]:
        return None
    system, code = written["system"], written["code"].upper()
    of_type = tuple(s for s in services if s.code == code and system in (None, s.system))
    how = "code"
    if not of_type and system is not None:
        of_type = tuple(s for s in services if f"{system}:{code}" in s.former)
        how = "superseded code"
    if of_type:
        return (
            _at_place(place, of_type, how)
            if place.strip()
            else ServiceMatch(found=of_type, how=how)
        )
    # "R" or "1" may begin a name, but a full code is a code and nothing else.
    return ServiceMatch(found=(), how="unknown code") if system is not None else None


def _at_place(place: str, of_type: Sequence[ServiceType], how: str) -> ServiceMatch:
    """Choose by Sted/funksjon: the whole place, else part of it, else one slip."""
    wanted = set(words_of(place))
    if found := tuple(s for s in of_type if fold(s.place) == fold(place)):
        return ServiceMatch(found=found, how=f"{how} and place")
    if wanted and (found := tuple(s for s in of_type if wanted <= set(words_of(s.place)))):
        return ServiceMatch(found=found, how=f"{how} and part of the place")
    if found := _within_slips(fold(place), of_type, lambda s: (s.place,)):
        return ServiceMatch(found=found, how=f"{how} and place with a slip", slip=True)
    return ServiceMatch(found=(), how=f"{how}, but unknown place", near=tuple(of_type))


def _by_name(text: str, services: Sequence[ServiceType]) -> ServiceMatch | None:
    written = fold(text)
    if not written:
        return None
    for how, names in (
        ("name in the guideline", lambda s: (s.name,)),
        ("text of the code system", lambda s: (s.official,)),
        ("other name", lambda s: s.aliases),
    ):
        if found := tuple(s for s in services if written in map(fold, names(s))):
            return ServiceMatch(found=found, how=how)
    if match := _by_text_and_place(text, services):
        return match
    found = _within_slips(written, services, _names)
    return ServiceMatch(found=found, how="name with a slip", slip=True) if found else None


def _by_text_and_place(text: str, services: Sequence[ServiceType]) -> ServiceMatch | None:
    words = words_of(text)
    for official in {s.official: None for s in services if s.place}:
        start = words_of(official)
        if words[: len(start)] == start:
            of_type = tuple(s for s in services if s.official == official)
            return _at_place(" ".join(words[len(start) :]), of_type, "text of the code system")
    return None


def _near(text: str, services: Sequence[ServiceType]) -> tuple[ServiceType, ...]:
    wanted = [word for word in words_of(text) if word not in _FILLERS]

    def shares_a_word(service: ServiceType) -> bool:
        theirs = [word for name in _names(service) for word in words_of(name)]
        return any(t.startswith(w) for w in wanted for t in theirs)

    sharing = [service for service in services if shares_a_word(service)]
    if not sharing:
        folds = {fold(name): service for service in services for name in _names(service)}
        close = difflib.get_close_matches(fold(text), folds, n=_CANDIDATES_SHOWN)
        sharing = list({folds[name].key: folds[name] for name in close}.values())
    return tuple(sharing[:_CANDIDATES_SHOWN])


def _names(service: ServiceType) -> Iterable[str]:
    return (service.name, service.official, *service.aliases)


def _within_slips(
    written: str,
    services: Sequence[ServiceType],
    names: Callable[[ServiceType], Iterable[str]],
) -> tuple[ServiceType, ...]:
    """The service whose name differs by one letter wrong, missing or too many (or two).

    Returned with its rivals, those one letter further away: DPS Halden written as
    BPS Halden may as well have been BUP Halden.
    """
    distances = {
        service.key: min(
            (_slips(written, fold(name)) for name in names(service)), default=_TOO_MANY_SLIPS
        )
        for service in services
    }
    allowed = 2 if len(written) >= _LETTERS_FOR_TWO_SLIPS else 1
    if len(written) < _SHORTEST_NAME_WITH_SLIPS or min(distances.values()) > allowed:
        return ()
    return tuple(s for s in services if distances[s.key] <= allowed + 1)


def _slips(written: str, name: str) -> int:
    if abs(len(written) - len(name)) >= _TOO_MANY_SLIPS:
        return _TOO_MANY_SLIPS
    return _edit_distance(written, name)


def _edit_distance(one: str, other: str) -> int:
    """Levenshtein: single letters changed, added or left out."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        previous, row = row, [i]
        for j, theirs in enumerate(other, start=1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (letter != theirs)))
    return row[-1]
