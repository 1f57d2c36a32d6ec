"""Carrying realizations, with all that they were made from, to another storage: directly, or in a zip archive."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as SystemPath
from typing import Any

from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation, Record
from stageloom.model.references import RRef as ModelRRef
from stageloom.model.values import digest
from stageloom.pylightnix.configuration import planned
from stageloom.pylightnix.context import rrefctx
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.folders import BESIDE, FACTS, files_below, is_beside
from stageloom.pylightnix.references import model_rref, rref2dref
from stageloom.pylightnix.storage import Storage, opened
from stageloom.pylightnix.types import DRef, RRef, StorageSettings
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import BadNameError
from stageloom.store.objects import parse_derivation, parse_record
from stageloom.store.parcel import RefusedError
from stageloom.store.sending import whole
from stageloom.store.store import new_run
from stageloom.store.trees import Manifest, TreeFile, check_name, scan

_LIST = "pylightnix.json"
_FORMAT = 1
_LONGEST_LIST = 256 << 20

#: Writes the content of a file of the tree, or beside it, to a path.
_Fill = Callable[[str, SystemPath], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A realization on its way: ``files`` are those of its tree, ``beside`` the sizes of those beside it."""

    rref: ModelRRef
    derivation: Derivation
    record: Record
    files: Manifest
    beside: Mapping[str, int]
    facts: Mapping[str, Any]
    at: float
    took: float
    order: str


def spack(roots: list[RRef], out: str, S: StorageSettings | None = None) -> None:
    """Write realizations, and all that they were made from, to the zip archive ``out``: whole, or not at all.

    It is an archive as ``stageloom pack`` writes them; files whose name begins with an underscore travel along.
    """
    storage = opened(S)
    storage.flush()
    order = _closure(storage, roots)
    whole(storage.store, order)
    storage.store.pack(order, out)


