"""Every change that a store makes on disk goes through here, so that a test can fail, or die, at each single one."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable

#: Up to this many files or folders are synced one by one, beyond it the whole file system is. Measured on ext4, a
#: commit of one small file takes 1.7 ms that way instead of 2.7, and less than half as long on a busy disk.
ONE_BY_ONE = 2

_BINARY = getattr(os, "O_BINARY", 0)


class Files:
    """The operating system's files. Subclass and override :meth:`before` to inject a fault."""

    def __init__(self) -> None:
        self._syncfs: Callable[[int], int] | None = None
        self._sought_syncfs = False

    def before(self, operation: str, path: str) -> None:
        """Called with ``create``, ``write``, ``fsync``, ``rename``, ``unlink``, … before that is done to ``path``."""

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """Open ``path`` and return its descriptor; never inherited by a process started from here."""
        self.before("create" if flags & os.O_CREAT else "open", path)
        return os.open(path, flags | _BINARY | getattr(os, "O_CLOEXEC", 0), mode)

    def write(self, descriptor: int, data: bytes, path: str) -> None:
        """Write all of ``data`` at the descriptor's position."""
        self.before("write", path)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int, path: str) -> None:
        """Return once what was written to the descriptor is on the disk."""
        self.before("fsync", path)
        if sys.platform == "darwin":
            _flush_drive(descriptor)
        else:
            os.fsync(descriptor)

    def truncate(self, descriptor: int, size: int, path: str) -> None:
        """Cut the file to ``size`` bytes."""
        self.before("truncate", path)
        os.ftruncate(descriptor, size)

    def create(self, path: str, data: bytes, *, sync: bool) -> None:
        """Write a file that must not exist yet, read-only, leaving nothing behind on failure."""
        descriptor = self.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
        try:
            try:
                self.write(descriptor, data, path)
                if sync:
                    self.fsync(descriptor, path)
            finally:
                os.close(descriptor)
        except OSError:
            self.unlink(path, missing_ok=True)
            raise

    def rename(self, source: str, target: str) -> None:
        """Move ``source`` to ``target``, which it replaces where that is a file."""
        self.before("rename", target)
        os.replace(source, target)

    def link(self, source: str, target: str) -> None:
        """Give the file ``source`` a second name."""
        self.before("link", target)
        os.link(source, target)

    def unlink(self, path: str, *, missing_ok: bool = False) -> None:
        """Remove a file, read-only or not."""
        self.before("unlink", path)
        try:
            os.unlink(path)
        except FileNotFoundError:
            if not missing_ok:
                raise
        except PermissionError:
            if os.name != "nt":
                raise
            os.chmod(path, stat.S_IWRITE)
            os.unlink(path)

    def mkdir(self, path: str) -> bool:
        """Make a folder, with those above it; return whether it was missing."""
        self.before("mkdir", path)
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
            return False
        except FileNotFoundError:
            self.mkdir(os.path.dirname(path))
            return self.mkdir(path)
        return True

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        self.before("rmdir", path)
        os.rmdir(path)

    def chmod(self, path: str, mode: int) -> None:
        """Set permissions, where the file system has any."""
        self.before("chmod", path)
        try:
            os.chmod(path, mode)
        except PermissionError:
            # Some mounted file systems have no permissions to set. Being read-only is a courtesy, not a guarantee.
            return

    def sync_file(self, path: str) -> None:
        """Return once the content of ``path`` is on the disk."""
        descriptor = os.open(path, (os.O_RDWR if sys.platform == "win32" else os.O_RDONLY) | _BINARY)
        try:
            self.fsync(descriptor, path)
        finally:
            os.close(descriptor)

    def sync_folder(self, path: str) -> None:
        """Return once the names in the folder are on the disk. Windows journals them and offers no such call."""
        if sys.platform != "win32":
            self.sync_file(path)

    def sync_all(self, root: str, files: Iterable[str], folders: Iterable[str]) -> None:
        """Return once all of these, below ``root``, are on the disk: one by one if few, else by one call."""
        files, folders = list(files), list(folders)
        if len(files) + len(folders) > ONE_BY_ONE and self._sync_file_system(root):
            return
        for path in files:
            self.sync_file(path)
        for path in folders:
            self.sync_folder(path)

    def remove(self, path: str) -> None:
        """Remove a file or a folder with all in it, read-only or not."""
        if not os.path.isdir(path) or os.path.islink(path):
            self.unlink(path, missing_ok=True)
            return
        self.chmod(path, 0o755)
        with os.scandir(path) as entries:
            for entry in list(entries):
                self.remove(entry.path)
        self.rmdir(path)

    def _sync_file_system(self, root: str) -> bool:
        if not self._sought_syncfs:
            self._syncfs, self._sought_syncfs = _load_syncfs(), True
        if self._syncfs is None:
            return False
        descriptor = os.open(root, os.O_RDONLY)
        try:
            self.before("fsync", root)
            return self._syncfs(descriptor) == 0
        finally:
            os.close(descriptor)


def _flush_drive(descriptor: int) -> None:
    """On macOS fsync stops at the drive's own cache."""
    import fcntl

    try:
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # type: ignore[attr-defined,unused-ignore]  # there on macOS alone
    except OSError:
        os.fsync(descriptor)  # not every file system there can


def _load_syncfs() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, AttributeError):
        return None
    return call
