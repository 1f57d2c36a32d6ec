"""What a plan was made from, so that it can be told later, without making it again, that it would be the same.

Imports little: it is what a command with nothing to do reads first.
"""

from __future__ import annotations

import os
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    FilesOf = Callable[[str, str, str, str], tuple[str, ...]]

#: A file changed this many seconds before it was read may change again without its times telling.
_SETTLED = 2.0
_CHUNK = 1 << 20
_MOST_HASHES = 100_000

#: This process's large files: an editor asks for the plan with every key.
_hashes: dict[str, tuple[tuple[int, ...], str]] = {}


def mark(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file, or what a folder lists, does."""
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)


def settled_mark(status: os.stat_result, now: float) -> tuple[int, ...]:
    """Return the mark of what was read ``now``; empty where a later change might leave it as it is."""
    settled = now - max(status.st_mtime, status.st_ctime) > _SETTLED and sys.platform != "win32"
    return mark(status) if settled else ()


class Evidence:
    """Gathers what one plan is made from: files by content, what folders list, the files that patterns name.

    ``doubts`` says why the plan may rest on more than that, where it may.
    """

    def __init__(self) -> None:
        self.doubts: list[str] = []
        self.inputs: dict[str, str] = {}
        self._files: dict[str, tuple[tuple[int, ...], str]] = {}
        self._folders: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {}
        self._patterns: dict[tuple[str, str, str, str], tuple[str, ...]] = {}
        self._states: dict[tuple[str, str], str] = {}

    def doubt(self, why: str) -> None:
        """Note that the plan rests on what can't be told again without making it."""
        self.doubts.append(why)

    def file(self, path: str, sha256: str, before: os.stat_result, after: os.stat_result, now: float) -> None:
        """Note a file's content, read ``now``, and what ``stat`` said before and after."""
        self._files[path] = (settled_mark(after, now) if mark(before) == mark(after) else (), sha256)

    def hash(self, path: str, hash_file: Callable[[str], str]) -> str:
        """Return a file's SHA-256 and note it; ``hash_file`` reads it unless it is as this process has seen it."""
        now = time.time()
        before = os.stat(path)
        known = _hashes.get(path)
        if known is not None and known[0] == mark(before):
            sha256, after = known[1], before
        else:
            sha256, after = hash_file(path), os.stat(path)
        self.file(path, sha256, before, after, now)
        settled = self._files[path][0]
        if settled:
            if len(_hashes) > _MOST_HASHES:
                _hashes.clear()
            _hashes[path] = (settled, sha256)
        return sha256

    def folder(self, path: str, names: Sequence[str]) -> None:
        """Note what counts of a folder's names, as :func:`list_folder` told it."""
        self._folders[path] = ((), tuple(names))

    def pattern(self, root: str, path: str, pattern: str, kind: str, hashes: Mapping[str, str]) -> None:
        """Note the files that an input's pattern names, by their shown paths, with their hashes."""
        self.inputs.update(hashes)
        if kind != "file" or any(one in pattern for one in "*?["):  # else the one file's own mark tells
            self._patterns[root, path, pattern, kind] = tuple(hashes)

    def state(self, root: str, name: str) -> str:
        """Return and note what a variable or a list of names is, by its name in ``tracking.reads``."""
        from stageloom.tracking.reads import state_of

        self._states[root, name] = found = state_of(name, root)
        return found

    def variable(self, name: str, sha256: str) -> None:
        """Note a declared variable of the environment and the hash it counts with."""
        self.inputs[name] = sha256
        self.state("", name)

    def pack(self) -> tuple[Any, ...]:
        """Return it as plain tuples, for ``marshal``."""
        files = tuple((path, marked, sha256) for path, (marked, sha256) in self._files.items())
        folders = tuple((path, marked, entries) for path, (marked, entries) in self._folders.items())
        patterns = tuple((*key, names) for key, names in self._patterns.items())
        states = tuple((root, name, state) for (root, name), state in self._states.items())
        return (files, folders, patterns, states)


_MARKERS = frozenset({"pyproject.toml", "setup.cfg", "pyvenv.cfg"})
_OUTSIDE = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})


def is_outside(name: str) -> bool:
    """Return whether a file or folder of that name is no part of a project."""
    return name.startswith(".") or name in _OUTSIDE


