"""Bytes that travel with a value: in its text where they are few, else in a file that the other side maps."""

from __future__ import annotations

import base64
import mmap
import os
import sys
from collections.abc import Mapping
from typing import Any

_FORMATS = {"d": "<f8", "f": "<f4", "b": "|i1", "B": "|u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4"}
_FORMATS |= {"q": "<i8", "Q": "<u8"}
_OF_DTYPE = {dtype: code for code, dtype in _FORMATS.items()}
_WORDS = {"l": {4: "<i4", 8: "<i8"}, "L": {4: "<u4", 8: "<u8"}}


class Carrier:
    """Puts bytes beside or into a text, and takes them. ``carried`` counts what was put.

    Files are made as ``prefix`` with a number behind; the other side removes them. Without a prefix all is in the text.
    """

    def __init__(self, prefix: str = "", inline: int = sys.maxsize) -> None:
        self.carried = 0
        self._prefix = prefix
        self._inline = inline if prefix else sys.maxsize
        self._count = 0

    def put(self, data: Any) -> dict[str, object]:
        """Return where ``data``, anything with a contiguous buffer, can be found."""
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        self.carried += len(view)
        if len(view) < self._inline:
            return {"base64": base64.b64encode(view).decode("ascii")}
        self._count += 1
        path = f"{self._prefix}.{self._count}"
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
        ) as file:
            file.write(view)
        return {"at": path}

    def take(self, found: Mapping[str, Any]) -> memoryview:
        """Return the bytes that :meth:`put` put, in memory that is this process's own and may be written."""
        path = found.get("at")
        if path is None:
            return memoryview(bytearray(base64.b64decode(found["base64"])))
        with open(path, "rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def describe(value: object, carrier: Carrier) -> dict[str, object] | None:
    """Return what ``value`` is as bytes: its kind and where they are. None where it is nothing of the sort.

    Raises:
        TypeError: an array of what no host can read, such as complex numbers.
    """
    if isinstance(value, (bytes, bytearray)):
        return {"kind": "bytes", **carrier.put(value)}
    if isinstance(value, memoryview) or type(value).__module__ == "array":
        return _of_buffer(memoryview(value), carrier)  # type: ignore[arg-type]  # array.array has a buffer
    package = type(value).__module__.partition(".")[0]
    if package == "numpy" and hasattr(value, "dtype"):
        return _of_numpy(value, carrier)
    if package in ("pyarrow", "pandas", "polars"):
        return _of_table(value, package, carrier)
    return None


def restore(kind: str, found: Mapping[str, Any], carrier: Carrier) -> object:
    """Return the value that :func:`describe` described."""
    data = carrier.take(found)
    if kind == "bytes":
        return bytes(data)
    if kind == "arrow":
        import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

        return pa.ipc.open_stream(pa.py_buffer(data)).read_all()
    dtype, shape = found["dtype"], tuple(found["shape"])
    try:
        import numpy as np
    except ImportError:
        code: Any = _OF_DTYPE[dtype]  # one of those that cast knows
        return data.cast(code) if len(shape) == 1 or not data else data.cast(code, shape)
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)


def _of_buffer(view: memoryview, carrier: Carrier) -> dict[str, object]:
    dtype = _FORMATS.get(view.format) or _WORDS.get(view.format, {}).get(view.itemsize)
    if dtype is None or sys.byteorder != "little":
        raise TypeError(f"an array of {view.format!r} cannot travel")
    return {"kind": "array", "dtype": dtype, "shape": list(view.shape or ()), **carrier.put(view.tobytes())}


def _of_numpy(value: Any, carrier: Carrier) -> dict[str, object] | None:
    if value.shape == ():
        return None
    import numpy as np

    flat = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    if flat.dtype.str not in _OF_DTYPE and flat.dtype.str != "|b1":
        raise TypeError(f"an array of {value.dtype} cannot travel")
    return {"kind": "array", "dtype": flat.dtype.str, "shape": list(value.shape), **carrier.put(flat.reshape(-1).data)}


def _of_table(value: Any, package: str, carrier: Carrier) -> dict[str, object] | None:
    import pyarrow as pa

    if package == "pandas" and hasattr(value, "columns"):
        value = pa.Table.from_pandas(value)
    elif package == "polars" and hasattr(value, "to_arrow") and hasattr(value, "columns"):
        value = value.to_arrow()
    elif isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if not isinstance(value, pa.Table):
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, value.schema) as writer:
        writer.write_table(value, max_chunksize=65_536)
    return {"kind": "arrow", **carrier.put(sink.getvalue())}
