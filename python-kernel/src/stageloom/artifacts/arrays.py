"""NumPy arrays as ``.npy`` files with canonical bytes, and scalars as JSON."""

from __future__ import annotations

import base64
import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from stageloom.artifacts.errors import UnloadableError
from stageloom.model.values import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: From this size on an array is mapped instead of read.
MAPPED = 1 << 20


def is_plain(array: NDArray[Any]) -> bool:
    """Whether an array is only shape, dtype and bytes, so that ``.npy`` holds it."""
    return not array.dtype.hasobject and array.dtype.kind in "?biufcmMSUV" and not array.dtype.metadata


def write_array(file: BinaryIO, array: NDArray[Any]) -> None:
    """Write ``array`` in C order; what lies between the fields of a record is written as zeros."""
    import numpy as np

    if array.dtype.names is not None:
        clean = np.zeros(array.shape, array.dtype)
        _copy_fields(array, clean)
        array = clean
    np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)


def array_parts(array: NDArray[Any]) -> Iterator[memoryview | bytes]:
    """Yield what :func:`write_array` writes for an array that is no record: its header, and its own memory."""
    import numpy as np

    array = np.asarray(array, order="C")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    yield header.getvalue()
    yield array.reshape(-1).view(np.uint8).data


def _copy_fields(source: NDArray[Any], target: NDArray[Any]) -> None:
    for name in source.dtype.names or ():
        if source.dtype[name].names is None:
            target[name] = source[name]
        else:
            _copy_fields(source[name], target[name])


def read_array(path: Path, *, mmap: bool) -> NDArray[Any]:
    """Return the array of a ``.npy`` file.

    A large one is mapped copy-on-write: a stage may change what it was given, as it may with a small one, and never
    changes the file. Where the process may not have as much memory of its own as that could take, it is read-only.
    """
    np = numpy()
    if not mmap or path.stat().st_size < MAPPED:
        small: NDArray[Any] = np.load(path, allow_pickle=False)
        return small
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)


def scalar_json(value: np.generic) -> Json:
    """Return a NumPy scalar as JSON: its dtype, and the value as a number or text, else as bytes."""
    kind, text = value.dtype.kind, value.dtype.str
    if kind in "?biuU":
        return {"$numpy": [text, value.item()]}
    if kind == "f" and value.dtype.itemsize <= 8:
        return {"$numpy": [text, repr(float(value))]}
    return {"$numpy": [text, {"$bytes": base64.b64encode(value.tobytes()).decode("ascii")}]}


def scalar_from_json(dtype: str, value: Json) -> object:
    """Return the scalar that :func:`scalar_json` wrote."""
    np = numpy()
    if isinstance(value, dict):
        return np.frombuffer(base64.b64decode(str(value["$bytes"])), np.dtype(dtype))[0]
    kind = np.dtype(dtype)
    return kind.type(float(value) if kind.kind == "f" else value)  # type: ignore[arg-type]  # as it was written


def numpy() -> Any:
    """Return the numpy module; raises UnloadableError where the environment has none."""
    try:
        import numpy as np
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is a NumPy array, and numpy does not import here: {error}",
            "Install numpy into this environment.",
        ) from error
    return np
