"""Publishing realizations: written aside, synced, renamed, synced; many in one group cost little more than one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Context, Derivation, Record, context_key
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json, canonical_bytes
from stageloom.store.errors import DamagedError, MissingFileError
from stageloom.store.files import ONE_BY_ONE, Files
from stageloom.store.journal import Event
from stageloom.store.layout import Layout
from stageloom.store.scratch import Scratch
from stageloom.store.trees import Manifest, Stats, TreeFile, check_content, scan, seal, unchanged


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a realization came to be: no part of its identity.

    ``stage`` and ``path`` (relative, with ``/``) name it in its pipeline, ``run`` the run. ``at`` is when it began, in
    seconds since the epoch (now, where None), ``took`` seconds. ``more`` is kept in the run's folder as ``stage.json``.
    """

    stage: str
    path: str
    run: str
    at: float | None = None
    took: float = 0.0
    more: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRealization:
    """What to store. Either ``scratch`` holds the files, or ``tree`` names a stored tree that equals the work's result.

    ``files`` tells path, size and SHA-256 of what was written; an empty hash, or a file that is not told, is hashed.
    On success ``scratch`` is gone: it became the tree, or an equal one was there. ``reads`` is what the work was seen
    to read.
    """

    derivation: Derivation
    context: Context
    action: str
    provenance: Provenance
    scratch: Path | None = None
    files: Sequence[tuple[str, int, str]] = ()
    tree: str | None = None
    reads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A realization whose references are known. ``manifest`` is None where its tree is stored already.

    ``placed`` holds the stats of its tree's files where that was put in its place, which makes nothing durable yet.
    """

    new: NewRealization
    dref: DRef
    rref: RRef
    record: Record
    tree: str
    size: int
    manifest: Manifest | None
    placed: Stats | None = None

    def event(self, sequence: int, now: float) -> Event:
        """Return the journal's event."""
        made = self.new.provenance
        event: Event = {
            "seq": sequence,
            "is": "run",
            "rref": str(self.rref),
            "action": self.new.action,
            "context": context_key(self.new.context),
            "tree": self.tree,
            "stage": made.stage,
            "path": made.path,
            "run": made.run,
            "at": now if made.at is None else made.at,
            "took": made.took,
            "size": self.size,
            "kept": self.manifest is None,
        }
        return {**event, "reads": dict(self.new.reads)} if self.new.reads else event


def prepare(new: NewRealization, size_of: Callable[[str], int]) -> Prepared:
    """Hash what has to be hashed; raises what ``trees.scan`` raises."""
    if (new.scratch is None) == (new.tree is None):
        raise ValueError("a new realization has either a scratch folder or a tree")
    dref = new.derivation.dref
    if new.tree is not None:
        record = Record(dref, new.context, new.tree, new.reads)
        return Prepared(new, dref, record.rref, record, new.tree, size_of(new.tree), None)
    manifest = _manifest(os.fspath(new.scratch or ""), new.files)
    record = Record(dref, new.context, manifest.tree, new.reads)
    return Prepared(new, dref, record.rref, record, record.tree, manifest.size, manifest)


def _manifest(scratch: str, told: Sequence[tuple[str, int, str]]) -> Manifest:
    if not os.path.lexists(scratch) and told and all(sha256 for _, _, sha256 in told):
        # An earlier commit moved the tree to its place and then failed. Whether it is there and right is checked yet.
        return Manifest(tuple(sorted(TreeFile(*one) for one in told)))
    return scan(scratch, told)


def _existing(one: Prepared) -> str:
    scratch = os.fspath(one.new.scratch or "")
    if not os.path.isdir(scratch):
        raise MissingFileError(f"There is no folder {scratch}.", "Realize the stage again.")
    return scratch


