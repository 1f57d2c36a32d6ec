"""Realizations: looked up in a context, and stored from the folders that a realizer wrote."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as SystemPath

from stageloom.model.objects import context_key
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.model.values import digest
from stageloom.pylightnix.configuration import Plan, cfgsp
from stageloom.pylightnix.context import assert_valid_context
from stageloom.pylightnix.errors import CheckError, PromiseException, check
from stageloom.pylightnix.folders import BESIDE, facts_of, files_below, is_beside
from stageloom.pylightnix.graph import PYLIGHTNIX_RESERVED
from stageloom.pylightnix.references import model_dref, model_rref
from stageloom.pylightnix.storage import Storage, opened
from stageloom.pylightnix.types import Config, Context, DRef, Path, RRef, StorageSettings
from stageloom.pylightnix.view import START, STOP, parsetime
from stageloom.store.commit import NewRealization, Prepared, Provenance
from stageloom.store.store import new_run

_log = logging.getLogger(__name__)

ModelContext = Mapping[ModelDRef, Sequence[ModelRRef]]


def mkrealization(dref: DRef, l: Context, o: Path, S: StorageSettings | None = None) -> RRef:  # upstream's
    """Store the folder ``o`` as a realization of ``dref`` in the context ``l``; the folder is gone after that."""
    storage = opened(S)
    storage.flush()
    assert_valid_context(l)
    return store(storage, storage.plan(dref), l, [o])[0]


def candidates(storage: Storage, plan: Plan, context: Context) -> list[RRef]:
    """Return the realizations of a derivation whose context equals ``context``, the oldest first."""
    return find(storage, plan, record_context(storage, plan, context))


def find(storage: Storage, plan: Plan, context: ModelContext) -> list[RRef]:
    """Return what :func:`candidates` does, for a context in the store's form."""
    found = storage.store.find(model_dref(plan.dref), context_key(context))
    rrefs = [RRef(str(one.rref)) for one in found]
    storage.seen = dict(zip(rrefs, found, strict=True))
    return rrefs


def record_context(storage: Storage, plan: Plan, context: Context) -> ModelContext:
    """Return the part of a context that a record keeps: direct dependencies, whose records tell what lies behind.

    Where nothing stands for one of these, what lies behind it is kept too.
    """
    direct = {dref: sorted(context[dref]) for dref in plan.dependencies if dref in context}
    if len(direct) < len(context) and not all(direct.values()):
        known = set(direct)
        pending = [rref for rrefs in direct.values() for rref in rrefs]
        while pending:
            for dref, rrefs in storage.direct_context(pending.pop()).items():
                if dref not in known:
                    known.add(dref)
                    pending.extend(rrefs)
        direct |= {dref: sorted(rrefs) for dref, rrefs in context.items() if dref not in known}
    return {model_dref(dref): tuple(map(model_rref, rrefs)) for dref, rrefs in sorted(direct.items())}


def check_promises(plan: Plan, folders: Sequence[str]) -> None:
    """Raise PromiseException where the configuration promises what is not in one of ``folders``."""
    failed = [
        (Path(folder), promise)
        for _, promise in cfgsp(Config(dict(plan.config)))
        for folder in folders
        if not os.path.lexists(os.path.join(folder, *promise[1:]))
    ]
    if failed:
        raise PromiseException(plan.dref, failed)


def store(storage: Storage, plan: Plan, context: Context, folders: Sequence[str]) -> list[RRef]:
    """Store what a realizer wrote, a realization a folder, all or none; return the realizations in that order.

    What equals a realization that is there already is that one, and its files and times stay.
    """
    for folder in folders:
        _check_folder(plan.dref, folder)
    kept = record_context(storage, plan, context)
    placed = [storage.store.place(_new(storage, plan, kept, folder)) for folder in folders]
    there = set(find(storage, plan, kept))
    new: dict[str, Prepared] = {}
    for one in placed:
        rref = str(one.rref)
        if rref in there or rref in new:
            _log.warning("%s is stored already: what was made now equals it", rref)
            _discard(storage, one)
        else:
            new[rref] = one
    storage.store.settle(list(new.values()))
    storage.seen = {}
    return [RRef(str(one.rref)) for one in placed]


