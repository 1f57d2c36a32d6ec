"""What is the same for every job, whatever ran before in its process: random state, folder, memory's high mark."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from stageloom.functions.execute import folder_of


@contextmanager
def surroundings(root: str, path: str, seed: int) -> Iterator[None]:
    """Run the block in the folder of the pipeline file, with random numbers that follow from ``seed``."""
    before = os.getcwd()
    seeder = _SeedsNumpy(seed)
    random.seed(seed)
    if "numpy.random" in sys.modules:
        _seed_numpy(seed)
    else:
        sys.meta_path.insert(0, seeder)
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)
    os.chdir(folder_of(root, path))
    try:
        yield
    finally:
        if seeder in sys.meta_path:
            sys.meta_path.remove(seeder)
        os.chdir(before)


def _seed_numpy(seed: int) -> None:
    module: Any = sys.modules["numpy.random"]
    module.seed(seed % 2**32)


class _SeedsNumpy(importlib.abc.MetaPathFinder):
    """Seeds NumPy's global generator when a stage is the first to import it: it would start from the clock."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the ordinary spec of ``numpy.random``, with a loader that seeds it."""
        del target
        if fullname != "numpy.random":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _SeedingLoader(spec.loader.name, str(spec.loader.path), self._seed)
        return spec


class _SeedingLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, seed: int) -> None:
        super().__init__(name, path)
        self._seed = seed

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        vars(module)["seed"](self._seed % 2**32)


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
