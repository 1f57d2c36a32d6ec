"""Whether what a realization was seen to read is still as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stageloom.engine.language import Pipeline
from stageloom.store.found import Found
from stageloom.tracking.evidence import hash_of
from stageloom.tracking.reads import CHANGED, VARIABLE, state_of


class Observed:
    """The project of ``pipeline`` as it is at one moment: what is asked twice is looked at once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._root = str(pipeline.snapshot.root)
        self._evidence = pipeline.evidence
        self._states: dict[str, str] = {}

    def holds(self, found: Found) -> bool:
        """Return whether all that ``found`` was seen to read holds what it held."""
        return not found.reads or not self.changed(found.reads)

    def changed(self, reads: Mapping[str, str]) -> list[str]:
        """Return the names among ``reads`` that hold something else now."""
        return [name for name, state in reads.items() if state == CHANGED or self._state(name) != state]

    def _state(self, name: str) -> str:
        if name not in self._states:
            self._states[name] = self._look(name)
        return self._states[name]

    def _look(self, name: str) -> str:
        if name.startswith(VARIABLE) or not os.path.isfile(os.path.join(self._root, *name.split("/"))):
            return self._evidence.state(self._root, name)
        return state_of(name, self._root, lambda path: self._evidence.hash(path, hash_of))
