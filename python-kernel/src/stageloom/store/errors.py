"""What can go wrong with a store, each with what the user can do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class StoreError(Exception):
    """Base of all of these; ``message`` is one line, ``advice`` says what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        self.message = message
        self.advice = advice
        super().__init__(message, advice)

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()


class StoreMissingError(StoreError):
    """There is no store where one was asked for."""


class StoreFormatError(StoreError):
    """The folder is of a newer format, of an unreadable one, or no store at all."""


class StoreReadOnlyError(StoreError):
    """A write was asked of a store that was opened for reading."""


class StoreUnwritableError(StoreError):
    """The operating system does not let this process write there."""


class DiskFullError(StoreError):
    """No space, or no quota, was left; nothing of what was being written became part of the store."""


class DamagedError(StoreError):
    """An object is missing or its content differs from its name.

    ``path`` is the file, ``identity`` the tree, record, derivation or source that it belongs to.
    """

    def __init__(self, path: str, identity: str, what: str) -> None:
        self.path = path
        self.identity = identity
        self.what = what
        super().__init__(
            f"{path} {what}.", "Realize its stage again: the damaged copy is moved aside and a new one is stored."
        )


class NotStoredError(StoreError):
    """A reference that this store has never held."""


class LockedError(StoreError):
    """Another process, or thread, holds the lock."""


class BadNameError(StoreError):
    """A file name that cannot be part of a tree; ``name`` is it."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name!r} cannot be stored: {why}.", "Rename the file that the stage writes.")


class MissingFileError(StoreError):
    """A file that was reported as written is not there."""


def unreadable(path: str | Path, error: OSError) -> StoreError:
    """Return what to say of a file or folder that the operating system does not let be read."""
    return StoreError(
        f"{error.filename or path} cannot be read ({error.strerror or error}).",
        "Check the disk, and the permissions of the store's folder.",
    )


@contextmanager
def explained(root: str | Path) -> Iterator[None]:
    """Turn the operating system's refusals inside the block into store errors about ``root``."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(
                f"No space is left for the store at {root}.",
                "Free space on that disk, or choose another folder for the store, and realize again; "
                "what was finished before is kept.",
            ) from error
        if error.errno in _FORBIDDEN:
            raise StoreUnwritableError(
                f"The store at {root} cannot be written ({error.strerror}: {error.filename or root}).",
                "Give yourself write permission on the folder, or choose another folder for the store.",
            ) from error
        if error.errno == errno.ENOTDIR:
            raise StoreUnwritableError(
                f"There can be no store at {root}: that, or something above it, is a file.",
                "Move the file, or choose another folder for the store.",
            ) from error
        raise StoreError(
            f"The store at {root} could not be changed ({error.strerror or error}: {error.filename or root}).",
            "Realize again once the cause is gone.",
        ) from error
