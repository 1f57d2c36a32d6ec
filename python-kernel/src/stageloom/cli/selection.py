"""Which realizations a command is about, and how sizes and times are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stageloom.cli.place import UsageError
from stageloom.cli.target import find_place, store_of, workspace_of
from stageloom.engine.project import stages_named
from stageloom.engine.reached import chosen, derivations
from stageloom.engine.status import Standing, standings
from stageloom.engine.workspace import Workspace
from stageloom.library import open_workspace
from stageloom.model.references import BadReferenceError, DRef, RRef

if TYPE_CHECKING:
    import argparse

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?\Z", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)?\Z")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(text: str) -> int:
    """Return the bytes that ``10GB``, ``512 MiB`` or ``1000`` mean; raises ValueError, as argparse wants it."""
    found = _SIZE.match(text.strip())
    if found is None:
        raise ValueError(text)
    power = " kmgt".index(found[2].lower() or " ")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def parse_time(text: str) -> float:
    """Return the seconds that ``30d``, ``12h``, ``90min`` or ``20`` (days) mean; raises ValueError."""
    found = _TIME.match(text.strip())
    if found is None:
        raise ValueError(text)
    return float(found[1]) * _SECONDS[found[2] or "d"]


@contextmanager
def opened(
    arguments: argparse.Namespace, words: Sequence[str], *, create: bool = False
) -> Iterator[tuple[Workspace, Selection]]:
    """Open the workspace that ``words`` are about: references, or stages of one file."""
    references = [word for word in words if word.startswith(("rref:", "dref:"))]
    files = [word for word in words if word not in references]
    if files:
        place = find_place(files, arguments.root, arguments.store)
        root, store, path, stages = place.root, place.store, place.path, place.stages
    else:
        root = Path(arguments.root).resolve() if arguments.root else workspace_of(Path.cwd() / "pipeline.py")
        store, path, stages = store_of(root, arguments.store), "", ()
    try:
        rrefs = [RRef.parse(word) for word in references]
    except BadReferenceError as error:
        raise UsageError(str(error)) from None
    with open_workspace(root, store, create=create) as workspace:
        yield workspace, Selection(workspace, path, stages, rrefs)


class Selection:
    """What a command's words name. Without any they name everything that is visible."""

    def __init__(self, workspace: Workspace, path: str, stages: Sequence[str], rrefs: Sequence[RRef]) -> None:
        self.path = path
        self.rrefs = rrefs
        self._workspace = workspace
        self._stages = stages

    def realizations(self) -> list[RRef]:
        """Return the realizations named, or standing for the stages named; raises UsageError where there are none."""
        if not self.path and not self.rrefs:
            return list(dict.fromkeys(one.rref for one in self._workspace.store.history()))
        found = dict.fromkeys(self.rrefs)
        if self.path:
            standing = self._standing()
            missing = [name for name, one in standing.items() if one.looked is None or one.looked.choice is None]
            if missing and self._stages:
                raise UsageError(f"{missing[0]} isn't cached; run: stageloom realize {self.path}:{missing[0]}")
            for one in standing.values():
                found.update(dict.fromkeys(chosen(one)))
            if not found:
                raise UsageError(f"Nothing of {self.path} is cached; run: stageloom realize {self.path}")
        return list(found)

    def derivations(self) -> list[DRef]:
        """Return what the stages named would be made of, as far as the source tells."""
        return derivations(self._workspace, self.path, self._stages)

    def _standing(self) -> dict[str, Standing]:
        pipeline = self._workspace.read(self.path)
        standing = standings(self._workspace.store, pipeline)
        return {name: standing[name] for name in stages_named(pipeline, self._stages) or pipeline.targets}
