"""pandas frames, series and indexes as one ``.table.npz``: a zip of columns, each an ``.npy`` that previews can read.

Parquet would need pyarrow in every environment, and its bytes tell the version that wrote them, so that two
environments would store one value as two.
"""

from __future__ import annotations

import importlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from stageloom.artifacts.arrays import is_plain, numpy, write_array
from stageloom.artifacts.errors import UnloadableError
from stageloom.model.values import Json, NotSerialisableError, from_json, to_json

SUFFIX = ".table.npz"
_NULLABLE = frozenset(
    {"boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"}
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


class NotTabularError(TypeError):
    """A frame with something that only a pickle can hold."""


def is_frame(value: object) -> bool:
    """Whether ``value`` is exactly a pandas DataFrame, Series or Index, told without importing pandas."""
    kind = type(value)
    return kind.__module__.partition(".")[0] == "pandas" and any(
        base.__name__ in ("DataFrame", "Series", "Index") and base.__module__.partition(".")[0] == "pandas"
        for base in kind.__mro__
    )


def write_frame(path: Path, value: Any) -> None:
    """Write a DataFrame, Series or Index; raises NotTabularError before anything is written."""
    pd = _pandas()

    parts = _Parts()
    meta: dict[str, Json]
    if type(value) is pd.DataFrame:
        _refuse_extras(value)
        columns: list[Json] = [parts.column(value.iloc[:, number]) for number in range(value.shape[1])]
        meta = {
            "is": "frame",
            "columns": columns,
            "labels": parts.index(value.columns),
            "index": parts.index(value.index),
        }
    elif type(value) is pd.Series:
        _refuse_extras(value)
        meta = {
            "is": "series",
            "column": parts.column(value),
            "name": _label(value.name),
            "index": parts.index(value.index),
        }
    elif isinstance(value, pd.Index):
        meta = {"is": "index", "index": parts.index(value)}
    else:
        raise NotTabularError(f"a {type(value).__qualname__}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [("meta.json", json.dumps(meta, separators=(",", ":")).encode("ascii")), *parts.members]:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)


def read_frame(path: Path) -> Any:
    """Return what :func:`write_frame` wrote."""
    pd = _pandas()
    with zipfile.ZipFile(path) as archive:
        read = _Reader(archive)
        meta = json.loads(archive.read("meta.json"))
        index = read.index(meta["index"])
        if meta["is"] == "index":
            return index
        if meta["is"] == "series":
            return pd.Series(read.column(meta["column"]), index=index, name=_unlabel(meta["name"]), copy=False)
        arrays = {number: read.column(spec) for number, spec in enumerate(meta["columns"])}
        frame = pd.DataFrame(arrays, index=index, copy=False)
        frame.columns = read.index(meta["labels"])
        return frame


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is a pandas table, and pandas does not import here: {error}",
            "Install pandas into this environment.",
        ) from error


def _refuse_extras(value: Any) -> None:
    if value.attrs:
        raise NotTabularError("a table with attrs")


def _label(name: object) -> Json:
    try:
        return to_json(name)
    except NotSerialisableError:
        raise NotTabularError(f"the label {name!r}") from None


def _unlabel(name: Json) -> Any:
    return from_json(name)


class _Parts:
    """Collects the members of the archive."""

    def __init__(self) -> None:
        self.members: list[tuple[str, bytes]] = []

    def _add(self, array: Any) -> str:
        if not is_plain(array):
            raise NotTabularError(f"a column of {array.dtype}")
        stream = io.BytesIO()
        write_array(stream, array)
        name = f"{len(self.members)}.npy"
        self.members.append((name, stream.getvalue()))
        return name

    def index(self, index: Any) -> Json:
        pd = _pandas()

        names = [_label(name) for name in index.names]
        if type(index) is pd.RangeIndex:
            return {"as": "range", "bounds": [index.start, index.stop, index.step], "names": names}
        if isinstance(index, pd.MultiIndex):
            levels = [self.column(index.get_level_values(number)) for number in range(index.nlevels)]
            return {"as": "multi", "levels": levels, "names": names}
        freq = getattr(index, "freqstr", None) if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
        return {"as": "plain", "column": self.column(index), "freq": freq, "names": names}

    def column(self, column: Any) -> Json:
        import numpy as np

        pd = _pandas()

        dtype = column.dtype
        name = str(dtype)
        if isinstance(dtype, pd.CategoricalDtype):
            codes = column.codes if isinstance(column, pd.Index) else column.cat.codes.to_numpy()
            return {
                "as": "category",
                "codes": self._add(np.asarray(codes)),
                "categories": self.column(dtype.categories),
                "ordered": bool(dtype.ordered),
            }
        if isinstance(dtype, pd.DatetimeTZDtype):
            utc = column.tz_convert(None) if isinstance(column, pd.Index) else column.dt.tz_convert(None)
            return {"as": "zoned", "values": self._add(utc.to_numpy()), "dtype": name}
        if isinstance(dtype, np.dtype) and dtype.kind != "O":
            return {"as": "array", "values": self._add(column.to_numpy()), "dtype": dtype.str}
        if isinstance(dtype, (np.dtype, pd.StringDtype)):
            return {"as": "text", **self._text(column.to_numpy(object)), "dtype": name}
        if name.lower() in _NULLABLE:
            missing = np.asarray(column.isna())
            plain = column.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
            return {"as": "masked", "values": self._add(plain), "missing": self._add(missing), "dtype": name}
        raise NotTabularError(f"a column of {name}")

    def _text(self, values: Any) -> dict[str, Json]:
        import numpy as np

        pd = _pandas()

        pieces: list[bytes] = []
        missing = np.zeros(len(values), np.uint8)
        for number, value in enumerate(values):
            if type(value) is str:
                pieces.append(value.encode("utf-8", "surrogatepass"))
                continue
            if value is None:
                missing[number] = 1
            elif type(value) is float and value != value:  # NaN
                missing[number] = 2
            elif value is pd.NA:
                missing[number] = 3
            else:
                raise NotTabularError(f"a column of objects, a {type(value).__qualname__} among them")
            pieces.append(b"")
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        return {
            "bytes": self._add(np.frombuffer(b"".join(pieces), np.uint8)),
            "ends": self._add(ends),
            "missing": self._add(missing) if missing.any() else None,
        }


class _Reader:
    """Makes columns of an archive's members."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def _member(self, name: str) -> Any:
        return numpy().load(io.BytesIO(self._archive.read(name)), allow_pickle=False)

    def index(self, spec: dict[str, Any]) -> Any:
        pd = _pandas()

        names = [_unlabel(name) for name in spec["names"]]
        if spec["as"] == "range":
            return pd.RangeIndex(*spec["bounds"], name=names[0])
        if spec["as"] == "multi":
            return pd.MultiIndex.from_arrays([self.column(level) for level in spec["levels"]], names=names)
        index = pd.Index(self.column(spec["column"]), name=names[0])
        if spec["freq"] is not None:
            index.freq = spec["freq"]
        return index

    def column(self, spec: dict[str, Any]) -> Any:
        pd = _pandas()

        form = spec["as"]
        if form == "array":
            return self._member(spec["values"])
        if form == "category":
            kind = pd.CategoricalDtype(pd.Index(self.column(spec["categories"])), ordered=spec["ordered"])
            return pd.Categorical.from_codes(self._member(spec["codes"]), dtype=kind)
        if form == "zoned":
            zone = pd.DatetimeIndex(self._member(spec["values"])).tz_localize("UTC").astype(spec["dtype"])
            return zone.array
        if form == "masked":
            made = pd.array(self._member(spec["values"]), dtype=spec["dtype"])
            made[self._member(spec["missing"])] = pd.NA
            return made
        return self._text(spec)

    def _text(self, spec: dict[str, Any]) -> Any:
        import numpy as np

        pd = _pandas()

        data = self._member(spec["bytes"]).tobytes()
        ends = self._member(spec["ends"]).tolist()
        values = np.empty(len(ends), object)
        start = 0
        for number, end in enumerate(ends):
            values[number] = data[start:end].decode("utf-8", "surrogatepass")
            start = end
        if spec["missing"] is not None:
            codes = self._member(spec["missing"])
            for code, stands_for in ((1, None), (2, float("nan")), (3, pd.NA)):
                values[codes == code] = stands_for
        if spec["dtype"] == "object":
            return pd.Series(values, dtype=object).array
        return pd.array(values, dtype=spec["dtype"])
