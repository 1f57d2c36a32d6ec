"""A plant whose data is larger than the memory that its process may have. Run by the tests in a process of its own.

Arguments: the plant's folder, megabytes of data, megabytes of memory.
"""

from __future__ import annotations

import logging
import resource
import sys
import threading
import time

import numpy as np

from stageloom.pyplant import Ingredient, Plant, ReactorFunc

MB = 1 << 20
ROWS, COLUMNS = int(sys.argv[2]), MB // 8
LIMIT = int(sys.argv[3])
PARTS = 8


def anonymous() -> tuple[int, int]:
    """Return the megabytes that only this process has, and those of shared memory."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return int(lines["RssAnon"].split()[0]) // 1024, int(lines["RssShmem"].split()[0]) // 1024


def watch() -> None:
    while True:
        peak[:] = [max(one, other) for one, other in zip(peak, anonymous(), strict=True)]
        time.sleep(0.01)


@ReactorFunc
def fill(pipe):
    whole = pipe.allocate("whole", Ingredient.Type.array, shape=(ROWS, COLUMNS), dtype="f8")
    for row in range(ROWS):
        whole[row] = row
    pipe.send("whole", whole)


@ReactorFunc
def split(pipe):
    """Each part is a value of its own, and gone from memory once sent."""
    whole = yield pipe.receive("whole")
    rows = min(ROWS // PARTS, LIMIT // 5)
    for part in range(PARTS):
        pipe.send(f"part-{part}", whole[part * rows : (part + 1) * rows] * 2.0)


@ReactorFunc
def copy(pipe):
    whole = yield pipe.receive("whole")
    pipe.send("copy", whole[: ROWS // 2])


@ReactorFunc
def total(pipe):
    whole = yield pipe.receive("copy")
    parts = 0.0
    for part in range(PARTS):
        parts += float((yield pipe.receive(f"part-{part}")).sum())
    pipe.send("sums", [float(whole.sum()), parts])


quiet = logging.getLogger("quiet")
quiet.propagate = False
peak = [0, 0]
resource.setrlimit(resource.RLIMIT_DATA, (LIMIT * MB, LIMIT * MB))
threading.Thread(target=watch, daemon=True).start()
with Plant(sys.argv[1], quiet) as plant:
    plant.run_reactor(total)
    rows = min(ROWS // PARTS, LIMIT // 5)
    half = range(ROWS // 2)
    expected = [float(sum(half) * COLUMNS), float(2 * sum(range(PARTS * rows)) * COLUMNS)]
    assert plant.fetch_ingredient("sums") == expected, (plant.fetch_ingredient("sums"), expected)
try:
    np.ones(LIMIT * MB // 8)
except MemoryError:
    print(f"{ROWS} MB through a limit of {LIMIT} MB: at most {peak[0]} MB of its own, {peak[1]} MB of shared memory")
else:
    print("there was no limit")
