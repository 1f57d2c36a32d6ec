"""Locks between processes, and threads, that the operating system drops when their holder dies."""

from __future__ import annotations

import os
import sys
import time
import weakref
from types import TracebackType

from stageloom.store.errors import LockedError
from stageloom.store.files import Files

if sys.platform == "win32":
    import msvcrt

    _FAR = 0x7FFF0000  # Windows locks bytes against reading too, so the byte locked lies beyond all content

    def _take(descriptor: int, *, shared: bool, block: bool) -> bool:  # noqa: ARG001  # Windows has exclusive ones only
        while True:
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not block:
                    return False
                time.sleep(0.002)
            else:
                return True

    def _give(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # flock, not lockf: it belongs to the open file, so threads exclude one another, and closing some other
    # descriptor of the same file does not drop it.
    def _take(descriptor: int, *, shared: bool, block: bool) -> bool:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def _give(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class OpenFile:
    """A descriptor that can be locked. A forked child closes its copy, so that the lock dies with its real holder."""

    def __init__(self, files: Files, path: str, flags: int) -> None:
        self.path = path
        self.descriptor = files.open(path, flags)
        _follow(self)

    def take(self, *, shared: bool = False, block: bool = True) -> bool:
        """Lock the file; return whether that was possible. Blocks, if told, until it is."""
        return _take(self.descriptor, shared=shared, block=block)

    def give(self) -> None:
        """Unlock the file."""
        _give(self.descriptor)

    def close(self) -> None:
        """Close the descriptor, which unlocks it too."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


_OPEN: weakref.WeakSet[OpenFile] | None = None


def _follow(opened: OpenFile) -> None:
    global _OPEN  # noqa: PLW0603  # one hook per process, placed with the first lock
    if _OPEN is None:
        _OPEN = weakref.WeakSet()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_close_copies)
    _OPEN.add(opened)


def _close_copies() -> None:
    for opened in list(_OPEN or ()):
        opened.close()


class Lock:
    """A held lock of one name; leave the ``with`` block, or call :meth:`release`, to let it go."""

    def __init__(self, files: Files, opened: OpenFile) -> None:
        self._files = files
        self._opened = opened

    def release(self) -> None:
        """Let the lock go; harmless when done twice, and in a forked child."""
        if self._opened.descriptor < 0:
            return
        if sys.platform == "win32":
            self._opened.close()
        # Elsewhere the name goes while the lock is held; who waits on the old file sees that it has lost its name.
        try:
            self._files.unlink(self._opened.path, missing_ok=True)
        except OSError:
            return  # someone has it open already, or the disk refuses: a file that nobody has locked locks nobody out
        finally:
            self._opened.close()

    def __enter__(self) -> Lock:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def acquire(files: Files, path: str, *, wait: float | None = None) -> Lock:
    """Return the lock whose file is ``path``, waiting ``wait`` seconds for it (for ever when None).

    Raises:
        LockedError: it was still held when the time was over.
    """
    until = None if wait is None else time.monotonic() + wait
    pause = 0.001
    while True:
        opened = OpenFile(files, path, os.O_RDWR | os.O_CREAT)
        try:
            if opened.take(block=False):
                if still_named(opened):
                    _sign(opened)
                    return Lock(files, opened)
                opened.close()
                continue
            holder = _signature(path)
        except BaseException:
            opened.close()
            raise
        opened.close()
        if until is not None and time.monotonic() >= until:
            raise LockedError(
                f"Another process{holder} is realizing the same stage.", "Wait for it to finish, or stop it."
            )
        time.sleep(pause if until is None else min(pause, max(0.0, until - time.monotonic())))
        pause = min(pause * 1.5, 0.05)


def still_named(opened: OpenFile) -> bool:
    """Return whether a file that was locked still has its name: else who had it before took that away."""
    if sys.platform == "win32":
        return True  # an open file cannot lose its name there
    try:
        named = os.stat(opened.path)
    except FileNotFoundError:
        return False
    held = os.fstat(opened.descriptor)
    return (named.st_ino, named.st_dev) == (held.st_ino, held.st_dev)


def _sign(opened: OpenFile) -> None:
    try:
        os.ftruncate(opened.descriptor, 0)
        os.write(opened.descriptor, str(os.getpid()).encode("ascii"))
    except OSError:
        return  # only a help for the message: a full disk must not keep a stage from running


def _signature(path: str) -> str:
    try:
        with open(path, "rb") as file:
            text = file.read(20).decode("ascii", "replace")
    except OSError:
        return ""
    return f" ({text})" if text.isdigit() else ""
