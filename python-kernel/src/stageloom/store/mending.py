"""Comparing what a remote holds of a realization with what is here, and putting right what was damaged there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stageloom.model.references import RRef
from stageloom.store.objects import snapshot_identity
from stageloom.store.parcel import Card, Item, RefusedError, card_name, object_name
from stageloom.store.sending import What, items

if TYPE_CHECKING:
    from stageloom.store.remote import Remote
    from stageloom.store.store import Store

_BLOCK = 1 << 20


class Mender:
    """Mends the realizations of ``remote`` that ``store`` has; each object is read there once."""

    def __init__(self, store: Store, remote: Remote, what: What, check: Callable[[], None]) -> None:
        self._store = store
        self._remote = remote
        self._what = what
        self._check = check
        self._right: dict[str, bool] = {}
        self.mended: list[str] = []

    def mend(self, rref: RRef) -> int:
        """Compare all that is there of a realization, mend it, and return how many bytes were sent."""
        sent = 0
        *needed, card = items(self._store, rref, self._what)
        beside = self._beside(rref)
        own = self._own(rref)
        for item in needed:
            if item.name in own or (beside is not None and item.name in beside):
                sent += self._put_right(item)
        if beside is None or not all(self._is_right(name) for name in beside):
            # What lies beside it there is another run's, which is not here: ours takes its place.
            for item in needed:
                sent += self._put_right(item)
            self._replace(card)
            sent += card.size
        return sent

    def _own(self, rref: RRef) -> set[str]:
        """Return the names of the objects that are the same for all runs."""
        found = self._store.record(rref)
        own = {
            object_name("trees", found.tree),
            object_name("derivations", rref.derivation),
            object_name("records", rref.hash),
        }
        own.update(object_name("files", file.sha256) for file in self._store.manifest(found.tree).files)
        return own

    def _beside(self, rref: RRef) -> Sequence[str] | None:
        """Return what the card there names beside; None where it is damaged."""
        try:
            card = Card.parse(self._remote.read(card_name(rref)))
            if card.rref != rref:
                return None
            names = [object_name("files", sha256) for _, sha256 in card.beside.values()]
            if card.snapshot:
                names.append(object_name("snapshots", card.snapshot))
                names += self._sources(names[-1])
        except (RefusedError, ValueError):
            return None
        return names

    def _sources(self, name: str) -> list[str]:
        if not self._is_right(name):
            return []
        value = json.loads(self._remote.read(name))
        return [object_name("files", sha256) for sha256 in value["files"].values()]

    def _put_right(self, item: Item) -> int:
        if self._is_right(item.name, item):
            return 0
        self._replace(item)
        return item.size

    def _replace(self, item: Item) -> None:
        if self._remote.has(item.name):
            self.mended.append(item.name)
        self._remote.replace(item)
        self._right[item.name] = True

    def _is_right(self, name: str, item: Item | None = None) -> bool:
        if name not in self._right:
            self._check()
            try:
                self._right[name] = self._compare(name, item)
            except RefusedError:  # it is missing
                self._right[name] = False
        return self._right[name]

    def _compare(self, name: str, item: Item | None) -> bool:
        if name.startswith("files/"):
            return self._hash(name) == name[-64:]
        data = self._remote.read(name)
        if name.startswith("snapshots/"):
            try:
                return snapshot_identity(json.loads(data)) == name[-37:-5]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return False
        return item is not None and data == item.data

    def _hash(self, name: str) -> str:
        state = hashlib.sha256()
        with self._remote.open(name) as source:
            while block := source.read(_BLOCK):
                state.update(block)
                self._check()
        return state.hexdigest()
