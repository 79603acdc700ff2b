"""The page of all error codes, made from the code: ``python -m gateway.ops.errors_page``.

Prints the page; ``-o docs/errors.md`` writes it. A test keeps the file current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.errors import Disposition, GatewayError, Who
from gateway.ops.error_advice import ADVICE
from gateway.ops.wording import errors_below

_INTRODUCTION: Final = """\
# Feilkoder / Error codes

<!-- Made by `python -m gateway.ops.errors_page -o docs/errors.md`; do not edit. -->

Kodene er faste: status til EPJ, logg, metrikker og dead letters bruker de samme. Teksten inneholder
aldri noe fra meldingen. Slå opp en melding med `dialog-gateway trace ID`. `replay` og `discard`
krever `--reason`, og er prøvekjøringer uten `--yes`.

The codes are stable: status events, log, metrics and dead letters use the same. Their texts never
hold anything of a message. Look a message up with `dialog-gateway trace ID`. Where a code has an
`EPJ_…` code, the EPJ sees that one; [rules.md](rules.md) has the rules behind the `EPJ_…` codes.
`replay` and `discard` need `--reason`, and are dry runs without `--yes`.
"""
_GROUPS: Final = {
    "GW-0": "Uventet / Unexpected",
    "GW-1": "Omgivelser og kvitteringer / Surroundings and receipts",
    "GW-2": "Meldingen som dokument / The message as a document",
    "GW-3": "Signatur, kryptering, sertifikat / Signature, seal, certificate",
    "GW-4": "Adresser / Addresses",
    "GW-9": "Denne meldingstjenesten / This gateway",
}
_WHO: Final = {
    Who.SENDER: "avsenderen (forfatter eller EPJ) / the sender (author or EPJ)",
    Who.OPERATOR: "meldingsansvarlig / the message responsible",
    Who.ADMINISTRATOR: "den som drifter meldingstjenesten / the administrator of the gateway",
    Who.PARTNER: "partneren / the partner",
}
_FOLLOWS: Final = {
    Disposition.RETRY: (
        "prøves igjen av seg selv med de samme bytene / tried again by itself with the same bytes"
    ),
    Disposition.REJECT: "meldingen avvises, og avsenderen får vite hvorfor / "
    "the message is refused, and its sender is told why",
    Disposition.PARK: "tas vare på for et menneske / kept for a person to look at",
}


def error_types() -> tuple[type[GatewayError], ...]:
    """All errors of ``gateway.errors``, by code."""
    kinds: tuple[type[GatewayError], ...] = (GatewayError, *errors_below(GatewayError))
    ours = (kind for kind in kinds if kind.__module__.startswith("gateway.errors."))
    return tuple(sorted(ours, key=lambda kind: kind.code))


def render() -> str:
    """The whole page, with a newline at its end."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    types = error_types()
    yield _INTRODUCTION
    yield "| Kode / Code | | Hvem / Who |"
    yield "| --- | --- | --- |"
    for kind in types:
        anchor = kind.code.lower()
        yield f"| [{kind.code}](#{anchor}) | {kind.text_nb} | {kind.who_acts.value} |"
    for prefix, heading in _GROUPS.items():
        yield ""
        yield f"## {heading}"
        for kind in types:
            if kind.code.startswith(prefix):
                yield from _entry(kind)


def _entry(kind: type[GatewayError]) -> Iterator[str]:
    advice_nb, advice_en = ADVICE[kind.code]
    yield ""
    yield f"### {kind.code}"
    yield ""
    yield f"**{kind.text_nb}**  "
    yield f"{kind.text_en}"
    yield ""
    if kind is not GatewayError:  # what the base class says of itself is for programmers
        yield f"- Når / when: {_summary(kind)}"
    yield f"- Følge / what follows: {_FOLLOWS[kind.disposition]}"
    yield f"- Hvem / who acts: {_WHO[kind.who_acts]}"
    reported = (
        ("ebXML MessageError", kind.ebms_error),
        ("AppRec", kind.apprec_error),
        ("EPJ", kind.epj_code),
    )
    seen_as = ", ".join(f"{where} `{code}`" for where, code in reported if code is not None)
    if seen_as:
        yield f"- Meldes som / reported as: {seen_as}"
    yield f"- Gjør: {advice_nb}"
    yield f"- Do: {advice_en}"


def _summary(kind: type[GatewayError]) -> str:
    """The first paragraph of the class's description, on one line."""
    return " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split())


def main(arguments: list[str]) -> int:
    """Print the page, or write it to the file after ``-o``."""
    if arguments[:1] == ["-o"] and len(arguments) == 2:
        Path(arguments[1]).write_text(render(), encoding="utf-8")
    elif arguments:
        print("usage: python -m gateway.ops.errors_page [-o FILE]", file=sys.stderr)
        return 2
    else:
        sys.stdout.write(render())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
