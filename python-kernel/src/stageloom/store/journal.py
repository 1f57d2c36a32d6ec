"""The journal: what happened, in order, in append-only segments of checksummed lines.

A segment belongs to one live process at a time, which holds an operating-system lock on it. Sequence numbers are given
out, and lines written, under the store's lock; who reads under it never sees half a group. What follows the last line
end is a group that was cut off by a crash: nobody reads it, and the segment's next owner removes it.
"""

from __future__ import annotations

import json
import os
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from stageloom._version import STORE_FORMAT
from stageloom.model.classes import dataclass, field
from stageloom.store.files import Files
from stageloom.store.locks import OpenFile

Event = dict[str, Any]

# Longer than any file system's clock takes to tick, in nanoseconds.
_TICK = 200_000_000
_SEGMENT = re.compile(r"[0-9]{4,}\.log\Z")


@dataclass(frozen=True, slots=True)
class Scar:
    """A line that is not what was written: it is skipped."""

    segment: str
    offset: int
    what: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a segment was read; ``identity`` tells it from another that came to bear its name."""

    offset: int = 0
    identity: str = ""


class RewrittenError(Exception):
    """A segment is not the one that was read before: what was learned from it counts no more."""


@dataclass(slots=True)
class Reading:
    """What was found after some marks, in order of sequence, and the marks up to which that goes."""

    events: list[Event] = field(default_factory=list)
    scars: list[Scar] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)


def encode(event: Mapping[str, Any]) -> bytes:
    """Return the event as a line."""
    body = json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%08x %b\n" % (zlib.crc32(body), body)


def decode(line: bytes) -> Event | None:
    """Return the event of a line without its end, or None if the line is damaged."""
    try:
        if line[8:9] != b" " or int(line[:8], 16) != zlib.crc32(line[9:]):
            return None
        event = json.loads(line[9:])
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) else None


def _identity(line: bytes) -> str:
    event = decode(line[:-1]) if line.endswith(b"\n") else None
    return str(event["id"]) if event is not None and event.get("is") == "segment" else ""


class Journal:
    """The segments below ``folder``."""

    def __init__(self, folder: str, files: Files) -> None:
        self._folder = folder
        self._files = files
        self._own: OpenFile | None = None
        self._identity = ""
        self._listed: tuple[int, tuple[str, ...]] = (-1, ())

    def sizes(self) -> dict[str, int]:
        """Return the size of each segment: a few microseconds, and it differs whenever something was written."""
        result = {}
        for name in self._names():
            try:
                result[name] = os.stat(os.path.join(self._folder, name)).st_size
            except FileNotFoundError:  # noqa: PERF203  # segments are few
                self._listed = (-1, ())
        return result

    def read(self, marks: Mapping[str, Mark]) -> Reading:
        """Return what lies after ``marks``. Hold the store's lock, shared at least, for groups to be whole.

        Raises:
            RewrittenError: a segment was cut or replaced; read all again.
        """
        reading = Reading()
        for name in self._names():
            try:
                self._read_segment(name, marks.get(name, Mark()), reading)
            except FileNotFoundError:  # noqa: PERF203  # segments are few
                self._listed = (-1, ())
        reading.events.sort(key=lambda event: event["seq"])
        return reading

    def append(self, events: Sequence[Event]) -> tuple[str, Mark]:
        """Write a group durably, under the store's exclusive lock; return own segment's name and where it ends now.

        On failure the segment is as it was.
        """
        own = self._own or self._take_segment()
        size = os.fstat(own.descriptor).st_size
        data = b"".join(map(encode, events))
        if size == 0:
            self._identity = os.urandom(8).hex()
            data = encode({"seq": 0, "is": "segment", "id": self._identity, "format": STORE_FORMAT}) + data
        os.lseek(own.descriptor, size, os.SEEK_SET)
        try:
            self._files.write(own.descriptor, data, own.path)
            self._files.fsync(own.descriptor, own.path)
        except BaseException:  # an interrupt too: what is half written must not stand before the next line
            self._withdraw(own, size)
            raise
        return os.path.basename(own.path), Mark(size + len(data), self._identity)

    def close(self) -> None:
        """Give the segment back for another process to continue."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _names(self) -> tuple[str, ...]:
        # A new segment changes the folder's time, but two within one tick of the clock are told apart by listing only.
        changed = os.stat(self._folder).st_mtime_ns
        if changed != self._listed[0]:
            names = tuple(sorted(name for name in os.listdir(self._folder) if _SEGMENT.match(name)))
            settled = time.time_ns() - changed > _TICK
            self._listed = (changed if settled else -1, names)
        return self._listed[1]

    def _read_segment(self, name: str, mark: Mark, reading: Reading) -> None:
        with open(os.path.join(self._folder, name), "rb") as file:
            identity = _identity(file.readline(200)) or mark.identity
            file.seek(0, os.SEEK_END)
            if file.tell() < mark.offset or (mark.identity and identity != mark.identity):
                raise RewrittenError(name)
            position = mark.offset
            file.seek(position)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # a group that was cut off
                event = decode(line[:-1])
                if event is not None:
                    if event["seq"] > 0:
                        reading.events.append(event)
                elif line != b"\n":
                    reading.scars.append(Scar(name, position, "is not the line that was written"))
                position += len(line)
        reading.marks[name] = Mark(position, identity)

    def _take_segment(self) -> OpenFile:
        self._listed = (-1, ())
        names = self._names()
        for name in names:
            try:
                opened = OpenFile(self._files, os.path.join(self._folder, name), os.O_RDWR)
            except PermissionError:  # segments are few
                continue  # another user's
            if opened.take(block=False):
                self._own = opened
                self._cut_tail(opened)
                os.lseek(opened.descriptor, 0, os.SEEK_SET)
                self._identity = _identity(os.read(opened.descriptor, 200).split(b"\n")[0] + b"\n")
                return opened
            opened.close()
        number = int(names[-1].split(".")[0]) + 1 if names else 1
        opened = OpenFile(
            self._files, os.path.join(self._folder, f"{number:04}.log"), os.O_RDWR | os.O_CREAT | os.O_EXCL
        )
        opened.take(block=False)
        self._files.sync_folder(self._folder)
        self._own = opened
        return opened

    def _cut_tail(self, opened: OpenFile) -> None:
        size = os.fstat(opened.descriptor).st_size
        end, step = size, 1 << 16
        while end > 0:
            start = max(0, end - step)
            os.lseek(opened.descriptor, start, os.SEEK_SET)
            found = os.read(opened.descriptor, end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            self._files.truncate(opened.descriptor, end, opened.path)
            self._files.fsync(opened.descriptor, opened.path)

    def _withdraw(self, own: OpenFile, size: int) -> None:
        try:
            self._files.truncate(own.descriptor, size, own.path)
        except OSError:
            # The next owner cuts what is torn. Whole lines that stay tell the truth: their objects are stored.
            self.close()
