"""Which pipeline, stages and store a command is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from stageloom.cli import place
from stageloom.cli.place import UsageError
from stageloom.model.classes import dataclass
from stageloom.model.values import Json, NotSerialisableError, to_json

# An instance has values in its name: long[length=2].length=5
_SET = re.compile(r"(?P<key>[^\[\]=.]+(\[[^\]]*\])?(\.[^=.]+)+)=(?P<value>.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """A pipeline file below its workspace's root, and the store that goes with it."""

    root: Path
    path: str
    stages: tuple[str, ...]
    store: Path


def find_place(targets: Sequence[str], root: str | None, store: str | None) -> Place:
    """Return the place that ``targets`` (``pipeline.py`` or ``pipeline.py:stage``, all of one file) name.

    Raises:
        UsageError: for no file, several files, or a file outside ``root``.
    """
    folder, path, stages, home = place.locate(targets, root, store)
    return Place(Path(folder), path, stages, Path(home))


def workspace_of(file: Path) -> Path:
    """Return the nearest folder above ``file`` that has a store, else the working folder if above, else its own."""
    return Path(place.workspace_of(str(file)))


def store_of(root: Path, store: str | None) -> Path:
    """Return the store: the argument, else the environment's, else ``.stageloom/store`` in the workspace."""
    return Path(place.store_of(str(root), store))


def parse_sets(texts: Sequence[str]) -> dict[str, Json]:
    """Return what ``--set stage.parameter=value`` words mean: a Python literal, else a text.

    Raises:
        UsageError: for a word that isn't of that form.
    """
    sets: dict[str, Json] = {}
    for text in texts:
        found = _SET.match(text)
        if found is None:
            raise UsageError(f"--set takes stage.parameter=value, not {text!r}")
        key, value = found["key"], found["value"]
        sets[key] = _literal(key, value)
    return sets


def _literal(key: str, text: str) -> Json:
    import ast

    words = {"true": True, "false": False, "null": None, "nan": float("nan"), "inf": float("inf")}
    try:
        return to_json(words[text] if text in words else ast.literal_eval(text), key)
    except NotSerialisableError as error:
        raise UsageError(str(error)) from None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
