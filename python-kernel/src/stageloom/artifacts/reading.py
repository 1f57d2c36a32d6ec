"""A value put together again from its JSON and its files."""

from __future__ import annotations

import base64
import pathlib
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from stageloom.artifacts import arrays, frames, pickles, pictures, sparse
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
            "$image": lambda body: pictures.read_picture(self._place(body)),
            "$path": lambda body: self._tree / body,
            "$pathlib": _pure_path,
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
        known = self._tags.get(tag)
        if known is not None:
            return known(value[tag])
        return self._made(tag, value)

    def _made(self, tag: str, value: dict[str, Json]) -> object:
        if tag in ("$dataclass", "$namedtuple"):
            parts = {name: self.read(item) for name, item in cast("dict[str, Json]", value["fields"]).items()}
            return _restore(find_class(str(value[tag])), parts)
        if tag == "$mapping":
            made = find_class(str(value[tag]))()
            for key, item in cast("list[list[Json]]", value["items"]):
                made[self.read(key)] = self.read(item)
            return made
        if tag == "$sparse":
            arrays_ = {name: self.read(part) for name, part in cast("dict[str, Json]", value["parts"]).items()}
            return sparse.put_together(str(value[tag]), cast("list[int]", value["shape"]), arrays_)
        if tag == "$enum":
            return _member(find_class(str(value[tag])), str(value["name"]))
        try:
            return from_text(tag, value[tag], cast(int, value.get("fold", 0)))
        except KeyError:
            advice = "It was written by a newer version of Stageloom: update this one."
            raise UnloadableError(f"a stored value is of an unknown kind, {tag}", advice) from None

    def _place(self, name: str) -> Path:
        path = self._folder / name
        if "/" in name or "\\" in name or not path.is_file():
            raise UnloadableError(f"a stored value points at {name}, which is not there", _AGAIN)
        return path

    def _file(self, name: str) -> object:
        path = self._place(name)
        if name.endswith(".npy"):
            return arrays.read_array(path, mmap=self._mmap)
        if name.endswith(frames.SUFFIX):
            return frames.read_frame(path)
        if name.endswith(".bin"):
            return path.read_bytes()
        return _unpickle(path) if name.endswith(".pickle") else path


def _unpickle(path: Path) -> object:
    try:
        return pickles.loads(path.read_bytes())
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
