"""What a process that ``multiprocessing`` started in a stage runs first; see :mod:`stageloom.worker.spawning`.

Its arguments stay, so that processes which it starts itself do the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stageloom.tracking.loader import install
from stageloom.worker.spawning import FLAG
from stageloom.worker.stored import read_snapshot


def main() -> None:
    """Import the project's files from the snapshot that the arguments name; raises MissingBlobError."""
    _, flag, store, root, identity = sys.argv
    assert flag == FLAG
    snapshot, blobs = read_snapshot(store, root, identity)
    install(snapshot, blobs, Path(store, "cache"))


if __name__ == "__mp_main__":
    main()
