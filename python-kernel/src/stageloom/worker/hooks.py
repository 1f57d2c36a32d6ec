"""Doing something to a module of a package when it is imported, without importing it for that."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def once_imported(name: str, act: Callable[[ModuleType], object]) -> Iterator[None]:
    """Call ``act`` with the module ``name``: now if it is there, else when it is imported inside the block."""
    finder = _Finder(name, act)
    module = sys.modules.get(name)
    if module is not None:
        act(module)
    else:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, act: Callable[[ModuleType], object]) -> None:
        self._name = name
        self._act = act

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the ordinary spec of the module, with a loader that acts after loading it."""
        del target
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, str(spec.loader.path), self._act)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, act: Callable[[ModuleType], object]) -> None:
        super().__init__(name, path)
        self._act = act

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self._act(module)
