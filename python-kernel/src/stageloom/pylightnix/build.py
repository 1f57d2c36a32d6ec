"""Realizers of one argument: what a build knows, and where it writes."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from stageloom.pylightnix.configuration import assert_valid_config, cfgcattrs, cfgdict, cfgname
from stageloom.pylightnix.context import context_deref
from stageloom.pylightnix.errors import BuildError, CheckError, check
from stageloom.pylightnix.graph import drefcfg, rref2path
from stageloom.pylightnix.outputs import output_realizer
from stageloom.pylightnix.references import assert_valid_refpath, isrefpath
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.times import parsetime, timestring
from stageloom.pylightnix.types import (
    FUNCTION,
    Build,
    BuildArgs,
    Context,
    DRef,
    InstantiateArg,
    Name,
    Output,
    Path,
    RConfig,
    RealizeArg,
    Realizer,
    RefPath,
    RRef,
    StorageSettings,
)
from stageloom.pylightnix.view import START, STOP

_log = logging.getLogger(__name__)

_B = TypeVar("_B", bound=Build)


def mkbuildargs(
    S: StorageSettings | None,
    dref: DRef,
    context: Context,
    starttime: str | None,
    stoptime: str | None,
    iarg: InstantiateArg,
    rarg: RealizeArg,
) -> BuildArgs:
    """Return what a :class:`Build` is made from."""
    assert_valid_config(drefcfg(dref, S))
    return BuildArgs(S, dref, context, starttime, stoptime, iarg, rarg)


def build_wrapper_(
    f: Callable[[_B], Any],
    ctr: Callable[[BuildArgs], _B],
    nouts: int | None = 1,
    starttime: str | None = "AUTO",
    stoptime: str | None = "AUTO",
) -> Realizer:
    """Return ``f``, which takes what ``ctr`` makes, as a realizer; see :func:`build_wrapper`."""
    for time in (starttime, stoptime):
        check(time is None or isinstance(time, str), f"starttime and stoptime are texts or None, not {time!r:.40}")

    def wrapper(S: StorageSettings | None, dref: DRef, context: Context, rarg: RealizeArg) -> Output[Path]:
        b = ctr(mkbuildargs(S, dref, context, starttime, stoptime, {}, rarg))
        if nouts is not None:
            build_markstart(b, nouts)
        try:
            f(b)
        except KeyboardInterrupt:
            build_markstop_noexcept(b)
            raise
        except Exception as error:
            build_markstop_noexcept(b)
            _log.error("%s could not be realized; its folders are kept for some days: %s", dref, _folders(b))
            raise BuildError(S, dref, b.outpaths, error) from error
        if b.outpaths is None:
            raise CheckError(f"the realizer of {dref} has no output folder: call build_markstart, or set nouts")
        build_markstop(b)
        return b.outpaths

    realizer = output_realizer(wrapper)
    setattr(realizer, FUNCTION, f)
    return realizer


def build_wrapper(
    f: Callable[[Build], Any],
    nouts: int | None = 1,
    starttime: str | None = "AUTO",
    stoptime: str | None = "AUTO",
) -> Realizer:
    """Return ``f``, a function of one :class:`Build`, as a realizer.

    It has ``nouts`` output folders, or makes them itself by :func:`build_markstart` where that is None. ``starttime``
    and ``stoptime`` are written beside what it made: ``"AUTO"`` for the clock's, None for none.
    """
    return build_wrapper_(f, Build, nouts, starttime, stoptime)


def build_config(b: Build) -> RConfig:
    """Return the configuration of what is built."""
    return drefcfg(b.dref, b.S)


def build_context(b: Build) -> Context:
    """Return the realizations of all that what is built depends on."""
    return b.context


def build_cattrs(b: Build) -> Any:
    """Return the configuration with attributes for its keys, the same object each time."""
    if b.cattrs_cache is None:
        b.cattrs_cache = cfgcattrs(build_config(b))
    return b.cattrs_cache


def build_markstart(b: Build, nouts: int) -> list[Path]:
    """Make ``nouts`` output folders and return them."""
    check(isinstance(nouts, int) and nouts > 0, f"a build has one or more output folders, not {nouts!r:.40}")
    check(b.outpaths is None, f"the output folders of {b.dref} are made already: {_folders(b)}")
    store = opened(b.S).store
    folders = [Path(store.scratch()) for _ in range(nouts)]
    if b.starttime is not None:
        text = timestring() if b.starttime == "AUTO" else b.starttime
        for folder in folders:
            _write(folder, START, text)
    b.outpaths = Output(folders)
    return folders


def build_markstop(b: Build) -> None:
    """Write down that the build has ended."""
    if b.stoptime is not None:
        text = timestring() if b.stoptime == "AUTO" else b.stoptime
        for folder in _folders(b):
            _write(folder, STOP, text)


def build_markstop_noexcept(b: Build) -> None:
    """Do what :func:`build_markstop` does, if it can be done."""
    with contextlib.suppress(OSError):
        build_markstop(b)


def rrefbstart(rref: RRef, S: StorageSettings | None = None) -> str | None:
    """Return when the making of a realization began, as its realizer said; None where it said nothing."""
    storage = opened(S)
    try:
        return storage.folders.times(storage.found(rref))[0]
    except CheckError:
        return None


def rrefbstop(rref: RRef, S: StorageSettings | None = None) -> str | None:
    """Return when the making of a realization ended, as its realizer said; None where it said nothing."""
    storage = opened(S)
    try:
        return storage.folders.times(storage.found(rref))[1]
    except CheckError:
        return None


def rrefbdelta(rref: RRef, S: StorageSettings | None = None) -> float | None:
    """Return how many seconds the making of a realization took; None where it isn't known."""
    start, stop = (parsetime(text) if text is not None else None for text in (rrefbstart(rref, S), rrefbstop(rref, S)))
    return stop - start if start is not None and stop is not None else None


