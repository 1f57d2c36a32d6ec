"""Results derived from contents, kept on disk between processes: a lost or damaged entry is computed again."""

from __future__ import annotations

import hashlib
import marshal
import os
from pathlib import Path

#: Part of every key. Raise it whenever a derived result changes its form or its meaning: fingerprints then change,
#: and everything that was cached under the old ones is stale.
ALGORITHM = "4"

_CHECKED = 16


class Cache:
    """Values that ``marshal`` can write, by kind and key, in a folder; without one it remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def _path(self, kind: str, key: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{ALGORITHM}\n{kind}\n{key}".encode()).hexdigest()[:40]
        return self.folder / "tracking" / name[:2] / name

    def get(self, kind: str, key: str) -> object | None:
        """Return what was put, or None; never raises for what is wrong on disk."""
        path = self._path(kind, key)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        body = content[_CHECKED:]
        # marshal must not be fed what it did not write: a flipped bit could end the process
        if hashlib.sha256(body).digest()[:_CHECKED] != content[:_CHECKED]:
            return None
        try:
            value: object = marshal.loads(body)  # noqa: S302  # checked above
        except (ValueError, EOFError, TypeError):
            return None
        return value

    def put(self, kind: str, key: str, value: object, *, code: bool = False) -> None:
        """Keep ``value``; a folder that can't be written is no error. ``code`` is for this Python alone."""
        path = self._path(kind, key)
        if path is None:
            return
        # every Python from 3.4 on reads version 4, but code objects may need the newest
        body = marshal.dumps(value, marshal.version if code else 4)  # type: ignore[arg-type]  # plain values, or code
        try:
            import tempfile  # on use: it brings much with it, and most processes find all they ask for

            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(body).digest()[:_CHECKED] + body)
                os.replace(name, path)
            except OSError:
                os.unlink(name)
                raise
        except OSError:
            return
