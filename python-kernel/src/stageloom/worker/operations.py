"""An entry module: the public functions that it defines are the operations of its pool."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

Operation = Callable[..., Any]


def load(entry: str, paths: Sequence[str] = ()) -> ModuleType:
    """Import and return the entry module: a module's name, or the absolute path of a script (it ends in ``.py``).

    Modules are looked for in ``paths`` first; a script also finds what lies beside it.
    """
    script = Path(entry) if entry.endswith(".py") else None
    places = [*paths, *([str(script.parent)] if script is not None else [])]
    sys.path[:0] = [place for place in places if place not in sys.path]
    return importlib.import_module(entry) if script is None else _load_script(script)


def _load_script(script: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(script.stem, script)
    if specification is None or specification.loader is None:
        raise ImportError(f"{script} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[script.stem] = module  # pickles and dataclasses look there
    specification.loader.exec_module(module)
    return module


def operations_of(module: ModuleType) -> Mapping[str, Operation]:
    """Return what a host may call: what ``__all__`` names, else the functions that the module defines itself.

    A name with an underscore in front is nobody's business but the module's own.
    """
    named = getattr(module, "__all__", None)
    if named is not None:
        found = {name: getattr(module, name, None) for name in named}
        return {name: one for name, one in found.items() if callable(one) and not isinstance(one, type)}
    return {
        name: one
        for name, one in vars(module).items()
        if not name.startswith("_") and isinstance(one, FunctionType) and _origin(one) == module.__name__
    }


def _origin(function: FunctionType) -> str:
    # a decorator that forgets functools.wraps would hide what it decorates
    return getattr(function, "__wrapped__", function).__module__
