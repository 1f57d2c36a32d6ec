"""Processes that a stage starts by ``multiprocessing``: they import the project's files from the stage's snapshot.

A forked one has what its parent has. A fresh interpreter would take the files as they are on the disk by then, so it is
told to run :mod:`stageloom.worker.spawned` before anything of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from stageloom.worker.hooks import once_imported

FLAG = "--stageloom-snapshot"
PROGRAM = "stageloom.worker.spawned"


@contextmanager
def children_import_from(store: str, root: str, snapshot: str) -> Iterator[None]:
    """Have processes that ``multiprocessing`` starts inside the block import the project's files from ``snapshot``."""
    arguments = ["", FLAG, store, root, snapshot]
    changed: list[tuple[ModuleType, Callable[[str], dict[str, Any]]]] = []

    def change(module: ModuleType) -> None:
        original: Callable[[str], dict[str, Any]] = vars(module)["get_preparation_data"]

        def prepare(name: str) -> dict[str, Any]:
            data = original(name)
            data.pop("init_main_from_path", None)
            return {**data, "init_main_from_name": PROGRAM, "sys_argv": arguments}

        changed.append((module, original))
        vars(module)["get_preparation_data"] = prepare

    try:
        with once_imported("multiprocessing.spawn", change):
            yield
    finally:
        for module, original in changed:
            vars(module)["get_preparation_data"] = original
