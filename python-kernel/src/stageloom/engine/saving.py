"""Making what a run placed durable, in groups, beside the run: what depends on it starts meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef
from stageloom.store.commit import Prepared
from stageloom.store.errors import DiskFullError, StoreError
from stageloom.store.found import Found
from stageloom.store.locks import Lock
from stageloom.store.store import Store

#: Each that waits holds the lock of its work, which is an open file.
_MOST = 100
_SOONEST, _LATEST = 0.1, 1.0
_WORTH = 0.05
#: Of as many seconds of work none is put at the mercy of the stage that comes next, which may end the process.
_MUCH = 1.0


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of one: ``found``, or the ``error`` that kept it from being stored.

    Neither, where something that it was made from could not be stored.
    """

    name: str
    found: Found | None = None
    error: StoreError | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    placed: Prepared
    lock: Lock | None


class Saver:
    """Keeps what was placed and settles it in a group soon after, or at once when asked; safe between threads.

    ``saved`` hears of each group, from any thread.
    """

    def __init__(self, store: Store, saved: Callable[[Sequence[Saved]], None]) -> None:
        self._store = store
        self._saved = saved
        self._mutex = threading.Lock()
        self._settling = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._under_way: Sequence[_Waiting] = ()
        self._timer: threading.Timer | None = None
        self._delay = _SOONEST
        self._took = 0.0
        self._failed: set[RRef] = set()

    @property
    def worthwhile(self) -> bool:
        """Whether a crash would lose more work now than settling takes."""
        with self._mutex:
            at_risk = sum(one.placed.new.provenance.took for one in self._waiting)
        return at_risk >= max(_WORTH, 2 * self._took)

    def before_next(self) -> None:
        """Settle what waits if a crash would lose more than that takes: beside the next stage, or before it if much."""
        with self._mutex:
            waiting = sum(one.placed.new.provenance.took for one in self._waiting)
            at_risk = waiting + sum(one.placed.new.provenance.took for one in self._under_way)
            due = waiting >= max(_WORTH, 2 * self._took)
            if due and at_risk < _MUCH and not self._under_way:
                self._start_timer(0.0)
                return
        if at_risk >= _MUCH and at_risk >= 2 * self._took:
            self.flush()

    def awaits(self, action: str) -> bool:
        """Return whether the same work waits to be settled, or is being settled and not to be found yet."""
        with self._mutex:
            return any(one.placed.new.action == action for one in (*self._waiting, *self._under_way))

    def add(self, name: str, placed: Prepared, lock: Lock | None) -> None:
        """Settle ``placed`` soon, and then give ``lock`` back."""
        with self._mutex:
            self._waiting.append(_Waiting(name, placed, lock))
            full = len(self._waiting) >= _MOST
            if not full:
                self._start_timer()
        if full:
            self.flush()

    def _start_timer(self, delay: float | None = None) -> None:
        """Settle after the usual time, or another; the mutex is held."""
        if delay is not None and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = threading.Timer(self._delay if delay is None else delay, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def flush(self, *, last: bool = False) -> None:
        """Settle what waits. On a full disk it goes on waiting, unless this is the ``last`` chance.

        A stage that is still at work may have filled the disk, and what it wrote goes when it fails.
        """
        with self._settling:
            with self._mutex:
                group, self._waiting = self._waiting, []
                self._under_way = group
                timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            if not group:
                return
            begun = time.monotonic()
            try:
                result = self._settle(group, last=last)
            except DiskFullError:
                with self._mutex:
                    self._waiting[:0] = group
                    self._under_way = ()
                    self._delay = _LATEST
                    self._start_timer()
                return
            except BaseException:
                with self._mutex:
                    self._waiting[:0] = group
                    self._under_way = ()
                raise
            with self._mutex:
                self._under_way = ()
            # On a slow disk fewer, larger groups: most of the time goes into the run itself.
            self._took = time.monotonic() - begun
            self._delay = min(_LATEST, max(_SOONEST, 3 * self._took))
            for one in group:
                if one.lock is not None:
                    one.lock.release()
            self._saved(result)

    def _settle(self, group: Sequence[_Waiting], *, last: bool) -> list[Saved]:
        if not self._failed:
            try:
                found = self._store.settle([one.placed for one in group])
            except StoreError as error:
                if isinstance(error, DiskFullError) and not last:
                    raise
                if len(group) == 1:
                    return [self._refused(group[0], error)]
            else:
                return [Saved(one.name, stored) for one, stored in zip(group, found, strict=True)]
        return [self._settle_one(one) for one in group]

    def _settle_one(self, one: _Waiting) -> Saved:
        context = one.placed.new.context
        if self._failed and any(rref in self._failed for rrefs in context.values() for rref in rrefs):
            self._failed.add(one.placed.rref)
            return Saved(one.name)
        try:
            [found] = self._store.settle([one.placed])
        except StoreError as error:
            return self._refused(one, error)
        return Saved(one.name, found)

    def _refused(self, one: _Waiting, error: StoreError) -> Saved:
        self._failed.add(one.placed.rref)
        return Saved(one.name, error=error)
