"""A store's folder: made, recognised, or refused."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from stageloom._version import STORE_FORMAT
from stageloom.store.errors import StoreFormatError, StoreMissingError, StoreUnwritableError, explained
from stageloom.store.files import Files
from stageloom.store.layout import FILES, FOLDERS, VIEWS, Layout

_RESERVE = 64 * 1024


def prepare_folder(layout: Layout, files: Files, *, create: bool) -> None:
    """Make sure that there is a store of this format.

    Raises:
        StoreMissingError: there is none, and ``create`` is false.
        StoreFormatError: it is of a newer format, or the folder holds something else.
        StoreUnwritableError: it had to be made, and could not.
    """
    found = _format(layout)
    if found is None:
        if not create:
            raise StoreMissingError(f"There is no store at {layout.root}.", "Realize a stage to make one.")
        _refuse_foreign(layout)
        with explained(layout.root):
            _make(layout, files)
    elif found > STORE_FORMAT:
        raise StoreFormatError(
            f"The store at {layout.root} has format {found}; this version of Stageloom reads formats up to "
            f"{STORE_FORMAT}.",
            "Update Stageloom, or choose another folder for the store.",
        )
    elif found < STORE_FORMAT:
        raise StoreFormatError(
            f"The store at {layout.root} has the unknown format {found}.", "Choose another folder for the store."
        )


def _format(layout: Layout) -> int | None:
    path = layout.at("format.json")
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())["format"]
        if type(value) is int:
            return value
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise StoreUnwritableError(
            f"The store at {layout.root} cannot be read ({error.strerror}).", "Give yourself permission on the folder."
        ) from error
    except (ValueError, KeyError, TypeError):
        pass  # said below
    raise StoreFormatError(
        f"{path} is damaged, so the store's format is unknown.",
        f'If no newer Stageloom has used this store, write {{"format":{STORE_FORMAT}}} into that file.',
    )


def _refuse_foreign(layout: Layout) -> None:
    try:
        foreign = sorted(set(os.listdir(layout.root)) - set(FOLDERS) - set(FILES) - set(VIEWS))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # making it says what is wrong
    if foreign:
        raise StoreFormatError(
            f"{layout.root} is not a store and holds other files ({foreign[0]!r}, for one).",
            "Choose an empty or a new folder for the store.",
        )


def _make(layout: Layout, files: Files) -> None:
    for name in FOLDERS:
        files.mkdir(layout.at(name))
    parent = os.path.dirname(layout.root)
    if os.path.basename(parent) == ".stageloom":
        _write(files, layout, os.path.join(parent, ".gitignore"), b"*\n", 0o644)
    reserve(layout, files)
    # Last: what has it is a whole store.
    _write(files, layout, layout.at("format.json"), json.dumps({"format": STORE_FORMAT}).encode("ascii"), 0o444)
    files.sync_folder(layout.root)
    files.sync_folder(parent)


def reserve(layout: Layout, files: Files) -> None:
    """Keep a little space that a collection gives up on a full disk, where it could not tell the journal else."""
    with suppress(OSError):
        _write(files, layout, layout.at("cache", "reserve"), os.urandom(_RESERVE), 0o644)


def _write(files: Files, layout: Layout, path: str, data: bytes, mode: int) -> None:
    if os.path.lexists(path):
        return
    temporary = layout.at("scratch", f"new-{os.urandom(8).hex()}")
    files.create(temporary, data, sync=True)
    files.chmod(temporary, mode)
    files.rename(temporary, path)
