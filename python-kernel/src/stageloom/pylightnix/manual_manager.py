"""What a stage function is given: the derivations that were made with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stageloom.pylightnix.manual_types import Derivation, DRef, StorageSettings, UsageError


class Manager:
    """Collects the derivations that stage functions make in a storage; ``builders`` has them, dependencies first."""

    def __init__(self, S: StorageSettings | None = None) -> None:
        self.S = S
        self.builders: dict[DRef, Derivation] = {}
        self._lock = threading.RLock()
        self._depth = 0

    @property
    def in_instantiate(self) -> bool:
        """Whether a stage function of this manager runs."""
        return self._depth > 0

    @contextmanager
    def instantiating(self) -> Iterator[None]:
        """Let one thread at a time call a stage function; raises UsageError where that calls ``instantiate`` itself."""
        with self._lock:
            if self._depth:
                raise UsageError(
                    "a stage function calls instantiate with the manager that it was given; call the other stage "
                    "function itself: stage_other(m)"
                )
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
