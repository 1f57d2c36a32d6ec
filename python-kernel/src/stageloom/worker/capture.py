"""All that a process writes on descriptors 1 and 2, from Python, C or its children, handed on as text.

The two descriptors become files, not pipes: C code may print while it holds the interpreter's lock, so that no thread
here can read, and on a full pipe it would wait for ever. A thread follows the files; what it has read of a long one is
given back to the disk where the system can do that.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Literal

from stageloom.worker.native import flush_c, give_back

Name = Literal["stdout", "stderr"]
Sink = Callable[[Name, str], None]

_CHUNK = 256 * 1024
_GIVEN_BACK = 16 * 1024 * 1024
_BUSY, _QUIET, _IDLE = 0.01, 0.04, 0.5
_TURN, _DRAIN = 0.1, 30.0
_BURST, _PER_SECOND = 50.0, 25.0


class Capture:
    """Takes over descriptors 1 and 2; there can be one in a process. ``idle`` gets what is written between jobs."""

    def __init__(self, idle: Sink) -> None:
        self._idle = self._sink = idle
        self._poke = threading.Event()
        self._moved = threading.Condition()
        self._forked = False
        self._last: Name = "stdout"
        self._waits = _Allowance(_BURST, _PER_SECOND)
        self._files: dict[Name, _Followed] = {"stdout": _Followed(1), "stderr": _Followed(2)}
        self._streams = {name: self._stream(name) for name in self._files}
        self._take_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        threading.Thread(target=self._follow, name="stageloom-capture", daemon=True).start()

    def begin(self, sink: Sink) -> None:
        """Hand what is written from now on to ``sink``; what came since the last job is not part of it."""
        self._take_over()
        self._drain()
        for file in self._files.values():
            file.restart()
        self._sink = sink

    def end(self) -> None:
        """Hand on all that was written up to now, then leave ``sink`` alone."""
        for stream in {sys.stdout, sys.stderr, *self._streams.values()}:
            # user code may have put anything there, or closed it
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        flush_c()
        self._drain()
        self._sink = self._idle

    # --- writing -----------------------------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Make the descriptors and ``sys.stdout`` ours, again if user code changed them."""
        for file in self._files.values():
            file.attach()
        if self._streams["stdout"].closed or self._streams["stderr"].closed:
            self._streams = {name: self._stream(name) for name in self._files}
        sys.stdout = sys.__stdout__ = self._streams["stdout"]  # type: ignore[misc]  # ours for the life of the process
        sys.stderr = sys.__stderr__ = self._streams["stderr"]  # type: ignore[misc]

    def _stream(self, name: Name) -> io.TextIOWrapper:
        raw = _Raw(self._files[name].descriptor)
        buffer = _Buffer(raw, partial(self._turn, name), partial(self._written, name))
        return io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True, write_through=False)

    def _turn(self, name: Name) -> None:
        """Before Python code writes on the other stream than last time, wait until that one was read: order counts."""
        if name == self._last or self._forked:
            return
        other, self._last = self._files[self._last], name
        self._wait_for({other: other.size()}, _TURN)

    def _written(self, name: Name) -> None:
        """Wait until what Python code wrote was handed on: it may go into C code for good, and hold the lock there.

        That costs two changes of threads, so where much is printed only some of it is waited for.
        """
        if not self._poke.is_set():
            self._poke.set()
        if self._forked or self._waits.spent():
            return
        file = self._files[name]
        size = file.size()
        if file.read < size and self._waits.take() and not self._wait_for({file: size}, _TURN):
            self._waits.spend()

    # --- following ---------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        self._wait_for({file: file.size() for file in self._files.values()}, _DRAIN)
        with self._moved:
            for name, file in self._files.items():
                rest = file.rest()
                if rest:
                    self._sink(name, rest)

    def _wait_for(self, sizes: dict[_Followed, int], limit: float) -> bool:
        end = time.monotonic() + limit
        with self._moved:
            while any(file.read < size for file, size in sizes.items()) and time.monotonic() < end:
                self._poke.set()
                self._moved.wait(0.02)
            return all(file.read >= size for file, size in sizes.items())

    def _follow(self) -> None:
        pause = _BUSY
        while True:
            self._poke.wait(pause)
            self._poke.clear()
            with self._moved:
                read = sum([self._pass_on(name, file) for name, file in self._files.items()])
                self._moved.notify_all()
            pause = _BUSY if read else _QUIET if self._sink is not self._idle else _IDLE

    def _pass_on(self, name: Name, file: _Followed) -> int:
        text, count = file.next()
        while text or count:
            if text:
                self._sink(name, text)
            if count < _CHUNK:
                break
            text, more = file.next()
            count = more
        return count

    def _after_fork(self) -> None:
        self._forked = True  # the thread that reads is not in the child; what it writes is read all the same


