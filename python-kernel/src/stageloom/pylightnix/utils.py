"""Small helpers that Pylightnix's programs use: files, hashes, values with references in them, graphs."""

from __future__ import annotations

import hashlib
import heapq
import json
import logging
import os
import shutil
import stat as modes
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from stageloom.pylightnix.configuration import plain
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.references import (
    PYLIGHTNIX_SELF_TAG,
    isdref,
    isrefpath,
    isrref,
    isselfpath,
    selfref,
)
from stageloom.pylightnix.times import PYLIGHTNIX_TIME, parsetime, timestring, tzlocal
from stageloom.pylightnix.types import Closure, DRef, Hash, Path, RRef

__all__ = [
    "PYLIGHTNIX_SELF_TAG",
    "PYLIGHTNIX_TIME",
    "Mutator",
    "assert_serializable",
    "assert_valid_dict",
    "concat",
    "dagroots",
    "datahash",
    "dicthash",
    "dirchmod",
    "dircp",
    "dirhash",
    "dirhash_iter",
    "dirrm",
    "dirro",
    "dirrw",
    "dirshash",
    "dirsize",
    "encode",
    "filehash",
    "filero",
    "filerw",
    "forcelink",
    "isclosure",
    "isdref",
    "isrefpath",
    "isrref",
    "isselfpath",
    "kahntsort",
    "logdir",
    "maybereadjson",
    "maybereadstr",
    "mklogdir",
    "parsetime",
    "readjson",
    "readstr",
    "scanref_dict",
    "scanref_list",
    "selfref",
    "timestring",
    "traverse_dict",
    "traverse_list",
    "traverse_tuple",
    "try_executable",
    "trycatch",
    "tryread",
    "tryread_def",
    "tryreadjson",
    "tryreadjson_def",
    "tryreadstr",
    "tryreadstr_def",
    "trywrite",
    "tzlocal",
    "writejson",
    "writestr",
]

_log = logging.getLogger(__name__)

_A = TypeVar("_A")
_B = TypeVar("_B")

#: Takes key, or index, and value; returns the value to put in its place.
Mutator = Callable[[Any, Any], Any]

_WRITE = modes.S_IWUSR | modes.S_IWGRP | modes.S_IWOTH


# --- logs ------------------------------------------------------------------------------------------------------------


def logdir(tag: str, logrootdir: str, timetag: str | None = None) -> Path:
    """Return the path of a folder for logs, by tag and time."""
    time = timestring() if timetag is None else timetag
    return Path(os.path.join(logrootdir, f"{tag}_{time}" if tag else time))


def mklogdir(
    tag: str, logrootdir: str, subdirs: Iterable[str] = (), symlinks: bool = True, timetag: str | None = None
) -> Path:
    """Make a folder for logs, with a link ``_<tag>_latest`` to it, and return it."""
    path = logdir(tag, logrootdir, timetag)
    for name in ("", *subdirs):
        os.makedirs(os.path.join(path, name), exist_ok=True)
    if symlinks:
        forcelink(os.path.basename(path), os.path.join(logrootdir, f"_{tag}_latest" if tag else "_latest"))
    return path


def forcelink(src: str, dst: str, **kwargs: Any) -> None:
    """Make ``dst`` a link to ``src``; another link or file there goes."""
    os.makedirs(os.path.dirname(dst) or ".", exist_ok=True)
    aside = f"{dst}.{os.urandom(4).hex()}"
    os.symlink(src, aside, **kwargs)
    os.replace(aside, dst)


# --- hashes ----------------------------------------------------------------------------------------------------------


def encode(s: str, encoding: str = "utf-8") -> bytes:
    """Return a text as bytes."""
    return s.encode(encoding)


def datahash(data: Iterable[tuple[str, bytes]], verbose: bool = False) -> Hash:
    """Return the SHA-256 of the second items of ``data``, one after the other; the first name them in the log."""
    state = hashlib.sha256()
    count = 0
    for hint, part in data:
        state.update(part)
        count += 1
        if verbose:
            _log.debug("after %s: %s", hint, state.hexdigest())
    if not count:
        _log.warning("datahash was given nothing")
    return Hash(state.hexdigest())


