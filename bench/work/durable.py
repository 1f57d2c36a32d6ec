"""``durable.py <store> <folder>``: writes the files of a store again, as JSON in ms: what durability alone costs.

Each file is written aside, flushed and renamed, one after the other; and once more all of them with a flush at the end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def read(store: Path) -> list[bytes]:
    """Return what realizations consist of: derivations, records, trees with their lists, what is told of runs."""
    folders = ("derivations", "records", "trees", "runs")
    return [path.read_bytes() for name in folders for path in (store / name).rglob("*") if path.is_file()]


def write(folder: Path, contents: list[bytes], *, each: bool) -> tuple[float, float]:
    """Write the files and return the processor's time and the wall clock's."""
    cpu, wall = time.process_time(), time.perf_counter()
    handles = []
    for at, content in enumerate(contents):
        handle = os.open(folder / f"{at}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(handle, content)
        if each:
            os.fsync(handle)
            os.close(handle)
        else:
            handles.append(handle)
        if len(handles) == 256 or (handles and at == len(contents) - 1):
            os.sync()
            for one in handles:
                os.close(one)
            handles.clear()
        os.rename(folder / f"{at}.new", folder / str(at))
    return (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000


def main(store: Path, folder: Path) -> None:
    """Measure and print."""
    contents = read(store)
    told: dict[str, object] = {"files": len(contents), "bytes": sum(map(len, contents))}
    for name, each in (("each", True), ("groups", False)):
        place = folder / name
        place.mkdir()
        told[name] = write(place, contents, each=each)
    sys.stdout.write(json.dumps(told))


main(Path(sys.argv[1]), Path(sys.argv[2]))
