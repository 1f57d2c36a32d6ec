"""What a worker has begun and ended, in a file that both it and its host have in memory.

The pages belong to the system, so that they outlive a process that is killed at any moment. The host reads them when a
worker has died: a call that is not noted as begun can be run elsewhere, the answer of one that ended is here, and
only what began and did not end is in doubt. Layout, little-endian: ``started`` u64, ``ended`` u64, ``length`` u64 and
``crc`` u32 (of the number that ended and the answer) from byte 8; the answer from byte 4096 on.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import zlib

MAGIC = b"SLJRNL1\n"
ANSWER = 4096
MAPPED = 64 * 1024
_NUMBER = struct.Struct("<Q")
_ENDING = struct.Struct("<QI")
_STARTED, _ENDED, _LENGTH = 8, 16, 24


class Journal:
    """The journal of this worker, written before and after each call. One call runs at a time."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        os.truncate(path, MAPPED)
        self._pages = mmap.mmap(self._file, MAPPED)
        self._pages[: len(MAGIC)] = MAGIC
        self._long = False

    def begin(self, call: int) -> None:
        """Note that ``call`` is about to run."""
        if self._long:  # nobody asks for the answer before any more
            with contextlib.suppress(OSError):  # where it is in use a part cannot be cut off
                os.ftruncate(self._file, MAPPED)
            self._long = False
        _NUMBER.pack_into(self._pages, _STARTED, call)

    def end(self, call: int, answer: bytes) -> None:
        """Note that ``call`` has ended, and with what."""
        length = len(answer)
        if ANSWER + length <= MAPPED:
            self._pages[ANSWER : ANSWER + length] = answer
        else:
            self._write(answer)
        crc = zlib.crc32(answer, zlib.crc32(_NUMBER.pack(call)))
        _ENDING.pack_into(self._pages, _LENGTH, length, crc)
        _NUMBER.pack_into(self._pages, _ENDED, call)  # last: from here on it counts

    def _write(self, answer: bytes) -> None:
        self._long = True
        os.lseek(self._file, ANSWER, os.SEEK_SET)
        rest = memoryview(answer)
        while rest:
            rest = rest[os.write(self._file, rest) :]
