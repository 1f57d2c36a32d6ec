"""What one run of a reactor sends, written to its folder as it is sent, so that nothing of it stays in memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stageloom.artifacts.errors import UnstorableError
from stageloom.artifacts.reading import Reader
from stageloom.artifacts.values import CODE, FOLDER, VALUE, CodeOf, no_code
from stageloom.artifacts.writing import Writer
from stageloom.model.classes import dataclass
from stageloom.model.values import Json
from stageloom.reactors.trace import content_of
from stageloom.store.trees import hash_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Where what brings files of its own lies in the tree.
OWN = "ingredients"
#: What else is to be known of ingredients that are no plain values.
TYPES = "types.json"
_PLAIN = frozenset({"simple", "list", "object", "array"})


@dataclass(frozen=True, slots=True)
class Sent:
    """An ingredient in a folder: its part of the JSON there, its type by name, what its type noted, its content."""

    part: Json
    type: str
    note: Json
    content: str


class Outlet:
    """The folder of one run. ``code_of`` tells the code of the project's classes."""

    def __init__(self, folder: Path, code_of: CodeOf = no_code) -> None:
        self.folder = folder
        self._code_of = code_of
        self._values = folder / FOLDER
        self._values.mkdir(parents=True, exist_ok=True)
        self._writer = Writer(self._values, folder)
        self._parts: dict[str, tuple[Json, str, Json]] = {}
        self._code: dict[str, dict[str, str]] = {}
        self._mapped: dict[str, Any] = {}
        self._places: dict[str, str] = {}

    # --- what the reactor does ---------------------------------------------------------------------------------------

    def send(self, name: str, value: object, kind: str) -> None:
        """Write a value; raises UnstorableError."""
        self._refuse_second(name)
        if name in self._mapped:
            self._send_mapped(name, value, kind)
            return
        before = set(os.listdir(self._values))
        self._writer.names = set()
        try:
            part = self._writer.write(value, (name,), f"the ingredient {name!r}")
        except UnstorableError:
            if kind not in ("object", "simple", "list"):
                raise
            for left in set(os.listdir(self._values)) - before:
                (self._values / left).unlink()
            part = self._pickled(name, value)
        self._keep(name, part, kind, None)
        found = {f"{module}:{one}": self._code_of(module, one) for module, one in sorted(self._writer.names)}
        self._code[name] = {one: digest for one, digest in found.items() if digest}

    def _send_mapped(self, name: str, value: object, kind: str) -> None:
        file, array = self._mapped[name]
        if id(array) not in (id(value), id(getattr(value, "base", None))):
            raise RuntimeError(f"The array allocated for {name!r} is to be sent, not another one.")
        array.flush()
        self._keep(name, {"$file": file}, kind, None)

    def place(self, name: str, kind: str) -> Path:
        """Return the path, or folder, of an ingredient that brings files of its own."""
        slug = self._places.get(name)
        if slug is None:
            slug = self._places[name] = _slug(name, set(self._places.values()))
        path = self.folder / OWN / slug
        if kind == "file":
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            path.mkdir(parents=True, exist_ok=True)
        return path

    def send_place(self, name: str, kind: str, note: Json) -> None:
        """Take what was written at :meth:`place` as the ingredient."""
        self._refuse_second(name)
        path = self.place(name, kind)
        rel = path.relative_to(self.folder).as_posix()
        if kind == "file" and not path.is_file():
            raise RuntimeError(f"The file of the ingredient {name!r} was not written: {path}")
        self._keep(name, {"$path": rel}, kind, note)

    def map_array(self, name: str, shape: tuple[int, ...], dtype: object) -> NDArray[Any]:
        """Return an array on disk to be filled and sent: it may be larger than memory."""
        import numpy as np

        file = f"{_slug(name, set())}~mapped{len(self._mapped) or ''}.npy"
        array = np.lib.format.open_memmap(self._values / file, mode="w+", dtype=np.dtype(dtype or "f4"), shape=shape)  # type: ignore[no-untyped-call,call-overload,unused-ignore]  # numpy's stubs differ by version
        self._mapped[name] = (file, array)
        return array  # type: ignore[no-any-return,unused-ignore]

    # --- what the plant does -----------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Return whether ``name`` was sent."""
        return name in self._parts

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to show about how values were written."""
        return tuple(self._writer.warnings)

    @property
    def names(self) -> tuple[str, ...]:
        """What was sent."""
        return tuple(self._parts)

    def sent(self, name: str) -> Sent:
        """Return an ingredient as it stands now; its files are hashed."""
        hashes = {path: sha256 for path, _, sha256 in self._hashed(_files_of(self._parts[name][0]))}
        return self._sent(name, hashes)

    def unhashed(self, name: str) -> Sent:
        """Return an ingredient without its content, which takes reading all of it."""
        return Sent(*self._parts[name], content="")

    def finish(self) -> tuple[dict[str, Sent], list[tuple[str, int, str]]]:
        """Write what says how the parts go together; return all that was sent, and the files for the store."""
        for _, array in self._mapped.values():
            array.flush()
        self._drop_unsent()
        self._mapped.clear()  # Windows moves no file that is mapped
        parts = {name: self._parts[name][0] for name in sorted(self._parts)}
        value: Json = dict(parts)
        if any(name.startswith("$") for name in parts):
            value = {"$dict": [[name, part] for name, part in parts.items()]}
        self._write(VALUE, json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n")
        code = {name: found for name, found in sorted(self._code.items()) if found}
        if code:
            self._write(CODE, json.dumps(code, indent=1) + "\n")
        types = {
            name: {"type": kind, "note": note}
            for name, (_, kind, note) in sorted(self._parts.items())
            if kind not in _PLAIN
        }
        if types:
            (self.folder / OWN).mkdir(exist_ok=True)
            (self.folder / OWN / TYPES).write_text(json.dumps(types, sort_keys=True) + "\n", "ascii", newline="\n")
        files = self._hashed([""])
        hashes = {path: sha256 for path, _, sha256 in files}
        return {name: self._sent(name, hashes) for name in self._parts}, files

    # --- inside ------------------------------------------------------------------------------------------------------

    def _write(self, name: str, text: str) -> None:
        (self._values / name).write_text(text, "ascii", newline="\n")

    def _drop_unsent(self) -> None:
        """An allocated ingredient that was not sent is no part of the result."""
        import shutil

        for name, (file, _) in self._mapped.items():
            if name not in self._parts:
                (self._values / file).unlink()
        for name, slug in self._places.items():
            if name not in self._parts:
                path = self.folder / OWN / slug
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def _refuse_second(self, name: str) -> None:
        if name in self._parts:
            raise RuntimeError(f"The ingredient {name!r} was sent twice. A reactor sends each ingredient once.")

    def _keep(self, name: str, part: Json, kind: str, note: Json) -> None:
        self._parts[name] = (part, kind, note)

    def _pickled(self, name: str, value: object) -> Json:
        from stageloom.artifacts import pickles

        data, names = pickles.dumps_with_names(value)
        self._writer.names |= names
        file = f"{_slug(name, set())}~pickled.pickle"
        (self._values / file).write_bytes(data)
        return {"$file": file}

    def _sent(self, name: str, hashes: Mapping[str, str]) -> Sent:
        part, kind, note = self._parts[name]
        return Sent(part, kind, note, content_of(part, _below(hashes, _files_of(part)), self._code.get(name, {})))

    def _hashed(self, places: list[str]) -> list[tuple[str, int, str]]:
        result = []
        for place in dict.fromkeys(places):
            top = self.folder / place
            for path in [top] if top.is_file() else sorted(one for one in top.rglob("*") if one.is_file()):
                full = os.fspath(path)
                result.append((path.relative_to(self.folder).as_posix(), os.path.getsize(full), hash_file(full)))
        return result


def _below(hashes: Mapping[str, str], places: list[str]) -> dict[str, str]:
    return {
        path: sha256
        for path, sha256 in hashes.items()
        if any(path == place or path.startswith(f"{place}/") for place in places)
    }


def read_part(folder: Path, part: Json, *, mmap: bool = True) -> object:
    """Return the value of an ingredient in a run's folder; raises UnloadableError."""
    return Reader(folder / FOLDER, folder, mmap=mmap).read(part)


