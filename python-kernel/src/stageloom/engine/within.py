"""What is realized from within a stage, while that is being made: by its own process, or by one that it started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

#: Holds the derivations that are being made by those who, in the end, started this process.
_VARIABLE = "STAGELOOM_WITHIN"

#: More than lie between a stage and one that it realizes.
_FRAMES = 100

#: Those who are told what a stage of this process realizes, the innermost last.
_hearing: list[Callable[[str, Mapping[str, str]], None]] = []


@contextmanager
def making(dref: str, hear: Callable[[str, Mapping[str, str]], None]) -> Iterator[None]:
    """Note, within the block, that a stage is made: ``hear`` is told what it realizes meanwhile.

    That is the project's root, and by the names of ``tracking.reads`` what all of that rests on.
    """
    before = os.environ.get(_VARIABLE, "")
    limit = sys.getrecursionlimit()
    if _hearing:
        sys.setrecursionlimit(limit + _FRAMES)  # each stage has as much room as the outermost
    os.environ[_VARIABLE] = f"{before},{dref}".lstrip(",")
    _hearing.append(hear)
    try:
        yield
    finally:
        _hearing.remove(hear)
        if _hearing:
            sys.setrecursionlimit(limit)
        if before:
            os.environ[_VARIABLE] = before
        else:
            os.environ.pop(_VARIABLE, None)


def is_within() -> bool:
    """Return whether a stage is being made in this process."""
    return bool(_hearing)


def waits_for(dref: str) -> bool:
    """Return whether ``dref`` can't be made before that is which asks for it."""
    return dref in os.environ.get(_VARIABLE, "").split(",")


def tell(root: str, reads: Mapping[str, str]) -> None:
    """Tell the stage that asks what came out of asking."""
    if _hearing:
        _hearing[-1](root, reads)
