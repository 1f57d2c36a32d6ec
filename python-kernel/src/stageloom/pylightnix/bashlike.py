"""Looking at a storage, and removing from it, as from a shell."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any

from stageloom.pylightnix.build import rrefbstart
from stageloom.pylightnix.configuration import cfgname
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.graph import alldrefs, dref2path, drefcfg_, drefcfgpath, drefrrefs, rref2path
from stageloom.pylightnix.planning import instantiate
from stageloom.pylightnix.references import isdref, isrefpath, isrref, model_dref, model_rref, rref2dref, unrref
from stageloom.pylightnix.settings import fsstorage
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import Build, DRef, Path, RefPath, RRef, StorageSettings
from stageloom.pylightnix.utils import dirrm, dirsize, forcelink, readstr


def lsdref_(r: DRef, S: StorageSettings | None = None) -> Iterator[str]:
    """Yield the hash of each realization of a derivation."""
    opened(S).plan(r)
    return (str(unrref(rref)[0]) for rref in sorted(drefrrefs(r, S)))


def lsrref_(r: RRef, fn: Iterable[str] = (), S: StorageSettings | None = None) -> Iterator[str]:
    """Yield the names in a realization, or in a folder of it."""
    opened(S).found(r)
    return iter(sorted(os.listdir(os.path.join(rref2path(r, S), *fn))))


def lsrref(r: RRef, fn: Iterable[str] = (), S: StorageSettings | None = None) -> list[str]:
    """Return the names in a realization, or in a folder of it."""
    return list(lsrref_(r, fn, S))


def lsref(r: RRef | DRef, S: StorageSettings | None = None) -> list[str]:
    """Return the names in a realization, or the hashes of a derivation's realizations."""
    return lsrref(RRef(r), S=S) if isrref(r) else list(lsdref_(_dref(r), S))


def catrref_(r: RRef, fn: Iterable[str], S: StorageSettings | None = None) -> Iterator[str]:
    """Yield the lines of an artifact."""
    opened(S).found(r)
    return iter(readstr(os.path.join(rref2path(r, S), *fn)).splitlines(keepends=True))


def catref(r: RRef | RefPath | str, fn: Iterable[str] = (), S: StorageSettings | None = None) -> list[str]:
    """Return the lines of an artifact, ``fn`` being its path in the realization ``r``, or of a file of the disk."""
    if isrref(r):
        return list(catrref_(RRef(r), fn, S))
    if isrefpath(r):
        rrefs = sorted(drefrrefs(DRef(r[0]), S))
        check(len(rrefs) == 1, f"{r[0]} has {len(rrefs)} realizations: name one of them")
        return list(catrref_(rrefs[0], [*r[1:], *fn], S))
    check(isinstance(r, str) and os.path.isfile(r), f"{r!r:.120} is neither a realization nor a file")
    return readstr(str(r)).splitlines(keepends=True)


def rmref(r: RRef | DRef, S: StorageSettings | None = None) -> None:
    """Remove a realization, or a derivation with all of its realizations, with their folders.

    They are found no more. Their space is free once the store's garbage is collected.
    """
    storage = opened(S)
    storage.flush()
    if isrref(r):
        rref = RRef(r)
        storage.found(rref)
        storage.store.invalidate([model_rref(rref)])
        dirrm(os.fspath(storage.folders.realization_path(model_rref(rref))))
        return
    dref = _dref(r)
    storage.plan(dref)
    storage.store.invalidate([found.rref for found in storage.realizations(dref)])
    storage.store.unplan([model_dref(dref)])
    storage.forget(dref)
    dirrm(os.fspath(storage.folders.derivation_path(model_dref(dref))))


def shell(r: RRef | DRef | Build | str | None = None, S: StorageSettings | None = None) -> None:
    """Open a shell, that of the variable ``SHELL``, in the folder of ``r``, else of the storage, until it ends."""
    subprocess.run([os.environ.get("SHELL", "/bin/sh")], cwd=_folder_of(r, S), check=False)


def shellref(r: RRef | DRef | None = None, S: StorageSettings | None = None) -> None:
    """Do what :func:`shell` does."""
    shell(r, S)


def du(S: StorageSettings | None = None) -> dict[DRef, tuple[int, dict[RRef, int]]]:
    """Return how many bytes each derivation takes, and each of its realizations.

    Files that several realizations share on disk are counted with each of them.
    """
    result: dict[DRef, tuple[int, dict[RRef, int]]] = {}
    for dref in alldrefs(S):
        sizes = {rref: dirsize(rref2path(rref, S)) for rref in sorted(drefrrefs(dref, S))}
        result[dref] = (os.path.getsize(drefcfgpath(dref, S)) + sum(sizes.values()), sizes)
    return result


