"""Matchers: which realizations stand for a derivation, or that a new one is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stageloom.pylightnix.manual_references import rref2dref, unrref
from stageloom.pylightnix.manual_storage import opened
from stageloom.pylightnix.manual_types import Matcher, MatchError, RRef, StorageSettings, UsageError, model_rref

#: Orders realizations, the greatest first; None leaves one out.
Key = Callable[[Any, RRef], Any]


def texthash() -> Key:
    """Order by the references' hashes."""
    return lambda S, rref: unrref(rref)[0]  # noqa: ARG005  # a key is given the storage


def latest() -> Key:
    """Order by the store's own sequence, which no clock can turn around."""

    def key(S: StorageSettings | None, rref: RRef) -> int:
        found = opened(S).store.get(model_rref(rref))
        return found.sequence if found is not None else 0

    return key


def exact(expected: Iterable[RRef]) -> Key:
    """Leave out all but the ``expected``."""
    wanted = set(expected)
    return lambda S, rref: 1 if rref in wanted else None  # noqa: ARG005  # a key is given the storage


def match(key: Key, trim: Callable[[list[RRef]], list[RRef] | None], mnext: Matcher | None = None) -> Matcher:
    """Return a matcher that orders by ``key``, takes what ``trim`` returns, and asks ``mnext`` about that."""

    def matcher(S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        keys = {rref: key(S, rref) for rref in rrefs}
        found = trim(sorted((one for one in rrefs if keys[one] is not None), key=keys.__getitem__, reverse=True))
        if mnext is None:
            return found
        return mnext(S, found) if found else None

    return matcher


def match_all(S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
    """Take all there are, at least one."""
    del S
    return rrefs or None


class Counted:
    """A matcher that takes the first ``n`` by ``key``; it tells how many realizations it wants."""

    def __init__(self, n: int, key: Key, kind: str) -> None:
        if n < 1:
            raise UsageError(f"a matcher takes one realization or more, not {n}")
        self.n = n
        self.kind = kind
        self._key = key

    def __call__(self, S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        """Return the first ``n`` of ``rrefs``, None where there are fewer."""
        return match(self._key, lambda found: found[: self.n] if len(found) >= self.n else None)(S, rrefs)


class Only:
    """The matcher that takes the one realization there is."""

    kind = "only"
    n = 1

    def __call__(self, S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        """Return ``rrefs`` where it is one; raises MatchError where there are several."""
        del S
        if len(rrefs) > 1:
            raise MatchError(
                f"match_only takes the one realization of {rref2dref(rrefs[0])}, and there are {len(rrefs)}: "
                f"{', '.join(map(str, rrefs))}. Remove all but one (rmref), or use another matcher (match_latest)."
            )
        return list(rrefs) or None


def match_some(n: int = 1, key: Key | None = None) -> Matcher:
    """Take ``n`` realizations, by ``key``, else by hash; ask for more while there are fewer."""
    return Counted(n, key or texthash(), "some")


def match_latest(n: int = 1) -> Matcher:
    """Take the ``n`` newest realizations, the newest first; ask for more while there are fewer."""
    return Counted(n, latest(), "latest")


def match_exact(rrefs: Sequence[RRef]) -> Matcher:
    """Take just these realizations."""
    return match_some(max(len(rrefs), 1), key=exact(rrefs))


def match_only() -> Matcher:
    """Take the one realization there is; a second one that differs is an error."""
    return Only()
