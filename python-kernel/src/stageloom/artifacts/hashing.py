"""Large files, hashed and flushed while they are written: their bytes are not read again."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Iterable
from pathlib import Path

#: From this many bytes on a thread beside the writing is worth its start.
LARGE = 4 << 20
_BLOCK = 1 << 20
_BLOCKS = 8
#: After so many bytes the disk is given what was written so far.
_FLUSHED = 32 << 20
_MOST = 1000

#: This process's, by path: the stats under which a file has the SHA-256 that it was written with.
_hashes: dict[str, tuple[tuple[int, ...], str]] = {}


def write_hashed(path: Path, parts: Iterable[memoryview | bytes]) -> None:
    """Write ``parts`` one after the other, have them on the disk, and remember their hash for :func:`hashes_below`.

    Each part is copied once, block by block: what is hashed is what is written, whatever else changes an array
    meanwhile.
    """
    hashing, flushing = _Hashing(), _Flushing()
    written = 0
    with path.open("wb", buffering=0) as file:
        try:
            for part in parts:
                view = memoryview(part).cast("B")
                for at in range(0, len(view), _BLOCK):
                    block = hashing.block(view[at : at + _BLOCK])
                    written += _write(file.fileno(), block)
                    if written % _FLUSHED < _BLOCK:
                        flushing.flush(file.fileno())
        finally:
            sha256 = hashing.end()
            flushing.end()
        os.fsync(file.fileno())
    if flushing.failure is not None:  # the system says so only once
        raise flushing.failure
    while len(_hashes) >= _MOST:
        _hashes.pop(next(iter(_hashes)), None)
    _hashes[os.path.abspath(path)] = (_mark(os.stat(path)), sha256)


def hashes_below(folder: str) -> list[tuple[str, int, str]]:
    """Return path below ``folder``, size and SHA-256 of each file that is as it was written, and forget them."""
    top = os.path.join(os.path.abspath(folder), "")
    found = []
    for path in [one for one in list(_hashes) if one.startswith(top)]:
        mark, sha256 = _hashes.pop(path)
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            continue
        if _mark(status) == mark:
            found.append((path[len(top) :].replace(os.sep, "/"), status.st_size, sha256))
    return found


class _Hashing:
    """Hashes blocks in a thread; each is lent to the one who writes it until that one asks for the next."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        for _ in range(_BLOCKS):
            self._free.put(bytearray(_BLOCK))
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)
        self._thread.start()

    def block(self, piece: memoryview) -> memoryview:
        """Return a copy of ``piece`` that is being hashed."""
        block = self._free.get()
        copy = memoryview(block)[: len(piece)]
        copy[:] = piece
        self._full.put((block, len(piece)))
        return copy

    def end(self) -> str:
        """Wait for the last block, and return the hash of all."""
        self._full.put(None)
        self._thread.join()
        return self._state.hexdigest()

    def _work(self) -> None:
        while (one := self._full.get()) is not None:
            block, size = one
            self._state.update(memoryview(block)[:size])
            self._free.put(block)


class _Flushing:
    """Flushes a file in a thread, as often as it is told and done with the last time."""

    def __init__(self) -> None:
        self.failure: OSError | None = None
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def flush(self, descriptor: int) -> None:
        """Begin, unless the last time is not done."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="flush", daemon=True)
            self._thread.start()
        self._told.put(descriptor)

    def end(self) -> None:
        """Wait until it is done."""
        if self._thread is not None:
            self._told.put(-1)
            self._thread.join()

    def _work(self) -> None:
        try:
            while (descriptor := self._told.get()) >= 0:
                os.fsync(descriptor)
        except OSError as error:
            self.failure = error


def _write(descriptor: int, block: memoryview) -> int:
    size = len(block)
    while block:
        block = block[os.write(descriptor, block) :]
    return size


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
