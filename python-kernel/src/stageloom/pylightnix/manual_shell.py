"""Small helpers that programs of the manual's time use on storages, folders and files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from stageloom.pylightnix.manual_references import alldrefs, allrrefs, chosen, drefdeps, drefrrefs, rref2dref, rrefdeps
from stageloom.pylightnix.manual_storage import opened
from stageloom.pylightnix.manual_types import DRef, RRef, StorageSettings, UsageError, isdref, isrref
from stageloom.store.files import Files


def rmref(r: DRef | RRef, S: StorageSettings | None = None) -> None:
    """Remove a realization, or all of a derivation: it is not found any more. ``stageloom undo`` brings it back."""
    if not isrref(r) and not isdref(r):
        raise UsageError(f"rmref takes a reference, not {r!r:.60}")
    rrefs = [RRef(r)] if isrref(r) else drefrrefs(DRef(r), S)
    opened(S).store.invalidate(chosen(rrefs))


def gc(
    keep_drefs: Iterable[DRef], keep_rrefs: Iterable[RRef], S: StorageSettings | None = None
) -> tuple[set[DRef], set[RRef]]:
    """Return the derivations and realizations that nothing of what is to be kept depends on; removes none of them."""
    kept_rrefs = set(map(RRef, keep_rrefs))
    kept_rrefs |= rrefdeps(kept_rrefs, S)
    kept_drefs = set(map(DRef, keep_drefs)) | {rref2dref(one) for one in kept_rrefs}
    kept_drefs |= drefdeps(kept_drefs, S)
    return set(alldrefs(S)) - kept_drefs, set(allrrefs(S)) - kept_rrefs


def dirrm(path: str, ignore_not_found: bool = True) -> None:
    """Remove a folder with all in it, write-protected or not."""
    if not os.path.lexists(path):
        if ignore_not_found:
            return
        raise FileNotFoundError(path)
    Files().remove(os.fspath(path))


def dirrw(path: str) -> None:
    """Make a folder and all in it writable."""
    for folder, _, names in os.walk(path):
        os.chmod(folder, os.stat(folder).st_mode | stat.S_IWUSR | stat.S_IXUSR)
        for name in names:
            full = os.path.join(folder, name)
            if not os.path.islink(full):
                os.chmod(full, os.stat(full).st_mode | stat.S_IWUSR)


def readstr(path: str) -> str:
    """Return the text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def tryread(path: str) -> str | None:
    """Return the text of a file; None where it cannot be read."""
    try:
        return readstr(path)
    except (OSError, UnicodeDecodeError):
        return None


def writestr(path: str, text: str) -> None:
    """Write a text to a file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