class _Allowance:
    """So many at once, and so many a second."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = self._left = burst
        self._per_second = per_second
        self._at = time.monotonic()
        self._next = 0.0

    def spent(self) -> bool:
        """Return whether there is none for now."""
        return time.monotonic() < self._next

    def take(self) -> bool:
        """Return whether there is one left, and take it."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            self._next = now + (1 - self._left) / self._per_second
            return False
        self._left -= 1
        return True

    def spend(self) -> None:
        """Give none for a second."""
        self._left = -self._per_second


class _Followed:
    """The file behind a descriptor, and how far it was read."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.read = 0
        self._given_back = 0
        handle, path = tempfile.mkstemp(prefix="stageloom-", suffix=".log")
        os.close(handle)
        # Windows takes no open file away, but removes one that all opened as temporary when the last closes it
        flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_TEMPORARY", 0)
        self._written = os.open(path, os.O_RDWR | os.O_APPEND | flags)
        self._reading = os.open(path, os.O_RDONLY | flags)
        if os.name != "nt":
            os.unlink(path)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def attach(self) -> None:
        """Put the file behind the descriptor, unless it is there."""
        try:
            here = os.path.sameopenfile(self.descriptor, self._written)
        except OSError:
            here = False
        if not here:
            os.dup2(self._written, self.descriptor, inheritable=True)

    def size(self) -> int:
        """Return how much was written."""
        return os.fstat(self._written).st_size

    def next(self) -> tuple[str, int]:
        """Return what comes next as text, and how many bytes that were."""
        data = os.read(self._reading, _CHUNK)
        self.read += len(data)
        if self.read - self._given_back >= _GIVEN_BACK:
            give_back(self._written, self.read)
            self._given_back = self.read
        return self._decoder.decode(data), len(data)

    def rest(self) -> str:
        """Return what a half character at the end amounts to."""
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return text

    def restart(self) -> None:
        """Empty the file, whose content was handed on."""
        os.ftruncate(self._written, 0)
        os.lseek(self._reading, 0, os.SEEK_SET)
        self.read = self._given_back = 0
        self._decoder.reset()


class _Raw(io.FileIO):
    """Descriptor 1 or 2 as Python's own streams write on it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)

    def seekable(self) -> bool:
        """Return False, as of a terminal."""
        return False


class _Buffer(io.BufferedWriter):
    """Calls ``before`` and ``after`` around what is flushed.

    An interrupt may come within either. Here nothing is lost by that, and nothing written again; within a write of the
    stream below it would not be known what is written already.
    """

    def __init__(self, raw: _Raw, before: Callable[[], None], after: Callable[[], None]) -> None:
        super().__init__(raw)
        self._before = before
        self._after = after

    def flush(self) -> None:
        """Write what is kept."""
        self._before()
        super().flush()
        self._after()


class NoInput(io.TextIOBase):
    """Stands for ``sys.stdin``, so that ``input()`` says what to do instead of waiting for ever."""

    encoding = "utf-8"
    errors = "strict"

    def readable(self) -> bool:
        """Return True: asking is allowed, and answered with what to do."""
        return True

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # io's stubs know int alone
        """Raise EOFError."""
        del size
        raise EOFError("a stage runs without a keyboard: make what you would type a parameter of the stage")

    def read(self, size: int | None = -1, /) -> str:
        """Raise EOFError."""
        return self.readline(size)

    def fileno(self) -> int:
        """Raise UnsupportedOperation: there is no descriptor to read from."""
        raise io.UnsupportedOperation("a stage has no input")