def sunpack(archive: str, S: StorageSettings | None = None) -> None:
    """Take the realizations of an archive into a storage; those that it has stay as they are.

    One that ``stageloom pack`` wrote is taken in, all of it or nothing; so is one that this face wrote in a way of its
    own once, in which what came before something damaged is kept.

    Raises:
        CheckError: where the archive is damaged, or something in it is not what its references say.
    """
    storage = opened(S)
    storage.flush()
    try:
        with zipfile.ZipFile(archive) as opened_archive:
            if _LIST in opened_archive.namelist():
                for entry in _listed(opened_archive, archive):
                    _take(storage, entry, _filler(opened_archive, entry), archive)
                return
        storage.store.unpack(archive)
    except RefusedError as error:
        raise CheckError(f"{archive} is no archive of realizations, or a damaged one: {error}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CheckError(f"{archive} is no archive, or a damaged one: {error}") from None


def copyclosure(rrefs_S: Iterable[RRef], S: StorageSettings, D: StorageSettings | None = None) -> None:
    """Copy realizations, and all that they were made from, from the storage ``S`` to ``D``."""
    source, target = opened(S), opened(D)
    for rref in _closure(source, list(rrefs_S)):
        entry = _entry(source, rref)
        tree, beside = source.store.tree(entry.record.tree), _beside(source, rref)

        def fill(name: str, path: SystemPath, tree: SystemPath = tree, beside: SystemPath = beside) -> None:
            shutil.copy(beside / name if is_beside(name) else tree / name, path)

        _take(target, entry, fill, str(source.store.path))


def deref_(ctxr: RRef, dref: DRef, S: StorageSettings | None = None) -> list[RRef]:
    """Return what stands for ``dref`` in the context of ``ctxr``, which stands for its own derivation."""
    return [ctxr] if rref2dref(ctxr) == dref else rrefctx(ctxr, S)[dref]


def _closure(storage: Storage, roots: list[RRef]) -> list[ModelRRef]:
    """Return realizations and all that they were made from, that first."""
    order: dict[str, None] = {}
    stack = [(rref, False) for rref in reversed(roots)]
    while stack:
        rref, seen = stack.pop()
        if rref in order:
            continue
        if seen:
            order[rref] = None
            continue
        stack.append((rref, True))
        stack.extend((one, False) for rrefs in storage.direct_context(rref).values() for one in rrefs)
    return [model_rref(rref) for rref in order]


def _entry(storage: Storage, rref: ModelRRef) -> _Entry:
    found = storage.found(RRef(str(rref)))
    record = storage.store.record(rref)
    folder = _beside(storage, rref)
    beside = {name: os.path.getsize(folder / name) for name in files_below(folder)} if folder.is_dir() else {}
    files = storage.store.manifest(record.tree)
    facts = storage.folders.facts(found)
    derivation = storage.store.derivation(rref.dref)
    order = storage.store.plan_note(rref.dref) or ""
    return _Entry(rref, derivation, record, files, beside, facts, found.at, found.took, order)


def _beside(storage: Storage, rref: ModelRRef) -> SystemPath:
    found = storage.found(RRef(str(rref)))
    return storage.store.run_folder(found.run, found.stage) / BESIDE


def _listed(archive: zipfile.ZipFile, path: str) -> list[_Entry]:
    try:
        info = archive.getinfo(_LIST)
        check(info.file_size <= _LONGEST_LIST, f"{path} lists more than can be")
        listed = json.loads(archive.read(info))
        check(listed["format"] == _FORMAT, f"{path} has a format that another version writes: {listed['format']!r:.20}")
        return [_parsed(value) for value in listed["realizations"]]
    except CheckError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise CheckError(f"{path} is no archive of realizations, or a damaged one: write one by spack") from None


def _parsed(value: Any) -> _Entry:
    files = Manifest(tuple(TreeFile(str(path), int(size), str(sha256)) for path, size, sha256 in value["files"]))
    return _Entry(
        ModelRRef.parse(value["rref"]),
        parse_derivation(value["derivation"]),
        parse_record(value["record"]),
        files,
        {str(name): int(size) for name, size in value["beside"].items()},
        dict(value["facts"]),
        float(value["at"]),
        float(value["took"]),
        _order(parse_derivation(value["derivation"]), str(value["order"])),
    )


def _order(derivation: Derivation, order: str) -> str:
    """Return the order of a configuration's keys; raises CheckError where it is not one of its keys."""
    planned(derivation, order)
    return order


def _filler(archive: zipfile.ZipFile, entry: _Entry) -> _Fill:
    sizes = {file.path: file.size for file in entry.files.files} | dict(entry.beside)

    def fill(name: str, path: SystemPath) -> None:
        inside = f"beside/{entry.rref.hash}/{name}" if is_beside(name) else f"trees/{entry.record.tree}/{name}"
        try:
            info = archive.getinfo(inside)
        except KeyError:
            raise CheckError(f"the archive lacks {name} of {entry.rref}") from None
        check(info.file_size == sizes[name], f"{name} in the archive has another size than it says")
        with archive.open(info) as source, open(path, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)

    return fill


def _take(storage: Storage, entry: _Entry, fill: _Fill, origin: str) -> None:
    right = entry.record.rref == entry.rref and entry.derivation.dref == entry.rref.dref
    check(right and entry.files.tree == entry.record.tree, f"{origin}: {entry.rref} is not what its reference says")
    for rrefs in entry.record.context.values():
        for one in rrefs:
            storage.found(RRef(str(one)))
    storage.store.plan([entry.derivation], {entry.rref.dref: entry.order})
    known = storage.store.get(entry.rref)
    if known is not None and known.visible and not storage.store.check([known.tree]):
        return
    scratch = storage.store.scratch()
    run = new_run(time.time())
    beside = storage.store.run_folder(run, entry.derivation.name) / BESIDE
    try:
        for name in [*(file.path for file in entry.files.files), *entry.beside]:
            _write(scratch, beside, name, fill, origin)
        check(scan(str(scratch)).tree == entry.record.tree, f"{origin}: the files of {entry.rref} are damaged")
        action = digest("pylightnix-action/1", [str(entry.rref.dref), str(entry.rref)])
        provenance = Provenance(entry.derivation.name, "", run, entry.at, entry.took, {FACTS: _facts(entry)})
        storage.store.commit(
            [NewRealization(entry.derivation, entry.record.context, action, provenance, scratch=scratch)]
        )
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(beside.parent, ignore_errors=True)
        raise


def _write(scratch: SystemPath, beside: SystemPath, name: str, fill: _Fill, origin: str) -> None:
    try:
        check_name(name)
    except BadNameError as error:
        raise CheckError(f"{origin} is refused: {error.message}") from None
    target = (beside if is_beside(name) else scratch) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    fill(name, target)


def _facts(entry: _Entry) -> dict[str, Any]:
    folders = []
    for name in entry.facts.get("folders", ()):
        try:
            check_name(str(name))
        except BadNameError:
            continue
        folders.append(str(name))
    times = {key: entry.facts.get(key) for key in ("start", "stop")}
    return {**{key: value if isinstance(value, str) else None for key, value in times.items()}, "folders": folders}
