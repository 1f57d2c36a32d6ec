"""Realizations and all that they were made from, as objects to send."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef
from stageloom.model.values import canonical_bytes
from stageloom.store.errors import BadNameError, NotStoredError, StoreError
from stageloom.store.found import Found
from stageloom.store.parcel import Card, Item, files_below, object_name
from stageloom.store.trees import check_name, hash_file

if TYPE_CHECKING:
    from stageloom.store.store import Store

#: What lies beside a realization and travels with it.
BESIDE = ("stage.json", "log.txt", "curve.jsonl")
#: The folder, in that of a run, for files that a face keeps with a realization, though they are no part of its tree.
FACE = "beside"


@dataclass(frozen=True, slots=True)
class What:
    """What to send of each realization beside its artifacts: its source files, and its log, curve and facts."""

    sources: bool = True
    logs: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A realization that cannot be sent: it, or something that it was made from, is not here as it should be."""

    rref: RRef
    why: str


def sendable(
    store: Store, rrefs: Iterable[RRef], there: Callable[[RRef], bool] = lambda _: False
) -> tuple[list[RRef], list[LeftOut]]:
    """Return what can be sent of ``rrefs`` and all that they were made from, each after that; and what cannot.

    What is ``there`` already need not be whole here.

    Raises:
        NotStoredError, DamagedError: nothing can be sent, because of this.
    """
    roots = list(dict.fromkeys(rrefs))
    contexts, faults = _survey(store, roots, there)
    causes: dict[RRef, RRef] = {}
    for rref, context in contexts.items():
        if rref in faults:
            causes[rref] = rref
        elif not there(rref):
            broken = next((other for other in context if other in causes), None)
            if broken is not None:
                causes[rref] = causes[broken]
    whole = [rref for rref in roots if rref not in causes]
    if roots and not whole:
        raise faults[causes[roots[0]]]
    order = _order(whole, contexts)
    return order, [LeftOut(rref, _why(rref, causes[rref], faults)) for rref in roots if rref in causes]


def whole(store: Store, rrefs: Iterable[RRef]) -> list[RRef]:
    """Return ``rrefs`` and all that they were made from, that first; raises StoreError where any of it is not here."""
    order, left_out = sendable(store, rrefs)
    if left_out:
        raise NotStoredError(f"{left_out[0].rref} cannot be sent: {left_out[0].why}", "Realize its stage again.")
    return order


def is_whole(store: Store, rref: RRef) -> bool:
    """Return whether a realization itself, whatever it was made from, is here as it should be."""
    try:
        store.record(rref)
        return not store.check([_tree(store, rref)])
    except StoreError:
        return False


def _why(rref: RRef, cause: RRef, faults: Mapping[RRef, StoreError]) -> str:
    made_from = "" if rref == cause else f"it was made from {cause}, and "
    return f"{made_from}{faults[cause].message}"


def _survey(
    store: Store, roots: Sequence[RRef], there: Callable[[RRef], bool]
) -> tuple[dict[RRef, Sequence[RRef]], dict[RRef, StoreError]]:
    """Return what each was made from, that first, and what is wrong with those that cannot be sent themselves."""
    contexts: dict[RRef, Sequence[RRef]] = {}
    faults: dict[RRef, StoreError] = {}
    trees: dict[RRef, str] = {}
    read: dict[RRef, Sequence[RRef]] = {}
    waiting = [(rref, False) for rref in reversed(roots)]
    while waiting:
        rref, ready = waiting.pop()
        if ready:
            contexts[rref] = read[rref]
            continue
        if rref in read:
            continue
        read[rref] = ()
        try:
            record = store.record(rref)
            read[rref] = [other for others in record.context.values() for other in others]
            trees[rref] = _tree(store, rref)
        except StoreError as error:
            if not there(rref):
                faults[rref] = error
        waiting.append((rref, True))
        waiting += [(other, False) for other in read[rref] if other not in read]
    wrong = store.check(trees[rref] for rref in trees if not there(rref))
    faults.update({rref: wrong[tree] for rref, tree in trees.items() if tree in wrong and not there(rref)})
    return contexts, faults


def _tree(store: Store, rref: RRef) -> str:
    """Return the tree of a realization, its plan being whole."""
    found = store.get(rref)
    if found is None:
        raise NotStoredError(f"{rref} is not in this store.", "Realize its stage, or name another store.")
    store.derivation(rref.dref)
    return found.tree


def _order(roots: Iterable[RRef], contexts: Mapping[RRef, Sequence[RRef]]) -> list[RRef]:
    wanted: set[RRef] = set()
    waiting = list(roots)
    while waiting:
        rref = waiting.pop()
        if rref not in wanted:
            wanted.add(rref)
            waiting += contexts[rref]
    return [rref for rref in contexts if rref in wanted]


def items(store: Store, rref: RRef, what: What) -> Iterator[Item]:
    """Return the objects of one realization, its card last; raises NotStoredError, DamagedError."""
    found = store.get(rref)
    if found is None:
        raise NotStoredError(f"{rref} is not in this store.", "Realize its stage, or name another store.")
    record, derivation = store.record(rref), store.derivation(rref.dref)
    folder, manifest = store.tree(found.tree), store.manifest(found.tree)
    for file in manifest.files:
        yield Item(object_name("files", file.sha256), file.size, os.path.join(folder, *file.path.split("/")))
    yield Item.of(object_name("trees", found.tree), manifest.as_bytes())
    yield Item.of(object_name("derivations", rref.derivation), canonical_bytes(derivation.as_json()))
    yield Item.of(object_name("records", rref.hash), canonical_bytes(record.as_json()))
    beside: dict[str, tuple[int, str]] = {}
    snapshot = ""
    run = os.path.join(store.path, store.run_name(found.run, found.stage))
    for name, path in files_below(run):
        if name not in BESIDE:
            continue
        if name == "stage.json":
            snapshot = _snapshot(path) if what.sources else ""
        if what.logs:
            beside[name] = (os.path.getsize(path), hash_file(path))
            yield Item(object_name("files", beside[name][1]), beside[name][0], path)
    for name, path in _kept_by_face(run):
        beside[name] = (os.path.getsize(path), hash_file(path))
        yield Item(object_name("files", beside[name][1]), beside[name][0], path)
    if snapshot:
        sent = list(_sources(store, snapshot))
        yield from sent
        snapshot = snapshot if sent else ""
    card = Card.of(found, snapshot, beside, store.plan_note(rref.dref) or "")
    yield Item.of(card.name, card.as_bytes())


def _kept_by_face(run: str) -> Iterator[tuple[str, str]]:
    """Return name and path of the files that a face keeps in a run's folder, as far as other systems can hold them."""
    for above, folders, names in os.walk(os.path.join(run, FACE)):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(above, name)
            inside = os.path.relpath(path, run).replace(os.sep, "/")
            with suppress(BadNameError):
                check_name(inside)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield inside, path


def _sources(store: Store, snapshot: str) -> Iterator[Item]:
    """Return a snapshot and its files, without the place where the project lay; nothing where any of it is lost."""
    try:
        value = json.loads(store.snapshot(snapshot))
        contents = {sha256: store.source(sha256) for sha256 in value["files"].values()}
    except (StoreError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for sha256, content in contents.items():
        yield Item.of(object_name("files", sha256), content)
    yield Item.of(object_name("snapshots", snapshot), canonical_bytes({**value, "root": ""}))


def _snapshot(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return str(json.loads(file.read()).get("snapshot") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def latest(found: Iterable[Found]) -> list[RRef]:
    """Return what ``found`` are, once each."""
    return list(dict.fromkeys(one.rref for one in found))
