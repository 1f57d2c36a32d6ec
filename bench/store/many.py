"""``many.py <folder> <n>``: what a store of n realizations costs to make, verify, index and collect, as JSON.

Beside it what the file system takes for the same files alone: to write them, read and hash them, and remove them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stageloom.model.objects import Derivation
from stageloom.model.references import RRef
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.gc import Policy
from stageloom.store.store import Store

T = TypeVar("T")

GROUP = 500
FILES = ("trees", "derivations", "records")

told: dict[str, tuple[float, float]] = {}


def timed(what: str, do: Callable[[], T]) -> T:
    """Note what ``do`` takes, as the processor's time and the wall clock's, in ms."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = do()
    told[what] = ((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000)
    return result


def fill(store: Store, count: int) -> list[RRef]:
    """Store ``count`` realizations, each of a stage and a tree of its own, in groups."""
    made: list[RRef] = []
    for start in range(0, count, GROUP):
        group = []
        for number in range(start, min(start + GROUP, count)):
            scratch, content = store.scratch(), f'{{"value": {number}}}\n'.encode()
            (scratch / "value.json").write_bytes(content)
            derivation = Derivation(f"s{number}", "function", {"number": number}, {}, {}, "0" * 32)
            files = [("value.json", len(content), hashlib.sha256(content).hexdigest())]
            action = hashlib.sha256(content).hexdigest()[:32]
            provenance = Provenance(f"s{number}", "pipeline.py", "20260101-000000-00000000", float(number), 0.001)
            group.append(NewRealization(derivation, {}, action, provenance, scratch, files))
        made += [found.rref for found in store.commit(group)]
    return made


def contents(store: Path) -> list[bytes]:
    """Return what realizations consist of."""
    return [path.read_bytes() for name in FILES for path in (store / name).rglob("*") if path.is_file()]


def write(folder: Path, files: list[bytes]) -> None:
    """Write files, a hundred in a folder, and have the disk take them."""
    for at, content in enumerate(files):
        if at % 100 == 0:
            (folder / str(at // 100)).mkdir(parents=True)
        (folder / str(at // 100) / str(at)).write_bytes(content)
    os.sync()


def read(folder: Path) -> None:
    """Read and hash all files."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                hashlib.sha256(file.read()).hexdigest()


def remove(folder: Path) -> None:
    """Remove half of the files."""
    for place, _, names in os.walk(folder):
        for name in names[::2]:
            os.unlink(os.path.join(place, name))


def main(folder: Path, count: int) -> None:
    """Measure and print."""
    path = folder / "store"
    with Store.open(path) as store:
        rrefs = timed("make", lambda: fill(store, count))
    bare = contents(path)
    timed("write bare", lambda: write(folder / "bare", bare))
    with timed("open", lambda: Store.open(path)) as store:
        damages = timed("verify", store.verify)
        assert damages == [], damages
    timed("read bare", lambda: read(folder / "bare"))
    (path / "index.sqlite").unlink()
    with timed("index", lambda: Store.open(path)) as store:
        policy = Policy(keep=rrefs[::2])
        found = timed("gc, dry", lambda: store.gc(policy))
        assert len(found.victims) == count // 2, len(found.victims)
        done = timed("gc", lambda: store.gc(policy, delete=True))
        assert done.deleted
        assert done.kept == count - count // 2
    timed("remove bare", lambda: remove(folder / "bare"))
    sys.stdout.write(json.dumps({"count": count, "files": len(bare), "times": told}))


main(Path(sys.argv[1]), int(sys.argv[2]))
