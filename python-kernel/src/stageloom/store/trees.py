"""Trees: folders of artifacts, named by the hash of their files' names and content."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from stageloom.model.classes import dataclass
from stageloom.model.values import Json, canonical_bytes, digest
from stageloom.store.errors import BadNameError, DamagedError, MissingFileError
from stageloom.store.files import Files
from stageloom.store.layout import is_reserved

#: The longest path of a file within a tree. With the store's own part it leaves some 55 characters of Windows' 260
#: for the folder that holds ``.stageloom``.
LONGEST_PATH = 145

#: What desktop systems drop into folders when they show them.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})

_BLOCK = 1 << 18
#: From this many bytes on a file is flushed while it is hashed.
_LARGE = 4 << 20

Stats = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True, order=True)
class TreeFile:
    """A file of a tree: its path with ``/``, its size, and the SHA-256 of its content."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A tree's files, sorted by path."""

    files: tuple[TreeFile, ...]

    @property
    def tree(self) -> str:
        """The tree's hash. Computed anew each time: keep it."""
        return digest("tree/1", self.as_json())

    @property
    def size(self) -> int:
        """How many bytes the files hold together."""
        return sum(file.size for file in self.files)

    def as_json(self) -> Json:
        """Return the manifest as it is stored."""
        return [[file.path, file.size, file.sha256] for file in self.files]

    def as_bytes(self) -> bytes:
        """Return the manifest as it is stored."""
        return canonical_bytes(self.as_json())

    @classmethod
    def parse(cls, data: bytes, tree: str, path: str) -> Manifest:
        """Return what :meth:`as_bytes` wrote for ``tree``; raises DamagedError, naming ``path``."""
        try:
            manifest = cls(tuple(TreeFile(name, size, sha256) for name, size, sha256 in json.loads(data)))
            right = manifest.tree == tree
        except (ValueError, TypeError):
            right = False
        if not right:
            raise DamagedError(path, tree, "is damaged")
        return manifest


def check_name(path: str) -> None:
    """Raise BadNameError unless a file of this relative path can be in a tree, here and on other systems."""
    if not path or path.startswith("/") or (len(path) > 1 and path[1] == ":" and path[0].isalpha()):
        raise BadNameError(path, "it is not a path within the tree")
    if "\\" in path:
        raise BadNameError(path, "it contains a backslash")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise BadNameError(path, "it contains a control character")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise BadNameError(path, "it is not Unicode text") from None
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise BadNameError(path, "it is not a plain path within the tree")
        if is_reserved(part):
            raise BadNameError(path, f"Windows keeps the name {part!r} for a device")
    if len(path) > LONGEST_PATH:
        raise BadNameError(path, f"it has {len(path)} characters, more than {LONGEST_PATH}")


def scan(folder: str, known: Iterable[tuple[str, int, str]] = ()) -> Manifest:
    """Return the manifest of all regular files below ``folder``; folders without files are no part of it.

    ``known`` tells the size and SHA-256 of files that were hashed when written; an empty hash, another size or a file
    that is not told is hashed here.

    Raises:
        MissingFileError: a known file is not there.
        BadNameError: a name cannot be stored, or is a link or a device.
    """
    if not os.path.isdir(folder):
        raise MissingFileError(f"There is no folder {folder}.", "Realize the stage again.")
    hashes = {path: (size, sha256) for path, size, sha256 in known}
    files = []
    for path, entry in _walk(folder):
        if entry.is_dir(follow_symlinks=False):
            continue
        if not entry.is_file(follow_symlinks=False):
            raise BadNameError(path, "it is a link, or no regular file; copy what it points at")
        check_name(path)
        size = entry.stat(follow_symlinks=False).st_size
        told_size, sha256 = hashes.pop(path, (-1, ""))
        files.append(TreeFile(path, size, sha256 if sha256 and told_size == size else _hash_new(entry.path, size)))
    if hashes:
        missing = min(hashes)
        raise MissingFileError(
            f"{missing} was reported as written and is not in {folder}.", "Write it below the stage's output folder."
        )
    return Manifest(tuple(sorted(files)))


