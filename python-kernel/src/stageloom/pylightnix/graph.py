"""What is in a storage, and what depends on what: asked of the index, never of folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from stageloom.pylightnix.configuration import cfgcattrs, resolve
from stageloom.pylightnix.context import context_deref, rrefctx
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.references import model_dref, model_rref, rref2dref
from stageloom.pylightnix.storage import assert_valid_storage, opened
from stageloom.pylightnix.types import Config, DRef, Path, RConfig, RefPath, RRef, StorageSettings

#: Names of files that artifacts cannot have at the top of a realization.
PYLIGHTNIX_RESERVED = ["context.json", "group.json"]


def dref2path(r: DRef, S: StorageSettings | None = None) -> Path:
    """Return the folder of a derivation, with its ``config.json``; where it would be, if the storage hasn't got it."""
    storage = opened(S)
    storage.flush()
    reference = model_dref(r)
    try:
        storage.plan(r)
    except CheckError:
        return Path(storage.folders.derivation_path(reference))
    return Path(storage.folders.derivation(reference))


def rref2path(r: RRef, S: StorageSettings | None = None) -> Path:
    """Return the write-protected folder of a realization; where it would be, if the storage hasn't got it.

    Raises:
        stageloom.store.errors.DamagedError: an artifact is not what was stored.
    """
    storage = opened(S)
    reference = model_rref(r)
    try:
        storage.known(r)
    except CheckError:
        return Path(storage.folders.realization_path(reference))
    storage.folders.derivation(reference.dref)
    return Path(storage.folders.realization(reference))


def rrefpath2path(r: RRef, refpath: RefPath, S: StorageSettings | None = None) -> Path:
    """Return the path that ``refpath`` has in the realization ``r``, or in what that was made from."""
    if rref2dref(r) == refpath[0]:
        return Path(os.path.join(rref2path(r, S), *refpath[1:]))
    found = context_deref(rrefctx(r, S), DRef(refpath[0]))
    check(len(found) == 1, f"{refpath[0]} has {len(found)} realizations in the context of {r}, and not one")
    return Path(os.path.join(rref2path(found[0], S), *refpath[1:]))


def drefcfgpath(r: DRef, S: StorageSettings | None = None) -> Path:
    """Return the path of a derivation's ``config.json``."""
    return Path(os.path.join(dref2path(r, S), "config.json"))


def drefcfg_(dref: DRef, S: StorageSettings | None = None) -> Config:
    """Return the configuration of a derivation as it was written."""
    return Config(dict(opened(S).plan(dref).config))


def drefcfg(dref: DRef, S: StorageSettings | None = None) -> RConfig:
    """Return the configuration of a derivation, its promises being paths into it."""
    return resolve(drefcfg_(dref, S), dref)


def drefattrs(r: DRef, S: StorageSettings | None = None) -> Any:
    """Return the configuration of a derivation with attributes for its keys."""
    return cfgcattrs(drefcfg(r, S))


def rrefattrs(r: RRef, S: StorageSettings | None = None) -> Any:
    """Return the configuration of what ``r`` realizes with attributes for its keys."""
    return drefattrs(rref2dref(r), S)


def drefdeps1(drefs: Iterable[DRef], S: StorageSettings | None = None) -> set[DRef]:
    """Return the derivations that ``drefs`` name in their configurations."""
    storage = opened(S)
    return {one for dref in drefs for one in storage.plan(dref).dependencies}


def drefdeps(drefs: Iterable[DRef], S: StorageSettings | None = None) -> set[DRef]:
    """Return all that ``drefs`` depend on, directly or not, without themselves."""
    storage = opened(S)
    found: set[DRef] = set()
    pending = list(drefs)
    while pending:
        for one in storage.plan(pending.pop()).dependencies:
            if one not in found:
                found.add(one)
                pending.append(one)
    return found


