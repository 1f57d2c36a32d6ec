"""What a stored file looks like, found without NumPy and without ever unpickling."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stageloom.artifacts.media import TABLE, list_files
from stageloom.artifacts.npy import BadArrayError
from stageloom.artifacts.shown_arrays import show_archive, show_array, show_table
from stageloom.artifacts.shown_packages import show_arrow, show_hdf5, show_keras, show_parquet, show_safetensors
from stageloom.artifacts.shown_texts import show_bytes, show_csv, show_json, show_text
from stageloom.rpc.messages import ArtifactFile, Failure, FilePreview, ImagePreview, Preview

_LARGEST_IMAGE = 16 * 1024 * 1024


def preview_file(tree: Path, file: ArtifactFile) -> FilePreview:
    """Return the preview of a file below ``tree``; what goes wrong is told in it, never raised."""
    path = Path(tree) / file.path
    try:
        return FilePreview(file, _preview(path, file))
    except (BadArrayError, zipfile.BadZipFile, ValueError, KeyError, RecursionError) as error:
        return FilePreview(file, show_bytes(path, f"This file cannot be shown as {file.media}: {error}."))
    except OSError as error:
        advice = "Verify the store, or realize the stage again."
        failure = Failure("damaged", f"{file.path} cannot be read: {error.strerror or error}", advice)
        return FilePreview(file, None, failure)


_SHOW: Mapping[str, Callable[[Path], Preview]] = {
    "application/x-npy": show_array,
    TABLE: show_table,
    "application/x-npz": show_archive,
    "application/vnd.apache.parquet": show_parquet,
    "application/vnd.apache.arrow.file": show_arrow,
    "application/x-hdf5": show_hdf5,
    "application/x-safetensors": show_safetensors,
    "application/x-keras": show_keras,
}


def _preview(path: Path, file: ArtifactFile) -> Preview:
    media = file.media
    if media in _SHOW:
        return _SHOW[media](path)
    if media.startswith("image/"):
        return _image(path, media)
    if media in ("text/csv", "text/tab-separated-values"):
        return show_csv(path, media)
    if media == "application/json":
        return show_json(path, value=file.path == "return/value.json")
    if media == "application/x-pickle":
        return show_bytes(path, "A pickle is never opened for a preview, since opening it runs code.")
    return show_text(path, media)


def _image(path: Path, media: str) -> Preview:
    if path.stat().st_size > _LARGEST_IMAGE:
        return show_bytes(path, f"This picture is larger than {_LARGEST_IMAGE >> 20} MB: open it by itself.")
    return ImagePreview(media, base64.b64encode(path.read_bytes()).decode("ascii"))


__all__ = ["list_files", "preview_file"]