def seal(files: Files, folder: str) -> tuple[list[str], list[str]]:
    """Make what is below ``folder`` read-only, drop empty folders, and return the paths of its files and folders.

    The folder itself stays writable: without that it could not be moved.
    """
    paths: list[str] = []
    folders: list[str] = []

    def visit(at: str) -> bool:
        full = False
        with os.scandir(at) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    if visit(entry.path):
                        full = True
                        files.chmod(entry.path, 0o555)
                    else:
                        files.rmdir(entry.path)
                else:
                    full = True
                    files.chmod(entry.path, 0o444)
                    paths.append(entry.path)
        if full:
            folders.append(at)
        return full

    visit(folder)
    return paths, folders


def stats(folder: str) -> Stats:
    """Return size, time, inode and time of change of each file below ``folder``, and the folders' times and inodes."""
    result: dict[str, Sequence[int]] = {}
    _add_stat(result, "", os.stat(folder))
    for path, entry in _walk(folder):
        # On Windows an entry's own stat has no inode.
        _add_stat(result, path, os.stat(entry.path, follow_symlinks=False))
    return result


def unchanged(folder: str, expected: Stats) -> bool:
    """Return whether each file and folder below ``folder`` still has the stats it had."""
    current: dict[str, Sequence[int]] = {}
    try:
        for path, was in expected.items():
            _add_stat(current, path, os.stat(f"{folder}/{path}" if path else folder, follow_symlinks=False))
            if current[path] != tuple(was):
                return False
    except OSError:
        return False
    return True


def check_content(folder: str, manifest: Manifest, tree: str, check: Callable[[], None] | None = None) -> None:
    """Read all of a tree and raise DamagedError, naming the first file that is not as the manifest says.

    ``check`` is called now and then; what it raises ends the reading.
    """
    expected = {file.path: file for file in manifest.files}
    if not os.path.isdir(folder):
        raise DamagedError(folder, tree, "is missing")
    for path, entry in _walk(folder):
        if entry.is_dir(follow_symlinks=False):
            continue
        file = expected.pop(path, None)
        if file is None:
            if entry.name in _LITTER:
                continue
            raise DamagedError(entry.path, tree, "does not belong to its tree")
        size = entry.stat(follow_symlinks=False).st_size
        if not entry.is_file(follow_symlinks=False):
            raise DamagedError(entry.path, tree, "is no regular file any more")
        if size != file.size:
            raise DamagedError(entry.path, tree, f"is damaged: it has {size} bytes instead of {file.size}")
        if hash_file(entry.path, check) != file.sha256:
            raise DamagedError(entry.path, tree, "is damaged: its content is not what was stored")
    if expected:
        raise DamagedError(os.path.join(folder, min(expected)), tree, "is missing")


def hash_file(path: str, check: Callable[[], None] | None = None) -> str:
    """Return the SHA-256 of a file's content as hex digits; ``check`` is called for each block, and may raise."""
    state = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    with open(path, "rb", buffering=0) as file:
        while read := file.readinto(block):
            state.update(block[:read])
            if check is not None:
                check()
    return state.hexdigest()


def _hash_new(path: str, size: int) -> str:
    """Return the SHA-256 of a file just written; a large one goes to the disk meanwhile, which it must before long."""
    if size < _LARGE or sys.platform == "win32":
        return hash_file(path)
    failed: list[OSError] = []

    def flush() -> None:
        try:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        except OSError as error:  # said once by the system, so it must not be lost
            failed.append(error)

    flushing = threading.Thread(target=flush, name="flush")
    flushing.start()
    try:
        sha256 = hash_file(path)
    finally:
        flushing.join()
    if failed:
        raise failed[0]
    return sha256


def _add_stat(result: dict[str, Sequence[int]], path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        result[path] = (found.st_mtime_ns, found.st_ino)
    else:
        changed = 0 if sys.platform == "win32" else found.st_ctime_ns
        result[path] = (found.st_size, found.st_mtime_ns, found.st_ino, changed)


def _walk(folder: str, prefix: str = "") -> Iterable[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = prefix + entry.name
            yield path, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, path + "/")
