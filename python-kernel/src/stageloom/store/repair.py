"""Repairing a store after a verification: what is damaged goes aside, and no realization is left that needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from stageloom.model.classes import dataclass
from stageloom.store.errors import StoreError
from stageloom.store.fold import Fold, follow
from stageloom.store.index import Index
from stageloom.store.journal import Event
from stageloom.store.parts import Parts
from stageloom.store.verify import Damage, still_damaged


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done. ``moved`` are paths of what is in ``damaged/`` now, ``mended`` of what is right again.

    ``forgotten`` are references of realizations that were lost with them, ``left`` what can't be mended: damaged lines
    of the journal, which are passed over.
    """

    moved: Sequence[str]
    mended: Sequence[str]
    forgotten: Sequence[str]
    left: Sequence[Damage]


def repair(parts: Parts, damages: Sequence[Damage]) -> Repaired:
    """Repair what ``damages`` tell, found just now by ``Store.verify``."""
    moved: list[str] = []
    mended: list[str] = []
    lost: set[str] = set()
    healed: set[str] = set()
    for damage in damages:
        if damage.kind == "index":
            parts.ledger.renew()
            mended.append(damage.path)
        elif damage.kind == "manifest" and _is_mended(parts, damage.identity):
            mended.append(damage.path)
        elif damage.kind != "journal" and not still_damaged(parts.layout, damage):
            healed.add(damage.identity)  # its stage was realized anew in between
        elif damage.kind != "journal":
            lost.add(damage.identity)
            path = parts.layout.tree(damage.identity) if damage.kind == "tree" else damage.path
            if os.path.lexists(path):
                parts.publisher.quarantine(path)
                moved.append(path)
    forgotten = _forget(parts, lost) if lost else []
    if healed:
        parts.ledger.note(lambda index: index.set_damaged(healed - lost, damaged=False))
    return Repaired(moved, mended, forgotten, [one for one in damages if one.kind == "journal"])


def _is_mended(parts: Parts, tree: str) -> bool:
    """Return whether a tree's list of files could be made anew from the files."""
    try:
        parts.shelf.manifest(tree)
    except StoreError:
        return False
    return True


def _forget(parts: Parts, lost: set[str]) -> list[str]:
    """Collect the realizations that need any of ``lost``, and return them."""
    fold = Fold()
    needing: list[str] = []
    current = False

    def make(_: Index, sequence: int) -> list[Event]:
        nonlocal current
        current = sequence == fold.sequence + 1
        if not current or not needing:
            return []
        return [{"seq": sequence, "is": "collect", "rrefs": needing, "at": parts.clock()}]

    while not current:  # unless nothing happened in between
        fold = follow(parts.ledger, fold)
        needing = sorted(one.rref for one in fold.standing.values() if not lost.isdisjoint(one.names))
        parts.ledger.append(make)
    parts.ledger.note(lambda index: index.set_damaged(lost, damaged=False))
    return needing
