"""What a stage was seen to read without declaring it, by name, and what it is now.

A name is a file's path from the project's folder (``data/points.csv``), a folder's with a slash at its end for the
names in it (``data/``), or ``env:NAME`` for an environment variable. ``there:data/points.csv`` is whether a file or a
folder is there, ``size:`` and ``time:`` before a path are a file's size, and that with when it changed. What it holds
is a SHA-256, empty for what is not there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping

from stageloom.tracking.evidence import hash_of, is_outside, mark

#: By name, what was read. Empty for a stage that declares all it reads.
Reads = Mapping[str, str]

#: What changes when a file does; empty for what is not there.
Mark = tuple[int, ...]

VARIABLE = "env:"
#: What was asked of a file or folder without opening it, before its path.
THERE, SIZE, TIME = "there:", "size:", "time:"
_OF_PATHS = (THERE, SIZE, TIME)

#: What a file held that changed while it was read: no file ever does.
CHANGED = "changed"


def file_name(path: str, root: str) -> str | None:
    """Return the name of a file or folder of the project at ``root``, by its absolute path; None for any other.

    What lies in hidden folders, in environments and in what tools keep is none of the project's.
    """
    if not path.startswith(root + os.sep):
        return None
    parts = path[len(root) + 1 :].split(os.sep)
    return None if any(is_outside(part) for part in parts) else "/".join(parts)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


#: Variables that modules of the project set when they were imported by this process: what each held before and since.
_set_here: dict[str, tuple[str, str]] = {}


def variable_state(name: str, value: str | None) -> str:
    """Return what counts of a variable that has ``value``: where a module of the project set it, what it was before.

    The next process that imports the module finds it so.
    """
    state = "" if value is None else text_hash(value)
    before, since = _set_here.get(name, ("", None))
    return before if state == since else state


def note_set(name: str, before: str | None, value: str) -> None:
    """Note that a module of the project, while it is imported, sets a variable."""
    _set_here[name] = (variable_state(name, before), text_hash(value))


def state_of(name: str, root: str, hash_file: Callable[[str], str] = hash_of) -> str:
    """Return what ``name`` holds now; empty for what is not there or cannot be read."""
    if name.startswith(VARIABLE):
        variable = name[len(VARIABLE) :]
        return variable_state(variable, os.environ.get(variable))
    if name.startswith(_OF_PATHS):
        return _outside_state(name, root)
    path = os.path.join(root, *name.split("/"))
    try:
        if name.endswith("/"):
            return text_hash("\n".join(sorted(one for one in os.listdir(path) if not is_outside(one))))
        return hash_file(path) if os.path.isfile(path) else ""
    except OSError:
        return ""


def _outside_state(name: str, root: str) -> str:
    kind, _, path = name.partition(":")
    try:
        status = os.stat(os.path.join(root, *path.split("/")))
    except (OSError, ValueError):
        return ""
    if stat.S_ISDIR(status.st_mode):
        return text_hash("folder")
    told = {"there": "file", "size": f"file {status.st_size}"}
    return text_hash(told.get(kind, f"file {status.st_size} {status.st_mtime_ns}"))


def path_of(name: str) -> str:
    """Return the path that ``name`` is about: that itself, where it is a file's or a folder's."""
    return name.partition(":")[2] if name.startswith(_OF_PATHS) else name


def mark_of(name: str, root: str) -> Mark:
    """Return the mark that the file ``name`` has now."""
    try:
        return mark(os.stat(os.path.join(root, *name.split("/"))))
    except OSError:
        return ()


def shown(name: str) -> str:
    """Return a name as a person reads it."""
    if name.startswith(VARIABLE):
        return f"the environment variable {name[len(VARIABLE) :]}"
    if name.startswith(_OF_PATHS):
        what = {THERE: "whether {} is there", SIZE: "the size of {}", TIME: "the time of {}"}
        return what[name[: name.index(":") + 1]].format(path_of(name))
    return f"what is in the folder {name[:-1] or '.'}" if name.endswith("/") else name
