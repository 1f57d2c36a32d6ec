"""Collecting garbage: what no link below some folders leads to is removed."""

from __future__ import annotations

import os
import sys

from stageloom.pylightnix.bashlike import rmref
from stageloom.pylightnix.errors import check
from stageloom.pylightnix.graph import rref2path, store_gc
from stageloom.pylightnix.references import path2dref, path2rref
from stageloom.pylightnix.types import DRef, RRef, StorageSettings
from stageloom.pylightnix.utils import dirsize


def diskspace_h(sz: int) -> str:
    """Return a number of bytes for people."""
    for unit, power in (("K", 10), ("M", 20)):
        if sz < 1 << power + 10:
            return f"{sz >> power:4} {unit}"
    return f"{sz >> 30:4} G"


def gc_exceptions(keep_paths: list[str]) -> tuple[list[DRef], list[RRef]]:
    """Return the derivations and realizations that ``keep_paths`` are links to, or folders with links to them."""
    drefs: list[DRef] = []
    rrefs: list[RRef] = []

    def look_at(path: str) -> None:
        rref = path2rref(path)
        if rref is not None:
            rrefs.append(rref)
        elif (dref := path2dref(path)) is not None:
            drefs.append(dref)

    for path in keep_paths:
        if os.path.islink(path):
            look_at(path)
            continue
        for above, inner, names in os.walk(path):
            for name in sorted([*inner, *names]):  # a link to what is gone by now is a name
                if os.path.islink(os.path.join(above, name)):
                    look_at(os.path.join(above, name))
    return drefs, rrefs


def gc_candidates(keep: tuple[list[DRef], list[RRef]], S: StorageSettings | None = None) -> tuple[set[DRef], set[RRef]]:
    """Return what would be removed; see :func:`gc`."""
    drefs, rrefs = store_gc(_known_drefs(keep[0], S), _known_rrefs(keep[1], S), S)
    return drefs, rrefs


def gc(keep_dirs: list[str], interactive: bool = True, verbose: bool = True, S: StorageSettings | None = None) -> None:
    """Remove what neither a link below ``keep_dirs`` nor anything that one leads to needs.

    Asks first where ``interactive``; says what goes where ``verbose``. Links are those of linkrref and linkdref.
    """
    if interactive:
        check(sys.stdin is not None and sys.stdin.isatty(), "gc asks at a terminal: pass interactive=False without one")
        check(verbose, "gc says what it asks about: pass verbose=True, or interactive=False")
    drefs, rrefs = gc_candidates(gc_exceptions(keep_dirs), S)
    if verbose:
        _say(drefs, rrefs, S)
    if interactive:
        print("Remove them? [yN] ", end="", flush=True)  # noqa: T201  # asked at a prompt
        if input().strip().lower() != "y":
            print("Nothing was removed")  # noqa: T201  # asked at a prompt
            return
    for rref in sorted(rrefs):
        rmref(rref, S)
    for dref in sorted(drefs):
        rmref(dref, S)


def _say(drefs: set[DRef], rrefs: set[RRef], S: StorageSettings | None) -> None:
    sizes = sorted((dirsize(rref2path(rref, S)), rref) for rref in rrefs)
    lines = ["To be removed:"] if drefs or rrefs else []
    lines += [f"\t{dref}" for dref in sorted(drefs)]
    lines += [f"{diskspace_h(size)}\t{rref}" for size, rref in sizes]
    lines.append(f"{diskspace_h(sum(size for size, _ in sizes))}\ttotal")
    print("\n".join(lines))  # noqa: T201  # asked at a prompt


def _known_drefs(drefs: list[DRef], S: StorageSettings | None) -> list[DRef]:
    from stageloom.pylightnix.graph import alldrefs

    known = set(alldrefs(S))
    return [dref for dref in drefs if dref in known]


def _known_rrefs(rrefs: list[RRef], S: StorageSettings | None) -> list[RRef]:
    from stageloom.pylightnix.graph import allrrefs

    known = set(allrrefs(S))
    return [rref for rref in rrefs if rref in known]
