"""What a stored file looks like, found without NumPy and without ever unpickling."""

from __future__ import annotations

import base64
import importlib
import zipfile
from pathlib import Path
from typing import Any

from stageloom.artifacts.media import TABLE, list_files
from stageloom.artifacts.npy import BadArrayError
from stageloom.artifacts.shown_arrays import show_archive, show_array, show_table
from stageloom.artifacts.shown_texts import show_bytes, show_csv, show_json, show_text
from stageloom.rpc.messages import ArtifactFile, Failure, FilePreview, ImagePreview, Preview, TablePreview

_LARGEST_IMAGE = 16 * 1024 * 1024
_ROWS, _COLUMNS, _CELL = 50, 100, 200


def preview_file(tree: Path, file: ArtifactFile) -> FilePreview:
    """Return the preview of a file below ``tree``; what goes wrong is told in it, never raised."""
    path = Path(tree) / file.path
    try:
        return FilePreview(file, _preview(path, file))
    except (BadArrayError, zipfile.BadZipFile, ValueError, RecursionError) as error:
        return FilePreview(file, show_bytes(path, f"This file cannot be shown as {file.media}: {error}."))
    except OSError as error:
        advice = "Verify the store, or realize the stage again."
        failure = Failure("damaged", f"{file.path} cannot be read: {error.strerror or error}", advice)
        return FilePreview(file, None, failure)


def _preview(path: Path, file: ArtifactFile) -> Preview:
    media = file.media
    if media == "application/x-npy":
        return show_array(path)
    if media == TABLE:
        return show_table(path)
    if media == "application/x-npz":
        return show_archive(path)
    if media.startswith("image/"):
        return _image(path, media)
    if media in ("text/csv", "text/tab-separated-values"):
        return show_csv(path, media)
    if media == "application/json":
        return show_json(path, value=file.path == "return/value.json")
    if media == "application/vnd.apache.parquet":
        return _parquet(path)
    if media == "application/x-pickle":
        return show_bytes(path, "A pickle is never opened for a preview, since opening it runs code.")
    return show_text(path, media)


def _image(path: Path, media: str) -> Preview:
    if path.stat().st_size > _LARGEST_IMAGE:
        return show_bytes(path, f"This picture is larger than {_LARGEST_IMAGE >> 20} MB: open it by itself.")
    return ImagePreview(media, base64.b64encode(path.read_bytes()).decode("ascii"))


def _parquet(path: Path) -> Preview:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        return show_bytes(path, "Parquet files are shown where the environment of the engine has pyarrow.")
    try:
        file = parquet.ParquetFile(path)
        batch = next(file.iter_batches(_ROWS, columns=file.schema_arrow.names[:_COLUMNS]), None)
    except Exception as error:  # noqa: BLE001  # pyarrow's errors have no common base but this
        raise BadArrayError(str(error)) from None
    names = file.schema_arrow.names[:_COLUMNS]
    records = [] if batch is None else batch.to_pylist()
    rows = [["" if cell is None else str(cell)[:_CELL] for cell in record.values()] for record in records]
    return TablePreview(names, rows, file.metadata.num_rows)


__all__ = ["list_files", "preview_file"]
