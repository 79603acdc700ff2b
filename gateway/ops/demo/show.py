"""The demonstration on the terminal: a live table, and one readable timeline at the end."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from gateway.ops.demo.progress import STAGES, Refusal
from gateway.ops.demo.stage import Stage

_OSLO = ZoneInfo("Europe/Oslo")
_HEADS = {
    "accepted": "tatt\nover",
    "sent": "sendt",
    "acknowledged": "transport-\nkvittert",
    "confirmed": "bekreftet\n(AppRec)",
}
_SUMS = {
    "accepted": "tatt\nover",
    "confirmed": "be-\nkreftet",
    "rejected": "avvist",
    "dead": "død",
    "discarded": "kassert",
    "in_flight": "under-\nveis",
}
_WAYS = {"outgoing": "ut / out", "incoming": "inn / in"}
_EVENTS = {
    "arrived": "mottatt / arrived",
    "accepted": "tatt over, kryptert og signert / taken over, sealed and signed",
    "sent": "sendt på e-post / mailed",
    "handed_to_epj": "lagt i kø til EPJ / queued for the EPJ",
    "acknowledged": "transportkvittering / Acknowledgment",
    "epj_stored": "EPJ har lagret / the EPJ has stored it",
    "answered": "AppRec mottatt / AppRec received",
    "replied": "besvart / replied to",
}


def picture(stage: Stage) -> Group:
    """What is shown while it runs."""
    return Group(_dialogues(stage), _refusals(stage.refusals), _partner(stage))


def summary(stage: Stage, console: Console) -> None:
    """What stands at the end: refusals, timeline, ledgers, verdict."""
    console.print(picture(stage))
    console.print(_timeline(stage))
    console.print(_ledgers(stage))
    verdict = (
        Text("Alt endte som det skal. / All ended as it must.", style="bold green")
        if stage.complete
        else Text("Noe endte ikke som det skal. / Something did not end as it must.", "bold red")
    )
    console.print(verdict)
    console.print(f"{stage.mails} e-poster / mails, {stage.seconds:.1f} s")


def _table(title: str, *heads: str, numbers_from: int = 99) -> Table:
    """A table without lines, narrow enough for 80 columns; numbers stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number >= numbers_from else "left")
    return table


def _dialogues(stage: Stage) -> Table:
    table = _table(
        "Dialoger / Dialogues", "fra / from", "", "av / of", *_HEADS.values(), numbers_from=2
    )
    for conversation in stage.conversations:
        for what, reached, total in conversation.rows():
            asks = what.startswith("fore")
            table.add_row(
                conversation.name if asks else "",
                what,
                str(total),
                *(_count(reached[name], total) for name in STAGES),
            )
    return table


def _count(reached: int, total: int) -> Text:
    return Text(str(reached), style="green" if total and reached == total else "")


def _refusals(refusals: Sequence[Refusal]) -> Table:
    table = _table("Avvisninger / Refusals", "hva / what", "", "ventet / expected", "kode / code")
    for refusal in refusals:
        style = "green" if refusal.ok else ("red" if refusal.code else "")
        table.add_row(
            refusal.what,
            _WAYS[refusal.direction],
            refusal.expected,
            Text(refusal.code or "…", style=style),
        )
    return table


def _partner(stage: Stage) -> Text:
    return Text("\n".join(f"· {line}" for line in stage.partner))


def _timeline(stage: Stage) -> Table:
    table = _table("Én dialog / One dialogue", "tid / time", "hos / at", "hendelse / event")
    for name, event in stage.timeline:
        at = event.at.astimezone(_OSLO).strftime("%H:%M:%S.%f")[:-3]
        table.add_row(at, name, _EVENTS.get(event.name, event.name))
    return table


def _ledgers(stage: Stage) -> Table:
    table = _table("Regnskap / Ledger", "hos / at", "", *_SUMS.values(), "balanse", numbers_from=2)
    for name, ledger in stage.ledgers.items():
        for side, sums in (("outgoing", ledger.outgoing), ("incoming", ledger.incoming)):
            numbers = sums.as_json()
            table.add_row(
                name if side == "outgoing" else "",
                _WAYS[side],
                *(str(numbers[head]) for head in _SUMS),
                Text("ja", "green") if sums.balanced else Text("NEI", "bold red"),
            )
    return table
