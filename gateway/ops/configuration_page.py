"""Makes ``docs/configuration.md`` from the example file, so that there is one explanation.

``python -m gateway.ops.configuration_page -o docs/configuration.md``
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EXAMPLE: Final = Path("config/gateway.example.toml")

_HEADING = re.compile(r"\[{1,2}(?P<name>[a-z_.]+)\]{1,2}")
_KEY = re.compile(r"(?P<unset>#)?(?P<name>[a-z][a-z0-9_]*) = (?P<value>.+)")

_HEAD: Final = """# Oppsett / Configuration

<!-- Made by `python -m gateway.ops.configuration_page -o docs/configuration.md`; do not edit. -->

Én TOML-fil: `--config`, ellers `$GATEWAY_CONFIG`, ellers `gateway.toml` i mappen.
[config/gateway.example.toml](../config/gateway.example.toml) har alle nøklene. Ukjente nøkler
avvises, og alle feil meldes på én gang; `dialog-gateway check` ser på filen og alt den viser til.
En nøkkel kan overstyres av en miljøvariabel: `GATEWAY__BROKER__URL` for `broker.url`.

SIGHUP leser filen, nøklene, adresseboken og tjenestelisten på nytt, uten å miste meldinger. Er noe
feil, blir alle feilene logget, og det gamle gjelder. `environment`, `broker`, `journal`, `smtp`,
`listener` og `runtime` gjelder først fra neste start.

One TOML file. Unknown keys are refused and all faults are told at once. SIGHUP reads it, the keys,
the address book and the service list anew; a faulty one is logged and the old one stays. The
sections named above count from the next start only. A dash means: not set.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the example: its path, its value as written, whether it is set, what it is."""

    path: str
    value: str
    is_set: bool
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file; ``name`` is empty for the keys before the first table."""

    name: str
    text: str
    keys: tuple[Key, ...]


def read_example(text: str) -> Iterator[Section]:
    """The sections of a commented file: what stands above a key, or a row of keys, explains it."""
    name, about, keys, comment, told = "", "", list[Key](), list[str](), ""
    for line in text.splitlines():
        if key := _KEY.fullmatch(line):
            path = f"{name}.{key['name']}".lstrip(".")
            told = " ".join(comment) or told
            keys.append(Key(path, key["value"], key["unset"] is None, told))
        elif heading := _HEADING.fullmatch(line):
            yield Section(name, about, tuple(keys))
            name, about, keys, told = heading["name"], " ".join(comment), [], ""
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
            continue
        else:
            told = ""
        comment = []
    yield Section(name, about, tuple(keys))


def render(example: str) -> str:
    """The page."""
    lines = [_HEAD]
    for section in read_example(example):
        lines += [f"## {section.name or 'Øverst / Top'}", ""]
        if section.text:
            lines += [section.text, ""]
        lines += ["| Nøkkel / Key | Standard / Default | |", "| --- | --- | --- |"]
        for key in section.keys:
            value = f"`{key.value}`" if key.is_set else "–"
            lines.append(f"| `{key.path}` | {value} | {key.text} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("example", type=Path, nargs="?", default=EXAMPLE)
    given = parser.parse_args()
    page = render(given.example.read_text(encoding="utf-8"))
    given.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
