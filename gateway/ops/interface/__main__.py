"""Write the documents of the EPJ interface; ``--check`` only says whether they are current."""

import sys
from pathlib import Path

from gateway.ops.interface.documents import interface_documents

DOCS = Path(__file__).resolve().parents[3] / "docs"


def main() -> int:
    """Exit 0: written, or current; 1: ``--check`` found one that is not."""
    stale = 0
    for name, text in interface_documents().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"docs/{name}")
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
