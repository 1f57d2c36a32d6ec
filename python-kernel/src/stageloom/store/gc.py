"""Garbage collection: which realizations go, told to the journal before anything of them is taken away.

Once the journal has them collected nobody finds them. What lies in the store and is then named by no realization, and
held by no process, is swept. The sweep looks at what is there, so an interrupted one is finished by the next.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef
from stageloom.store.fold import Fold, Standing, follow
from stageloom.store.folder import reserve
from stageloom.store.journal import Event
from stageloom.store.meter import Check, Meter
from stageloom.store.parts import Parts
from stageloom.store.roots import Spared
from stageloom.store.scratch import KEEP
from stageloom.store.sweep import Leftovers, Sweep

# One event's line stays within a few megabytes.
_EVENT = 20_000


@dataclass(frozen=True, slots=True)
class Policy:
    """What is garbage: what nothing in ``keep`` and no pin depends on, and that has been unused for long.

    ``older_than`` spares what was realized in the last so many seconds. With ``max_size`` (bytes) only as much goes,
    the oldest first, as is needed for the trees to fit; what something was made from is as young as that. ``grace`` is
    how many seconds logs of failed stages, sources that nothing refers to and damaged objects are kept. What workspaces
    but ``workspace`` said in the last ``others`` seconds that they stand on stays, too.
    """

    keep: Collection[RRef] = ()
    older_than: float = 0.0
    max_size: int | None = None
    grace: float = KEEP
    others: float = 0.0
    workspace: str = ""


@dataclass(frozen=True, slots=True)
class Victim:
    """A realization to be collected."""

    rref: str
    stage: str
    path: str
    at: float
    size: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected, or would be.

    ``freed`` are the bytes of trees that only ``victims`` have, ``size`` those of all trees before. ``kept`` counts
    realizations that stay, ``in_use`` those of them that stay because a running process holds them. ``leftovers`` is
    what lay there without belonging to a realization. ``spared`` are those of what stays that only other workspaces
    reach.
    """

    victims: Sequence[Victim]
    freed: int
    size: int
    kept: int
    in_use: int
    leftovers: Leftovers
    deleted: bool
    spared: Sequence[Spared] = ()


def collect(parts: Parts, policy: Policy, *, delete: bool, meter: Meter) -> Collected:
    """Collect garbage, or only say what would go.

    ``meter`` is told of what was looked at; what it raises ends the collection, which the next one finishes.
    """
    check = meter.check
    collection = _Collection(parts, policy, check)
    collection.choose(())  # reads most of what is to be read, before others have to wait
    roomy = not delete
    while True:
        check()
        try:
            with parts.holds.alone() as held:
                chosen = collection.choose(held)
                names = collection.remember(chosen)
                if not delete or collection.tell(chosen):
                    break
        except OSError as error:
            if roomy or error.errno not in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
                raise
            _make_room(parts, collection.fold, meter)
            roomy = True
    sweep = Sweep(parts, collection.fold, policy.grace, meter)
    leftovers = sweep.run(names, without=frozenset() if delete else chosen.victims, delete=delete)
    if delete:
        reserve(parts.layout, parts.files)
    return collection.told(chosen, leftovers, deleted=delete)


def _make_room(parts: Parts, fold: Fold, meter: Meter) -> None:
    """Free what needs no word in the journal: on a full disk that cannot be written before."""
    Sweep(parts, fold, KEEP, meter).run((), without=(), delete=True)
    cache = parts.layout.at("cache")
    for name in os.listdir(cache):
        parts.files.remove(os.path.join(cache, name))


@dataclass(frozen=True, slots=True)
class _Chosen:
    victims: frozenset[str]
    in_use: int
    freed: int


