"""Registers every command by importing its module; the order is that of ``--help``."""

from importlib import import_module

for _name in (
    "run",
    "demo",
    "message",
    "envelope",
    "operator",
    "dead_letters",
    "decisions",
    "content",
    "threads",
    "keys",
    "journal",
    "measure",
):
    import_module(f"gateway.ops.cli.{_name}")
