"""The ledger: the journal, the index that follows it, and the store-wide lock under which both move on."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from stageloom.store.errors import StoreMissingError, unreadable
from stageloom.store.files import Files
from stageloom.store.index import Index, IndexDamagedError
from stageloom.store.journal import Event, Journal, Mark, Reading, RewrittenError
from stageloom.store.layout import Layout
from stageloom.store.locks import OpenFile
from stageloom.store.meter import Meter

_Answer = TypeVar("_Answer")

_BROKEN = (sqlite3.Error, IndexDamagedError, RewrittenError, ValueError, TypeError, OverflowError)
# SQLite's words where the file may be sound and only cannot be used now: a copy in memory serves as well.
_UNUSABLE = ("locked", "busy", "full", "readonly", "unable to open", "disk i/o")


class Ledger:
    """What happened in a store. Safe between threads.

    ``lock`` is the open file of the store-wide lock, None where it could not be opened. Where ``path`` is None, or
    that file cannot be used, the index is in memory.
    """

    def __init__(self, layout: Layout, files: Files, lock: OpenFile | None, path: str | None) -> None:
        self._path = path or ""
        self._root = layout.root
        self._files = files
        self._lock = lock
        self._mutex = threading.RLock()
        self._journal = Journal(layout.at("journal"), files)
        self._seen: dict[str, int] = {}
        self._sequence = 0
        self._inode = 0
        self._index: Index | None = None
        # SQLite cannot wait where two processes make the same file at once.
        with self._locked(shared=path is None):
            self._open()

    def ask(self, question: Callable[[Index], _Answer]) -> _Answer:
        """Return what the index answers, after taking in what other processes wrote."""
        with self._mutex:
            try:
                self._refresh()
                return question(self._open_index)
            except _BROKEN as error:
                with self._locked(shared=False):
                    self._renew(error)
                return question(self._open_index)

    def append(self, make: Callable[[Index, int], list[Event]], then: Callable[[Index], None] | None = None) -> None:
        """Write the events that ``make`` returns, given the index as of now and the next sequence number.

        ``then`` changes the index in the same transaction. When this returns the events are durable; when it raises,
        nothing was written.
        """
        with self._mutex, self._locked(shared=False):
            try:
                self._catch_up()
                events = make(self._open_index, self._sequence + 1)
            except _BROKEN as error:
                self._renew(error)
                events = make(self._open_index, self._sequence + 1)
            if not events:
                return
            name, mark = self._journal.append(events)
            try:
                self._take_in(Reading(events, [], {name: mark}), then)
            except _BROKEN as error:
                # It happened, whatever the index thinks of it.
                self._renew(error)
                if then is not None:
                    then(self._open_index)

    def note(self, change: Callable[[Index], None]) -> None:
        """Change what the index knows about this host's files; not being able to costs time later, nothing else."""
        with self._mutex:
            try:
                with self._open_index.transaction():
                    change(self._open_index)
            except sqlite3.Error as error:
                with self._locked(shared=False):
                    self._renew(error)
                    change(self._open_index)

    def sequence(self) -> int:
        """Return the sequence number of the last event of any process: microseconds while nothing happens."""
        with self._mutex:
            try:
                self._refresh()
            except _BROKEN as error:
                with self._locked(shared=False):
                    self._renew(error)
            return self._sequence

    def close(self) -> None:
        """Give back the segment, the index and the lock."""
        with self._mutex:
            self._journal.close()
            if self._index is not None:
                self._index.close()
                self._index = None
            if self._lock is not None:
                self._lock.close()

    def read_all(self) -> Reading:
        """Return the whole journal."""
        return self.read_after({})

    def read_after(self, marks: Mapping[str, Mark]) -> Reading:
        """Return what of the journal lies after ``marks``; raises RewrittenError."""
        with self._mutex, self._locked(shared=True):
            return self._read(marks)

    def index_is_right(self, meter: Meter) -> bool:
        """Return whether the index is what the journal makes of it, as far as the journal is whole."""
        with self._mutex:
            try:
                with ExitStack() as frozen:
                    with self._locked(shared=False):
                        self._catch_up()
                        frozen.enter_context(self._open_index.frozen())
                        reading = self._journal.read({})
                        lost = self.lost_segments()
                    if reading.scars or lost:
                        return True  # it has read what is damaged since: it knows more
                    return self._open_index.is_made_by(reading, meter)
            except _BROKEN:
                return False

    def lost_segments(self) -> list[str]:
        """Return the segments that were read once and are no more."""
        with self._mutex:
            return sorted(set(self._open_index.marks()) - set(self._sizes()))

    def renew(self) -> None:
        """Make the index anew from the journal."""
        with self._mutex, self._locked(shared=False):
            self._renew(IndexDamagedError("asked for"))

    @property
    def _open_index(self) -> Index:
        if self._index is None:
            raise StoreMissingError("This store is closed.", "Open it again.")
        return self._index

    @contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        self._lock.take(shared=shared)
        try:
            yield
        finally:
            self._lock.give()

    def _sizes(self) -> dict[str, int]:
        try:
            return self._journal.sizes()
        except FileNotFoundError:
            raise StoreMissingError(f"The store at {self._root} has been removed.", "Open it again.") from None
        except OSError as error:
            raise unreadable(self._root, error) from error

    def _read(self, marks: Mapping[str, Mark]) -> Reading:
        try:
            return self._journal.read(marks)
        except OSError as error:
            raise unreadable(self._root, error) from error

    def _refresh(self) -> None:
        if self._sizes() != self._seen:
            with self._locked(shared=True):
                self._catch_up()

    def _catch_up(self) -> None:
        """Read what is new; the store's lock is held."""
        sizes = self._sizes()
        if sizes == self._seen:
            return
        index = self._open_index
        index.forget()
        marks = index.marks()
        if any(name not in marks or marks[name].offset != size for name, size in sizes.items()):
            with index.transaction():
                index.apply(self._read(index.marks()))
        self._sequence = max(self._sequence, index.sequence())
        self._seen = sizes

    def _take_in(self, reading: Reading, then: Callable[[Index], None] | None) -> None:
        index = self._open_index
        with index.transaction():
            index.apply(reading)
            if then is not None:
                then(index)
        self._sequence = max(self._sequence, reading.events[-1]["seq"])
        self._seen = self._sizes()

    def _open(self) -> None:
        if not self._path:
            self._use_memory()
            return
        try:
            self._use_file()
        except _BROKEN as error:
            self._renew(error)

    def _use_file(self) -> None:
        self._index = Index(self._path)
        self._inode = os.stat(self._path).st_ino
        self._seen = {}
        self._catch_up()

    def _use_memory(self) -> None:
        self._index = Index(None)
        self._seen = {}
        self._catch_up()

    def _renew(self, cause: Exception) -> None:
        """Replace an index that cannot be trusted or used; the store's lock is held."""
        if self._index is not None:
            self._index.close()
            self._index = None
        usable = not (isinstance(cause, sqlite3.OperationalError) and any(w in str(cause).lower() for w in _UNUSABLE))
        if self._path and usable:
            try:
                self._remove_damaged()
                self._use_file()
            except (*_BROKEN, OSError):
                pass  # memory serves
            else:
                return
        self._use_memory()

    def _remove_damaged(self) -> None:
        try:
            if self._inode not in (0, os.stat(self._path).st_ino):
                return  # another process has made it anew
        except FileNotFoundError:
            pass
        for suffix in ("", "-wal", "-shm"):
            self._files.unlink(self._path + suffix, missing_ok=True)
