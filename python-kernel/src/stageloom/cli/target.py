"""Which pipeline, stages and store a command is about."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from stageloom.model.classes import dataclass
from stageloom.model.values import Json, NotSerialisableError, to_json

STORE_VARIABLE = "STAGELOOM_STORE"
_HOME = ".stageloom"
# An instance has values in its name: long[length=2].length=5
_SET = re.compile(r"(?P<key>[^\[\]=.]+(\[[^\]]*\])?(\.[^=.]+)+)=(?P<value>.*)\Z", re.DOTALL)


class UsageError(ValueError):
    """The command's words are off; the message says how to mend them."""


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
    files: dict[Path, None] = {}
    stages: list[str] = []
    for text in targets:
        name, stage = _split(text)
        file = Path(name).resolve()
        if not file.is_file():
            raise UsageError(f"There is no file {name}")
        files[file] = None
        if stage:
            stages.append(stage)
    if len(files) != 1:
        raise UsageError("Name stages of one file at a time: pipeline.py, or pipeline.py:stage pipeline.py:other")
    [file] = files
    folder = Path(root).resolve() if root else workspace_of(file)
    if not file.is_relative_to(folder):
        raise UsageError(f"{file} is not below the workspace {folder}; give another --root")
    return Place(folder, file.relative_to(folder).as_posix(), tuple(stages), store_of(folder, store))


def _split(text: str) -> tuple[str, str]:
    head, colon, tail = text.rpartition(":")
    if colon and not Path(text).exists() and "/" not in tail and "\\" not in tail:
        return head, tail
    return text, ""


def workspace_of(file: Path) -> Path:
    """Return the nearest folder above ``file`` that has a store, else the working folder if above, else its own."""
    for folder in file.parents:
        if (folder / _HOME / "store").is_dir():
            return folder
    here = Path.cwd().resolve()
    return here if file.is_relative_to(here) else file.parent


def store_of(root: Path, store: str | None) -> Path:
    """Return the store: the argument, else the environment's, else ``.stageloom/store`` in the workspace."""
    named = store or os.environ.get(STORE_VARIABLE)
    return Path(named).expanduser().resolve() if named else root / _HOME / "store"


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
