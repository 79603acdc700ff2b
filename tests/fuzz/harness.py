"""One entrance under a coverage-guided fuzzer; started by ``tools/fuzz.py``.

Faults do not end the run: each is written down once, by where it happened, with
the input that led there. Only memory beyond the bound and a call without end do,
and the fuzzer writes their inputs itself.
"""

import hashlib
import json
import sys
import time
import traceback
from pathlib import Path

import atheris

# Before anything imports it: this is what the fuzzer sees the branches of.
with atheris.instrument_imports(include=["gateway", "asn1crypto"]):
    from tests.fuzz.entrances import ENTRANCES, Entrance

from tests.fuzz.mutators import damaged

SLOW_SECONDS = 1.0  # of this process's own time: other processes must not make findings


class Notebook:
    """What was found, as files: the input, and beside it the stack without any value."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: set[str] = set()

    def write(self, kind: str, where: str, body: bytes) -> None:
        """Keep the first input of each kind and place."""
        key = f"{kind} {where}"
        if key in self.known:
            return
        self.known.add(key)
        name = hashlib.sha256(key.encode()).hexdigest()[:12]
        (self.folder / f"{name}.input").write_bytes(body)
        note = {"kind": kind, "where": where, "bytes": len(body)}
        (self.folder / f"{name}.json").write_text(json.dumps(note, indent=1))
        sys.stderr.write(f"FOUND {kind} {where} ({len(body)} bytes)\n")


def place_of(error: BaseException) -> str:
    """Where an error arose: the innermost frames of ours, down to the library's."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))


def main() -> None:
    """Arguments: entrance, folder for findings, then those of libFuzzer."""
    name, folder, *options = sys.argv[1:]
    entrance: Entrance = ENTRANCES[name]
    notebook = Notebook(Path(folder))

    def mutator(body: bytes, longest: int, seed: int) -> bytes:
        # One damage in five is the fuzzer's own, which knows the coverage and its dictionary.
        if seed % 5 == 0:
            mutated: bytes = atheris.Mutate(body, longest)
            return mutated
        return damaged(body, entrance.shape, seed=seed, longest=longest)

    def one(body: bytes) -> None:
        started = time.process_time()
        try:
            entrance.admits(body)
        except AssertionError as error:
            notebook.write("AssertionError", str(error) or place_of(error), body)
        except Exception as error:
            notebook.write(type(error).__name__, place_of(error), body)
        took = time.process_time() - started
        if took > SLOW_SECONDS:
            notebook.write("slow", f"about {round(took)} s", body)

    entrance.admits(entrance.seeds()[-1].read_bytes())  # what is made once is not timed
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
