"""Names of classes, and of the files that parts of a value are written to."""

from __future__ import annotations

import importlib
import re

from stageloom.artifacts.errors import UnloadableError, UnstorableError

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z", re.IGNORECASE)


class FileNames:
    """Gives each part of a value a file name of its own, also where a file system ignores case."""

    def __init__(self) -> None:
        self._taken = {"value.json", "code.json"}

    def take(self, steps: tuple[str, ...], suffix: str) -> str:
        """Return the name for the part that ``steps`` lead to: ``("result", "xs")`` is ``result.xs.npy``."""
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", ".".join(steps) or "value").strip(".")[:80] or "value"
        if _RESERVED.match(stem):
            stem = f"_{stem}"
        name, count = stem + suffix, 1
        while name.lower() in self._taken:
            count += 1
            name = f"{stem}~{count}{suffix}"
        self._taken.add(name.lower())
        return name


def class_name(kind: type, path: str) -> str:
    """Return ``module:Name``; raises UnstorableError for a class that no import finds."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        advice = "Define the class at the top level of a module of the project, so that it can be imported again."
        raise UnstorableError(path, f"is a {kind.__qualname__}, a class that cannot be imported", advice)
    return name


def find_class(name: str) -> type:
    """Return the class that ``module:Name`` names; raises UnloadableError."""
    module, _, qualname = name.partition(":")
    try:
        found: object = importlib.import_module(module)
        for step in qualname.split("."):
            found = getattr(found, step)
    except ImportError as error:
        advice = f"Install or restore the module {module}, or realize the stage again."
        raise UnloadableError(
            f"a stored value is a {qualname} of {module}, which does not import: {error}", advice
        ) from error
    except AttributeError:
        advice = f"Restore the class {qualname} in {module}, or realize the stage again."
        raise UnloadableError(
            f"a stored value is a {qualname}, which {module} does not have any more", advice
        ) from None
    if not isinstance(found, type):
        raise UnloadableError(f"a stored value is a {name}, which is no class any more", "Realize the stage again.")
    return found
