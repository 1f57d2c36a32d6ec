"""Scratch: where files are written before they are part of the store, a folder per process.

A lease, locked while its process lives, tells the living from the dead. What a dead process was about to store is
removed at once; folders of its stages stay for some days, for whoever wants to see how far they came.
"""

from __future__ import annotations

import os
import threading
import time

from stageloom.store.files import Files
from stageloom.store.locks import OpenFile, still_named

#: How long the folder of an interrupted or failed stage is kept, in seconds.
KEEP = 3 * 24 * 3600.0


class Scratch:
    """The part of ``folder`` that belongs to this process."""

    def __init__(self, folder: str, files: Files) -> None:
        self._folder = folder
        self._files = files
        self._lease: OpenFile | None = None
        self._own = ""
        self._count = 0
        self._mutex = threading.Lock()

    def folder(self) -> str:
        """Return a new, empty folder for a stage to write into."""
        path = self._next("stage")
        self._files.mkdir(path)
        return path

    def path(self) -> str:
        """Return a path that nothing has, for an object about to be stored, or just taken away."""
        return self._next("object")

    def own(self) -> str:
        """Return the folder of this process."""
        with self._mutex:
            if self._lease is None:
                self._begin()
            return self._own

    def close(self) -> None:
        """Give back what is empty, and the lease."""
        if self._lease is None:
            return
        lease, self._lease = self._lease, None
        try:
            if os.listdir(self._own) == ["lease"]:
                self._files.unlink(lease.path)
                lease.close()
                self._files.rmdir(self._own)
        except OSError:
            pass  # swept by a later process
        lease.close()

    def sweep(self, keep: float = KEEP) -> None:
        """Remove what dead processes left: objects at once, stages' folders when older than ``keep`` seconds."""
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            if path != self._own:
                try:
                    self._sweep_one(path, keep)
                except OSError:
                    continue  # another process sweeps too, or it is not ours to remove

    def _sweep_one(self, path: str, keep: float) -> None:
        lease_path = os.path.join(path, "lease")
        if not os.path.exists(lease_path):
            # A process may be about to put its lease there.
            if time.time() - os.stat(path).st_mtime > keep:
                self._files.remove(path)
            return
        lease = OpenFile(self._files, lease_path, os.O_RDWR)
        try:
            if not lease.take(block=False):
                return
            for name in os.listdir(path):
                inner = os.path.join(path, name)
                if name.startswith("object") or (
                    name.startswith("stage") and time.time() - os.stat(inner).st_mtime > keep
                ):
                    self._files.remove(inner)
            if set(os.listdir(path)) <= {"lease", "holds"}:
                self._files.remove(path)
        finally:
            lease.close()

    def _next(self, kind: str) -> str:
        with self._mutex:
            if self._lease is None:
                self._begin()
            self._count += 1
            return os.path.join(self._own, f"{kind}-{self._count}")

    def _begin(self) -> None:
        while self._lease is None:
            self._own = os.path.join(self._folder, f"{os.getpid()}-{os.urandom(4).hex()}")
            self._files.mkdir(self._own)
            lease = OpenFile(self._files, os.path.join(self._own, "lease"), os.O_RDWR | os.O_CREAT)
            # Who sweeps may have found it before it was locked, and taken it for a dead process's.
            if lease.take(block=False) and still_named(lease):
                self._lease = lease
            else:
                lease.close()
        self.sweep()
