"""Reading derivations, records, manifests and sources: each is checked against the hash that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from stageloom.model.objects import Derivation, Record
from stageloom.model.references import DRef, RRef
from stageloom.model.values import digest
from stageloom.store.errors import DamagedError, NotStoredError, unreadable
from stageloom.store.layout import Layout
from stageloom.store.trees import Manifest

_Parsed = TypeVar("_Parsed")


def read_derivation(layout: Layout, dref: DRef) -> Derivation:
    """Return the plan that ``dref`` names; raises NotStoredError, DamagedError."""
    path = layout.derivation(dref)
    return _read(path, str(dref), lambda data: parse_derivation(json.loads(data)), lambda found: found.dref == dref)


def read_record(layout: Layout, rref: RRef) -> Record:
    """Return the record that ``rref`` names; raises NotStoredError, DamagedError."""
    path = layout.record(rref)
    return _read(path, str(rref), lambda data: parse_record(json.loads(data)), lambda found: found.rref == rref)


def read_manifest(layout: Layout, tree: str) -> Manifest:
    """Return the files of ``tree``; raises NotStoredError, DamagedError."""
    path = layout.manifest(tree)
    return Manifest.parse(_bytes(path, tree), tree, path)


def read_source(layout: Layout, sha256: str) -> bytes:
    """Return a source file's content; raises NotStoredError, DamagedError."""
    path = layout.source(sha256)
    data = _bytes(path, sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedError(path, sha256, "is damaged")
    return data


def is_snapshot(layout: Layout, identity: str) -> bool:
    """Return whether a snapshot's list of files is there and is what its name says."""
    try:
        with open(layout.snapshot(identity), "rb") as file:
            return snapshot_identity(json.loads(file.read())) == identity
    except (OSError, ValueError, KeyError, TypeError):
        return False


def snapshot_identity(value: Any) -> str:
    """Return the name of a snapshot by what it tells; raises KeyError, TypeError, ValueError on other JSON."""
    return digest("snapshot/1", {key: value[key] for key in ("entry", "folders", "files")})


def parse_derivation(value: Any) -> Derivation:
    """Return the derivation that ``Derivation.as_json`` gave; raises KeyError, TypeError, ValueError on other JSON."""
    return Derivation(
        name=value["name"],
        language=value["language"],
        configuration=value["configuration"],
        dependencies={role: tuple(map(DRef.parse, drefs)) for role, drefs in value["dependencies"].items()},
        inputs=value["inputs"],
        code=value["code"],
    )


def parse_record(value: Any) -> Record:
    """Return the record that ``Record.as_json`` gave; raises KeyError, TypeError, ValueError on other JSON."""
    context = {DRef.parse(dref): tuple(map(RRef.parse, rrefs)) for dref, rrefs in value["context"].items()}
    reads = {str(name): str(state) for name, state in value.get("reads", {}).items()}
    return Record(DRef.parse(value["derivation"]), context, value["tree"], reads)


def _bytes(path: str, identity: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise NotStoredError(f"{identity} is not in this store.", "Realize its stage, or name another store.") from None
    except IsADirectoryError:
        raise DamagedError(path, identity, "is a folder") from None
    except OSError as error:
        raise unreadable(path, error) from error


def _read(path: str, identity: str, parse: Callable[[bytes], _Parsed], right: Callable[[_Parsed], bool]) -> _Parsed:
    data = _bytes(path, identity)
    try:
        found = parse(data)
        if right(found):
            return found
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # the same answer as for content that reads well and is not what its name says
    raise DamagedError(path, identity, "is damaged")
