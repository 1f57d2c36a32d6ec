"""What is the same for every job, whatever ran before in its process: random state, folder, memory's high mark."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stageloom.functions.execute import folder_of
from stageloom.worker.hooks import once_imported
from stageloom.worker.restoring import restored


@contextmanager
def surroundings(root: str, path: str, seed: int, spoil: Callable[[str], None]) -> Iterator[None]:
    """Run the block in the folder of the pipeline file, with random numbers that follow from ``seed``.

    What it changes of the process is undone; ``spoil`` hears of what can't be.
    """
    before = os.getcwd()
    random.seed(seed)
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)
    os.chdir(folder_of(root, path))
    try:
        # when a stage is the first to import it, NumPy's global generator would start from the clock
        seeded = once_imported("numpy.random", lambda module: vars(module)["seed"](seed % 2**32))
        with restored(spoil), seeded:
            yield
    finally:
        os.chdir(before)


class PeakMemory:
    """The most memory this process held since this was made, where the system can tell, else since it began."""

    def __init__(self) -> None:
        try:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
        except OSError:
            pass

    def read(self) -> int:
        """Return bytes; 0 where it cannot be told."""
        try:
            with open("/proc/self/status", encoding="ascii", errors="replace") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) * 1024
        except (OSError, ValueError):
            pass
        try:
            import resource
        except ImportError:  # Windows
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
