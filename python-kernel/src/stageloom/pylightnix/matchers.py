"""Matchers, and the keys they sort by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stageloom.pylightnix.errors import CheckError, WrongFaceError, check
from stageloom.pylightnix.references import rref2dref, unrref
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import KIND, Key, Matcher, RRef, StorageSettings


def texthash() -> Key:
    """Sort by the realization's hash."""

    def key(S: StorageSettings | None, rref: RRef) -> str:  # noqa: ARG001  # a key's signature
        return str(unrref(rref)[0])

    return key


def latest() -> Key:
    """Sort by age; it is the storage's own order that counts, not a clock."""

    def key(S: StorageSettings | None, rref: RRef) -> float:
        try:
            return float(opened(S).found(rref).sequence)
        except CheckError:
            return 0.0

    return key


def exact(expected: list[RRef]) -> Key:
    """Leave out all but ``expected``."""

    def key(S: StorageSettings | None, rref: RRef) -> int | None:  # noqa: ARG001  # a key's signature
        return 1 if rref in expected else None

    return key


def match(key: Key, trim: Callable[[list[RRef]], list[RRef] | None], mnext: Matcher | None = None) -> Matcher:
    """Return a matcher that sorts by ``key``, the greatest first, trims, and asks ``mnext`` of the rest."""

    def matcher(S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        keys: dict[RRef, Any] = {rref: key(S, rref) for rref in rrefs}
        kept = [rref for rref in rrefs if keys[rref] is not None]
        found = trim(sorted(kept, key=lambda rref: keys[rref], reverse=True))
        if mnext is None:
            return found
        return mnext(S, found) if found else None

    return matcher


def match_all(*args: Any) -> list[RRef] | None:
    """Take every realization there is. This is a matcher itself: write ``match_all``, not ``match_all()``."""
    if len(args) != 2:
        raise WrongFaceError("match_all()", "match_all is a matcher itself")
    return list(args[1]) if args[1] else None


def match_some(n: int = 1, key: Key | None = None) -> Matcher:
    """Take ``n`` realizations, those with the greatest keys."""
    check(isinstance(n, int) and n >= 0, f"match_some takes a number of realizations, not {n!r:.40}")

    def trim(rrefs: list[RRef]) -> list[RRef] | None:
        return rrefs[:n] if len(rrefs) >= n else None

    matcher = match(key or texthash(), trim, match_all)
    setattr(matcher, KIND, ("custom", max(n, 1)))
    return matcher


def match_only() -> Matcher:
    """Take the one realization there is; a second one is an error."""

    def trim(rrefs: list[RRef]) -> list[RRef] | None:
        check(
            len(rrefs) < 2,
            f"match_only found {len(rrefs)} realizations of {rref2dref(rrefs[0]) if rrefs else ''}: its realizer "
            "is not deterministic; take match_latest, or make it so",
        )
        return rrefs or None

    matcher = match(texthash(), trim)
    setattr(matcher, KIND, ("only", 1))
    return matcher


def match_latest(n: int = 1) -> Matcher:
    """Take the ``n`` newest realizations."""
    matcher = match_some(n, key=latest())
    setattr(matcher, KIND, ("latest", n))
    return matcher


def match_exact(rrefs: list[RRef]) -> Matcher:
    """Take these realizations."""
    return match_some(n=len(rrefs), key=exact(rrefs))
