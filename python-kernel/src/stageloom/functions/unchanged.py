"""Whether a stage's input files are those that were planned, when it begins and when it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stageloom.functions.inputs import NoInputError, file_hash, input_files, shown

#: A file written this recently, in nanoseconds, may be written again without a later time.
_SETTLED = 2_000_000_000


class ChangedInputError(Exception):
    """An input file that is not the one that was planned."""


class Inputs:
    """The input files of one job: ``patterns`` with their kinds, and the ``planned`` hashes by shown path."""

    def __init__(self, root: Path, path: str, patterns: Sequence[tuple[str, str]], planned: Mapping[str, str]) -> None:
        self._root = root
        self._path = path
        self._patterns = patterns
        self._planned = planned
        self._seen: dict[str, tuple[int, ...]] = {}

    def check(self, when: str) -> None:
        """Raise ChangedInputError where a file is not as planned; ``when`` says since when, as in *after the plan*.

        A file is read again only where its size, times or identity are not those of the last check.
        """
        found = self._found()
        for name in sorted(found.keys() | self._planned.keys()):
            if name not in found:
                raise ChangedInputError(f"The input file {name} went away {when}")
            if name not in self._planned:
                raise ChangedInputError(f"The input file {name} came {when}")
            if not self._is_planned(name, found[name]):
                raise ChangedInputError(f"The input file {name} changed {when}")

    def _found(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for pattern, kind in self._patterns:
            try:
                files = input_files(self._root, self._path, pattern, kind)
            except NoInputError:
                files = []
            found.update((shown(file, self._root), file) for file in files)
        return found

    def _is_planned(self, name: str, file: Path) -> bool:
        try:
            now = time.time_ns()
            stat = os.stat(file)
            stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            if self._seen.get(name) == stamp:
                return True
            if file_hash(file) != self._planned[name]:
                return False
        except OSError:  # taken away just now
            return False
        if max(stat.st_mtime_ns, stat.st_ctime_ns) < now - _SETTLED:
            self._seen[name] = stamp
        return True