def dirhash_iter(path: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder, but for those whose name begins with ``_``: each one's name, then its content.

    A link is what it points at, as text.
    """
    check(os.path.isdir(path), f"{path!r:.120} is no folder")
    for above, inner, names in os.walk(os.path.abspath(path)):
        inner.sort()
        for name in sorted(names):
            if name.startswith("_"):
                continue
            whole = os.path.join(above, name)
            relative = os.path.relpath(whole, path).replace(os.sep, "/")
            yield f"name:{whole}", relative.encode("utf-8", "surrogateescape") + b"\0"
            if os.path.islink(whole):
                yield f"link:{whole}", os.fsencode(os.readlink(whole)) + b"\0"
            else:
                with open(whole, "rb") as file:
                    yield whole, hashlib.sha256(file.read()).digest()


def dirshash(paths: Iterable[str], verbose: bool = False) -> Hash:
    """Return the hash of what is below folders, names and contents."""
    return datahash(chain.from_iterable(map(dirhash_iter, paths)), verbose=verbose)


def dirhash(path: str, verbose: bool = False) -> Hash:
    """Return the hash of what is below a folder, names and contents; files whose name begins with ``_`` don't count."""
    return dirshash([path], verbose=verbose)


def filehash(path: str) -> Hash:
    """Return the SHA-256 of a file."""
    check(os.path.isfile(path), f"{path!r:.120} is no file")
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return Hash(state.hexdigest())


def dicthash(d: Mapping[str, Any]) -> Hash:
    """Return a hash of a dict, whatever the order of its keys; those that begin with ``_`` don't count."""
    kept = [[key, repr(value)] for key, value in sorted(d.items()) if key and not key.startswith("_")]
    return Hash(hashlib.sha256(json.dumps(kept).encode("utf-8")).hexdigest())


# --- files and folders -----------------------------------------------------------------------------------------------


def filerw(f: str) -> None:
    """Let the owner write a file."""
    check(os.path.isfile(f), f"{f!r:.120} is no file")
    os.chmod(f, os.stat(f).st_mode | modes.S_IWUSR)


def filero(f: str) -> None:
    """Let nobody write a file."""
    check(os.path.isfile(f), f"{f!r:.120} is no file")
    os.chmod(f, os.stat(f).st_mode & ~_WRITE)


def dirro(o: str) -> None:
    """Let nobody write a folder, or what is in it."""
    for path in _below(o):
        os.chmod(path, os.stat(path).st_mode & ~_WRITE)


def dirrw(o: str) -> None:
    """Let the owner write a folder, and what is in it."""
    os.chmod(o, os.stat(o).st_mode | modes.S_IRWXU)
    for path in _below(o):
        os.chmod(path, os.stat(path).st_mode | modes.S_IWUSR)


def dirchmod(o: str, mode: str) -> None:
    """Do what :func:`dirro` or :func:`dirrw` does, by ``ro`` or ``rw``."""
    check(mode in ("ro", "rw"), f"{mode!r:.40} is neither 'ro' nor 'rw'")
    (dirro if mode == "ro" else dirrw)(o)


def dirsize(o: str) -> int:
    """Return how many bytes the files below a folder have; links don't count."""
    return sum(
        os.path.getsize(os.path.join(above, name))
        for above, _, names in os.walk(o)
        for name in names
        if not os.path.islink(os.path.join(above, name))
    )


def dirrm(path: str, ignore_not_found: bool = True) -> None:
    """Remove a folder, write-protected or not."""
    aside = f"{path.rstrip(os.sep)}.{os.urandom(4).hex()}.tmp"
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        if ignore_not_found:
            return
        raise
    dirrw(aside)
    shutil.rmtree(aside)


def dircp(src: str, dst: str, make_rw: bool = False) -> None:
    """Copy a folder to a new one, which is there as a whole or not at all."""
    check(os.path.isdir(src), f"{src!r:.120} is no folder")
    check(not os.path.isdir(dst), f"{dst!r:.120} is there already")
    aside = f"{dst}.{os.urandom(4).hex()}.tmp"
    shutil.copytree(src, aside, symlinks=True)
    if make_rw:
        dirrw(aside)
    os.rename(aside, dst)


def _below(folder: str) -> Iterator[str]:
    """Yield all that is below a folder, then the folder; links are left out."""
    for above, inner, names in os.walk(folder, topdown=False):
        for name in (*names, *inner):
            path = os.path.join(above, name)
            if not os.path.islink(path):
                yield path
    yield folder


# --- reading and writing ---------------------------------------------------------------------------------------------


def readstr(path: str) -> str:
    """Return the text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def writestr(path: str, data: str) -> None:
    """Write a text to a file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(data)


def readjson(json_path: str) -> Any:
    """Return the value in a JSON file; raises CheckError naming it where it is damaged."""
    with open(json_path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise CheckError(f"{json_path} is no JSON ({error})") from error


def writejson(path: str, data: Any, indent: int | None = None) -> None:
    """Write a value to a JSON file."""
    writestr(path, json.dumps(data, indent=indent))


def trycatch(f: Callable[[], _A], default: _A, mp: Callable[[_A], _B]) -> _B:
    """Return ``mp`` of what ``f`` returns, or of ``default`` where it raises."""
    try:
        value = f()
    except Exception:  # noqa: BLE001  # whatever it is: that is what it is for
        value = default
    return mp(value)


def tryread(path: str) -> str | None:
    """Return the text of a file, None where it cannot be read."""
    return tryreadstr(path)


def tryread_def(path: str, default: str) -> str:
    """Return the text of a file, ``default`` where it cannot be read."""
    return tryreadstr_def(path, default)


def tryreadstr(path: str) -> str | None:
    """Return the text of a file, None where it cannot be read."""
    try:
        return readstr(path)
    except (OSError, ValueError):
        return None


def tryreadstr_def(path: str, default: str) -> str:
    """Return the text of a file, ``default`` where it cannot be read."""
    found = tryreadstr(path)
    return default if found is None else found


def tryreadjson(json_path: str) -> Any:
    """Return the value in a JSON file, None where it cannot be read."""
    return tryreadjson_def(json_path, None)


def tryreadjson_def(json_path: str, default: Any) -> Any:
    """Return the value in a JSON file, ``default`` where it cannot be read."""
    try:
        return readjson(json_path)
    except (OSError, ValueError, CheckError):
        return default


def maybereadjson(path: str, default: Any, mp: Callable[[Any], _B]) -> _B:
    """Return ``mp`` of the value in a JSON file, or of ``default`` where it cannot be read."""
    return mp(tryreadjson_def(path, default))


def maybereadstr(path: str, default: str, mp: Callable[[str], _B]) -> _B:
    """Return ``mp`` of the text of a file, or of ``default`` where it cannot be read."""
    return mp(tryreadstr_def(path, default))


def trywrite(path: str, data: str) -> bool:
    """Write a text to a file, and return whether that was possible."""
    try:
        writestr(path, data)
    except OSError:
        return False
    return True


def try_executable(
    name: str, envname: str, not_found_message: str | None = None, not_found_warning: str | None = None
) -> Callable[[], str]:
    """Return a function that returns the path of a program, or raises CheckError where there is none."""
    found = os.environ.get(envname) or shutil.which(name)
    if found is None:
        for message in filter(None, (not_found_message, not_found_warning)):
            _log.warning("%s", message)

    def executable() -> str:
        if found is None:
            raise CheckError(not_found_message or f"there is no program {name}: install it, or set {envname}")
        return found

    return executable


# --- values with references in them ----------------------------------------------------------------------------------


def isclosure(x: Any) -> bool:
    """Return whether ``x`` is a plan."""
    return isinstance(x, Closure)


def traverse_tuple(t: tuple[Any, ...], mut: Mutator) -> None:
    """Ask ``mut`` of everything in a tuple, whose own items it may not change."""
    for index, item in enumerate(t):
        check(mut(index, item) == item, "an item of a tuple cannot be changed")
        _traverse_inner(item, mut)


def traverse_list(l: list[Any], mut: Mutator) -> None:  # upstream's
    """Put what ``mut`` returns in the place of everything in a list."""
    for index in range(len(l)):
        l[index] = mut(index, l[index])
        _traverse_inner(l[index], mut)


def traverse_dict(d: dict[Any, Any], mut: Mutator) -> None:
    """Put what ``mut`` returns in the place of every value in a dict."""
    for key, value in list(d.items()):
        d[key] = mut(key, value)
        _traverse_inner(d[key], mut)


def _traverse_inner(value: Any, mut: Mutator) -> None:
    if isinstance(value, list):
        traverse_list(value, mut)
    elif isinstance(value, dict):
        traverse_dict(value, mut)
    elif isinstance(value, tuple):
        traverse_tuple(value, mut)


def scanref_list(l: list[Any]) -> tuple[list[DRef], list[RRef]]:  # upstream's
    """Return the derivations and the realizations that stand in a list."""
    drefs: list[DRef] = []
    rrefs: list[RRef] = []

    def visit(_: Any, value: Any) -> Any:
        if isrref(value):
            rrefs.append(RRef(value))
        elif isdref(value):
            drefs.append(DRef(value))
        return value

    traverse_list(l, visit)
    return drefs, rrefs


def scanref_dict(d: dict[Any, Any]) -> tuple[list[DRef], list[RRef]]:
    """Return the derivations and the realizations that stand in a dict."""
    return scanref_list(list(d.values()))


def assert_serializable(d: Any, argname: str = "dict") -> Any:
    """Return ``d`` as it comes back from JSON; raises CheckError where that is not the same."""
    return json.loads(json.dumps(plain(d, argname)))


def assert_valid_dict(d: dict[str, Any], argname: str) -> dict[str, Any]:
    """Return ``d``; raises CheckError unless it is a dict that survives JSON."""
    check(isinstance(d, dict), f"{argname} is no dict")
    plain(d, argname)
    return d


# --- lists and graphs ------------------------------------------------------------------------------------------------


def concat(l: Iterable[Iterable[Any]]) -> list[Any]:  # upstream's
    """Return the items of all of these."""
    return list(chain.from_iterable(l))


def kahntsort(nodes: Iterable[Any], inbounds: Callable[[Any], set[Any]]) -> list[Any] | None:
    """Return ``nodes`` so that each comes after those it has ``inbounds`` from; None where there is a cycle."""
    missing: dict[Any, int] = {}
    outbounds: dict[Any, list[Any]] = {}
    for node in nodes:
        before = inbounds(node)
        missing[node] = len(before)
        for one in before:
            outbounds.setdefault(one, []).append(node)
    ready = [node for node, count in missing.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for after in outbounds.get(node, ()):
            missing[after] -= 1
            if not missing[after]:
                heapq.heappush(ready, after)
    return order if len(order) == len(missing) else None


def dagroots(sorted_nodes: list[Any], inbounds: Callable[[Any], set[Any]]) -> set[Any]:
    """Return the nodes that no other has inbounds from."""
    return set(sorted_nodes) - {before for node in sorted_nodes for before in inbounds(node)}
