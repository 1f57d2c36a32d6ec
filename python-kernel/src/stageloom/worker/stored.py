"""Snapshots as a store keeps them, read without the store."""

from __future__ import annotations

import json
from pathlib import Path

from stageloom.tracking.blobs import FolderBlobs, MissingBlobError
from stageloom.tracking.snapshot import Snapshot


def read_snapshot(store: str, root: str, identity: str) -> tuple[Snapshot, FolderBlobs]:
    """Return a snapshot of the project at ``root``, and where its contents are; raises MissingBlobError."""
    blobs = FolderBlobs(Path(store, "sources"))
    path = Path(store, "snapshots", identity[:2], f"{identity}.json")
    try:
        return Snapshot.from_json(json.loads(path.read_bytes()), blobs, Path(root)), blobs
    except OSError as error:
        raise MissingBlobError(f"the snapshot of the sources cannot be read: {error}") from error
    except ValueError as error:
        raise MissingBlobError(f"the snapshot of the sources in {path} is damaged: {error}") from error
