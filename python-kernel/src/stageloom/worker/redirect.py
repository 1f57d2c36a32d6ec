"""What Python code prints in the caller's own process, sent elsewhere for the time of a job.

A worker captures descriptors and so hears C code and subprocesses too; a command line cannot, because it prints itself.
"""

from __future__ import annotations

import codecs
import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TextIO

Log = Callable[[Literal["stdout", "stderr"], str], None]

_local = threading.local()


@contextmanager
def speaking() -> Iterator[None]:
    """Let what this thread prints inside the block through: it is the listener's, not the job's."""
    before = getattr(_local, "speaks", False)
    _local.speaks = True
    try:
        yield
    finally:
        _local.speaks = before


class _Stream(io.TextIOBase):
    """Stands for ``sys.stdout`` or ``sys.stderr``."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: Literal["stdout", "stderr"], original: TextIO, log: Log) -> None:
        self._name: Literal["stdout", "stderr"] = name
        self._original = original
        self._log = log
        self.buffer = _Bytes(self)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if getattr(_local, "speaks", False):
            return self._original.write(text)
        if text:
            with speaking():
                self._log(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._original.flush()

    def fileno(self) -> int:
        return self._original.fileno()


class _Bytes(io.RawIOBase):
    """The stream's ``buffer``, for code that prints bytes."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]  # whatever has a buffer
        self._stream.write(self._decoder.decode(content))
        return len(content)


@contextmanager
def redirected(log: Log) -> Iterator[None]:
    """Send what Python code prints inside the block, in any thread, to ``log``."""
    before = sys.stdout, sys.stderr
    sys.stdout = _Stream("stdout", before[0], log)
    sys.stderr = _Stream("stderr", before[1], log)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
