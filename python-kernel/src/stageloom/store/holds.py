"""Holds: what live processes are using, so that garbage collection leaves it alone.

A process notes the names of objects in a file beside its lease before it looks whether they are there. Who collects
reads these files while nobody can note anything, so what is used was either noted before, or is seen to be gone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from stageloom.store.files import Files
from stageloom.store.layout import Layout
from stageloom.store.locks import OpenFile
from stageloom.store.scratch import Scratch

_NAME = "holds"


class Holds:
    """What this process holds. A name is the hash of a tree, record, derivation, snapshot or source, or a run's folder.

    Where the store cannot be written nothing is noted: its owner's collection may then take away what is being read.
    """

    def __init__(self, layout: Layout, files: Files, scratch: Scratch, *, writable: bool) -> None:
        self._layout = layout
        self._files = files
        self._scratch = scratch
        self._writable = writable
        self._held: set[str] = set()
        self._file: OpenFile | None = None
        self._gate: OpenFile | None = None
        self._mutex = threading.RLock()

    def hold(self, names: Iterable[str]) -> None:
        """Keep ``names`` from being collected until :meth:`let_go`, or the end of this process."""
        if not self._writable:
            return
        held = self._held
        new = [name for name in names if name not in held]
        if not new:
            return
        with self._mutex, self._gated(shared=True):
            if self._file is None:
                path = os.path.join(self._scratch.own(), _NAME)
                self._file = OpenFile(self._files, path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            self._files.write(self._file.descriptor, ("\n".join(new) + "\n").encode(), self._file.path)
            held.update(new)

    def hold_to_read(self, names: Iterable[str]) -> None:
        """Do as :meth:`hold` does; on a full disk, say, reading goes on without."""
        try:
            self.hold(names)
        except OSError:
            return

    def let_go(self) -> None:
        """Hold nothing any more."""
        with self._mutex:
            if self._file is not None and self._held:
                with self._gated(shared=True):
                    self._files.truncate(self._file.descriptor, 0, self._file.path)
                self._held.clear()

    @contextmanager
    def alone(self) -> Iterator[set[str]]:
        """Give all that is held, by this process and others; nothing more can be held within the block."""
        with self._mutex, self._gated(shared=False):
            yield self._read()

    def close(self) -> None:
        """Hold nothing, and leave no file."""
        with self._mutex:
            file, self._file = self._file, None
            gate, self._gate = self._gate, None
            self._held.clear()
            if file is not None:
                file.close()
                with suppress(OSError):  # then it goes with the rest of the folder
                    self._files.unlink(file.path, missing_ok=True)
            if gate is not None:
                gate.close()

    @contextmanager
    def _gated(self, *, shared: bool) -> Iterator[None]:
        if self._gate is None:
            self._gate = OpenFile(self._files, self._layout.at("locks", "gc.lock"), os.O_RDWR | os.O_CREAT)
        self._gate.take(shared=shared)
        try:
            yield
        finally:
            self._gate.give()

    def _read(self) -> set[str]:
        found: set[str] = set(self._held)
        folder = self._layout.at("scratch")
        for name in os.listdir(folder):
            own = os.path.join(folder, name)
            try:
                with open(os.path.join(own, _NAME), encoding="utf-8", errors="replace") as file:
                    names = file.read().split("\n")
            except (FileNotFoundError, NotADirectoryError):
                continue
            if self._lives(os.path.join(own, "lease")):
                found.update(names)
        found.discard("")
        return found

    def _lives(self, lease: str) -> bool:
        try:
            opened = OpenFile(self._files, lease, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # another user's: it cannot be told
        try:
            return not opened.take(block=False)
        finally:
            opened.close()
