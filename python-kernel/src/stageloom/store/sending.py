"""Realizations and all that they were made from, as objects to send."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef
from stageloom.model.values import canonical_bytes
from stageloom.store.errors import NotStoredError, StoreError
from stageloom.store.found import Found
from stageloom.store.parcel import Card, Item, files_below, object_name
from stageloom.store.trees import hash_file

if TYPE_CHECKING:
    from stageloom.store.store import Store

#: What lies beside a realization and travels with it.
BESIDE = ("stage.json", "log.txt", "curve.jsonl")


@dataclass(frozen=True, slots=True)
class What:
    """What to send of each realization beside its artifacts: its source files, and its log, curve and facts."""

    sources: bool = True
    logs: bool = True


def closure(store: Store, rrefs: Iterable[RRef]) -> list[RRef]:
    """Return ``rrefs`` and all that they were made from, each after what it was made from.

    Raises:
        NotStoredError, DamagedError: one of them is not there as it should be.
    """
    order: dict[RRef, None] = {}
    waiting: list[tuple[RRef, bool]] = [(rref, False) for rref in reversed(list(rrefs))]
    while waiting:
        rref, ready = waiting.pop()
        if rref in order:
            continue
        if ready:
            order[rref] = None
            continue
        waiting.append((rref, True))
        context = store.record(rref).context
        waiting += [(other, False) for others in context.values() for other in others if other not in order]
    return list(order)


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
    if snapshot:
        sent = list(_sources(store, snapshot))
        yield from sent
        snapshot = snapshot if sent else ""
    card = Card.of(found, snapshot, beside)
    yield Item.of(card.name, card.as_bytes())


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
