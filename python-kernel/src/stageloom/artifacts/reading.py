"""A value put together again from its JSON and its files."""

from __future__ import annotations

import base64
import pathlib
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from stageloom.artifacts import arrays, columns, frames, models, pickles, pictures, sparse
from stageloom.artifacts.codecs import Codec
from stageloom.artifacts.errors import UnloadableError
from stageloom.artifacts.naming import find_class
from stageloom.artifacts.texts import from_text
from stageloom.model.values import Json

_AGAIN = "Realize the stage again."


class Reader:
    """Reads one value; ``folder`` holds its files, ``tree`` is the folder of the whole realization."""

    def __init__(self, folder: Path, tree: Path, *, mmap: bool) -> None:
        self._folder = folder
        self._tree = tree
        self._mmap = mmap
        self._tags: dict[str, Callable[[Any], object]] = {
            "$float": float,
            "$file": self._file,
            "$bytes": base64.b64decode,
            "$bytearray": lambda body: bytearray(base64.b64decode(body)),
            "$tuple": lambda body: tuple(map(self.read, body)),
            "$set": lambda body: set(map(self.read, body)),
            "$frozenset": lambda body: frozenset(map(self.read, body)),
            "$dict": lambda body: {self.read(key): self.read(item) for key, item in body},
            "$numpy": lambda body: arrays.scalar_from_json(*body),
            "$keras": lambda body: models.read_keras(self._place(body)),
            "$image": lambda body: pictures.read_picture(self._place(body)),
            "$path": lambda body: self._tree / body,
            "$pathlib": _pure_path,
        }
        #: What has more to it than what stands at its tag.
        self._wide: dict[str, Callable[[Any, dict[str, Json]], object]] = {
            "$dataclass": self._restored,
            "$namedtuple": self._restored,
            "$mapping": self._mapping,
            "$sparse": self._sparse,
            "$columns": self._columns,
            "$torch": lambda body, value: models.tensor_of(body, self.read(value["array"])),
            "$pickle": self._pickled,
            "$codec": lambda name, value: self._own(name, str(value["file"])),
            "$enum": lambda kind, value: _member(find_class(kind), str(value["name"])),
        }

    def read(self, value: Json) -> object:
        """Return the value that ``value`` stands for; raises UnloadableError."""
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag = next(iter(value), "")
        if not tag.startswith("$"):
            return {key: self.read(item) for key, item in value.items()}
        if tag in self._tags:
            return self._tags[tag](value[tag])
        if tag in self._wide:
            return self._wide[tag](value[tag], value)
        try:
            return from_text(tag, value[tag], cast(int, value.get("fold", 0)))
        except KeyError:
            advice = "It was written by a newer version of Stageloom: update this one."
            raise UnloadableError(f"a stored value is of an unknown kind, {tag}", advice) from None

    def _restored(self, kind: str, value: dict[str, Json]) -> object:
        parts = {name: self.read(item) for name, item in cast("dict[str, Json]", value["fields"]).items()}
        return _restore(find_class(kind), parts)

    def _mapping(self, kind: str, value: dict[str, Json]) -> object:
        made = cast(Any, find_class(kind)())
        for key, item in cast("list[list[Json]]", value["items"]):
            made[self.read(key)] = self.read(item)
        return made

    def _sparse(self, kind: str, value: dict[str, Json]) -> object:
        parts = {name: self.read(part) for name, part in cast("dict[str, Json]", value["parts"]).items()}
        return sparse.put_together(kind, cast("list[int]", value["shape"]), parts)

    def _columns(self, kind: str, value: dict[str, Json]) -> object:
        return columns.read_columns(self._place(str(value["file"])), kind, mmap=self._mmap)

    def _pickled(self, name: str, value: dict[str, Json]) -> object:
        parts = cast("list[Json]", value["parts"])
        return _unpickle(self._place(name), lambda number: self.read(parts[number]))

    def _place(self, name: str) -> Path:
        path = self._folder / name
        if "/" in name or "\\" in name or not path.exists():
            raise UnloadableError(f"a stored value points at {name}, which is not there", _AGAIN)
        return path

    def _own(self, name: str, file: str) -> object:
        found = find_class(name)
        if not issubclass(found, Codec):
            raise UnloadableError(f"a stored value is of {name}, which is no codec any more", _AGAIN)
        path = self._place(file)
        try:
            value: object = found().load(path)
        except UnloadableError:
            raise
        except Exception as error:
            advice = f"Mend {found.__qualname__}.load, or realize the stage again."
            raise UnloadableError(f"{name} could not load {file}: {type(error).__name__}: {error}", advice) from error
        return value

    def _file(self, name: str) -> object:
        path = self._place(name)
        if name.endswith(".npy"):
            return arrays.read_array(path, mmap=self._mmap)
        if name.endswith(frames.SUFFIX):
            return frames.read_frame(path)
        if name.endswith(".bin"):
            return path.read_bytes()
        return _unpickle(path) if name.endswith(".pickle") else path


def _no_part(number: int) -> object:
    raise pickle.UnpicklingError(f"it refers to a part, {number}, that was not stored")


def _unpickle(path: Path, part: Callable[[int], object] = _no_part) -> object:
    try:
        return pickles.loads(path.read_bytes(), part)
    except ModuleNotFoundError as error:
        raise UnloadableError(
            f"{path.name} cannot be read: {error}", f"Install {error.name} into this environment."
        ) from error
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, TypeError, ValueError) as error:
        raise UnloadableError(f"{path.name} cannot be read: {type(error).__name__}: {error}", _AGAIN) from error


def _pure_path(body: list[str]) -> pathlib.PurePath:
    kind, text = body
    # a path of the other system's kind can only be looked at
    made = cast("type[pathlib.PurePath]", getattr(pathlib, kind))
    return made(text) if kind.startswith("Pure") or made is type(Path()) else Path(text)


def _member(kind: type, name: str) -> object:
    try:
        return cast(Any, kind)[name]
    except KeyError:
        raise UnloadableError(f"a stored value is {kind.__qualname__}.{name}, which is gone", _AGAIN) from None


def _restore(kind: type, parts: dict[str, object]) -> object:
    """Return an instance without running its ``__init__``, which may not accept what it made of its arguments."""
    if issubclass(kind, tuple):
        if set(getattr(kind, "_fields", ())) != set(parts):
            raise UnloadableError(f"a stored {kind.__qualname__} has other fields than the class has now", _AGAIN)
        return cast(Any, kind)(**parts)
    if not is_dataclass(kind) or not set(parts) <= {field.name for field in fields(kind)}:
        raise UnloadableError(f"a stored {kind.__qualname__} has other fields than the class has now", _AGAIN)
    made = object.__new__(kind)
    for name, part in parts.items():
        object.__setattr__(made, name, part)
    return made
