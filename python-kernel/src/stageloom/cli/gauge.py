"""How far a long command is, on a line of the terminal that goes again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS = 1.0


@contextmanager
def gauge(word: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows ``word: 12,000 of 100,000``; nothing where nobody looks, or where it is done in a second."""
    begun, shown = time.monotonic(), False
    terminal = sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        nonlocal shown
        if terminal and total and time.monotonic() - begun > _SECONDS:
            shown = True
            sys.stderr.write(f"\r\x1b[K{word}: {done:,} of {total:,}")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
