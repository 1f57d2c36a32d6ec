"""Input files by content: what ``File("data/*.csv")`` stands for when a plan is made."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stageloom.tracking.evidence import Evidence
from stageloom.tracking.reads import VARIABLE, text_hash

TYPE_CHECKING = False
if TYPE_CHECKING:  # a command with nothing to do looks whether a pattern's files are the same, and needs no more
    from stageloom.model.values import Json

_CHUNK = 1 << 20


class NoInputError(LookupError):
    """A declared input that no file answers to."""


def input_files(root: Path, path: str, pattern: str, kind: str) -> list[Path]:
    """Return the files that ``pattern`` names, sorted; it starts at the folder of the pipeline file at ``path``.

    ``kind`` is ``file`` or ``dir``; for a folder all files below it count.

    Raises:
        NoInputError: when there are none.
    """
    base = (root / path).parent
    literal = base / pattern
    if os.path.lexists(literal):  # a name may hold what has a meaning in patterns
        found = [literal]
    else:
        found = [Path(one) for one in glob.glob(os.path.join(glob.escape(str(base)), pattern), recursive=True)]
    if kind == "dir":
        files = [file for top in found for file in _below(top)]
        if not any(one.is_dir() for one in found):
            raise NoInputError(f"There is no folder {pattern!r} beside {path}")
    else:
        files = [one for one in found if one.is_file()]
        if not files:
            raise NoInputError(f"There is no file {pattern!r} beside {path}")
    return sorted(files)


def _below(top: Path) -> Iterator[Path]:
    """Yield all files below a folder, those in linked folders too, which a stage reads like any other."""
    above = {top: frozenset({os.path.realpath(top)})}
    for folder, inner, names in os.walk(top, followlinks=True):
        place = Path(folder)
        real = {name: os.path.realpath(place / name) for name in inner}
        inner[:] = [name for name in inner if real[name] not in above[place]]  # a link upwards never ends
        above.update((place / name, above[place] | {real[name]}) for name in inner)
        yield from (place / name for name in names)


def input_hashes(root: Path, path: str, pattern: Json, kind: str, evidence: Evidence | None = None) -> dict[str, str]:
    """Return the SHA-256 of each file that ``pattern`` names, by its path from the root; ``evidence`` hears of them."""
    if not isinstance(pattern, str):
        raise NoInputError(f"An input is named by a text, not by {pattern!r}")
    files = input_files(root, path, pattern, kind)
    evidence = evidence if evidence is not None else Evidence()
    try:
        hashes = {shown(one, root): evidence.hash(str(one), file_hash) for one in files}
    except OSError as error:  # a link that leads nowhere, or a file that may not be read
        raise NoInputError(f"The input {error.filename} cannot be read: {error.strerror}") from error
    evidence.pattern(str(root), path, pattern, kind, hashes)
    return hashes


def env_value(declared: Json) -> tuple[str, str]:
    """Return name and value of the environment variable that ``Input.told`` stands for.

    Raises:
        NoInputError: where it is not set, and has no default.
    """
    name, default = declared if isinstance(declared, list) and len(declared) == 2 else (declared, None)
    if not isinstance(name, str):
        raise NoInputError(f"An environment variable is named by a text, not by {name!r}")
    value = os.environ.get(name, default)
    if not isinstance(value, str):
        raise NoInputError(f"The environment variable {name} is not set: set it, or give Env() a default")
    return name, value


def env_hashes(declared: Json) -> dict[str, str]:
    """Return the SHA-256 of an environment variable's value by ``env:NAME``; raises what :func:`env_value` does."""
    name, value = env_value(declared)
    return {VARIABLE + name: text_hash(value)}


def input_names(root: str, path: str, pattern: str, kind: str) -> tuple[str, ...]:
    """Return the files that ``pattern`` names as :func:`input_hashes` does, none where there are none."""
    try:
        return tuple(shown(one, Path(root)) for one in input_files(Path(root), path, pattern, kind))
    except (NoInputError, OSError):
        return ()


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's content; one that is no regular file, like a pipe, might never end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def shown(path: Path, root: Path) -> str:
    """Return a file's path from the root, or its absolute path where it lies outside."""
    absolute = Path(os.path.abspath(path))  # a link's own name is what the stage sees, not what it leads to
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else absolute.as_posix()
