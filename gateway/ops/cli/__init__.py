"""The command line ``dialog-gateway``: one module for each group of commands (design §7).

Importing this package builds the whole command tree; the daemon's own modules
know nothing of it.
"""

from gateway.ops.cli.shell import app, main

__all__ = ["app", "main"]
