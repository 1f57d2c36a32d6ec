"""What a file is, told by its name: media types, labels, and the order in which files are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from stageloom.artifacts.columns import KINDS
from stageloom.rpc.messages import ArtifactFile

TABLE = "application/x-stageloom-table"
_MEDIA = {
    ".table.npz": TABLE,
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".pickle": "application/x-pickle",
    ".pkl": "application/x-pickle",
    ".joblib": "application/x-pickle",
    ".pt": "application/x-pickle",
    ".pth": "application/x-pickle",
    ".ckpt": "application/x-pickle",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".h5": "application/x-hdf5",
    ".hdf5": "application/x-hdf5",
    ".safetensors": "application/x-safetensors",
    ".keras": "application/x-keras",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".html": "text/html",
    ".xml": "text/xml",
    ".yaml": "text/yaml",
    ".yml": "text/yaml",
    ".toml": "text/x-toml",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
_LANGUAGES = {
    "text/markdown": "markdown",
    "text/x-python": "python",
    "text/html": "html",
    "text/xml": "xml",
    "text/yaml": "yaml",
    "text/x-toml": "toml",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "image/svg+xml": "xml",
}
_VALUE = "return/value.json"
_CODE = "return/code.json"
_NULL = len("null\n")


class _Listed(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...


class _Manifest(Protocol):
    @property
    def files(self) -> Iterable[_Listed]: ...


def media_of(path: str) -> str:
    """Return the media type that a file's name tells."""
    lower = path.lower()
    return next((media for suffix, media in _MEDIA.items() if lower.endswith(suffix)), "application/octet-stream")


def language_of(media: str) -> str:
    """Return VS Code's language id for text of a media type."""
    return _LANGUAGES.get(media, "plaintext")


def label_of(path: str) -> str:
    """Return how a file is shown: a part of the return value by its key, any other file by its path."""
    folder, _, name = path.partition("/")
    if folder != "return" or "/" in name:
        return path
    stem = name.removesuffix(".table.npz") if name.endswith(".table.npz") else name.rpartition(".")[0]
    return "return value" if stem == "value" else stem or name


def list_files(manifest: _Manifest) -> list[ArtifactFile]:
    """Return a tree's files as they are shown: the return value first, without the JSON that only points at it."""
    files = sorted(
        manifest.files, key=lambda file: (not file.path.startswith("return/"), file.path != _VALUE, file.path)
    )
    shown = [file for file in files if not _says_nothing(file, files)]
    return [ArtifactFile(file.path, file.size, label_of(file.path), media_of(file.path)) for file in shown or files]


def _part(file: _Listed) -> str | None:
    return file.path.removeprefix("return/") if file.path.startswith("return/") else None


def _says_nothing(file: _Listed, files: list[_Listed]) -> bool:
    """Whether ``file`` is there for the value's readers alone.

    That is the code of its classes, and its JSON where that holds ``null`` or points at the value's only other file.
    """
    if file.path == _CODE:
        return True
    if file.path != _VALUE:
        return False
    others = [_part(other) or "" for other in files if _part(other) is not None and other.path not in (_VALUE, _CODE)]
    if not others:
        return file.size == _NULL
    if len(others) != 1 or not others[0].startswith("value."):
        return False
    return file.size in [len(f"{form}\n") for form in _pointers(others[0])]


def _pointers(name: str) -> Iterator[str]:
    """Yield the texts of a value that is all in one file."""
    yield from (f'{{"{tag}":"{name}"}}' for tag in ("$file", "$image", "$keras"))
    yield from (f'{{"$columns":"{kind}","file":"{name}"}}' for kind in KINDS)
