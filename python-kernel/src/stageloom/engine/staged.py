"""Source contents of one plan: kept in memory until something is to run, so that typing writes nothing to disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from stageloom.model.values import canonical_bytes
from stageloom.store.store import Store
from stageloom.tracking.snapshot import Snapshot


class StagedBlobs:
    """Contents by SHA-256: this plan's own, else the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._contents: dict[str, bytes] = {}
        self._also: list[Callable[[], None]] = []

    def put_source(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._contents[sha256] = content
        return sha256

    def source(self, sha256: str) -> bytes:
        """Return the content; raises as ``Store.source`` does."""
        found = self._contents.get(sha256)
        return self._store.source(sha256) if found is None else found

    def keep_too(self, keep: Callable[[], None]) -> None:
        """Have ``keep`` called with :meth:`keep`."""
        self._also.append(keep)

    def keep(self, snapshot: Snapshot) -> None:
        """Write ``snapshot`` and its contents to the store, where planners and workers find them."""
        if not self._store.readonly:
            self._store.put_sources([self._contents[sha] for sha in snapshot.files.values() if sha in self._contents])
            self._store.put_snapshot(snapshot.id, canonical_bytes(snapshot.to_json()))
            for also in self._also:
                also()
