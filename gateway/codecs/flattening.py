"""XHTML written as lines of plain text, with a note of whether that loses something.

Within XHTML blocks white space collapses as a browser would show it; text that
stands directly in the field, beside inline markup only, is kept as it is.

A change of meaning counts as loss: struck-out text that would read as valid,
10<sup>9</sup> that would read as 109, a link whose address nobody sees.
"""

import re
from typing import Final

from lxml import etree

from gateway.codecs.xml import local_name


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_INLINE: Final = _names(
    "a abbr acronym b bdi bdo big cite code dfn em font i ins kbd label mark q samp small span"
    " strong time tt u var wbr"
)
_BLOCK: Final = _names(
    "address article aside blockquote body caption center dd details div dl dt figcaption figure"
    " footer h1 h2 h3 h4 h5 h6 header html li main nav p pre section summary"
)
_LAID_OUT: Final = _BLOCK | _names("ul ol table hr")
UNSEEN: Final = _names("head style meta link title col colgroup")
_STRUCK: Final = _names("del s strike")
PICTURES: Final = _names(
    "img image picture object embed applet svg video audio canvas iframe base64container"
)

_RAISED: Final = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED: Final = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_LINE_END: Final = re.compile(r"[ \t]*\r?\n")
_TELLING_STYLE: Final = re.compile(
    r"url\s*\(|display\s*:\s*none|visibility\s*:\s*hidden|line-through", re.IGNORECASE
)
_KEPT_SPACE: Final = re.compile(r"white-space\s*:\s*pre", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:mailto:|tel:|https?://)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_AROUND: Final = {"q": ('"', '"')} | dict.fromkeys(_STRUCK, ("[strøket: ", "]"))
_ROW_GROUPS: Final = ("thead", "tbody", "tfoot")


class Flattener:
    """Writes the text of one field, or of one table cell, into ``out``."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.lossy = False
        self.fresh = True  # nothing stands on the current line, except perhaps a bullet
        self.bullet = False  # the current line begins with a bullet
        self.want_break = False  # a block began or ended: its neighbour needs a line of its own
        self.swallow = False  # the next line end of the source is only layout
        self.loose_end = False  # the last character is a blank that collapsing left
        self.in_link = False

    def field(self, field: etree._Element) -> None:
        self.lossy = any(map(_tells_more, field.iterdescendants("*")))
        mixed = any(local_name(child).lower() in _LAID_OUT for child in field)
        self.content(field, exact=not mixed, mixed=mixed)
        self.trim()

    def content(
        self, element: etree._Element, *, exact: bool, mixed: bool = False, depth: int = 0
    ) -> None:
        self.write(element.text, exact=exact, mixed=mixed)
        for child in element:
            if isinstance(child.tag, str):
                self.element(child, exact=exact, depth=depth)
            self.write(child.tail, exact=exact, mixed=mixed)

    def write(self, text: str | None, *, exact: bool, mixed: bool = False) -> None:
        """Write text of the source; ``mixed``: it stands in the field itself, between blocks."""
        if not text:
            return
        if exact or (mixed and text.strip(" \t\r\n")):
            line_end = _LINE_END.match(text) if self.swallow else None
            text = text[line_end.end() :] if line_end is not None else text
            self.swallow = False
            if text:
                self.emit(text)
            return
        text = _SPACE.sub(" ", text)
        if self.fresh or self.want_break or self.loose_end:
            text = text.lstrip(" ")
        if text:
            self.emit(text)
            self.loose_end = text.endswith(" ")

    def emit(self, text: str) -> None:
        if self.want_break and not self.fresh:
            self.end_line()
        self.out.append(text)
        self.fresh = text.endswith("\n")
        self.bullet = self.bullet and not self.fresh
        self.want_break = self.swallow = self.loose_end = False

    def trim(self) -> None:
        if self.loose_end:
            self.out[-1] = self.out[-1].rstrip(" ")
            self.loose_end = False

    def end_line(self) -> None:
        self.trim()
        self.out.append("\n")
        self.fresh, self.bullet, self.want_break = True, False, False

    def block(self) -> None:
        self.want_break = self.swallow = True

    def element(self, element: etree._Element, *, exact: bool, depth: int = 0) -> None:
        name = local_name(element).lower()
        style = element.get("style", "")
        if name == "br":
            if self.want_break and not self.fresh:
                self.end_line()
            self.end_line()
            self.swallow = exact
        elif name == "hr":
            self.block()
        elif name in PICTURES:
            self.picture(element, name)
        elif name in ("sub", "sup"):
            self.shifted(element, name)
        elif name in ("ul", "ol"):
            self.list(element, ordered=name == "ol", depth=depth)
        elif name == "table":
            self.table(element)
        elif name in _BLOCK:
            keep = name == "pre" or _KEPT_SPACE.search(style) is not None
            self.block()
            self.content(element, exact=exact or keep, depth=depth)
            self.block()
        elif name in _INLINE or name in _STRUCK:
            self.inline(element, name, exact=exact, depth=depth)
        elif name not in UNSEEN:
            self.lossy = True
            self.block()  # whatever it is, its words must not grow together with others
            self.content(element, exact=exact, depth=depth)
            self.block()

    def inline(self, element: etree._Element, name: str, *, exact: bool, depth: int) -> None:
        before, after = _AROUND.get(name, ("", ""))
        self.lossy = self.lossy or name in _STRUCK
        if before:
            self.emit(before)
        within, self.in_link = self.in_link, self.in_link or name == "a"
        self.content(element, exact=exact, depth=depth)
        self.in_link = within
        if after:
            self.emit(after)
        href = element.get("href", "").strip() if name == "a" else ""
        if not href or href.startswith("#"):
            return
        # A link within a link is no XHTML; and comparing each would cost depth times size.
        if within or _bare(href) != _bare(_words_of(element)):
            self.lossy = True
            self.emit(f" ({href})")

    def picture(self, element: etree._Element, name: str) -> None:
        self.lossy = True
        alt = _SPACE.sub(" ", element.get("alt", "")).strip() if name == "img" else ""
        self.emit(f"[bilde: {alt}]" if alt else "[bilde]")

    def shifted(self, element: etree._Element, name: str) -> None:
        text = (element.text or "").strip()
        table = _RAISED if name == "sup" else _LOWERED
        if len(element):
            self.lossy = True
            self.content(element, exact=False)
        elif all(ord(character) in table for character in text):
            if text:
                self.emit(text.translate(table))
        else:
            self.lossy = True
            self.emit(f"^({text})" if name == "sup" else f"_({text})")

    def list(self, element: etree._Element, *, ordered: bool, depth: int) -> None:
        self.block()
        start = element.get("start", "1").strip()
        plain = _NUMBER.fullmatch(start) is not None and element.get("type", "1") == "1"
        self.lossy = self.lossy or (ordered and (not plain or element.get("reversed") is not None))
        number = int(start) if plain else 1
        self.write(element.text, exact=False)
        for child in element:
            name = local_name(child).lower()
            if name == "li":
                value = child.get("value", "").strip()
                number = int(value) if _NUMBER.fullmatch(value) else number
                if self.bullet or not self.fresh:
                    self.end_line()
                self.emit("  " * depth + (f"{number}. " if ordered else "- "))
                self.fresh = self.bullet = True
                number += 1
                self.content(child, exact=False, depth=depth + 1)
                self.block()
            elif name:  # a list directly in a list, or what does not belong here
                self.lossy = self.lossy or name not in ("ul", "ol")
                self.element(child, exact=False, depth=depth + 1)
            self.write(child.tail, exact=False)
        self.block()

    def table(self, table: etree._Element) -> None:
        self.block()
        self.stray(table.text)
        for part in table:
            group = local_name(part).lower() in _ROW_GROUPS
            if group:
                self.stray(part.text)
            for row in part if group else (part,):
                name = local_name(row).lower()
                if name == "tr":
                    self.row(row)
                elif name and name not in UNSEEN:
                    self.lossy = self.lossy or name != "caption"
                    self.element(row, exact=False)
                if group:
                    self.stray(row.tail)
            self.stray(part.tail)
        self.block()

    def stray(self, text: str | None) -> None:
        """Text of a table outside its cells: a browser shows it somewhere, so it is not dropped."""
        if text and text.strip():
            self.lossy = True
            self.write(text, exact=False)
            self.block()

    def row(self, row: etree._Element) -> None:
        cells: list[str] = []
        self.stray(row.text)
        for cell in row:
            self.stray(cell.tail)
            name = local_name(cell).lower()
            if not name:
                continue
            inside = Flattener()
            inside.content(cell, exact=False)
            text = "".join(inside.out).strip(" \t\r\n")
            span, rows = (cell.get(a, "1").strip() for a in ("colspan", "rowspan"))
            self.lossy = (
                self.lossy
                or inside.lossy
                or name not in ("td", "th")
                or "\n" in text  # several lines in a cell
                or "\t" in text  # a table in a cell
                or next(cell.iter("{*}table"), None) is not None
                or rows != "1"
                or not _NUMBER.fullmatch(span)
            )
            cells.append(_SPACE.sub(" ", text))
            cells.extend([""] * (min(int(span), 100) - 1 if _NUMBER.fullmatch(span) else 0))
        self.block()
        if any(cells):
            self.emit("\t".join(cells))
        self.block()


def _tells_more(element: etree._Element) -> bool:
    """Whether it shows more than its words, or shows none of them."""
    style = element.get("style")
    if element.get("hidden") is not None:
        return True
    return style is not None and _TELLING_STYLE.search(style) is not None


def _words_of(element: etree._Element) -> str:
    words = [element.text or ""]
    for node in element.iterdescendants():
        if isinstance(node.tag, str):
            words.append(node.text or "")
        words.append(node.tail or "")
    return "".join(words)


def _bare(address: str) -> str:
    without_scheme = _SCHEME.sub("", address.strip(), count=1)
    return "".join(without_scheme.split()).rstrip("/").lower()
