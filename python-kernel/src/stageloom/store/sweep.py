"""Taking away what lies in a store and belongs to nothing in it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence

from stageloom.model.classes import dataclass
from stageloom.store.fold import Fold, Standing, follow
from stageloom.store.layout import VIEWS
from stageloom.store.locks import OpenFile
from stageloom.store.meter import Meter
from stageloom.store.parts import Parts

# How many names are gone through while no other process can hold anything: some milliseconds.
_BATCH = 200
_HEX = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{32})?\Z")
_OWN_LOCKS = frozenset({"store.lock", "gc.lock"})


@dataclass(frozen=True, slots=True)
class Leftovers:
    """How many files and folders were left over, and the bytes of those among them that are artifacts."""

    count: int
    size: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something on the disk; ``name`` is what it would be held by."""

    name: str
    path: str


class Sweep:
    """One going through the store. ``fold`` is what its journal says, and is kept up to date."""

    def __init__(self, parts: Parts, fold: Fold, grace: float, meter: Meter) -> None:
        self._parts = parts
        self._fold = fold
        self._grace = grace
        self._meter = meter
        self._needed: set[str] = set()
        self._needed_at = -1
        self._without: Collection[str] = ()
        self._uncounted: Collection[str] = ()
        self._delete = False
        self._kept: set[str] = set()
        self._kept_sources: set[str] = set()
        self._kept_at = -1
        self._count = 0
        self._size = 0

    def run(self, uncounted: Collection[str], *, without: Collection[str], delete: bool) -> Leftovers:
        """Take away what belongs to nothing, or only count it, as if the realizations ``without`` were gone.

        Objects named ``uncounted`` are not counted.
        """
        self._uncounted, self._without, self._delete = uncounted, without, delete
        with self._parts.holds.alone() as held:
            self._refresh()
        kept = self._kept = self._provenance(self._fold.standing.values()) | held
        self._kept_at = self._fold.sequence
        objects = ("records", "derivations", "trees")
        self._meter.total = self._meter.done + sum(self._entries(folder) for folder in objects)
        for folder in objects:
            self._go_through(self._objects(folder))
        self._go_through(self._runs(kept))
        self._go_through(one for one in self._objects("snapshots") if one.name not in kept and self._old(one.path))
        sources = self._kept_sources = self._sources(kept)
        self._go_through(one for one in self._objects("sources") if one.name not in sources and self._old(one.path))
        self._go_through(self._damaged())
        self._go_through(self._views())
        if delete:
            self._locks()
            self._parts.scratch.sweep()
        return Leftovers(self._count, self._size)

    # --- what is needed ----------------------------------------------------------------------------------------------

    def _names(self, rrefs: Collection[str]) -> set[str]:
        found = (self._fold.standing[rref] for rref in rrefs if rref in self._fold.standing)
        return {name for one in found for name in one.names}

    def _refresh(self) -> None:
        self._fold = follow(self._parts.ledger, self._fold)
        if self._fold.sequence != self._needed_at:
            self._needed_at = self._fold.sequence
            self._needed = self._names(set(self._fold.standing) - set(self._without))
            self._needed.update(dref[5:37] for dref in self._fold.plans)
            self._keep_new()

    def _keep_new(self) -> None:
        """Keep what lies beside realizations made since the sweep began: their sources may be old."""
        if self._kept_at < 0:
            return
        new = [one for one in self._fold.standing.values() if one.sequence > self._kept_at]
        self._kept_at = self._fold.sequence
        names = self._provenance(new)
        snapshots = (self._parts.layout.snapshot(name) for name in names if _HEX.match(name))
        self._kept |= names
        self._kept_sources.update(sha256 for path in snapshots for sha256 in _files_of(path))

    def _provenance(self, realizations: Iterable[Standing]) -> set[str]:
        """Return run folders and snapshots of those of these realizations that stay."""
        found: set[str] = set()
        layout = self._parts.layout
        for one in realizations:
            if one.rref in self._without:
                continue
            for run, stage in one.runs:
                folder = layout.run(run, stage)
                found.add(folder[len(layout.root) + 1 :])
                found.add(_snapshot_of(folder))
        return found

    def _sources(self, kept: Collection[str]) -> set[str]:
        """Return the sources of the snapshots that stay, and what is ``kept`` anyway."""
        found = set(kept)
        for one in self._objects("snapshots"):
            if one.name in kept or not self._old(one.path):
                found.update(_files_of(one.path))
        return found

    # --- what is there -----------------------------------------------------------------------------------------------

    def _objects(self, folder: str) -> Iterator[_Entry]:
        for shard, name in _below(self._parts.layout.at(folder)):
            if _HEX.match(name.removesuffix(".json")):
                yield _Entry(name.removesuffix(".json"), os.path.join(shard, name))

    def _entries(self, folder: str) -> int:
        return sum(1 for _ in _below(self._parts.layout.at(folder)))

    def _damaged(self) -> Iterator[_Entry]:
        folder = self._parts.layout.at("damaged")
        for _, name in _below_one(folder):
            path = os.path.join(folder, name)
            if self._old(path):
                yield _Entry(path, path)

    def _views(self) -> Iterator[_Entry]:
        """Return what faces show of realizations: names of the same files, which keep their space."""
        for view in VIEWS:
            for above, face in _below(self._parts.layout.at(view)):
                for shard, name in _below_one(os.path.join(above, face)):
                    if _HEX.match(name):
                        yield _Entry(name, os.path.join(shard, name))

    def _runs(self, kept: Collection[str]) -> Iterator[_Entry]:
        root = self._parts.layout.root
        top = self._parts.layout.at("runs")
        for _, month in _below_one(top):
            for shard, run in _below_one(os.path.join(top, month)):
                stages = [os.path.join(shard, run, stage) for _, stage in _below_one(os.path.join(shard, run))]
                for path in stages:
                    name = path[len(root) + 1 :]
                    if name not in kept and self._old(path):
                        yield _Entry(name, path)

    def _old(self, path: str) -> bool:
        try:
            return time.time() - os.stat(path).st_mtime >= self._grace
        except OSError:
            return False

    # --- taking away -------------------------------------------------------------------------------------------------

    def _go_through(self, entries: Iterable[_Entry]) -> None:
        batch: list[_Entry] = []
        for entry in entries:
            self._meter.step()
            if entry.name not in self._needed and self._certain(entry):
                batch.append(entry)
            if len(batch) >= _BATCH:
                self._take(batch)
                batch = []
        if batch:
            self._take(batch)

    def _certain(self, entry: _Entry) -> bool:
        """Return whether it is sure that no realization has it: a damaged line of the journal may have named it."""
        return not self._fold.scars or not _HEX.match(entry.name) or entry.name in self._fold.collected

    def _take(self, batch: Sequence[_Entry]) -> None:
        self._meter.check()
        taken: list[str] = []
        with self._parts.holds.alone() as held:
            self._refresh()
            for entry in batch:
                if any(entry.name in names for names in (held, self._needed, self._kept, self._kept_sources)):
                    continue
                if entry.name not in self._uncounted:
                    self._count += 1
                    self._size += _size(entry.path)
                if self._delete:
                    taken += self._aside(entry.path)
        for path in taken:
            self._parts.files.remove(path)
        for folder in {os.path.dirname(entry.path) for entry in batch} if self._delete else ():
            self._drop_empty(folder)

    def _aside(self, path: str) -> list[str]:
        """Take a file away, or move a folder to where it is no part of the store; return what is still to remove."""
        files = self._parts.files
        if not os.path.isdir(path) or os.path.islink(path):
            files.unlink(path, missing_ok=True)
            return []
        files.chmod(path, 0o755)
        target = self._parts.scratch.path()
        files.rename(path, target)
        return [target]

    def _drop_empty(self, folder: str) -> None:
        top = self._parts.layout.at("runs")
        while folder.startswith(top + os.sep):
            try:
                self._parts.files.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)

    def _locks(self) -> None:
        """Take away the files of locks whose holders were killed."""
        folder = self._parts.layout.at("locks")
        for name in os.listdir(folder):
            if name in _OWN_LOCKS:
                continue
            path = os.path.join(folder, name)
            try:
                opened = OpenFile(self._parts.files, path, os.O_RDWR)
            except OSError:  # let go in between, or another user's
                continue
            try:
                if opened.take(block=False):
                    self._parts.files.unlink(path, missing_ok=True)
            except OSError:
                continue  # where open files cannot be removed the next collection does it
            finally:
                opened.close()


def _below(folder: str) -> Iterator[tuple[str, str]]:
    for _, shard in _below_one(folder):
        yield from _below_one(os.path.join(folder, shard))


def _below_one(folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        yield folder, name


def _size(path: str) -> int:
    """Return the bytes of a tree; of anything else the little it has is not counted."""
    if not os.path.isdir(path) or os.path.islink(path):
        return 0
    found = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                found += os.lstat(os.path.join(folder, name)).st_size
            except OSError:  # noqa: PERF203  # it is about to go anyway
                continue
    return found


def _snapshot_of(folder: str) -> str:
    try:
        with open(os.path.join(folder, "stage.json"), "rb") as file:
            return str(json.loads(file.read()).get("snapshot", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _files_of(path: str) -> Collection[str]:
    try:
        with open(path, "rb") as file:
            return [str(sha256) for sha256 in json.loads(file.read())["files"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
