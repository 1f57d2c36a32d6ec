"""Previews of files that other packages write. What they need of these is imported on use; nothing is unpickled."""

from __future__ import annotations

import importlib
import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stageloom.artifacts.npy import BadArrayError
from stageloom.artifacts.shown_texts import show_bytes
from stageloom.rpc.messages import BinaryPreview, TablePreview, TextPreview

_ROWS, _COLUMNS, _CELL = 50, 100, 200
_VALUES = 6
_HEADER = 16 * 1024 * 1024


def show_parquet(path: Path) -> TablePreview | BinaryPreview:
    """Return the first rows of a Parquet file, by pyarrow."""
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        return show_bytes(path, "Parquet files are shown where the environment of the engine has pyarrow.")
    try:
        file = parquet.ParquetFile(path)
        batch = next(file.iter_batches(_ROWS, columns=file.schema_arrow.names[:_COLUMNS]), None)
    except Exception as error:  # noqa: BLE001  # pyarrow's errors have no common base but this
        raise BadArrayError(str(error)) from None
    return _rows(file.schema_arrow.names, batch, file.metadata.num_rows)


def show_arrow(path: Path) -> TablePreview | BinaryPreview:
    """Return the first rows of an Arrow IPC file, by pyarrow, else by polars; the file is mapped, not read."""
    try:
        pa: Any = importlib.import_module("pyarrow")
        ipc: Any = importlib.import_module("pyarrow.ipc")
    except ImportError:
        return _by_polars(path)
    try:
        with pa.memory_map(str(path)) as source, ipc.open_file(source) as file:
            counts = [file.get_batch(number).num_rows for number in range(file.num_record_batches)]
            first = next((number for number, count in enumerate(counts) if count), None)
            batch = None if first is None else file.get_batch(first).slice(0, _ROWS)
            return _rows(file.schema.names, batch, sum(counts))
    except Exception as error:  # noqa: BLE001  # pyarrow's errors have no common base but this
        raise BadArrayError(str(error)) from None


def _by_polars(path: Path) -> TablePreview | BinaryPreview:
    try:
        pl: Any = importlib.import_module("polars")
    except ImportError:
        return show_bytes(path, "Arrow files are shown where the environment of the engine has pyarrow or polars.")
    try:
        frame = pl.read_ipc(path)
    except Exception as error:  # noqa: BLE001  # polars' errors have no common base but this
        raise BadArrayError(str(error)) from None
    names = frame.columns[:_COLUMNS]
    rows = [[_cell(cell) for cell in row] for row in frame.select(names).head(_ROWS).rows()]
    return TablePreview(names, rows, frame.height)


def _rows(names: list[str], batch: Any, total: int) -> TablePreview:
    names = names[:_COLUMNS]
    columns = [] if batch is None else [batch.column(number).to_pylist() for number in range(len(names))]
    return TablePreview(names, [[_cell(cell) for cell in row] for row in zip(*columns, strict=True)], total)


def _cell(value: object) -> str:
    return "" if value is None else str(value)[:_CELL]


def show_hdf5(path: Path) -> TablePreview | BinaryPreview:
    """Return what an HDF5 file holds: each data set by its path, with shape, dtype and first values."""
    try:
        h5py: Any = importlib.import_module("h5py")
    except ImportError:
        return show_bytes(path, "HDF5 files are shown where the environment of the engine has h5py.")
    try:
        with h5py.File(path, "r") as file:
            rows = [
                [name, _shape(found.shape), str(found.dtype), _first(found)] for name, found in _data_sets(h5py, file)
            ]
    except OSError as error:
        raise BadArrayError(f"h5py says: {error}") from None
    return TablePreview(["name", "shape", "dtype", "first values"], rows[:_ROWS], len(rows))


def _data_sets(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:
    """Yield data sets by their paths; links to other files are not followed, and no group twice."""
    pending, seen = [("", file)], set()
    while pending:
        prefix, group = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                found = group[name]
                if isinstance(found, h5py.Dataset):
                    yield prefix + name, found
                elif isinstance(found, h5py.Group):
                    pending.append((f"{prefix}{name}/", found))


def _shape(shape: Sequence[int] | None) -> str:
    if shape is None:
        return "nothing"
    return " x ".join(map(str, shape)) or "one value"


def _first(data: Any) -> str:
    if data.shape is None:
        return ""
    if data.shape == ():
        return _cell(data[()])
    if math.prod(data.shape) == 0:
        return ""
    corner = data[(0,) * (len(data.shape) - 1) + (slice(0, _VALUES),)]
    text = ", ".join(str(value) for value in corner)
    return (text + (", …" if data.size > len(corner) else ""))[:_CELL]


def show_safetensors(path: Path) -> TablePreview:
    """Return the tensors of a safetensors file, whose header is JSON."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_HEADER, path.stat().st_size):
            raise BadArrayError("its header is longer than the file")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise BadArrayError("its header is no object")
    tensors = [(name, about) for name, about in header.items() if name != "__metadata__"]
    rows = [
        [name, _shape(about["shape"]), str(about["dtype"])]
        for name, about in tensors[:_ROWS]
        if isinstance(about, dict) and isinstance(about.get("shape"), list) and "dtype" in about
    ]
    return TablePreview(["name", "shape", "dtype"], rows, len(tensors))


def show_keras(path: Path) -> TablePreview | TextPreview:
    """Return the layers of a Keras model, or its configuration where it is made in another way."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("config.json").file_size > _HEADER:
            raise BadArrayError("its configuration is too large")
        config = json.loads(archive.read("config.json"))
    inner = config.get("config", {}) if isinstance(config, dict) else {}
    layers = inner.get("layers", []) if isinstance(inner, dict) else []
    rows = [
        [str(layer["config"].get("name", "")), str(layer.get("class_name", "")), _settings(layer["config"])]
        for layer in layers[:_ROWS]
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict)
    ]
    if not rows:
        return TextPreview(json.dumps(config, indent=2), "json", truncated=False)
    return TablePreview(["layer", "class", "settings"], rows, len(layers))


def _settings(config: dict[str, Any]) -> str:
    told = {key: value for key, value in config.items() if isinstance(value, (int, float, str)) and key != "name"}
    return ", ".join(f"{key}={value}" for key, value in told.items())[:_CELL]
