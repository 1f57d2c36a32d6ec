"""Checking all that a store holds, byte by byte."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stageloom.model.references import DRef, RRef
from stageloom.store.errors import DamagedError, NotStoredError
from stageloom.store.journal import Reading
from stageloom.store.layout import Layout
from stageloom.store.objects import parse_derivation, parse_record, read_manifest, read_source
from stageloom.store.trees import check_content

_HEX32 = re.compile(r"[0-9a-f]{32}\Z")
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was stored. ``identity`` is the hash in its name."""

    kind: str
    path: str
    what: str
    identity: str = ""


def verify(layout: Layout, reading: Reading) -> list[Damage]:
    """Return what is damaged among journal, derivations, records, trees and sources, given all of the journal.

    What a crash left half done is no damage: nothing refers to it.
    """
    damages = [Damage("journal", layout.at("journal", scar.segment), f"byte {scar.offset}: the line {scar.what}")
               for scar in reading.scars]  # fmt: skip
    ran = {event["rref"] for event in reading.events if event.get("is") == "run"}
    derivations, records = _Objects(), _Objects()
    derivations.load(layout, "derivations", damages, lambda value: str(parse_derivation(value).dref))
    trees: dict[str, str] = {}

    def record(value: object) -> str:
        found = parse_record(value)
        trees[found.tree] = str(found.rref)
        return str(found.rref)

    records.load(layout, "records", damages, record)
    for rref in sorted(ran):
        reference = RRef.parse(rref)
        if reference.hash not in records.names:
            damages.append(Damage("record", layout.record(reference), "is missing", reference.hash))
        if reference.derivation not in derivations.names:
            path = layout.derivation(DRef(reference.derivation, reference.name))
            damages.append(Damage("derivation", path, "is missing", reference.derivation))
    trees.update((event["tree"], event["rref"]) for event in reading.events if event.get("is") == "run")
    damages.extend(_trees(layout, sorted(trees)))
    damages.extend(_sources(layout))
    return damages


class _Objects:
    """The names of one kind of object, damaged or not."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def load(self, layout: Layout, folder: str, damages: list[Damage], parse: Callable[[object], str]) -> None:
        import json

        for path, name in _below(layout.at(folder), ".json", _HEX32):
            self.names.add(name)
            identity = ""
            try:
                with open(path, "rb") as file:
                    identity = parse(json.loads(file.read()))
            except (ValueError, KeyError, TypeError, AttributeError, OSError):
                identity = ""
            if identity.partition(":")[2][:32] != name:
                damages.append(Damage(folder[:-1], path, "is damaged", name))


def _trees(layout: Layout, trees: list[str]) -> Iterator[Damage]:
    for tree in trees:
        try:
            manifest = read_manifest(layout, tree)
        except NotStoredError:
            yield Damage("manifest", layout.manifest(tree), "is missing", tree)
            continue
        except DamagedError as error:
            yield Damage("manifest", error.path, error.what, tree)
            continue
        try:
            check_content(layout.tree(tree), manifest, tree)
        except DamagedError as error:
            yield Damage("tree", error.path, error.what, tree)
        except OSError as error:
            yield Damage("tree", str(error.filename), f"cannot be read: {error.strerror}", tree)


def _sources(layout: Layout) -> Iterator[Damage]:
    for path, name in _below(layout.at("sources"), "", _HEX64):
        try:
            read_source(layout, name)
        except DamagedError as error:  # noqa: PERF203  # reading the file costs far more
            yield Damage("source", path, error.what, name)


def _below(folder: str, suffix: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for shard in sorted(os.listdir(folder)):
        for entry in sorted(os.listdir(os.path.join(folder, shard))):
            name = entry.removesuffix(suffix)
            if entry.endswith(suffix) and pattern.match(name):
                yield os.path.join(folder, shard, entry), name
