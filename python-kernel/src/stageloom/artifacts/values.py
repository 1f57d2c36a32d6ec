"""A stage's return value in its tree: ``return/value.json`` and, beside it, the files that it points at.

In the JSON ``{"$file": "xs.npy"}`` stands for a sibling, so dicts, lists, dataclasses and named tuples are stored
part by part: a reader of one part, and a preview, need only that.

What a dependant does with an instance of one of the project's classes depends on the class's code as well. So that is
part of the tree, as digests in ``return/code.json``: the same fields with other methods are another tree.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from stageloom.artifacts.errors import UnloadableError, UnstorableError
from stageloom.artifacts.reading import Reader
from stageloom.artifacts.writing import Writer

FOLDER = "return"
VALUE = "value.json"
CODE = "code.json"

#: Returns the digest of the code that a module's name stands for, empty where that is not the project's.
CodeOf = Callable[[str, str], str]


def no_code(module: str, name: str) -> str:
    """Return nothing: no class is the project's."""
    del module, name
    return ""


def save(value: object, out: Path, code_of: CodeOf = no_code) -> tuple[str, ...]:
    """Write ``value`` below ``out``, the folder of a stage's files; return sentences to show about how.

    ``code_of`` tells the code of the classes and functions that the value refers to.

    Raises:
        UnstorableError: saying which part of the value cannot be stored, or that ``out/return`` is taken.
    """
    folder = out / FOLDER
    if folder.exists():
        raise UnstorableError(
            f"{FOLDER}/", "in `out` is where the return value goes", "Write the stage's own files under another name."
        )
    folder.mkdir(parents=True)
    writer = Writer(folder, out)
    try:
        text = json.dumps(writer.write(value), separators=(",", ":"), allow_nan=False)
    except RecursionError:
        advice = "Return a flatter value."
        raise UnstorableError("the return value", "is nested too deeply", advice) from None
    (folder / VALUE).write_text(text + "\n", "ascii", newline="\n")
    digests = {f"{module}:{name}": code_of(module, name) for module, name in sorted(writer.names)}
    counted = {name: one for name, one in digests.items() if one}
    if counted:
        (folder / CODE).write_text(json.dumps(counted, indent=1) + "\n", "ascii", newline="\n")
    return tuple(writer.warnings)


def load(tree: Path, *, mmap: bool = True) -> object:
    """Return the value that a tree holds; large arrays are mapped copy-on-write unless ``mmap`` is false.

    Raises:
        UnloadableError: when it cannot be put together here; the stage's files alone hold no value.
    """
    folder = Path(tree) / FOLDER
    try:
        text = (folder / VALUE).read_text("utf-8")
    except FileNotFoundError:
        raise UnloadableError(f"{tree} holds no return value", "Use the files in it.") from None
    return Reader(folder, Path(tree), mmap=mmap).read(json.loads(text))


def given(tree: Path) -> object:
    """Return what a dependant of the stage receives: its return value, or its folder if it only wrote files."""
    if not (tree / FOLDER / VALUE).is_file():
        return tree
    value = load(tree)
    return tree if value is None and any(entry.name != FOLDER for entry in tree.iterdir()) else value