class Publisher:
    """Puts objects and trees in their places."""

    def __init__(self, layout: Layout, files: Files, scratch: Scratch) -> None:
        self._layout = layout
        self._files = files
        self._scratch = scratch
        self._made: set[str] = set()

    def place(self, one: Prepared) -> None:
        """Put tree and objects in their places, read-only. Nothing is durable by that, and the journal names none."""
        if one.manifest is not None and not self._stored(one.tree, one.manifest):
            scratch = _existing(one)
            seal(self._files, scratch)
            self._place_tree(scratch, self._layout.tree(one.tree), one, set())
        staged = self._stage(self._objects([one]), sync=False)
        try:
            for temporary, target in staged:
                if temporary:
                    self._move(temporary, target, set())
        except BaseException:
            self._drop(staged)
            raise

    def publish(self, group: Sequence[Prepared]) -> None:
        """Store all objects of the group durably. When this raises, no object of it is half there."""
        objects = self._objects(group)
        new: dict[str, Prepared] = {}
        there: dict[str, Manifest] = {}
        for one in group:
            if one.manifest is None:
                continue
            if self._in_place(one) or self._stored(one.tree, one.manifest):
                there[one.tree] = one.manifest
            else:
                _existing(one)
                new.setdefault(one.tree, one)
        # Who put a tree or an object there may have died before it was durable.
        paths, folders = self._below(there)
        count = len(objects) + len(paths) + sum(len(one.manifest.files) for one in new.values() if one.manifest)
        many = count > ONE_BY_ONE
        staged = self._stage(objects, sync=not many)
        try:
            paths += [temporary or target for temporary, target in staged if many or not temporary]
            self._sync(new, paths, folders)
            renamed = {os.path.dirname(path) for path in (*objects, *map(self._layout.tree, (*new, *there)))}
            for tree, one in new.items():
                self._place_tree(os.fspath(one.new.scratch or ""), self._layout.tree(tree), one, renamed)
            for temporary, target in staged:
                if temporary:
                    self._move(temporary, target, renamed)
        except BaseException:
            self._drop(staged)
            raise
        self._files.sync_all(self._layout.root, (), sorted(renamed))

    def write(self, objects: Mapping[str, bytes]) -> None:
        """Store single files durably under their paths; what is there and right stays."""
        staged = self._stage(objects, sync=len(objects) <= ONE_BY_ONE)
        if not any(temporary for temporary, _ in staged):
            return
        folders: set[str] = {os.path.dirname(path) for path in objects}
        try:
            if len(objects) > ONE_BY_ONE:
                self._files.sync_all(self._layout.root, [path for path, _ in staged if path], ())
            for temporary, target in staged:
                if temporary:
                    self._move(temporary, target, folders)
        except BaseException:
            self._drop(staged)
            raise
        self._files.sync_all(self._layout.root, (), sorted(folders))

    def quarantine(self, path: str) -> None:
        """Move a damaged file or folder aside."""
        if not os.path.lexists(path):
            return
        if os.path.isdir(path) and not os.path.islink(path):
            self._files.chmod(path, 0o755)
        aside = self._layout.at("damaged", f"{os.path.basename(path)}-{os.urandom(4).hex()}")
        self._files.rename(path, aside)

    def _objects(self, group: Sequence[Prepared]) -> dict[str, bytes]:
        objects: dict[str, bytes] = {}
        for one in group:
            if one.manifest is not None:
                objects[self._layout.manifest(one.tree)] = one.manifest.as_bytes()
        for one in group:
            objects[self._layout.derivation(one.dref)] = canonical_bytes(one.new.derivation.as_json())
        # Records last: who finds one finds what it names.
        for one in group:
            objects[self._layout.record(one.rref)] = canonical_bytes(one.record.as_json())
        return objects

    def _in_place(self, one: Prepared) -> bool:
        return one.placed is not None and unchanged(self._layout.tree(one.tree), one.placed)

    def _below(self, trees: Mapping[str, Manifest]) -> tuple[list[str], list[str]]:
        """Return the paths of all files of ``trees``, and of all their folders."""
        paths: list[str] = []
        folders: set[str] = set()
        for tree, manifest in trees.items():
            top = self._layout.tree(tree)
            folders.add(top)
            for file in manifest.files:
                paths.append(os.path.join(top, *file.path.split("/")))
                folder = os.path.dirname(paths[-1])
                while folder not in folders:
                    folders.add(folder)
                    folder = os.path.dirname(folder)
        return paths, sorted(folders)

    def _stored(self, tree: str, manifest: Manifest) -> bool:
        """Return whether an equal tree is there and right; a damaged one is moved aside."""
        folder = self._layout.tree(tree)
        if not os.path.lexists(folder):
            return False
        try:
            check_content(folder, manifest, tree)
        except DamagedError:
            self.quarantine(folder)
            return False
        return True

    def _stage(self, objects: Mapping[str, bytes], *, sync: bool) -> list[tuple[str, str]]:
        """Write aside what is missing; an entry without a temporary path is in place already."""
        staged: list[tuple[str, str]] = []
        try:
            for target, data in objects.items():
                if self._is(target, data):
                    staged.append(("", target))
                    continue
                temporary = self._scratch.path()
                self._files.create(temporary, data, sync=sync)
                staged.append((temporary, target))
        except BaseException:
            self._drop(staged)
            raise
        return staged

    def _is(self, path: str, data: bytes) -> bool:
        try:
            with open(path, "rb") as file:
                right = file.read() == data
        except FileNotFoundError:
            return False
        except OSError:
            right = False
        if not right:
            self.quarantine(path)
        return right

    def _sync(self, trees: Mapping[str, Prepared], paths: list[str], folders: list[str]) -> None:
        for one in trees.values():
            more_paths, more_folders = seal(self._files, os.fspath(one.new.scratch or ""))
            paths += more_paths
            folders += more_folders
        self._files.sync_all(self._layout.root, paths, folders)

    def _place_tree(self, scratch: str, target: str, one: Prepared, folders: set[str]) -> None:
        try:
            self._move(scratch, target, folders)
        except OSError:
            # Another process stored an equal tree in between.
            if one.manifest is None or not self._stored(one.tree, one.manifest):
                raise
        else:
            self._files.chmod(target, 0o555)

    def _move(self, source: str, target: str, folders: set[str]) -> None:
        parent = os.path.dirname(target)
        if parent in self._made:
            try:
                self._files.rename(source, target)
            except FileNotFoundError:  # a collection has taken the folder away, or there is nothing to move
                self._made.discard(parent)
            else:
                return
        if self._files.mkdir(parent):
            folders.add(os.path.dirname(parent))
        self._files.rename(source, target)
        self._made.add(parent)

    def _drop(self, staged: Sequence[tuple[str, str]]) -> None:
        for temporary, _ in staged:
            if temporary:
                try:
                    self._files.unlink(temporary, missing_ok=True)
                except OSError:
                    continue  # swept later; the first failure is the one to tell

    def tidy(self, group: Sequence[Prepared]) -> None:
        """Remove the scratch folders of trees that were stored already, once the group is in the journal."""
        for one in group:
            if one.new.scratch is not None and os.path.lexists(one.new.scratch):
                try:
                    self._files.remove(os.fspath(one.new.scratch))
                except OSError:
                    continue  # swept later: the realization is stored
