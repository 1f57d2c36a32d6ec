"""``arrays.py <folder>``: what keeping and opening a large array takes, beside NumPy alone, as JSON.

One stage makes 100 MB of numbers and says how long that took, another takes them. Everything ends on the disk: what
NumPy writes is flushed, too.
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

import numpy as np
from stageloom.artifacts.values import given
from stageloom.library import open_workspace

T = TypeVar("T")

TURNS = 5

PIPELINE = """
import time
import numpy as np
from stageloom import stage


@stage
def make(seed: int = {seed}):
    begun = time.perf_counter()
    value = np.full(12_500_000, seed, dtype=np.float64)
    with open({making!r}, "w") as file:
        file.write(str((time.perf_counter() - begun) * 1000))
    return value


@stage
def take(make):
    return float(make[-1])
"""


def timed(times: list[float], do: Callable[..., T], *arguments: object) -> T:
    """Note how long ``do`` takes with ``arguments``, in ms."""
    begun = time.perf_counter()
    result = do(*arguments)
    times.append((time.perf_counter() - begun) * 1000)
    return result


def save(place: Path, value: object) -> None:
    """Write an array as NumPy does, and have it on the disk."""
    with place.open("wb") as file:
        np.save(file, value)
        file.flush()
        os.fsync(file.fileno())


def main(folder: Path) -> None:
    """Measure in turns and print."""
    names = ("numpy", "make", "hash", "store", "realize", "numpy opens", "opens", "small")
    told: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(TURNS):
        value = timed(told["make"], np.full, 12_500_000, turn + 0.5)
        timed(told["hash"], hashlib.sha256, value.data)
        timed(told["numpy"], save, folder / f"{turn}.npy", value)
        timed(told["numpy opens"], np.load, folder / f"{turn}.npy", "r")
        (folder / "pipeline.py").write_text(PIPELINE.format(seed=turn + 1, making=str(folder / "making")))
        with open_workspace(folder, folder / "store") as workspace:
            pipeline = workspace.read("pipeline.py")
            run = workspace.run(pipeline, ["make"], Quiet())
            result = timed(told["realize"], run.execute)
            made = result.entries["make"].found
            assert made is not None, result.entries["make"].failure
            making = float((folder / "making").read_text())
            told["store"].append(told["realize"][-1] - making)
            timed(told["opens"], given, workspace.store.tree(made.tree))
            begun = time.perf_counter()
            workspace.run(workspace.read("pipeline.py"), ["take"], Quiet()).execute()
            told["small"].append((time.perf_counter() - begun) * 1000)
    for turn in range(TURNS):  # not before: what is written next would find its memory ready
        (folder / f"{turn}.npy").unlink()
    sys.stdout.write(json.dumps(told))


class Quiet:
    """Hears and says nothing."""

    def changed(self, *_: object) -> None:
        """Say nothing."""

    def log(self, *_: object) -> None:
        """Say nothing."""

    def progress(self, *_: object) -> None:
        """Say nothing."""


main(Path(sys.argv[1]))
