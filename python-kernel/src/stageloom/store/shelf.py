"""Stored trees, opened: checked against what is remembered of their files, or against their content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from stageloom.store import objects
from stageloom.store.commit import Publisher
from stageloom.store.errors import DamagedError, NotStoredError, StoreError, explained, unreadable
from stageloom.store.holds import Holds
from stageloom.store.layout import Layout
from stageloom.store.ledger import Ledger
from stageloom.store.trees import Manifest, Stats, check_content, scan, stats, unchanged


class Shelf:
    """The trees of a store. What is found damaged is noted in the ledger, so that it is not found again."""

    def __init__(self, layout: Layout, ledger: Ledger, publisher: Publisher, holds: Holds, *, writable: bool) -> None:
        self._layout = layout
        self._holds = holds
        self._ledger = ledger
        self._publisher = publisher
        self._writable = writable
        self._checked: dict[str, Stats] = {}

    def open(self, tree: str) -> str:
        """Return a tree's folder; raises NotStoredError, DamagedError."""
        self._holds.hold_to_read([tree])
        self._open(tree, self._known([tree]).get(tree))
        return self._layout.tree(tree)

    def check(self, trees: Iterable[str]) -> dict[str, StoreError]:
        """Return why some of ``trees`` cannot be opened."""
        wanted = list(dict.fromkeys(trees))
        self._holds.hold_to_read(wanted)
        known = self._known(wanted)
        result: dict[str, StoreError] = {}
        for tree in wanted:
            try:
                self._open(tree, known.get(tree))
            except StoreError as error:  # noqa: PERF203  # opening costs far more
                result[tree] = error
        return result

    def manifest(self, tree: str) -> Manifest:
        """Return a tree's files, from the list of them, or from the files themselves where that is lost."""
        try:
            return objects.read_manifest(self._layout, tree)
        except (DamagedError, NotStoredError) as error:
            return self._manifest_again(tree, error)

    def size(self, tree: str) -> int:
        """Return how many bytes a tree holds, after a glance whether it is there."""
        manifest = self.manifest(tree)
        if not os.path.isdir(self._layout.tree(tree)):
            raise DamagedError(self._layout.tree(tree), tree, "is missing")
        return manifest.size

    def remember(self, checked: Mapping[str, Stats]) -> None:
        """Take these trees to be right while their files have these stats."""
        self._checked.update(checked)

    def lend(self, tree: str, folder: str) -> None:
        """Link, or copy, each file of a tree that was opened just now to the same path below ``folder``."""
        source = self._layout.tree(tree)
        before = _stats(source)
        for file in self.manifest(tree).files:
            at, target = f"{source}/{file.path}", os.path.join(folder, *file.path.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                os.link(at, target)
            except OSError:  # another file system, one without links, or too many of them
                shutil.copy2(at, target)
        after = _stats(source)
        if before is not None and after is not None and _but_for_links(before) == _but_for_links(after):
            self._checked[tree] = after
            self._ledger.note(lambda index: index.set_checked(tree, after))

    def stats_of(self, trees: Sequence[str]) -> dict[str, Stats]:
        """Return under which stats of their files ``trees`` were found right, for those that were."""
        known = self._known(trees)
        return {tree: known[tree] for tree in dict.fromkeys(trees) if tree in known}

    def _known(self, trees: Sequence[str]) -> Mapping[str, Stats]:
        missing = [tree for tree in trees if tree not in self._checked]
        if missing:
            self._checked.update(self._ledger.ask(lambda index: index.checked(missing)))
        return self._checked

    def _open(self, tree: str, known: Stats | None) -> None:
        folder = self._layout.tree(tree)
        if known is not None and unchanged(folder, known):
            return
        self._checked.pop(tree, None)
        manifest = self.manifest(tree)
        before = _stats(folder)
        try:
            check_content(folder, manifest, tree)
        except DamagedError:
            self._note_damage(tree)
            raise
        except OSError as error:
            raise unreadable(folder, error) from error
        # What changed while it was read is not what was checked.
        if before is not None and unchanged(folder, before):
            self._checked[tree] = before
            self._ledger.note(lambda index: index.set_checked(tree, before))

    def _manifest_again(self, tree: str, error: StoreError) -> Manifest:
        path, folder = self._layout.manifest(tree), self._layout.tree(tree)
        manifest = _scan(folder)
        if manifest is None or manifest.tree != tree:
            if isinstance(error, NotStoredError) and not self._ledger.ask(lambda index: index.has_tree(tree)):
                raise error
            with suppress(StoreError):  # collected, and made again meanwhile
                return objects.read_manifest(self._layout, tree)
            self._note_damage(tree)
            raise error if isinstance(error, DamagedError) else DamagedError(path, tree, "is missing")
        if self._writable:
            with explained(self._layout.root):
                self._publisher.write({path: manifest.as_bytes()})
        return manifest

    def _note_damage(self, tree: str) -> None:
        self._ledger.note(lambda index: index.set_damaged([tree], damaged=True))


def _scan(folder: str) -> Manifest | None:
    try:
        return scan(folder)
    except (StoreError, OSError):
        return None


def _stats(folder: str) -> Stats | None:
    try:
        return stats(folder)
    except OSError:
        return None


def _but_for_links(found: Stats) -> dict[str, Sequence[int]]:
    """Return stats without the time of change, which a new name of a file moves on."""
    return {path: tuple(values)[:3] for path, values in found.items()}