def sent_in(tree: Path, hashes: Mapping[str, str]) -> dict[str, Sent]:
    """Return what a stored tree holds, given the SHA-256 of each of its files; raises ValueError, OSError."""
    value = json.loads(_text(tree, f"{FOLDER}/{VALUE}", hashes))
    parts = dict(value["$dict"]) if list(value) == ["$dict"] else value
    types: dict[str, Any] = {}
    if f"{OWN}/{TYPES}" in hashes:
        types = json.loads(_text(tree, f"{OWN}/{TYPES}", hashes))
    code = json.loads(_text(tree, f"{FOLDER}/{CODE}", hashes)) if f"{FOLDER}/{CODE}" in hashes else {}
    result = {}
    for name, part in parts.items():
        told = types.get(name, {})
        files = _below(hashes, _files_of(part))
        result[name] = Sent(
            part, told.get("type", _type_of(part)), told.get("note"), content_of(part, files, code.get(name, {}))
        )
    return result


def _text(tree: Path, path: str, hashes: Mapping[str, str]) -> str:
    data = (tree / path).read_bytes()
    if hashlib.sha256(data).hexdigest() != hashes[path]:
        raise ValueError(f"{tree / path} is not what was stored")
    return data.decode("ascii")


def _files_of(part: Json) -> list[str]:
    """Return the files that a part of the JSON points at."""
    found: list[str] = []
    pending = [part]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, dict):
            for key, item in one.items():
                if key == "$path" and isinstance(item, str):
                    found.append(item)
                elif key.startswith("$") and isinstance(item, str):
                    found.append(f"{FOLDER}/{item}")
                else:
                    pending.append(item)
                    if isinstance(item, str):
                        found.append(f"{FOLDER}/{item}")
    return found


def _type_of(part: Json) -> str:
    if isinstance(part, dict):
        file = part.get("$file")
        return "array" if isinstance(file, str) and file.endswith(".npy") else "object"
    return "list" if isinstance(part, list) else "simple"


def _slug(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name).strip(".")[:60] or "_"
    lower = {one.lower() for one in taken}
    slug = stem
    if slug != name or slug.lower() in lower or slug.lower() == TYPES:
        slug = f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}-{stem}"
    return slug
