"""Checking all that a store holds, byte by byte."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stageloom.model.classes import dataclass
from stageloom.model.references import DRef, RRef
from stageloom.store.errors import DamagedError, NotStoredError, StoreError
from stageloom.store.fold import Fold
from stageloom.store.journal import Reading
from stageloom.store.layout import Layout
from stageloom.store.meter import Check, Meter, unchecked
from stageloom.store.objects import parse_derivation, parse_record, read_manifest, read_source
from stageloom.store.trees import check_content

_Parsed = TypeVar("_Parsed")

_HEX32 = re.compile(r"[0-9a-f]{32}\Z")
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was stored. ``identity`` is the hash in its name."""

    kind: str
    path: str
    what: str
    identity: str = ""


def verify(layout: Layout, reading: Reading, meter: Meter) -> list[Damage]:
    """Return what is damaged among journal, derivations, records, trees and sources, given all of the journal.

    What a crash left half done is no damage: nothing refers to it. ``meter`` is told of each object.
    """
    damages = [Damage("journal", layout.at("journal", scar.segment), f"byte {scar.offset}: the line {scar.what}")
               for scar in reading.scars]  # fmt: skip
    fold = Fold()
    fold.take_in(reading)
    trees = {one.tree for one in fold.standing.values()}
    meter.total += len(trees) + sum(_count(layout.at(name)) for name in ("derivations", "records", "sources"))
    derivations = _objects(layout, "derivations", _derivation, damages, meter)
    records = _objects(layout, "records", _record, damages, meter)
    for rref in sorted(fold.standing):
        reference = RRef.parse(rref)
        if reference.hash not in records:
            damages.append(Damage("record", layout.record(reference), "is missing", reference.hash))
        if reference.derivation not in derivations:
            path = layout.derivation(DRef(reference.derivation, reference.name))
            damages.append(Damage("derivation", path, "is missing", reference.derivation))
    # What was placed and never entered the journal, or was collected, is nobody's loss.
    known = {name for one in fold.standing.values() for name in (one.record, one.derivation)}
    known.update(dref[5:37] for dref in fold.plans)
    damages = [one for one in damages if one.kind not in ("record", "derivation") or one.identity in known]
    trees.update(tree for one in fold.standing.values() if (tree := records.get(one.record)) is not None)
    damages.extend(_trees(layout, sorted(trees), meter))
    damages.extend(_sources(layout, meter))
    return damages


def confirmed(layout: Layout, damages: list[Damage], reading: Reading, check: Check) -> list[Damage]:
    """Return those of ``damages`` that are there yet, given the journal as of now.

    Reading everything takes long: meanwhile stages are realized anew, and realizations collected.
    """
    fold = Fold()
    fold.take_in(reading)
    named = {name for one in fold.standing.values() for name in one.names}
    named.update(dref[5:37] for dref in fold.plans)
    return [
        one
        for one in damages
        if one.kind == "journal"
        or ((one.kind == "source" or one.identity in named) and still_damaged(layout, one, check))
    ]


def still_damaged(layout: Layout, damage: Damage, check: Check = unchecked) -> bool:
    """Return whether an object is as damaged as it was found: its stage may have been realized anew since."""
    check()
    name = damage.identity
    if damage.kind == "record":
        return _record(damage.path, name) is None
    if damage.kind == "derivation":
        return _derivation(damage.path, name) is None
    if damage.kind == "source":
        try:
            read_source(layout, name)
        except NotStoredError:
            return False
        except StoreError:
            return True
        return False
    return any(_trees(layout, [name], Meter(check)))


def _objects(
    layout: Layout, folder: str, right: Callable[[str, str], str | None], damages: list[Damage], meter: Meter
) -> dict[str, str | None]:
    """Return the objects of one kind by their names, with what is ``right`` about them; None for a damaged one."""
    result: dict[str, str | None] = {}
    for path, name in _below(layout.at(folder), ".json", _HEX32):
        meter.step()
        result[name] = found = right(path, name)
        if found is None:
            damages.append(Damage(folder.removesuffix("s"), path, "is damaged", name))
    return result


def _derivation(path: str, name: str) -> str | None:
    """Return a derivation's name, None where it is not the one of that hash."""
    found = _parsed(path, parse_derivation)
    return found.name if found is not None and found.dref.hash == name else None


def _record(path: str, name: str) -> str | None:
    """Return a record's tree, None where it is not the one of that hash."""
    found = _parsed(path, parse_record)
    return found.tree if found is not None and found.rref.hash == name else None


def _parsed(path: str, parse: Callable[[Any], _Parsed]) -> _Parsed | None:
    try:
        with open(path, "rb") as file:
            return parse(json.loads(file.read()))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return None


def _trees(layout: Layout, trees: list[str], meter: Meter) -> Iterator[Damage]:
    for tree in trees:
        meter.step()
        try:
            manifest = read_manifest(layout, tree)
        except NotStoredError:
            yield Damage("manifest", layout.manifest(tree), "is missing", tree)
            continue
        except StoreError as error:
            yield Damage("manifest", layout.manifest(tree), _what(error), tree)
            continue
        try:
            check_content(layout.tree(tree), manifest, tree, meter.check)
        except DamagedError as error:
            yield Damage("tree", error.path, error.what, tree)
        except OSError as error:
            yield Damage("tree", str(error.filename), f"cannot be read: {error.strerror}", tree)


def _sources(layout: Layout, meter: Meter) -> Iterator[Damage]:
    for path, name in _below(layout.at("sources"), "", _HEX64):
        meter.step()
        try:
            read_source(layout, name)
        except StoreError as error:  # reading the file costs far more
            yield Damage("source", path, _what(error), name)


def _what(error: StoreError) -> str:
    return error.what if isinstance(error, DamagedError) else error.message


def _below(folder: str, suffix: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for shard in _listed(folder):
        for entry in _listed(os.path.join(folder, shard)):
            name = entry.removesuffix(suffix)
            if entry.endswith(suffix) and pattern.match(name):
                yield os.path.join(folder, shard, entry), name


def _count(folder: str) -> int:
    return sum(len(_listed(os.path.join(folder, shard))) for shard in _listed(folder))


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):  # copied without its empty folders, or something of a desktop's
        return []
