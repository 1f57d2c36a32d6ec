"""Results derived from contents, kept on disk between processes: a lost or damaged entry is computed again."""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

#: Part of every key. Raise it whenever a derived result changes its form or its meaning: fingerprints then change,
#: and everything that was cached under the old ones is stale.
ALGORITHM = "6"

_CHECKED = 16

_MEMORY = 32 << 20
_DISK = 64 << 20
_DAYS = 30


class Memory:
    """The latest of what was derived from contents that are not saved, up to ``limit`` bytes."""

    def __init__(self, limit: int = _MEMORY) -> None:
        self._limit = limit
        self._held: OrderedDict[Path, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, path: Path) -> bytes | None:
        """Return what was put for ``path``."""
        with self._lock:
            body = self._held.get(path)
            if body is not None:
                self._held.move_to_end(path)
            return body

    def put(self, path: Path, body: bytes) -> None:
        """Hold ``body``, and let go of what was asked for longest ago."""
        with self._lock:
            self._size += len(body) - len(self._held.pop(path, b""))
            self._held[path] = body
            while self._size > self._limit:
                self._size -= len(self._held.popitem(last=False)[1])

    def take(self, path: Path) -> bytes | None:
        """Return what was put for ``path`` and hold it no longer."""
        with self._lock:
            body = self._held.pop(path, None)
            self._size -= len(body or b"")
            return body


#: This process's, whichever snapshot it is asked for: each change of a buffer makes another.
_memory = Memory()
_pruned: set[Path] = set()


class Cache:
    """Values that ``marshal`` can write, by kind and key, in a folder; without one it remembers nothing.

    Without ``write`` what is put stays in this process, until a cache that writes asks for it: an editor's buffer
    changes with every key.
    """

    def __init__(self, folder: Path | None, *, write: bool = True) -> None:
        self.folder = folder
        self.write = write
        self._later: list[Callable[[], None]] = []

    def _path(self, kind: str, key: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{ALGORITHM}\n{kind}\n{key}".encode()).hexdigest()[:40]
        return self.folder / "tracking" / name[:2] / name

    def get(self, kind: str, key: str) -> object | None:
        """Return what was put, or None; never raises for what is wrong on disk."""
        path = self._path(kind, key)
        if path is None:
            return None
        body = _memory.take(path) if self.write else _memory.get(path)
        if body is None:
            body = _read(path)
        elif self.write:
            self._keep(path, body)
        if body is None:
            return None
        try:
            value: object = marshal.loads(body)  # noqa: S302  # checked when it was read
        except (ValueError, EOFError, TypeError):
            return None
        return value

    def put(self, kind: str, key: str, value: object, *, code: bool = False) -> None:
        """Keep ``value``; a folder that can't be written is no error. ``code`` is for this Python alone."""
        path = self._path(kind, key)
        if path is None:
            return
        # every Python from 3.4 on reads version 4, but code objects may need the newest
        body = marshal.dumps(value, marshal.version if code else 4)  # type: ignore[arg-type]  # plain values, or code
        if self.write:
            self._keep(path, body)
        else:
            _memory.put(path, body)

    def put_later(self, kind: str, key: str, make: Callable[[], object]) -> None:
        """Keep what ``make`` returns, once :meth:`settle` is called: only then another process asks for it."""
        self._later.append(lambda: self.put(kind, key, make()))

    def settle(self) -> None:
        """Keep what was put off."""
        later, self._later = self._later, []
        for one in later:
            one()

    def _keep(self, path: Path, body: bytes) -> None:
        folder = path.parent.parent
        if folder not in _pruned:
            _pruned.add(folder)
            prune(folder)
        with contextlib.suppress(OSError):
            _write(path, body)


def prune(folder: Path, *, days: float = _DAYS, size: int = _DISK) -> None:
    """Remove what was written more than ``days`` ago, then the oldest until at most ``size`` bytes are left."""
    found: list[tuple[float, int, str]] = []
    with contextlib.suppress(OSError):
        for inner in os.scandir(folder):
            with contextlib.suppress(OSError):
                for one in os.scandir(inner.path):
                    status = one.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, one.path))
    found.sort(reverse=True)
    oldest = time.time() - days * 86400
    held = 0
    for written, length, path in found:
        held += length
        if written < oldest or held > size:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[_CHECKED:]
    # marshal must not be fed what it did not write: a flipped bit could end the process
    return body if hashlib.sha256(body).digest()[:_CHECKED] == content[:_CHECKED] else None


def _write(path: Path, body: bytes) -> None:
    import tempfile  # on use: it brings much with it, and most processes find all they ask for

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest()[:_CHECKED] + body)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