def build_outpaths(b: Build) -> list[Path]:
    """Return the output folders."""
    if b.outpaths is None:
        raise CheckError(f"{b.dref} has no output folders yet: set nouts, or call build_markstart")
    return b.outpaths.val


def build_outpath(b: Build) -> Path:
    """Return the one output folder."""
    folders = build_outpaths(b)
    check(len(folders) == 1, f"{b.dref} is built with {len(folders)} output folders: take build_outpaths")
    return folders[0]


def build_name(b: Build) -> Name:
    """Return what the configuration calls what is built."""
    return cfgname(build_config(b))


def build_deref_(b: Build, dref: DRef) -> list[RRef]:
    """Return the realizations that stand for a dependency."""
    return context_deref(build_context(b), dref)


def build_deref(b: Build, dref: DRef) -> RRef:
    """Return the one realization that stands for a dependency."""
    found = build_deref_(b, dref)
    check(len(found) == 1, f"{len(found)} realizations stand for {dref}: take build_deref_")
    return found[0]


def build_paths(b: Build, refpath: RefPath) -> list[Path]:
    """Return the path of a file in each output folder, or in each realization of a dependency."""
    assert_valid_refpath(refpath)
    dref = DRef(refpath[0])
    folders = build_outpaths(b) if dref == b.dref else [rref2path(rref, b.S) for rref in build_deref_(b, dref)]
    return [Path(os.path.join(folder, *refpath[1:])) for folder in folders]


def build_path(b: Build, refpath: RefPath) -> Path:
    """Return the path of a file in the output folder, or in the realization of a dependency."""
    paths = build_paths(b, refpath)
    check(len(paths) == 1, f"{refpath} stands for {len(paths)} paths: take build_paths")
    return paths[0]


def build_environ(b: Build, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``env``, else this process's, with the configuration in it; paths into stages are paths on disk."""
    result = dict(os.environ if env is None else env)
    for key, value in cfgdict(build_config(b)).items():
        paths = build_paths(b, value) if isrefpath(value) else []
        result[str(key)] = str(paths[0] if len(paths) == 1 else value)
    return result


def _folders(b: Build) -> list[Path]:
    return b.outpaths.val if b.outpaths is not None else []


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
