"""A store's folder: made, recognised, or refused."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress

from stageloom._version import STORE_FORMAT
from stageloom.model.classes import dataclass
from stageloom.store.errors import (
    StoreFormatError,
    StoreMissingError,
    StoreUnwritableError,
    explained,
    unreadable,
)
from stageloom.store.files import Files
from stageloom.store.layout import FILES, FOLDERS, VIEWS, Layout

_RESERVE = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Told:
    """Which format a store says it has, None where nothing does, and whether that is written as it should be."""

    format: int | None
    whole: bool = True


def prepare_folder(layout: Layout, files: Files, *, create: bool) -> None:
    """Make sure that there is a store of this format.

    Raises:
        StoreMissingError: there is none, and ``create`` is false.
        StoreFormatError: it is of a newer format, or the folder holds something else.
        StoreUnwritableError: it had to be made, and could not.
    """
    told = _format(layout)
    found = told.format
    if found is None:
        if not create:
            if not told.whole:
                raise _damaged(layout)
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
    elif not told.whole and create:
        with suppress(OSError):  # who cannot write reads all the same
            _write_format(layout, files)


def _format(layout: Layout) -> _Told:
    path = layout.at("format.json")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return _Told(None)
    except PermissionError as error:
        raise StoreUnwritableError(
            f"The store at {layout.root} cannot be read ({error.strerror}).", "Give yourself permission on the folder."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    with suppress(ValueError, KeyError, TypeError):
        value = json.loads(data)
        if type(value["format"]) is int and value.get("check", _check(value["format"])) == _check(value["format"]):
            return _Told(value["format"])
    return _Told(_format_of_journal(layout), whole=False)


def _check(number: int) -> str:
    """Return what stands beside the format, so that one flipped bit does not make it another."""
    return f"{zlib.crc32(str(number).encode('ascii')):08x}"


def _format_of_journal(layout: Layout) -> int | None:
    """Return the newest format that a segment of the journal was begun in; raises StoreFormatError where none tells."""
    from stageloom.store.journal import decode

    formats: list[int] = []
    try:
        segments = sorted(os.listdir(layout.at("journal")))
        for name in segments:
            with open(layout.at("journal", name), "rb") as file:
                event = decode(file.readline(200).rstrip(b"\n"))
            if event is not None and type(event.get("format")) is int:
                formats.append(event["format"])
    except OSError:
        segments = [""]  # it cannot be told
    if segments and not formats:
        raise _damaged(layout)
    return max(formats, default=None)


def _damaged(layout: Layout) -> StoreFormatError:
    return StoreFormatError(
        f"{layout.at('format.json')} is damaged, and so is the journal, so the store's format is unknown.",
        f'If no newer Stageloom has used this store, write {{"format":{STORE_FORMAT}}} into that file.',
    )


def _refuse_foreign(layout: Layout) -> None:
    try:
        foreign = sorted(set(os.listdir(layout.root)) - set(FOLDERS) - set(FILES) - set(VIEWS))
    except OSError:
        return  # it is not there, or making it says what is wrong
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
    _write_format(layout, files)
    files.sync_folder(layout.root)
    files.sync_folder(parent)


def reserve(layout: Layout, files: Files) -> None:
    """Keep a little space that a collection gives up on a full disk, where it could not tell the journal else."""
    with suppress(OSError):
        _write(files, layout, layout.at("cache", "reserve"), os.urandom(_RESERVE), 0o644)


def _write_format(layout: Layout, files: Files) -> None:
    data = json.dumps({"format": STORE_FORMAT, "check": _check(STORE_FORMAT)}).encode("ascii")
    _put(files, layout, layout.at("format.json"), data, 0o444)


def _write(files: Files, layout: Layout, path: str, data: bytes, mode: int) -> None:
    if not os.path.lexists(path):
        _put(files, layout, path, data, mode)


def _put(files: Files, layout: Layout, path: str, data: bytes, mode: int) -> None:
    temporary = layout.at("scratch", f"new-{os.urandom(8).hex()}")
    files.create(temporary, data, sync=True)
    files.chmod(temporary, mode)
    files.rename(temporary, path)
