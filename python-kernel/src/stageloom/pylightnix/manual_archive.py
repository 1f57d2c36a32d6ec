"""Carrying realizations from one storage to another in a zip file, with all that they were made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path as SystemPath
from typing import TYPE_CHECKING, Any

from stageloom.model.objects import Derivation, Record
from stageloom.model.references import DRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.model.values import digest
from stageloom.pylightnix.configuration import order_of
from stageloom.pylightnix.configuration import planned as plan_of
from stageloom.pylightnix.manual_references import chosen
from stageloom.pylightnix.manual_storage import Opened, opened
from stageloom.pylightnix.manual_types import PylightnixException, RRef, StorageSettings
from stageloom.pylightnix.view import planned
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import StoreError
from stageloom.store.objects import parse_derivation, parse_record
from stageloom.store.parcel import RefusedError
from stageloom.store.sending import whole
from stageloom.store.trees import Manifest, TreeFile, check_name, scan

if TYPE_CHECKING:
    import zipfile

_LIST = "realizations.json"
_FORMAT = 1
_LONGEST_LIST = 256 << 20


class BadArchiveError(PylightnixException):
    """A file that is no archive, or one whose content is not what it says. Nothing of it was stored."""


def pack(roots: Iterable[RRef], out: str, S: StorageSettings | None = None) -> None:
    """Write realizations and all that they were made from to the archive ``out``, complete or not at all.

    It is an archive as ``stageloom pack`` writes them.

    Raises:
        stageloom.store.errors.StoreError: where the storage lacks one of them, or one is damaged.
    """
    found = opened(S)
    order = whole(found.store, chosen(roots))
    for dref in dict.fromkeys(rref.dref for rref in order):
        _keep_order(found, dref)
    found.store.pack(order, out)


def unpack(path: str, S: StorageSettings | None = None) -> list[RRef]:
    """Take the realizations of an archive into a storage, and return them. What is there already stays as it is.

    An archive that ``stageloom pack`` wrote is taken in, and one that this face wrote in a way of its own once.

    Raises:
        BadArchiveError: where something in it is not what its hash says; what came before that is kept, and right.
    """
    import zipfile

    found = opened(S)
    try:
        with zipfile.ZipFile(path) as archive:
            if _LIST in archive.namelist():
                return [_take(found, archive, entry) for entry in _listed(archive, path)]
        return [RRef(rref) for rref in found.store.unpack(path)[0]]
    except RefusedError as error:
        raise BadArchiveError(f"{path} is no archive of realizations: write one with pack. {error}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadArchiveError(f"{path} is no archive, or a damaged one: {error}") from None


def _keep_order(found: Opened, dref: DRef) -> None:
    """Have the order of a configuration's keys travel, where the engine planned it and only the folders know it."""
    if found.store.plan_note(dref) is None and not found.store.readonly:
        derivation = found.store.derivation(dref)
        note = order_of(plan_of(planned(found.view.configuration(dref))))
        if note:
            found.store.plan([derivation], {dref: note})


def _listed(archive: zipfile.ZipFile, path: str) -> list[dict[str, Any]]:
    try:
        info = archive.getinfo(_LIST)
        if info.file_size > _LONGEST_LIST:
            raise BadArchiveError(f"{path} lists more than can be")
        listed = json.loads(archive.read(info))
        written, entries = listed["format"], listed["realizations"]
    except (KeyError, TypeError, ValueError):
        raise BadArchiveError(f"{path} is no archive of realizations: write one with pack") from None
    if written != _FORMAT:
        raise BadArchiveError(f"{path} has the format {written}, which a newer Stageloom writes; update this one")
    if not isinstance(entries, list):
        raise BadArchiveError(f"{path} is damaged")
    return entries


def _take(found: Opened, archive: zipfile.ZipFile, entry: dict[str, Any]) -> RRef:
    try:
        rref = ModelRRef.parse(entry["rref"])
        derivation = parse_derivation(entry["derivation"])
        record = parse_record(entry["record"])
        manifest = Manifest(tuple(TreeFile(str(path), int(size), str(sha)) for path, size, sha in entry["files"]))
        made = dict(entry["made"])
        right = record.rref == rref and derivation.dref == rref.dref and manifest.tree == record.tree
    except (KeyError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise BadArchiveError("the archive is damaged: what it lists is not what its references say")
    for rrefs in record.context.values():
        for one in rrefs:
            if found.store.get(one) is None:
                raise BadArchiveError(f"the archive lacks {one}, which {rref} was made from")
    known = found.known(rref)
    if known is None or found.store.check([record.tree]):
        scratch = found.store.scratch()
        try:
            _extract(archive, record.tree, manifest, scratch)
            found.store.commit([_new(derivation, record, made, scratch)])
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    found.view.note(derivation)
    return RRef(rref)


def _extract(archive: zipfile.ZipFile, tree: str, manifest: Manifest, scratch: SystemPath) -> None:
    """Write the files of a tree below ``scratch``, none longer than the manifest says, and check what they hold."""
    try:
        for file in manifest.files:
            check_name(file.path)
            info = archive.getinfo(f"trees/{tree}/{file.path}")
            if info.file_size != file.size:
                raise BadArchiveError(f"{file.path} in the archive has {info.file_size} bytes instead of {file.size}")
            target = scratch / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            if info.external_attr >> 16 & 0o100:
                target.chmod(0o755)
    except KeyError as error:
        raise BadArchiveError(f"the archive lacks a file: {error}") from None
    except StoreError as error:
        raise BadArchiveError(f"the archive is refused: {error}") from None
    if scan(str(scratch)).tree != tree:
        raise BadArchiveError(f"the files of {tree} in the archive are not what was packed")


def _new(derivation: Derivation, record: Record, made: dict[str, Any], scratch: SystemPath) -> NewRealization:
    at, took = made.get("at"), made.get("took")
    provenance = Provenance(
        stage=str(made.get("stage", derivation.name)),
        path=str(made.get("path", "")),
        run="unpacked",
        at=float(at) if isinstance(at, (int, float)) else None,
        took=float(took) if isinstance(took, (int, float)) else 0.0,
    )
    action = digest("references/1", [record.dref.hash, record.rref.hash])
    return NewRealization(derivation, record.context, action, provenance, scratch=scratch)