def rrefdeps1(rrefs: Iterable[RRef], S: StorageSettings | None = None) -> set[RRef]:
    """Return the realizations that ``rrefs`` were made from, one step back."""
    storage = opened(S)
    found: set[RRef] = set()
    for rref in rrefs:
        direct = storage.direct_context(rref)
        for dref in storage.plan(rref2dref(rref)).dependencies:
            found.update(direct.get(dref, ()))
    return found


def rrefdeps(rrefs: Iterable[RRef], S: StorageSettings | None = None) -> set[RRef]:
    """Return all realizations that ``rrefs`` were made from, directly or not."""
    storage = opened(S)
    found: set[RRef] = set()
    pending = list(rrefs)
    while pending:
        for rrefs_ in storage.direct_context(pending.pop()).values():
            for one in rrefs_:
                if one not in found:
                    found.add(one)
                    pending.append(one)
    return found


def alldrefs(S: StorageSettings | None = None) -> Iterable[DRef]:
    """Return every derivation in a storage, in the order they were instantiated."""
    return iter(_derivations(S))


def allrrefs(S: StorageSettings | None = None) -> Iterable[RRef]:
    """Return every realization in a storage."""
    return (rref for dref in _derivations(S) for rref in _realizations(dref, S))


def rootdrefs(S: StorageSettings | None = None) -> set[DRef]:
    """Return the derivations that no other depends on."""
    every = _derivations(S)
    return set(every) - drefdeps1(every, S)


def rootrrefs(S: StorageSettings | None = None) -> set[RRef]:
    """Return the realizations that no other was made from."""
    every = set(allrrefs(S))
    return every - rrefdeps1(every, S)


def drefrrefs(dref: DRef, S: StorageSettings | None = None) -> set[RRef]:
    """Return the realizations of a derivation in any context."""
    return set(_realizations(dref, S))


def drefrrefsC(dref: DRef, context: dict[DRef, list[RRef]], S: StorageSettings | None = None) -> Iterable[RRef]:
    """Return the realizations of a derivation whose context equals ``context``, the oldest first."""
    from stageloom.pylightnix.realizations import candidates

    storage = opened(S)
    return iter(candidates(storage, storage.plan(dref), context))


def rrefdata(rref: RRef, S: StorageSettings | None = None) -> Iterator[Path]:
    """Return the artifacts at the top of a realization's folder."""
    folder = rref2path(rref, S)
    check(os.path.isdir(folder), f"{rref} is not in the storage")
    names = sorted(os.listdir(folder))
    return (
        Path(os.path.join(folder, name))
        for name in names
        if name not in PYLIGHTNIX_RESERVED or not os.path.isfile(os.path.join(folder, name))
    )


def store_gc(
    keep_drefs: list[DRef], keep_rrefs: list[RRef], S: StorageSettings | None = None
) -> tuple[set[DRef], set[RRef]]:
    """Return the derivations and realizations that nothing of what is to be kept needs; nothing is removed."""
    assert_valid_storage(S)
    rrefs = rrefdeps(keep_rrefs, S) | set(keep_rrefs)
    roots = set(keep_drefs) | {rref2dref(rref) for rref in rrefs}
    drefs = drefdeps(roots, S) | roots
    return set(_derivations(S)) - drefs, set(allrrefs(S)) - rrefs


def reserved(folder: Path, name: str) -> Path:
    """Return the path of a file in ``folder`` whose name is kept from artifacts."""
    check(name in PYLIGHTNIX_RESERVED, f"{name} is none of the reserved names {PYLIGHTNIX_RESERVED}")
    return Path(os.path.join(folder, name))


def _derivations(S: StorageSettings | None) -> list[DRef]:
    storage = opened(S)
    storage.flush()
    return storage.derivations()


def _realizations(dref: DRef, S: StorageSettings | None) -> list[RRef]:
    return [RRef(str(found.rref)) for found in opened(S).realizations(dref)]