def list_folder(path: str) -> tuple[dict[str, bool], tuple[str, ...], bool]:
    """Return a folder's names that belong to a project, with whether each is a folder; and none if it can't be read.

    Then those that a module's name can stand for, or that change where modules are; and whether there are links among
    them, since what a link leads to has a time of its own.
    """
    try:
        with os.scandir(path) as entries:
            listed = [one for one in entries if not is_outside(one.name)]
            found = {one.name: one.is_dir() for one in listed}
    except OSError:
        return {}, (), False
    linked = {one.name for one in listed if one.is_symlink()}
    counts = (name for name in sorted(found) if found[name] or name.endswith(".py") or name in _MARKERS)
    names = tuple(f"{name}{'/' * found[name]}{'@' * (name in linked)}" for name in counts)
    return found, names, bool(linked)


def renewed(packed: tuple[Any, ...], files_of: FilesOf) -> tuple[Any, ...] | None:
    """Return the packed evidence where all of it still holds, with marks of now where they differ; None where not.

    ``files_of`` says which files an input's pattern names, given the root, the declaring file, the pattern, its kind.
    """
    files, folders, patterns, states = packed
    now_files = _renewed_files(files)
    if now_files is None:
        return None
    now_folders = _renewed_folders(folders)
    if now_folders is None or any(files_of(*one[:4]) != one[4] for one in patterns):
        return None
    if not all(_same_state(*one) for one in states):
        return None
    if now_files is files and now_folders is folders:
        return packed
    return (now_files, now_folders, patterns, states)


def _same_state(root: str, name: str, state: str) -> bool:
    from stageloom.tracking.reads import state_of

    return state_of(name, root) == state


def _renewed_files(
    files: Sequence[tuple[str, tuple[int, ...], str]],
) -> Sequence[tuple[str, tuple[int, ...], str]] | None:
    changed: dict[int, tuple[str, tuple[int, ...], str]] = {}
    for at, (path, marked, sha256) in enumerate(files):
        try:
            now = time.time()
            status = os.stat(path)
            if marked and marked == mark(status):
                continue
            if not stat.S_ISREG(status.st_mode) or hash_of(path) != sha256:
                return None
            after = os.stat(path)
        except OSError:
            return None
        again = settled_mark(after, now) if mark(status) == mark(after) else ()
        if again != marked:
            changed[at] = (path, again, sha256)
    return tuple(changed.get(at, one) for at, one in enumerate(files)) if changed else files


def _renewed_folders(
    folders: Sequence[tuple[str, tuple[int, ...], tuple[str, ...]]],
) -> Sequence[tuple[str, tuple[int, ...], tuple[str, ...]]] | None:
    changed: dict[int, tuple[str, tuple[int, ...], tuple[str, ...]]] = {}
    for at, (path, marked, entries) in enumerate(folders):
        now = time.time()
        try:
            before = os.stat(path)
        except OSError:
            if entries:
                return None
            continue
        if marked and marked == mark(before):
            continue
        _, names, linked = list_folder(path)
        if names != entries:
            return None
        again = () if linked else settled_mark(before, now)
        if again != marked:
            changed[at] = (path, again, entries)
    return tuple(changed.get(at, one) for at, one in enumerate(folders)) if changed else folders


def hash_of(path: str) -> str:
    """Return the SHA-256 of a file's content."""
    import hashlib

    total = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def own_files() -> tuple[tuple[str, int, int], ...]:
    """Return the files of this package that this process has loaded, with size and time: what made the plan.

    None where they are no files.
    """
    found: list[tuple[str, int, int]] = []
    for name in sorted(sys.modules):
        if name.partition(".")[0] == "stageloom":
            path = getattr(sys.modules[name], "__file__", None) or ""
            try:
                status = os.stat(path)
            except OSError:
                return ()
            found.append((path, status.st_size, status.st_mtime_ns))
    return tuple(found)


def same_files(files: Iterable[tuple[str, int, int]]) -> bool:
    """Return whether the files that :func:`own_files` told are as they were."""
    try:
        for path, size, changed in files:
            status = os.stat(path)
            if status.st_size != size or status.st_mtime_ns != changed:
                return False
    except OSError:
        return False
    return True
