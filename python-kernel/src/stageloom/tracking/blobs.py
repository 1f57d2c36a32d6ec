"""Where the contents of source files are kept, by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol


class MissingBlobError(LookupError):
    """A content that should be there and isn't, or isn't what its name says."""


class Blobs(Protocol):
    """Contents by SHA-256 (64 hex digits). A store is one."""

    def put_source(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256."""
        ...

    def source(self, sha256: str) -> bytes:
        """Return the content; raises LookupError or OSError where it can't be had."""
        ...


class MemoryBlobs:
    """Contents kept in this process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put_source(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._contents[sha256] = content
        return sha256

    def source(self, sha256: str) -> bytes:
        """Return the content; raises MissingBlobError."""
        try:
            return self._contents[sha256]
        except KeyError:
            raise MissingBlobError(f"no content has the SHA-256 {sha256}") from None


class FolderBlobs:
    """The contents in a store's ``sources`` folder, read by a worker that never opens the store. Read-only on disk.

    What is put here stays in this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = MemoryBlobs()

    def put_source(self, content: bytes) -> str:
        """Keep ``content`` in this process and return its SHA-256."""
        return self._own.put_source(content)

    def source(self, sha256: str) -> bytes:
        """Return the content, checked against its name; raises MissingBlobError."""
        try:
            return self._own.source(sha256)
        except MissingBlobError:
            pass
        path = self._folder / sha256[:2] / sha256
        try:
            content = path.read_bytes()
        except OSError as error:
            raise MissingBlobError(
                f"{path} cannot be read ({error.strerror}); realize again to write it anew"
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise MissingBlobError(f"{path} is damaged: delete it and realize again")
        return content
