"""The command line: ``stageloom realize``, ``status``, ``why``, ``invalidate``, ``undo``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that ``words`` (default: the process's) spell and return its exit code."""
    import sys

    from stageloom.cli import quick

    given = sys.argv[1:] if words is None else words
    try:
        code = quick.answer(given)
    except KeyboardInterrupt:
        sys.stderr.write("stageloom: interrupted\n")
        return 130
    except BrokenPipeError:
        return 1
    if code is not None:
        return code
    from stageloom.cli.arguments import run

    return run(given)
