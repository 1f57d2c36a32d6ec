"""The command line: ``stageloom realize``, ``status``, ``why``, ``invalidate``, ``undo``."""

from __future__ import annotations

from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that ``words`` (default: the process's) spell and return its exit code."""
    from stageloom.cli.main import run

    return run(words)
