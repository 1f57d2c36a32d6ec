"""A value taken apart: JSON for what is small, files for what is not."""

from __future__ import annotations

import base64
import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

from stageloom.artifacts import arrays, columns, frames, hashing, models, pickles, pictures, sparse
from stageloom.artifacts.codecs import Codec, codec_of
from stageloom.artifacts.errors import MissingFileError, UnstorableError
from stageloom.artifacts.naming import FileNames, class_name
from stageloom.artifacts.texts import text_form
from stageloom.model.values import Json, canonical_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes up to this length stand in the JSON itself.
_INLINE = 1024

#: Arrays within what is pickled are files of their own from this number of bytes on.
_APART = 4096

#: Subclasses of dict that hold nothing but their items, by where users import them from.
_MAPPINGS = {
    ("collections", "OrderedDict"): "collections:OrderedDict",
    ("collections", "Counter"): "collections:Counter",
    ("scipy", "OptimizeResult"): "scipy.optimize:OptimizeResult",
    ("sklearn", "Bunch"): "sklearn.utils:Bunch",
}

_HOPELESS = {
    "generator": "Return a list of its items.",
    "async_generator": "Return a list of its items.",
    "coroutine": "Await it, and return the result.",
    "module": "Return what you need of it.",
    "function": "Return the data it works on; a stage that needs the function can import it.",
    "builtin_function_or_method": "Return the data it works on; a stage that needs the function can import it.",
}


