"""Which pipeline, stages and store a command is about, as texts.

Imports little: a command with nothing to do needs it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STORE_VARIABLE = "STAGELOOM_STORE"
_HOME = ".stageloom"


class UsageError(ValueError):
    """The command's words are off; the message says how to mend them."""


def locate(targets: Sequence[str], root: str | None, store: str | None) -> tuple[str, str, tuple[str, ...], str]:
    """Return root, path below it, stages and store that ``targets`` (``pipeline.py`` or ``pipeline.py:stage``) name.

    Raises:
        UsageError: for no file, several files, or a file outside ``root``.
    """
    files: dict[str, None] = {}
    stages: list[str] = []
    for text in targets:
        name, stage = _split(text)
        file = os.path.realpath(name)
        if not os.path.isfile(file):
            raise UsageError(f"There is no file {name}")
        files[file] = None
        if stage:
            stages.append(stage)
    if len(files) != 1:
        raise UsageError("Name stages of one file at a time: pipeline.py, or pipeline.py:stage pipeline.py:other")
    [file] = files
    folder = os.path.realpath(root) if root else workspace_of(file)
    path = _below(file, folder)
    if path is None:
        raise UsageError(f"{file} is not below the workspace {folder}; give another --root")
    return folder, path.replace(os.sep, "/"), tuple(stages), store_of(folder, store)


def workspace_of(file: str) -> str:
    """Return the nearest folder above ``file`` that has a store, else the working folder if above, else its own."""
    folder = os.path.dirname(file)
    while True:
        if os.path.isdir(os.path.join(folder, _HOME, "store")):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            break
        folder = above
    here = os.path.realpath(os.curdir)
    return here if _below(file, here) is not None else os.path.dirname(file)


def store_of(root: str, store: str | None) -> str:
    """Return the store: the argument, else the environment's, else ``.stageloom/store`` in the workspace."""
    named = store or os.environ.get(STORE_VARIABLE)
    return os.path.realpath(os.path.expanduser(named)) if named else os.path.join(root, _HOME, "store")


def heeds_pins(told: bool | None = None) -> bool:  # noqa: FBT001  # what a command's option says
    """Return whether pins count: as ``told``, else unless this is a CI."""
    return not os.environ.get("CI") if told is None else told


def no_pins(told: bool | None = None) -> list[str]:  # noqa: FBT001
    """Return the word that stands among those that decide an answer where pins don't count."""
    return [] if heeds_pins(told) else ["--no-pins"]


def _split(text: str) -> tuple[str, str]:
    head, colon, tail = text.rpartition(":")
    if colon and not os.path.exists(text) and "/" not in tail and "\\" not in tail:
        return head, tail
    return text, ""


def _below(file: str, folder: str) -> str | None:
    """Return ``file`` relative to ``folder``, None where it lies elsewhere."""
    start = folder if folder.endswith(os.sep) else folder + os.sep
    same = os.path.normcase(file).startswith(os.path.normcase(start))
    return file[len(start) :] if same else None
