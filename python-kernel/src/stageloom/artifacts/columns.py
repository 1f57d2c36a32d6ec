"""Arrow's tables and polars' frames as one Arrow IPC file, uncompressed, so that it is opened without a copy."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from stageloom.artifacts.arrays import MAPPED
from stageloom.artifacts.errors import UnloadableError

SUFFIX = ".arrow"
#: Rows a batch: a reader of some rows reads no more than their batches.
BATCH = 1 << 16

_TYPES = {
    ("pyarrow", "Table"): "arrow:table",
    ("pyarrow", "RecordBatch"): "arrow:batch",
    ("polars", "DataFrame"): "polars:frame",
    ("polars", "Series"): "polars:series",
}

#: What :func:`columns_kind` returns.
KINDS = tuple(_TYPES.values())


class NotColumnarError(TypeError):
    """A table with a column that Arrow does not know."""


def columns_kind(value: object) -> str:
    """Return what :func:`write_columns` is to be told of ``value``; empty for what is none of these types."""
    kind = type(value)
    return _TYPES.get((kind.__module__.partition(".")[0], kind.__name__), "")


def write_columns(path: Path, kind: str, value: Any) -> None:
    """Write a table: equal tables as equal bytes, however they were put together."""
    if kind.startswith("polars"):
        _write_polars(path, value if kind == "polars:frame" else value.to_frame())
    else:
        pa: Any = importlib.import_module("pyarrow")
        _write_arrow(path, value if kind == "arrow:table" else pa.Table.from_batches([value]))


def _write_arrow(path: Path, table: Any) -> None:
    ipc: Any = importlib.import_module("pyarrow.ipc")
    table = table.combine_chunks()
    with ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH)


def _write_polars(path: Path, frame: Any) -> None:
    pl: Any = importlib.import_module("polars")
    unknown = [str(name) for name, dtype in frame.schema.items() if dtype == pl.Object]
    if unknown:
        raise NotColumnarError(f"objects in the column {unknown[0]!r}")
    # the oldest layout has no views into buffers, which tell how a text came about
    frame.rechunk().write_ipc(path, compression="uncompressed", compat_level=pl.CompatLevel.oldest())


def read_columns(path: Path, kind: str, *, mmap: bool) -> Any:
    """Return what :func:`write_columns` wrote; a large one is mapped."""
    mapped = mmap and path.stat().st_size >= MAPPED
    package, _, form = kind.partition(":")
    if package == "polars":
        pl = _package("polars", "a polars table")
        frame = pl.read_ipc(path) if mapped else pl.read_ipc(path.read_bytes())
        return frame if form == "frame" else frame.to_series()
    pa = _package("pyarrow", "an Arrow table")
    ipc: Any = importlib.import_module("pyarrow.ipc")
    source = pa.memory_map(str(path)) if mapped else pa.BufferReader(path.read_bytes())
    table = ipc.open_file(source).read_all()
    if form == "table":
        return table
    combined = table.combine_chunks()
    batches = combined.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _package(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is {what}, and {name} does not import here: {error}",
            f"Install {name} into this environment.",
        ) from error