class Writer:
    """Writes the parts of one value below ``folder``; ``out`` is the stage's own folder around it.

    ``names`` are module and name of the classes and functions that what was written refers to.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.warnings: list[str] = []
        self.names: set[tuple[str, str]] = set()
        self._folder = folder
        self._out = out
        self._names = FileNames()
        self._open: set[int] = set()

    def write(self, value: object, steps: tuple[str, ...] = (), path: str = "the return value") -> Json:
        """Return ``value`` as JSON, having written the files it points at; raises UnstorableError."""
        if value is None or type(value) in (bool, int, str):
            return cast(Json, value)
        if type(value) is float:
            return value if value - value == 0 else {"$float": repr(value)}
        form = text_form(value)
        if form is not None:
            return form
        if id(value) in self._open:
            raise UnstorableError(path, "contains itself", "Return a value without cycles.")
        self._open.add(id(value))
        try:
            return self._composed(value, steps, path)
        finally:
            self._open.discard(id(value))

    def _composed(self, value: object, steps: tuple[str, ...], path: str) -> Json:
        if type(value) in (list, tuple):
            items = self._items(cast("list[object]", value), steps, path)
            return items if type(value) is list else {"$tuple": items}
        if type(value) in (set, frozenset):
            members = [self.write(item, steps, f"an element of {path}") for item in cast("set[object]", value)]
            return {f"${type(value).__name__}": sorted(members, key=canonical_text)}
        if type(value) is dict:
            return self._mapping(value, steps, path)
        if type(value) in (bytes, bytearray):
            return self._bytes(cast(bytes, value), steps)
        return self._classed(value, steps, path)

    def _classed(self, value: object, steps: tuple[str, ...], path: str) -> Json:
        codec = codec_of(type(value))
        if codec is not None:
            return self._own(codec, value, steps, path)
        if isinstance(value, enum.Enum):
            return {"$enum": self._class(type(value), path), "name": value.name}
        if isinstance(value, PurePath):
            return self._path(value, path)
        if isinstance(value, dict):
            known = _MAPPINGS.get((type(value).__module__.partition(".")[0], type(value).__name__))
            if known is not None:
                return {"$mapping": known, "items": self._pairs(value, steps, path)}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._fields("$namedtuple", value, value._fields, steps, path)
        if is_dataclass(value) and not isinstance(value, type) and _is_simple(value):
            return self._fields("$dataclass", value, [field.name for field in fields(value)], steps, path)
        return self._foreign(value, steps, path)

    def _items(self, value: list[object], steps: tuple[str, ...], path: str) -> list[Json]:
        return [self.write(item, (*steps, str(index)), f"{path}[{index}]") for index, item in enumerate(value)]

    def _mapping(self, value: dict[Any, object], steps: tuple[str, ...], path: str) -> Json:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: self.write(item, (*steps, key), f"{path}[{key!r}]") for key, item in value.items()}
        return {"$dict": self._pairs(value, steps, path)}

    def _pairs(self, value: dict[Any, object], steps: tuple[str, ...], path: str) -> list[Json]:
        return [
            [self.write(key, steps, f"a key of {path}"), self.write(item, (*steps, str(key)), f"{path}[{key!r:.40}]")]
            for key, item in value.items()
        ]

    def _fields(self, tag: str, value: object, names: Any, steps: tuple[str, ...], path: str) -> Json:
        kind = self._class(type(value), path)
        made = {
            name: self.write(getattr(value, name), (*steps, name), f"{path}.{name}")
            for name in names
            if hasattr(value, name)
        }
        return {tag: kind, "fields": made}

    def _own(self, codec: type[Codec[Any]], value: object, steps: tuple[str, ...], path: str) -> Json:
        name = self._class(codec, path)
        file = self._names.take(steps, codec.suffix)
        codec().save(value, self._folder / file)
        if not (self._folder / file).exists():
            problem = f"{path} is a {type(value).__qualname__}, and {codec.__qualname__}.save did not write its file"
            raise MissingFileError(problem, f"Write to the path that {codec.__qualname__}.save is given.")
        return {"$codec": name, "file": file}

    def _class(self, kind: type, path: str) -> str:
        name = class_name(kind, path)
        self.names.add((kind.__module__, kind.__qualname__))
        return name

    def _bytes(self, value: bytes, steps: tuple[str, ...]) -> Json:
        if type(value) is bytes and len(value) > _INLINE:
            return self._file(steps, ".bin", lambda file: _write_bytes(file, value))
        return {f"${type(value).__name__}": base64.b64encode(value).decode("ascii")}

    def _path(self, value: PurePath, path: str) -> Json:
        if value.is_absolute() and value.is_relative_to(self._out):
            if not Path(value).exists():
                name = value.relative_to(self._out).as_posix()
                problem = f"{path} is the path of {name}, which was not written"
                raise MissingFileError(problem, f"Write {name} before returning its path.")
            return {"$path": value.relative_to(self._out).as_posix()}
        return {"$pathlib": [type(value).__name__, str(value)]}

    def _file(self, steps: tuple[str, ...], suffix: str, write: Callable[[Path], object]) -> Json:
        return {"$file": self._written(steps, suffix, write)}

    def _written(self, steps: tuple[str, ...], suffix: str, write: Callable[[Path], object]) -> str:
        name = self._names.take(steps, suffix)
        write(self._folder / name)
        return name

    # --- what other packages define ----------------------------------------------------------------------------------

    def _foreign(self, value: object, steps: tuple[str, ...], path: str) -> Json:
        package = type(value).__module__.partition(".")[0]
        if package == "numpy":
            import numpy as np

            if isinstance(value, np.generic) and not value.dtype.hasobject:
                return arrays.scalar_json(value)
            if type(value) in (np.ndarray, np.memmap) and arrays.is_plain(cast("NDArray[Any]", value)):
                return self._array(cast("NDArray[Any]", value), steps)
        form = sparse.sparse_kind(value)
        if form:
            parts = sparse.take_apart(value)
            made = {name: self._array(part, (*steps, name)) for name, part in parts.items()}
            return {"$sparse": form, "shape": [int(side) for side in cast(Any, value).shape], "parts": cast(Json, made)}
        if pictures.is_picture(value):
            return {"$image": self._written(steps, ".png", lambda file: pictures.write_picture(file, value))}
        if package == "matplotlib" and hasattr(value, "savefig"):
            return self._file(steps, ".png", lambda file: _save_figure(value, file))
        return self._table(value, steps, path)

    def _table(self, value: object, steps: tuple[str, ...], path: str) -> Json:
        if frames.is_frame(value):
            try:
                return self._file(steps, frames.SUFFIX, lambda file: frames.write_frame(file, value))
            except frames.NotTabularError as error:
                return self._pickle(value, steps, path, f", because it holds {error}")
        columnar = columns.columns_kind(value)
        if columnar:
            return self._columns(columnar, value, steps, path)
        return self._model(value, steps, path)

    def _model(self, value: object, steps: tuple[str, ...], path: str) -> Json:
        if models.is_tensor(value):
            return self._tensor(value, steps)
        if models.is_keras(value):
            return {"$keras": self._written(steps, models.KERAS_SUFFIX, lambda file: models.write_keras(file, value))}
        return self._pickle(value, steps, path, "")

    def _columns(self, kind: str, value: object, steps: tuple[str, ...], path: str) -> Json:
        try:
            file = self._written(steps, columns.SUFFIX, lambda place: columns.write_columns(place, kind, value))
        except columns.NotColumnarError as error:
            advice = "Make it a column of numbers, texts, lists or structs."
            raise UnstorableError(path, f"holds {error}, which Arrow has no type for", advice) from error
        return {"$columns": kind, "file": file}

    def _tensor(self, value: object, steps: tuple[str, ...]) -> Json:
        about, array = models.tensor_array(value)
        return {"$torch": about, "array": self._array(array, steps)}

    def _array(self, value: NDArray[Any], steps: tuple[str, ...]) -> Json:
        def write(file: Path) -> None:
            if value.nbytes >= hashing.LARGE and value.dtype.names is None:
                hashing.write_hashed(file, arrays.array_parts(value))
                return
            with file.open("wb") as stream:
                arrays.write_array(stream, value)

        return self._file(steps, ".npy", write)

    def _pickle(self, value: object, steps: tuple[str, ...], path: str, why: str) -> Json:
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        parts = _Parts(self, steps, value)
        try:
            data, names = pickles.dumps_with_names(value, parts.apart)
        except (RecursionError, OSError):
            raise
        except Exception as error:
            raise UnstorableError(path, f"is a {kind}, which cannot be stored ({error})", _advice(value)) from error
        self.names |= names
        if not models.is_module(value):
            self.warnings.append(
                f"{path} is a {kind}{why}, and was stored as a pickle: "
                "it cannot be previewed, and other versions may not be able to read it"
            )
        stored = self._file(steps, ".pickle", lambda file: _write_bytes(file, data))
        return (
            {"$pickle": cast("dict[str, Json]", stored)["$file"], "parts": parts.written} if parts.written else stored
        )

    def part(self, value: object, steps: tuple[str, ...]) -> Json:
        """Return an array or tensor as JSON, having written its file."""
        return (
            self._tensor(value, steps) if models.is_tensor(value) else self._array(cast("NDArray[Any]", value), steps)
        )


class _Parts:
    """The arrays and tensors of a pickled value, which are files of their own: they can be shown, and mapped."""

    def __init__(self, writer: Writer, steps: tuple[str, ...], value: object) -> None:
        self.written: list[Json] = []
        self._writer = writer
        self._steps = steps
        named = models.named_tensors(value) if models.is_module(value) else ()
        self._names = {id(tensor): name for name, tensor in named}
        self._seen: dict[int, tuple[int, object]] = {}

    def apart(self, value: object) -> int | None:
        """Return the number of a part, having written it where it is new."""
        if id(value) in self._seen:
            return self._seen[id(value)][0]
        if not (_is_large_array(value) or models.is_tensor(value)):
            return None
        number = len(self.written)
        name = self._names.get(id(value), str(number))
        self.written.append(self._writer.part(value, (*self._steps, name)))
        self._seen[id(value)] = number, value  # the value too: while it lives, its id is its own
        return number


def _is_large_array(value: object) -> bool:
    kind = type(value)
    if kind.__name__ != "ndarray" or kind.__module__ != "numpy":
        return False
    array = cast("NDArray[Any]", value)
    return array.nbytes >= _APART and arrays.is_plain(array)


def _is_simple(value: object) -> bool:
    """Whether a dataclass holds nothing beside its fields and does not say itself how it is pickled."""
    kind = type(value)
    names = {field.name for field in fields(cast(Any, value))}
    return set(getattr(value, "__dict__", ())) <= names and not any(
        "__reduce__" in vars(base) or "__reduce_ex__" in vars(base) for base in kind.__mro__[:-1]
    )


def _advice(value: object) -> str:
    name = type(value).__name__
    if name in _HOPELESS:
        return _HOPELESS[name]
    if hasattr(value, "fileno"):
        return 'Write files below `out` (out / "name") and return nothing, or their paths.'
    return "Return numbers, text, arrays, tables, or dicts, lists and dataclasses of them; or write files below `out`."


def _write_bytes(file: Path, data: bytes) -> None:
    if len(data) >= hashing.LARGE:
        hashing.write_hashed(file, [data])
    else:
        file.write_bytes(data)


def _save_figure(figure: Any, file: Path) -> None:
    # without these entries the bytes would tell the version that drew it
    figure.savefig(file, format="png", metadata={"Software": None, "Creation Time": None})
