"""Which files of the project the arguments of a process name that a stage starts: what it reads itself is not seen."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence

from stageloom.tracking.evidence import is_outside

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})
_MOST_FILES = 1000

#: What is written into a stage's log.
NOTICE = (
    "This stage starts other processes. What those read is not seen: files of the project that their arguments name"
    " count by content, all else they read does not.\n"
)


def named(program: object, arguments: object, folder: object) -> list[str]:
    """Return the absolute paths of what is there of all that a process is given, folders as the files below them."""
    words = [*_texts([program]), *_texts(arguments if isinstance(arguments, (list, tuple)) else [arguments])]
    if len(words) > 3 and os.path.basename(words[1]) in _SHELLS and words[2] == "-c":
        words += _split(words[3])
    start = os.path.abspath(next(_texts([folder]), os.curdir))
    found: dict[str, None] = {}
    for word in words:
        for text in (word, word.partition("=")[2], word.lstrip("<@")):
            if text and len(text) < 4096 and "\0" not in text:
                found[os.path.normpath(os.path.join(start, text))] = None
    return [path for one in found for path in _files(one, start)]


def commanded(command: object) -> list[str]:
    """Return the same for a command that a shell is given."""
    return named(None, [word for text in _texts([command]) for word in _split(text)], None)


def _files(path: str, start: str) -> Iterator[str]:
    if os.path.isfile(path):
        yield path
    elif os.path.isdir(path) and not (start + os.sep).startswith(path + os.sep):
        count = 0
        for folder, folders, names in os.walk(path):
            folders[:] = [one for one in folders if not is_outside(one)]
            for name in names:
                yield os.path.join(folder, name)
                count += 1
                if count >= _MOST_FILES:
                    return


def _texts(values: Sequence[object]) -> Iterator[str]:
    for one in values:
        if isinstance(one, (str, bytes, os.PathLike)):
            yield os.fsdecode(one)


def _split(command: str) -> Iterable[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quotation without an end
        return command.split()
