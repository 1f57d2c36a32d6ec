"""How far a long work on a store is, told now and then to whoever shows it and may stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

#: Called now and then; what it raises ends the work.
Check: TypeAlias = Callable[[], None]
#: Told how much of how much is done; of 0 where that is not known.
Tell: TypeAlias = Callable[[int, int], None]

_SECONDS = 0.1


def unchecked() -> None:
    """Let work go on."""


def untold(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


class Meter:
    """Counts what is done of ``total``."""

    def __init__(self, check: Check = unchecked, tell: Tell = untold, total: int = 0) -> None:
        self.check = check
        self.total = total
        self.done = 0
        self._tell = tell
        self._next = 0.0

    def step(self, count: int = 1) -> None:
        """Note that so much more is done; raises what ``check`` raises."""
        self.check()
        self.done += count
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SECONDS
            self._tell(min(self.done, self.total), self.total)
