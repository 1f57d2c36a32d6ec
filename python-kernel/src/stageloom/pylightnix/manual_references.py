"""References: taking them apart, following them in the graph, and the folders that they stand for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from stageloom.derivations.configuration import selfref
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.manual_config import config_deps, resolve
from stageloom.pylightnix.manual_storage import opened
from stageloom.pylightnix.manual_types import (
    Config,
    Context,
    DRef,
    Path,
    RConfig,
    RRef,
    StorageSettings,
    UsageError,
    isdref,
    model_dref,
    model_rref,
)
from stageloom.pylightnix.view import CONFIG, RESERVED


def mkdref(dhash: str, refname: str) -> DRef:
    """Return the reference of a derivation by its hash and name."""
    return DRef(model_dref(f"dref:{dhash}-{refname}"))


def undref(r: DRef) -> tuple[str, str]:
    """Return hash and name of a derivation's reference."""
    parsed = model_dref(r)
    return parsed.hash, parsed.name


def mkrref(rhash: str, dhash: str, refname: str) -> RRef:
    """Return the reference of a realization by its hash and its derivation's hash and name."""
    return RRef(model_rref(f"rref:{rhash}-{dhash}-{refname}"))


def unrref(r: RRef) -> tuple[str, str, str]:
    """Return the hash of a realization's reference, and its derivation's hash and name."""
    parsed = model_rref(r)
    return parsed.hash, parsed.derivation, parsed.name


def rref2dref(rref: RRef) -> DRef:
    """Return the derivation that a realization is of."""
    return DRef(model_rref(rref).dref)


def dref2path(r: DRef, S: StorageSettings | None = None) -> Path:
    """Return the folder of a derivation, with its ``config.json``."""
    return Path(opened(S).view.derivation(model_dref(r)))


def rref2path(r: RRef, S: StorageSettings | None = None) -> Path:
    """Return the folder of a realization, write-protected, with its artifacts and its ``context.json``."""
    return Path(opened(S).view.realization(model_rref(r)))


def path2dref(p: str) -> DRef | None:
    """Return the derivation whose folder, or a link to it, ``p`` is; None for another path."""
    target = os.readlink(p) if os.path.islink(p) else p
    name = os.path.basename(target.rstrip("/\\"))
    return DRef(f"dref:{name}") if isdref(f"dref:{name}") else None


def path2rref(p: str) -> RRef | None:
    """Return the realization whose folder, or a link to it, ``p`` is; None for another path."""
    target = (os.readlink(p) if os.path.islink(p) else p).rstrip("/\\")
    head, rhash = os.path.split(target)
    dref = path2dref(head)
    return mkrref(rhash, *undref(dref)) if dref is not None else None


def drefcfgpath(r: DRef, S: StorageSettings | None = None) -> Path:
    """Return the path of a derivation's ``config.json``."""
    return Path(os.path.join(dref2path(r, S), CONFIG))


def drefcfg_(dref: DRef, S: StorageSettings | None = None) -> Config:
    """Return a derivation's configuration as it was written."""
    return Config(opened(S).view.configuration(model_dref(dref)))


def drefcfg(dref: DRef, S: StorageSettings | None = None) -> RConfig:
    """Return a derivation's configuration with its own reference in the place of ``selfref``."""
    return resolve(drefcfg_(dref, S), dref)


def rrefctx(r: RRef, S: StorageSettings | None = None) -> Context:
    """Return all that a realization was made from, directly or not."""
    return as_context(opened(S).view.context(model_rref(r)))


def alldrefs(S: StorageSettings | None = None) -> Iterator[DRef]:
    """Yield every derivation of a storage."""
    yield from (DRef(dref) for dref in opened(S).view.derivations())


def allrrefs(S: StorageSettings | None = None) -> Iterator[RRef]:
    """Yield every realization of a storage that was not removed, in the order they were made."""
    yield from (RRef(found.rref) for found in opened(S).visible())


def drefrrefs(dref: DRef, S: StorageSettings | None = None) -> list[RRef]:
    """Return the realizations of a derivation, in any context, in the order they were made."""
    wanted = model_dref(dref)
    return [RRef(found.rref) for found in opened(S).visible() if found.dref == wanted]


def drefrrefsC(dref: DRef, context: Context, S: StorageSettings | None = None) -> Iterator[RRef]:
    """Yield the realizations of a derivation that were made from just what ``context`` holds."""
    wanted = {str(one): sorted(map(str, rrefs)) for one, rrefs in context.items()}
    for rref in drefrrefs(dref, S):
        if {str(one): sorted(map(str, rrefs)) for one, rrefs in rrefctx(rref, S).items()} == wanted:
            yield rref


def drefdeps1(drefs: Iterable[DRef], S: StorageSettings | None = None) -> set[DRef]:
    """Return what ``drefs`` depend on directly."""
    return {dep for dref in drefs for dep in config_deps(drefcfg_(dref, S))}


def drefdeps(drefs: Iterable[DRef], S: StorageSettings | None = None) -> set[DRef]:
    """Return all that ``drefs`` depend on."""
    found: set[DRef] = set()
    pending = drefdeps1(drefs, S)
    while pending:
        found |= pending
        pending = drefdeps1(pending, S) - found
    return found


def rrefdeps1(rrefs: Iterable[RRef], S: StorageSettings | None = None) -> set[RRef]:
    """Return what ``rrefs`` were made from directly."""
    store = opened(S).store
    return {RRef(one) for rref in rrefs for chosen in store.record(model_rref(rref)).context.values() for one in chosen}


def rrefdeps(rrefs: Iterable[RRef], S: StorageSettings | None = None) -> set[RRef]:
    """Return all that ``rrefs`` were made from."""
    return {one for rref in rrefs for chosen in rrefctx(rref, S).values() for one in chosen}


def rrefdata(rref: RRef, S: StorageSettings | None = None) -> Iterator[Path]:
    """Yield the paths of a realization's artifacts, those directly in its folder."""
    folder = rref2path(rref, S)
    yield from (Path(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name not in RESERVED)


def context_serialize(c: Context) -> str:
    """Return a context as ``context.json`` has it."""
    return json.dumps(c, indent=4)


def context_deref(context: Context, dref: DRef) -> list[RRef]:
    """Return the realizations that stand for ``dref``."""
    if dref not in context:
        raise UsageError(f"{dref} is not among what the realization is made from: name it in the configuration")
    return context[dref]


def as_context(context: Any) -> Context:
    """Return a context of the engine's as Pylightnix has it."""
    return {DRef(dref): [RRef(rref) for rref in rrefs] for dref, rrefs in context.items()}


def chosen(rrefs: Iterable[RRef]) -> list[ModelRRef]:
    """Return references as the engine has them."""
    return [model_rref(rref) for rref in rrefs]


def is_own(path: list[Any], dref: ModelDRef | DRef | None) -> bool:
    """Return whether a path leads into the artifacts of ``dref`` itself."""
    return bool(path) and (path[0] == selfref or (dref is not None and str(path[0]) == str(dref)))
