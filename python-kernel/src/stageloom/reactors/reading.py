"""A file of reactors that the engine loads must not run its own plant: it ends there, and its plant is kept."""

from __future__ import annotations

import ast
import sys
from types import ModuleType
from typing import Any

from stageloom.tracking.loader import EndOfModule, is_loading, loading
from stageloom.tracking.sources import BadSourceError, parse

_PLANT = "__stageloom_plant__"


class Declaring(EndOfModule):
    """Ends a file that is only loaded for its reactors where it would run one."""


def declares_only(plant: Any) -> bool:
    """Return whether ``plant`` is made by a module that is only loaded, which then keeps the first of them."""
    if not is_loading():
        return False
    frame = sys._getframe(1)  # noqa: SLF001  # who made it is not told otherwise
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("stageloom."):
        frame = frame.f_back
    frame.f_globals.setdefault(_PLANT, plant)
    return True


def plant_of(module: ModuleType, content: bytes) -> Any:
    """Return the plant that a module makes when it runs as a program, None if it makes none."""
    if _PLANT not in vars(module):
        vars(module)[_PLANT] = None
        for statement in _guarded(content, str(module.__file__)):
            del vars(module)[_PLANT]
            with loading():
                exec(compile(statement, str(module.__file__), "exec"), vars(module))  # noqa: S102  # the user's program
            if vars(module).setdefault(_PLANT, None) is not None:
                break
    return vars(module)[_PLANT]


def _guarded(content: bytes, path: str) -> list[ast.Module]:
    """Return what runs only where the file is the program: the bodies below ``if __name__ == "__main__"``."""
    try:
        tree, _ = parse(content, path)
    except BadSourceError:
        return []
    return [
        ast.Module(node.body, [])
        for node in tree.body
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and "__main__" in ast.unparse(node.test)
    ]
