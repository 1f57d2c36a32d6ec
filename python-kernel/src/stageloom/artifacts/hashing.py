"""Large files, hashed and flushed while they are written: their bytes are not read again."""

from __future__ import annotations

import hashlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

#: From this many bytes on a thread beside the writing is worth its start.
LARGE = 4 << 20
#: So much is written before the disk and the hashing go on with it: on a busy machine each word between threads waits.
_STEP = 16 << 20
_BLOCK = 1 << 18
_MOST = 1000

#: This process's, by path: the stats under which a file has the SHA-256 that it was written with.
_hashes: dict[str, tuple[tuple[int, ...], str]] = {}


def write_hashed(path: Path, parts: Iterable[memoryview | bytes]) -> None:
    """Write ``parts`` one after the other, have them on the disk, and remember their hash for :func:`hashes_below`.

    What is hashed is what the file holds, whatever else changes an array meanwhile.
    """
    written = 0
    start_writing = _starter()
    with path.open("wb", buffering=0) as file:
        hashing = _Hashing(path)
        try:
            for part in parts:
                view = memoryview(part).cast("B")
                for at in range(0, len(view), _STEP):
                    size = _write(file.fileno(), view[at : at + _STEP])
                    start_writing(file.fileno(), written, size)
                    written += size
                    hashing.follow(written)
            os.fsync(file.fileno())
        finally:
            hashing.end()
    if hashing.failure is not None:
        raise hashing.failure
    while len(_hashes) >= _MOST:
        _hashes.pop(next(iter(_hashes)), None)
    _hashes[os.path.abspath(path)] = (_mark(os.stat(path)), hashing.sha256)


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
    """Hashes a file in a thread that follows who writes it: its bytes are in memory yet."""

    def __init__(self, path: Path) -> None:
        self.sha256 = ""
        self.failure: OSError | None = None
        self._path = path
        self._written: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)
        self._thread.start()

    def follow(self, written: int) -> None:
        """Go on to that many bytes."""
        self._written.put(written)

    def end(self) -> None:
        """Wait until all is hashed."""
        self._written.put(None)
        self._thread.join()

    def _work(self) -> None:
        state, block, read = hashlib.sha256(), memoryview(bytearray(_BLOCK)), 0
        try:
            with self._path.open("rb", buffering=0) as file:
                while (written := self._written.get()) is not None:
                    while read < written and (size := file.readinto(block[: written - read])):
                        state.update(block[:size])
                        read += size
        except OSError as error:
            self.failure = error
        self.sha256 = state.hexdigest()


def _starter() -> Callable[[int, int, int], object]:
    """Return what has the system begin to write a part of a file to the disk, and does not wait for it."""
    if sys.platform == "linux":
        try:
            import ctypes

            start = ctypes.CDLL(None).sync_file_range
            start.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
        except (ImportError, OSError, AttributeError):
            pass
        else:
            return lambda descriptor, at, size: start(descriptor, at, size, _WRITE)
    return lambda *_: None


#: SYNC_FILE_RANGE_WRITE
_WRITE = 2


def _write(descriptor: int, block: memoryview) -> int:
    size = len(block)
    while block:
        block = block[os.write(descriptor, block) :]
    return size


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