def _check_folder(dref: DRef, folder: str) -> None:
    check(isinstance(folder, str) and os.path.isdir(folder), f"the realizer of {dref} gave {folder!r:.120}, no folder")
    for name in PYLIGHTNIX_RESERVED:
        check(
            not os.path.lexists(os.path.join(folder, name)),
            f"the realizer of {dref} wrote {name}, a name that is reserved: write it under another one",
        )


def _new(storage: Storage, plan: Plan, context: ModelContext, folder: str) -> NewRealization:
    _follow_links(plan.dref, folder)
    start, stop = _taken(folder, START), _taken(folder, STOP)
    scratch = _moved(storage, folder)
    run = new_run(time.time())
    empty = list(_empty_folders(scratch))
    _put_beside(storage, scratch, run, plan.derivation.name)
    began = parsetime(start) if start is not None else None
    ended = parsetime(stop) if stop is not None else None
    took = max(0.0, ended - began) if began is not None and ended is not None else 0.0
    facts = facts_of(start, stop, empty)
    # unlike any other: early cutoff is off in this face
    action = digest("pylightnix-action/1", [str(plan.dref), context_key(context)])
    provenance = Provenance(plan.derivation.name, "", run, began, took, facts)
    return NewRealization(plan.derivation, context, action, provenance, scratch=scratch)


def _follow_links(dref: DRef, folder: str) -> None:
    """Put what a link points at in its place: a link would not outlive a move of the storage."""
    for name in list(files_below(folder)):
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            continue
        target = os.path.realpath(path)
        check(os.path.exists(target), f"the realizer of {dref} wrote {name}, a link to {os.readlink(path)}: not there")
        _log.warning("%s of %s is a link: what it points at is stored", name, dref)
        os.unlink(path)
        if os.path.isdir(target):
            shutil.copytree(target, path)
        else:
            shutil.copyfile(target, path)


def _taken(folder: str, name: str) -> str | None:
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return None
    os.unlink(path)
    return text


def _moved(storage: Storage, folder: str) -> SystemPath:
    """Return the folder, moved to the store's own disk."""
    whole = os.path.realpath(folder)
    if os.path.dirname(os.path.dirname(whole)) == os.path.join(os.path.realpath(storage.store.path), "scratch"):
        return SystemPath(whole)  # a build's: it was made there
    scratch = storage.store.scratch()
    os.rmdir(scratch)
    try:
        os.rename(folder, scratch)
    except OSError:  # another disk
        shutil.copytree(folder, scratch)
        shutil.rmtree(folder, ignore_errors=True)
    return scratch


def _empty_folders(folder: SystemPath) -> Iterator[str]:
    for above, inner, names in os.walk(folder):
        if not inner and not names and os.fspath(above) != os.fspath(folder):
            yield os.path.relpath(above, folder).replace(os.sep, "/")


def _put_beside(storage: Storage, scratch: SystemPath, run: str, stage: str) -> None:
    names = [name for name in files_below(scratch) if is_beside(name)]
    if not names:
        return
    beside = storage.store.run_folder(run, stage) / BESIDE
    for name in names:
        target = beside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(scratch / name, "rb") as file:
            os.fsync(file.fileno())
        os.replace(scratch / name, target)


def _discard(storage: Storage, one: Prepared) -> None:
    scratch = one.new.scratch
    if scratch is not None and os.path.lexists(scratch):
        storage.store.discard(scratch)
    with contextlib.suppress(OSError):
        made = one.new.provenance
        shutil.rmtree(storage.store.run_folder(made.run, made.stage))


__all__ = ["CheckError", "candidates", "check_promises", "find", "mkrealization", "record_context", "store"]
