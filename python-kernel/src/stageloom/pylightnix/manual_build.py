"""What a realizer is given: its configuration, its output folders and what it is made from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, TypeVar

from stageloom.model.values import Json
from stageloom.pylightnix.manual_config import config_cattrs, config_dict, config_name, config_promises
from stageloom.pylightnix.manual_references import context_deref, drefcfg, drefcfg_, is_own, rref2path
from stageloom.pylightnix.manual_storage import opened
from stageloom.pylightnix.manual_types import (
    BuildArgs,
    ConfigAttrs,
    Context,
    DRef,
    Path,
    PromiseException,
    RConfig,
    RRef,
    StorageSettings,
    UsageError,
    isrefpath,
)


class Build:
    """One run of a realizer. Subclasses are given a :class:`BuildArgs` as well; see :func:`build_wrapper_`."""

    def __init__(self, ba: BuildArgs) -> None:
        self.S = ba.S
        self.dref = ba.dref
        self.context = ba.context
        self.iarg = ba.iarg
        self.rarg = ba.rarg
        self.starttime = ba.starttime
        self.stoptime = ba.stoptime
        self.outpaths: list[Path] = []
        self.cattrs_cache: ConfigAttrs | None = None


AnyBuild = TypeVar("AnyBuild", bound=Build)


class Wrapped:
    """A function of one :class:`Build` as a realizer: called with storage, derivation, context and arguments."""

    def __init__(
        self,
        function: Callable[[Any], object],
        make: Callable[[BuildArgs], Build],
        nouts: int | None,
        starttime: str | None,
        stoptime: str | None,
    ) -> None:
        self.function = function
        self._make = make
        self.nouts = nouts
        self._times = (starttime, stoptime)

    def __call__(
        self,
        S: StorageSettings | None,
        dref: DRef,
        context: Context,
        rarg: Mapping[str, Any] | None = None,
    ) -> list[Path]:
        """Run the function and return the folders that it wrote to; raises PromiseException."""
        build = self._make(BuildArgs(S, dref, context, *self._times, {}, dict(rarg or {})))
        if self.nouts is not None:
            build_setoutpaths(build, self.nouts)
        self.function(build)
        if not build.outpaths:
            raise UsageError(f"the realizer of {dref} has no output folder; call build_setoutpaths(b, 1)")
        check_promises(dref, build.outpaths, S)
        return build.outpaths


def build_wrapper(
    f: Callable[[Build], object],
    nouts: int | None = 1,
    starttime: str | None = "AUTO",
    stoptime: str | None = "AUTO",
) -> Wrapped:
    """Return ``f``, a function of one :class:`Build`, as a realizer with ``nouts`` output folders."""
    return build_wrapper_(f, Build, nouts, starttime, stoptime)


def build_wrapper_(
    f: Callable[[AnyBuild], object],
    ctr: Callable[[BuildArgs], AnyBuild],
    nouts: int | None = 1,
    starttime: str | None = "AUTO",
    stoptime: str | None = "AUTO",
) -> Wrapped:
    """Return ``f`` as a realizer whose argument ``ctr`` makes, of a :class:`BuildArgs`."""
    if not callable(f):
        raise UsageError(f"build_wrapper takes a function of one Build, not {f!r:.60}")
    return Wrapped(f, ctr, nouts, starttime, stoptime)


def check_promises(dref: DRef, outpaths: list[Path], S: StorageSettings | None) -> None:
    """Raise PromiseException where a promised file is not in each of ``outpaths``."""
    failed = [
        (path, [dref, *promised])
        for promised in config_promises(drefcfg_(dref, S))
        for path in outpaths
        if not _holds(os.path.join(path, *promised))
    ]
    if failed:
        raise PromiseException(dref, failed)


def _holds(path: str) -> bool:
    """Return whether there is a file at ``path``, or a folder with one in it: a store keeps no empty folders."""
    return os.path.isfile(path) or any(names for _, _, names in os.walk(path))


def build_config(b: Build) -> RConfig:
    """Return the configuration of what is built, with its own reference in the place of ``selfref``."""
    return drefcfg(b.dref, b.S)


def build_context(b: Build) -> Context:
    """Return all that the realization is made from."""
    return b.context


def build_cattrs(b: Build) -> ConfigAttrs:
    """Return the configuration with its values as attributes, the same object each time."""
    if b.cattrs_cache is None:
        b.cattrs_cache = config_cattrs(build_config(b))
    return b.cattrs_cache


def build_name(b: Build) -> str:
    """Return the name of what is built."""
    return config_name(build_config(b))


def build_setoutpaths(b: Build, nouts: int) -> list[Path]:
    """Make ``nouts`` output folders, each of which becomes a realization, and return them."""
    if nouts < 1:
        raise UsageError(f"a realizer writes to one folder or more, not {nouts}")
    if any(os.listdir(path) for path in b.outpaths):
        raise UsageError(f"the realizer of {b.dref} has written to its output folder: set their number before")
    while len(b.outpaths) < nouts:
        own = FOLDERS.get(b.dref)
        b.outpaths.append(Path(own() if own is not None else opened(b.S).store.scratch()))
    while len(b.outpaths) > nouts:
        os.rmdir(b.outpaths.pop())
    return b.outpaths


#: What makes output folders for the derivations that the engine runs in this process; others get theirs of the store.
FOLDERS: dict[str, Callable[[], str]] = {}


def build_outpaths(b: Build) -> list[Path]:
    """Return the output folders."""
    if not b.outpaths:
        raise UsageError(f"the realizer of {b.dref} has no output folder; call build_setoutpaths(b, 1)")
    return b.outpaths


def build_outpath(b: Build) -> Path:
    """Return the output folder, where there is one."""
    paths = build_outpaths(b)
    if len(paths) > 1:
        raise UsageError(f"the realizer of {b.dref} has {len(paths)} output folders; use build_outpaths(b)")
    return paths[0]


def build_deref_(b: Build, dref: DRef) -> list[RRef]:
    """Return the realizations that stand for a dependency."""
    return context_deref(b.context, dref)


def build_deref(b: Build, dref: DRef) -> RRef:
    """Return the realization that stands for a dependency, where it is one."""
    rrefs = build_deref_(b, dref)
    if len(rrefs) != 1:
        raise UsageError(f"{len(rrefs)} realizations stand for {dref}; use build_deref_(b, dref)")
    return rrefs[0]


def build_paths(b: Build, refpath: list[Any]) -> list[Path]:
    """Return the paths that ``[dref, "a"]`` or ``[selfref, "a"]`` stands for, one a realization."""
    if is_own(refpath, b.dref):
        return [Path(os.path.join(path, *refpath[1:])) for path in build_outpaths(b)]
    if not isrefpath(refpath):
        raise UsageError(f"{refpath!r:.60} is no path: write [selfref, 'file'] or [dref, 'file']")
    return [Path(os.path.join(rref2path(rref, b.S), *refpath[1:])) for rref in build_deref_(b, DRef(refpath[0]))]


def build_path(b: Build, refpath: list[Any]) -> Path:
    """Return the path that ``[dref, "a"]`` or ``[selfref, "a"]`` stands for, where it is one."""
    paths = build_paths(b, refpath)
    if len(paths) != 1:
        raise UsageError(f"{len(paths)} realizations stand for {refpath[0]}; use build_paths(b, refpath)")
    return paths[0]


def build_environ(b: Build, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment ``env`` (this process's where None) with the configuration in it, paths resolved."""
    found = dict(deepcopy(dict(os.environ if env is None else env)))
    values: dict[str, Json] = config_dict(build_config(b))
    for key, value in values.items():
        paths = build_paths(b, value) if isinstance(value, list) and isrefpath(value) else []
        found[key] = paths[0] if len(paths) == 1 else str(value)
    return found
