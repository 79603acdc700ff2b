"""Search a text for listed words, fast: whole words, in lower case."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_GAP: Final = re.compile(r"[\s\u2010\u2011-]+")


class Terms:
    """A list of words and phrases to look for.

    ``*`` at the end of a term stands for any ending, a blank for any white
    space or hyphens. Most texts hold none of the words, so a plain search for the first
    word of each comes before the pattern.
    """

    def __init__(self, terms: Iterable[str]) -> None:
        spelled = sorted((" ".join(term.lower().split()) for term in terms), key=len, reverse=True)
        self._stems = tuple({term.split(" ")[0].rstrip("*") for term in spelled if term})
        patterns = [_pattern(term) for term in spelled if term]
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})") if patterns else None

    def found_in(self, lower: str) -> bool:
        """Whether any term stands in ``lower``, which is in lower case."""
        if self._pattern is None or not any(stem in lower for stem in self._stems):
            return False
        return self._pattern.search(lower) is not None

    def all_in(self, lower: str) -> set[str]:
        """The texts in ``lower`` that are terms, each once, with blanks between their words."""
        if self._pattern is None or not any(stem in lower for stem in self._stems):
            return set()
        return {" ".join(_GAP.split(found[0])) for found in self._pattern.finditer(lower)}


@lru_cache(maxsize=256)
def terms(listed: tuple[str, ...]) -> Terms:
    """The compiled list; the same object for the same words."""
    return Terms(listed)


def _pattern(term: str) -> str:
    if term.endswith("*"):
        return _spaced(term[:-1]) + r"\w*"
    return _spaced(term) + r"(?!\w)"


def _spaced(term: str) -> str:
    return _GAP.pattern.join(re.escape(word) for word in term.split(" "))
