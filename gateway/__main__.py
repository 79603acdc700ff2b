"""``python -m gateway``."""

from gateway.ops.cli import main

if __name__ == "__main__":
    main()
