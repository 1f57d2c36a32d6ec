"""Stageloom: a plain Python file of stages as a cached, inspectable, tunable pipeline."""

from __future__ import annotations

from stageloom._version import VERSION as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stageloom import search
    from stageloom.artifacts.codecs import Codec
    from stageloom.functions.declare import Stage, stage
    from stageloom.functions.matching import best, latest, only
    from stageloom.functions.places import Dir, Env, File, Out, auxiliary
    from stageloom.library import NotRealizedError, SourceError, StageFailedError, load, realize
    from stageloom.progress import report

__all__ = [
    "Codec",
    "Dir",
    "Env",
    "File",
    "NotRealizedError",
    "Out",
    "SourceError",
    "Stage",
    "StageFailedError",
    "__version__",
    "auxiliary",
    "best",
    "latest",
    "load",
    "only",
    "realize",
    "report",
    "search",
    "stage",
]

_HOMES = {
    "Codec": "stageloom.artifacts.codecs",
    "Dir": "stageloom.functions.places",
    "Env": "stageloom.functions.places",
    "File": "stageloom.functions.places",
    "NotRealizedError": "stageloom.library",
    "Out": "stageloom.functions.places",
    "SourceError": "stageloom.library",
    "Stage": "stageloom.functions.declare",
    "StageFailedError": "stageloom.library",
    "best": "stageloom.functions.matching",
    "latest": "stageloom.functions.matching",
    "only": "stageloom.functions.matching",
    "auxiliary": "stageloom.functions.places",
    "load": "stageloom.library",
    "realize": "stageloom.library",
    "report": "stageloom.progress",
    "stage": "stageloom.functions.declare",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: a file of stages needs little of the package, and pays for no more."""
    import importlib

    if name == "search":
        return importlib.import_module("stageloom.search")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'stageloom' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
