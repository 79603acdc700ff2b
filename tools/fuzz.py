"""Fuzz the entrances one after the other, and say what was found.

    python tools/fuzz.py [--seconds 60] [--jobs 1] [--keep FOLDER] [ENTRANCE ...]

Exit status 1 when there was a finding; the inputs then lie in FOLDER/ENTRANCE/found.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fuzz.entrances import ENTRANCES, Entrance  # noqa: E402  # found through the line above

RSS_MB = 2048
STUCK_SECONDS = 60  # a call longer than this is ended, and the run with it
_TOKEN = re.compile(rb"[A-Za-z][A-Za-z0-9:._/-]{2,60}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entrance: how much was tried, and what each finding is."""

    name: str
    seconds: float
    executions: int
    peak_mb: int
    coverage: str
    findings: tuple[str, ...]


def fuzz(entrance: Entrance, seconds: int, keep: Path) -> Outcome:
    """Run one entrance in a process of its own."""
    folder = keep / entrance.name
    found, grown = folder / "found", folder / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    grown.mkdir(exist_ok=True)
    words = folder / "words.dict"
    words.write_text("".join(f'"{word}"\n' for word in _words(entrance)))
    seeds = dict.fromkeys(str(path.parent) for path in entrance.seeds())
    command = [
        *(sys.executable, "-m", "tests.fuzz.harness", entrance.name, str(found)),
        *(f"-max_total_time={seconds}", f"-rss_limit_mb={RSS_MB}", f"-timeout={STUCK_SECONDS}"),
        *(f"-max_len={entrance.longest}", "-len_control=0", f"-dict={words}"),
        *(f"-artifact_prefix={found}/", "-print_final_stats=1", "-reload=0"),
        *(str(grown), *seeds),
    ]
    started = time.monotonic()
    with (folder / "log").open("wb") as log:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        status = subprocess.run(  # noqa: S603  # our own interpreter, our own module
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False
        ).returncode
    took = time.monotonic() - started
    said = (folder / "log").read_text(errors="replace")
    findings = [_told(note, entrance) for note in sorted(found.glob("*.json"))]
    findings += [f"{path.name.partition('-')[0]}: {path}" for path in sorted(found.glob("*-*"))]
    if status and not findings:
        findings.append(f"the run ended with status {status}; see {folder / 'log'}")
    return Outcome(
        name=entrance.name,
        seconds=took,
        executions=_last_number(said, r"stat::number_of_executed_units:\s+(\d+)|^#(\d+)\s"),
        peak_mb=_last_number(said, r"stat::peak_rss_mb:\s+(\d+)|rss: (\d+)Mb"),
        coverage=(re.findall(r"cov: (\d+)", said) or ["0"])[-1],
        findings=tuple(findings),
    )


def _told(note: Path, entrance: Entrance) -> str:
    """A finding in words; a slow one is timed again without the fuzzer's instruments."""
    facts = json.loads(note.read_text())
    body = note.with_suffix(".input")
    again = ""
    if facts["kind"] == "slow":
        started = time.process_time()
        try:
            entrance.admits(body.read_bytes())
        except Exception as error:
            again = f", {type(error).__name__}"
        took = time.process_time() - started
        again += f"; {took:.2f} s without instruments"
        if took < 1:
            again += " (within the limit)"
    return f"{facts['kind']} at {facts['where']}{again}: {body}"


def _words(entrance: Entrance) -> list[str]:
    """Names and values of the seeds, for the fuzzer to put together anew."""
    found = {m[0] for path in entrance.seeds() for m in _TOKEN.finditer(path.read_bytes())}
    return [word.decode() for word in sorted(found)][:2_000]


def _last_number(text: str, pattern: str) -> int:
    found = [next(filter(None, m.groups())) for m in re.finditer(pattern, text, re.MULTILINE)]
    return int(found[-1]) if found else 0


def say(line: str) -> None:
    """One line of the report, at once: a run takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run, print a line an entrance, return the exit status."""
    parser = argparse.ArgumentParser(description="Fuzz every entrance.")
    parser.add_argument("entrances", nargs="*", metavar="ENTRANCE", help=", ".join(ENTRANCES))
    parser.add_argument("--seconds", type=int, default=60, help="for each entrance")
    parser.add_argument("--jobs", type=int, default=1, help="entrances at the same time")
    parser.add_argument("--keep", type=Path, default=ROOT / ".fuzz", help="inputs and logs")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.entrances) - set(ENTRANCES))
    if unknown:
        parser.error(f"no such entrance: {', '.join(unknown)}")
    chosen = [ENTRANCES[name] for name in options.entrances or ENTRANCES]
    total = 0
    say(f"{'entrance':<14}{'seconds':>8}{'executions':>12}{'branches':>10}{'peak MB':>9}  found")
    with ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda e: fuzz(e, options.seconds, options.keep), chosen):
            counted = [f for f in outcome.findings if "(within the limit)" not in f]
            total += len(counted)
            say(
                f"{outcome.name:<14}{outcome.seconds:>8.0f}{outcome.executions:>12}"
                f"{outcome.coverage:>10}{outcome.peak_mb:>9}  {len(counted)}"
            )
            for finding in outcome.findings:
                say(f"    {finding}")
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