class _Collection:
    def __init__(self, parts: Parts, policy: Policy, check: Check) -> None:
        self._parts = parts
        self._policy = policy
        self._check = check
        self._edges: dict[str, tuple[str, ...]] = {}
        self._victims: list[Victim] = []
        self._size = 0
        self._kept = 0
        self._spared: tuple[Spared, ...] = ()
        self.fold = Fold()

    def choose(self, held: Collection[str]) -> _Chosen:
        """Return what goes as the store is now."""
        self.fold = follow(self._parts.ledger, self.fold)
        standing = self.fold.standing
        now = self._parts.clock()
        wanted = {str(rref) for rref in self._policy.keep} | self.fold.pinned
        used = {rref for rref, one in standing.items() if one.tree in held or one.record in held}
        young = {rref for rref, one in standing.items() if now - one.at < self._policy.older_than}
        rooted = self._closure(wanted | young)
        self._spared = self._spare(rooted, now)
        kept = rooted | self._closure(used)
        candidates = sorted((one for rref, one in standing.items() if rref not in kept), key=lambda one: one.sequence)
        victims = self._within_budget(candidates) if self._policy.max_size is not None else candidates
        return self._chosen(frozenset(one.rref for one in victims), len(kept) - len(rooted))

    def _spare(self, rooted: set[str], now: float) -> tuple[Spared, ...]:
        """Add what other workspaces stand on to what is ``rooted``, and return what that is for each of them."""
        said: dict[str, tuple[float, list[str]]] = {}
        for (workspace, *_), (at, rrefs) in self.fold.roots.items():
            if workspace != self._policy.workspace and now - at < self._policy.others:
                last, all_of_it = said.get(workspace, (at, []))
                said[workspace] = (max(last, at), all_of_it + rrefs)
        spared: list[Spared] = []
        for workspace, (at, rrefs) in sorted(said.items()):
            more = self._closure(rrefs) - rooted
            rooted |= more
            if more:
                spared.append(Spared(workspace, at, len(more)))
        return tuple(spared)

    def tell(self, chosen: _Chosen) -> bool:
        """Enter what was chosen into the journal; return whether it was still right by then."""
        victims = sorted(chosen.victims)
        right = not victims

        def make(_: object, sequence: int) -> list[Event]:
            nonlocal right
            right = sequence == self.fold.sequence + 1
            if not right:
                return []
            now = self._parts.clock()
            return [
                {"seq": sequence + number, "is": "collect", "rrefs": victims[start : start + _EVENT], "at": now}
                for number, start in enumerate(range(0, len(victims), _EVENT))
            ]

        if victims:
            self._parts.ledger.append(make)
        return right

    def remember(self, chosen: _Chosen) -> frozenset[str]:
        """Keep what is told of the realizations that go, and return the names of the objects that only they have."""
        standing = self.fold.standing
        found = sorted((standing[rref] for rref in chosen.victims), key=lambda one: one.sequence)
        self._victims = [Victim(one.rref, one.stage, one.path, one.at, one.size) for one in found]
        self._size = sum(_trees(standing.values()).values())
        self._kept = len(standing) - len(found)
        stay = {name for rref, one in standing.items() if rref not in chosen.victims for name in one.names}
        return frozenset(name for one in found for name in one.names if name not in stay)

    def told(self, chosen: _Chosen, leftovers: Leftovers, *, deleted: bool) -> Collected:
        """Return the answer."""
        return Collected(
            self._victims, chosen.freed, self._size, self._kept, chosen.in_use, leftovers, deleted, self._spared
        )

    def _chosen(self, victims: frozenset[str], in_use: int) -> _Chosen:
        standing = self.fold.standing
        stay = {one.tree for rref, one in standing.items() if rref not in victims}
        gone = _trees(standing[rref] for rref in victims)
        return _Chosen(victims, in_use, sum(size for tree, size in gone.items() if tree not in stay))

    def _closure(self, rrefs: Iterable[str]) -> set[str]:
        """Return ``rrefs`` and all that they were made from."""
        found: set[str] = set()
        waiting = [rref for rref in rrefs if rref in self.fold.standing]
        while waiting:
            rref = waiting.pop()
            if rref not in found:
                found.add(rref)
                waiting += [other for other in self._made_from(rref) if other in self.fold.standing]
        return found

    def _made_from(self, rref: str) -> tuple[str, ...]:
        known = self._edges.get(rref)
        if known is None:
            known = self._edges[rref] = _context(self._parts.layout.record(RRef.parse(rref)))
            if len(self._edges) % 1000 == 0:
                self._check()
        return known

    def _within_budget(self, candidates: Sequence[Standing]) -> list[Standing]:
        """Return the oldest of ``candidates``, with all made from them, without which the trees fit.

        What something was made from is as young as that: else one old stage took all its dependents along.
        """
        last = self._last_use(candidates)
        users: dict[str, list[str]] = {}
        for one in candidates:
            for other in self._made_from(one.rref):
                users.setdefault(other, []).append(one.rref)
        count: dict[str, int] = {}
        for one in self.fold.standing.values():
            count[one.tree] = count.get(one.tree, 0) + 1
        over = sum(_trees(self.fold.standing.values()).values()) - (self._policy.max_size or 0)
        victims: dict[str, Standing] = {}
        for oldest in sorted(candidates, key=lambda one: (last[one.rref], -one.sequence)):
            if over <= 0:
                break
            waiting = [oldest.rref]
            while waiting:
                rref = waiting.pop()
                if rref in victims:
                    continue
                victims[rref] = one = self.fold.standing[rref]
                waiting += users.get(rref, ())
                count[one.tree] -= 1
                over -= one.size if count[one.tree] == 0 else 0
        return list(victims.values())

    def _last_use(self, candidates: Sequence[Standing]) -> Mapping[str, int]:
        """Return the sequence number of each of ``candidates``, or of the youngest made from it."""
        last: dict[str, int] = {}
        among = {one.rref for one in candidates}
        for one in sorted(candidates, key=lambda one: -one.sequence):
            waiting = [one.rref]
            while waiting:
                rref = waiting.pop()
                if rref in among and rref not in last:
                    last[rref] = one.sequence
                    waiting += self._made_from(rref)
        return last


def _trees(standing: Iterable[Standing]) -> Mapping[str, int]:
    return {one.tree: one.size for one in standing}


def _context(path: str) -> tuple[str, ...]:
    """Return the references in a record's context; none where it cannot be read: it serves nobody then."""
    try:
        with open(path, "rb") as file:
            context = json.loads(file.read())["context"]
        return tuple(rref for rrefs in context.values() for rref in rrefs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