def find(name: Any = None, newer: float | None = None, S: StorageSettings | None = None) -> list[RRef]:
    """Return the realizations whose stage is called ``name``, and which are newer than that.

    ``name`` is a text with ``*`` and ``?``, or a stage; ``newer`` seconds since the epoch, or, where it is not
    positive, before now. A stage is instantiated to learn its name.
    """
    wanted = name if name is None or isinstance(name, str) else cfgname(drefcfg_(_one_of(name, S), S))
    storage = opened(S)
    after = None if newer is None else newer if newer > 0 else time.time() - abs(newer)
    return [
        RRef(str(found.rref))
        for dref in alldrefs(S)
        if wanted is None or fnmatch(cfgname(drefcfg_(dref, S)), wanted)
        for found in storage.realizations(dref)
        if after is None or found.at >= after
    ]


def diff(stageA: Any, stageB: Any, S: StorageSettings | None = None) -> None:
    """Print how the configurations of two stages, derivations or realizations differ."""
    one, other = (drefcfgpath(_dref_of(stage, S), S) for stage in (stageA, stageB))
    texts = (readstr(one).splitlines(keepends=True), readstr(other).splitlines(keepends=True))
    sys.stdout.writelines(
        line if line.endswith("\n") else f"{line}\n" for line in difflib.unified_diff(*texts, one, other)
    )


def linkrref(
    rref: RRef,
    destdir: str | None = None,
    format: str = "_rref_%(T)s_%(N)s",  # noqa: A002  # its own name
    S: StorageSettings | None = None,  # upstream's
) -> Path:
    """Make a link to a realization's folder in ``destdir``, else here, and return its path.

    In ``format``, ``%(T)s`` is when it was made and ``%(N)s`` what its stage is called. ``gc`` keeps what is linked to.
    """
    opened(S).found(rref)
    values = {"T": rrefbstart(rref, S) or "", "N": cfgname(drefcfg_(rref2dref(rref), S))}
    return _link(rref2path(rref, S), destdir, format % values)


def linkdref(
    dref: DRef,
    destdir: str | None = None,
    format: str = "_rref_%(N)s",  # noqa: A002  # its own name
    S: StorageSettings | None = None,  # upstream's
) -> Path:
    """Make a link to a derivation's folder in ``destdir``, else here, and return its path; see :func:`linkrref`."""
    return _link(dref2path(dref, S), destdir, format % {"N": cfgname(drefcfg_(dref, S))})


def linkrrefs(
    rrefs: Iterable[RRef],
    destdir: str | None = None,
    format: str = "_rref_%(T)s_%(N)s",  # noqa: A002  # its own name
    S: StorageSettings | None = None,
) -> list[Path]:
    """Do what :func:`linkrref` does for each of ``rrefs``."""
    return [linkrref(rref, destdir, format, S) for rref in rrefs]


def _link(target: str, destdir: str | None, name: str) -> Path:
    folder = destdir if destdir is not None else "."
    link = Path(os.path.join(folder, name))
    forcelink(os.path.relpath(os.path.realpath(target), os.path.realpath(folder)), link)
    return link


def _dref(r: Any) -> DRef:
    if not isdref(r):
        raise CheckError(f"{r!r:.120} is no reference")
    return DRef(r)


def _dref_of(value: Any, S: StorageSettings | None) -> DRef:
    if isrref(value):
        return rref2dref(RRef(value))
    return DRef(value) if isdref(value) else _one_of(value, S)


def _one_of(stage: Any, S: StorageSettings | None) -> DRef:
    targets = set(instantiate(stage, S=S)[1].targets)
    check(len(targets) == 1, f"the stage returned {len(targets)} derivations, and not one")
    return targets.pop()


def _folder_of(r: Any, S: StorageSettings | None) -> str:
    if r is None:
        return fsstorage(S)
    if isinstance(r, Build):
        check(r.outpaths is not None and r.outpaths.val, "the build has no output folder yet")
        assert r.outpaths is not None
        return r.outpaths.val[0]
    if isrref(r):
        return rref2path(RRef(r), S)
    if isdref(r):
        return dref2path(DRef(r), S)
    check(os.path.exists(r), f"{r!r:.120} is neither a reference, a build nor a path")
    return str(r) if os.path.isdir(r) else os.path.dirname(str(r))
